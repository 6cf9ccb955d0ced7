//! Burn rates: how many times faster than sustainable a budget is being spent.
//!
//! Formulas: semantics, section 4. Only the display divides; whether an alert fires is decided in integers.

use bellwether_model::TimeDelta;

use crate::burn_alert::{BudgetAlert, BurnAlert};
use crate::definition::Slo;
use crate::goal::{Goal, burns_faster, is_left_below};
use crate::ledger::stream::Window;
use crate::status::WindowStatus;

/// Windows shown when an objective has no burn-rate alerts.
pub(crate) const WINDOWS_USUAL: [TimeDelta; 2] = [TimeDelta(5 * TimeDelta::MINUTE.0), TimeDelta::HOUR];

/// `(bad / total) / (1 − goal)`; `None` without measured time, 0 without events. Rounded once.
pub fn burn_rate(window: &Window, goal: Goal) -> Option<f64> {
    if window.measured <= TimeDelta::ZERO {
        return None;
    }
    if window.counts.total <= 0.0 {
        return Some(0.0);
    }
    let allowed = (goal.scale() - goal.good()) as f64;
    Some(window.counts.bad * goal.scale() as f64 / (allowed * window.counts.total))
}

/// The windows an alert looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlertWindows {
    /// The long one.
    pub long: Window,
    /// The short one, if the alert has one.
    pub short: Option<Window>,
}

/// Whether an alert's condition holds; `None` when a window holds no measured time, so that nothing can be said.
pub fn condition(alert: &BurnAlert, goal: Goal, windows: &AlertWindows) -> Option<bool> {
    let mut holds = windows.long.counts.bad >= alert.min_bad_events as f64;
    for window in [Some(windows.long), windows.short].into_iter().flatten() {
        // All of it is taken out by corrections: what is not judged does not burn.
        if window.length <= TimeDelta::ZERO {
            return Some(false);
        }
        burn_rate(&window, goal)?;
        holds &= burns_faster(window.counts, goal, alert.factor);
    }
    Some(holds)
}

/// Whether less of the period's budget is left than an alert allows; `None` when nothing of the period is measured.
/// Without events nothing is spent.
pub fn budget_condition(alert: &BudgetAlert, goal: Goal, period: &Window) -> Option<bool> {
    (period.measured > TimeDelta::ZERO).then(|| is_left_below(period.counts, goal, alert.left_below))
}

/// The windows from which the time to exhaustion is told: those of the fastest alert, which see a change first.
pub(crate) fn spending_windows(slo: &Slo) -> Vec<TimeDelta> {
    let fastest = slo.alerts.iter().min_by_key(|alert| alert.long);
    match fastest {
        Some(alert) => [Some(alert.long), alert.short].into_iter().flatten().collect(),
        None => WINDOWS_USUAL.to_vec(),
    }
}

/// A window as it is shown. `asked` is its nominal length.
pub fn window_status(window: &Window, asked: TimeDelta, goal: Option<Goal>) -> WindowStatus {
    let total = window.counts.total;
    let good = window.counts.good();
    WindowStatus {
        window: asked,
        good,
        total,
        sli_ratio: (total > 0.0).then(|| good / total),
        burn_rate: goal.and_then(|goal| burn_rate(window, goal)),
        measured_ratio: match window.length.0 {
            0 => 0.0,
            length => (window.measured.0 as f64 / length as f64).clamp(0.0, 1.0),
        },
    }
}
