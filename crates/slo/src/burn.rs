//! Burn rates: how many times faster than sustainable a budget is being spent.
//!
//! Formulas: semantics, section 4. Only the display divides; whether an alert fires is decided in integers.

use bellwether_model::TimeDelta;

use crate::burn_alert::BurnAlert;
use crate::goal::{Goal, burns_faster};
use crate::status::WindowStatus;
use crate::stream::Window;

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
        burn_rate(&window, goal)?;
        holds &= burns_faster(window.counts, goal, alert.factor);
    }
    Some(holds)
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
