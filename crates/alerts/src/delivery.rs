//! One message to one receiver, and what its outcome means.
//!
//! Alertmanager drops a Slack or webhook message that meets a 429; whoever was to be woken is not. Here every
//! outcome that may pass is tried again, with growing pauses, and one that will not pass is final and visible.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bellwether_model::{Alert, AlertFingerprint, Labels, TimeDelta, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Acked, GroupId, IntegrationKind, Message, Reason};

/// One entry of a receiver: `oncall/slack[0]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IntegrationId {
    /// The receiver's name.
    pub receiver: String,
    /// The kind of integration.
    pub kind: IntegrationKind,
    /// Its place among those of its kind, from zero.
    pub index: usize,
}

impl fmt::Display for IntegrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}[{}]", self.receiver, self.kind.as_str(), self.index)
    }
}

/// Names a message by what it says: a pure function of group, integration and state, so that a message sent twice
/// (after a crash, or by another replica) carries the same key and can be recognised.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryKey(pub String);

impl fmt::Display for DeliveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether something still fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It fires.
    Firing,
    /// It is over.
    Resolved,
}

impl Status {
    /// As templates and the webhook write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// An alert as it stood when the message was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotifiedAlert {
    /// The alert; `ends_at` is set exactly when it is resolved.
    pub alert: Alert,
    /// Whether it fired.
    pub status: Status,
}

/// What is to be said, before it takes the form a receiver wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// Why it was decided.
    pub reason: Reason,
    /// The group it speaks of.
    pub group: GroupId,
    /// The labels the group shares by definition.
    pub group_labels: Labels,
    /// The receiver's name.
    pub receiver: String,
    /// The alerts, firing first, each part in order of labels.
    pub alerts: Vec<NotifiedAlert>,
    /// Labels of the route, as templates.
    pub route_labels: std::collections::BTreeMap<String, String>,
    /// Who has all that fires; `None` while anything of it is nobody's, and when nothing fires.
    ///
    /// Kinds of which [`crate::Settings::hears_acks`] is true get a message of its own when this changes: with
    /// [`Reason::Acknowledged`] somebody has taken it (PagerDuty: `acknowledge`, Opsgenie: acknowledge the alert, a
    /// Slack app: update the message and say it in the thread), with [`Reason::Unacknowledged`] it was given back and
    /// this is `None` (where the receiver knows such a thing). In messages with any other reason it may be shown, and
    /// decides nothing: [`Reason::AckExpired`] is told as what fires anew, for PagerDuty as `trigger`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acked_by: Option<Acked>,
    /// With [`Reason::Fallback`]: who should have heard this, and why they did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreached: Option<Unreached>,
}

/// Who should have been told, and why they were not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreached {
    /// Which integration.
    pub integration: IntegrationId,
    /// What became of the last attempt, in words and without secrets.
    pub why: String,
}

impl Notification {
    /// Firing while any of its alerts fires.
    pub fn status(&self) -> Status {
        match self.alerts.iter().any(|a| a.status == Status::Firing) {
            true => Status::Firing,
            false => Status::Resolved,
        }
    }

    /// The alerts of one status.
    pub fn with_status(&self, status: Status) -> impl Iterator<Item = &Alert> {
        self.alerts.iter().filter(move |a| a.status == status).map(|a| &a.alert)
    }

    /// Labels that all alerts share.
    pub fn common_labels(&self) -> Labels {
        common(self.alerts.iter().map(|a| &a.alert.labels))
    }

    /// Annotations that all alerts share.
    pub fn common_annotations(&self) -> Labels {
        common(self.alerts.iter().map(|a| &a.alert.annotations))
    }

    pub(crate) fn fingerprints(&self, status: Status) -> std::collections::BTreeSet<AlertFingerprint> {
        self.with_status(status).map(Alert::fingerprint).collect()
    }
}

fn common<'a>(mut sets: impl Iterator<Item = &'a Labels>) -> Labels {
    let Some(first) = sets.next() else { return Labels::empty() };
    let rest: Vec<_> = sets.collect();
    if rest.is_empty() {
        return first.clone();
    }
    Labels::from_pairs(first.iter().filter(|(n, v)| rest.iter().all(|set| set.get(n) == Some(*v))))
}

/// A message on its way to one integration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Names the message by what it says.
    pub key: DeliveryKey,
    /// Where it goes. The address itself stays in the configuration.
    pub integration: IntegrationId,
    /// Why it is sent now.
    pub reason: Reason,
    /// Which attempt this is, from one.
    pub attempt: u32,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// What it says.
    pub notification: Arc<Notification>,
    /// The form in which it is said.
    pub message: Arc<Message>,
    /// How many of its parts were taken by earlier attempts; they are not sent again.
    #[serde(default)]
    pub parts_accepted: usize,
    /// What the receiver called the conversation when it last answered.
    #[serde(default)]
    pub thread: Thread,
}

