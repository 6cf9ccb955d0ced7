//! Error budgets: what is left, how sure that is, and when it will be gone.
//!
//! Formulas: semantics, section 1 (bounds), 3 (budgets) and 4 (time to exhaustion).

use bellwether_model::{TimeDelta, Timestamp};

use crate::goal::{Counts, Goal};
use crate::ledger::stream::Window;
use crate::status::{BudgetStatus, Exhaustion, ExpectationBasis, ExpectedBudget};

/// The budget of a period, among the events seen; `None` while nothing was measured or no event was seen.
pub fn budget(period: &Window, goal: Goal) -> Option<BudgetStatus> {
    let Counts { bad, total } = period.counts;
    if period.measured <= TimeDelta::ZERO || total <= 0.0 {
        return None;
    }
    let bounds = bounds(period, goal, 0.0);
    let left_ratio = left(period.counts, goal);
    Some(BudgetStatus {
        allowed_events: allowed(total, goal),
        spent_events: bad,
        left_ratio,
        left_ratio_low: bounds.low.min(left_ratio),
        left_ratio_high: bounds.high.max(left_ratio),
        expected: None,
    })
}

/// What lies ahead in a period of the calendar.
#[derive(Clone, Copy, Debug)]
pub struct Ahead {
    /// How much of it, without what will be taken out.
    pub rest: TimeDelta,
    /// When the next one begins.
    pub ends_at: Timestamp,
    /// The period before, if all of it is kept.
    pub previous: Option<Window>,
}

/// Less of the period before than this was measured: it is no measure for the present one.
const PREVIOUS_MEASURED_MIN: f64 = 0.9;

/// The budget of a period of the calendar against what is expected of all of it: what was seen, and for the time
/// ahead (and that not measured) the mean rate of the period before, or of this one if that was not measured.
/// Presumes measured time.
pub fn expected_budget(period: &Window, goal: Goal, ahead: &Ahead) -> ExpectedBudget {
    let rate = |window: &Window| window.counts.total / window.measured.0 as f64;
    let is_whole = |window: &&Window| {
        window.measured > TimeDelta::ZERO
            && window.counts.total > 0.0
            && window.measured.0 as f64 >= PREVIOUS_MEASURED_MIN * window.length.0 as f64
    };
    let (rate_ahead, basis) = match ahead.previous.as_ref().filter(is_whole) {
        Some(previous) => (rate(previous), ExpectationBasis::PreviousPeriod),
        None => (rate(period), ExpectationBasis::MeanRate),
    };
    let events_ahead = rate_ahead * ahead.rest.0.max(0) as f64;
    let Counts { bad, total } = period.counts;
    let total_events = total + unmeasured_events(period) + events_ahead;
    let left_ratio = left(Counts { bad, total: total_events }, goal);
    let bounds = bounds(period, goal, events_ahead);
    ExpectedBudget {
        total_events,
        allowed_events: allowed(total_events, goal),
        left_ratio,
        left_ratio_low: bounds.low.min(left_ratio),
        left_ratio_high: bounds.high.max(left_ratio),
        ends_at: ahead.ends_at,
        basis,
    }
}

fn allowed(total: f64, goal: Goal) -> f64 {
    (goal.scale() - goal.good()) as f64 * total / goal.scale() as f64
}

/// `1 − bad / ((1 − goal) · total)`, rounded once, so that a budget spent exactly is exactly 0.
fn left(counts: Counts, goal: Goal) -> f64 {
    let allowed = (goal.scale() - goal.good()) as f64 * counts.total;
    match allowed > 0.0 {
        true => (allowed - counts.bad * goal.scale() as f64) / allowed,
        false => 1.0,
    }
}

/// Events to be expected in the time that was watched but not measured, at the mean rate.
fn unmeasured_events(period: &Window) -> f64 {
    (period.watched - period.measured).0.max(0) as f64 * (period.counts.total / period.measured.0 as f64)
}

struct Bounds {
    low: f64,
    high: f64,
}

/// Best and worst case over the time not measured (u events at the mean rate, all good or all bad), and over events
/// of a bridged gap that may have happened on the other side of an edge. Good events may be added that lie ahead.
fn bounds(period: &Window, goal: Goal, ahead: f64) -> Bounds {
    let Counts { bad, total } = period.counts;
    let more = unmeasured_events(period);
    let outside_bad = period.unlocated.bad.clamp(0.0, bad);
    let outside_good = (period.unlocated.total - period.unlocated.bad).clamp(0.0, total - bad);
    let inside_bad = period.displaced.bad.max(0.0);
    let inside_good = (period.displaced.total - period.displaced.bad).max(0.0);
    let low =
        Counts { bad: bad + more + inside_bad, total: total - outside_good + more + inside_bad + ahead };
    let high = Counts { bad: bad - outside_bad, total: total - outside_bad + more + inside_good + ahead };
    Bounds { low: left(low, goal), high: left(high, goal) }
}

/// What the time to exhaustion is computed from.
#[derive(Clone, Copy, Debug)]
pub struct Spending<'a> {
    /// The goal that allows some events to be bad.
    pub goal: Goal,
    /// The budget of the period.
    pub budget: &'a BudgetStatus,
    /// Length of the period.
    pub period: TimeDelta,
    /// The moment up to which all of this is known.
    pub known_until: Timestamp,
}

/// When the budget is gone: what is left, divided by the rate at which each of these windows spends it.
///
/// `None` when it is not being spent, or so slowly that events leave the period before the budget is gone, or that a
/// new period of the calendar begins.
pub fn exhaustion(spending: &Spending<'_>, windows: &[Window]) -> Option<Exhaustion> {
    let ends = windows.iter().map(|window| gone_at(spending, window));
    let (mut earliest, mut latest, mut is_open) = (None::<Timestamp>, None::<Timestamp>, false);
    for end in ends {
        match end {
            Some(end) => {
                earliest = Some(earliest.map_or(end, |e| e.min(end)));
                latest = Some(latest.map_or(end, |l| l.max(end)));
            }
            None => is_open = true,
        }
    }
    Some(Exhaustion { earliest: earliest?, latest: latest.filter(|_| !is_open) })
}

fn gone_at(spending: &Spending<'_>, window: &Window) -> Option<Timestamp> {
    let bad = window.counts.bad;
    if bad <= 0.0 || window.measured <= TimeDelta::ZERO {
        return None;
    }
    let (allowed, until) = match spending.budget.expected {
        Some(expected) => (expected.allowed_events, expected.ends_at),
        None => (spending.budget.allowed_events, spending.known_until + spending.period),
    };
    let left_events = allowed - spending.budget.spent_events;
    if left_events <= 0.0 {
        return Some(spending.known_until);
    }
    // Spent no faster than it comes back: a rolling budget then settles above zero and never ends. One of the calendar
    // does not come back before its turn.
    let is_slow = bad * spending.goal.scale() as f64
        <= (spending.goal.scale() - spending.goal.good()) as f64 * window.counts.total;
    if is_slow && spending.budget.expected.is_none() {
        return None;
    }
    let wait_ms = left_events * (window.measured.0 as f64 / bad);
    let wait_ms_max = (until - spending.known_until).0 as f64;
    (wait_ms <= wait_ms_max).then(|| spending.known_until + TimeDelta(wait_ms as i64))
}
