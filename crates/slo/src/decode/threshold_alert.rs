//! What a threshold without a goal may say, from YAML: alerts on the value itself, and nothing of budgets.

use std::collections::BTreeSet;

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Decode, MapReader};
use bellwether_model::TimeDelta;

use crate::decode::parts::{labels, labels_of, not_empty};
use crate::threshold_alert::ThresholdAlert;

/// Fields of an alert on the burning of a budget.
const BURN_FIELDS: [&str; 5] = ["long", "short", "factor", "min_bad_events", "budget_left_below"];

/// The alerts of an objective without a goal. Refuses what makes no sense there.
pub(crate) fn without_goal(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Vec<ThresholdAlert>> {
    let mut is_good = true;
    for field in ["group_by", "aspirational"] {
        if map.has(field) {
            let span = map.key_span(field);
            cx.error_help(
                span,
                format!("{field} needs a goal"),
                "write goal:, so that every slice of time is judged",
            );
            is_good = false;
        }
    }
    let alerts = map.node("alerts").map_or(Some(Vec::new()), |node| threshold_alerts(node, cx));
    alerts.filter(|_| is_good)
}

/// `alerts:` of a threshold without a goal.
fn threshold_alerts(node: &Node, cx: &mut Cx<'_>) -> Option<Vec<ThresholdAlert>> {
    let Value::Sequence(items) = &node.value else {
        cx.error_help(node.span, "expected a list of alerts", "write alerts: [] for none");
        return None;
    };
    let read: Vec<Option<ThresholdAlert>> = items.iter().map(|item| threshold_alert(item, cx)).collect();
    let alerts: Vec<ThresholdAlert> = read.into_iter().collect::<Option<_>>()?;
    let mut names = BTreeSet::new();
    for alert in &alerts {
        if let (false, Some(span)) = (names.insert(alert.name.as_str()), alert.span) {
            cx.error(span, format!("alert {:?} is defined twice", alert.name));
            return None;
        }
    }
    Some(alerts)
}

fn threshold_alert(node: &Node, cx: &mut Cx<'_>) -> Option<ThresholdAlert> {
    let mut map = MapReader::open(node, cx)?;
    let burns: Vec<&str> = BURN_FIELDS.into_iter().filter(|field| map.has(field)).collect();
    if let Some(field) = burns.first() {
        let message = format!("{field} speaks of an error budget, and without a goal there is none");
        let help = "write goal: for the objective, or keep only name and severity: it then fires while the value fails";
        cx.error_help(map.key_span(field), message, help);
        return None;
    }
    let name = map.required::<String>("name", cx);
    let name = not_empty(name, node.span, "name", cx);
    let severity = map.optional::<String>("severity", cx).unwrap_or_else(|| "page".to_owned());
    let hold = map.node("for").map_or(Some(TimeDelta::ZERO), |node| TimeDelta::decode(node, cx));
    let labels = labels(map.node("labels"), cx);
    let annotations = labels_of(map.node("annotations"), cx);
    map.finish(cx);
    Some(ThresholdAlert {
        name: name?,
        severity,
        hold: hold?,
        labels: labels?,
        annotations: annotations?,
        span: Some(node.span),
    })
}
