//! Where an indicator's numbers come from: its queries, and the kind of source that answers them. Everybody may write
//! sources of any kind; here they must answer PromQL.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Diagnostic, MapReader};

use super::Library;
use super::object::{Object, ObjectKind, Version};
use super::query::Query;
use crate::dialect::{NOT_CARRIED, not_carried};

/// An indicator as it is written.
pub(super) struct Sli {
    pub(super) description: String,
    pub(super) metric: Metric,
}

/// What an indicator measures.
pub(super) enum Metric {
    /// A value, to be compared with an objective's own bound.
    Threshold(Query),
    /// A share of events.
    Ratio(Share),
}

/// The queries of a share of events.
pub(super) struct Share {
    /// Whether they give counters that only grow.
    pub(super) is_counter: bool,
    pub(super) asks: Asks,
}

pub(super) enum Asks {
    GoodTotal(Query, Query),
    BadTotal(Query, Query),
    /// The share of good events as it is.
    Success(Query),
    /// The share of bad events as it is.
    Failure(Query),
}

/// Reads an SLI of v1 or v2alpha.
pub(super) fn indicator(object: &Object<'_>, library: Library<'_>, cx: &mut Cx<'_>) -> Option<Sli> {
    if !object.labels.is_empty() || !object.annotations.is_empty() {
        let message = format!("labels and annotations of the SLI {:?} are not carried over", object.name);
        let problem = Diagnostic::warning(NOT_CARRIED, object.name_span, message);
        cx.push(problem.with_help("write them at the SLO's metadata"));
    }
    let mut map = MapReader::open(object.spec, cx)?;
    let description = map.optional("description", cx).unwrap_or_default();
    let threshold = map.node("thresholdMetric").map(|node| query(node, library, cx));
    let ratio = map.node("ratioMetric").map(|node| ratio(node, library, cx));
    let span = map.span_first_line(cx);
    map.finish(cx);
    let metric = match (threshold, ratio) {
        (Some(query), None) => Metric::Threshold(query?),
        (None, Some(ratio)) => Metric::Ratio(ratio?),
        (None, None) => {
            cx.error_help(span, "the indicator measures nothing", "write ratioMetric or thresholdMetric");
            return None;
        }
        (Some(_), Some(_)) => {
            cx.error_help(span, "the indicator measures two things", "keep ratioMetric or thresholdMetric");
            return None;
        }
    };
    Some(Sli { description, metric })
}

/// Reads `ratioMetric`, or v1alpha's `ratioMetrics`.
pub(super) fn ratio(node: &Node, library: Library<'_>, cx: &mut Cx<'_>) -> Option<Share> {
    let mut map = MapReader::open(node, cx)?;
    let counter: Option<bool> = map.optional("counter", cx);
    let incremental: Option<bool> = match library.version {
        Version::V1Alpha => map.optional("incremental", cx),
        Version::V1 | Version::V2Alpha => None,
    };
    let mut part = |name: &'static str, cx: &mut Cx<'_>| map.node(name).map(|node| query(node, library, cx));
    let (good, bad, total, raw) = (part("good", cx), part("bad", cx), part("total", cx), part("raw", cx));
    let raw_type = map.node("rawType").map(|node| is_success(node, cx));
    map.finish(cx);
    let asks = match (good, bad, total, raw, raw_type) {
        (Some(good), None, Some(total), None, None) => Asks::GoodTotal(good?, total?),
        (None, Some(bad), Some(total), None, None) => Asks::BadTotal(bad?, total?),
        (None, None, None, Some(raw), Some(is_success)) => match is_success? {
            true => Asks::Success(raw?),
            false => Asks::Failure(raw?),
        },
        (None, None, None, Some(_), None) => {
            cx.error_help(
                node.span,
                "raw does not say what it is a share of",
                "write rawType: success or failure",
            );
            return None;
        }
        (_, _, _, _, _) => {
            let help = "write total with either good or bad, or raw with rawType";
            cx.error_help(node.span, "the queries do not say which events are good", help);
            return None;
        }
    };
    Some(Share { is_counter: counter.or(incremental).unwrap_or(false), asks })
}

fn is_success(node: &Node, cx: &mut Cx<'_>) -> Option<bool> {
    match node.as_text() {
        Some("success") => Some(true),
        Some("failure") => Some(false),
        Some(_) | None => {
            cx.error_help(node.span, "not a type of share", "write rawType: success or rawType: failure");
            None
        }
    }
}

/// Reads where one number comes from.
pub(super) fn query(node: &Node, library: Library<'_>, cx: &mut Cx<'_>) -> Option<Query> {
    let mut map = MapReader::open(node, cx)?;
    let (answers, query) = match library.version {
        Version::V1Alpha => {
            let source = map.node("source").map(|node| answers(node, cx));
            (source, query_fields(&mut map, cx))
        }
        Version::V1 => {
            let source = match map.node("metricSource") {
                Some(node) => MapReader::open(node, cx),
                None => map.required::<String>("metricSource", cx).and(None),
            };
            map.finish(cx);
            let mut source = source?;
            let reference = source.node("metricSourceRef").map(|node| referred(node, library, cx));
            let stated = source.node("type").map(|node| answers(node, cx));
            let query = spec(&mut source, cx);
            source.finish(cx);
            return finish(stated.or(reference), query?, cx);
        }
        Version::V2Alpha => {
            let reference = map.node("dataSourceRef").map(|node| referred(node, library, cx));
            let inline = map.node("dataSourceSpec").map(|node| connection(node, cx));
            (inline.or(reference), spec(&mut map, cx))
        }
    };
    map.finish(cx);
    finish(answers, query?, cx)
}

