//! Messages as pages and the API show them: what was decided, how it went, every attempt.

use bellwether_model::{Labels, Timestamp};
use serde::{Deserialize, Serialize};

/// One notification: decided, recorded, attempted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryView {
    /// Its idempotency key.
    pub id: String,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// Who is told.
    pub receiver: String,
    /// By which means: `slack`, `pagerduty`, `email`, `webhook`, ….
    pub integration: String,
    /// Labels of the group it speaks of.
    pub group_labels: Labels,
    /// Why it was sent, in one word: `First`, `NewAlerts`, `ResolvedGrew`, `AllResolved`, `Repeat`, ….
    pub reason: String,
    /// The same in words.
    pub why: String,
    /// Firing alerts in it.
    pub firing: u32,
    /// Resolved alerts in it.
    pub resolved: u32,
    /// How it stands.
    pub outcome: DeliveryOutcome,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was last tried.
    pub attempted_at: Option<Timestamp>,
    /// When it will be tried again.
    pub next_attempt_at: Option<Timestamp>,
    /// The receipt, or what the last attempt answered.
    pub detail: String,
}

/// How a notification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryOutcome {
    /// Recorded, not yet tried.
    Pending,
    /// Tried without success; it will be tried again.
    Retrying,
    /// The receiver has confirmed it.
    Delivered,
    /// Given up.
    Failed,
    /// Never heard: a later message says it all, or there was nothing left to say.
    Superseded,
}

/// Which notifications to show. Newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Only of this receiver.
    pub receiver: Option<String>,
    /// Only with this outcome.
    pub outcome: Option<DeliveryOutcome>,
    /// Only of this group.
    pub group: Option<String>,
    /// Only those that speak of this alert.
    pub alert: Option<String>,
    /// Only those decided at this moment or later.
    pub since: Option<Timestamp>,
    /// Only those decided before.
    pub before: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
}

/// A message with its attempts and what it said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryDetail {
    /// The message.
    pub delivery: DeliveryView,
    /// Every attempt, the first first.
    pub attempts: Vec<AttemptView>,
    /// What was sent, part by part, without secrets.
    pub parts: Vec<String>,
    /// Fingerprints of the alerts in it.
    pub alerts: Vec<String>,
}

/// One attempt at a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptView {
    /// From one.
    pub attempt: u32,
    /// When its outcome was known.
    pub at: Timestamp,
    /// Why it was made.
    pub reason: String,
    /// The receiver's status, if it answered with one.
    pub status: Option<u16>,
    /// Whether the receiver took it.
    pub accepted: bool,
    /// What became of it, in words.
    pub detail: String,
}
