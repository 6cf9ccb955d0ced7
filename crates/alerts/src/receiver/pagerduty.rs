//! PagerDuty: what fires triggers an incident, taking it acknowledges the incident, its end resolves it. Both versions of
//! its events; they say the same in other fields.

use std::collections::BTreeMap;

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Diagnostic, MapReader};
use bellwether_model::TimeDelta;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::needs::{api_url, missing, optional_secret};
use super::{Base, Kind, Part, Said, cut_chars, plain_text, text, timeout, tree};
use crate::fields::items;
use crate::{HttpConfig, Reason, SecretSource, Status};

/// Where events of version 2 go.
const URL_V2: &str = "https://events.pagerduty.com/v2/enqueue";
/// How an address of version 2 ends, also at a server of one's own.
const PATH_V2: &str = "/v2/enqueue";
/// Where events of version 1 go.
const URL_V1: &str = "https://events.pagerduty.com/generic/2010-04-15/create_event.json";
/// Both versions cut what stands on the telephone at this.
const SUMMARY_CHARS_MAX: usize = 1024;
/// A larger event is refused: 512 KB, less what the key needs.
const EVENT_BYTES_MAX: usize = 512_000 - 1024;

/// Fields whose texts are templates.
pub(super) const TEXTS: &[&str] = &[
    "class",
    "client",
    "client_url",
    "component",
    "description",
    "group",
    "routing_key",
    "service_key",
    "severity",
    "source",
];

/// A service of PagerDuty. All texts are templates.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields are PagerDuty's own
pub struct PagerdutyConfig {
    pub key: PagerdutyKey,
    /// Where events go.
    pub url: String,
    pub http: HttpConfig,
    pub client: String,
    pub client_url: String,
    pub description: String,
    pub severity: String,
    pub source: String,
    pub class: String,
    pub component: String,
    pub group: String,
    /// By name; texts that render to JSON become what they say.
    pub details: BTreeMap<String, Value>,
    pub images: Vec<PagerdutyImage>,
    pub links: Vec<PagerdutyLink>,
    pub timeout: Option<TimeDelta>,
}

/// The key of an integration, which says the version of the events.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PagerdutyKey {
    /// Version 2.
    Routing(SecretSource),
    /// Version 1.
    Service(SecretSource),
}

/// A picture shown with an incident.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct PagerdutyImage {
    pub src: String,
    pub alt: String,
    pub href: String,
}

/// A link shown with an incident.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct PagerdutyLink {
    pub href: String,
    pub text: String,
}

impl Kind for PagerdutyConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        let expand = |text: &str| said.expand(text);
        let details = self.details.iter().map(|(name, value)| {
            let value = tree::render(value, &expand)?;
            Ok((name.clone(), value))
        });
        let mut details = details.collect::<Result<Map<_, _>, String>>()?;
        details.extend(said.notice().map(|notice| ("instead_of".to_owned(), notice.into())));
        let summary = said.expand(&self.description)?;
        let event = match self.key {
            PagerdutyKey::Routing(_) => self.event_v2(said, Told { summary, details }, &expand)?,
            PagerdutyKey::Service(_) => self.event_v1(said, Told { summary, details }, &expand)?,
        };
        Ok(vec![fitting(event, said)])
    }

    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        let (summary, facts) = plain_text(said.notification);
        let details = json!({ "alerts": facts, "template_error": why });
        let Value::Object(details) = details else { return Vec::new() };
        let told = Told { summary, details };
        // A text that is no template cannot fail; what is left empty has a default at PagerDuty's end or in ours.
        let literal = |text: &str| Ok(if text.contains("{{") { String::new() } else { text.to_owned() });
        let event = match self.key {
            PagerdutyKey::Routing(_) => self.event_v2(said, told, &literal),
            PagerdutyKey::Service(_) => self.event_v1(said, told, &literal),
        };
        event.into_iter().map(|event| fitting(event, said)).collect()
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let (PagerdutyKey::Routing(key) | PagerdutyKey::Service(key)) = &mut self.key;
        self.http.secret_files_mut().into_iter().chain(key.file_mut()).collect()
    }

    fn hears_acks(&self) -> bool {
        true
    }
}

/// What an event says, whatever its version.
struct Told {
    summary: String,
    details: Map<String, Value>,
}

/// Turns a template into text, or says why it cannot.
type Expand<'a> = &'a dyn Fn(&str) -> Result<String, String>;

