//! A share whose two sides find each other by labels that only one of them has.

use bellwether_diag::Severity;
use bellwether_promql::{Binary, BinaryOp, Expr, ExprKind, Function, VectorSelector, selectors};

use crate::checks::shape::conditions;
use crate::{Area, Check, LabelsLeft, Report, Setup, labels_left};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "self-ratio",
    area: Area::Promql,
    severity: Severity::Error,
    title: "a share of series in themselves",
    why: "Division pairs series that have the same labels. Where the left side selects by `status` and neither side is \
          aggregated, every failed series is divided by itself: the result is always 1, however few failures there are. \
          Where only one side is aggregated, nothing is paired at all. Sum both sides by the same labels.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Errors\n    expr: rate(requests_total{status=~\"5..\"}[5m]) / \
         rate(requests_total[5m]) > 0.01\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Errors\n    expr: sum(rate(requests_total{status=~\"5..\"}[5m])) / \
         sum(rate(requests_total[5m])) > 0.01\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for query in setup.all_queries() {
        let Some(expr) = &query.parsed else { continue };
        expr.walk(&mut |node| {
            let ExprKind::Binary(binary) = &node.kind else { return };
            if binary.op != BinaryOp::Divide || binary.matching.labels.is_some() || binary.matching.group.is_some() {
                return;
            }
            let place = query.span_of(&setup.sources, node);
            if let Some(label) = divided_by_itself(binary) {
                report
                    .find(place, format!("every series with this {label} is divided by itself, which is always 1"))
                    .help("sum both sides by the labels to keep: sum(rate(...)) / sum(rate(...))");
            } else if let Some((bare, kept)) = never_paired(binary) {
                report
                    .find(place, format!("the {bare} side keeps all labels and the other {kept}: no two series have the same"))
                    .help("aggregate both sides by the same labels");
            }
        });
    }
}

/// The label by which the left side selects a part of what the right side has, neither being aggregated.
fn divided_by_itself(binary: &Binary) -> Option<String> {
    let (left, right) = (rated(&binary.left)?, rated(&binary.right)?);
    if left.name.is_none() || left.name != right.name {
        return None;
    }
    let (of_left, of_right) = (conditions(left), conditions(right));
    let is_part = of_right.iter().all(|condition| of_left.contains(condition));
    let own = left.matchers.iter().find(|matcher| {
        matcher.name != "__name__" && !right.matchers.iter().any(|other| other.name == matcher.name)
    })?;
    is_part.then(|| own.name.clone())
}

/// The selector below a rate that nothing aggregates.
fn rated(expr: &Expr) -> Option<&VectorSelector> {
    let ExprKind::Call(call) = &expr.unwrapped().kind else { return None };
    let counts = matches!(call.function, Function::Rate | Function::Irate | Function::Increase);
    match call.arguments.first().map(|argument| &argument.unwrapped().kind) {
        Some(ExprKind::Range(range)) if counts => Some(&range.selector),
        _ => None,
    }
}

/// One side aggregated to few labels, the other with all of a counter of the same metric.
fn never_paired(binary: &Binary) -> Option<(&'static str, String)> {
    let is_one = selectors(&binary.left).len() == 1 && selectors(&binary.right).len() == 1;
    let kept = |side: &Expr| match labels_left(side) {
        LabelsLeft::Only(names) if names.is_empty() => Some("none".to_owned()),
        LabelsLeft::Only(names) => Some(names.into_iter().collect::<Vec<_>>().join(", ")),
        LabelsLeft::AllBut(_) => None,
    };
    if !is_one {
        return None;
    }
    match (rated(&binary.left), kept(&binary.right), rated(&binary.right), kept(&binary.left)) {
        (Some(_), Some(names), _, _) => Some(("left", names)),
        (_, _, Some(_), Some(names)) => Some(("right", names)),
        _ => None,
    }
}
