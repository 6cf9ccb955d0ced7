//! Opening: takes the lock, reads what is there, sets aside what is damaged, and fills the head from the log.

mod number_bound;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_model::{Batch, LogPosition, Timestamp};

use crate::disk::{Disk, LockGuard, make_dir, read_all};
use crate::error::{DiskError, OpenError};
use crate::index_builder::IndexBuilder;
use crate::log::{LATE_SINCE, Log, LogFile};
use crate::log_read::{self, FoundFile, Readable, Step, empty_batch, read_file, walk};
use crate::log_record::{LatePlace, Record};
use crate::missing;
use crate::segment::{Segment, SegmentProblem, segment_name, segment_number};
use crate::segment_write::SEGMENT_VERSION;
use crate::series_table::{SERIES_FILE, SeriesTable};
use crate::state::{Maintenance, Options, State, for_each_entry};
use crate::taking::Logged;
use crate::unsealed::Unsealed;
use number_bound::NumberBound;

const LOCK_FILE: &str = "lock";
const DRAFT_SUFFIX: &str = ".tmp";
pub(crate) const QUARANTINED_SUFFIX: &str = ".quarantined";

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Series known.
    pub series: u64,
    /// Segments being served.
    pub segments: u64,
    /// Samples in them.
    pub segment_samples: u64,
    /// Log files read.
    pub log_files: u64,
    /// Samples taken from the log into the head.
    pub samples_replayed: u64,
    /// Samples in the log that are in segments already, or are older than retention.
    pub samples_skipped: u64,
    /// Bytes at the end of the log, or of the series file, that do not read: being written when the process ended,
    /// and never acknowledged.
    pub torn_bytes: u64,
    /// Bytes inside the log or the series file that do not pass their checksums: what they said is lost.
    pub damaged_bytes: u64,
    /// Files set aside.
    pub quarantined: Vec<Quarantined>,
}

/// A damaged file that was renamed, to be looked at by a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Its new name.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl Quarantined {
    pub(crate) fn set_aside(disk: &dyn Disk, path: &Path, reason: String) -> Result<Self, DiskError> {
        let mut name = path.as_os_str().to_owned();
        name.push(QUARANTINED_SUFFIX);
        let aside = PathBuf::from(name);
        disk.rename(path, &aside).map_err(DiskError::at("rename", path))?;
        if let Some(dir) = path.parent() {
            disk.sync_dir(dir).map_err(DiskError::at("sync", dir))?;
        }
        Ok(Self { path: aside, reason })
    }
}

/// The parts of an open store.
pub(crate) struct Recovered {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) log: Log,
    pub(crate) state: State,
    pub(crate) maintenance: Maintenance,
    pub(crate) lock: Box<dyn LockGuard>,
    pub(crate) report: Recovery,
}

pub(crate) fn open(dir: &Path, options: &Options, disk: Arc<dyn Disk>) -> Result<Recovered, OpenError> {
    make_dir(&*disk, dir).map_err(DiskError::at("create", dir))?;
    let lock_path = dir.join(LOCK_FILE);
    let lock = disk.lock(&lock_path).map_err(|error| match error.kind() {
        std::io::ErrorKind::WouldBlock => {
            OpenError::Locked { dir: dir.to_owned(), pid: holder(&*disk, &lock_path) }
        }
        _ => DiskError::at("lock", &lock_path)(error).into(),
    })?;
    let names = disk.list(dir).map_err(DiskError::at("list", dir))?;
    remove_drafts(&*disk, dir, &names)?;
    let mut opening = Opening {
        disk: &*disk,
        dir,
        bound: NumberBound::of(&*disk, dir, &names)?,
        state: State {
            floor: Timestamp::MIN,
            out_of_order_window: options.out_of_order_window,
            ..State::default()
        },
        report: Recovery::default(),
        batch: empty_batch(),
        index: IndexBuilder::start(),
        unsealed: Unsealed::default(),
    };
    let table = opening.series_table(Arc::clone(&disk), &names)?;
    let segment_number_next = opening.segments(&names)?;
    let (files, number_last) = opening.log(&names)?;
    let Opening { mut state, mut report, index, unsealed, .. } = opening;
    state.index = index.finish();
    state.heads.grow(state.index.len());
    state.admission.total = state.heads.iter().filter(|head| !head.is_empty()).count() as u64;
    state.set_limits(options.limits.clone());
    state.missing = missing::find_at_opening(&*disk, dir, &state);
    report.series = state.index.len() as u64;
    report.segments = state.segments.len() as u64;
    report.segment_samples = state.segments.iter().map(|segment| segment.sample_count).sum();
    let maintenance =
        Maintenance { table, segment_number_next, released: LogPosition::default(), forgotten: 0 };
    let log = Log::new(
        Arc::clone(&disk),
        dir.to_owned(),
        options.log_file_bytes_max,
        files,
        number_last,
        state.floor,
    );
    log.lock().unsealed = unsealed;
    Ok(Recovered { disk, log, state, maintenance, lock, report })
}

