//! The store itself: what is appended goes to the log's buffer and the head at once, is durable after a sync, moves
//! into segments when sealed, and is dropped when it is older than retention.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bellwether_model::{Batch, Labels, LogPosition, Sample, SeriesId, TimeRange, Timestamp};
use roaring::RoaringBitmap;

use crate::disk::{Disk, LockGuard};
use crate::error::{AppendError, DiskError, OpenError, Refusal};
use crate::head::{SeriesHead, Verdict};
use crate::index::Index;
use crate::log::Log;
use crate::log_record;
use crate::recovery::{self, Recovery};
use crate::segment::Segment;
use crate::series_table::SeriesTable;
use crate::snapshot::Snapshot;

/// Bytes of a label set that are accepted at most.
pub const LABELS_BYTES_MAX: usize = 1 << 20;

/// What can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// A log file longer than this is followed by a new one.
    pub log_file_bytes_max: u64,
    /// With more than this appended and not synced, `append` syncs before it takes more.
    pub log_buffer_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { log_file_bytes_max: 64 << 20, log_buffer_bytes_max: 32 << 20 }
    }
}

/// An embedded time-series store in one directory. All methods may be called from many threads.
pub struct Store {
    pub(crate) shared: Arc<Shared>,
}

/// What was done with a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Position after the batch in the log; durable once a [`Store::sync`] that began later has returned.
    pub position: LogPosition,
    /// Samples taken.
    pub taken: usize,
    /// Samples that were there already, with the same moment and the same bits.
    pub known: usize,
    /// Samples not taken, in the batch's order; the log does not have them either.
    pub refused: Vec<Refused>,
}

/// A sample that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its place in the batch.
    pub index: usize,
    /// Why.
    pub reason: Refusal,
}

/// Counts of what the store holds and has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Series ever created.
    pub series: u64,
    /// Samples taken since opening.
    pub samples_appended: u64,
    /// Samples that were there already.
    pub samples_known: u64,
    /// Samples refused as not after the last of their series.
    pub refused_too_old: u64,
    /// Samples refused as older than retention.
    pub refused_before_retention: u64,
    /// Samples refused for want of their series.
    pub refused_unknown_series: u64,
    /// Samples in memory, not in segments.
    pub head_samples: u64,
    /// Bytes these take in memory, without labels and index.
    pub head_bytes: u64,
    /// Log files.
    pub log_files: u64,
    /// Bytes in log files.
    pub log_bytes: u64,
    /// Bytes appended and not synced.
    pub log_unsynced_bytes: u64,
    /// Segments.
    pub segments: u64,
    /// Bytes in segments.
    pub segment_bytes: u64,
    /// Samples in segments.
    pub segment_samples: u64,
    /// Times the log was synced.
    pub fsyncs: u64,
    /// The oldest time retention keeps, if it was ever enforced.
    pub floor: Option<Timestamp>,
}

pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) log: Log,
    state: RwLock<State>,
    maintenance: Mutex<Maintenance>,
    log_buffer_bytes_max: usize,
    _lock: Box<dyn LockGuard>,
}

/// What readers see. Locked after the log, never before it, where both are.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) index: Index,
    /// By series number; as long as the index.
    pub(crate) heads: Vec<SeriesHead>,
    /// In the order they were sealed, so that each series' chunks are in time order.
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) floor: Timestamp,
    pub(crate) counts: Counts,
}

#[derive(Default)]
pub(crate) struct Counts {
    taken: u64,
    known: u64,
    too_old: u64,
    before_retention: u64,
    unknown_series: u64,
}

/// Held while sealing or dropping, so that there is one at a time.
pub(crate) struct Maintenance {
    pub(crate) table: SeriesTable,
    pub(crate) segment_number_next: u64,
    pub(crate) released: LogPosition,
}

