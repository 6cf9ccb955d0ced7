//! What several parts of our own dialect are written with: windows, labels, texts.

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Decode, Span};
use bellwether_model::{Labels, TimeDelta, is_valid_legacy_name};

/// Longest period: four years of minutes are still cheap, more is a typing error.
pub(crate) const PERIOD_MAX: TimeDelta = TimeDelta(4 * 366 * TimeDelta::DAY.0);
/// Shortest period and window: below a minute there are too few scrapes to say anything.
pub(crate) const WINDOW_MIN: TimeDelta = TimeDelta::MINUTE;
/// Labels of an alert that say which objective and alert it is.
pub(crate) const OWN_LABELS: [&str; 5] = ["alertname", "slo", "service", "alert", "severity"];

/// A window: whole seconds, from a minute to four years.
pub(crate) fn window(node: &Node, what: &str, cx: &mut Cx<'_>) -> Option<TimeDelta> {
    let length = TimeDelta::decode(node, cx)?;
    if length < WINDOW_MIN || length > PERIOD_MAX {
        cx.error(node.span, format!("{what} {length} is not between {WINDOW_MIN} and {PERIOD_MAX}"));
        return None;
    }
    if length.0 % 1000 != 0 {
        cx.error(node.span, format!("{what} {length} is not a whole number of seconds"));
        return None;
    }
    Some(length)
}

pub(crate) fn not_empty(text: Option<String>, span: Span, field: &str, cx: &mut Cx<'_>) -> Option<String> {
    let text = text?;
    if text.trim().is_empty() {
        cx.error(span, format!("{field} is empty"));
        return None;
    }
    Some(text)
}

/// What a scalar says, whether quoted or not.
pub(crate) trait ScalarText {
    fn as_text_value(&self) -> Option<&str>;
}
impl ScalarText for Node {
    fn as_text_value(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            Value::Null | Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }
}

/// Labels of alerts; the ones that say which alert it is cannot be overruled.
pub(crate) fn labels(node: Option<&Node>, cx: &mut Cx<'_>) -> Option<Labels> {
    let labels = labels_of(node, cx)?;
    let Some(node) = node else { return Some(labels) };
    for (name, _) in labels.iter() {
        if !is_valid_legacy_name(name, false) {
            cx.error(node.span, format!("{name:?} cannot be a label's name"));
            return None;
        }
        if OWN_LABELS.contains(&name) {
            let help = if name == "severity" {
                "write severity: as a field of the alert"
            } else {
                "use another name"
            };
            cx.error_help(node.span, format!("label {name} is set by the objective itself"), help);
            return None;
        }
    }
    Some(labels)
}

pub(crate) fn labels_of(node: Option<&Node>, cx: &mut Cx<'_>) -> Option<Labels> {
    let Some(node) = node else { return Some(Labels::empty()) };
    Labels::decode(node, cx)
}
