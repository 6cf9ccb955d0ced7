//! The value of a counter held against a bound: it only grows until its process restarts.

use bellwether_diag::Severity;
use bellwether_promql::{BinaryOp, Expr, ExprKind, Function};

use crate::checks::shape::comparisons;
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "counter-raw",
    area: Area::Promql,
    severity: Severity::Warning,
    title: "an alert on the value of a counter instead of its rate",
    why: "A counter holds everything since its process started. Once it is above a bound it stays there until a restart, \
          and how fast that happens depends on how long the process has been running. Ask how much it grew: `rate` or \
          `increase`.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Errors\n    expr: errors_total > 100\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Errors\n    expr: increase(errors_total[10m]) > 100\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for query in setup.alerts().filter_map(|rule| rule.query.as_ref()) {
        let Some(expr) = &query.parsed else { continue };
        for (name, at, what) in raw_in_share(expr) {
            report
                .find(
                    query.span_of(&setup.sources, at),
                    format!("{name} is a counter: {what} since each process started"),
                )
                .help(format!("write rate({name}[5m])"));
        }
        for comparison in comparisons(expr) {
            let grows = matches!(comparison.op, BinaryOp::Greater | BinaryOp::GreaterOrEqual);
            let counts = |name: &str| comparison.bound > 0.0 || (comparison.bound == 0.0 && is_mishap(name));
            let Some((name, at)) = raw_counter(comparison.value).filter(|(name, _)| grows && counts(name))
            else {
                continue;
            };
            report
                .find(
                    query.span_of(&setup.sources, at),
                    format!(
                        "{name} is a counter: once above {} it stays there until a restart",
                        comparison.bound
                    ),
                )
                .help(format!("write increase({name}[10m]) or rate({name}[5m])"));
        }
    }
}

/// Counters divided by one another, and buckets a quantile is looked for in.
fn raw_in_share(expr: &Expr) -> Vec<(&str, &Expr, &'static str)> {
    let mut found = Vec::new();
    expr.walk(&mut |node| match &node.kind {
        ExprKind::Binary(binary) if binary.op == BinaryOp::Divide => {
            if let (Some((name, at)), Some(_)) = (raw_counter(&binary.left), raw_counter(&binary.right)) {
                found.push((name, at, "this is the share"));
            }
        }
        ExprKind::Call(call) if call.function == Function::HistogramQuantile => {
            let Some(mut inner) = call.arguments.get(1).map(Expr::unwrapped) else { return };
            while let ExprKind::Aggregate(aggregation) = &inner.kind {
                inner = aggregation.inner.unwrapped();
            }
            let ExprKind::Selector(selector) = &inner.kind else { return };
            let buckets =
                selector.name.as_deref().filter(|name| name.ends_with("_bucket") && !name.contains(':'));
            found.extend(buckets.map(|name| (name, inner, "this is the quantile of everything")));
        }
        _ => {}
    });
    found
}

/// Above nothing at all is fine for amounts; mishaps that were counted once are counted for good.
fn is_mishap(name: &str) -> bool {
    ["error", "fail", "drop", "reject", "timeout", "retries", "restart", "panic", "lost", "discard"]
        .iter()
        .any(|word| name.contains(word))
}

/// A counter that is at most added up.
fn raw_counter(expr: &Expr) -> Option<(&str, &Expr)> {
    let expr = expr.unwrapped();
    match &expr.kind {
        ExprKind::Selector(selector) => {
            let name = selector.name.as_deref().filter(|name| name.ends_with("_total"))?;
            // Totals of memory and the like are amounts that are there.
            let is_amount = [
                "bytes_total",
                "memory",
                "cpu_total",
                "cores",
                "limit",
                "size",
                "capacity",
                "pending",
                "cluster",
            ]
            .iter()
            .any(|part| name.contains(part));
            (!is_amount && !name.contains(':')).then_some((name, expr))
        }
        ExprKind::Aggregate(aggregation) => raw_counter(&aggregation.inner),
        _ => None,
    }
}
