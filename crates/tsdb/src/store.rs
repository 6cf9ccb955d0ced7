//! The store itself: what is appended goes to the log's buffer and the head at once, is durable after a sync, moves
//! into segments when sealed, and is dropped when it is older than retention.

use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use bellwether_model::{Batch, Labels, LogPosition, SeriesId, TimeDelta, TimeRange, Timestamp};

use crate::disk::Disk;
use crate::error::{AppendError, DiskError, OpenError};
use crate::head::SeriesHead;
use crate::limits::{RefusedSeries, SeriesLimits};
use crate::log_record;
use crate::recovery::{self, Recovery};
use crate::reserve::Reserve;
use crate::sealed_values::SealedValues;
use crate::snapshot::Snapshot;
use crate::state::{Appended, Options, Shared};

/// Bytes of a label set that are accepted at most.
pub const LABELS_BYTES_MAX: usize = 1 << 20;

/// An embedded time-series store in one directory. All methods may be called from many threads.
pub struct Store {
    pub(crate) shared: Arc<Shared>,
}

/// Counts of what the store holds and has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Series ever created.
    pub series: u64,
    /// Series that have a name: those that were not forgotten.
    pub series_named: u64,
    /// Series in use, which is what limits count: with samples in memory, or made lately.
    pub series_in_use: u64,
    /// How often a new series was refused for a limit.
    pub refused_series: u64,
    /// Samples taken since opening.
    pub samples_appended: u64,
    /// Samples that were there already.
    pub samples_known: u64,
    /// Samples of these that came after newer ones of their series.
    pub samples_late: u64,
    /// Samples refused as not after the last of their series, while nothing late is taken.
    pub refused_out_of_order: u64,
    /// Samples refused as later than the window for late samples allows.
    pub refused_too_old: u64,
    /// Samples refused because their series has another value for their moment.
    pub refused_duplicate: u64,
    /// Samples refused as older than retention.
    pub refused_before_retention: u64,
    /// Samples refused for want of their series.
    pub refused_unknown_series: u64,
    /// Histograms refused for what they are.
    pub refused_malformed: u64,
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

impl Store {
    /// Opens the store in a directory, creating it if it is not there, and recovers what was acknowledged.
    pub fn open(dir: &Path, options: Options, disk: Arc<dyn Disk>) -> Result<(Self, Recovery), OpenError> {
        let recovered = recovery::open(dir, &options, disk)?;
        let reserve = Reserve::open(Arc::clone(&recovered.disk), dir, options.reserve_bytes)?;
        let shared = Shared {
            reserve,
            disk: recovered.disk,
            dir: dir.to_owned(),
            log: recovered.log,
            state: RwLock::new(recovered.state),
            maintenance: Mutex::new(recovered.maintenance),
            compaction: Mutex::default(),
            pins: Mutex::default(),
            log_buffer_bytes_max: options.log_buffer_bytes_max,
            _lock: recovered.lock,
        };
        Ok((Self { shared: Arc::new(shared) }, recovered.report))
    }

    /// The number of a series, which is created if it is new and the limits allow one more.
    pub fn series(&self, labels: &Labels) -> Result<SeriesId, AppendError> {
        self.series_within(labels, true)
    }

    /// The number of a series that this program makes itself and of which there are only as many as are configured,
    /// such as `up` of a target: no limit refuses it, though it counts.
    pub fn own_series(&self, labels: &Labels) -> Result<SeriesId, AppendError> {
        self.series_within(labels, false)
    }

    fn series_within(&self, labels: &Labels, is_limited: bool) -> Result<SeriesId, AppendError> {
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
        if let Err(reached) = state.admission.admit(labels)
            && is_limited
        {
            let told = state.admission.refuse(&reached, labels.fingerprint());
            drop(state);
            if let Some(fingerprints) = told {
                log.append(|out| log_record::put_refused(out, &fingerprints));
            }
            return Err(AppendError::SeriesLimit(reached));
        }
        let id = SeriesId(state.index.len().try_into().map_err(|_| AppendError::SeriesExhausted)?);
        let was_refused = state.make(id, labels);
        drop(state);
        log.append(|out| log_record::put_series(out, id, labels, was_refused));
        Ok(id)
    }

    /// Sets how many series there may be, from now on.
    pub fn set_limits(&self, limits: SeriesLimits) {
        self.shared.write().set_limits(limits);
    }

    /// Series that were refused for a limit since the store was opened, by job and limit.
    pub fn refused_series(&self) -> Vec<RefusedSeries> {
        self.shared.read().admission.counts()
    }

    /// Whether a series had been refused before it was made, so that its first sample is not its first value.
    pub fn was_refused(&self, id: SeriesId) -> bool {
        self.shared.read().refused_before.contains(id.0)
    }

    /// The number of a series, if it was ever created.
    pub fn find(&self, labels: &Labels) -> Option<SeriesId> {
        let state = self.shared.read();
        let found = state.index.find(labels)?;
        if state.leaving.ids.contains(found.0) {
            // Whoever asks may be about to append.
            drop(state);
            let mut state = self.shared.write();
            state.leaving.ids.remove(found.0);
            return state.index.find(labels);
        }
        Some(found)
    }

