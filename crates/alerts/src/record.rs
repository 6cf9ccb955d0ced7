//! What must survive a restart, as rows with deterministic keys: whoever writes a row twice writes the same row.

use std::collections::BTreeSet;

use bellwether_model::{Alert, AlertFingerprint, Labels, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Acked, Delivery, DeliveryKey, GroupId, Handled, IntegrationId, Reason, Receipt, Silence, SilenceId,
    Thread,
};

/// One thing to write down.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// An alert as it now is; its key is its fingerprint.
    Alert(Box<AlertRow>),
    /// An alert is over and everyone who heard of it knows.
    AlertGone(AlertFingerprint),
    /// A silence as it now is.
    Silence(Silence),
    /// A silence is forgotten.
    SilenceGone(SilenceId),
    /// A group as it now is.
    Group(GroupRow),
    /// A group is over.
    GroupGone(GroupId),
    /// What an integration has been told of a group.
    Told(ToldRow),
    /// A message as it now stands.
    Delivery(Box<DeliveryRow>),
    /// An attempt has ended.
    Attempt(AttemptRow),
    /// A life of an alert is over.
    Episode(Box<EpisodeRow>),
    /// Someone did something.
    Audit(AuditRow),
}

/// An alert and what the core knows of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertRow {
    /// The alert.
    pub alert: Alert,
    /// When it was last heard of.
    pub updated_at: Timestamp,
    /// Whether its end is only the timeout of a source that may have stopped.
    pub ends_by_timeout: bool,
    /// Whether its end has been seen to come. An end in the future is what its source foresaw when this was written;
    /// the source may have foreseen a later one since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
    /// What its source says since somebody ended it by hand; `None` once its condition has cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// When the first message that calls it firing was taken by a receiver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    /// What people did with it.
    #[serde(default, skip_serializing_if = "Handled::is_empty")]
    pub handled: Handled,
}

/// The source of an alert that somebody ended by hand still says that it fires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Until when, unless it says so again; `None` means until it says otherwise.
    pub ends_at: Option<Timestamp>,
    /// Whether that is only the timeout of a source that may have stopped.
    pub ends_by_timeout: bool,
}

/// One life of an alert, from the moment it fired to its end; its key is the alert's fingerprint and its start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpisodeRow {
    /// The alert as it was last; `ends_at` is its end.
    pub alert: Alert,
    /// Who was to hear of it.
    pub receivers: BTreeSet<String>,
    /// When the first message that calls it firing was taken by a receiver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    /// What people did with it.
    #[serde(default, skip_serializing_if = "Handled::is_empty")]
    pub handled: Handled,
}

/// A group and its timer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupRow {
    /// Identity: route and labels.
    pub id: GroupId,
    /// The route's own identity.
    pub route: String,
    /// The labels the group shares.
    pub labels: Labels,
    /// Its alerts.
    pub alerts: BTreeSet<AlertFingerprint>,
    /// When it is looked at next.
    pub next_flush: Timestamp,
    /// Whether it has been looked at once, so that `group_wait` is over.
    pub flushed: bool,
}

/// What an integration has been told of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToldRow {
    /// The group.
    pub group: GroupId,
    /// The integration.
    pub integration: IntegrationId,
    /// What it believes to be firing.
    pub firing: BTreeSet<AlertFingerprint>,
    /// What its last message called resolved.
    pub resolved: BTreeSet<AlertFingerprint>,
    /// When it was told: the moment on the group's grid at which that was decided, from which repeats are counted.
    pub at: Timestamp,
    /// When it took that message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
    /// Who has all that fires, as far as it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acked: Option<Acked>,
    /// What it calls the conversation.
    #[serde(default)]
    pub thread: Thread,
}

/// Where a message stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum DeliveryStatus {
    /// On its way; after a restart it is sent again.
    InFlight,
    /// Waits for its next attempt.
    Waiting {
        /// When it is made.
        until: Timestamp,
        /// What became of the last one; `None` while the receiver is being left alone.
        last: Option<Receipt>,
    },
    /// Heard.
    Delivered,
    /// Refused for good, or tried for longer than is sensible.
    Failed {
        /// What the last answer was.
        last: Receipt,
    },
    /// A later message says it all.
    Replaced {
        /// Which.
        by: DeliveryKey,
    },
    /// There was nothing left to say.
    Withdrawn {
        /// Why.
        why: String,
    },
}

impl DeliveryStatus {
    /// Whether further attempts may follow.
    pub fn is_open(&self) -> bool {
        match self {
            Self::InFlight | Self::Waiting { .. } => true,
            Self::Delivered | Self::Failed { .. } | Self::Replaced { .. } | Self::Withdrawn { .. } => false,
        }
    }

    /// What became of the last attempt, where that is known and matters.
    pub fn last_receipt(&self) -> Option<&Receipt> {
        match self {
            Self::Waiting { last, .. } => last.as_ref(),
            Self::Failed { last } => Some(last),
            Self::InFlight | Self::Delivered | Self::Replaced { .. } | Self::Withdrawn { .. } => None,
        }
    }

    /// One word for lists.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::InFlight => "in_flight",
            Self::Waiting { .. } => "waiting",
            Self::Delivered => "delivered",
            Self::Failed { .. } => "failed",
            Self::Replaced { .. } => "replaced",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }
}

/// A message and where it stands; its key is `delivery.key`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// The message, with the number of its last attempt.
    pub delivery: Delivery,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// When this row was written.
    pub updated_at: Timestamp,
    /// Alerts that this or earlier failed messages called firing and that nobody has heard of.
    pub untold: BTreeSet<AlertFingerprint>,
    /// Since when attempts have been made at what this message says.
    pub tried_since: Timestamp,
    /// How many of them the receiver did not take. Of an attempt that ended with the process nobody knows.
    #[serde(default)]
    pub failures: u32,
}

/// An attempt and its receipt; its key is message and number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptRow {
    /// The message.
    pub delivery: DeliveryKey,
    /// Which attempt, from one.
    pub attempt: u32,
    /// When its outcome was known.
    pub at: Timestamp,
    /// Why it was made.
    pub reason: Reason,
    /// What became of it.
    pub receipt: Receipt,
}

/// What someone did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What, as a verb: `silence.set`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// In words.
    pub detail: String,
}

/// Everything read back after a restart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Restored {
    /// Alerts.
    pub alerts: Vec<AlertRow>,
    /// Silences.
    pub silences: Vec<Silence>,
    /// Groups.
    pub groups: Vec<GroupRow>,
    /// What was told.
    pub told: Vec<ToldRow>,
    /// Messages in flight or waiting.
    pub deliveries: Vec<DeliveryRow>,
}