impl PagerdutyConfig {
    fn event_v2(&self, said: &Said<'_>, told: Told, expand: Expand<'_>) -> Result<Value, String> {
        let action = action(said);
        let mut event = Map::new();
        event.insert("event_action".into(), action.into());
        event.insert("dedup_key".into(), said.alias().into());
        if action == "acknowledge" {
            return Ok(Value::Object(event));
        }
        let mut payload = Map::new();
        payload.insert("summary".into(), cut_chars(&told.summary, SUMMARY_CHARS_MAX).into());
        let source = expand(&self.source)?;
        let source = if source.is_empty() { said.external_url.to_owned() } else { source };
        payload.insert("source".into(), source.into());
        payload.insert("severity".into(), severity(&expand(&self.severity)?).into());
        if let Some(since) = said.notification.with_status(Status::Firing).map(|alert| alert.starts_at).min()
        {
            payload.insert("timestamp".into(), since.to_string().into());
        }
        for (name, template) in
            [("class", &self.class), ("component", &self.component), ("group", &self.group)]
        {
            put(&mut payload, name, expand(template)?);
        }
        if !told.details.is_empty() {
            payload.insert("custom_details".into(), Value::Object(told.details));
        }
        event.insert("payload".into(), Value::Object(payload));
        put(&mut event, "client", expand(&self.client)?);
        put(&mut event, "client_url", expand(&self.client_url)?);
        put_list(&mut event, "images", self.images.iter().map(|image| image.render(expand)))?;
        put_list(&mut event, "links", self.links.iter().map(|link| link.render(expand)))?;
        Ok(Value::Object(event))
    }

    fn event_v1(&self, said: &Said<'_>, told: Told, expand: Expand<'_>) -> Result<Value, String> {
        let action = action(said);
        let mut event = Map::new();
        event.insert("event_type".into(), action.into());
        event.insert("incident_key".into(), said.alias().into());
        put(&mut event, "description", cut_chars(&told.summary, SUMMARY_CHARS_MAX));
        event.insert("details".into(), Value::Object(told.details));
        if action == "trigger" {
            put(&mut event, "client", expand(&self.client)?);
            put(&mut event, "client_url", expand(&self.client_url)?);
        }
        Ok(Value::Object(event))
    }
}

/// What PagerDuty is to do. It knows no way back from an acknowledgement: what nobody has any more fires anew.
fn action(said: &Said<'_>) -> &'static str {
    match (said.notification.status(), said.notification.reason) {
        (Status::Resolved, _) => "resolve",
        (Status::Firing, Reason::Acknowledged) => "acknowledge",
        (
            Status::Firing,
            Reason::First
            | Reason::NewAlerts
            | Reason::ResolvedGrew
            | Reason::AllResolved
            | Reason::Repeat
            | Reason::Retry
            | Reason::Collapsed
            | Reason::Restart
            | Reason::Unacknowledged
            | Reason::AckExpired
            | Reason::Fallback
            | Reason::Drill,
        ) => "trigger",
    }
}

/// One of the four severities PagerDuty knows; it refuses an event with any other word, and nobody would be woken.
fn severity(text: &str) -> &'static str {
    match text.trim().to_lowercase().as_str() {
        "critical" | "crit" | "page" | "fatal" | "emergency" | "emerg" | "disaster" | "p1" | "sev1" => {
            "critical"
        }
        "warning" | "warn" | "ticket" | "minor" | "low" | "p3" | "sev3" => "warning",
        "info" | "informational" | "information" | "notice" | "debug" | "none" | "ok" | "p4" | "p5" => "info",
        _ => "error",
    }
}

/// An event that PagerDuty takes: without its details if they are too large, but with where they are.
fn fitting(mut event: Value, said: &Said<'_>) -> Part {
    let text = event.to_string();
    if text.len() <= EVENT_BYTES_MAX {
        return Part::json(text);
    }
    let note = json!({
        "error": format!("the details are left out: with them the event has {} bytes, more than PagerDuty takes", text.len()),
        "all_alerts": said.page_url(),
    });
    match event.get_mut("payload") {
        Some(payload) => payload["custom_details"] = note,
        None => event["details"] = note,
    }
    Part::json(event.to_string())
}

impl PagerdutyImage {
    /// Without an address there is no picture.
    fn render(&self, expand: Expand<'_>) -> Result<Option<Value>, String> {
        let (src, alt, href) = (expand(&self.src)?, expand(&self.alt)?, expand(&self.href)?);
        Ok((!src.is_empty()).then(|| json!({ "src": src, "alt": alt, "href": href })))
    }
}

impl PagerdutyLink {
    fn render(&self, expand: Expand<'_>) -> Result<Option<Value>, String> {
        let (href, text) = (expand(&self.href)?, expand(&self.text)?);
        Ok((!href.is_empty()).then(|| json!({ "href": href, "text": text })))
    }
}

fn put(map: &mut Map<String, Value>, name: &str, text: String) {
    if !text.is_empty() {
        map.insert(name.to_owned(), Value::String(text));
    }
}

fn put_list(
    map: &mut Map<String, Value>,
    name: &str,
    values: impl Iterator<Item = Result<Option<Value>, String>>,
) -> Result<(), String> {
    let values: Vec<Value> = values.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    if !values.is_empty() {
        map.insert(name.to_owned(), Value::Array(values));
    }
    Ok(())
}

