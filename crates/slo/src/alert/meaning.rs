//! What an objective's alerts mean to whoever will be woken by them: when each notices that everything, a tenth or a
//! hundredth is bad, how much of the budget is gone by then, and how long it goes on when the trouble is over.
//!
//! All of it assumes steady traffic, nothing bad before the trouble begins, and a trouble that stays as it is.
//! Formulas: the Site Reliability Workbook, chapter 5, with the burn rate b = errors / (1 − goal), a pair that fires
//! above f over windows L and S, and a period P. Scraping adds up to one interval, slices up to one slice.

use bellwether_model::TimeDelta;
use serde::Serialize;

use crate::alert::verdict::{
    arithmetic, budget_arithmetic, budget_verdict, burn_arithmetic, burn_verdict, short_number, verdict,
};
use crate::burn_alert::{BudgetAlert, BurnAlert};
use crate::definition::Slo;
use crate::goal::{Goal, Share};
use crate::period::Period;
use crate::status::Verdict;

/// Shares of bad events for which it is said.
pub const ERROR_RATIOS: [f64; 3] = [1.0, 0.1, 0.01];

/// What one alert means.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedAlert {
    /// Its name, unique within the objective.
    pub name: String,
    /// `page`, `ticket` or what the user wrote.
    pub severity: String,
    /// When it fires, e.g. `burn rate above 14.4 over 1h and 5m`.
    pub condition: String,
    /// What it can do at all.
    pub verdict: Verdict,
    /// The sum behind that.
    pub arithmetic: String,
    /// Alerts that keep it quiet while they fire.
    pub quieted_by: Vec<String>,
    /// For each of [`ERROR_RATIOS`], what comes of it.
    pub troubles: Vec<Trouble>,
}

/// What comes of a trouble in which this share of events is bad.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Trouble {
    /// The share of bad events.
    pub error_ratio: f64,
    /// The burn rate it makes.
    pub burn_rate: f64,
    /// What follows from it; `None` when the alert never fires.
    pub noticed: Option<Noticed>,
}

/// An alert that fires.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Noticed {
    /// So long after the trouble began.
    pub after: TimeDelta,
    /// Share of the period's budget spent by then.
    pub budget_spent_ratio: f64,
    /// So long after the end of a trouble that filled its windows is it over; `None` for an alert on the budget, which
    /// is over when the period no longer holds the trouble.
    pub over_after: Option<TimeDelta>,
}

/// What the alerts of an objective mean, as they stand in it.
pub fn alert_meanings(slo: &Slo) -> Vec<ExplainedAlert> {
    let quieted_by = slo.quieted_by();
    let burns = slo.alerts.iter().map(|alert| ExplainedAlert {
        name: alert.name.clone(),
        severity: alert.severity.clone(),
        condition: burn_condition(alert),
        verdict: burn_verdict(alert, slo),
        arithmetic: burn_arithmetic(alert, slo),
        quieted_by: quieted_by.get(&alert.name).into_iter().flatten().cloned().collect(),
        troubles: troubles(slo.goal, |burn_rate| burn_noticed(alert, burn_rate, slo.period.length())),
    });
    let budgets = slo.budget_alerts.iter().map(|alert| ExplainedAlert {
        name: alert.name.clone(),
        severity: alert.severity.clone(),
        condition: match alert.left_below == Share::NONE {
            true => "more than all of the budget is spent".to_owned(),
            false => format!("less than {} of the budget is left", alert.left_below),
        },
        verdict: budget_verdict(alert, slo),
        arithmetic: budget_arithmetic(alert, slo),
        quieted_by: Vec::new(),
        troubles: troubles(slo.goal, |burn_rate| budget_noticed(alert, burn_rate, &slo.period)),
    });
    burns.chain(budgets).collect()
}

/// What an alert on a burn rate means that stands in no objective: a rule's, of which goal and period are known.
pub fn burn_meaning(alert: &BurnAlert, goal: Goal, period: &Period) -> ExplainedAlert {
    ExplainedAlert {
        name: alert.name.clone(),
        severity: alert.severity.clone(),
        condition: burn_condition(alert),
        verdict: verdict(alert, goal, period),
        arithmetic: arithmetic(alert, goal, period),
        quieted_by: Vec::new(),
        troubles: troubles(Some(goal), |burn_rate| burn_noticed(alert, burn_rate, period.length())),
    }
}

fn burn_condition(alert: &BurnAlert) -> String {
    let factor = short_number(alert.factor.as_f64());
    let windows = match alert.short {
        Some(short) => format!("{} and {short}", alert.long),
        None => alert.long.to_string(),
    };
    match alert.min_bad_events {
        0 => format!("burn rate above {factor} over {windows}"),
        least => format!("burn rate above {factor} over {windows}, and {least} bad events"),
    }
}

fn troubles(goal: Option<Goal>, noticed: impl Fn(f64) -> Option<Noticed>) -> Vec<Trouble> {
    let Some(goal) = goal else { return Vec::new() };
    let trouble = |error_ratio: f64| {
        let burn_rate = burn_rate(error_ratio, goal);
        Trouble { error_ratio, burn_rate, noticed: noticed(burn_rate) }
    };
    ERROR_RATIOS.into_iter().map(trouble).collect()
}

fn burn_rate(error_ratio: f64, goal: Goal) -> f64 {
    error_ratio * goal.scale() as f64 / (goal.scale() - goal.good()) as f64
}

/// The long window, filled for so long, burns at b · t / L: above f when t = L · f / b. The short one is there sooner.
/// By then b · t / P = f · L / P is spent. Afterwards the short window, or the only one, burns at b · (S − t) / S.
fn burn_noticed(alert: &BurnAlert, burn_rate: f64, period: TimeDelta) -> Option<Noticed> {
    let factor = alert.factor.as_f64();
    if burn_rate <= factor {
        return None;
    }
    let shortest = alert.short.unwrap_or(alert.long);
    Some(Noticed {
        after: part(alert.long, factor / burn_rate),
        budget_spent_ratio: factor * alert.long.0 as f64 / period.0 as f64,
        over_after: Some(part(shortest, 1.0 - factor / burn_rate)),
    })
}

/// Of a whole budget 1 − x is spent after t = (1 − x) · P / b; a period that ends before never gets there.
fn budget_noticed(alert: &BudgetAlert, burn_rate: f64, period: &Period) -> Option<Noticed> {
    let spent = 1.0 - alert.left_below.ratio();
    (burn_rate > spent).then(|| Noticed {
        after: part(period.length(), spent / burn_rate),
        budget_spent_ratio: spent,
        over_after: None,
    })
}

fn part(length: TimeDelta, ratio: f64) -> TimeDelta {
    TimeDelta((length.0 as f64 * ratio).round() as i64)
}
