//! What pages and the API show of probes.

use bellwether_model::{Labels, TimeDelta, Timestamp};
use serde::{Deserialize, Serialize};

use crate::view::TargetHealth;

/// One target of a probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeView {
    /// Name of the probe.
    pub probe: String,
    /// `http`, `tcp`, `dns` or `grpc`.
    pub kind: String,
    /// Whom it asks.
    pub target: String,
    /// What its series call the target.
    pub instance: String,
    /// Labels that its series carry.
    pub labels: Labels,
    /// How the last attempt went; unknown when it could not be made.
    pub health: TargetHealth,
    /// When it was last tried.
    pub last_at: Option<Timestamp>,
    /// How long the last attempt took.
    pub last_duration: Option<TimeDelta>,
    /// Why the last attempt failed; empty when it did not.
    pub last_error: String,
    /// The kind of that failure, as the counters by reason name it; empty when there was none.
    pub reason: String,
    /// Attempts since the process started.
    pub attempts: u64,
    /// Those of them that failed.
    pub failures: u64,
    /// How long each phase of the last attempt took.
    pub phases: Vec<PhaseView>,
    /// What was expected of the last attempt, and found.
    pub checks: Vec<CheckView>,
    /// When the first of the target's certificates ends, if it showed any.
    pub certificate_ends_at: Option<Timestamp>,
    /// How often it is tried.
    pub interval: TimeDelta,
    /// How long an attempt may take.
    pub timeout: TimeDelta,
}

/// A part of an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseView {
    /// Its name.
    pub phase: String,
    /// How long it took.
    pub seconds: f64,
}

/// One thing that was expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckView {
    /// In words.
    pub expected: String,
    /// In words; empty when it was not looked at.
    pub found: String,
    /// Whether it was so.
    pub verdict: CheckVerdict,
}

/// Whether an expectation was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckVerdict {
    /// It was.
    Met,
    /// It was not.
    Unmet,
    /// The attempt ended before.
    NotReached,
}
