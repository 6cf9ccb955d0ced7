//! What arithmetic says of an alert before it ever runs: whether it can fire at all, and whether it does so while there
//! is budget left to save. Compared in integers: at the edges a rounded quotient would say the opposite.

use bellwether_model::TimeDelta;

use crate::burn_alert::{BudgetAlert, BurnAlert};
use crate::definition::Slo;
use crate::goal::{Goal, Share};
use crate::indicator::{Budgeting, Events};
use crate::period::Period;
use crate::status::Verdict;

/// What arithmetic says of an alert before it ever runs. Exact: no rounding at the edges.
pub fn verdict(alert: &BurnAlert, goal: Goal, period: &Period) -> Verdict {
    let part = |n: u64| i128::from(n);
    let (numerator, denominator) = (part(alert.factor.numerator()), part(alert.factor.denominator()));
    if numerator * part(goal.scale() - goal.good()) >= denominator * part(goal.scale()) {
        return Verdict::CannotFire;
    }
    if numerator * i128::from(alert.long.0) > denominator * i128::from(period.length().0) {
        return Verdict::FiresAfterExhaustion;
    }
    Verdict::Useful
}

/// The sum behind a verdict, in words.
pub fn arithmetic(alert: &BurnAlert, goal: Goal, period: &Period) -> String {
    let (factor, length) = (alert.factor.as_f64(), period.length());
    match verdict(alert, goal, period) {
        Verdict::CannotFire => format!(
            "its factor {} is not below {}, the highest burn rate a goal of {goal} allows (1 / (1 - {}))",
            short_number(factor),
            short_number(goal.burn_rate_max()),
            goal.ratio_text()
        ),
        Verdict::FiresAfterExhaustion => format!(
            "a burn rate of {} over {} spends {} % of the budget of {length} ({} x {} / {length})",
            short_number(factor),
            alert.long,
            short_number(factor * alert.long.0 as f64 / length.0 as f64 * 100.0),
            short_number(factor),
            alert.long
        ),
        Verdict::Useful => format!(
            "a burn rate of {} over {} has spent {} % of the budget of {length} when it is noticed",
            short_number(factor),
            alert.long,
            short_number(factor * alert.long.0 as f64 / length.0 as f64 * 100.0)
        ),
    }
}

/// The verdict on one of an objective's burn-rate alerts, its slices included.
pub fn burn_verdict(alert: &BurnAlert, slo: &Slo) -> Verdict {
    match (slo.goal, slice(slo)) {
        (None, _) => Verdict::CannotFire,
        (Some(_), Some(slice)) if holds_no_slice(alert, slice) => Verdict::CannotFire,
        (Some(goal), _) => verdict(alert, goal, &slo.period),
    }
}

/// The sum behind it, in words.
pub fn burn_arithmetic(alert: &BurnAlert, slo: &Slo) -> String {
    match (slo.goal, slice(slo)) {
        (None, _) => "the objective has no goal, and so no budget to burn".to_owned(),
        (Some(_), Some(slice)) if holds_no_slice(alert, slice) => {
            format!("its window of {} is shorter than a slice of {slice}", shortest(alert))
        }
        (Some(goal), _) => arithmetic(alert, goal, &slo.period),
    }
}

/// A window shorter than a slice never holds a whole one.
fn holds_no_slice(alert: &BurnAlert, slice: TimeDelta) -> bool {
    shortest(alert) < slice
}

fn shortest(alert: &BurnAlert) -> TimeDelta {
    alert.short.unwrap_or(alert.long)
}

/// The slice of time that an objective counts in, if it counts in slices.
pub(crate) fn slice(slo: &Slo) -> Option<TimeDelta> {
    match (&slo.indicator.events, slo.indicator.budgeting) {
        (Events::Threshold(check), _) => Some(check.slice),
        (_, Budgeting::Timeslices { slice, .. } | Budgeting::RatioTimeslices { slice }) => Some(slice),
        (_, Budgeting::Occurrences) => None,
    }
}

