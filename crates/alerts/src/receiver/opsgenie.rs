//! Opsgenie, and Jira Service Management, which answers to the same calls elsewhere: an alert per group, found again by
//! its alias, which is closed at the end and acknowledged when somebody takes the group.

use std::collections::BTreeMap;

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, MapReader, Spanned};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::limit::cut_chars_with_link;
use super::needs::{api_url, missing, secret_or_global};
use super::{Base, Global, Kind, Part, Said, cut_chars, plain_text, text};
use crate::connection::AddressFields;
use crate::fields::items;
use crate::{HttpConfig, Reason, SecretSource, Status};

/// Where its calls are unless configured otherwise.
const URL: &str = "https://api.opsgenie.com/";
/// What its documentation of the alert API says about each field.
const MESSAGE_CHARS_MAX: usize = 130;
const DESCRIPTION_CHARS_MAX: usize = 15_000;
const NOTE_CHARS_MAX: usize = 25_000;
const SOURCE_CHARS_MAX: usize = 512;
const ENTITY_CHARS_MAX: usize = 512;
const USER_CHARS_MAX: usize = 100;
const TAGS_MAX: usize = 20;
const ACTIONS_MAX: usize = 10;
const WORD_CHARS_MAX: usize = 50;
/// Names and values of all details together.
const DETAILS_CHARS_MAX: usize = 8000;
/// Kinds of responder.
const RESPONDER_TYPES: [&str; 5] = ["team", "teams", "user", "escalation", "schedule"];

/// Fields whose texts are templates.
pub(super) const TEXTS: &[&str] =
    &["actions", "api_key", "description", "entity", "message", "note", "priority", "source", "tags"];

/// An integration of Opsgenie. All texts are templates.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields are Opsgenie's own
pub struct OpsgenieConfig {
    pub key: SecretSource,
    /// Where its calls are; ends with a slash.
    pub url: String,
    pub http: HttpConfig,
    pub message: String,
    pub description: String,
    pub source: String,
    pub details: BTreeMap<String, String>,
    pub entity: String,
    pub responders: Vec<OpsgenieResponder>,
    pub actions: String,
    pub tags: String,
    pub note: String,
    pub priority: String,
    /// Whether message and description of an open alert follow the group.
    pub update_alerts: bool,
}

/// Who is called.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct OpsgenieResponder {
    pub id: String,
    pub name: String,
    pub username: String,
    pub kind: String,
}

impl Kind for OpsgenieConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        self.parts(said, None, &|text| said.expand(text))
    }

    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        let (message, facts) = plain_text(said.notification);
        let description = format!("{facts}\n\nplain text, because the receiver's template failed: {why}");
        // A text that is no template cannot fail.
        let literal = |text: &str| Ok(if text.contains("{{") { String::new() } else { text.to_owned() });
        self.parts(said, Some((message, description)), &literal).unwrap_or_default()
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        self.http.secret_files_mut().into_iter().chain(self.key.file_mut()).collect()
    }

    fn hears_acks(&self) -> bool {
        true
    }
}

/// Turns a template into text, or says why it cannot.
type Expand<'a> = &'a dyn Fn(&str) -> Result<String, String>;

