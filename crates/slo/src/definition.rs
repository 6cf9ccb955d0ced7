//! What an objective is. An [`Slo`] that exists is valid: names are there, the goal lies between 0 and 1, every
//! selector was read, every window is positive. Text becomes an `Slo` in `decode`, and nowhere else.

use bellwether_diag::{Diagnostic, Span};
use bellwether_model::{Labels, TimeDelta};

use crate::goal::{Factor, Goal};
use crate::selector::Selector;
use crate::status::Verdict;

/// A service level objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Slo {
    /// Name as written; with the service it is unique.
    pub name: String,
    /// The service it speaks of; may be empty.
    pub service: String,
    /// One sentence for people; may be empty.
    pub description: String,
    /// Who answers for it; may be empty.
    pub owner: String,
    /// Where the runbook is; may be empty.
    pub runbook: String,
    /// Labels that every alert of it carries.
    pub labels: Labels,
    /// Annotations that every alert of it carries.
    pub annotations: Labels,
    /// The share of events that must be good.
    pub goal: Goal,
    /// The period over which the goal is judged.
    pub period: Period,
    /// What is counted, and by what it is split.
    pub indicator: Indicator,
    /// The burn-rate alerts, as stated or the default ones.
    pub alerts: Vec<BurnAlert>,
    /// What has to be said about the definition wherever it is shown.
    pub notes: Vec<String>,
    /// Where it was written.
    pub span: Option<Span>,
}

impl Slo {
    /// Unique identity: `service/name`, or just the name without a service.
    pub fn id(&self) -> String {
        match self.service.is_empty() {
            true => self.name.clone(),
            false => format!("{}/{}", self.service, self.name),
        }
    }
}

/// The period of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// The last so much time, at every moment.
    Rolling(TimeDelta),
}

impl Period {
    /// Its length.
    pub const fn length(self) -> TimeDelta {
        match self {
            Self::Rolling(length) => length,
        }
    }

    /// As people read it.
    pub fn text(self) -> String {
        match self {
            // People say 28d, not 4w.
            Self::Rolling(length) if length.0 % TimeDelta::DAY.0 == 0 => {
                format!("rolling {}d", length.0 / TimeDelta::DAY.0)
            }
            Self::Rolling(length) => format!("rolling {length}"),
        }
    }
}

/// What is counted: good and all events, and the labels whose values get a stream of their own.
/// Two objectives with equal indicators share one history.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Indicator {
    /// Where the events come from.
    pub events: Events,
    /// Labels to split by, sorted; empty for one stream only.
    pub group_by: Vec<String>,
    /// Most streams that splitting may make.
    pub streams_max: u32,
}

/// Where events come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Events {
    /// Two of good, bad and all events, each a sum of counters.
    Ratio(Ratio),
    /// Observations of a classic histogram at or below a threshold.
    Latency(Latency),
}

/// Two of three counters; the third follows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ratio {
    /// Good and all.
    GoodTotal {
        /// Counters of good events.
        good: Vec<Selector>,
        /// Counters of all events.
        total: Vec<Selector>,
    },
    /// Good and bad.
    GoodBad {
        /// Counters of good events.
        good: Vec<Selector>,
        /// Counters of bad events.
        bad: Vec<Selector>,
    },
    /// Bad and all.
    BadTotal {
        /// Counters of bad events.
        bad: Vec<Selector>,
        /// Counters of all events.
        total: Vec<Selector>,
    },
}

/// A histogram and the bound of what is good.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Latency {
    /// The histogram's base name with its matchers; `_bucket` and `_count` are added.
    pub histogram: Selector,
    /// Events at or below it are good; in the histogram's own unit.
    pub threshold: Threshold,
}

/// A finite positive number that has an order, so that indicators can be compared.
#[derive(Clone, Copy, Debug)]
pub struct Threshold(f64);

impl Threshold {
    /// A threshold; `None` unless finite and positive.
    pub fn new(value: f64) -> Option<Self> {
        (value.is_finite() && value > 0.0).then_some(Self(value))
    }

