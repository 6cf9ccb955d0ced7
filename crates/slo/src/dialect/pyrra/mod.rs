//! Pyrra's objectives as ours: what the resource is called, what it counts, and which of its alerts there are.

mod alerting;
mod indicator;
mod metadata;
mod window;

use std::collections::BTreeMap;

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, Diagnostic, MapReader};
use bellwether_model::TimeDelta;

pub(crate) use self::alerting::ALERT_NAME;
use self::alerting::Alerting;
use self::indicator::indicator;
use self::metadata::{Metadata, handed_on_labels};
use self::window::add_alerts;
pub(crate) use self::window::severities_of_own_alerts;
use crate::decode::parts::window;
use crate::definition::{About, Dialect, Slo};
use crate::goal::Goal;
use crate::indicator::Indicator;
use crate::period::Period;

/// Labels that say which alert it is. An objective of Pyrra names no service, so it may be split by one.
const RESERVED: [&str; 4] = ["alertname", "slo", "alert", "severity"];
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
