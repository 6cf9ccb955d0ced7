//! One sample over the line, and somebody is called.

use bellwether_diag::Severity;
use bellwether_promql::{Expr, ExprKind, Function};

use super::condition::{calls, comparisons, metrics, raw_metric, speaks_of};
use super::severity::{Urgency, urgency};
use crate::{Area, Check, Report, Setup};

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
    for rule in setup.alerts() {
        let Some(query) = &rule.query else { continue };
        if rule.node.get("for").is_some() || rule.node.get("keep_firing_for").is_some() {
            continue;
        }
        if urgency(rule) == Urgency::Info {
            continue;
        }
        let Some(expr) = &query.parsed else { continue };
        let found = comparisons(expr);
        let varies =
            found.iter().any(|it| (it.is_above() || it.is_below()) && varies(it.measured, it.threshold));
        if varies && found.iter().all(|it| it.is_alone) {
            report
                .find(rule.name.span, format!("{} fires at the first value over the line", rule.name.value))
                .help("add `for`, such as `for: 5m`");
        }
    }
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
