//! What reaches people now, counted for the header of every page: a view of every alert would cost as much as the page
//! of all of them, on each page and with every refresh.

use bellwether_model::Timestamp;

use crate::holder::Holder;
use crate::parts::{self, Tone};
use crate::view::AlertView;

/// Alerts that fire and that nothing holds back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoudAlerts {
    /// All of them.
    pub total: usize,
    /// Those whose severity wakes people.
    pub critical: usize,
    /// Those among the critical ones that nobody has.
    pub critical_wanted: usize,
}

impl LoudAlerts {
    /// Counts one more: its severity as labels say it, and whether somebody should take it.
    pub fn add(&mut self, severity: Option<&str>, is_wanted: bool) {
        let is_critical = Tone::of_severity(severity.unwrap_or(parts::NO_SEVERITY)) == Tone::Bad;
        self.total += 1;
        self.critical += usize::from(is_critical);
        self.critical_wanted += usize::from(is_critical && is_wanted);
    }

    /// The same, counted from views.
    pub fn of(alerts: &[AlertView], now: Timestamp) -> Self {
        let mut loud = Self::default();
        for alert in alerts.iter().filter(|alert| parts::is_loud(alert)) {
            loud.add(alert.labels.get("severity"), Holder::of(alert, now).is_wanted());
        }
        loud
    }
}
