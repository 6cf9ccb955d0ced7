//! Reading log files back: at opening, to fill the head, and for whoever folds over the log.
//!
//! The last file may end in a torn record, which was never acknowledged: reading stops there. In an older file the
//! header of its successor says where it ends, so anything unreadable before that is damage: it is skipped record by
//! record where the lengths still make sense, and reported.

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
    Record(Record, &'a Batch),
    /// Bytes that cannot be read.
    Damaged(u64),
}

/// A batch to decode into.
pub(crate) fn empty_batch() -> Batch {
    Batch { origin: Origin::Rules, at: Timestamp(0), samples: Vec::new() }
}

/// Walks over the records from an offset on; `end` is where the file is known to end, if it is. Gives the offset
/// after the last readable record, or `end`. `visit` also learns the offset after each step.
pub(crate) fn walk<E>(
    bytes: &[u8],
    from: u64,
    end: Option<u64>,
    batch: &mut Batch,
    visit: &mut dyn FnMut(Step<'_>, u64) -> Result<(), E>,
) -> Result<u64, E> {
    let limit = end.map_or(bytes.len(), |end| end.min(bytes.len() as u64) as usize);
    let mut at = from.min(limit as u64) as usize;
    while at < limit {
        let rest = &bytes[at..limit];
        let record = log_record::unframe(rest).and_then(|p| Some((p.len(), log_record::read(p, batch)?)));
        match (record, end) {
            (Some((length, record)), _) => {
                at += FRAME_BYTES + length;
                visit(Step::Record(record, batch), at as u64)?;
            }
            (None, None) => return Ok(at as u64),
            (None, Some(_)) => {
                let skipped = skip(rest, batch);
                at += skipped;
                visit(Step::Damaged(skipped as u64), at as u64)?;
            }
        }
    }
    if let Some(end) = end
        && end > at as u64
    {
        visit(Step::Damaged(end - at as u64), end)?;
        return Ok(end);
    }
    Ok(at as u64)
}

/// How many bytes to leave out: one record if its length leads to a good one or to the end, or else all.
fn skip(rest: &[u8], batch: &mut Batch) -> usize {
    let length = rest.first_chunk::<4>().map_or(0, |length| u32::from_le_bytes(*length) as usize);
    let next = length.saturating_add(FRAME_BYTES);
    match rest.get(next..) {
        Some([]) => next,
        Some(after) if log_record::unframe(after).is_some_and(|p| log_record::read(p, batch).is_some()) => {
            next
        }
        _ => rest.len(),
    }
}

/// The log files of a directory.
#[derive(Default)]
pub(crate) struct FoundLog {
    /// Files that count, oldest first, each with its bytes still to be read and its known end.
    pub(crate) files: Vec<FoundFile>,
    /// Files that an aborted sync left behind; they do not count.
    pub(crate) void: Vec<PathBuf>,
    /// Files whose header is damaged though they are not the last.
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
            Ok(_) | Err(HeaderProblem::Damaged) if number == found.number_last => found.void.push(path),
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