/// The verdict on an alert on what is left. Everything can be overspent, since a goal allows less than everything to
/// be bad, so that such an alert can always fire. But where a budget is a few slices, a single bad one may spend more
/// than was left above the threshold.
pub fn budget_verdict(alert: &BudgetAlert, slo: &Slo) -> Verdict {
    let Some(goal) = slo.goal else { return Verdict::CannotFire };
    if alert.left_below == Share::NONE {
        return Verdict::Useful; // what it was written for
    }
    match whole_slices(slo).map(|slices| Steps::of(alert, goal, slices)) {
        Some(steps) if steps.is_gone => Verdict::FiresAfterExhaustion,
        Some(_) | None => Verdict::Useful,
    }
}

/// The sum behind it, in words.
pub fn budget_arithmetic(alert: &BudgetAlert, slo: &Slo) -> String {
    let Some(goal) = slo.goal else {
        return "the objective has no goal, and so no budget to spend".to_owned();
    };
    let Some(slices) = whole_slices(slo) else {
        return match alert.left_below == Share::NONE {
            true => "it fires once more than all of the budget is spent".to_owned(),
            false => format!(
                "it fires once more than {} % of the budget is spent",
                short_number((1.0 - alert.left_below.ratio()) * 100.0)
            ),
        };
    };
    let steps = Steps::of(alert, goal, slices);
    format!(
        "a goal of {goal} allows {} of {slices} slices to be bad, and it fires with bad slice number {}",
        short_number(slices as f64 * goal.allowed_ratio()),
        steps.bad_slices
    )
}

/// How many slices a period has, where a slice is good or bad as a whole.
fn whole_slices(slo: &Slo) -> Option<i64> {
    let is_whole = match (&slo.indicator.events, slo.indicator.budgeting) {
        (Events::Threshold(_), _) | (_, Budgeting::Timeslices { .. }) => true,
        (_, Budgeting::Occurrences | Budgeting::RatioTimeslices { .. }) => false,
    };
    let slice = slice(slo).filter(|slice| is_whole && *slice > TimeDelta::ZERO)?;
    Some(slo.period.length().0 / slice.0)
}

/// With which bad slice a budget alert fires, and whether the budget is gone by then.
struct Steps {
    bad_slices: i128,
    is_gone: bool,
}

impl Steps {
    /// It fires with the first k for which `1 − k / allowed < share`, which is `k > (1 − share) · allowed`, where
    /// `allowed = slices · (1 − goal)`; the budget is gone when `k ≥ allowed`.
    fn of(alert: &BudgetAlert, goal: Goal, slices: i64) -> Self {
        let allowed = i128::from(slices) * i128::from(goal.scale() - goal.good());
        let (scale, share_scale) = (i128::from(goal.scale()), i128::from(alert.left_below.scale()));
        let spent = share_scale - i128::from(alert.left_below.parts());
        let bad_slices = (spent * allowed).div_euclid(share_scale * scale) + 1;
        Self { bad_slices, is_gone: bad_slices * scale >= allowed }
    }
}

/// What has to be said of an objective's alerts wherever it is shown.
pub(crate) fn alert_notes(slo: &Slo) -> Vec<String> {
    let burns = slo
        .alerts
        .iter()
        .map(|alert| (alert.name.as_str(), burn_verdict(alert, slo), burn_arithmetic(alert, slo)));
    let budgets = slo
        .budget_alerts
        .iter()
        .map(|alert| (alert.name.as_str(), budget_verdict(alert, slo), budget_arithmetic(alert, slo)));
    let doubtful = burns.chain(budgets).filter_map(|(name, verdict, arithmetic)| {
        let what = match verdict {
            Verdict::Useful => return None,
            Verdict::CannotFire => "cannot fire",
            Verdict::FiresAfterExhaustion => "fires after exhaustion",
        };
        Some(format!("alert {name} {what}: {arithmetic}"))
    });
    doubtful.collect()
}

/// A number with at most four digits after the point and no trailing zeros.
pub(crate) fn short_number(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
