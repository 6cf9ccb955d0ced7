//! A quantile over buckets that an aggregation has taken the bounds from.

use bellwether_diag::Severity;
use bellwether_promql::{Expr, ExprKind, Function};

use crate::checks::shape::comparisons;
use crate::{Area, Check, Report, Setup, labels_left};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "missing-by-le",
    area: Area::Promql,
    severity: Severity::Error,
    title: "a quantile of buckets that were added up without `by (le)`",
    why: "`histogram_quantile` needs the bound of every bucket, which is the label `le`. An aggregation that drops it \
          leaves nothing to find a quantile in: the query gives no result, and its alert never fires. Without any \
          aggregation an alert has a quantile of every single series, such as one per pod and path: each of few events, and \
          none of what users see. Where the alert's texts speak of the labels of a series, that is meant so and not reported.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - record: job:latency:p95\n    expr: \
         histogram_quantile(0.95, sum by (job) (rate(latency_seconds_bucket[5m])))\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - record: job:latency:p95\n    expr: \
         histogram_quantile(0.95, sum by (job, le) (rate(latency_seconds_bucket[5m])))\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    per_series(setup, report);
    for query in setup.all_queries() {
        let Some(expr) = &query.parsed else { continue };
        expr.walk(&mut |node| {
            let ExprKind::Call(call) = &node.kind else { return };
            let (Function::HistogramQuantile, Some(buckets)) = (call.function, call.arguments.get(1)) else {
                return;
            };
            // Native histograms have no bounds in labels; only names of classic ones end so.
            let is_classic = bellwether_promql::selectors(buckets)
                .iter()
                .any(|selector| selector.name.as_ref().is_some_and(|name| name.ends_with("_bucket")));
            if is_classic && !labels_left(buckets).may_have("le") {
                let found = report.find(
                    query.span_of(&setup.sources, buckets),
                    "the label le is aggregated away before the quantile",
                );
                found.help("add le to the labels of by (...)");
                if let Some((at, text)) = remedy(&query.text, buckets) {
                    found.fix("write by (le)", query.span(&setup.sources, at..at), text);
                }
            }
        });
    }
}

/// Where to put what into a query so that the bounds are kept, where that is plain to see.
fn remedy(text: &str, buckets: &Expr) -> Option<(usize, &'static str)> {
    let ExprKind::Aggregate(aggregation) = &buckets.kind else { return None };
    let after_name = aggregation.op_span.end;
    let Some(grouping) = &aggregation.grouping else { return Some((after_name, " by (le)")) };
    let written = match text.get(after_name..)?.trim_start().starts_with("by") {
        true => after_name..buckets.span.end,
        false => aggregation.inner.span.end..buckets.span.end,
    };
    let (before, labels) = text.get(written.clone())?.split_once("by")?.1.split_once('(')?;
    let is_plain = before.trim().is_empty() && !grouping.is_without;
    let at = written.end - labels.len();
    is_plain.then_some((at, if grouping.names.is_empty() { "le" } else { "le, " }))
}

/// An alert on a quantile of every series by itself, whose texts name no label of any.
fn per_series(setup: &Setup, report: &mut Report) {
    for rule in setup.alerts() {
        let Some((query, expr)) = rule.query.as_ref().and_then(|query| Some((query, query.parsed.as_ref()?)))
        else {
            continue;
        };
        let mut texts = rule.labels.iter().chain(&rule.annotations);
        if texts.any(|field| field.text().contains("abels")) {
            continue;
        }
        for comparison in comparisons(expr) {
            let ExprKind::Call(call) = &comparison.value.kind else { continue };
            let Some(buckets) =
                call.arguments.get(1).filter(|_| call.function == Function::HistogramQuantile)
            else {
                continue;
            };
            let ExprKind::Call(inner) = &buckets.unwrapped().kind else { continue };
            if matches!(inner.function, Function::Rate | Function::Irate | Function::Increase) {
                report
                    .find(
                        query.span_of(&setup.sources, buckets),
                        "this is a quantile of every series by itself, and the alert's texts do not say of which",
                    )
                    .severity(Severity::Warning)
                    .help("write sum by (le) (...) around the rate, with the labels the alert is to keep");
            }
        }
    }
}