impl Store {
    /// Opens the store in a directory, creating it if it is not there, and recovers what was acknowledged.
    pub fn open(dir: &Path, options: Options, disk: Arc<dyn Disk>) -> Result<(Self, Recovery), OpenError> {
        let recovered = recovery::open(dir, &options, disk)?;
        let shared = Shared {
            disk: recovered.disk,
            dir: dir.to_owned(),
            log: recovered.log,
            state: RwLock::new(recovered.state),
            maintenance: Mutex::new(recovered.maintenance),
            log_buffer_bytes_max: options.log_buffer_bytes_max,
            _lock: recovered.lock,
        };
        Ok((Self { shared: Arc::new(shared) }, recovered.report))
    }

    /// The number of a series, which is created if it is new.
    pub fn series(&self, labels: &Labels) -> Result<SeriesId, AppendError> {
        if let Some(id) = self.find(labels) {
            return Ok(id);
        }
        let bytes = labels.heap_bytes();
        if bytes > LABELS_BYTES_MAX {
            return Err(AppendError::LabelsTooLarge { bytes, limit: LABELS_BYTES_MAX });
        }
        self.make_room()?;
        let mut log = self.shared.log.lock();
        let mut state = self.shared.write();
        if let Some(id) = state.index.find(labels) {
            return Ok(id);
        }
        let id = SeriesId(state.index.len().try_into().map_err(|_| AppendError::SeriesExhausted)?);
        state.insert(id, labels.clone());
        drop(state);
        log.append(|out| log_record::put_series(out, id, labels));
        Ok(id)
    }

    /// The number of a series, if it was ever created.
    pub fn find(&self, labels: &Labels) -> Option<SeriesId> {
        self.shared.read().index.find(labels)
    }

    /// The labels of a series, if that number was ever given.
    pub fn labels(&self, id: SeriesId) -> Option<Labels> {
        self.shared.read().index.labels(id).cloned()
    }

    /// Takes a batch into log buffer and head. Readers see it at once; it is durable after the next [`Store::sync`].
    pub fn append(&self, batch: &Batch) -> Result<Appended, AppendError> {
        let samples = batch.samples.len();
        if samples > log_record::BATCH_SAMPLES_MAX {
            return Err(AppendError::BatchTooLarge { samples, limit: log_record::BATCH_SAMPLES_MAX });
        }
        self.make_room()?;
        let mut log = self.shared.log.lock();
        let mut taken = std::mem::take(&mut log.taken);
        taken.clear();
        let mut appended = self.shared.write().take(batch, &mut taken);
        appended.position = log.append(|out| log_record::put_batch(out, batch.origin, batch.at, &taken));
        let latest = taken.iter().map(|(_, sample)| sample.at).max();
        log.buffer_latest = log.buffer_latest.max(latest.unwrap_or(Timestamp::MIN));
        log.taken = taken;
        Ok(appended)
    }

    /// Returns once everything appended before the call is durable; concurrent callers share one sync of the disk.
    /// After an error nothing is lost: it is still in memory and the next call writes it again, to a new file.
    pub fn sync(&self) -> Result<LogPosition, AppendError> {
        Ok(self.shared.log.sync()?)
    }

    /// Position after everything appended so far.
    pub fn position(&self) -> LogPosition {
        self.shared.log.lock().position()
    }

    /// A view for queries.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { shared: Arc::clone(&self.shared) }
    }

    /// Says that everything before a position has been applied elsewhere, durably. Log files wholly before it are
    /// removed by the next [`Store::seal`] if their samples are in segments. A position from before a failed sync
    /// still means what it meant. Until the first call after opening nothing is removed.
    pub fn release(&self, position: LogPosition) {
        let position = self.shared.log.lock().locate(position);
        let mut maintenance = self.shared.maintain();
        maintenance.released = maintenance.released.max(position);
    }

    /// Counts.
    pub fn stats(&self) -> Stats {
        let log = self.shared.log.lock();
        let state = self.shared.read();
        let floor = (state.floor > Timestamp::MIN).then_some(state.floor);
        Stats {
            series: state.index.len() as u64,
            samples_appended: state.counts.taken,
            samples_known: state.counts.known,
            refused_too_old: state.counts.too_old,
            refused_before_retention: state.counts.before_retention,
            refused_unknown_series: state.counts.unknown_series,
            head_samples: state.heads.iter().map(SeriesHead::sample_count).sum(),
            head_bytes: state
                .heads
                .iter()
                .map(|head| (head.heap_bytes() + size_of::<SeriesHead>()) as u64)
                .sum(),
            log_files: log.files.len() as u64,
            log_bytes: log.files.iter().map(|file| file.end).sum(),
            log_unsynced_bytes: log.unsynced_bytes(),
            segments: state.segments.len() as u64,
            segment_bytes: state.segments.iter().map(|segment| segment.bytes).sum(),
            segment_samples: state.segments.iter().map(|segment| segment.sample_count).sum(),
            fsyncs: log.fsyncs,
            floor,
        }
    }

    /// Syncs first when too much waits: the buffer is bounded, and on a full disk this is where one learns of it.
    fn make_room(&self) -> Result<(), DiskError> {
        let is_full = self.shared.log.lock().buffer.len() > self.shared.log_buffer_bytes_max;
        if is_full { self.shared.log.sync().map(|_| ()) } else { Ok(()) }
    }
}

