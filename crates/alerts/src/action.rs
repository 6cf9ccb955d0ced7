//! What people do with alerts: take them, give them back, end them by hand, write notes, say whether they were right.
//!
//! What somebody did stays with the alert for as long as it lives, in its row, and then in the row of its episode.

use std::fmt;

use bellwether_model::{AlertFingerprint, Timestamp};
use serde::{Deserialize, Serialize};

use crate::GroupId;

/// Most notes of one alert; the oldest go first.
pub const NOTES_MAX: usize = 50;

/// Somebody owns an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Who.
    pub by: String,
    /// In their words; may be empty.
    pub note: String,
    /// Since when.
    pub at: Timestamp,
    /// Until when; `None` means until it is over.
    pub until: Option<Timestamp>,
}

impl Ack {
    /// Whether it still holds.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// Somebody has all that fires of a group: every alert of it that can be told is acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acked {
    /// Who, in order of name; never empty.
    pub by: Vec<String>,
    /// What the latest of them wrote; may be empty.
    pub note: String,
    /// Since when they have all of it: the moment of the latest acknowledgement.
    pub at: Timestamp,
    /// When the first of the acknowledgements ends; `None` means not before all of it is over.
    pub until: Option<Timestamp>,
}

/// Somebody ended an alert by hand: it is over until its condition has cleared, and fires again only after that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandResolved {
    /// Who.
    pub by: String,
    /// In their words; may be empty.
    pub note: String,
    /// When.
    pub at: Timestamp,
}

/// What somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

/// Whether an alert was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// Something was wrong.
    Real,
    /// Nothing was.
    FalsePositive,
}

/// Somebody said whether an alert was right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// What they said.
    pub judgement: Judgement,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// All that people did with an alert in its present life. With most they do nothing, so it takes little room then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Handled {
    /// Who owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack: Option<Box<Ack>>,
    /// When somebody first took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_ack_at: Option<Timestamp>,
    /// Who ended it by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Box<HandResolved>>,
    /// What people wrote, the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// Whether it was right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged: Option<Box<Judged>>,
}

impl Handled {
    /// Whether nobody did anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// To what somebody does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One alert.
    Alert(AlertFingerprint),
    /// All alerts of a group that fire now.
    Group(GroupId),
}

/// What somebody does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Takes it; until then, or until it is over.
    Acknowledge {
        /// Until when.
        until: Option<Timestamp>,
    },
    /// Gives it back.
    Unacknowledge,
    /// Ends it by hand.
    Resolve,
    /// Writes something down.
    Note,
    /// Says whether it was right.
    Judge(Judgement),
}

/// Somebody does something to an alert or to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// To what.
    pub subject: Subject,
    /// What.
    pub deed: Deed,
    /// Who.
    pub by: String,
    /// In their words; may be empty, except with [`Deed::Note`].
    pub note: String,
}

/// Why an action is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// No alert or group is called that, or it is over and forgotten.
    #[error("{0} is not known here: it may be over")]
    NotFound(String),
    /// Nothing of it fires.
    #[error("{0} does not fire any more")]
    NotFiring(String),
    /// An acknowledgement would be over already.
    #[error("an acknowledgement must end in the future")]
    EndInPast,
    /// Nobody says who they are.
    #[error("say who you are")]
    NoName,
    /// A note says nothing.
    #[error("a note needs a text")]
    NoText,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alert(fingerprint) => write!(f, "alert {fingerprint}"),
            Self::Group(group) => write!(f, "group {group}"),
        }
    }
}

impl Deed {
    /// As a verb, for the audit log.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Acknowledge { .. } => "alert.acknowledge",
            Self::Unacknowledge => "alert.unacknowledge",
            Self::Resolve => "alert.resolve",
            Self::Note => "alert.note",
            Self::Judge(_) => "alert.judge",
        }
    }
}
