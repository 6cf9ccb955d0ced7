//! Alerts on the speed at which a budget is spent, and on what is left of it, as they are stated.

use bellwether_diag::Span;
use bellwether_model::{Labels, TimeDelta};

use crate::goal::{Factor, Share};

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