impl OpsgenieConfig {
    fn parts(
        &self,
        said: &Said<'_>,
        plain: Option<(String, String)>,
        expand: Expand<'_>,
    ) -> Result<Vec<Part>, String> {
        let source = cut_chars(&expand(&self.source)?, SOURCE_CHARS_MAX);
        let (message, description) = match plain {
            Some(texts) => texts,
            None => (expand(&self.message)?, expand(&self.description)?),
        };
        let on_alert = |call: &str, body: Value| {
            let path = format!("v2/alerts/{}/{call}?identifierType=alias", said.alias());
            Part::json_to(path, body.to_string())
        };
        let notification = said.notification;
        if notification.status() == Status::Resolved {
            return Ok(vec![on_alert("close", json!({ "source": source }))]);
        }
        let message = cut_chars(&message, MESSAGE_CHARS_MAX);
        let description = match said.notice() {
            Some(notice) => format!("{notice}\n\n{description}"),
            None => description,
        };
        let description = cut_chars_with_link(&description, DESCRIPTION_CHARS_MAX, &said.page_url());
        let create = || -> Result<Part, String> {
            let body = self.creation(said, &message, &description, &source, expand)?;
            Ok(Part::json_to("v2/alerts", body.to_string()))
        };
        Ok(match notification.reason {
            Reason::Acknowledged => {
                let by = notification.acked_by.as_ref();
                let user = by.map(|acked| acked.by.join(", ")).unwrap_or_default();
                let mut body = Map::new();
                put(&mut body, "user", cut_chars(&user, USER_CHARS_MAX));
                put(&mut body, "source", source);
                let note = by.map(|acked| acked.note.as_str()).unwrap_or_default();
                put(&mut body, "note", cut_chars(note, NOTE_CHARS_MAX));
                vec![on_alert("acknowledge", Value::Object(body))]
            }
            Reason::Unacknowledged => vec![on_alert("unacknowledge", json!({ "source": source }))],
            // Open again first, so that the creation is a reminder of an alert that is nobody's.
            Reason::AckExpired => {
                vec![on_alert("unacknowledge", json!({ "source": source })), create()?]
            }
            Reason::First
            | Reason::NewAlerts
            | Reason::ResolvedGrew
            | Reason::AllResolved
            | Reason::Repeat
            | Reason::Retry
            | Reason::Collapsed
            | Reason::Restart
            | Reason::Fallback
            | Reason::Drill => {
                let mut parts = vec![create()?];
                if self.update_alerts {
                    parts.push(on_alert("message", json!({ "message": message })));
                    parts.push(on_alert("description", json!({ "description": description })));
                }
                parts
            }
        })
    }

    fn creation(
        &self,
        said: &Said<'_>,
        message: &str,
        description: &str,
        source: &str,
        expand: Expand<'_>,
    ) -> Result<Value, String> {
        let mut body = Map::new();
        body.insert("alias".into(), said.alias().into());
        body.insert("message".into(), message.into());
        put(&mut body, "description", description.to_owned());
        body.insert("details".into(), Value::Object(self.details(said, expand)?));
        body.insert("source".into(), source.into());
        let responders: Vec<Value> =
            self.responders.iter().map(|r| r.render(expand)).collect::<Result<Vec<_>, _>>()?.concat();
        put_list(&mut body, "responders", responders);
        put_list(&mut body, "tags", words(&expand(&self.tags)?, TAGS_MAX));
        put(&mut body, "note", cut_chars(&expand(&self.note)?, NOTE_CHARS_MAX));
        put(&mut body, "priority", expand(&self.priority)?);
        put(&mut body, "entity", cut_chars(&expand(&self.entity)?, ENTITY_CHARS_MAX));
        put_list(&mut body, "actions", words(&expand(&self.actions)?, ACTIONS_MAX));
        Ok(Value::Object(body))
    }

    /// The labels all alerts share, and what is configured; as much of it as is taken.
    fn details(&self, said: &Said<'_>, expand: Expand<'_>) -> Result<Map<String, Value>, String> {
        let common = said.notification.common_labels();
        let mut details: BTreeMap<String, String> =
            common.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        for (name, template) in &self.details {
            details.insert(name.clone(), expand(template)?);
        }
        let mut left = DETAILS_CHARS_MAX;
        let mut fitting = Map::new();
        for (name, value) in details {
            let chars = name.chars().count() + value.chars().count();
            if chars > left {
                continue;
            }
            left -= chars;
            fitting.insert(name, value.into());
        }
        Ok(fitting)
    }
}

