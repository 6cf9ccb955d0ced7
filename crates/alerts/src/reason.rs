//! Why a message is sent, or why nothing is: closed sets, so that log, UI and test all say the same words.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nobody has heard of this group yet.
    First,
    /// An alert joined that nobody has heard of.
    NewAlerts,
    /// Some alerts ended while others of the group still fire.
    ResolvedGrew,
    /// Everything that was told is over.
    AllResolved,
    /// Nothing changed, and `repeat_interval` has passed.
    Repeat,
    /// The last attempt at this very message failed.
    Retry,
    /// Earlier attempts failed and things changed since: one message tells the whole story.
    Collapsed,
    /// The process stopped before the outcome of an attempt was known.
    Restart,
    /// Somebody has taken what fires; told to receivers that show it.
    Acknowledged,
    /// Whoever had taken it gave it back; told to receivers that show it.
    Unacknowledged,
    /// Somebody had taken it, and their time is over while it still fires.
    AckExpired,
    /// Another receiver could not be reached.
    Fallback,
    /// A test: nothing fires.
    Drill,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::First,
        Self::NewAlerts,
        Self::ResolvedGrew,
        Self::AllResolved,
        Self::Repeat,
        Self::Retry,
        Self::Collapsed,
        Self::Restart,
        Self::Acknowledged,
        Self::Unacknowledged,
        Self::AckExpired,
        Self::Fallback,
        Self::Drill,
    ];

    /// The reason that a word stands for.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// In a few words, for people.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::First => "first message",
            Self::NewAlerts => "new alerts",
            Self::ResolvedGrew => "some are over",
            Self::AllResolved => "all are over",
            Self::Repeat => "repetition",
            Self::Retry => "another attempt",
            Self::Collapsed => "what was missed",
            Self::Restart => "sent again after a restart",
            Self::Acknowledged => "somebody has it",
            Self::Unacknowledged => "given back",
            Self::AckExpired => "acknowledgement over",
            Self::Fallback => "for somebody else",
            Self::Drill => "drill",
        }
    }

    /// The word used in logs, in tests and in the UI.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "First",
            Self::NewAlerts => "NewAlerts",
            Self::ResolvedGrew => "ResolvedGrew",
            Self::AllResolved => "AllResolved",
            Self::Repeat => "Repeat",
            Self::Retry => "Retry",
            Self::Collapsed => "Collapsed",
            Self::Restart => "Restart",
            Self::Acknowledged => "Acknowledged",
            Self::Unacknowledged => "Unacknowledged",
            Self::AckExpired => "AckExpired",
            Self::Fallback => "Fallback",
            Self::Drill => "Drill",
        }
    }

    /// A sentence for people.
    pub const fn explain(self) -> &'static str {
        match self {
            Self::First => "nobody had heard of this group",
            Self::NewAlerts => "an alert joined that nobody had heard of",
            Self::ResolvedGrew => "some alerts ended while others still fire",
            Self::AllResolved => "everything that was told is over",
            Self::Repeat => "nothing changed, and the repeat interval has passed",
            Self::Retry => "the last attempt at this message failed",
            Self::Collapsed => "earlier attempts failed and things changed since; this message tells it all",
            Self::Restart => "the process stopped before the outcome was known",
            Self::Acknowledged => "somebody has taken what fires",
            Self::Unacknowledged => "whoever had taken it gave it back",
            Self::AckExpired => "the time of an acknowledgement is over, and it still fires",
            Self::Fallback => "another receiver could not be reached",
            Self::Drill => "a test; nothing fires",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the last look at a group decided for one integration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// A message was sent.
    Sent {
        /// Why.
        reason: Reason,
    },
    /// What is to be said has been said.
    NothingNew,
    /// All its alerts are silenced or inhibited.
    Suppressed,
    /// Somebody has all that fires, so that it is not repeated.
    Acknowledged {
        /// Who.
        by: Vec<String>,
    },
    /// A time interval mutes the route.
    Muted {
        /// Names of the intervals.
        by: Vec<String>,
    },
    /// A message is on its way; its outcome decides what comes next.
    InFlight,
    /// A message waits for its next attempt.
    Waiting {
        /// When it is made.
        until: bellwether_model::Timestamp,
    },
    /// There is nothing to say any more; a waiting message was taken back.
    Withdrawn,
}

impl fmt::Display for Verdict {
    /// A sentence for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent { reason } => write!(f, "sent, because {}", reason.explain()),
            Self::NothingNew => f.write_str("nothing new to say"),
            Self::Suppressed => f.write_str("all its alerts are silenced or inhibited"),
            Self::Acknowledged { by } => write!(f, "not repeated: {} has it", by.join(", ")),
            Self::Muted { by } => write!(f, "muted by time interval {}", by.join(", ")),
            Self::InFlight => f.write_str("a message is on its way"),
            Self::Waiting { until } => write!(f, "a message waits for its next attempt at {until}"),
            Self::Withdrawn => f.write_str("nothing is left to say; a waiting message was taken back"),
        }
    }
}
