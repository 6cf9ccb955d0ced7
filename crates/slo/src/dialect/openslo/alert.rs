//! Alert policies and their conditions: burn rates over one window.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Diagnostic, MapReader, Span};
use bellwether_model::{Labels, TimeDelta};

use super::Library;
use super::object::{Object, ObjectKind, UNKNOWN_HELP};
use super::window::Shorthand;
use crate::burn_alert::BurnAlert;
use crate::decode::parts::PERIOD_MAX;
use crate::dialect::{not_carried, own_annotation};
use crate::goal::Factor;

/// The alerts of all policies of an SLO; none is fine.
pub(super) fn alerts(node: Option<&Node>, library: Library<'_>, cx: &mut Cx<'_>) -> Option<Vec<BurnAlert>> {
    let Some(node) = node.filter(|node| !node.is_null()) else { return Some(Vec::new()) };
    let Some(items) = node.as_sequence() else {
        cx.error_help(node.span, "expected a list of policies", "write - alertPolicyRef: and its name");
        return None;
    };
    let mut alerts: Vec<BurnAlert> = Vec::new();
    for item in items {
        for alert in stated_or_referred(item, library, cx)? {
            // Two policies may share a condition.
            let is_there = |known: &BurnAlert| {
                BurnAlert { span: None, ..known.clone() } == BurnAlert { span: None, ..alert.clone() }
            };
            if alerts.iter().any(is_there) {
                continue;
            }
            let twins = alerts
                .iter()
                .filter(|known| {
                    known.name == alert.name || known.name.starts_with(&format!("{}-", alert.name))
                })
                .count();
            let name = if twins == 0 { alert.name.clone() } else { format!("{}-{}", alert.name, twins + 1) };
            alerts.push(BurnAlert { name, ..alert });
        }
    }
    Some(alerts)
}

fn stated_or_referred(node: &Node, library: Library<'_>, cx: &mut Cx<'_>) -> Option<Vec<BurnAlert>> {
    let object = match node.get("alertPolicyRef") {
        Some(name) => {
            let mut map = MapReader::open(node, cx)?;
            map.ignore(&["alertPolicyRef"]);
            map.finish(cx);
            let Some(found) = library.named(ObjectKind::AlertPolicy, name) else {
                missing(ObjectKind::AlertPolicy, name, cx);
                return Some(Vec::new());
            };
            Object::read(found, cx)?
        }
        None => Object::inline(node, library.version, ObjectKind::AlertPolicy, cx)?,
    };
    policy(&object, library, cx)
}

/// Reads a policy: its conditions as alerts, its targets as a label that routes can match.
pub(super) fn policy(object: &Object<'_>, library: Library<'_>, cx: &mut Cx<'_>) -> Option<Vec<BurnAlert>> {
    let mut map = MapReader::open(object.spec, cx)?;
    map.ignore(&["description"]);
    let breaching: Option<bool> = map.optional("alertWhenBreaching", cx);
    let resolved = map.node("alertWhenResolved");
    let no_data = map.node("alertWhenNoData");
    elsewhere(
        resolved,
        "false",
        "whether people hear of the end of an alert is said by their receiver",
        "write send_resolved: false there",
        cx,
    );
    elsewhere(no_data, "false", "that nothing is measured is always said", "silence it by its name", cx);
    let conditions = map.node("conditions").and_then(Node::as_sequence).unwrap_or_default();
    let targets = targets(map.node("notificationTargets"), library, cx);
    map.finish(cx);
    let read: Vec<Option<Option<BurnAlert>>> =
        conditions.iter().map(|node| condition_of(node, library, cx)).collect();
    let alerts: Vec<Option<BurnAlert>> = read.into_iter().collect::<Option<_>>()?;
    // What a condition says itself wins over its policy.
    let over = |policy: &Labels, own: &Labels| {
        Labels::from_pairs(policy.iter().filter(|(name, _)| own.get(name).is_none()).chain(own.iter()))
    };
    let labelled = |alert: BurnAlert| {
        let labels = over(&object.labels, &alert.labels);
        let labels = match targets.is_empty() {
            true => labels,
            false => labels.with(TARGET_LABEL, &targets.join(",")),
        };
        let annotations = over(&own_annotation::others(&object.annotations), &alert.annotations);
        BurnAlert { labels, annotations, ..alert }
    };
    match breaching {
        Some(false) => Some(Vec::new()),
        Some(true) | None => Some(alerts.into_iter().flatten().map(labelled).collect()),
    }
}

/// The label that names an alert's notification targets.
pub(crate) const TARGET_LABEL: &str = "notification_target";

fn elsewhere(node: Option<&Node>, stated: &str, message: &str, help: &str, cx: &mut Cx<'_>) {
    if let Some(node) = node.filter(|node| node.as_text() == Some(stated)) {
        cx.push(Diagnostic::warning("configured-elsewhere", node.span, message).with_help(help));
    }
}

fn targets(node: Option<&Node>, library: Library<'_>, cx: &mut Cx<'_>) -> Vec<String> {
    let items = node.and_then(Node::as_sequence).unwrap_or_default();
    let name = |item: &Node, cx: &mut Cx<'_>| match item.get("targetRef") {
        Some(name) => name.as_text().map(str::to_owned),
        None => {
            let object = Object::inline(item, library.version, ObjectKind::AlertNotificationTarget, cx)?;
            target(&object, cx);
            Some(object.name)
        }
    };
    items.iter().filter_map(|item| name(item, cx)).collect()
}

