//! What fires, as Alertmanager's API lists it.

use bellwether_model::{AlertFingerprint, Labels, TimeDelta, Timestamp};

/// Says which label sets are wanted.
pub type Wanted<'a> = &'a dyn Fn(&Labels) -> bool;

/// An alert that fires.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedAlert {
    /// Identity.
    pub fingerprint: AlertFingerprint,
    /// Its labels.
    pub labels: Labels,
    /// What people read.
    pub annotations: Labels,
    /// Since when.
    pub starts_at: Timestamp,
    /// Until when, unless it is heard of again.
    pub ends_at: Timestamp,
    /// When it was last heard of.
    pub updated_at: Timestamp,
    /// Where its cause can be looked at; may be empty.
    pub generator_url: String,
    /// The receivers of its routes, in their order.
    pub receivers: Vec<String>,
    /// Silences that hide it now.
    pub silenced_by: Vec<String>,
    /// Fingerprints of the alerts that inhibit it now.
    pub inhibited_by: Vec<String>,
}

impl ListedAlert {
    /// Whether something keeps it quiet.
    pub fn is_suppressed(&self) -> bool {
        !self.silenced_by.is_empty() || !self.inhibited_by.is_empty()
    }
}

/// A group of them.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedGroup {
    /// Identity of the group.
    pub key: String,
    /// The labels its alerts share by `group_by`.
    pub labels: Labels,
    /// The labels its route gives to messages, rendered.
    pub route_labels: Labels,
    /// How its route tells of it.
    pub route: ListedRoute,
    /// Time intervals that keep it quiet now.
    pub muted_by: Vec<String>,
    /// The alerts in it that are wanted.
    pub alerts: Vec<ListedAlert>,
}

/// How a route tells of its groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRoute {
    /// Who is told.
    pub receiver: String,
    /// The labels that make a group; `None` for all of them.
    pub group_by: Option<Vec<String>>,
    /// How long a new group waits for company.
    pub group_wait: TimeDelta,
    /// How often a group is looked at.
    pub group_interval: TimeDelta,
    /// After how long an unchanged group is told again.
    pub repeat_interval: TimeDelta,
}
