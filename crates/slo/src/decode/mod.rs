//! Our own objective files: from YAML to [`Slo`], with every mistake reported where it stands and what to write.

pub(crate) mod alert;
pub(crate) mod budgeting;
pub(crate) mod composite;
pub(crate) mod parts;
pub(crate) mod period;
pub(crate) mod sampled;
pub(crate) mod threshold_alert;

use std::collections::BTreeMap;

use bellwether_diag::yaml::{self, Node, Value};
use bellwether_diag::{Cx, Decode, MapReader};

use crate::alert::template::annotations;
use crate::decode::alert::{AlertNodes, Judged};
use crate::decode::budgeting::budgeting;
use crate::decode::parts::{OWN_LABELS, ScalarText, labels, labels_of, not_empty};
use crate::decode::sampled::{exact, labels_are_kept};
use crate::decode::threshold_alert::without_goal;
use crate::definition::{About, Criticality, Dialect, Slo};
use crate::goal::Goal;
use crate::indicator::{
    Composite, Events, Indicator, Latency, QueryEvents, Ratio, Threshold, ThresholdCheck,
};
use crate::period::Period;
use crate::selector::Selector;

/// Streams that `group_by` may make unless stated otherwise.
pub(crate) const STREAMS_MAX_DEFAULT: u32 = 100;
/// Streams that may be asked for at all.
const STREAMS_MAX_LIMIT: u32 = 10_000;

/// A file of objectives.
#[derive(Clone, Debug, PartialEq)]
pub struct SloFile {
    /// The objectives, in file order.
    pub slos: Vec<Slo>,
}

impl Decode for SloFile {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let nodes = map.node("slos");
        let span = map.span;
        map.finish(cx);
        let Some(nodes) = nodes else {
            cx.error_help(span, "no objectives here", "write slos: and a list below it");
            return None;
        };
        let Value::Sequence(items) = &nodes.value else {
            cx.error(nodes.span, "expected a list of objectives");
            return None;
        };
        Some(Self { slos: items.iter().filter_map(|item| Slo::decode(item, cx)).collect() })
    }
}

impl Decode for Slo {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let name = map.node("name").map(|n| (n.span, String::decode(n, cx)));
        let name = match name {
            Some((span, name)) => not_empty(name, span, "name", cx).map(|name| (name, span)),
            None => map.required::<String>("name", cx).map(|name| (name, node.span)),
        };
        let mut text =
            |field: &'static str, cx: &mut Cx<'_>| map.optional::<String>(field, cx).unwrap_or_default();
        let (service, description) = (text("service", cx), text("description", cx));
        let (display_name, alert_name) = (text("display_name", cx), text("alert_name", cx));
        let (owner, runbook) = (text("owner", cx), text("runbook", cx));
        let criticality = map.node("criticality").map(|node| criticality(node, cx));
        let (contacts, links) = (texts(map.node("contacts"), cx), texts(map.node("links"), cx));
        let labels = labels(map.node("labels"), cx);
        let annotations = annotations(map.node("annotations"), cx);
        // Only a threshold can do without a goal: it is met over the whole period, or it is not.
        let may_lack_goal = map.node("indicator").is_some_and(|node| node.get("threshold").is_some());
        let goal = match map.has("goal") || !may_lack_goal {
            true => map.required::<Goal>("goal", cx).map(Some),
            false => Some(None),
        };
        let aspirational = map.node("aspirational").map(|node| Goal::decode(node, cx));
        let period = map.required::<Period>("window", cx);
        let events = map.required::<Events>("indicator", cx);
        let group_by = group_by(map.node("group_by"), service.is_empty(), cx);
        if let (Some(events), Some(group_by), Some(node)) = (&events, &group_by, map.node("indicator")) {
            labels_are_kept(events, group_by, node, cx)?;
        }
        let (events, exact_note) = exact(events, group_by.as_deref());
        let streams_max = streams_max(map.node("streams_max"), cx);
        let budgeting = budgeting(map.node("budgeting"), events.as_ref(), cx);
        let has_no_goal = matches!(goal, Some(None));
        let threshold_alerts = has_no_goal.then(|| without_goal(&mut map, cx));
        let alerts = match has_no_goal {
            true => Some(AlertNodes::default()),
            false => AlertNodes::take(&mut map, cx),
        };
        map.finish(cx);
        let ((name, span), goal, period) = (name?, goal?, period?);
        let mut alerts = alerts?.into_fields(&Judged { goal, period: &period });
        alerts.notes.extend(exact_note);
        let indicator = Indicator {
            events: events?,
            budgeting: budgeting?,
            group_by: group_by?,
            streams_max: streams_max?,
        };
        let (labels, annotations) = (labels?, annotations?);
        let span = Some(span);
        Some(Self {
            name,
            service,
            description,
            display_name,
            about: About {
                owner,
                criticality: criticality.map_or(Some(None), |c| c.map(Some))?,
                contacts: contacts?,
                links: links?,
                runbook,
            },
            labels,
            annotations,
            severity_labels: alerts.severity_labels,
            severity_annotations: alerts.severity_annotations,
            goal,
            aspirational: aspirational.map_or(Some(None), |g| g.map(Some))?,
            period,
            indicator,
            alert_name,
            alerts: alerts.alerts,
            budget_alerts: alerts.budget_alerts,
            threshold_alerts: threshold_alerts.unwrap_or_else(|| Some(Vec::new()))?,
            inhibit_slower: alerts.inhibit_slower || goal.is_none(),
            notes: alerts.notes,
            dialect: Dialect::Bellwether,
            origin: String::new(),
            span,
        })
    }
}

