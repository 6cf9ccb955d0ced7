//! What an objective of Pyrra counts. A gauge of zeros and ones is asked for its mean in every slice of time.

use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{Cx, Decode, MapReader};
use bellwether_model::TimeDelta;

use super::super::not_carried;
use super::RESERVED;
use crate::decode::STREAMS_MAX_DEFAULT;
use crate::indicator::{Ask, Budgeting, Events, Indicator, Latency, QueryEvents, Ratio, Threshold};
use crate::recognise::latency_of;
use crate::selector::Selector;

/// How often a gauge is asked.
const SLICE: TimeDelta = TimeDelta::MINUTE;

/// Reads `indicator`.
pub(super) fn indicator(node: &Node, cx: &mut Cx<'_>) -> Option<Indicator> {
    let mut map = MapReader::open(node, cx)?;
    let mut part = |name: &'static str| map.node(name).filter(|node| !node.is_null());
    let parts = [part("ratio"), part("latency"), part("latencyNative"), part("bool_gauge")];
    map.ignore(&["latency_native", "boolGauge"]);
    let others = [map.node("latency_native"), map.node("boolGauge")];
    map.finish(cx);
    if let Some(node) = others.into_iter().flatten().next() {
        cx.error_help(node.span, "not how Pyrra spells it", "write latencyNative or bool_gauge");
        return None;
    }
    match parts {
        [Some(node), None, None, None] => ratio(node, cx),
        [None, Some(node), None, None] => latency(node, cx),
        [None, None, Some(node), None] => latency_native(node, cx),
        [None, None, None, Some(node)] => bool_gauge(node, cx),
        [None, None, None, None] => {
            let help = "write ratio, latency, latencyNative or bool_gauge below it";
            cx.error_help(node.span, "the indicator counts nothing", help);
            None
        }
        [..] => {
            cx.error_help(node.span, "the indicator counts several things", "keep one of them");
            None
        }
    }
}

fn ratio(node: &Node, cx: &mut Cx<'_>) -> Option<Indicator> {
    let mut map = MapReader::open(node, cx)?;
    let (bad, total) =
        (metric(map.node("errors"), "errors", node, cx), metric(map.node("total"), "total", node, cx));
    let group_by = grouping(&mut map, cx);
    map.finish(cx);
    let ratio = Ratio::BadTotal { bad: vec![bad?], total: vec![total?] };
    split(Events::Ratio(ratio), group_by?)
}

fn latency(node: &Node, cx: &mut Cx<'_>) -> Option<Indicator> {
    let mut map = MapReader::open(node, cx)?;
    let good = metric(map.node("success"), "success", node, cx);
    let total = metric(map.node("total"), "total", node, cx);
    let group_by = grouping(&mut map, cx);
    map.finish(cx);
    let (good, total) = (good?, total?);
    if !good.matchers.iter().any(|matcher| matcher.name == "le") {
        let help = "write which bucket is fast enough, such as le=\"0.5\"";
        cx.error_help(node.span, "the success metric selects no bucket", help);
        return None;
    }
    let events = match latency_of(&good, &total) {
        Some(latency) => Events::Latency(latency),
        None => Events::Ratio(Ratio::GoodTotal { good: vec![good], total: vec![total] }),
    };
    split(events, group_by?)
}

fn latency_native(node: &Node, cx: &mut Cx<'_>) -> Option<Indicator> {
    let mut map = MapReader::open(node, cx)?;
    let histogram = metric(map.node("total"), "total", node, cx);
    let latency = map.required::<TimeDelta>("latency", cx);
    let group_by = grouping(&mut map, cx);
    map.finish(cx);
    let (histogram, latency) = (histogram?, latency?);
    let Some(threshold) = Threshold::new(latency.as_secs_f64()) else {
        cx.error_help(node.span, "the latency is not positive", "write a duration such as 200ms");
        return None;
    };
    split(Events::Latency(Latency { histogram, threshold }), group_by?)
}

/// The mean of a gauge of zeros and ones is the share of good samples.
fn bool_gauge(node: &Node, cx: &mut Cx<'_>) -> Option<Indicator> {
    let mut map = MapReader::open(node, cx)?;
    let text = map.node("metric");
    let gauge = text.and_then(|text| selector(text, cx));
    if text.is_none() {
        map.required::<String>("metric", cx);
    }
    let group_by = grouping(&mut map, cx);
    map.finish(cx);
    let (gauge, group_by) = (gauge?, group_by?);
    let by = match group_by.is_empty() {
        true => String::new(),
        false => format!(" by ({})", group_by.join(", ")),
    };
    let over = |function: &str| format!("sum{by} ({function}({gauge}[{{{{.window}}}}]))");
    // Both per second, as counters are: a slice of one minute holds sixty times as much.
    let seconds = SLICE.0 / 1000;
    let ask = Ask::GoodTotal {
        good: format!("{} / {seconds}", over("sum_over_time")),
        total: format!("{} / {seconds}", over("count_over_time")),
    };
    split(Events::Query(QueryEvents { ask, slice: SLICE }), group_by)
}

fn split(events: Events, group_by: Vec<String>) -> Option<Indicator> {
    Some(Indicator { events, budgeting: Budgeting::Occurrences, group_by, streams_max: STREAMS_MAX_DEFAULT })
}

/// `total: {metric: …}`
fn metric(found: Option<&Node>, name: &str, parent: &Node, cx: &mut Cx<'_>) -> Option<Selector> {
    let Some(node) = found else {
        cx.error_help(
            parent.span,
            format!("{name} is missing"),
            format!("write {name}: with metric: below it"),
        );
        return None;
    };
    let mut map = MapReader::open(node, cx)?;
    let text = map.node("metric");
    if text.is_none() {
        map.required::<String>("metric", cx);
    }
    map.finish(cx);
    selector(text?, cx)
}

fn selector(node: &Node, cx: &mut Cx<'_>) -> Option<Selector> {
    let Some(text) = node.as_text() else {
        cx.error_help(
            node.span,
            "expected a selector",
            "write a metric such as 'requests_total{job=\"api\"}'",
        );
        return None;
    };
    match Selector::parse(text) {
        Ok(selector) => Some(selector),
        Err(error) => {
            cx.error(yaml::span_within(cx.sources, node, error.range), error.message);
            None
        }
    }
}

fn grouping(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Vec<String>> {
    let Some(node) = map.node("grouping").filter(|node| !node.is_null()) else { return Some(Vec::new()) };
    let mut names = Vec::<String>::decode(node, cx)?;
    if let Some(name) = names.iter().find(|name| *name == "le" || RESERVED.contains(&name.as_str())) {
        let message = format!("label {name} is set by the objective itself and cannot split it");
        let help = "copy its values into another label of the metric, and group by that";
        not_carried(node.span, message, help, cx);
        let kept = names.iter().filter(|name| *name != "le" && !RESERVED.contains(&name.as_str()));
        names = kept.cloned().collect();
    }
    names.sort();
    names.dedup();
    Some(names)
}
