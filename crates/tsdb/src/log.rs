//! The sample log: what is acknowledged is here, and synced. Appending fills a buffer; a sync writes the buffer for
//! everyone who waits at that moment and syncs once (group commit).
//!
//! After a failed write or sync nobody knows what of the file reached the disk, and asking again would be answered
//! with a lie (the kernel forgets what it could not write). So the file is given up: the next sync starts a new one,
//! whose header says up to where the old one counts, and writes everything unsynced again. Records keep their order
//! and distance, so a position in the abandoned stretch has an exact counterpart in the new file.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bellwether_model::{LogPosition, Timestamp};

use crate::codec::{Reader, put_i64, put_u16, put_u64};
use crate::disk::{Disk, WriteFile};
use crate::error::DiskError;
use crate::log_record;
use crate::taking::Taken;
use crate::unsealed::Unsealed;

/// Version 2 added batches with histograms or start times, 3 those of another store, 4 those that were pushed and
/// series that were refused, 5 batches with late entries.
pub(crate) const LOG_VERSION: u16 = 5;
/// Before this version every entry that was late was left to the log.
pub(crate) const LATE_SINCE: u16 = 5;
const LOG_VERSION_MIN: u16 = 1;
const LOG_MAGIC: &[u8; 4] = b"BWLG";
pub(crate) const LOG_HEADER_BYTES: u64 = 44;

/// The beginning of a log file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogHeader {
    /// That of the file, as read; a new file has the latest.
    pub(crate) version: u16,
    pub(crate) number: u64,
    /// Up to where the file before this one counts; the file of number 0 does not exist.
    pub(crate) previous_end: LogPosition,
    /// Retention as it was when the file began.
    pub(crate) floor: Timestamp,
}

/// Why a header was not accepted.
pub(crate) enum HeaderProblem {
    Damaged,
    Version(u16),
}

impl LogHeader {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(LOG_HEADER_BYTES as usize);
        out.extend_from_slice(LOG_MAGIC);
        put_u16(&mut out, self.version);
        put_u16(&mut out, 0);
        put_u64(&mut out, self.number);
        put_u64(&mut out, self.previous_end.file);
        put_u64(&mut out, self.previous_end.offset);
        put_i64(&mut out, self.floor.0);
        let crc = crc32fast::hash(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, HeaderProblem> {
        let header = bytes.get(..LOG_HEADER_BYTES as usize).ok_or(HeaderProblem::Damaged)?;
        let (body, crc) = header.split_at(header.len() - 4);
        if crc32fast::hash(body).to_le_bytes() != crc {
            return Err(HeaderProblem::Damaged);
        }
        Self::fields(&mut Reader::new(body)).ok_or(HeaderProblem::Damaged)?
    }

    fn fields(reader: &mut Reader<'_>) -> Option<Result<Self, HeaderProblem>> {
        if reader.bytes(4)? != LOG_MAGIC {
            return None;
        }
        let version = reader.u16()?;
        if !(LOG_VERSION_MIN..=LOG_VERSION).contains(&version) {
            return Some(Err(HeaderProblem::Version(version)));
        }
        reader.u16()?;
        let number = reader.u64()?;
        let previous_end = LogPosition { file: reader.u64()?, offset: reader.u64()? };
        Some(Ok(Self { version, number, previous_end, floor: Timestamp(reader.i64()?) }))
    }
}

pub(crate) fn log_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("log-{number:016x}.bwl"))
}

pub(crate) fn log_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("log-")?.strip_suffix(".bwl")?;
    (digits.len() == 16).then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

/// A log file that counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogFile {
    pub(crate) number: u64,
    /// Its end, were it to end now; the last file's grows with each sync.
    pub(crate) end: u64,
    /// Latest moment of any sample in it.
    pub(crate) latest: Timestamp,
    pub(crate) previous_end: LogPosition,
    /// Whether every sample in it is in a segment.
    pub(crate) is_sealed: bool,
}

/// The writing side of the log.
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    file_bytes_max: u64,
    state: Mutex<LogState>,
    synced: Condvar,
}