    /// The labels of a series, if that number was ever given.
    pub fn labels(&self, id: SeriesId) -> Option<Labels> {
        self.shared.read().index.labels(id).cloned()
    }

    /// Takes a batch into log buffer and head. Readers see it at once; it is durable after the next [`Store::sync`].
    pub fn append(&self, batch: &Batch) -> Result<Appended, AppendError> {
        let samples = log_record::weight(batch);
        if samples > log_record::BATCH_SAMPLES_MAX {
            return Err(AppendError::BatchTooLarge { samples, limit: log_record::BATCH_SAMPLES_MAX });
        }
        self.make_room()?;
        let mut log = self.shared.log.lock();
        let mut state = self.shared.write();
        // Mostly nothing is late, and nothing is read for it.
        let mut sealed = SealedValues::default();
        while !sealed.is_of(&state, batch) {
            drop(state);
            sealed = SealedValues::of(&self.shared, batch);
            state = self.shared.write();
        }
        let mut taken = std::mem::take(&mut log.taken);
        let mut appended = state.take(batch, &sealed, &mut taken);
        let segments_end = if taken.late.is_empty() { 0 } else { state.segments_end() };
        self.shared.pins().arrived(&taken.batch, &taken.late, segments_end);
        drop(state);
        appended.position = log.append(|out| log_record::put_batch(out, &taken.batch, &taken.late));
        let latest = taken.batch.times().max();
        log.buffer_latest = log.buffer_latest.max(latest.unwrap_or(Timestamp::MIN));
        log.unsealed.add(taken.batch.times());
        log.taken = taken;
        Ok(appended)
    }

    /// Says how much older than the last of its series an entry may be and still be taken; 0 takes none.
    pub fn set_out_of_order_window(&self, window: TimeDelta) {
        self.shared.write().out_of_order_window = window;
    }

    /// Returns once everything appended before the call is durable; concurrent callers share one sync of the disk.
    /// After an error nothing is lost: it is still in memory and the next call writes it again, to a new file.
    pub fn sync(&self) -> Result<LogPosition, AppendError> {
        Ok(self.shared.sync()?)
    }

    /// Whether samples are taken: they are not once the disk was full, until [`Store::restore_reserve`] succeeds.
    pub fn is_accepting(&self) -> bool {
        self.shared.reserve.is_kept()
    }

    /// Looks whether a disk that was full has room again: then samples are taken from now on. Gives whether that is new.
    pub fn restore_reserve(&self) -> Result<bool, DiskError> {
        self.shared.reserve.restore()
    }

    /// Position after everything appended so far.
    pub fn position(&self) -> LogPosition {
        self.shared.log.lock().position()
    }

    /// The stretch of time of what is in memory and in no segment yet; nothing when there is no such sample.
    pub fn unsealed(&self) -> Option<TimeRange> {
        self.shared.log.lock().unsealed.0
    }

    /// Bytes appended since opening: how fast the log grows.
    pub fn appended_bytes(&self) -> u64 {
        self.shared.log.lock().appended_bytes()
    }

    /// A view for queries: it shows what has been appended by now, and nothing of what comes later. Take one per
    /// query, and let it go afterwards.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.shared)
    }

    /// Says that everything before a position has been applied elsewhere, durably. Log files wholly before it are
    /// removed by the next [`Store::seal`] if their samples are in segments. A position from before a failed sync
    /// still means what it meant. Until the first call after opening nothing is removed.
    pub fn release(&self, position: LogPosition) {
        let position = self.shared.log.lock().locate(position);
        let mut maintenance = self.shared.maintain();
        maintenance.released = maintenance.released.max(position);
    }

    /// The time of the newest sample, wherever it is.
    pub fn newest(&self) -> Option<Timestamp> {
        let sealed = self.shared.read().segments.iter().map(|segment| segment.range.end).max();
        sealed.max(self.unsealed().map(|range| range.end))
    }

    /// Counts.
    pub fn stats(&self) -> Stats {
        let log = self.shared.log.lock();
        let state = self.shared.read();
        let floor = (state.floor > Timestamp::MIN).then_some(state.floor);
        Stats {
            series: state.index.len() as u64,
            series_named: state.index.named(),
            series_in_use: state.admission.total,
            refused_series: state.admission.refusals,
            samples_appended: state.counts.taken,
            samples_known: state.counts.known,
            samples_late: state.counts.late,
            refused_out_of_order: state.counts.out_of_order,
            refused_too_old: state.counts.too_old,
            refused_duplicate: state.counts.duplicate,
            refused_before_retention: state.counts.before_retention,
            refused_unknown_series: state.counts.unknown_series,
            refused_malformed: state.counts.malformed,
            head_samples: state.heads.iter().map(SeriesHead::sample_count).sum(),
            head_bytes: (state.heads.iter().map(SeriesHead::heap_bytes).sum::<usize>()
                + state.heads.page_bytes()) as u64,
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
        self.shared.reserve.check()?;
        let is_full = self.shared.log.lock().buffer.len() > self.shared.log_buffer_bytes_max;
        if is_full { self.shared.sync().map(|_| ()) } else { Ok(()) }
    }
}
