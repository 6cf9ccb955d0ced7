//! Pyrra's objectives as ours. Its four pairs of windows are scaled from 28 days to the period as Pyrra does it, each
//! rounded to the minute; a gauge of zeros and ones is asked for its mean in every slice of time.

use std::collections::BTreeMap;

use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{Cx, Decode, Diagnostic, MapReader, Span};
use bellwether_model::{Labels, TimeDelta, is_valid_legacy_name};

use super::not_carried;
use crate::alert_template;
use crate::alert_verdict::{arithmetic, verdict};
use crate::burn_alert::BurnAlert;
use crate::decode::STREAMS_MAX_DEFAULT;
use crate::decode_parts::{WINDOW_MIN, window};
use crate::definition::{About, Dialect, Slo};
use crate::goal::{Factor, Goal};
use crate::indicator::{Ask, Budgeting, Events, Indicator, Latency, QueryEvents, Ratio, Threshold};
use crate::period::Period;
use crate::recognise::latency_of;
use crate::selector::Selector;
use crate::status::Verdict;

/// Labels and annotations of the resource that Pyrra hands on to alerts begin with this.
const HANDED_ON: &str = "pyrra.dev/";
/// What Pyrra calls its alerts unless told otherwise.
const ALERT_NAME: &str = "ErrorBudgetBurn";
/// Labels that say which alert it is. An objective of Pyrra names no service, so it may be split by one.
const RESERVED: [&str; 4] = ["alertname", "slo", "alert", "severity"];
/// How often a gauge is asked.
const SLICE: TimeDelta = TimeDelta::MINUTE;

/// Reads a `ServiceLevelObjective`.
pub(super) fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Slo> {
    let mut map = MapReader::open(node, cx)?;
    let (version, kind) = (map.node("apiVersion"), map.node("kind"));
    let metadata = map.node("metadata");
    let spec = map.node("spec");
    map.ignore(&["status"]);
    let span = map.span_first_line(cx);
    map.finish(cx);
    for (node, known) in [(version, "pyrra.dev/v1alpha1"), (kind, "ServiceLevelObjective")] {
        let Some(node) = node.filter(|node| node.as_text() != Some(known)) else { continue };
        cx.error_help(node.span, "not an objective of Pyrra", format!("write {known}"));
        return None;
    }
    let (Some(metadata), Some(spec)) = (metadata, spec) else {
        cx.error_help(span, "an objective of Pyrra has metadata and spec", "write both");
        return None;
    };
    let metadata = Metadata::decode(metadata, cx);
    let spec = Spec::decode(spec, cx);
    objective(metadata?, spec?, cx)
}

fn objective(metadata: Metadata, spec: Spec, cx: &mut Cx<'_>) -> Option<Slo> {
    let labels = handed_on_labels(&metadata, cx);
    // A label that is the same for all of its alerts names the service, as everybody's alerts do.
    let is_split_by = spec.indicator.group_by.iter().any(|name| name == "service");
    let (service, labels) = match labels.get("service").filter(|_| !is_split_by) {
        Some(service) => (service.to_owned(), labels.without(&["service"])),
        None => (String::new(), labels),
    };
    let mut slo = Slo {
        name: metadata.name,
        display_name: String::new(),
        service,
        description: spec.description,
        about: About::default(),
        labels,
        annotations: metadata.annotations,
        severity_labels: BTreeMap::new(),
        severity_annotations: BTreeMap::new(),
        goal: Some(spec.goal),
        aspirational: None,
        period: Period::Rolling(spec.period),
        indicator: spec.indicator,
        alert_name: spec.alerting.name,
        alerts: Vec::new(),
        budget_alerts: Vec::new(),
        threshold_alerts: Vec::new(),
        inhibit_slower: true,
        notes: Vec::new(),
        dialect: Dialect::Pyrra,
        origin: String::new(),
        span: Some(metadata.span),
    };
    if spec.alerting.burns {
        add_alerts(&mut slo, spec.period, spec.goal, &spec.alerting.severities);
    }
    Some(slo)
}

/// One of Pyrra's pairs, stated for 28 days.
struct Pair {
    name: &'static str,
    severity: &'static str,
    long: TimeDelta,
    short: TimeDelta,
    factor: u64,
}

/// Source: the behaviour of Pyrra, which speaks of 28 days and scales from there.
const PAIRS: [Pair; 4] = [
    Pair { name: "fast-burn", severity: "critical", long: hours(1), short: minutes(5), factor: 14 },
    Pair { name: "medium-burn", severity: "critical", long: hours(6), short: minutes(30), factor: 7 },
    Pair { name: "slow-burn", severity: "warning", long: hours(24), short: hours(2), factor: 2 },
    Pair { name: "long-term-burn", severity: "warning", long: hours(96), short: hours(6), factor: 1 },
];
const PAIRS_PERIOD: TimeDelta = TimeDelta(28 * TimeDelta::DAY.0);

