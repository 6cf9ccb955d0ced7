//! Alertmanagers that are there already and are handed every alert: Prometheus' `alerting` section, and our own
//! `alertmanagers`, which says the same in fewer words.
//!
//! What would change the alerts on their way to some of them is refused: dropping an alert that Prometheus would have
//! kept, or the other way round, is nothing to find out in an incident.

use bellwether_alerts::HttpConfig;
use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, MapReader, Span, Spanned};
use bellwether_ingest::relabel::Relabelling;
use bellwether_model::{Labels, TimeDelta};

use super::prometheus::{ADDRESS, CheckTarget, Global, decode_static, http_fields, refuse_discoveries};

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

/// What Prometheus can do between an alert and one of several Alertmanagers, and we do not: all are told the same.
const CHANGES: &str = "alert_relabel_configs";

/// Where a member's API is below its address.
const ALERTS_PATH: &str = "/api/v2/alerts";

/// What `alerting` says.
#[derive(Clone, Debug, Default)]
pub struct Alerting {
    /// Who is handed every alert.
    pub members: Vec<AlertmanagerMember>,
    /// What is done to alerts before.
    pub relabel: Relabelling,
}

/// Prometheus' `alerting` section.
pub fn alerting(node: &Node, global: &Global, cx: &mut Cx<'_>) -> Alerting {
    if node.is_null() {
        return Alerting::default();
    }
    let Some(mut map) = MapReader::open(node, cx) else { return Alerting::default() };
    let clusters = map.node("alertmanagers");
    let relabel = map.node(CHANGES).and_then(|node| Relabelling::decode(node, global.names, cx));
    map.finish(cx);
    let clusters = clusters.map(|node| list(node, "Alertmanager clusters", cx)).unwrap_or_default();
    let members = clusters.into_iter().flat_map(|node| cluster(node, global, cx)).collect();
    Alerting { members, relabel: relabel.unwrap_or_default() }
}

fn cluster(node: &Node, global: &Global, cx: &mut Cx<'_>) -> Vec<AlertmanagerMember> {
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
    refuse_changes(&mut map, cx);
    refuse_discoveries(&mut map, "write the members under static_configs", cx);
    let relabel = map.node("relabel_configs");
    let is_relabelled = relabel.is_some();
    let relabel = relabel.map_or_else(
        || Some(Relabelling::default()),
        |relabel| Relabelling::decode(relabel, global.names, cx),
    );
    let groups =
        map.node("static_configs").map(|node| list(node, "static configurations", cx)).unwrap_or_default();
    let check: Option<CheckTarget> = if is_relabelled { None } else { Some(check_member) };
    let groups: Vec<_> = groups.into_iter().filter_map(|group| decode_static(group, check, cx)).collect();
    let reached = reached(&mut map, node, cx);
    map.finish(cx);
    let (Some(reached), Some(relabel)) = (reached, relabel) else { return Vec::new() };
    let path = format!("/{}{ALERTS_PATH}", prefix.trim_matches('/')).replace("//", "/");
    let usual = Labels::from_pairs([("__scheme__", scheme), ("__alerts_path__", &path)]);
    let members = groups.iter().flat_map(|group| group.targets.iter().map(move |target| (group, target)));
    let members = members.filter_map(|(group, target)| {
        let known = usual.iter().chain(group.labels.iter()).chain(target.iter());
        let labels = relabel.of(Labels::from_pairs(known))?;
        let url = member_url(&labels);
        // What was not relabelled has been checked where it stands.
        if url.is_none() && is_relabelled {
            let message = format!("{:?} is no address of an Alertmanager", labels.value_or_empty(ADDRESS));
            cx.error_help(node.span, message, MEMBER_HELP);
        }
        Some(AlertmanagerMember { url: url?, ..reached.clone() })
    });
    members.collect()
}

const MEMBER_HELP: &str =
    "write it like alertmanager:9093; scheme and path_prefix are settings of the cluster";

fn is_host(address: &str) -> bool {
    !address.is_empty() && !address.contains(|c: char| c.is_whitespace() || "/@?#".contains(c))
}

fn check_member(target: &Spanned<String>, cx: &mut Cx<'_>) {
    if !is_host(&target.value) {
        cx.error_help(target.span, format!("{:?} is not host:port", target.value), MEMBER_HELP);
    }
}

/// Where the API of a member begins, from what is known of it.
fn member_url(labels: &Labels) -> Option<String> {
    let (scheme, address) = (labels.value_or_empty("__scheme__"), labels.value_or_empty(ADDRESS));
    let prefix = labels.value_or_empty("__alerts_path__").strip_suffix(ALERTS_PATH)?;
    let is_good = is_host(address) && matches!(scheme, "http" | "https");
    is_good
        .then(|| format!("{scheme}://{address}/{}", prefix.trim_start_matches('/')))
        .map(|url| url.trim_end_matches('/').to_owned())
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
    refuse_changes(&mut map, cx);
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
    Some(AlertmanagerMember {
        url: String::new(),
        timeout: timeout.map_or(TIMEOUT_DEFAULT, |timeout| timeout.value),
        http: http_fields(map, node, cx)?,
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

fn refuse_changes(map: &mut MapReader<'_>, cx: &mut Cx<'_>) {
    if let Some((key, _)) = map.entry(CHANGES) {
        let message =
            format!("{CHANGES} is Prometheus', but Bellwether does not honour it for single Alertmanagers");
        let help = "write it under alerting: of prometheus.yml; then it holds for all of them";
        cx.error_help(key.span, message, help);
    }
}