/// Invariant: `buffer` begins at `durable` (or, while a sync is in flight, where that sync's bytes end), and
/// `durable` is at the end of the last of `files`.
pub(crate) struct LogState {
    /// Files that count, oldest first; the last one is being written.
    pub(crate) files: Vec<LogFile>,
    /// Position after the last synced record.
    durable: LogPosition,
    /// Position after the last appended record.
    appended: LogPosition,
    /// Records not handed to the disk yet.
    pub(crate) buffer: Vec<u8>,
    /// Latest moment of any sample that is not synced.
    pub(crate) buffer_latest: Timestamp,
    pub(crate) unsealed: Unsealed,
    pub(crate) floor: Timestamp,
    /// Room for an append to sort out its samples in.
    pub(crate) taken: Taken,
    /// Counts up with every byte appended and every byte synced, across files.
    appended_total: u64,
    synced_total: u64,
    /// Highest number ever used, also for files that were given up.
    number_last: u64,
    writer: Option<Box<dyn WriteFile>>,
    is_rotation_due: bool,
    is_in_flight: bool,
    /// A sync succeeded since the last mark. The next record is preceded by one, so that what is unreadable before
    /// it is known to be damage and not a torn tail.
    is_mark_due: bool,
    pub(crate) fsyncs: u64,
}

impl LogState {
    /// Appends a record; gives the position after it.
    pub(crate) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> LogPosition {
        let before = self.buffer.len();
        if std::mem::take(&mut self.is_mark_due) {
            log_record::put_synced(&mut self.buffer, self.durable);
        }
        write(&mut self.buffer);
        let bytes = (self.buffer.len() - before) as u64;
        self.appended.offset += bytes;
        self.appended_total += bytes;
        self.appended
    }

    /// Bytes appended since the log was opened.
    pub(crate) fn appended_bytes(&self) -> u64 {
        self.appended_total
    }

    pub(crate) fn unsynced_bytes(&self) -> u64 {
        self.appended_total - self.synced_total
    }

    pub(crate) fn position(&self) -> LogPosition {
        self.appended
    }

    /// Where a position handed out earlier is to be found now.
    pub(crate) fn locate(&self, position: LogPosition) -> LogPosition {
        let mut at = position;
        for file in &self.files {
            let cut = file.previous_end;
            if at.file == cut.file && at.offset >= cut.offset {
                at = LogPosition { file: file.number, offset: LOG_HEADER_BYTES + (at.offset - cut.offset) };
            }
        }
        at
    }
}

