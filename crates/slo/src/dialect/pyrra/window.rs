//! Pyrra's four pairs of windows, scaled from 28 days to the period of an objective as Pyrra does it, each rounded to the
//! minute.

use bellwether_model::{Labels, TimeDelta};

use super::alerting::Severities;
use crate::alert::verdict::{arithmetic, verdict};
use crate::burn_alert::BurnAlert;
use crate::decode::parts::WINDOW_MIN;
use crate::definition::Slo;
use crate::goal::{Factor, Goal};
use crate::status::Verdict;

/// One of Pyrra's pairs, stated for 28 days.
struct Pair {
    name: &'static str,
    severity: &'static str,
    long: TimeDelta,
    short: TimeDelta,
    factor: u64,
}

/// Source: the behaviour of Pyrra, which speaks of 28 days and scales from there.
const PAIRS: [Pair; 4] = [
    Pair { name: "fast-burn", severity: "critical", long: hours(1), short: minutes(5), factor: 14 },
    Pair { name: "medium-burn", severity: "critical", long: hours(6), short: minutes(30), factor: 7 },
    Pair { name: "slow-burn", severity: "warning", long: hours(24), short: hours(2), factor: 2 },
    Pair { name: "long-term-burn", severity: "warning", long: hours(96), short: hours(6), factor: 1 },
];
const PAIRS_PERIOD: TimeDelta = TimeDelta(28 * TimeDelta::DAY.0);

const fn minutes(count: i64) -> TimeDelta {
    TimeDelta(count * TimeDelta::MINUTE.0)
}
const fn hours(count: i64) -> TimeDelta {
    TimeDelta(count * TimeDelta::HOUR.0)
}

/// A window of 28 days' pairs in another period, to the minute.
fn scaled(window: TimeDelta, period: TimeDelta) -> TimeDelta {
    let exact = i128::from(window.0) * i128::from(period.0) / i128::from(PAIRS_PERIOD.0);
    let minute = TimeDelta::MINUTE.0;
    TimeDelta((exact as i64 + minute / 2).div_euclid(minute) * minute)
}

/// The alerts of an objective; those that could never fire are left out with a note.
pub(super) fn add_alerts(slo: &mut Slo, period: TimeDelta, goal: Goal, severities: &Severities) {
    for (pair, severity) in PAIRS.iter().zip(severities) {
        let (long, short) = (scaled(pair.long, period), scaled(pair.short, period));
        let Some(factor) = Factor::fraction(pair.factor, 1) else { continue };
        if long < WINDOW_MIN {
            slo.notes.push(format!("alert {} is left out: its window would be {long}", pair.name));
            continue;
        }
        let alert = BurnAlert {
            name: pair.name.to_owned(),
            severity: severity.clone().unwrap_or_else(|| pair.severity.to_owned()),
            long,
            short: (short >= WINDOW_MIN && short < long).then_some(short),
            factor,
            min_bad_events: 0,
            labels: Labels::empty(),
            annotations: Labels::empty(),
            span: None,
        };
        if verdict(&alert, goal, &slo.period) == Verdict::CannotFire {
            let why = arithmetic(&alert, goal, &slo.period);
            slo.notes.push(format!("alert {} is left out: {why}", pair.name));
            continue;
        }
        slo.alerts.push(alert);
    }
}

/// The severities of an objective's burn-rate alerts, the fastest first, when they are those that Pyrra makes itself;
/// `None` in the list where it makes the usual one.
pub(crate) fn severities_of_own_alerts(slo: &Slo, period: TimeDelta, goal: Goal) -> Option<Severities> {
    let severities = PAIRS.each_ref().map(|pair| {
        let alert = slo.alerts.iter().find(|alert| alert.name == pair.name)?;
        (alert.severity != pair.severity).then(|| alert.severity.clone())
    });
    let mut made = Slo { alerts: Vec::new(), ..slo.clone() };
    add_alerts(&mut made, period, goal, &severities);
    let is_same =
        |(made, alert): (&BurnAlert, &BurnAlert)| *made == BurnAlert { span: None, ..alert.clone() };
    let are_same = made.alerts.len() == slo.alerts.len() && made.alerts.iter().zip(&slo.alerts).all(is_same);
    are_same.then_some(severities)
}