fn finish(source: Option<Option<Source>>, query: Query, cx: &mut Cx<'_>) -> Option<Query> {
    // Without a word on it a source is taken for one of PromQL: the query shows whether that is so.
    let source = source.unwrap_or(Some(Source::Prometheus))?;
    if source == Source::Placeholder || is_placeholder(&query.text) {
        let message =
            format!("{:?} stands for a query that is still to be written; nothing is measured", query.text);
        let problem = Diagnostic::warning("placeholder-query", query.node.span, message);
        cx.push(problem.with_help("write type: Prometheus and a PromQL query"));
    }
    query.check(cx)
}

fn is_placeholder(query: &str) -> bool {
    ["any", "todo", "tbd", "query"].iter().any(|word| query.trim().eq_ignore_ascii_case(word))
}

/// The `spec` of a source: for PromQL, its query.
fn spec(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Query> {
    let Some(node) = map.node("spec").filter(|node| !node.is_null()) else {
        let help = "write spec: and query: below it, with PromQL";
        cx.error_help(map.span_first_line(cx), "spec is missing", help);
        return None;
    };
    let mut spec = MapReader::open(node, cx)?;
    let query = query_fields(&mut spec, cx);
    for (key, _) in spec.rest() {
        let name = key.as_text().unwrap_or_default();
        let message = format!("{name} is nothing a query in PromQL needs");
        not_carried(key.span, message, "leave it out", cx);
    }
    query
}

fn query_fields(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Query> {
    if let Some(language) = map.node("queryType")
        && !language.as_text().is_some_and(|text| ["promql", "query"].contains(&text.to_lowercase().as_str()))
    {
        cx.error_help(language.span, "this is no language that is known here", "write queryType: promql");
    }
    let text = map.node("query").or_else(|| map.node("promql"));
    let Some(node) = text.filter(|node| !node.is_null()) else {
        cx.error_help(map.span_first_line(cx), "query is missing", "write query: and PromQL");
        return None;
    };
    match node.as_text() {
        Some(text) => Some(Query { text: text.to_owned(), node: node.clone() }),
        None => {
            cx.error_help(
                node.span,
                "expected a query",
                "write PromQL such as sum(rate(requests_total[{{.window}}]))",
            );
            None
        }
    }
}

/// The kinds of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// It answers PromQL.
    Prometheus,
    /// An example that leaves open what it is.
    Placeholder,
}

/// Sources that are asked in PromQL, by the names people give them.
const PROMQL_SOURCES: [&str; 11] = [
    "prometheus",
    "promql",
    "thanos",
    "cortex",
    "mimir",
    "grafanamimir",
    "victoriametrics",
    "amazonprometheus",
    "azureprometheus",
    "gcm-prometheus",
    "bellwether",
];

fn answers(node: &Node, cx: &mut Cx<'_>) -> Option<Source> {
    let name = node.as_text().unwrap_or_default().trim().to_lowercase();
    if PROMQL_SOURCES.contains(&name.as_str()) {
        return Some(Source::Prometheus);
    }
    if name == "any" {
        return Some(Source::Placeholder);
    }
    let message = format!("{:?} is no source that answers PromQL", node.as_text().unwrap_or_default());
    cx.error_help(node.span, message, "write type: Prometheus and the query in PromQL");
    None
}

fn referred(node: &Node, library: Library<'_>, cx: &mut Cx<'_>) -> Option<Source> {
    match library.named(ObjectKind::DataSource, node) {
        Some(found) => data_source(&Object::read(found, cx)?, cx),
        None => {
            // It would say how to connect; the query shows whether it is PromQL.
            let name = node.as_text().unwrap_or_default();
            let message = format!("no DataSource is named {name:?}; it is taken for Prometheus");
            let problem = Diagnostic::warning("unknown-reference", node.span, message);
            cx.push(problem.with_help("give the file it stands in together with this one"));
            Some(Source::Prometheus)
        }
    }
}

/// Reads a DataSource: what kind of source it is. How to connect is not its business here.
pub(super) fn data_source(object: &Object<'_>, cx: &mut Cx<'_>) -> Option<Source> {
    connection(object.spec, cx)
}

fn connection(node: &Node, cx: &mut Cx<'_>) -> Option<Source> {
    let mut map = MapReader::open(node, cx)?;
    map.ignore(&["description"]);
    let source = match map.node("type") {
        Some(node) => answers(node, cx),
        None => map.required::<String>("type", cx).and(None),
    };
    if let Some((key, _)) = map.entry("connectionDetails").filter(|(_, details)| !details.is_null()) {
        let message = "how to connect to a source is not read from here";
        let problem = Diagnostic::warning("configured-elsewhere", key.span, message);
        cx.push(problem.with_help("write source: in bellwether.yml, unless metrics are scraped"));
    }
    map.finish(cx);
    source
}