fn criticality(node: &Node, cx: &mut Cx<'_>) -> Option<Criticality> {
    let text = node.as_text_value().unwrap_or_default();
    let found = Criticality::ALL.into_iter().find(|c| c.as_str().eq_ignore_ascii_case(text));
    if found.is_none() {
        cx.error_help(node.span, "not a criticality", "write low, medium, high or critical");
    }
    found
}

/// Texts by name, in the order of their names.
fn texts(node: Option<&Node>, cx: &mut Cx<'_>) -> Option<BTreeMap<String, String>> {
    let pairs = labels_of(node, cx)?;
    Some(pairs.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect())
}

impl Decode for Goal {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let Value::Scalar(scalar) = &node.value else {
            cx.error_help(
                node.span,
                "expected a goal",
                "write a ratio such as 0.999 or a percentage such as \"99.9%\"",
            );
            return None;
        };
        match Self::parse(&scalar.text) {
            Ok(goal) => Some(goal),
            Err(error) => {
                match error.help {
                    Some(help) => cx.error_help(node.span, error.message, help),
                    None => cx.error(node.span, error.message),
                }
                None
            }
        }
    }
}

impl Decode for Events {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let kinds = ["ratio", "latency", "probe", "threshold", "query", "composite"];
        let stated: Vec<(&str, &Node)> =
            kinds.into_iter().filter_map(|kind| Some((kind, map.node(kind)?))).collect();
        map.finish(cx);
        match stated.as_slice() {
            [("ratio", node)] => Ratio::decode(node, cx).map(Self::Ratio),
            [("latency", node)] => Latency::decode(node, cx).map(Self::Latency),
            [("probe", node)] => not_empty(String::decode(node, cx), node.span, "probe", cx).map(Self::Probe),
            [("threshold", node)] => ThresholdCheck::decode(node, cx).map(Self::Threshold),
            [("query", node)] => QueryEvents::decode(node, cx).map(Self::Query),
            [(_, node)] => Composite::decode(node, cx).map(Self::Composite),
            [] => {
                let help = "write ratio:, latency:, probe:, threshold:, query: or composite: below it";
                cx.error_help(node.span, "the indicator counts nothing", help);
                None
            }
            [(first, _), (second, _), ..] => {
                let help = format!("keep either {first} or {second}");
                cx.error_help(node.span, "the indicator counts two things", help);
                None
            }
        }
    }
}

impl Decode for Latency {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let histogram_node = map.node("histogram");
        let histogram = match histogram_node {
            Some(node) => histogram(node, cx),
            None => map.required::<String>("histogram", cx).and(None),
        };
        let threshold = match map.node("threshold") {
            Some(node) => threshold(node, cx),
            None => map.required::<String>("threshold", cx).and(None),
        };
        map.finish(cx);
        Some(Self { histogram: histogram?, threshold: threshold? })
    }
}

fn threshold(node: &Node, cx: &mut Cx<'_>) -> Option<Threshold> {
    let help =
        "write a number in the histogram's own unit, such as 0.5 for half a second in a histogram of seconds";
    match node.as_text_value().and_then(|text| text.trim().parse::<f64>().ok()).and_then(Threshold::new) {
        Some(threshold) => Some(threshold),
        None => {
            cx.error_help(node.span, "the threshold is not a positive number", help);
            None
        }
    }
}

