//! Queries that calculate what is left of a budget.

use std::collections::BTreeMap;

use bellwether_promql::{BinaryOp, Expr, ExprKind};

use crate::setup::amounts::{short_number, spoken};
use crate::setup::burn::{constant, is_ratio, same};
use crate::setup::goal_recorded::{RECORDED, number};
use crate::setup::query::Query;
use crate::{Report, Setup};

/// A share of bad events, times and by constants.
struct Chain<'a> {
    ratio: &'a Expr,
    /// What it is multiplied by in all.
    scale: f64,
    /// The budget it is divided by, and where that stands.
    budget: Option<(f64, std::ops::Range<usize>)>,
}

pub(super) fn run(setup: &Setup, report: &mut Report) {
    recorded(setup, report);
    for query in setup.all_queries() {
        let Some(expr) = &query.parsed else { continue };
        expr.walk(&mut |node| {
            let ExprKind::Binary(binary) = &node.kind else { return };
            let Some(whole) = constant(&binary.left)
                .filter(|whole| binary.op == BinaryOp::Subtract && (*whole == 1.0 || *whole == 100.0))
            else {
                return;
            };
            let Some(chain) = chain(&binary.right) else { return };
            let Some((budget, _)) = &chain.budget else { return };
            // (bad / total) / budget is the share that is spent: once times 100 for percent.
            let times = chain.scale * budget / whole;
            let all_of_it = query.span(&setup.sources, chain.ratio.span.end..binary.right.span.end);
            if !same(times, 1.0) {
                report
                    .find(
                        all_of_it,
                        format!(
                            "this is {} times what is spent: {} - (bad / total) / budget{} is what is left",
                            short_number(times),
                            whole,
                            if whole == 100.0 { " * 100" } else { "" }
                        ),
                    )
                    .help(match whole == 100.0 {
                        true => "write 100 * (1 - (bad / total) / budget)",
                        false => "write 1 - (bad / total) / budget",
                    });
            }
            wrong_goal(setup, query, &chain, report);
        });
    }
}

/// A recorded goal and a recorded budget of one objective that are not one together.
fn recorded(setup: &Setup, report: &mut Report) {
    for names in RECORDED.iter().filter(|names| !names.budget.is_empty()) {
        let goals: BTreeMap<_, _> =
            setup.recordings(names.goal).map(|goal| (goal.label_texts(), goal)).collect();
        for rule in setup.recordings(names.budget) {
            let goal = goals.get(&rule.label_texts());
            let (Some(goal), Some(budget), Some(query)) = (goal, number(rule), &rule.query) else { continue };
            let Some(share) = number(goal).filter(|share| (share + budget - 1.0).abs() > 1e-6) else {
                continue;
            };
            report
                .find(
                    query.whole(&setup.sources),
                    format!(
                        "a budget of {} beside a goal of {}: they are not one together",
                        short_number(budget),
                        short_number(share)
                    ),
                )
                .related(goal.name.span, "the goal")
                .help(format!("write vector(1 - {})", short_number(share)));
        }
    }
}

/// The budget that is written belongs to no goal over as long a window.
fn wrong_goal(setup: &Setup, query: &Query, chain: &Chain<'_>, report: &mut Report) {
    let Some((budget, place)) = &chain.budget else { return };
    let mut window = None;
    chain.ratio.walk(&mut |node| {
        if let ExprKind::Range(range) = &node.kind {
            window = window.or(range.range.constant());
        }
    });
    let document = query.section.map(|section| section.document);
    let near = setup.goals.iter().filter(|goal| goal.section.map(|section| section.document) == document);
    let of_window: Vec<_> = near.filter(|goal| window.is_some() && goal.window == window).collect();
    if of_window.is_empty() || of_window.iter().any(|goal| same(goal.budget(), *budget)) {
        return;
    }
    let list: Vec<String> = of_window
        .iter()
        .map(|goal| {
            format!("{} of {}", short_number(goal.budget()), goal.name.as_deref().unwrap_or("a goal"))
        })
        .collect();
    report
        .find(
            query.span(&setup.sources, place.clone()),
            format!(
                "{} is the budget of no goal over {}: there are {}",
                short_number(*budget),
                window.map_or_else(String::new, spoken),
                list.join(", ")
            ),
        )
        .help("divide by the budget of the objective this is about");
}

/// A product of a share of bad events and constants; the smallest divisor is the budget.
fn chain(expr: &Expr) -> Option<Chain<'_>> {
    let expr = expr.unwrapped();
    if is_ratio(expr) {
        return Some(Chain { ratio: expr, scale: 1.0, budget: None });
    }
    let ExprKind::Binary(binary) = &expr.kind else { return None };
    match (binary.op, constant(&binary.left), constant(&binary.right)) {
        (BinaryOp::Multiply, None, Some(by)) => {
            chain(&binary.left).map(|it| Chain { scale: it.scale * by, ..it })
        }
        (BinaryOp::Multiply, Some(by), None) => {
            chain(&binary.right).map(|it| Chain { scale: it.scale * by, ..it })
        }
        (BinaryOp::Divide, None, Some(by)) => chain(&binary.left).map(|it| {
            let budget =
                if by > 0.0 && by < 0.5 { Some((by, binary.right.span.clone())) } else { it.budget.clone() };
            Chain { scale: it.scale / by, budget, ..it }
        }),
        _ => None,
    }
}
