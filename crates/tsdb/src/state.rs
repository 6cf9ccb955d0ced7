//! What a store holds in memory, and the locks around it: series, heads, segments, counts. Opening fills it, appending
//! and sealing change it, snapshots read it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bellwether_model::{
    Batch, Bucket, Histogram, Labels, LogPosition, SeriesId, TimeDelta, TimeRange, Timestamp,
};
use roaring::RoaringBitmap;

use crate::disk::{Disk, LockGuard};
use crate::entry::{Entry, EntryValue};
use crate::error::{DiskError, Refusal};
use crate::forget::Leaving;
use crate::head::SeriesHead;
use crate::heads::Heads;
use crate::histogram_layout::BUCKETS_MAX;
use crate::index::Index;
use crate::limits::{Admission, Census, SeriesLimits};
use crate::lineage::Sealed;
use crate::log::Log;
use crate::missing::Missing;
use crate::pins::Pins;
use crate::present::KnownClock;
use crate::reserve::Reserve;
use crate::segment::Segment;
use crate::series_table::SeriesTable;
use crate::taking::Counts;

/// What can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// A log file longer than this is followed by a new one.
    pub log_file_bytes_max: u64,
    /// With more than this appended and not synced, `append` syncs before it takes more.
    pub log_buffer_bytes_max: usize,
    /// How many series there may be; [`crate::Store::set_limits`] changes it.
    pub limits: SeriesLimits,
    /// Entries are taken that are older than the last of their series by no more than this; 0 takes none.
    pub out_of_order_window: TimeDelta,
    /// Room that is kept on the disk and given back when it is full, so that others can still write a little; while it
    /// is missing, nothing is appended. 0 is none.
    pub reserve_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            log_file_bytes_max: 16 << 20,
            log_buffer_bytes_max: 32 << 20,
            limits: SeriesLimits::default(),
            out_of_order_window: TimeDelta::ZERO,
            reserve_bytes: 0,
        }
    }
}

/// What was done with a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Position after the batch in the log; durable once a [`crate::Store::sync`] that began later has returned.
    pub position: LogPosition,
    /// Samples taken, late ones included.
    pub taken: usize,
    /// Samples that were there already, with the same moment and the same bits.
    pub known: usize,
    /// Samples that came too late for the store, so that only the log has them: see [`bellwether_model::Origin::may_be_late`].
    pub late: usize,
    /// Samples not taken, in the batch's order; the log does not have them either.
    pub refused: Vec<Refused>,
}

/// A sample that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its place in the batch: samples first, then histograms.
    pub index: usize,
    /// Why.
    pub reason: Refusal,
}

/// What the store, its snapshots and its maintenance have in common.
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) log: Log,
    pub(crate) state: RwLock<State>,
    pub(crate) maintenance: Mutex<Maintenance>,
    /// Held while compacting, so that there is one at a time; locked before everything else. Numbers of segments that
    /// do not read and are left as they are.
    pub(crate) compaction: Mutex<BTreeSet<u64>>,
    /// Locked last of all.
    pub(crate) pins: Mutex<Pins>,
    pub(crate) log_buffer_bytes_max: usize,
    pub(crate) reserve: Reserve,
    pub(crate) _lock: Box<dyn LockGuard>,
}

/// What readers see. Locked after the log, never before it, where both are.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) index: Index,
    /// By series number; as long as the index.
    pub(crate) heads: Heads,
    /// By rank, so that of two entries of one moment the one that was stored first comes first.
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) floor: Timestamp,
    /// How much of the log is in segments; only looked at while the log is read again.
    pub(crate) sealed: Vec<Sealed>,
    pub(crate) out_of_order_window: TimeDelta,
    pub(crate) clock: KnownClock,
    pub(crate) counts: Counts,
    pub(crate) admission: Admission,
    /// Series that had been refused before they were made.
    pub(crate) refused_before: RoaringBitmap,
    pub(crate) leaving: Leaving,
    /// How often some were forgotten.
    pub(crate) forgettings: u64,
    /// Files that were set aside.
    pub(crate) missing: Vec<Missing>,
}

/// Held while sealing or dropping, so that there is one at a time.
pub(crate) struct Maintenance {
    pub(crate) table: SeriesTable,
    pub(crate) segment_number_next: u64,
    pub(crate) released: LogPosition,
    /// Series forgotten since the file of series was written anew.
    pub(crate) forgotten: u64,
}

impl Maintenance {
    /// A number that no segment has had.
    pub(crate) fn next_segment_number(&mut self) -> u64 {
        self.segment_number_next += 1;
        self.segment_number_next - 1
    }
}

