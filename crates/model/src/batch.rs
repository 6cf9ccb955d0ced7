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
    /// What another store has of one scrape of one of its targets; perhaps not all of it at once.
    Remote {
        /// The target's `up` series there, which names it.
        target: SeriesId,
        /// Whether the target answered.
        ok: bool,
        /// Time between two of its scrapes.
        interval: TimeDelta,
        /// What a series is that is seen here for the first time.
        births: Births,
    },
    /// Samples of another store that belong to no target it scrapes: pushed to it, or recorded by its rules.
    RemotePushed {
        /// What a series is that is seen here for the first time.
        births: Births,
    },
    /// What somebody pushed here, in as many parts as they liked and at times of its own.
    Pushed,
}

/// What the first value of a series says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Births {
    /// The series was born now if its target was watched already.
    Counted,
    /// Reading begins here: the series may be old, and its first value is a baseline.
    Baseline,
}

impl Origin {
    /// Whether samples older than the last of their series belong into the log all the same: what another store
    /// learns of late is an event of its own time, and only the log needs to know it.
    pub const fn may_be_late(self) -> bool {
        match self {
            Self::Remote { .. } | Self::RemotePushed { .. } => true,
            Self::Scrape { .. } | Self::Backfill | Self::Rules | Self::Pushed => false,
        }
    }
}

/// Samples that arrived together. Times are not before those of an earlier batch of the same series, but for what comes
/// late.
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
    /// Since when counters have been counting, where their source said so: the place of an entry (samples first, then
    /// histograms) and the moment, places going up.
    pub start_times: Vec<(u32, Timestamp)>,
}

impl Batch {
    /// Numbers that arrived together, no histograms, and no start times.
    pub const fn floats(origin: Origin, at: Timestamp, samples: Vec<(SeriesId, Sample)>) -> Self {
        Self { origin, at, samples, histograms: Vec::new(), start_times: Vec::new() }
    }

    /// How many entries there are: samples and histograms.
    pub fn len(&self) -> usize {
        self.samples.len() + self.histograms.len()
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.histograms.is_empty()
    }

    /// Series of all entries, samples first.
    pub fn series(&self) -> impl Iterator<Item = SeriesId> + '_ {
        let histograms = self.histograms.iter().map(|(id, _)| *id);
        self.samples.iter().map(|(id, _)| *id).chain(histograms)
    }

    /// Moments of all entries, samples first.
    pub fn times(&self) -> impl Iterator<Item = Timestamp> + '_ {
        let histograms = self.histograms.iter().map(|(_, sample)| sample.at);
        self.samples.iter().map(|(_, sample)| sample.at).chain(histograms)
    }

    /// The batch without some of its entries; `is_kept` is asked for each place, in order.
    pub fn retain(&self, mut is_kept: impl FnMut(usize) -> bool) -> Self {
        let kept: Vec<bool> = (0..self.len()).map(&mut is_kept).collect();
        let (samples, histograms) = kept.split_at(self.samples.len());
        fn pick<T: Clone>(entries: &[T], kept: &[bool]) -> Vec<T> {
            entries.iter().zip(kept).filter(|(_, kept)| **kept).map(|(entry, _)| entry.clone()).collect()
        }
        let mut places = kept.iter().scan(0u32, |next, kept| {
            let place = *next;
            *next += u32::from(*kept);
            Some(kept.then_some(place))
        });
        let mut asked = 0;
        let start_times = self.start_times.iter().filter_map(|(index, since)| {
            let place = places.nth((*index as usize).checked_sub(asked)?)?;
            asked = *index as usize + 1;
            place.map(|place| (place, *since))
        });
        Self {
            origin: self.origin,
            at: self.at,
            samples: pick(&self.samples, samples),
            histograms: pick(&self.histograms, histograms),
            start_times: start_times.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Histogram, Schema};

    #[test]
    fn start_times_stay_with_their_entries_when_others_go() {
        let at = Timestamp(10);
        let sample = |id| (SeriesId(id), Sample::new(at, 0.0));
        let mut batch = Batch::floats(Origin::Rules, at, vec![sample(0), sample(1), sample(2)]);
        let histogram = Arc::new(Histogram::empty(Schema::CUSTOM));
        batch.histograms.push((SeriesId(3), HistogramSample::new(at, histogram)));
        batch.start_times = vec![(0, Timestamp(1)), (2, Timestamp(2)), (3, Timestamp(3))];
        let check = |gone: &[usize], starts: &[(u32, i64)]| {
            let kept = batch.retain(|index| !gone.contains(&index));
            let found: Vec<_> = kept.start_times.iter().map(|(place, since)| (*place, since.0)).collect();
            assert_eq!((kept.len(), found.as_slice()), (4 - gone.len(), starts), "without {gone:?}");
        };
        check(&[], &[(0, 1), (2, 2), (3, 3)]);
        check(&[0], &[(1, 2), (2, 3)]);
        check(&[1, 2], &[(0, 1), (1, 3)]);
        check(&[3], &[(0, 1), (2, 2)]);
        check(&[0, 1, 2, 3], &[]);
    }
}
