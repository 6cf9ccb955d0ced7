//! Reading log files back: at opening, to fill the head, and for whoever folds over the log.
//!
//! The last file may end in a torn record, which was never acknowledged: reading stops there. In an older file the
//! header of its successor says where it ends, and in the last one a mark says up to where it was synced: anything
//! unreadable before that is damage. It is skipped record by record where the lengths still make sense, otherwise up
//! to the next mark, and reported.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bellwether_model::{Batch, LogPosition, Origin, Timestamp};

use crate::disk::{Disk, read_all};
use crate::error::{DiskError, OpenError};
use crate::log::{HeaderProblem, LOG_HEADER_BYTES, LOG_VERSION, LogFile, LogHeader, log_number, log_path};
use crate::log_record::{self, FRAME_BYTES, Record};

/// What a walk over a file comes across.
pub(crate) enum Step<'a> {
    /// A record; a batch's samples are in the buffer.
    Record(Record<'a>, &'a Batch),
    /// Bytes that cannot be read.
    Damaged(u64),
}

/// A batch to decode into.
pub(crate) fn empty_batch() -> Batch {
    Batch::floats(Origin::Rules, Timestamp(0), Vec::new())
}

/// The part of a log file that is to be read.
#[derive(Clone, Copy)]
pub(crate) struct Readable {
    /// The file's number.
    pub(crate) number: u64,
    /// Where to begin.
    pub(crate) start: u64,
    /// Where the file is known to end, if it is.
    pub(crate) end: Option<u64>,
}

/// Walks over the records. Gives the offset after the last readable record, or the known end. `visit` also learns the
/// offset after each step.
pub(crate) fn walk<E>(
    bytes: &[u8],
    readable: Readable,
    batch: &mut Batch,
    visit: &mut dyn FnMut(Step<'_>, u64) -> Result<(), E>,
) -> Result<u64, E> {
    let limit = readable.end.map_or(bytes.len(), |end| end.min(bytes.len() as u64) as usize);
    let mut at = readable.start.min(limit as u64) as usize;
    // Up to here everything was synced once, so that what cannot be read is damage.
    let mut synced = readable.end.map(|_| limit);
    while at < limit {
        let rest = &bytes[at..limit];
        let record = log_record::unframe(rest).and_then(|p| Some((p.len(), log_record::read(p, batch)?)));
        if let Some((length, record)) = record {
            at += FRAME_BYTES + length;
            visit(Step::Record(record, batch), at as u64)?;
            continue;
        }
        if at >= *synced.get_or_insert_with(|| synced_until(rest, at, readable.number)) {
            return Ok(at as u64);
        }
        let skipped = skip(rest, batch);
        at += skipped;
        visit(Step::Damaged(skipped as u64), at as u64)?;
    }
    if let Some(end) = readable.end
        && end > at as u64
    {
        visit(Step::Damaged(end - at as u64), end)?;
        return Ok(end);
    }
    Ok(at as u64)
}

/// Up to which offset marks say that the file was durable; 0 if there is none. Marks that were written for a file
/// given up since speak of that one.
fn synced_until(rest: &[u8], at: usize, number: u64) -> usize {
    let (mut synced, mut from) = (0, 0);
    while let Some((place, position)) = log_record::find_mark(&rest[from..]) {
        let offset = usize::try_from(position.offset).unwrap_or(usize::MAX);
        if position.file == number && offset <= at + from + place {
            synced = synced.max(offset);
        }
        from += place + 1;
    }
    synced
}

/// How many bytes to leave out: one record if its length leads to a good one or to the end, or else all up to the
/// next mark.
fn skip(rest: &[u8], batch: &mut Batch) -> usize {
    let length = rest.first_chunk::<4>().map_or(0, |length| u32::from_le_bytes(*length) as usize);
    let next = length.saturating_add(FRAME_BYTES);
    match rest.get(next..) {
        Some([]) => next,
        Some(after) if log_record::unframe(after).is_some_and(|p| log_record::read(p, batch).is_some()) => {
            next
        }
        _ => log_record::find_mark(&rest[1..]).map_or(rest.len(), |(place, _)| place + 1),
    }
}

/// The log files of a directory.
#[derive(Default)]
pub(crate) struct FoundLog {
    /// Files that count, oldest first, each with its bytes still to be read and its known end.
    pub(crate) files: Vec<FoundFile>,
    /// Files that an aborted sync left behind; they do not count.
    pub(crate) void: Vec<PathBuf>,
    /// Files whose header is damaged though what they hold was acknowledged.
    pub(crate) damaged: Vec<PathBuf>,
    pub(crate) number_last: u64,
}

pub(crate) struct FoundFile {
    pub(crate) path: PathBuf,
    pub(crate) header: LogHeader,
    /// Where it ends according to its successor.
    pub(crate) end: Option<u64>,
}

impl FoundFile {
    pub(crate) fn settled(&self, end: u64, latest: Timestamp, is_sealed: bool) -> LogFile {
        LogFile { number: self.header.number, end, latest, previous_end: self.header.previous_end, is_sealed }
    }
}

/// Looks at all log files and decides which count, from the newest back.
pub(crate) fn find(disk: &dyn Disk, dir: &Path, names: &[String]) -> Result<FoundLog, OpenError> {
    let mut found = FoundLog::default();
    let mut headers = BTreeMap::new();
    let numbers: BTreeMap<u64, PathBuf> =
        names.iter().filter_map(|name| log_number(name)).map(|n| (n, log_path(dir, n))).collect();
    found.number_last = numbers.last_key_value().map_or(0, |(number, _)| *number);
    for (number, path) in numbers {
        match read_header(disk, &path)? {
            Ok(header) if header.number == number => {
                headers.insert(number, (path, header));
            }
            // A new file's header is synced together with its first records: nothing in it was acknowledged.
            // If anything was, a mark behind it says so.
            Ok(_) | Err(HeaderProblem::Damaged)
                if number == found.number_last && synced_until(&read_file(disk, &path)?, 0, number) == 0 =>
            {
                found.void.push(path);
            }
            Ok(_) | Err(HeaderProblem::Damaged) => found.damaged.push(path),
            Err(HeaderProblem::Version(version)) => {
                return Err(OpenError::Version { path, found: version, known: LOG_VERSION });
            }
        }
    }
    let mut successor: Option<LogPosition> = None;
    while let Some((number, (path, header))) = headers.pop_last() {
        match successor {
            Some(cut) if number > cut.file && (cut.file == 0 || headers.contains_key(&cut.file)) => {
                found.void.push(path);
            }
            Some(_) | None => {
                let end = successor.filter(|cut| cut.file == number).map(|cut| cut.offset);
                successor = Some(header.previous_end);
                found.files.push(FoundFile { path, header, end });
            }
        }
    }
    found.files.reverse();
    Ok(found)
}

fn read_header(disk: &dyn Disk, path: &Path) -> Result<Result<LogHeader, HeaderProblem>, DiskError> {
    let file = disk.open(path).map_err(DiskError::at("open", path))?;
    let mut bytes = [0; LOG_HEADER_BYTES as usize];
    if file.len().map_err(DiskError::at("read", path))? < LOG_HEADER_BYTES {
        return Ok(Err(HeaderProblem::Damaged));
    }
    file.read_exact_at(&mut bytes, 0).map_err(DiskError::at("read", path))?;
    Ok(LogHeader::read(&bytes))
}

pub(crate) fn read_file(disk: &dyn Disk, path: &Path) -> Result<Vec<u8>, DiskError> {
    read_all(disk, path).map_err(DiskError::at("read", path))
}