const fn minutes(count: i64) -> TimeDelta {
    TimeDelta(count * TimeDelta::MINUTE.0)
}
const fn hours(count: i64) -> TimeDelta {
    TimeDelta(count * TimeDelta::HOUR.0)
}

/// A window of 28 days' pairs in another period, to the minute.
fn scaled(window: TimeDelta, period: TimeDelta) -> TimeDelta {
    let exact = i128::from(window.0) * i128::from(period.0) / i128::from(PAIRS_PERIOD.0);
    let minute = TimeDelta::MINUTE.0;
    TimeDelta((exact as i64 + minute / 2).div_euclid(minute) * minute)
}

fn add_alerts(slo: &mut Slo, period: TimeDelta, goal: Goal, severities: &[Option<String>; 4]) {
    for (pair, severity) in PAIRS.iter().zip(severities) {
        let (long, short) = (scaled(pair.long, period), scaled(pair.short, period));
        let Some(factor) = Factor::fraction(pair.factor, 1) else { continue };
        if long < WINDOW_MIN {
            slo.notes.push(format!("alert {} is left out: its window would be {long}", pair.name));
            continue;
        }
        let alert = BurnAlert {
            name: pair.name.to_owned(),
            severity: severity.clone().unwrap_or_else(|| pair.severity.to_owned()),
            long,
            short: (short >= WINDOW_MIN && short < long).then_some(short),
            factor,
            min_bad_events: 0,
            labels: Labels::empty(),
            annotations: Labels::empty(),
            span: None,
        };
        if verdict(&alert, goal, &slo.period) == Verdict::CannotFire {
            let why = arithmetic(&alert, goal, &slo.period);
            slo.notes.push(format!("alert {} is left out: {why}", pair.name));
            continue;
        }
        slo.alerts.push(alert);
    }
}

/// What Pyrra calls alerts that have no name of their own.
pub(crate) const fn default_alert_name() -> &'static str {
    ALERT_NAME
}

/// The severities of an objective's burn-rate alerts, the fastest first, when they are those that Pyrra makes itself;
/// `None` in the list where it makes the usual one.
pub(crate) fn severities_of_own_alerts(
    slo: &Slo,
    period: TimeDelta,
    goal: Goal,
) -> Option<[Option<String>; 4]> {
    let severities = PAIRS.each_ref().map(|pair| {
        let alert = slo.alerts.iter().find(|alert| alert.name == pair.name)?;
        (alert.severity != pair.severity).then(|| alert.severity.clone())
    });
    let mut made = Slo { alerts: Vec::new(), ..slo.clone() };
    add_alerts(&mut made, period, goal, &severities);
    let is_same =
        |(made, alert): (&BurnAlert, &BurnAlert)| *made == BurnAlert { span: None, ..alert.clone() };
    let are_same = made.alerts.len() == slo.alerts.len() && made.alerts.iter().zip(&slo.alerts).all(is_same);
    are_same.then_some(severities)
}

/// What is read of a resource's metadata.
struct Metadata {
    name: String,
    labels: Vec<(String, String)>,
    annotations: Labels,
    span: Span,
}

impl Decode for Metadata {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let span = map.node("name").map_or(map.span_first_line(cx), |name| name.span);
        let name = map.required::<String>("name", cx);
        let labels = map.optional::<Labels>("labels", cx).unwrap_or_default();
        let annotations = map.node("annotations").filter(|node| !node.is_null());
        // Whatever else the cluster keeps of a resource says nothing of what it means.
        map.rest();
        let annotations = match annotations {
            Some(node) => handed_on_annotations(node, cx)?,
            None => Labels::empty(),
        };
        let labels = labels
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(HANDED_ON)?.to_owned(), value.to_owned())));
        Some(Self { name: name?, labels: labels.collect(), annotations, span })
    }
}

fn handed_on_annotations(node: &Node, cx: &mut Cx<'_>) -> Option<Labels> {
    let own: Vec<(Node, Node)> = node
        .as_mapping()
        .unwrap_or_default()
        .iter()
        .filter_map(|(key, value)| {
            let name = key.as_text()?.strip_prefix(HANDED_ON)?.to_owned();
            let scalar = yaml::Scalar { text: name, quoted: true };
            Some((Node { span: key.span, value: yaml::Value::Scalar(scalar) }, value.clone()))
        })
        .collect();
    let own = Node { span: node.span, value: yaml::Value::Mapping(own) };
    alert_template::annotations(Some(&own), cx)
}

