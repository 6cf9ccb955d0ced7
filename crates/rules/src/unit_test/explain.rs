//! The series behind a result: what each selector of a query sees, so that nobody has to guess why a test fails.

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_promql::selectors;

use super::memory::{Entry, Memory};
use super::series;
use crate::RuleExpr;

/// Series shown of one selector.
const SERIES_MAX: usize = 20;
/// Values shown of one series: the latest.
const VALUES_MAX: usize = 10;

/// One line per series that a query's selectors find, with its last values and their times since the start.
pub(crate) fn series(expr: &RuleExpr, memory: &Memory, at: Timestamp, start: Timestamp) -> Vec<String> {
    let mut lines = Vec::new();
    for selector in selectors(&expr.parsed) {
        let found = memory.look(&selector.matchers, at);
        if found.is_empty() {
            let text = expr.text.get(selector.span.clone()).unwrap_or(&expr.text);
            lines.push(format!("no series matches {}", text.trim()));
        }
        let more = found.len().saturating_sub(SERIES_MAX);
        for (labels, entries) in found.into_iter().take(SERIES_MAX) {
            let last = &entries[entries.len().saturating_sub(VALUES_MAX)..];
            let values: Vec<String> = last.iter().map(|entry| value(entry, start)).collect();
            let before = if last.len() < entries.len() { "... " } else { "" };
            lines.push(format!("{labels} {before}{}", values.join(" ")));
        }
        if more > 0 {
            lines.push(format!("and {more} more series"));
        }
    }
    lines.dedup();
    lines
}

fn value((at, value): &Entry, start: Timestamp) -> String {
    let since = TimeDelta(at.0.saturating_sub(start.0));
    format!("{}@{since}", series::text(value))
}