impl Shared {
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn maintain(&self) -> MutexGuard<'_, Maintenance> {
        self.maintenance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes in a series under its number.
    pub(crate) fn insert(&mut self, id: SeriesId, labels: Labels) {
        self.index.insert(id, labels);
        self.heads.resize_with(self.index.len(), SeriesHead::default);
    }

    /// Takes all numbers up to one, so that none of them is given to another series.
    pub(crate) fn reserve(&mut self, id: SeriesId) {
        self.index.reserve(id.0 as usize + 1);
        self.heads.resize_with(self.index.len(), SeriesHead::default);
    }

    /// Puts a batch's samples into the head; `taken` collects those that were new.
    pub(crate) fn take(&mut self, batch: &Batch, taken: &mut Vec<(SeriesId, Sample)>) -> Appended {
        let mut appended = Appended::default();
        for (index, (id, sample)) in batch.samples.iter().enumerate() {
            match self.take_sample(*id, *sample) {
                Ok(true) => taken.push((*id, *sample)),
                Ok(false) => appended.known += 1,
                Err(reason) => appended.refused.push(Refused { index, reason }),
            }
        }
        appended.taken = taken.len();
        self.counts.taken += taken.len() as u64;
        self.counts.known += appended.known as u64;
        for refused in &appended.refused {
            *self.counts.of(refused.reason) += 1;
        }
        appended
    }

    /// Whether the sample was new.
    pub(crate) fn take_sample(&mut self, id: SeriesId, sample: Sample) -> Result<bool, Refusal> {
        let head = self.heads.get_mut(id.0 as usize).ok_or(Refusal::UnknownSeries { series: id })?;
        if sample.at < self.floor {
            return Err(Refusal::BeforeRetention { floor: self.floor });
        }
        match head.judge(sample) {
            Verdict::Taken => {
                head.push(id, sample);
                Ok(true)
            }
            Verdict::Known => Ok(false),
            Verdict::TooOld(last) => Err(Refusal::TooOld { last }),
        }
    }

    /// Raises the floor: nothing older stays in the head, and nothing older is taken.
    pub(crate) fn raise_floor(&mut self, floor: Timestamp) {
        if floor > self.floor {
            self.floor = floor;
            self.heads.iter_mut().for_each(|head| head.cut_before(floor));
        }
    }

    /// Segments that may hold something of some series in a stretch of time.
    pub(crate) fn segments_of(&self, ids: &RoaringBitmap, range: TimeRange) -> Vec<Arc<Segment>> {
        let may_have = |s: &&Arc<Segment>| s.range.overlaps(&range) && !s.series.is_disjoint(ids);
        self.segments.iter().filter(may_have).cloned().collect()
    }
}

impl Counts {
    fn of(&mut self, reason: Refusal) -> &mut u64 {
        match reason {
            Refusal::TooOld { .. } => &mut self.too_old,
            Refusal::BeforeRetention { .. } => &mut self.before_retention,
            Refusal::UnknownSeries { .. } => &mut self.unknown_series,
        }
    }
}