impl Shared {
    /// Makes everything durable that was appended before; a full disk gives the reserve back.
    pub(crate) fn sync(&self) -> Result<LogPosition, DiskError> {
        self.log.sync().inspect_err(|error| self.reserve.spend_on(error))
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn pins(&self) -> MutexGuard<'_, Pins> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn maintain(&self) -> MutexGuard<'_, Maintenance> {
        self.maintenance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes in a series under its number.
    pub(crate) fn insert(&mut self, id: SeriesId, labels: Labels) {
        self.index.insert(id, labels);
        self.heads.grow(self.index.len());
    }

    /// The head of a series, which is made if there is none yet: while a store opens, its index is built beside.
    pub(crate) fn head(&mut self, id: SeriesId) -> &mut SeriesHead {
        let place = id.0 as usize;
        if self.heads.len() <= place {
            self.heads.grow(place + 1);
        }
        &mut self.heads[place]
    }

    /// Raises the floor: nothing older stays in the head, and nothing older is taken.
    pub(crate) fn raise_floor(&mut self, floor: Timestamp) {
        if floor > self.floor {
            self.floor = floor;
            self.heads.iter_mut().for_each(|head| head.cut_before(floor));
        }
    }

    /// Puts a segment in its place among the others.
    pub(crate) fn add_segment(&mut self, segment: Segment) {
        let place = self.segments.partition_point(|other| other.lineage.rank <= segment.lineage.rank);
        self.segments.insert(place, Arc::new(segment));
    }

    /// Segments from this number on are not there yet.
    pub(crate) fn segments_end(&self) -> u64 {
        self.segments.iter().map(|segment| segment.number + 1).max().unwrap_or(0)
    }

    /// Takes in a new series; whether it was refused before.
    pub(crate) fn make(&mut self, id: SeriesId, labels: &Labels) -> bool {
        let was_refused = self.admission.was_refused(labels);
        if was_refused {
            self.refused_before.insert(id.0);
        }
        self.admission.made(labels);
        self.insert(id, labels.clone());
        was_refused
    }

    /// Sets how many series there may be.
    pub(crate) fn set_limits(&mut self, limits: SeriesLimits) {
        self.admission.limits = limits;
        if self.admission.needs_census() {
            let mut census = Census::default();
            self.census(0..self.index.len() as u32, &mut census);
            self.admission.settle(census);
        }
    }

    /// Counts the series in use: those below a number that have samples in the head.
    pub(crate) fn census(&self, ids: std::ops::Range<u32>, census: &mut Census) {
        for id in ids {
            let is_in_use = self.heads.get(id as usize).is_some_and(|head| !head.is_empty());
            if let Some(labels) = self.index.labels(SeriesId(id)).filter(|_| is_in_use) {
                census.count(labels);
            }
        }
    }

    /// Segments that may hold something of some series in a stretch of time.
    pub(crate) fn segments_of(&self, ids: &RoaringBitmap, range: TimeRange) -> Vec<Arc<Segment>> {
        let may_have = |s: &&Arc<Segment>| s.range.overlaps(&range) && !s.series.is_disjoint(ids);
        self.segments.iter().filter(may_have).cloned().collect()
    }
}

/// All entries of a batch with their places: samples first, then histograms.
pub(crate) fn for_each_entry(batch: &Batch, visit: &mut dyn FnMut(usize, SeriesId, Entry<'_>)) {
    let mut starts = batch.start_times.iter().peekable();
    let mut since = |index: usize| starts.next_if(|(place, _)| *place as usize == index).map(|(_, at)| *at);
    for (index, (id, sample)) in batch.samples.iter().enumerate() {
        let value = EntryValue::Float(sample.value);
        visit(index, *id, Entry { at: sample.at, value, since: since(index) });
    }
    for (index, (id, sample)) in (batch.samples.len()..).zip(&batch.histograms) {
        let value = EntryValue::Histogram(&sample.histogram);
        visit(index, *id, Entry { at: sample.at, value, since: since(index) });
    }
}

/// Negative counts and counts that are no number may be stored: a query may yield them, and a rule record them.
pub(crate) fn is_storable(histogram: &Histogram) -> bool {
    let (positive, negative) = (&histogram.positive, &histogram.negative);
    let in_order = |buckets: &[Bucket]| buckets.windows(2).all(|pair| pair[0].index < pair[1].index);
    let none_empty = |buckets: &[Bucket]| buckets.iter().all(|bucket| bucket.count != 0.0);
    positive.len().max(negative.len()).max(histogram.custom_bounds.len()) <= BUCKETS_MAX
        && [positive, negative].into_iter().all(|buckets| in_order(buckets) && none_empty(buckets))
}
