//! What an import into a running server is told.

use bellwether_model::{TimeDelta, Timestamp};
use serde::{Deserialize, Serialize};

/// What an import has to know before it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportBegun {
    /// Samples from this moment on can be kept, ...
    pub kept_from: Timestamp,
    /// ... and up to this one.
    pub kept_until: Timestamp,
    /// How long samples are kept.
    pub retention: TimeDelta,
    /// Parts of the source that are done.
    pub done: Vec<String>,
}

/// What became of the samples of a request; the counts add up to all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportTaken {
    /// Stored.
    pub samples: u64,
    /// There already.
    pub known: u64,
    /// Of moments for which another value is there, which stays.
    pub conflicting: u64,
    /// Older than what is kept.
    pub too_old: u64,
    /// Later than the clock.
    pub too_new: u64,
    /// Histograms that are none.
    pub malformed: u64,
    /// Segments made of them.
    pub segments: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// When the first and the last that were stored were measured.
    pub range: Option<(Timestamp, Timestamp)>,
}