/// What a receiver calls the conversation about a group, in its own words: Slack's `ts` and `channel`, for instance.
/// Handed back with the next message, so that it continues where the last one ended.
pub type Thread = BTreeMap<String, String>;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What became of it.
    pub receipt: Receipt,
    /// How many parts of the message have been taken, those of earlier attempts included.
    pub parts_accepted: usize,
    /// What the receiver calls the conversation from now on; empty leaves it as it was.
    pub thread: Thread,
}

impl From<Receipt> for Outcome {
    fn from(receipt: Receipt) -> Self {
        Self { receipt, parts_accepted: 0, thread: Thread::new() }
    }
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Receipt {
    /// The receiver took it.
    Accepted {
        /// HTTP status.
        status: u16,
    },
    /// The receiver took it, but not for everyone whom it should tell, and another attempt would change nothing.
    AcceptedInPart {
        /// The status or code of what was taken.
        status: u16,
        /// Who is left out, and what was said of them.
        left_out: String,
    },
    /// The receiver answered, but did not take it.
    Refused {
        /// HTTP status.
        status: u16,
        /// The beginning of its answer.
        body: String,
        /// How long it asks to be left alone.
        retry_after: Option<TimeDelta>,
    },
    /// A mail server answered, but did not take it.
    MailRefused {
        /// The reply's code: RFC 5321, section 4.2.
        code: u16,
        /// What it said.
        answer: String,
    },
    /// There was no answer: no connection, no name, no time left.
    Unreachable {
        /// What failed, without the address.
        reason: String,
    },
    /// It could not be sent from here, e.g. because the file with the address cannot be read.
    Unsendable {
        /// What is missing.
        reason: String,
    },
}

/// What follows from a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing; it was heard.
    Done,
    /// Another attempt, not before this long when the receiver said so.
    Again {
        /// How long the receiver asks to be left alone.
        after: Option<TimeDelta>,
    },
    /// No further attempt at this message: it would be refused again.
    Final,
}

/// The longest pause a receiver can ask for; beyond it a wrong header would silence a pager for days.
const RETRY_AFTER_MAX: TimeDelta = TimeDelta(3_600_000);
/// Pause before the second attempt; each further pause is twice the one before.
const BACKOFF_FIRST: TimeDelta = TimeDelta(1_000);
/// The longest pause between attempts.
const BACKOFF_MAX: TimeDelta = TimeDelta(300_000);
/// How long one message is tried. While its alerts fire, the next flush decides anew.
pub(crate) const RETRY_HORIZON: TimeDelta = TimeDelta(24 * 3_600_000);

impl Receipt {
    /// What follows. 408, 425, 429, 5xx and everything without an answer may pass; any other answer will not.
    pub fn next(&self) -> Next {
        match self {
            Self::Accepted { .. } | Self::AcceptedInPart { .. } => Next::Done,
            Self::Unreachable { .. } | Self::Unsendable { .. } => Next::Again { after: None },
            // With mail it is the other way round: 4yz may pass, 5yz will not.
            Self::MailRefused { code: 400..=499, .. } => Next::Again { after: None },
            Self::MailRefused { .. } => Next::Final,
            Self::Refused { status, retry_after, .. } => match status {
                408 | 425 | 429 | 500..=599 => {
                    Next::Again { after: retry_after.map(|d| d.min(RETRY_AFTER_MAX)) }
                }
                _ => Next::Final,
            },
        }
    }

    /// Whether somebody was told by it.
    pub fn is_taken(&self) -> bool {
        self.next() == Next::Done
    }

    /// One line for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Accepted { status } => format!("accepted with status {status}"),
            Self::AcceptedInPart { status, left_out } => {
                format!("accepted with status {status}, but not for {left_out}")
            }
            Self::Refused { status, body, .. } if body.is_empty() => format!("refused with status {status}"),
            Self::Refused { status, body, .. } => format!("refused with status {status}: {body}"),
            Self::MailRefused { code, answer } => format!("refused with code {code}: {answer}"),
            Self::Unreachable { reason } => format!("not reached: {reason}"),
            Self::Unsendable { reason } => format!("not sent: {reason}"),
        }
    }
}

/// How long to wait after this many failed attempts (from one).
pub(crate) fn backoff(failures: u32) -> TimeDelta {
    let doublings = failures.saturating_sub(1).min(16);
    TimeDelta(BACKOFF_FIRST.0 << doublings).min(BACKOFF_MAX)
}

/// FNV-1a with 128 bits: not a defence against anyone, only a short name that does not collide by chance.
pub(crate) fn key_of(parts: &[&str]) -> DeliveryKey {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in parts.iter().flat_map(|p| p.as_bytes().iter().chain(&[0xff])) {
        hash = (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    DeliveryKey(format!("{hash:032x}"))
}
