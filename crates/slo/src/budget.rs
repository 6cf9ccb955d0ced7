//! Error budgets: what is left, how sure that is, and when it will be gone.
//!
//! Formulas: semantics, section 1 (bounds), 3 (budgets) and 4 (time to exhaustion).

use bellwether_model::{TimeDelta, Timestamp};

use crate::goal::{Counts, Goal};
use crate::status::{BudgetStatus, Exhaustion};
use crate::stream::Window;

/// The budget of a period; `None` while nothing was measured or no event was seen.
pub fn budget(period: &Window, goal: Goal) -> Option<BudgetStatus> {
    let Counts { bad, total } = period.counts;
    if period.measured <= TimeDelta::ZERO || total <= 0.0 {
        return None;
    }
    let bounds = bounds(period, goal);
    let left_ratio = left(period.counts, goal);
    Some(BudgetStatus {
        allowed_events: (goal.scale() - goal.good()) as f64 * total / goal.scale() as f64,
        spent_events: bad,
        left_ratio,
        left_ratio_low: bounds.low.min(left_ratio),
        left_ratio_high: bounds.high.max(left_ratio),
    })
}

/// `1 − bad / ((1 − goal) · total)`, rounded once, so that a budget spent exactly is exactly 0.
fn left(counts: Counts, goal: Goal) -> f64 {
    let allowed = (goal.scale() - goal.good()) as f64 * counts.total;
    match allowed > 0.0 {
        true => (allowed - counts.bad * goal.scale() as f64) / allowed,
        false => 1.0,
    }
}

struct Bounds {
    low: f64,
    high: f64,
}

/// Best and worst case over the time not measured (u events at the mean rate, all good or all bad), and over events
/// of a bridged gap that may have happened before the period began.
fn bounds(period: &Window, goal: Goal) -> Bounds {
    let Counts { bad, total } = period.counts;
    let unmeasured = (period.watched - period.measured).0.max(0) as f64 * (total / period.measured.0 as f64);
    let outside_bad = period.unlocated.bad.clamp(0.0, bad);
    let outside_good = (period.unlocated.total - period.unlocated.bad).clamp(0.0, total - bad);
    let low = Counts { bad: bad + unmeasured, total: total - outside_good + unmeasured };
    let high = Counts { bad: bad - outside_bad, total: total - outside_bad + unmeasured };
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
/// `None` when it is not being spent, or so slowly that events leave the period before the budget is gone.
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
    let left_events = spending.budget.allowed_events - spending.budget.spent_events;
    if left_events <= 0.0 {
        return Some(spending.known_until);
    }
    // Spent no faster than it comes back: a rolling budget then settles above zero and never ends.
    if bad * spending.goal.scale() as f64
        <= (spending.goal.scale() - spending.goal.good()) as f64 * window.counts.total
    {
        return None;
    }
    let wait_ms = left_events * (window.measured.0 as f64 / bad);
    (wait_ms <= spending.period.0 as f64).then(|| spending.known_until + TimeDelta(wait_ms as i64))
}