impl OpsgenieResponder {
    /// One, or as many as the teams that are named; none when all of it is empty.
    fn render(&self, expand: Expand<'_>) -> Result<Vec<Value>, String> {
        let (id, name, username) = (expand(&self.id)?, expand(&self.name)?, expand(&self.username)?);
        let kind = expand(&self.kind)?.to_lowercase();
        if kind == "teams" {
            let teams = name.trim().split(',').map(str::trim).filter(|team| !team.is_empty());
            return Ok(teams.map(|team| json!({ "name": team, "type": "team" })).collect());
        }
        if id.is_empty() && name.is_empty() && username.is_empty() {
            return Ok(Vec::new());
        }
        let mut responder = Map::new();
        put(&mut responder, "id", id);
        put(&mut responder, "name", name);
        put(&mut responder, "username", username);
        responder.insert("type".into(), kind.into());
        Ok(vec![Value::Object(responder)])
    }
}

/// Words between commas, as many and as long as are taken.
fn words(text: &str, max: usize) -> Vec<Value> {
    let words = text.trim().split(',').filter(|word| !word.is_empty());
    words.take(max).map(|word| cut_chars(word, WORD_CHARS_MAX).into()).collect()
}

fn put(map: &mut Map<String, Value>, name: &str, text: String) {
    if !text.is_empty() {
        map.insert(name.to_owned(), Value::String(text));
    }
}

fn put_list(map: &mut Map<String, Value>, name: &str, list: Vec<Value>) {
    if !list.is_empty() {
        map.insert(name.to_owned(), Value::Array(list));
    }
}

/// Reads an item of `opsgenie_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<OpsgenieConfig> {
    let fields = AddressFields { url: "api_key", file: "api_key_file" };
    let global = ("opsgenie_api_key", |global: &Global| global.opsgenie_key.clone());
    let key = secret_or_global(map, fields, global, base, cx);
    let url = api_url(map, "api_url", base.global.and_then(|g| g.opsgenie_url.as_ref()), URL, cx);
    let config = OpsgenieConfig {
        key: key.clone().unwrap_or_else(|| SecretSource::File(String::new())),
        url: format!("{}/", url.trim_end_matches('/')),
        http: base.http.clone(),
        message: text(map, "message", r#"{{ template "opsgenie.default.message" . }}"#, cx),
        description: text(map, "description", r#"{{ template "opsgenie.default.description" . }}"#, cx),
        source: text(map, "source", r#"{{ template "opsgenie.default.source" . }}"#, cx),
        details: map.optional("details", cx).unwrap_or_default(),
        entity: text(map, "entity", "", cx),
        responders: items(map.node("responders"), cx, responder),
        actions: text(map, "actions", "", cx),
        tags: text(map, "tags", "", cx),
        note: text(map, "note", "", cx),
        priority: text(map, "priority", "", cx),
        update_alerts: map.optional("update_alerts", cx).unwrap_or(false),
    };
    key.map(|_| config)
}

fn responder(node: &Node, cx: &mut Cx<'_>) -> Option<OpsgenieResponder> {
    let mut map = MapReader::open(node, cx)?;
    let kind: Option<Spanned<String>> = map.optional("type", cx);
    let responder = OpsgenieResponder {
        id: text(&mut map, "id", "", cx),
        name: text(&mut map, "name", "", cx),
        username: text(&mut map, "username", "", cx),
        kind: kind.as_ref().map(|kind| kind.value.clone()).unwrap_or_default(),
    };
    if responder.id.is_empty() && responder.name.is_empty() && responder.username.is_empty() {
        missing(&map, "a responder without a name", "write id, name or username", cx);
    }
    let is_known = RESPONDER_TYPES.contains(&responder.kind.to_lowercase().as_str());
    if !is_known && !responder.kind.contains("{{") {
        let span = kind.map_or_else(|| map.span_first_line(cx), |kind| kind.span);
        let help = format!("write one of {}", RESPONDER_TYPES.join(", "));
        cx.error_help(span, format!("type {:?} is no kind of responder", responder.kind), help);
    }
    map.finish(cx);
    Some(responder)
}