/// Reads a target of notifications: routes and receivers say what it is.
pub(super) fn target(object: &Object<'_>, cx: &mut Cx<'_>) {
    let Some(mut map) = MapReader::open(object.spec, cx) else { return };
    map.ignore(&["description"]);
    if let Some((key, _)) = map.entry("target") {
        let message =
            format!("alerts carry {TARGET_LABEL}={:?}; whom that reaches is said by a route", object.name);
        let problem = Diagnostic::warning("configured-elsewhere", key.span, message);
        cx.push(problem.with_help("write a route and a receiver for it under alertmanager:"));
    }
    map.finish(cx);
}

fn condition_of(node: &Node, library: Library<'_>, cx: &mut Cx<'_>) -> Option<Option<BurnAlert>> {
    let object = match node.get("conditionRef") {
        Some(name) => {
            let mut map = MapReader::open(node, cx)?;
            map.ignore(&["conditionRef"]);
            map.finish(cx);
            let Some(found) = library.named(ObjectKind::AlertCondition, name) else {
                missing(ObjectKind::AlertCondition, name, cx);
                return Some(None);
            };
            Object::read(found, cx)?
        }
        None => Object::inline(node, library.version, ObjectKind::AlertCondition, cx)?,
    };
    condition(&object, cx).map(Some)
}

/// Says that an alert is left out because what it refers to is not among the files.
fn missing(kind: ObjectKind, name: &Node, cx: &mut Cx<'_>) {
    let message = format!("no {} is named {:?}", kind.as_str(), name.as_text().unwrap_or_default());
    not_carried(name.span, message, UNKNOWN_HELP, cx);
}

/// Reads a condition.
pub(super) fn condition(object: &Object<'_>, cx: &mut Cx<'_>) -> Option<BurnAlert> {
    let mut map = MapReader::open(object.spec, cx)?;
    let description: String = map.optional("description", cx).unwrap_or_default();
    let severity = map.required::<String>("severity", cx);
    let burn = match map.node("condition") {
        Some(node) => burn(node, cx),
        None => map.required::<String>("condition", cx).and(None),
    };
    map.finish(cx);
    let (burn, severity) = (burn?, severity?);
    let annotations = own_annotation::others(&object.annotations);
    let annotations = match description.is_empty() {
        true => annotations,
        false => annotations.with("description", &description),
    };
    let alert = BurnAlert {
        name: object.name.clone(),
        severity,
        long: burn.window,
        short: None,
        factor: burn.factor,
        min_bad_events: 0,
        labels: object.labels.clone(),
        annotations,
        span: Some(burn.span),
    };
    own_annotation::apply_to_alert(&object.annotations, alert)
        .map_err(|why| cx.push(Diagnostic::error("invalid-value", object.name_span, why)))
        .ok()
}

struct Burn {
    window: TimeDelta,
    factor: Factor,
    span: Span,
}

fn burn(node: &Node, cx: &mut Cx<'_>) -> Option<Burn> {
    let mut map = MapReader::open(node, cx)?;
    if let Some(kind) =
        map.node("kind").filter(|kind| !kind.as_text().is_some_and(|k| k.eq_ignore_ascii_case("burnrate")))
    {
        cx.error_help(kind.span, "not a kind of condition", "write kind: burnrate");
    }
    if let Some(op) = map.node("op") {
        operator(op, cx);
    }
    let factor_node = map.node("threshold");
    let factor = match factor_node {
        Some(node) => factor(node, cx),
        None => map.required::<String>("threshold", cx).and(None),
    };
    let window = match map.node("lookbackWindow") {
        Some(node) => lookback(node, cx),
        None => map.required::<String>("lookbackWindow", cx).and(None),
    };
    if let Some(after) = map.node("alertAfter").filter(|node| !node.is_null())
        && Shorthand::read(after, cx).is_some_and(|after| after.length() > TimeDelta::ZERO)
    {
        let message = "a burn rate is acted on when it is seen: the window is what keeps short ones quiet";
        not_carried(after.span, message, "leave alertAfter out, or write a longer lookbackWindow", cx);
    }
    map.finish(cx);
    Some(Burn { window: window?, factor: factor?, span: factor_node?.span })
}

/// A burn rate is bad when it is high. The specification's own example says `lte` of one that "exceeds" its threshold.
fn operator(node: &Node, cx: &mut Cx<'_>) {
    match node.as_text().unwrap_or_default() {
        "gt" | "gte" => {}
        op @ ("lt" | "lte") => {
            let message = format!(
                "{op} is read with its sides swapped: it fires when the burn rate exceeds the threshold"
            );
            cx.push(Diagnostic::warning("openslo-operator", node.span, message).with_help("write op: gt"));
        }
        other => cx.error_help(node.span, format!("{other:?} is no comparison"), "write op: gt"),
    }
}

fn factor(node: &Node, cx: &mut Cx<'_>) -> Option<Factor> {
    let found = node.as_text().and_then(Factor::parse);
    if found.is_none() {
        cx.error_help(node.span, "the threshold is not a positive number", "write a burn rate such as 14.4");
    }
    found
}

fn lookback(node: &Node, cx: &mut Cx<'_>) -> Option<TimeDelta> {
    let window = Shorthand::read(node, cx)?.length();
    if !(TimeDelta::MINUTE..=PERIOD_MAX).contains(&window) {
        cx.error(node.span, format!("window {window} is not between {} and {PERIOD_MAX}", TimeDelta::MINUTE));
        return None;
    }
    Some(window)
}

/// Labels of an alert without that of its targets, and the targets.
pub(crate) fn targets_of(labels: &Labels) -> (Labels, Vec<String>) {
    let targets = labels.get(TARGET_LABEL).map(|text| text.split(',').map(str::to_owned).collect());
    (labels.without(&[TARGET_LABEL]), targets.unwrap_or_default())
}
