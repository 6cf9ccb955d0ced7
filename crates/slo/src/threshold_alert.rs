//! Alerts on a threshold without a goal: there is no budget that could burn, only a value that keeps its bound or not.

use bellwether_diag::Span;
use bellwether_model::{Labels, TimeDelta};

/// It fires while the value over the whole period does not keep its bound.
#[derive(Clone, Debug, PartialEq)]
pub struct ThresholdAlert {
    /// Its name, unique within the objective.
    pub name: String,
    /// `page`, `ticket` or what the user wrote.
    pub severity: String,
    /// How long the value must have failed before anybody is told.
    pub hold: TimeDelta,
    /// Labels of its own.
    pub labels: Labels,
    /// Annotations of its own.
    pub annotations: Labels,
    /// Where it was written.
    pub span: Option<Span>,
}
