//! Reads services from YAML, and reports everything that is wrong with them.

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Decode, MapReader, Span, Spanned, entries};
use bellwether_model::{Labels, METRIC_NAME};
use bellwether_promql::ExprKind;

use super::definition::{
    Drive, GuruDefinition, MetricBehaviour, MetricDefinition, Mixture, ServiceDefinition, ServiceKind,
    SetValue, endpoint_of,
};
use super::quantity::{Rate, Shares};
use crate::workshop::{CallRates, Phase};

/// Sends what is wrong with a text to the place where it stands.
pub(super) fn take<T>(result: Result<T, String>, span: Span, cx: &mut Cx<'_>) -> Option<T> {
    result.map_err(|why| cx.error(span, why)).ok()
}

/// What to write instead of a field that may be misspelt.
pub(super) fn nearest(node: &Node, kinds: &[&'static str]) -> String {
    let keys = node.as_mapping().unwrap_or_default().iter().filter_map(|(key, _)| key.as_text());
    let near = keys.filter_map(|key| bellwether_diag::suggest(key, kinds.iter().copied())).next();
    near.map_or_else(|| format!("write one of {}", kinds.join(", ")), |near| format!("did you mean {near}?"))
}

/// Services by name, in the order written.
pub(super) fn services(node: &Node, cx: &mut Cx<'_>) -> Vec<ServiceDefinition> {
    let Some(entries) = entries(node, cx) else { return Vec::new() };
    let decoded: Vec<Option<ServiceDefinition>> =
        entries.iter().map(|(name, value)| service(name, value, cx)).collect();
    decoded.into_iter().flatten().collect()
}

fn service(name: &Node, value: &Node, cx: &mut Cx<'_>) -> Option<ServiceDefinition> {
    let named = String::decode(name, cx)?;
    if named.is_empty() || named.contains('.') {
        cx.error_help(name.span, format!("{named:?} cannot name a service"), "write a word without a dot");
    }
    let mut map = MapReader::open(value, cx)?;
    let job: Option<String> = map.optional("job", cx);
    let instances: Option<Vec<String>> = map.optional("instances", cx);
    let labels = map.optional("labels", cx).unwrap_or_default();
    let up = map.optional("up", cx).unwrap_or(true);
    let reachable = map.optional("reachable", cx).unwrap_or(true);
    let metrics = map.node("metrics").map(|node| metrics(node, cx));
    let guru = map.node("movie_guru").map(|node| guru(node, cx));
    map.finish(cx);
    let kind = match (metrics, guru) {
        (Some(metrics), None) => ServiceKind::Metrics(metrics),
        (None, Some(guru)) => ServiceKind::MovieGuru(Box::new(guru?)),
        (None, None) => ServiceKind::Metrics(Vec::new()),
        (Some(_), Some(_)) => {
            cx.error(name.span, "a service has metrics or is movie_guru, not both");
            return None;
        }
    };
    let service = ServiceDefinition {
        job: job.unwrap_or_else(|| named.clone()),
        instances: instances.filter(|all| !all.is_empty()).unwrap_or_else(|| vec![format!("{named}:8080")]),
        name: named,
        labels,
        up,
        reachable,
        kind,
    };
    check_drives(&service, value, cx);
    Some(service)
}

/// What counts as often as a counter does needs that counter.
fn check_drives(service: &ServiceDefinition, node: &Node, cx: &mut Cx<'_>) {
    let ServiceKind::Metrics(metrics) = &service.kind else { return };
    for metric in metrics {
        let drive = match &metric.kind {
            MetricBehaviour::Counter { drive, .. } | MetricBehaviour::Histogram { drive, .. } => drive,
            MetricBehaviour::Gauge { .. } => continue,
        };
        let Drive::Each { metric: source, matchers, text } = drive else { continue };
        let span = node.get("metrics").and_then(|all| all.get(&metric.name)).map_or(node.span, |n| n.span);
        let is_own = metrics.iter().any(|known| {
            known.name == *source
                && matches!(&known.kind, MetricBehaviour::Counter { drive: Drive::Rate(_), .. })
        });
        if !is_own {
            let message =
                format!("{} counts as often as {text}, which is no counter with a rate here", metric.name);
            cx.error_help(span, message, "name a counter of the same service that has a rate");
        } else if service.driven_by(source, matchers).is_none_or(|(_, parts)| parts.is_empty()) {
            cx.error(span, format!("{text} selects no part of {source}"));
        }
    }
}

fn metrics(node: &Node, cx: &mut Cx<'_>) -> Vec<MetricDefinition> {
    let Some(entries) = entries(node, cx) else { return Vec::new() };
    let decoded: Vec<_> = entries.iter().map(|(name, value)| metric(name, value, cx)).collect();
    decoded.into_iter().flatten().collect()
}

fn metric(name: &Node, value: &Node, cx: &mut Cx<'_>) -> Option<MetricDefinition> {
    let named = String::decode(name, cx)?;
    if !bellwether_model::is_valid_legacy_name(&named, true) {
        cx.error_help(name.span, format!("{named:?} cannot name a metric"), "write letters, digits, _ and :");
    }
    let mut map = MapReader::open(value, cx)?;
    let help = map.optional("help", cx).unwrap_or_default();
    let labels: Labels = map.optional("labels", cx).unwrap_or_default();
    let counter = map.entry("counter");
    let gauge = map.entry("gauge");
    let histogram = map.entry("histogram");
    map.finish(cx);
    let given: Vec<_> = [counter, gauge, histogram].into_iter().flatten().collect();
    if given.len() != 1 {
        let span = given.get(1).map_or(name.span, |(key, _)| key.span);
        cx.error(span, "a metric is one of counter, gauge and histogram");
        return None;
    }
    let kind = match (counter, gauge, histogram) {
        (Some((_, node)), _, _) => self::counter(node, cx),
        (_, Some((_, node)), _) => self::gauge(node, cx),
        (_, _, Some((_, node))) => self::histogram(node, cx),
        (None, None, None) => None,
    };
    Some(MetricDefinition { name: named, help, labels, kind: kind? })
}

fn counter(node: &Node, cx: &mut Cx<'_>) -> Option<MetricBehaviour> {
    if let Some(text) = node.as_text() {
        let rate = take(Rate::parse(text), node.span, cx)?;
        return Some(MetricBehaviour::Counter {
            drive: Drive::Rate(rate),
            split: Vec::new(),
            continuous: false,
        });
    }
    let mut map = MapReader::open(node, cx)?;
    let drive = drive(&mut map, cx);
    let split = split(&mut map, cx);
    let continuous = map.optional("continuous", cx).unwrap_or(false);
    map.finish(cx);
    Some(MetricBehaviour::Counter { drive: drive?, split: split?, continuous })
}

fn histogram(node: &Node, cx: &mut Cx<'_>) -> Option<MetricBehaviour> {
    let mut map = MapReader::open(node, cx)?;
    let drive = drive(&mut map, cx);
    let split = split(&mut map, cx);
    let bounds: Option<Spanned<Vec<f64>>> = map.required("bounds", cx);
    let values = match map.entry("values") {
        Some((_, node)) => set_value(node, cx).and_then(|value| take(Mixture::parse(&value), node.span, cx)),
        None => {
            cx.error_help(
                map.span_first_line(cx),
                "values is missing",
                "write sizes such as values: 0.02..0.08",
            );
            None
        }
    };
    map.finish(cx);
    let bounds = bounds?;
    if bounds.is_empty()
        || !bounds.windows(2).all(|two| two[0] < two[1])
        || bounds.iter().any(|b| !b.is_finite())
    {
        cx.error_help(
            bounds.span,
            "bounds do not go up",
            "list them from small to large; the infinite one is implied",
        );
        return None;
    }
    Some(MetricBehaviour::Histogram { drive: drive?, split: split?, bounds: bounds.value, values: values? })
}

fn gauge(node: &Node, cx: &mut Cx<'_>) -> Option<MetricBehaviour> {
    if node.as_text().is_some() {
        let value = f64::decode(node, cx)?;
        return Some(MetricBehaviour::Gauge { label: String::new(), values: vec![(String::new(), value)] });
    }
    let mut map = MapReader::open(node, cx)?;
    let value: Option<f64> = map.optional("value", cx);
    let by = map.node("by").cloned();
    map.finish(cx);
    if let (Some(value), None) = (value, &by) {
        return Some(MetricBehaviour::Gauge { label: String::new(), values: vec![(String::new(), value)] });
    }
    let Some(by) = by.as_ref().and_then(Node::as_mapping).filter(|all| all.len() == 1 && value.is_none())
    else {
        cx.error_help(
            node.span,
            "a gauge has a value, or values by one label",
            "write by: {LABEL: {VALUE: 1}}",
        );
        return None;
    };
    let label = String::decode(&by[0].0, cx)?;
    let pairs = entries(&by[0].1, cx)?;
    let decoded: Vec<_> =
        pairs.iter().map(|(name, value)| String::decode(name, cx).zip(f64::decode(value, cx))).collect();
    let values: Vec<(String, f64)> = decoded.into_iter().collect::<Option<_>>()?;
    if values.is_empty() {
        cx.error(by[0].1.span, "a gauge needs at least one value");
        return None;
    }
    Some(MetricBehaviour::Gauge { label, values })
}

fn drive(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Drive> {
    let (rate, each) = (map.entry("rate"), map.entry("each"));
    match (rate, each) {
        (Some((_, node)), None) => {
            let text = String::decode(node, cx)?;
            take(Rate::parse(&text), node.span, cx).map(Drive::Rate)
        }
        (None, Some((_, node))) => each_of(node, cx),
        (Some(_), Some((key, _))) => {
            cx.error_help(key.span, "there is a rate already", "write rate or each");
            None
        }
        (None, None) => {
            let help = "write rate: 50/s, or each: 'COUNTER{LABEL=\"VALUE\"}'";
            cx.error_help(map.span_first_line(cx), "how many events there are is missing", help);
            None
        }
    }
}

fn each_of(node: &Node, cx: &mut Cx<'_>) -> Option<Drive> {
    let text = String::decode(node, cx)?;
    let parsed = bellwether_promql::parse(&text);
    let selector = parsed.ok().and_then(|expr| match expr.kind {
        ExprKind::Selector(selector) => Some(selector),
        _ => None,
    });
    let named = selector.and_then(|selector| {
        let matchers = selector.matchers;
        let name = matchers.iter().find(|matcher| matcher.name == METRIC_NAME)?.value.clone();
        let rest = matchers.into_iter().filter(|matcher| matcher.name != METRIC_NAME).collect();
        Some((name, rest))
    });
    let Some((metric, matchers)) = named else {
        cx.error_help(
            node.span,
            format!("{text:?} does not select a counter"),
            "write it like 'calls_total{code=\"200\"}'",
        );
        return None;
    };
    Some(Drive::Each { metric, matchers, text })
}

fn split(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Vec<(String, Shares)>> {
    let Some(node) = map.node("split") else { return Some(Vec::new()) };
    let all = entries(node, cx)?;
    let mut one = |(label, parts): &(Node, Node)| {
        let label = String::decode(label, cx)?;
        let parsed = Shares::parse(&pairs(parts, cx)?);
        Some((label, take(parsed, parts.span, cx)?))
    };
    let split: Vec<_> = all.iter().map(&mut one).collect();
    split.into_iter().collect()
}

/// Names and texts of a mapping.
fn pairs(node: &Node, cx: &mut Cx<'_>) -> Option<Vec<(String, String)>> {
    let pairs = entries(node, cx)?;
    let decoded: Vec<_> =
        pairs.iter().map(|(name, value)| String::decode(name, cx).zip(String::decode(value, cx))).collect();
    decoded.into_iter().collect()
}

/// A value that a setting may have.
pub(super) fn set_value(node: &Node, cx: &mut Cx<'_>) -> Option<SetValue> {
    match &node.value {
        Value::Mapping(_) => pairs(node, cx).map(SetValue::Parts),
        Value::Scalar(_) => String::decode(node, cx).map(SetValue::Text),
        Value::Null | Value::Sequence(_) => {
            cx.error(node.span, format!("expected a value, found {}", node.value.kind()));
            None
        }
    }
}

fn guru(node: &Node, cx: &mut Cx<'_>) -> Option<GuruDefinition> {
    let mut map = MapReader::open(node, cx)?;
    let phase: Option<Spanned<u32>> = map.optional("phase", cx);
    let users: Option<u32> = map.optional("users", cx);
    let calls = map.node("calls").and_then(|node| self::calls(node, cx));
    map.finish(cx);
    let phase = match phase {
        Some(number) => match Phase::challenge(number.value) {
            Some(phase) => phase,
            None => {
                cx.error(number.span, "a phase is the number of a challenge: 1, 5, 6 or 7");
                return None;
            }
        },
        None => Phase::demo_start(),
    };
    Some(GuruDefinition { phase, rates: calls.unwrap_or_else(|| CallRates::of_users(users.unwrap_or(3))) })
}

fn calls(node: &Node, cx: &mut Cx<'_>) -> Option<CallRates> {
    let mut rates = CallRates([0.0; 8]);
    for (name, rate) in entries(node, cx)? {
        let (named, text) = String::decode(name, cx).zip(String::decode(rate, cx))?;
        let place = take(endpoint_of(&named), name.span, cx)?;
        rates.0[place] = take(Rate::parse(&text), rate.span, cx)?.per_second();
    }
    Some(rates)
}
