//! The numbers an alert speaks of, computed once for its sentence, its annotations and the templates of its author.

use bellwether_model::{TimeDelta, Timestamp};

use crate::alert::verdict::short_number;
use crate::budget::{Spending, exhaustion};
use crate::burn::{burn_rate, spending_windows};
use crate::burn_alert::BurnAlert;
use crate::ledger::stream::Window;
use crate::measure::Measure;
use crate::status::Exhaustion;

/// What is known at the moment an alert is told; nothing that is not known has a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AlertFacts {
    /// The alert's own value: the burn rate of its long window, or the share of the budget left.
    pub(crate) value: Option<f64>,
    pub(crate) burn_rate_long: Option<String>,
    pub(crate) burn_rate_short: Option<String>,
    pub(crate) budget_left: Option<String>,
    /// At the earliest, as RFC 3339.
    pub(crate) budget_ends_at: Option<String>,
    /// From the earliest to the latest.
    pub(crate) budget_ends_in: Option<String>,
    /// What was measured of the period.
    pub(crate) period: Option<Window>,
    /// When the budget ends, if it does, and the moment from which that is told.
    pub(crate) end: Option<(Exhaustion, Timestamp)>,
}

impl AlertFacts {
    /// The annotations that carry them, by name.
    pub(crate) fn annotations(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("burn_rate_long", &self.burn_rate_long),
            ("burn_rate_short", &self.burn_rate_short),
            ("budget_left", &self.budget_left),
            ("budget_ends_at", &self.budget_ends_at),
            ("budget_ends_in", &self.budget_ends_in),
        ];
        all.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)))
    }
}

/// Of a burn-rate alert: what it burns, and when the budget ends at the rates it sees.
pub(crate) fn burn_facts(alert: &BurnAlert, measure: &Measure<'_>) -> AlertFacts {
    let windows = measure.alert_windows(alert);
    let rate = |window: Window| burn_rate(&window, measure.slo.goal?);
    let (long, short) = (windows.map(|w| w.long), windows.and_then(|w| w.short));
    let used: Vec<Window> = [long, short].into_iter().flatten().collect();
    AlertFacts {
        value: long.and_then(rate),
        burn_rate_long: long.and_then(rate).map(rate_text),
        burn_rate_short: short.and_then(rate).map(rate_text),
        ..budget_facts_of(measure, &used)
    }
}

/// Of an alert on the budget: what is left of it, and when it ends at the rates that are seen first.
pub(crate) fn budget_facts(measure: &Measure<'_>) -> AlertFacts {
    let used: Vec<Window> =
        spending_windows(measure.slo).into_iter().filter_map(|length| measure.last(length)).collect();
    let facts = budget_facts_of(measure, &used);
    AlertFacts { value: measure.budget().map(|budget| budget.left_of_period_ratio()), ..facts }
}

fn budget_facts_of(measure: &Measure<'_>, windows: &[Window]) -> AlertFacts {
    let slo = measure.slo;
    let (Some(goal), Some(left)) = (slo.goal, measure.budget()) else { return AlertFacts::default() };
    let end = measure.watermark().and_then(|known_until| {
        let spending = Spending { goal, budget: &left, period: slo.period.length(), known_until };
        Some((exhaustion(&spending, windows)?, known_until))
    });
    let ahead = end.filter(|(end, now)| end.earliest > *now);
    AlertFacts {
        budget_left: Some(percent_text(left.left_of_period_ratio())),
        budget_ends_at: ahead.map(|(end, _)| moment(end.earliest)),
        budget_ends_in: ahead.map(|(end, now)| ends_in(end, now)),
        period: measure.period(),
        end,
        ..AlertFacts::default()
    }
}

/// `1h52m to 3h`, or what is known of it.
fn ends_in(end: Exhaustion, now: Timestamp) -> String {
    let earliest = span(end.earliest - now);
    match end.latest {
        Some(latest) if latest - end.earliest < TimeDelta::MINUTE => earliest,
        Some(latest) => format!("{earliest} to {}", span(latest - now)),
        None => format!("{earliest} at the earliest"),
    }
}

/// When the budget ends, as a sentence.
pub(crate) fn end_text(facts: &AlertFacts) -> String {
    let Some((end, now)) = facts.end else { return String::new() };
    let Some(ends_in) = &facts.budget_ends_in else { return " It is exhausted.".to_owned() };
    debug_assert!(end.earliest > now);
    match end.latest {
        Some(latest) if latest - end.earliest >= TimeDelta::MINUTE => format!(
            " At this rate it is gone in {ends_in}, between {} and {}.",
            moment(end.earliest),
            moment(latest)
        ),
        Some(_) | None => format!(" At this rate it is gone in {ends_in}, at {}.", moment(end.earliest)),
    }
}

/// Whole minutes, or seconds below two minutes.
pub(crate) fn span(delta: TimeDelta) -> String {
    let unit = if delta.0 < 2 * TimeDelta::MINUTE.0 { TimeDelta::SECOND.0 } else { TimeDelta::MINUTE.0 };
    TimeDelta(delta.0 / unit * unit).to_string()
}

/// A clock time without the milliseconds.
pub(crate) fn moment(at: Timestamp) -> String {
    let text = Timestamp(at.0.div_euclid(1000) * 1000).to_string();
    text.replace(".000Z", "Z")
}

/// Three significant digits are enough for people; whole large numbers stay whole.
pub(crate) fn rate_text(rate: f64) -> String {
    match rate {
        r if r >= 100.0 => format!("{r:.0}"),
        r if r >= 10.0 => short_number((r * 10.0).round() / 10.0),
        r => short_number((r * 100.0).round() / 100.0),
    }
}

/// A percentage with enough digits to tell it from 0 % and from 100 %.
pub(crate) fn percent_text(ratio: f64) -> String {
    let percent = ratio * 100.0;
    for decimals in 0..12 {
        let text = format!("{percent:.decimals$}");
        let shown: f64 = text.parse().unwrap_or(percent);
        let hides = (shown == 100.0 && ratio != 1.0) || (shown == 0.0 && ratio != 0.0);
        if !hides && (decimals >= 1 || percent.abs() >= 10.0 || percent.fract() == 0.0) {
            return format!("{text} %");
        }
    }
    format!("{percent} %")
}
