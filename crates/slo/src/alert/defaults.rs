//! The alerts an objective has unless it states its own: the workbook's four, scaled to its period by the share of the
//! budget each of them spends before it is noticed.

use bellwether_model::{Labels, TimeDelta};

use crate::alert::verdict::{arithmetic, verdict};
use crate::burn_alert::BurnAlert;
use crate::decode::parts::WINDOW_MIN;
use crate::definition::Slo;
use crate::goal::{Factor, Goal};
use crate::period::Period;
use crate::status::Verdict;

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

/// Names of the default alerts, fastest first.
pub(crate) const DEFAULT_ALERT_NAMES: [&str; 4] =
    [DEFAULT_ALERTS[0].name, DEFAULT_ALERTS[1].name, DEFAULT_ALERTS[2].name, DEFAULT_ALERTS[3].name];

/// The usual time between two scrapes, from which the shortest default windows follow where it is not known.
pub(crate) const SCRAPE_USUAL: TimeDelta = TimeDelta(15 * TimeDelta::SECOND.0);
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
            TimeDelta(seconds.max(WINDOW_SCRAPES_MIN * scrape.0).max(WINDOW_MIN.0))
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

/// The same objective with its default alerts as they are where the time between two scrapes is known. They differ
/// from those it was read with only for short periods, whose windows cannot shrink any further.
pub fn fit_to_scrape(slo: Slo, scrape: TimeDelta) -> Slo {
    let Some(goal) = slo.goal else { return slo };
    let usual = default_alerts(goal, &slo.period, SCRAPE_USUAL);
    let fitting = default_alerts(goal, &slo.period, scrape);
    let is_default = |alert: &BurnAlert| {
        usual.alerts.iter().any(|d| BurnAlert { min_bad_events: alert.min_bad_events, ..d.clone() } == *alert)
    };
    if usual == fitting || !slo.alerts.iter().any(is_default) {
        return slo;
    }
    let (replaced, stated): (Vec<BurnAlert>, Vec<BurnAlert>) = slo.alerts.into_iter().partition(is_default);
    let min_bad_events = replaced.first().map_or(0, |alert| alert.min_bad_events);
    let fitting_alerts = fitting.alerts.into_iter().map(|alert| BurnAlert { min_bad_events, ..alert });
    let notes = slo.notes.into_iter().filter(|note| !usual.notes.contains(note)).chain(fitting.notes);
    Slo { alerts: fitting_alerts.chain(stated).collect(), notes: notes.collect(), ..slo }
}
