//! Alertmanagers that are there already and are handed every alert: Prometheus' `alerting` section, and our own
//! `alertmanagers`, which says the same in fewer words.
//!
//! What would change the alerts on their way is refused: dropping an alert that Prometheus would have kept, or the
//! other way round, is nothing to find out in an incident.

use bellwether_alerts::HttpConfig;
use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Decode, MapReader, Span, Spanned};
use bellwether_model::TimeDelta;

use super::discoveries::DISCOVERIES;

/// One member of a cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertmanagerMember {
    /// Where its API begins, e.g. `http://am-1:9093/prefix`; holds no secret.
    pub url: String,
    /// How long a request may take.
    pub timeout: TimeDelta,
    /// How it is reached.
    pub http: HttpConfig,
}

/// How long a request may take unless stated otherwise. Prometheus' default.
const TIMEOUT_DEFAULT: TimeDelta = TimeDelta(10_000);

/// Fields that say how a member is reached.
const HTTP_FIELDS: [&str; 14] = [
    "basic_auth",
    "authorization",
    "bearer_token",
    "bearer_token_file",
    "oauth2",
    "tls_config",
    "proxy_url",
    "no_proxy",
    "proxy_from_environment",
    "proxy_connect_header",
    "follow_redirects",
    "enable_http2",
    "http_headers",
    "sigv4",
];

/// What Prometheus can do between an alert and an Alertmanager, and we do not.
const CHANGES: [&str; 2] = ["alert_relabel_configs", "relabel_configs"];

/// Prometheus' `alerting` section.
pub fn alerting(node: &Node, cx: &mut Cx<'_>) -> Vec<AlertmanagerMember> {
    let Some(mut map) = MapReader::open(node, cx) else { return Vec::new() };
    let clusters = map.node("alertmanagers");
    refuse(&mut map, &CHANGES[..1], cx);
    map.finish(cx);
    let clusters = clusters.map(|node| list(node, "Alertmanager clusters", cx)).unwrap_or_default();
    clusters.into_iter().flat_map(|node| cluster(node, cx)).collect()
}

fn cluster(node: &Node, cx: &mut Cx<'_>) -> Vec<AlertmanagerMember> {
    let Some(mut map) = MapReader::open(node, cx) else { return Vec::new() };
    let scheme: Option<Spanned<String>> = map.optional("scheme", cx);
    let prefix: String = map.optional("path_prefix", cx).unwrap_or_default();
    let version: Option<Spanned<String>> = map.optional("api_version", cx);
    if let Some(version) = version.filter(|version| version.value != "v2") {
        cx.error_help(
            version.span,
            format!("no Alertmanager of today speaks {:?}", version.value),
            "write v2",
        );
    }
    let scheme = match scheme.as_ref().map(|scheme| scheme.value.as_str()) {
        None | Some("http") => "http",
        Some("https") => "https",
        Some(other) => {
            let span = scheme.as_ref().map_or(node.span, |scheme| scheme.span);
            cx.error_help(span, format!("unknown scheme {other:?}"), "write http or https");
            return Vec::new();
        }
    };
    refuse(&mut map, &CHANGES, cx);
    refuse(&mut map, &DISCOVERIES, cx);
    let groups =
        map.node("static_configs").map(|node| list(node, "static configurations", cx)).unwrap_or_default();
    let reached = reached(&mut map, node, cx);
    map.finish(cx);
    let targets: Vec<Spanned<String>> = groups.into_iter().flat_map(|group| targets(group, cx)).collect();
    let Some(reached) = reached else { return Vec::new() };
    let prefix = prefix.trim_matches('/');
    let members = targets.into_iter().filter_map(|target| {
        let host = target.value.as_str();
        if host.contains('/') || host.contains('@') || host.is_empty() {
            let help = "write it like alertmanager:9093; scheme and path_prefix are settings of the cluster";
            cx.error_help(target.span, format!("{host:?} is not host:port"), help);
            return None;
        }
        let url = format!("{scheme}://{host}/{prefix}");
        Some(AlertmanagerMember { url: url.trim_end_matches('/').to_owned(), ..reached.clone() })
    });
    members.collect()
}