    /// The number.
    pub const fn get(self) -> f64 {
        self.0
    }
}
impl PartialEq for Threshold {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Threshold {}
impl PartialOrd for Threshold {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Threshold {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Indicator {
    /// Identity of the history: equal keys count the same events into the same streams.
    pub fn key(&self) -> String {
        let by = if self.group_by.is_empty() {
            String::new()
        } else {
            format!(" by {}", self.group_by.join(", "))
        };
        format!("{}{by}", self.text())
    }

    /// What is counted, as people read it.
    pub fn text(&self) -> String {
        let sum = |selectors: &[Selector]| {
            selectors.iter().map(Selector::to_string).collect::<Vec<_>>().join(" + ")
        };
        match &self.events {
            Events::Ratio(Ratio::GoodTotal { good, total }) => {
                format!("good {} of all {}", sum(good), sum(total))
            }
            Events::Ratio(Ratio::GoodBad { good, bad }) => {
                format!("good {} against bad {}", sum(good), sum(bad))
            }
            Events::Ratio(Ratio::BadTotal { bad, total }) => {
                format!("bad {} of all {}", sum(bad), sum(total))
            }
            Events::Latency(latency) => {
                format!("events at or below {} in {}", latency.threshold.get(), latency.histogram)
            }
        }
    }

    /// Every selector that must be known to the store, for back-filling and for matching births.
    pub fn selectors(&self) -> Vec<Selector> {
        match &self.events {
            Events::Ratio(
                Ratio::GoodTotal { good: a, total: b }
                | Ratio::GoodBad { good: a, bad: b }
                | Ratio::BadTotal { bad: a, total: b },
            ) => a.iter().chain(b).cloned().collect(),
            Events::Latency(latency) => {
                let base = latency.histogram.name.as_deref().unwrap_or_default();
                ["_bucket", "_count"]
                    .map(|suffix| latency.histogram.with_name(format!("{base}{suffix}")))
                    .to_vec()
            }
        }
    }
}

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
pub fn default_alerts(goal: Goal, period: Period, scrape: TimeDelta) -> DefaultAlerts {
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
pub fn verdict(alert: &BurnAlert, goal: Goal, period: Period) -> Verdict {
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
pub fn arithmetic(alert: &BurnAlert, goal: Goal, period: Period) -> String {
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

/// What `check` and `lint` say of an objective's alerts: an error for each that cannot help, with the arithmetic.
pub fn examine(slo: &Slo) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for alert in &slo.alerts {
        let reason = arithmetic(alert, slo.goal, slo.period);
        let (id, what, help) = match verdict(alert, slo.goal, slo.period) {
            Verdict::Useful => {
                found.extend(fires_while_met(slo, alert));
                continue;
            }
            Verdict::CannotFire => {
                let max = short_number(slo.goal.burn_rate_max());
                ("slo-alert-cannot-fire", "can never fire", format!("write a factor below {max}"))
            }
            Verdict::FiresAfterExhaustion => {
                let most = short_number(slo.period.length().0 as f64 / alert.long.0 as f64);
                (
                    "slo-alert-too-late",
                    "fires after the budget is gone",
                    format!("write a factor of at most {most}, or a shorter window"),
                )
            }
        };
        let message = format!("alert {:?} of {:?} {what}: {reason}", alert.name, slo.id());
        found.push(Diagnostic::error(id, alert.span.or(slo.span), message).with_help(help));
    }
    found
}

/// Below this a factor is no rounding of 1, as the slowest default pair's 0.933 at 28 days is.
const FACTOR_DOUBTFUL: f64 = 0.9;

/// A budget that is spent more slowly than it comes back is no reason to call anyone. The default pairs of short
/// periods get there too: 10 % of seven days in one day is a burn rate of 0.7.
fn fires_while_met(slo: &Slo, alert: &BurnAlert) -> Option<Diagnostic> {
    let factor = alert.factor.as_f64();
    (factor < FACTOR_DOUBTFUL).then(|| {
        let message = format!(
            "alert {:?} of {:?} fires at a burn rate of {}, while the goal is being met",
            alert.name,
            slo.id(),
            short_number(factor)
        );
        let help = "write alerts: with factors of at least 1, or a longer window for the objective";
        Diagnostic::warning("slo-alert-goal-met", alert.span.or(slo.span), message).with_help(help)
    })
}
