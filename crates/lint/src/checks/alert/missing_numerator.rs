//! A share of what went well is no number at all when nothing ever went well.

use bellwether_diag::Severity;
use bellwether_model::{MatchOp, Matcher};
use bellwether_promql::{AggregateOp, Binary, BinaryOp, Expr, ExprKind, VectorSelector};

use super::condition::{constant, counted};
use crate::{Area, Check, Origin, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "missing-numerator",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "a share of successes that has no value when there was none",
    why: "Counters with a label such as `status` have no series for a status that never occurred. If nothing \
          succeeded since the service started, the numerator of `ok / all` is empty, not 0; so is the quotient, and an \
          alert on a share below its goal is silent in the worst outage there is. The same holds for a share that is \
          stored or shown: it vanishes instead of falling to 0.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: FewLogins\n    expr: \
         sum(rate(logins_total{status=\"ok\"}[5m])) / sum(rate(logins_total[5m])) < 0.99\n    for: 5m\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: FewLogins\n    expr: (sum(rate(logins_total{status=\"ok\"}[5m])) or \
         vector(0)) / sum(rate(logins_total[5m])) < 0.99\n    for: 5m\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for query in setup.all_queries() {
        let Some(expr) = &query.parsed else { continue };
        expr.walk(&mut |node| {
            let ExprKind::Binary(quotient) = &node.kind else { return };
            let Some(subset) = subset_of(quotient) else { return };
            let is_in_alert = query.origin == Origin::Rule && decides(expr, node);
            // What is left of a budget is nothing at all before anything failed; an alert on failures is rightly silent.
            if !is_good(subset) && (is_in_alert || !is_taken_away(expr, node)) {
                return;
            }
            // A share that is only shown per group, or of what did not fail, comes and goes with its traffic.
            let is_simple =
                matches!(subset.op, MatchOp::Equal | MatchOp::Regex) && !is_grouped(&quotient.left);
            if !is_in_alert && !is_simple {
                return;
            }
            let found = report.find(
                query.span_of(&setup.sources, &quotient.left),
                format!("without any {subset} this is no value, not 0"),
            );
            found.help(match is_grouped(&quotient.left) {
                // What is missing has no labels that `vector(0)` could stand in for.
                true => "alert on the share of failures, which is missing only while nothing fails",
                false => "write (... or vector(0)) for the numerator",
            });
            // What is only stored or shown misleads; an alert that stays silent does harm.
            if !is_in_alert {
                found.severity(Severity::Note);
            }
        });
    }
}

/// Whether a quotient is taken away from something: `1 - bad / all`.
fn is_taken_away(expr: &Expr, quotient: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |node| {
        if let ExprKind::Binary(binary) = &node.kind {
            found |= binary.op == BinaryOp::Subtract
                && constant(&binary.left).is_some()
                && binary.right.span.start <= quotient.span.start
                && quotient.span.end <= binary.right.span.end;
        }
    });
    found
}

/// Whether a quotient is compared with something.
fn decides(expr: &Expr, quotient: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |node| {
        if let ExprKind::Binary(binary) = &node.kind {
            found |= binary.op.is_comparison()
                && node.span.start <= quotient.span.start
                && quotient.span.end <= node.span.end;
        }
    });
    found
}

/// The condition by which the numerator counts only some of what the denominator counts; both added up.
pub(super) fn subset_of(quotient: &Binary) -> Option<&Matcher> {
    if quotient.op != BinaryOp::Divide || !is_sum(&quotient.left) || !is_sum(&quotient.right) {
        return None;
    }
    let (_, some) = counted(&quotient.left)?;
    let (_, all) = counted(&quotient.right)?;
    if some.name.is_none() || some.name != all.name {
        return None;
    }
    let mut extra = some.matchers.iter().filter(|matcher| !has(all, matcher));
    extra.next().filter(|_| extra.next().is_none())
}

fn has(selector: &VectorSelector, wanted: &Matcher) -> bool {
    selector.matchers.contains(wanted)
}

fn is_sum(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Paren(inner) => is_sum(inner),
        ExprKind::Aggregate(aggregation) => aggregation.op == AggregateOp::Sum,
        _ => false,
    }
}

fn is_grouped(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Paren(inner) => is_grouped(inner),
        ExprKind::Aggregate(aggregation) => aggregation.grouping.is_some(),
        _ => false,
    }
}

/// Whether a condition picks what went well, or leaves out what failed.
pub(super) fn is_good(matcher: &Matcher) -> bool {
    const GOOD: [&str; 12] = [
        "ok",
        "success",
        "succeeded",
        "successful",
        "successes",
        "2..",
        "2xx",
        "200",
        "2.*",
        "completed",
        "hit",
        "good",
    ];
    let value = matcher.value.trim_start_matches('^').trim_end_matches('$').to_ascii_lowercase();
    match matcher.op {
        MatchOp::Equal | MatchOp::Regex => {
            let truth = value == "true" && matcher.name.contains("success");
            truth || value.split('|').any(|one| GOOD.contains(&one.trim_matches(['(', ')'])))
        }
        MatchOp::NotEqual | MatchOp::NotRegex => {
            const BAD: [&str; 10] =
                ["5..", "5xx", "500", "5.*", "error", "errors", "failed", "failure", "fail", "[45].."];
            value.split('|').all(|one| {
                BAD.contains(&one.trim_matches(['(', ')'])) || one.starts_with("4.") || one.starts_with("5.")
            })
        }
    }
}