fn targets(node: &Node, cx: &mut Cx<'_>) -> Vec<Spanned<String>> {
    let Some(mut map) = MapReader::open(node, cx) else { return Vec::new() };
    let targets = map.required("targets", cx).unwrap_or_default();
    map.ignore(&["labels"]); // only what relabels reads them
    map.finish(cx);
    targets
}

/// Our own `alertmanagers`: addresses, or mappings with an address and how it is reached.
pub fn alertmanagers(node: &Node, cx: &mut Cx<'_>) -> Vec<AlertmanagerMember> {
    list(node, "Alertmanagers", cx).into_iter().filter_map(|item| member(item, cx)).collect()
}

fn member(node: &Node, cx: &mut Cx<'_>) -> Option<AlertmanagerMember> {
    if let Value::Scalar(text) = &node.value {
        let url = checked_url(&text.text, node.span, cx)?;
        return Some(AlertmanagerMember { url, timeout: TIMEOUT_DEFAULT, http: HttpConfig::default() });
    }
    let mut map = MapReader::open(node, cx)?;
    let url: Option<Spanned<String>> = map.required("url", cx);
    refuse(&mut map, &CHANGES, cx);
    let reached = reached(&mut map, node, cx);
    map.finish(cx);
    let url = url.and_then(|url| checked_url(&url.value, url.span, cx))?;
    Some(AlertmanagerMember { url, ..reached? })
}

fn checked_url(text: &str, span: Span, cx: &mut Cx<'_>) -> Option<String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let Some(rest) = rest.filter(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace)) else {
        cx.error_help(span, format!("{text:?} is not a URL"), "write it like http://alertmanager:9093");
        return None;
    };
    let host = rest.split('/').next().unwrap_or(rest);
    if host.contains('@') {
        cx.error_help(
            span,
            "a URL is shown to everybody and holds no password",
            "write basic_auth: beside url:",
        );
        return None;
    }
    if let Some(at) = rest.find("/api/v") {
        let url = &text[..text.len() - rest.len() + at];
        cx.error_help(
            span,
            format!("{text:?} names a call"),
            format!("write where the server begins: {url}"),
        );
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}

/// How a member is reached; its address is not known yet.
fn reached(map: &mut MapReader<'_>, node: &Node, cx: &mut Cx<'_>) -> Option<AlertmanagerMember> {
    let timeout: Option<Spanned<TimeDelta>> = map.optional("timeout", cx);
    if let Some(timeout) = timeout.as_ref().filter(|timeout| timeout.value <= TimeDelta::ZERO) {
        cx.error_help(timeout.span, "a timeout of nothing reaches nobody", "write a duration such as 10s");
    }
    map.ignore(&HTTP_FIELDS);
    let entries = node.as_mapping().unwrap_or(&[]).iter();
    let of_http = entries.filter(|(key, _)| key.as_text().is_some_and(|key| HTTP_FIELDS.contains(&key)));
    let http = Node { span: node.span, value: Value::Mapping(of_http.cloned().collect()) };
    Some(AlertmanagerMember {
        url: String::new(),
        timeout: timeout.map_or(TIMEOUT_DEFAULT, |timeout| timeout.value),
        http: HttpConfig::decode(&http, cx)?,
    })
}

fn list<'n>(node: &'n Node, what: &str, cx: &mut Cx<'_>) -> Vec<&'n Node> {
    match &node.value {
        Value::Null => Vec::new(),
        Value::Sequence(items) => items.iter().collect(),
        Value::Scalar(_) | Value::Mapping(_) => {
            cx.error_help(node.span, format!("expected a list of {what}"), "write each as an item: `- `");
            Vec::new()
        }
    }
}

fn refuse(map: &mut MapReader<'_>, names: &[&'static str], cx: &mut Cx<'_>) {
    for name in names {
        if let Some((key, _)) = map.entry(name) {
            let message =
                format!("{name} is Prometheus', but Bellwether does not honour it for Alertmanagers");
            let help = match CHANGES.contains(name) {
                true => "remove it; alerts are handed over as they are",
                false => "write the members under static_configs",
            };
            cx.error_help(key.span, message, help);
        }
    }
}