/// The process that has the lock, as it wrote into the file.
fn holder(disk: &dyn Disk, path: &Path) -> Option<u32> {
    std::str::from_utf8(&read_all(disk, path).ok()?).ok()?.trim().parse().ok()
}

/// Files that were being written beside their place; nothing refers to them.
fn remove_drafts(disk: &dyn Disk, dir: &Path, names: &[String]) -> Result<(), DiskError> {
    for name in names.iter().filter(|name| name.ends_with(DRAFT_SUFFIX)) {
        let path = dir.join(name);
        disk.remove(&path).map_err(DiskError::at("remove", &path))?;
    }
    Ok(())
}

struct Opening<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    bound: NumberBound,
    state: State,
    report: Recovery,
    batch: Batch,
    index: IndexBuilder,
    unsealed: Unsealed,
}

impl Opening<'_> {
    fn series_table(&mut self, disk: Arc<dyn Disk>, names: &[String]) -> Result<SeriesTable, OpenError> {
        let exists = names.iter().any(|name| name == SERIES_FILE);
        let (table, found) = SeriesTable::open(disk, self.dir, exists)?;
        for (id, labels) in found.series {
            self.index.insert(id, labels);
        }
        self.index.reserve(table.written as usize);
        self.report.torn_bytes += found.torn_bytes;
        self.report.damaged_bytes += found.damaged_bytes;
        Ok(table)
    }

    /// Opens all segments in order; gives the number for the next one.
    fn segments(&mut self, names: &[String]) -> Result<u64, OpenError> {
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment_number(name)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let next = numbers.last().map_or(1, |last| last + 1);
        numbers.retain(|number| names.contains(&segment_name(*number)));
        for number in numbers {
            let path = self.dir.join(segment_name(number));
            // What a segment says counts only once it is known to be served.
            let mut lasts = Vec::new();
            let opened = Segment::open(self.disk, &path, number, &mut |id, last| lasts.push((id, last)));
            let is_strange = lasts.last().is_some_and(|(id, _)| !self.bound.allows(*id));
            match opened {
                Ok(_) if is_strange => {
                    let reason = "it speaks of series that no other file can have named".to_owned();
                    self.report.quarantined.push(Quarantined::set_aside(self.disk, &path, reason)?);
                }
                Ok(segment) => {
                    for (id, last) in lasts {
                        self.index.reserve(id.0 as usize + 1);
                        self.state.head(id).sealed_until(last);
                    }
                    self.state.sealed.extend(&segment.lineage.sealed);
                    self.state.add_segment(segment);
                }
                Err(SegmentProblem::Damaged(reason)) => {
                    self.report.quarantined.push(Quarantined::set_aside(
                        self.disk,
                        &path,
                        reason.to_owned(),
                    )?);
                }
                Err(SegmentProblem::Version(found)) => {
                    return Err(OpenError::Version { path, found, known: SEGMENT_VERSION });
                }
                Err(SegmentProblem::Disk(error)) => return Err(error.into()),
            }
        }
        self.remove_replaced()?;
        Ok(next)
    }

    /// Removes segments that others took the place of, where a crash came between the two.
    fn remove_replaced(&mut self) -> Result<(), DiskError> {
        let segments = &mut self.state.segments;
        let replaced: BTreeSet<u64> = segments.iter().flat_map(|s| &s.lineage.replaces).copied().collect();
        let (left_over, kept): (Vec<_>, Vec<_>) =
            std::mem::take(segments).into_iter().partition(|segment| replaced.contains(&segment.number));
        *segments = kept;
        if left_over.is_empty() {
            return Ok(());
        }
        // The new names may not be durable yet; what they replace must not go before they are.
        self.disk.sync_dir(self.dir).map_err(DiskError::at("sync", self.dir))?;
        for segment in left_over {
            self.disk.remove(&segment.path).map_err(DiskError::at("remove", &segment.path))?;
        }
        self.disk.sync_dir(self.dir).map_err(DiskError::at("sync", self.dir))
    }

    /// Replays the log into the head; gives its files and the highest number used.
    fn log(&mut self, names: &[String]) -> Result<(Vec<LogFile>, u64), OpenError> {
        let found = log_read::find(self.disk, self.dir, names)?;
        for path in &found.damaged {
            let reason = "the header is damaged".to_owned();
            self.report.quarantined.push(Quarantined::set_aside(self.disk, path, reason)?);
        }
        for path in &found.void {
            self.disk.remove(path).map_err(DiskError::at("remove", path))?;
        }
        if let Some(last) = found.files.last() {
            // After a mere kill the end of the log may be in the system's cache only. From here on it counts as
            // durable, so it has to be.
            let mut file = self.disk.append(&last.path).map_err(DiskError::at("open", &last.path))?;
            file.sync().map_err(DiskError::at("sync", &last.path))?;
            self.disk.sync_dir(self.dir).map_err(DiskError::at("sync", self.dir))?;
        }
        let mut files = Vec::with_capacity(found.files.len());
        for file in &found.files {
            files.push(self.log_file(file)?);
        }
        self.report.log_files = files.len() as u64;
        Ok((files, found.number_last))
    }

    fn log_file(&mut self, file: &FoundFile) -> Result<LogFile, DiskError> {
        let bytes = read_file(self.disk, &file.path)?;
        self.state.raise_floor(file.header.floor);
        let (mut latest, mut is_sealed) = (Timestamp::MIN, true);
        let (state, index, report) = (&mut self.state, &mut self.index, &mut self.report);
        let unsealed = &mut self.unsealed;
        let start = crate::log::LOG_HEADER_BYTES;
        let logged = Logged { file: file.header.number, is_old: file.header.version < LATE_SINCE };
        let readable = Readable { number: file.header.number, start, end: file.end };
        let (bound, mut before) = (self.bound, start);
        let end = walk::<DiskError>(&bytes, readable, &mut self.batch, &mut |step, after| {
            let length = after - std::mem::replace(&mut before, after);
            match step {
                Step::Record(Record::Series(id, ..), _) if !bound.allows(id) => {
                    report.damaged_bytes += length
                }
                Step::Record(Record::Batch(_), batch) if !batch.series().all(|id| bound.allows(id)) => {
                    report.damaged_bytes += length;
                }
                Step::Record(Record::Series(id, labels, was_refused), _) => {
                    if was_refused {
                        state.refused_before.insert(id.0);
                    }
                    match labels.decode() {
                        Some(labels) => index.insert(id, labels),
                        // Its checksum holds, so that only a program in error can have written it.
                        None => index.reserve(id.0 as usize + 1),
                    }
                }
                Step::Record(Record::Refused(fingerprints), _) => state.admission.recall(&fingerprints),
                Step::Record(Record::Floor(floor), _) => state.raise_floor(floor),
                Step::Record(Record::Synced, _) => {}
                Step::Record(Record::Batch(late), batch) => {
                    let taken = take_again(state, index, report, Reread { batch, late: &late, logged });
                    latest = latest.max(batch.times().max().unwrap_or(latest));
                    if taken > 0 {
                        unsealed.add(batch.times());
                    }
                    is_sealed &= taken == 0;
                }
                Step::Damaged(bytes) => report.damaged_bytes += bytes,
            }
            Ok(())
        })?;
        self.report.torn_bytes += (bytes.len() as u64).saturating_sub(end) * u64::from(file.end.is_none());
        Ok(file.settled(end, latest, is_sealed))
    }
}

/// A batch as the log has it.
struct Reread<'a> {
    batch: &'a Batch,
    late: &'a [LatePlace],
    logged: Logged,
}

/// Puts a logged batch into the head again, but for what is in segments. Gives how many samples were new.
fn take_again(
    state: &mut State,
    index: &mut IndexBuilder,
    report: &mut Recovery,
    Reread { batch, late, logged }: Reread<'_>,
) -> u64 {
    let mut taken = 0;
    let mut late = late.iter().peekable();
    for_each_entry(batch, &mut |place, id, entry| {
        // Its series' record may have been lost to damage: the number must not be given to another series.
        index.reserve(id.0 as usize + 1);
        state.head(id);
        let is_left_to_log =
            late.next_if(|late| late.place as usize == place).is_some_and(|late| !late.is_taken);
        taken += u64::from(!is_left_to_log && state.take_again(id, &entry, logged));
    });
    report.samples_replayed += taken;
    report.samples_skipped += batch.len() as u64 - taken;
    taken
}
