//! One sample over the line, and somebody is called.

use std::collections::BTreeMap;

use bellwether_diag::{FileId, Severity};
use bellwether_promql::{Expr, ExprKind, Function};

use super::condition::{Comparison, calls, comparisons, metrics, raw_metric, speaks_of};
use super::severity::{Urgency, urgency};
use crate::{Area, Check, Report, Rule, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "for-missing",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "an alert on a value that goes up and down, without `for`",
    why: "Without `for` an alert fires at the first evaluation that sees it: one slow scrape, one burst, and it is \
          resolved again before anybody looked. Values that vary (a gauge, a share or a quantile over a few minutes) \
          need a time for which they must stay over the line.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Busy\n    expr: cpu_usage_ratio > 0.9\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Busy\n    expr: cpu_usage_ratio > 0.9\n    for: 10m\n",
    )],
    run,
};

/// Longest range over which a rate or quantile still follows a short burst.
const SHORT_RANGE_SECS: f64 = 600.0;

fn run(setup: &Setup, report: &mut Report) {
    let mut by_file: BTreeMap<FileId, (usize, usize)> = BTreeMap::new();
    let file_of = |rule: &Rule| setup.sources.whole(rule.name.span).file;
    for rule in setup.alerts() {
        let (all, with) = by_file.entry(file_of(rule)).or_default();
        *all += 1;
        *with += usize::from(rule.node.get("for").is_some());
    }
    for rule in setup.alerts().filter(|rule| !has_own_time(rule)) {
        let Some(expr) = rule.query.as_ref().and_then(|query| query.parsed.as_ref()) else { continue };
        let (all, with) = by_file.get(&file_of(rule)).copied().unwrap_or_default();
        let found = comparisons(expr);
        let is_alone = !found.is_empty() && found.iter().all(|it| it.is_alone);
        let name = &rule.name.value;
        if is_alone && found.iter().any(|it| it.is_zero() && asks_up(it.measured)) {
            report
                .find(rule.name.span, format!("{name} fires when one scrape fails, as at every restart"))
                .help("add `for`, such as `for: 5m`");
        } else if is_alone && found.iter().any(is_of_the_moment) {
            report
                .find(rule.name.span, format!("{name} fires at the first value over the line"))
                .help("add `for`, such as `for: 5m`");
        } else if all >= 5 && with * 5 >= all * 4 && is_state(expr) && !found.iter().any(is_flag) {
            report
                .find(rule.name.span, format!("{name} has no `for`, as {with} of the {all} alerts here have"))
                .help("add `for`, or write `for: 0s` to say that one value is enough")
                .severity(Severity::Note);
        }
    }
}

/// Whether a value that goes up and down is held against a bound.
fn is_of_the_moment(comparison: &Comparison<'_>) -> bool {
    (comparison.is_above() || comparison.is_below()) && varies(comparison.measured, comparison.threshold)
}

/// Whether a value says that something failed, which one look is enough for: `failed_disks > 0`, `has_error == 1`.
fn is_flag(comparison: &Comparison<'_>) -> bool {
    let is_one = comparison.threshold == 1.0 && !comparison.is_below() && !comparison.is_above();
    is_one || (comparison.is_above() && comparison.threshold == 0.0)
}

/// Whether a rule says by itself how long something must last, or tells of a moment.
fn has_own_time(rule: &Rule) -> bool {
    let says = |field: &str| rule.node.get(field).is_some();
    says("for") || says("keep_firing_for") || urgency(rule) == Urgency::Info
}

fn asks_up(measured: &Expr) -> bool {
    raw_metric(measured)
        .and_then(|metric| metric.name.as_deref())
        .is_some_and(|name| matches!(name, "up" | "probe_success"))
}

/// Whether a value is read as it is at this moment: no range looks back, and it is no time or remaining time.
fn is_state(expr: &Expr) -> bool {
    let mut is_instant = true;
    expr.walk(&mut |node| {
        is_instant &= !matches!(node.kind, ExprKind::Range(_) | ExprKind::Subquery(_));
    });
    let is_time = calls(expr, &[Function::Time, Function::Absent])
        || metrics(expr).iter().any(|name| {
            ["ttl", "expir", "timestamp", "not_after", "_time"].iter().any(|word| name.contains(word))
        });
    is_instant && !is_time && !metrics(expr).is_empty()
}

/// Whether a value goes up and down by itself: a usage as it is, or a share or quantile over a short time.
fn varies(measured: &Expr, threshold: f64) -> bool {
    if calls(measured, &[Function::Time, Function::PredictLinear, Function::Absent, Function::Increase]) {
        return false;
    }
    if let Some(gauge) = raw_metric(measured) {
        let name = gauge.name.as_deref().unwrap_or_default();
        const USAGE: [&str; 9] =
            ["usage", "utilization", "utilisation", "load", "cpu", "latency", "memory", "percent", "ratio"];
        return threshold != 0.0 && speaks_of(name, &USAGE) && !name.contains(':');
    }
    let is_computed = is_quotient(measured) || calls(measured, &[Function::HistogramQuantile]);
    is_computed && !metrics(measured).is_empty() && is_over_short_range(measured)
}

fn is_quotient(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Paren(inner) => is_quotient(inner),
        ExprKind::Aggregate(aggregation) => is_quotient(&aggregation.inner),
        ExprKind::Binary(binary) => {
            binary.op == bellwether_promql::BinaryOp::Divide
                || is_quotient(&binary.left)
                || is_quotient(&binary.right)
        }
        _ => false,
    }
}

fn is_over_short_range(expr: &Expr) -> bool {
    let (mut has_range, mut is_short) = (false, true);
    expr.walk(&mut |node| {
        if let ExprKind::Range(range) = &node.kind {
            has_range = true;
            is_short &= range.range.constant().is_some_and(|range| range.as_secs_f64() <= SHORT_RANGE_SECS);
        }
        is_short &= !matches!(node.kind, ExprKind::Subquery(_));
    });
    has_range && is_short
}
