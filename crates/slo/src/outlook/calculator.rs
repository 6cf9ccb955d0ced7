//! What a goal means before anything is measured: how much may go wrong in an hour, a day, a month; how long a budget
//! lasts at a burn rate; what a service can promise that depends on others.
//!
//! Source of the formulas: semantics, sections 3 and 4; availability in series and in parallel: any book on reliability.

use bellwether_model::TimeDelta;
use serde::Serialize;

use crate::alert::defaults::{SCRAPE_USUAL, default_alerts};
use crate::burn_alert::BurnAlert;
use crate::goal::Goal;
use crate::period::Period;

/// The spans a budget is shown for beside its own period, long to short. A month is a twelfth of a year here: 730 hours.
const SPANS: [(&str, TimeDelta); 6] = [
    ("year", TimeDelta(365 * TimeDelta::DAY.0)),
    ("quarter", TimeDelta(365 * TimeDelta::DAY.0 / 4)),
    ("month", TimeDelta(365 * TimeDelta::DAY.0 / 12)),
    ("week", TimeDelta(7 * TimeDelta::DAY.0)),
    ("day", TimeDelta::DAY),
    ("hour", TimeDelta::HOUR),
];
/// Burn rates everyone speaks of.
const BURN_RATES: [f64; 6] = [1.0, 2.0, 3.0, 6.0, 10.0, 14.4];

/// What is to be computed.
#[derive(Clone, Debug)]
pub struct Calculation<'a> {
    /// The goal.
    pub goal: Goal,
    /// Its period.
    pub period: &'a Period,
    /// Events per second, if budgets are wanted in events too.
    pub events_per_second: Option<f64>,
    /// An outage of everything, in seconds.
    pub outage: Option<TimeDelta>,
    /// A share of bad events, 0 to 1.
    pub bad_ratio: Option<f64>,
    /// Burn rates of interest, beside the usual ones.
    pub burn_rates: &'a [f64],
    /// What the services it needs promise.
    pub needs: &'a [Goal],
}

/// What a goal means.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GoalMeaning {
    /// The goal as people read it.
    pub goal_text: String,
    /// The period as people read it.
    pub period_text: String,
    /// Share of events that may be bad.
    pub allowed_ratio: f64,
    /// The highest burn rate there can be.
    pub burn_rate_max: f64,
    /// The budget of the period and of the usual spans.
    pub budgets: Vec<SpanBudget>,
    /// How long the budget lasts.
    pub burns: Vec<BurnRateMeaning>,
    /// The default alerts of the period.
    pub alerts: Vec<AlertMeaning>,
    /// What an outage does, if one was given.
    pub outage: Option<OutageMeaning>,
    /// What a share of bad events does, if one was given.
    pub bad_ratio: Option<BurnRateMeaning>,
    /// What can be promised on top of others, if any were given.
    pub needs: Option<NeedsMeaning>,
}

/// The budget of a span of time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpanBudget {
    /// `period`, `year`, …
    pub span: String,
    /// Its length.
    pub length: TimeDelta,
    /// How long everything may be down in it.
    pub down_seconds: f64,
    /// How many events may be bad in it, at the given rate.
    pub bad_events: Option<f64>,
}

/// What a burn rate means.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BurnRateMeaning {
    /// The rate; 1 spends the budget in exactly its period.
    pub burn_rate: f64,
    /// The share of bad events behind it, 0 to 1; above 1 it cannot be reached.
    pub bad_ratio: f64,
    /// After how long the whole budget is gone.
    pub lasts_seconds: f64,
    /// The share of the budget that an hour takes.
    pub spent_per_hour_ratio: f64,
}

/// What a default alert means.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertMeaning {
    /// Its name.
    pub name: String,
    /// Its severity.
    pub severity: String,
    /// Its long window.
    pub long: TimeDelta,
    /// Its short one.
    pub short: Option<TimeDelta>,
    /// The burn rate it fires above.
    pub factor: f64,
    /// The share of the budget that is gone when a burning at just this rate is noticed.
    pub spent_ratio: f64,
    /// After how long an outage of everything is noticed.
    pub outage_noticed_seconds: f64,
}

