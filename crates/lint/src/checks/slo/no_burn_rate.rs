//! An alert on the raw value where an objective with a budget exists.

use bellwether_diag::Severity;
use bellwether_model::TimeDelta;
use bellwether_promql::{Expr, ExprKind, Function};

use crate::checks::shape::{Comparison, comparisons, is_below, share};
use crate::setup::amounts::{short_number, spoken};
use crate::setup::burn::same;
use crate::setup::goal::Goal;
use crate::{Area, Check, Report, Rule, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "no-burn-rate",
    area: Area::Slo,
    severity: Severity::Warning,
    title: "an alert that holds a few minutes against the goal of weeks",
    why: "An objective over 28 days allows bad minutes: that is its budget. An alert that fires as soon as five minutes are \
          worse than the goal pages for what is allowed, and one that is just below it all month long says nothing while the \
          budget runs out. Alert on how fast the budget is spent, over a long and a short window.",
    wrong: &[(
        "slo.md",
        "- **Login SLO**: 99.5% of logins over a rolling 28-day window.\n\n```yaml\n- alert: Logins\n  expr: \
         sum(rate(l_total{status=\"ok\"}[5m])) / sum(rate(l_total[5m])) < 0.995\n```\n",
    )],
    right: &[(
        "slo.md",
        "- **Login SLO**: 99.5% of logins over a rolling 28-day window.\n\n```yaml\n- alert: Logins\n  expr: \
         (1 - sum(rate(l_total{status=\"ok\"}[1h])) / sum(rate(l_total[1h]))) > 13.44 * 0.005 and \
         (1 - sum(rate(l_total{status=\"ok\"}[5m])) / sum(rate(l_total[5m]))) > 13.44 * 0.005\n```\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for rule in setup.alerts().filter(|rule| !setup.is_burn(rule)) {
        let Some((query, expr)) = rule.query.as_ref().and_then(|query| Some((query, query.parsed.as_ref()?)))
        else {
            continue;
        };
        for found in comparisons(expr) {
            let place = query.span(&setup.sources, found.span.clone());
            let Some(range) = longest_range(found.value) else { continue };
            if let Some(goal) = goal_held(setup, rule, &found)
                .filter(|goal| goal.window.is_some_and(|window| window > range * 12))
            {
                let window = goal.window.map_or_else(String::new, spoken);
                let name = goal.name.as_deref().map(|name| format!(" of \"{name}\"")).unwrap_or_default();
                report
                    .find(
                        place,
                        format!("the last {} are held against the goal{name} over {window}: its budget allows worse for a while", spoken(range)),
                    )
                    .related(goal.span, "the goal")
                    .help(format!("alert on the burn rate: the share of bad ones in 1h and in 5m above 14.4 x {}", short_number(goal.budget())));
            } else if beside_burns(setup, rule, &found) {
                report
                    .find(
                        place,
                        "a bound of its own beside alerts on how fast the budget of an objective is spent",
                    )
                    .severity(Severity::Note)
                    .help("leave it to the burn-rate alerts, or say what it adds to them");
            }
        }
    }
}

/// The goal whose number a comparison holds the value of a few minutes against.
fn goal_held<'a>(setup: &'a Setup, rule: &Rule, found: &Comparison<'_>) -> Option<&'a Goal> {
    let document = |section: Option<crate::setup::SectionId>| section.map(|section| section.document);
    let mut near = setup.goals.iter().filter(|goal| {
        document(goal.section) == document(rule.section)
            && goal.window.is_some_and(|window| window >= TimeDelta::HOUR)
    });
    if let Some(value) = share(found.value) {
        let bound = found.bound / value.scale;
        return near.find(|goal| {
            let held = if is_below(found.op) { goal.share } else { goal.budget() };
            goal.threshold.is_none() && same(held, bound)
        });
    }
    let quantile = quantile_of(found.value)?;
    near.find(|goal| {
        let bound = goal.threshold.map(|(time, _)| time.as_secs_f64());
        same(goal.share, quantile)
            && bound.is_some_and(|bound| same(bound, found.bound) || same(bound * 1000.0, found.bound))
    })
}

fn quantile_of(expr: &Expr) -> Option<f64> {
    let ExprKind::Call(call) = &expr.unwrapped().kind else { return None };
    let quantile = call.arguments.first().filter(|_| call.function == Function::HistogramQuantile)?;
    crate::setup::burn::constant(quantile)
}

fn longest_range(expr: &Expr) -> Option<TimeDelta> {
    crate::checks::shape::range_calls(expr).iter().filter_map(|(_, range, _)| range.range.constant()).max()
}

/// An alert on the share of errors in a document that has burn-rate alerts.
fn beside_burns(setup: &Setup, rule: &Rule, found: &Comparison<'_>) -> bool {
    let Some(section) = rule.section else { return false };
    let fails = share(found.value).is_some_and(|value| {
        let selects = bellwether_promql::selectors(&value.division.left);
        let errors = |matcher: &bellwether_model::Matcher| {
            matcher.matches_value("503") && !matcher.matches_value("200")
        };
        selects.iter().any(|selector| {
            selector.matchers.iter().any(|matcher| matcher.name != "__name__" && errors(matcher))
        })
    });
    let burns = setup
        .burns
        .iter()
        .any(|burn| setup.rule_of(burn).section.is_some_and(|other| other.document == section.document));
    fails && burns && !is_below(found.op)
}
