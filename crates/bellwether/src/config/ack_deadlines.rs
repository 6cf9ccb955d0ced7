//! `ack_deadline:` of `bellwether.yml`: how soon somebody should take an alert, by its severity. Statistics, metrics and
//! explanations measure people by it, and nothing else.

use bellwether_alerts::AckDeadlines;
use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, MapReader, Spanned};
use bellwether_model::TimeDelta;

/// Beyond a year nobody means a deadline.
const DEADLINE_MAX_MS: i64 = 365 * TimeDelta::DAY.0;

/// The defaults, changed by what is written.
pub(super) fn ack_deadlines(node: &Node, cx: &mut Cx<'_>) -> AckDeadlines {
    let mut deadlines = AckDeadlines::default();
    let Some(mut by_severity) = MapReader::open(node, cx) else { return deadlines };
    for (severity, node) in by_severity.rest() {
        let Some(severity) = severity.as_text() else {
            cx.error_help(severity.span, "expected the name of a severity", "write it like `critical: 5m`");
            continue;
        };
        let Some(deadline) = Spanned::<TimeDelta>::decode(node, cx) else { continue };
        match deadline.value.0 {
            0..=DEADLINE_MAX_MS => deadlines.set(severity, deadline.value),
            _ => cx.error_help(
                deadline.span,
                format!("{} is no deadline", deadline.value),
                "write a time such as 5m; 0s means that there is none",
            ),
        }
    }
    deadlines
}