fn histogram(node: &Node, cx: &mut Cx<'_>) -> Option<Selector> {
    let selector = selector(node, cx)?;
    let Some(name) = selector.name.as_deref() else {
        cx.error_help(
            node.span,
            "the histogram has no name",
            "write its base name, such as request_duration_seconds",
        );
        return None;
    };
    if let Some(base) = ["_bucket", "_count", "_sum"].iter().find_map(|suffix| name.strip_suffix(suffix)) {
        let help = format!("write {}", selector.with_name(base.to_owned()));
        cx.error_help(node.span, format!("{name} is a part of a histogram, not its base name"), help);
        return None;
    }
    if let Some(matcher) = selector.matchers.iter().find(|m| m.name == "le") {
        cx.error_help(
            node.span,
            format!("{matcher} selects a bucket"),
            "leave it out; the threshold says which bucket counts",
        );
        return None;
    }
    Some(selector)
}

fn selector(node: &Node, cx: &mut Cx<'_>) -> Option<Selector> {
    let Some(text) = node.as_text_value() else {
        cx.error_help(
            node.span,
            "expected a selector",
            "write a counter such as 'requests_total{job=\"api\"}'",
        );
        return None;
    };
    match Selector::parse(text) {
        Ok(selector) => Some(selector),
        Err(error) => {
            let span = yaml::span_within(cx.sources, node, error.range);
            cx.error(span, error.message);
            None
        }
    }
}

/// One selector, or a list whose counters are added up.
fn selectors(node: &Node, cx: &mut Cx<'_>) -> Option<Vec<Selector>> {
    let Value::Sequence(items) = &node.value else { return selector(node, cx).map(|s| vec![s]) };
    if items.is_empty() {
        cx.error(node.span, "an empty list of selectors counts nothing");
        return None;
    }
    let read: Vec<Option<Selector>> = items.iter().map(|item| selector(item, cx)).collect();
    let mut all: Vec<Selector> = read.into_iter().collect::<Option<_>>()?;
    all.sort();
    all.dedup();
    Some(all)
}

impl Decode for Ratio {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let mut part = |name: &'static str, cx: &mut Cx<'_>| map.node(name).map(|node| selectors(node, cx));
        let (good, bad, total) = (part("good", cx), part("bad", cx), part("total", cx));
        map.finish(cx);
        match (good, bad, total) {
            (Some(good), None, Some(total)) => Some(Self::GoodTotal { good: good?, total: total? }),
            (Some(good), Some(bad), None) => Some(Self::GoodBad { good: good?, bad: bad? }),
            (None, Some(bad), Some(total)) => Some(Self::BadTotal { bad: bad?, total: total? }),
            (Some(_), Some(_), Some(_)) => {
                cx.error_help(
                    node.span,
                    "good, bad and total may contradict each other",
                    "keep two of the three",
                );
                None
            }
            (None, None, None) | (Some(_), None, None) | (None, Some(_), None) | (None, None, Some(_)) => {
                cx.error_help(node.span, "a ratio needs two counters", "write two of good, bad and total");
                None
            }
        }
    }
}

fn group_by(node: Option<&Node>, is_of_any_service: bool, cx: &mut Cx<'_>) -> Option<Vec<String>> {
    let Some(node) = node else { return Some(Vec::new()) };
    let mut names = Vec::<String>::decode(node, cx)?;
    if names.iter().any(|name| name == "le" || name == "__name__") {
        cx.error(node.span, "an objective cannot be split by le or __name__");
        return None;
    }
    // An alert's identity must tell the streams apart, so a label that names the alert cannot tell them apart too.
    let names_alert = |name: &str| OWN_LABELS.contains(&name) && !(name == "service" && is_of_any_service);
    if let Some(name) = names.iter().find(|name| names_alert(name)) {
        cx.error(node.span, format!("label {name} is set by the objective itself and cannot split it"));
        return None;
    }
    names.sort();
    names.dedup();
    Some(names)
}

fn streams_max(node: Option<&Node>, cx: &mut Cx<'_>) -> Option<u32> {
    let Some(node) = node else { return Some(STREAMS_MAX_DEFAULT) };
    let most = u32::decode(node, cx)?;
    if !(1..=STREAMS_MAX_LIMIT).contains(&most) {
        cx.error(node.span, format!("streams_max is not between 1 and {STREAMS_MAX_LIMIT}"));
        return None;
    }
    Some(most)
}