/// Reads an item of `pagerduty_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<PagerdutyConfig> {
    let errors_before = cx.out.error_count();
    let service = optional_secret(map, "service_key", "service_key_file", cx).map(PagerdutyKey::Service);
    let routing = optional_secret(map, "routing_key", "routing_key_file", cx).map(PagerdutyKey::Routing);
    if service.is_some() && routing.is_some() {
        let at = if map.has("routing_key") { "routing_key" } else { "routing_key_file" };
        cx.warning(map.key_span(at), "a service key is written too, and counts; this one is not used");
    }
    let key = service.or(routing);
    if key.is_none() && cx.out.error_count() == errors_before {
        missing(map, "no PagerDuty key", "write routing_key or routing_key_file", cx);
    }
    let (global, usual) = usual_urls(key.as_ref(), base);
    let url = api_url(map, "url", global, usual, cx);
    if let Some(PagerdutyKey::Service(_)) = key {
        key_of_other_version(map, base, cx);
    }
    let client = text(map, "client", r#"{{ template "pagerduty.default.client" . }}"#, cx);
    let source: Option<String> = map.optional("source", cx);
    let severity: Option<String> = map.optional("severity", cx);
    let config = PagerdutyConfig {
        url,
        key: key?,
        http: base.http.clone(),
        source: source.filter(|source| !source.is_empty()).unwrap_or_else(|| client.clone()),
        client,
        client_url: text(map, "client_url", r#"{{ template "pagerduty.default.clientURL" . }}"#, cx),
        description: text(map, "description", r#"{{ template "pagerduty.default.description" . }}"#, cx),
        severity: severity.filter(|text| !text.is_empty()).unwrap_or_else(|| "error".to_owned()),
        class: text(map, "class", "", cx),
        component: text(map, "component", "", cx),
        group: text(map, "group", "", cx),
        details: details(map, cx)?,
        images: items(map.node("images"), cx, image),
        links: items(map.node("links"), cx, link),
        timeout: timeout(map, cx),
    };
    Some(config)
}

/// An address under `global` is that of version 2, unless it is that of a server of one's own, which takes both.
fn usual_urls<'b>(key: Option<&PagerdutyKey>, base: &'b Base<'_>) -> (Option<&'b String>, &'static str) {
    let global = base.global.and_then(|global| global.pagerduty_url.as_ref());
    match key {
        Some(PagerdutyKey::Service(_)) => (global.filter(|url| !is_v2(url)), URL_V1),
        Some(PagerdutyKey::Routing(_)) | None => (global, URL_V2),
    }
}

/// Whether an address is that of version 2.
fn is_v2(url: &str) -> bool {
    url.trim_end_matches('/').ends_with(PATH_V2)
}

/// Events of version 1 are refused at an address of version 2, and that one under `global` is passed over for them.
fn key_of_other_version(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) {
    let own = map.node("url").filter(|url| url.as_text().is_some_and(|text| !text.is_empty()));
    let name = if map.has("service_key") { "service_key" } else { "service_key_file" };
    let help = "write routing_key with the key of an integration of \"Events API v2\" instead of it";
    let (span, message) = match own {
        Some(url) if url.as_text().is_some_and(is_v2) => {
            let message =
                format!("{name} is a key of events of version 1, and this address takes those of version 2");
            (url.span, message)
        }
        None if base.global.and_then(|global| global.pagerduty_url.as_deref()).is_some_and(is_v2) => {
            let message = format!(
                "{name} is a key of events of version 1: they go to {URL_V1}, not to pagerduty_url under global"
            );
            (map.key_span(name), message)
        }
        Some(_) | None => return,
    };
    cx.push(Diagnostic::warning("pagerduty-version", span, message).with_help(help));
}

/// The details that are written, and Alertmanager's under the names that are not.
fn details(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<BTreeMap<String, Value>> {
    let defaults = [
        ("firing", "{{ .Alerts.Firing | toJson }}"),
        ("num_firing", "{{ .Alerts.Firing | len }}"),
        ("num_resolved", "{{ .Alerts.Resolved | len }}"),
        ("resolved", "{{ .Alerts.Resolved | toJson }}"),
    ];
    let mut details: BTreeMap<String, Value> =
        defaults.iter().map(|(name, text)| ((*name).to_owned(), Value::from(*text))).collect();
    let Some(node) = map.node("details").filter(|node| !node.is_null()) else { return Some(details) };
    match tree::read(node, cx)? {
        Value::Object(written) => details.extend(written),
        _ => {
            cx.error_help(node.span, "details are a mapping", "write them as `name: text` lines");
            return None;
        }
    }
    Some(details)
}

fn image(node: &Node, cx: &mut Cx<'_>) -> Option<PagerdutyImage> {
    let mut map = MapReader::open(node, cx)?;
    let image = PagerdutyImage {
        src: text(&mut map, "src", "", cx),
        alt: text(&mut map, "alt", "", cx),
        href: text(&mut map, "href", "", cx),
    };
    map.finish(cx);
    Some(image)
}

fn link(node: &Node, cx: &mut Cx<'_>) -> Option<PagerdutyLink> {
    let mut map = MapReader::open(node, cx)?;
    let link = PagerdutyLink { href: text(&mut map, "href", "", cx), text: text(&mut map, "text", "", cx) };
    map.finish(cx);
    Some(link)
}
