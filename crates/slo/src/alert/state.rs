//! What is remembered of an objective's alerts: which there are, and what each is doing.

use bellwether_model::{Labels, TimeDelta, Timestamp};

/// A firing alert is told of again this often, so that whoever routes it knows that it still fires.
pub(crate) const RESEND_EVERY: TimeDelta = TimeDelta::MINUTE;

/// Which alert of which stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AlertKey {
    pub(crate) slo: String,
    pub(crate) labels: Labels,
    pub(crate) alert: AlertName,
}

/// Which alert.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum AlertName {
    /// One of the objective's burn-rate alerts.
    Burn(String),
    /// Nothing of the objective is measured; one per severity.
    NotMeasured(String),
    /// One of the objective's alerts on what is left of its budget.
    Budget(String),
    /// One of the alerts of a threshold without a goal.
    Threshold(String),
}

/// What an alert is doing. One that never fired has no state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AlertState {
    pub(crate) is_firing: bool,
    pub(crate) since: Timestamp,
    pub(crate) sent_at: Timestamp,
    /// Under which labels it was told of; they must be the ones that are resolved.
    pub(crate) labels: Labels,
}

/// Where an alert's condition puts it, and when.
pub(crate) struct Turn {
    pub(crate) holds: bool,
    /// The moment of which the condition speaks.
    pub(crate) at: Timestamp,
    pub(crate) now: Timestamp,
}
