//! Corrections: stretches of time that are judged otherwise than they were measured, each with a reason, an author and
//! an approver.
//!
//! The ledger is never rewritten. A correction is laid over it whenever a window is read (`measure`), so that revoking
//! it leaves everything as it was, and what was known on any day can be read again.

pub(crate) mod engine;
pub(crate) mod list;
pub(crate) mod window;

use std::fmt;

use bellwether_model::{Labels, TimeDelta, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::goal::Share;
use crate::period::Stretch;

/// A stretch of time that is judged otherwise than it was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Correction {
    /// Identity.
    pub id: String,
    /// Which objectives it concerns.
    #[serde(flatten)]
    pub scope: CorrectionScope,
    /// Only the streams with all of these labels; none means every stream.
    #[serde(default)]
    pub labels: Labels,
    /// The first minute of it begins here.
    pub begin: Timestamp,
    /// The last minute of it ends here.
    pub end: Timestamp,
    /// What happened, and so what becomes of it.
    pub kind: CorrectionKind,
    /// Which share of the bad events a credit forgives.
    #[serde(serialize_with = "write_share", deserialize_with = "read_share")]
    pub share: Share,
    /// Why.
    pub reason: String,
    /// Who asked for it.
    pub author: String,
    /// Who agreed.
    pub approver: String,
    /// Since when it is known.
    pub created_at: Timestamp,
    /// How it was taken back, if it was.
    #[serde(default)]
    pub revoked: Option<Revocation>,
}

/// A correction that was taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Which objectives a correction concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CorrectionScope {
    /// The one of this identity.
    Slo(String),
    /// All of this service, also those that are written later.
    Service(String),
}

impl CorrectionScope {
    /// Whether an objective is among them.
    pub fn covers(&self, slo_id: &str, service: &str) -> bool {
        match self {
            Self::Slo(id) => id == slo_id,
            Self::Service(name) => name == service,
        }
    }
}

impl fmt::Display for CorrectionScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slo(id) => f.write_str(id),
            Self::Service(name) => write!(f, "all of {name}"),
        }
    }
}

/// What happened, and so what becomes of the stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CorrectionKind {
    /// Work that was announced: the stretch is taken out.
    Maintenance,
    /// What was measured is wrong: the stretch is taken out.
    MeasurementFault,
    /// What the service stands on was away, and that is somebody else's budget: the stretch is taken out.
    PlatformOutage,
    /// Bad events are forgiven: they count as good.
    Credit,
}

impl CorrectionKind {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Maintenance, Self::MeasurementFault, Self::PlatformOutage, Self::Credit];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Maintenance => "maintenance",
            Self::MeasurementFault => "measurement-fault",
            Self::PlatformOutage => "platform-outage",
            Self::Credit => "credit",
        }
    }

    /// The kind of a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text.trim())
    }

    /// Whether it takes its stretch out of every window.
    pub const fn excludes(self) -> bool {
        match self {
            Self::Maintenance | Self::MeasurementFault | Self::PlatformOutage => true,
            Self::Credit => false,
        }
    }
}

/// Where a correction is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CorrectionState {
    /// Its stretch lies ahead.
    Planned,
    /// Its stretch is now.
    Active,
    /// Its stretch lies behind; it counts on.
    Past,
    /// It was taken back and counts no more.
    Revoked,
}

impl CorrectionState {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Active => "active",
            Self::Past => "past",
            Self::Revoked => "revoked",
        }
    }
}

impl Correction {
    /// The stretch it is about: whole minutes.
    pub fn stretch(&self) -> Stretch {
        Stretch { begin: self.begin, end: self.end }
    }

    /// Whether it was known, and not yet taken back, at a moment.
    pub fn is_known_at(&self, at: Timestamp) -> bool {
        self.created_at <= at && self.revoked.as_ref().is_none_or(|revoked| at < revoked.at)
    }

    /// Whether a stream with these labels is among those it is narrowed to.
    pub fn covers_stream(&self, labels: &Labels) -> bool {
        self.labels.iter().all(|(name, value)| labels.get(name) == Some(value))
    }

    /// Where it is in its life.
    pub fn state(&self, now: Timestamp) -> CorrectionState {
        match self.revoked {
            Some(_) => CorrectionState::Revoked,
            None if now < self.begin => CorrectionState::Planned,
            None if now < self.end => CorrectionState::Active,
            None => CorrectionState::Past,
        }
    }
}

/// What somebody wants to be corrected.
#[derive(Clone, Debug, PartialEq)]
pub struct CorrectionWish {
    /// The identity it shall have; whoever may read randomness makes it.
    pub id: String,
    /// Which objectives.
    pub scope: CorrectionScope,
    /// Which of their streams.
    pub labels: Labels,
    /// From when to when; begun minutes count as whole ones.
    pub stretch: Stretch,
    /// What happened.
    pub kind: CorrectionKind,
    /// Which share of bad events a credit forgives; `None` for all of them.
    pub share: Option<Share>,
    /// Why.
    pub reason: String,
    /// Who asks.
    pub author: String,
    /// Who agreed.
    pub approver: String,
}

impl CorrectionWish {
    /// The stretch in whole minutes: a ledger keeps its past minute by minute, and an old report must come out the
    /// same after slots have become minutes.
    pub(crate) fn whole_minutes(&self) -> Stretch {
        Stretch {
            begin: self.stretch.begin.floor_to(TimeDelta::MINUTE),
            end: self.stretch.end.ceil_to(TimeDelta::MINUTE),
        }
    }
}

/// What may happen to corrections.
#[derive(Clone, Debug, PartialEq)]
pub enum CorrectionEvent {
    /// One more.
    Add(CorrectionWish),
    /// One less: it counts no more from now on, and stays in the list.
    Revoke {
        /// Which.
        id: String,
        /// Who takes it back.
        by: String,
        /// Why.
        reason: String,
    },
}

/// Why a correction is not made or not taken back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CorrectionError {
    /// There is none of this identity.
    #[error("no correction has the id {id:?}")]
    NotFound {
        /// The identity.
        id: String,
    },
    /// Everything that is wrong with it.
    #[error("{}", .0.join("; "))]
    Invalid(Vec<String>),
}

fn write_share<S: Serializer>(share: &Share, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(share.ratio())
}

fn read_share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Share, D::Error> {
    let ratio = f64::deserialize(deserializer)?;
    // Written with the fewest digits that tell it apart, which are those it was read from.
    Share::parse(&ratio.to_string()).ok_or_else(|| de::Error::custom("a share is a number from 0 to 1"))
}