fn handed_on_labels(metadata: &Metadata, cx: &mut Cx<'_>) -> Labels {
    let mut kept = Vec::new();
    for (name, value) in &metadata.labels {
        if RESERVED.contains(&name.as_str()) || !is_valid_legacy_name(name, false) {
            let message = format!("label {name} cannot be a label of the objective's alerts");
            not_carried(metadata.span, message, "give the label another name", cx);
        } else {
            kept.push((name.clone(), value.clone()));
        }
    }
    Labels::from_pairs(kept)
}

/// What an objective says of itself.
struct Spec {
    description: String,
    goal: Goal,
    period: TimeDelta,
    indicator: Indicator,
    alerting: Alerting,
}

impl Decode for Spec {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let description = map.optional::<String>("description", cx).unwrap_or_default();
        let goal = match map.node("target") {
            Some(node) => target(node, cx),
            None => map.required::<String>("target", cx).and(None),
        };
        let period = match map.node("window") {
            Some(node) => window(node, "window", cx),
            None => map.required::<TimeDelta>("window", cx),
        };
        let indicator = match map.node("indicator") {
            Some(node) => indicator(node, cx),
            None => map.required::<String>("indicator", cx).and(None),
        };
        let alerting = map.node("alerting").filter(|node| !node.is_null());
        let alerting = alerting.map_or_else(|| Some(Alerting::default()), |node| Alerting::decode(node, cx));
        // How Pyrra writes its rules, which are not needed here: budgets are counted, not recorded.
        map.ignore(&["performanceOverAccuracy", "ruleOutput", "partial_response_strategy"]);
        map.finish(cx);
        Some(Self { description, goal: goal?, period: period?, indicator: indicator?, alerting: alerting? })
    }
}

/// Pyrra writes percent without the sign, as text.
fn target(node: &Node, cx: &mut Cx<'_>) -> Option<Goal> {
    let text = node.as_text().unwrap_or_default().trim();
    let help = "write percent as text, such as \"99.9\"";
    if text.ends_with('%') {
        cx.error_help(node.span, "the target has a sign", help);
        return None;
    }
    if let Ok(goal) = text.parse::<f64>()
        && goal > 0.0
        && goal < 1.0
    {
        let message = format!("the target is percent: {text} means {text} %");
        cx.push(Diagnostic::warning("doubtful-value", node.span, message).with_help(help));
    }
    match Goal::parse(&format!("{text}%")) {
        Ok(goal) => Some(goal),
        Err(error) => {
            cx.error_help(node.span, error.message, help);
            None
        }
    }
}

struct Alerting {
    burns: bool,
    name: String,
    severities: [Option<String>; 4],
}

impl Default for Alerting {
    fn default() -> Self {
        Self { burns: true, name: ALERT_NAME.to_owned(), severities: [const { None }; 4] }
    }
}

impl Decode for Alerting {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let truth = |node: Option<&Node>, usual: bool, cx: &mut Cx<'_>| match node {
            Some(node) if !node.is_null() => bool::decode(node, cx),
            Some(_) | None => Some(usual),
        };
        let disabled = truth(map.node("disabled"), false, cx);
        let burns = truth(map.node("burnrates"), true, cx);
        // While nothing is measured, an alert of every severity says so here; it has no switch and no name of its own.
        for (name, what) in [("absent", "whether there is one"), ("absentName", "its name")] {
            let node = map.node(name).filter(|node| !matches!(node.as_text(), None | Some("" | "true")));
            let Some(node) = node else { continue };
            let message =
                format!("{name} cannot be stated: an alert tells of every objective that is not measured");
            let help = format!("leave it out, or route by the label alert=\"not-measured\" whatever {what}");
            not_carried(node.span, message, help, cx);
        }
        let name = map.optional::<String>("name", cx).filter(|name| !name.is_empty());
        let severities = match map.node("severities").filter(|node| !node.is_null()) {
            Some(node) => severities(node, cx),
            None => Some([const { None }; 4]),
        };
        map.finish(cx);
        Some(Self {
            burns: burns? && !disabled?,
            name: name.unwrap_or_else(|| ALERT_NAME.to_owned()),
            severities: severities?,
        })
    }
}

fn severities(node: &Node, cx: &mut Cx<'_>) -> Option<[Option<String>; 4]> {
    let mut map = MapReader::open(node, cx)?;
    let found = ["fastBurn", "mediumBurn", "slowBurn", "longTermBurn"]
        .map(|name| map.optional::<String>(name, cx).filter(|text| !text.is_empty()));
    if let Some(node) = map.node("absent").filter(|node| !node.is_null()) {
        let message = "the severity of absence cannot be stated: it is that of the other alerts";
        not_carried(node.span, message, "leave it out", cx);
    }
    map.finish(cx);
    Some(found)
}

fn indicator(node: &Node, cx: &mut Cx<'_>) -> Option<Indicator> {
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
