//! Alerts on the speed at which a budget is spent, and on what is left of it: the default ones, and what arithmetic says
//! of each before it ever runs.

use bellwether_diag::Span;
use bellwether_model::{Labels, TimeDelta};

use crate::goal::{Factor, Goal, Share};
use crate::period::Period;
use crate::status::Verdict;

/// An alert on the speed at which the budget is spent.
#[derive(Clone, Debug, PartialEq)]
pub struct BurnAlert {
    /// Its name, unique within the objective.
    pub name: String,
    /// `page`, `ticket` or what the user wrote.
    pub severity: String,
    /// The window that must burn long enough to matter.
    pub long: TimeDelta,
    /// The window that makes it stop soon after the burning has stopped.
    pub short: Option<TimeDelta>,
    /// It fires when the burn rate of every window is strictly greater.
    pub factor: Factor,
    /// It does not fire on fewer bad events in the long window.
    pub min_bad_events: u64,
    /// Labels of its own.
    pub labels: Labels,
    /// Annotations of its own.
    pub annotations: Labels,
    /// Where it was written; `None` for a default one.
    pub span: Option<Span>,
}

/// An alert on what is left of the budget.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetAlert {
    /// Its name, unique within the objective.
    pub name: String,
    /// `page`, `ticket` or what the user wrote.
    pub severity: String,
    /// It fires while strictly less than this share of the budget is left; zero for a budget that is exhausted.
    pub left_below: Share,
    /// Labels of its own.
    pub labels: Labels,
    /// Annotations of its own.
    pub annotations: Labels,
    /// Where it was written.
    pub span: Option<Span>,
}

/// One of the workbook's default alerts, stated for a period of thirty days.
struct DefaultAlert {
    name: &'static str,
    severity: &'static str,
    budget_percent: u64,
    long: TimeDelta,
    short: TimeDelta,
}

/// Source: the Site Reliability Workbook, chapter 5, recommended time windows and burn rates.
const DEFAULT_ALERTS: [DefaultAlert; 4] = [
    DefaultAlert {
        name: "fast-burn",
        severity: "page",
        budget_percent: 2,
        long: TimeDelta::HOUR,
        short: TimeDelta(5 * TimeDelta::MINUTE.0),
    },
    DefaultAlert {
        name: "steady-burn",
        severity: "page",
        budget_percent: 5,
        long: TimeDelta(6 * TimeDelta::HOUR.0),
        short: TimeDelta(30 * TimeDelta::MINUTE.0),
    },
    DefaultAlert {
        name: "slow-burn",
        severity: "ticket",
        budget_percent: 10,
        long: TimeDelta::DAY,
        short: TimeDelta(2 * TimeDelta::HOUR.0),
    },
    DefaultAlert {
        name: "drip-burn",
        severity: "ticket",
        budget_percent: 10,
        long: TimeDelta(3 * TimeDelta::DAY.0),
        short: TimeDelta(6 * TimeDelta::HOUR.0),
    },
];

/// Below this period the windows shrink with it; above, only the factor changes.
const WINDOWS_SHRINK_BELOW: TimeDelta = TimeDelta(7 * TimeDelta::DAY.0);
/// A window of fewer scrapes says nothing.
const WINDOW_SCRAPES_MIN: i64 = 4;

/// The default alerts of a period, with the reasons of those left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DefaultAlerts {
    /// Alerts that can fire.
    pub alerts: Vec<BurnAlert>,
    /// Why others are not among them.
    pub notes: Vec<String>,
}

/// The workbook's four alerts scaled to a period by their share of the budget; those that the goal makes
/// impossible are left out, and said so. `scrape` is the usual time between two scrapes.
pub fn default_alerts(goal: Goal, period: &Period, scrape: TimeDelta) -> DefaultAlerts {
    let mut out = DefaultAlerts::default();
    for default in &DEFAULT_ALERTS {
        let Some(alert) = scaled(default, period.length(), scrape) else { continue };
        match verdict(&alert, goal, period) {
            Verdict::Useful => out.alerts.push(alert),
            Verdict::CannotFire | Verdict::FiresAfterExhaustion => out.notes.push(format!(
                "default alert {} is left out: {}",
                alert.name,
                arithmetic(&alert, goal, period)
            )),
        }
    }
    out
}

fn scaled(default: &DefaultAlert, period: TimeDelta, scrape: TimeDelta) -> Option<BurnAlert> {
    let shrink = |window: TimeDelta| match period < WINDOWS_SHRINK_BELOW {
        true => {
            let exact = i128::from(window.0) * i128::from(period.0) / i128::from(30 * TimeDelta::DAY.0);
            let seconds = (exact as i64).div_euclid(1000) * 1000;
            TimeDelta(seconds.max(WINDOW_SCRAPES_MIN * scrape.0))
        }
        false => window,
    };
    let (long, short) = (shrink(default.long), shrink(default.short));
    let factor = Factor::fraction(default.budget_percent.checked_mul(period.0 as u64)?, 100 * long.0 as u64)?;
    Some(BurnAlert {
        name: default.name.to_owned(),
        severity: default.severity.to_owned(),
        long,
        short: (short < long).then_some(short),
        factor,
        min_bad_events: 0,
        labels: Labels::empty(),
        annotations: Labels::empty(),
        span: None,
    })
}

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

/// A number with at most four digits after the point and no trailing zeros.
pub(crate) fn short_number(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