/// What an outage of everything does to the budget of the period.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct OutageMeaning {
    /// How long it is.
    pub outage: TimeDelta,
    /// The share of the budget that is left; negative when it takes more than all.
    pub left_ratio: f64,
}

/// What can be promised by a service that needs others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NeedsMeaning {
    /// What they promise.
    pub needs: Vec<String>,
    /// All of them are needed: the product.
    pub serial_ratio: f64,
    /// Any one of them is enough: what is left when all fail.
    pub parallel_ratio: f64,
    /// Whether the goal can be kept when all are needed and nothing else ever fails.
    pub serial_keeps_goal: bool,
    /// Whether it can be kept when any one is enough.
    pub parallel_keeps_goal: bool,
    /// What each of as many equal ones would have to promise if all are needed.
    pub each_ratio: f64,
}

/// What a goal means.
pub fn calculate(calculation: &Calculation<'_>) -> GoalMeaning {
    let Calculation { goal, period, events_per_second, .. } = *calculation;
    let own = std::iter::once(("period", period.length()));
    let budgets = own.chain(SPANS).map(|(span, length)| SpanBudget {
        span: span.to_owned(),
        length,
        down_seconds: share_of(goal, length),
        bad_events: events_per_second.map(|rate| rate * share_of(goal, length)),
    });
    let mut rates: Vec<f64> = BURN_RATES.into_iter().chain(calculation.burn_rates.iter().copied()).collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    GoalMeaning {
        goal_text: goal.to_string(),
        period_text: period.text(),
        allowed_ratio: goal.allowed_ratio(),
        burn_rate_max: goal.burn_rate_max(),
        budgets: budgets.collect(),
        burns: rates.iter().map(|rate| burn_meaning(*rate, goal, period)).collect(),
        alerts: alert_meanings(goal, period),
        outage: calculation.outage.map(|outage| OutageMeaning {
            outage,
            left_ratio: 1.0 - outage.as_secs_f64() / share_of(goal, period.length()),
        }),
        bad_ratio: calculation
            .bad_ratio
            .map(|ratio| burn_meaning(ratio * goal.burn_rate_max(), goal, period)),
        needs: needs_meaning(calculation.needs, goal),
    }
}

/// Seconds of a length that the goal leaves; multiplied before dividing, so that round goals give round numbers.
fn share_of(goal: Goal, length: TimeDelta) -> f64 {
    length.as_secs_f64() * (goal.scale() - goal.good()) as f64 / goal.scale() as f64
}

fn burn_meaning(burn_rate: f64, goal: Goal, period: &Period) -> BurnRateMeaning {
    let length = period.length().as_secs_f64();
    BurnRateMeaning {
        burn_rate,
        bad_ratio: burn_rate / goal.burn_rate_max(),
        lasts_seconds: length / burn_rate,
        spent_per_hour_ratio: burn_rate * TimeDelta::HOUR.as_secs_f64() / length,
    }
}

fn alert_meanings(goal: Goal, period: &Period) -> Vec<AlertMeaning> {
    let meaning = |alert: BurnAlert| {
        let factor = alert.factor.as_f64();
        AlertMeaning {
            name: alert.name,
            severity: alert.severity,
            long: alert.long,
            short: alert.short,
            factor,
            spent_ratio: factor * alert.long.as_secs_f64() / period.length().as_secs_f64(),
            outage_noticed_seconds: alert.long.as_secs_f64() * factor / goal.burn_rate_max(),
        }
    };
    default_alerts(goal, period, SCRAPE_USUAL).alerts.into_iter().map(meaning).collect()
}

fn needs_meaning(needs: &[Goal], goal: Goal) -> Option<NeedsMeaning> {
    if needs.is_empty() {
        return None;
    }
    let serial_ratio: f64 = needs.iter().map(|need| need.ratio()).product();
    let parallel_ratio = 1.0 - needs.iter().map(|need| need.allowed_ratio()).product::<f64>();
    Some(NeedsMeaning {
        needs: needs.iter().map(Goal::to_string).collect(),
        serial_ratio,
        parallel_ratio,
        serial_keeps_goal: serial_ratio >= goal.ratio(),
        parallel_keeps_goal: parallel_ratio >= goal.ratio(),
        each_ratio: goal.ratio().powf(1.0 / needs.len() as f64),
    })
}