impl Log {
    /// Goes on after `files`, which may be empty; a new file is begun by the first sync.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        file_bytes_max: u64,
        files: Vec<LogFile>,
        number_last: u64,
        floor: Timestamp,
    ) -> Self {
        let durable =
            files.last().map_or(LogPosition::default(), |f| LogPosition { file: f.number, offset: f.end });
        let state = LogState {
            files,
            durable,
            appended: durable,
            buffer: Vec::new(),
            buffer_latest: Timestamp::MIN,
            unsealed: Unsealed::default(),
            floor,
            taken: Taken::default(),
            appended_total: 0,
            synced_total: 0,
            number_last,
            writer: None,
            is_rotation_due: true,
            is_in_flight: false,
            is_mark_due: false,
            fsyncs: 0,
        };
        Self { disk, dir, file_bytes_max, state: Mutex::new(state), synced: Condvar::new() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, LogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns once everything appended before the call is durable.
    pub(crate) fn sync(&self) -> Result<LogPosition, DiskError> {
        let mut state = self.lock();
        let target = state.appended_total;
        loop {
            if state.synced_total >= target {
                return Ok(state.durable);
            }
            if state.is_in_flight {
                state = self.synced.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else {
                state = self.lead(state)?;
            }
        }
    }

    /// Makes what is appended durable and begins a new file. Returns the number of that file: everything
    /// appended before the call is in older ones.
    pub(crate) fn rotate(&self) -> Result<u64, DiskError> {
        self.sync()?;
        let mut state = self.lock();
        while state.is_in_flight {
            state = self.synced.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_rotation_due = true;
        while state.is_rotation_due {
            state = if state.is_in_flight {
                self.synced.wait(state).unwrap_or_else(PoisonError::into_inner)
            } else {
                self.lead(state)?
            };
        }
        Ok(state.durable.file)
    }

    /// Writes and syncs the buffer on behalf of everyone waiting.
    fn lead<'a>(
        &'a self,
        mut state: MutexGuard<'a, LogState>,
    ) -> Result<MutexGuard<'a, LogState>, DiskError> {
        state.is_in_flight = true;
        let bytes = std::mem::take(&mut state.buffer);
        let latest = std::mem::replace(&mut state.buffer_latest, Timestamp::MIN);
        let is_new_due = state.is_rotation_due || state.durable.offset >= self.file_bytes_max;
        let writer = state.writer.take().filter(|_| !is_new_due);
        let header = LogHeader {
            version: LOG_VERSION,
            number: state.number_last + 1,
            previous_end: state.durable,
            floor: state.floor,
        };
        drop(state);
        let is_new = writer.is_none();
        let written = match writer {
            Some(writer) => self.write_on(writer, header.previous_end.file, &bytes),
            None => self.write_new(header, &bytes),
        };
        let mut state = self.lock();
        state.is_in_flight = false;
        let outcome = match written {
            Ok(writer) => {
                state.settle(is_new.then_some(header), bytes.len() as u64, latest);
                state.writer = Some(writer);
                if state.buffer.capacity() == 0 {
                    let mut bytes = bytes;
                    bytes.clear();
                    state.buffer = bytes;
                }
                Ok(())
            }
            Err(error) => {
                state.give_up(is_new, bytes, latest);
                Err(error)
            }
        };
        self.synced.notify_all();
        outcome.map(|()| state)
    }

    fn write_on(
        &self,
        mut writer: Box<dyn WriteFile>,
        number: u64,
        bytes: &[u8],
    ) -> Result<Box<dyn WriteFile>, DiskError> {
        let path = log_path(&self.dir, number);
        writer.write_all(bytes).map_err(DiskError::at("write", &path))?;
        writer.sync().map_err(DiskError::at("sync", &path))?;
        Ok(writer)
    }

    fn write_new(&self, header: LogHeader, bytes: &[u8]) -> Result<Box<dyn WriteFile>, DiskError> {
        let path = log_path(&self.dir, header.number);
        let written =
            self.disk.create(&path).map_err(DiskError::at("create", &path)).and_then(|mut writer| {
                let write = |writer: &mut Box<dyn WriteFile>| -> io::Result<()> {
                    writer.write_all(&header.encode())?;
                    writer.write_all(bytes)?;
                    writer.sync()
                };
                write(&mut writer).map_err(DiskError::at("write", &path))?;
                self.disk.sync_dir(&self.dir).map_err(DiskError::at("sync", &self.dir))?;
                Ok(writer)
            });
        if written.is_err() {
            // Frees its room on a full disk. Should it stay, the next file's header says that it does not count.
            let _ = self.disk.remove(&path);
        }
        written
    }
}

impl LogState {
    /// Takes note of `bytes` that became durable, in a new file if one was begun.
    fn settle(&mut self, begun: Option<LogHeader>, bytes: u64, latest: Timestamp) {
        self.fsyncs += 1;
        self.is_mark_due = true;
        self.synced_total += bytes;
        if let Some(header) = begun {
            let cut = self.durable;
            self.number_last = header.number;
            self.is_rotation_due = false;
            self.durable = LogPosition { file: header.number, offset: LOG_HEADER_BYTES };
            let ahead = self.appended.offset - cut.offset;
            self.appended = LogPosition { file: header.number, offset: LOG_HEADER_BYTES + ahead };
            self.files.push(LogFile {
                number: header.number,
                end: LOG_HEADER_BYTES,
                latest: Timestamp::MIN,
                previous_end: cut,
                is_sealed: false,
            });
        }
        self.durable.offset += bytes;
        let durable = self.durable;
        if let Some(file) = self.files.last_mut() {
            file.end = durable.offset;
            file.latest = file.latest.max(latest);
        }
    }

    /// Puts unsynced records back in front of what was appended meanwhile, to be written into a new file.
    fn give_up(&mut self, was_new: bool, mut bytes: Vec<u8>, latest: Timestamp) {
        bytes.append(&mut self.buffer);
        self.buffer = bytes;
        self.buffer_latest = self.buffer_latest.max(latest);
        self.is_rotation_due = true;
        self.number_last += u64::from(was_new);
    }
}
