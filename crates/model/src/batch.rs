//! The unit in which samples arrive and are logged: everything one scrape (or one push) brought, at once.
//!
//! The store logs batches and the SLI ledger folds over the same batches, live and on replay, so a crash can
//! neither lose nor double an event. A batch therefore carries what crediting needs: whose scrape it was, when,
//! whether it worked, and how long until the next one is due.

use serde::{Deserialize, Serialize};

use crate::{HistogramSample, Sample, TimeDelta, Timestamp};

/// A series' number inside one data directory; never reused, dense from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SeriesId(pub u32);

/// A place in the sample log. Everything before it has been applied by whoever holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogPosition {
    /// Number of the log file.
    pub file: u64,
    /// Byte offset in it, always at the start of a record.
    pub offset: u64,
}

/// Where a batch comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A scrape of one target.
    Scrape {
        /// The target's `up` series, which names it.
        target: SeriesId,
        /// Whether the target answered and its answer could be read.
        ok: bool,
        /// How long until the next scrape of this target is due.
        interval: TimeDelta,
    },
    /// History written in one go, oldest first; it counts as watched without gaps from its first sample on.
    Backfill,
    /// Results of rule evaluation.
    Rules,
}

/// Samples that arrived together. Times are never before those of an earlier batch of the same series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Where it comes from.
    pub origin: Origin,
    /// The moment the batch stands for: the aligned scrape time.
    pub at: Timestamp,
    /// The samples, each with its series.
    pub samples: Vec<(SeriesId, Sample)>,
    /// Native histograms, each with its series.
    pub histograms: Vec<(SeriesId, HistogramSample)>,
}

impl Batch {
    /// Numbers that arrived together, and no histograms.
    pub const fn floats(origin: Origin, at: Timestamp, samples: Vec<(SeriesId, Sample)>) -> Self {
        Self { origin, at, samples, histograms: Vec::new() }
    }
}
