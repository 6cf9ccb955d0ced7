//! The file of all series ever created: numbers to labels. It lets log files go while their series stay known, and
//! is brought up to date before anything else refers to a series by number alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_model::{Labels, SeriesId};

use crate::codec::{Reader, put_u16, put_varint};
use crate::disk::{Disk, WriteFile, read_all};
use crate::error::{DiskError, OpenError};
use crate::log_record::{self, FRAME_BYTES};

pub(crate) const SERIES_FILE: &str = "series.bws";
const SERIES_MAGIC: &[u8; 4] = b"BWSR";
const SERIES_VERSION: u16 = 1;
const HEADER_BYTES: usize = 8;
/// No record is larger: labels of the size allowed, and room for lengths.
const RECORD_BYTES_MAX: usize = 4 << 20;

/// Least room a series takes here or in the log: a frame, its number, a byte more.
pub(crate) const SERIES_BYTES_MIN: u64 = FRAME_BYTES as u64 + 2;

/// The writing side. Invariant: the file holds every series below `written`, synced.
pub(crate) struct SeriesTable {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// `None` when the file must be written anew: it is not there, has a torn tail, or a sync failed.
    writer: Option<Box<dyn WriteFile>>,
    pub(crate) written: u32,
}

/// What was found in the file.
pub(crate) struct FoundSeries {
    pub(crate) series: Vec<(SeriesId, Labels)>,
    pub(crate) torn_bytes: u64,
    /// Bytes between records that do not read.
    pub(crate) damaged_bytes: u64,
}

impl SeriesTable {
    /// Reads the file; what is damaged between two records costs the names it held, not those behind it.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        exists: bool,
    ) -> Result<(Self, FoundSeries), OpenError> {
        let path = dir.join(SERIES_FILE);
        let bytes =
            if exists { read_all(&*disk, &path).map_err(DiskError::at("read", &path))? } else { Vec::new() };
        let mut found = FoundSeries { series: Vec::new(), torn_bytes: bytes.len() as u64, damaged_bytes: 0 };
        let mut reader = Reader::new(&bytes);
        let header = reader.bytes(4).zip(reader.u16()).zip(reader.u16());
        let is_ours = header.is_some_and(|((magic, _), _)| magic == SERIES_MAGIC);
        if let Some(((_, version), _)) = header.filter(|_| is_ours)
            && version != SERIES_VERSION
        {
            return Err(OpenError::Version { path, found: version, known: SERIES_VERSION });
        }
        let mut written = 0;
        if let Some(records) = bytes.get(HEADER_BYTES..) {
            written = read_records(records, &mut found);
            if !is_ours && written > 0 {
                found.damaged_bytes += HEADER_BYTES as u64;
            }
        }
        let is_whole = is_ours && found.torn_bytes + found.damaged_bytes == 0;
        if found.damaged_bytes > 0 {
            // It will be written anew, with names missing: a person may find them in the original.
            let name = format!("{SERIES_FILE}.quarantined");
            replace(&*disk, dir, &name, &bytes)?;
        }
        let writer =
            is_whole.then(|| disk.append(&path).map_err(DiskError::at("open", &path))).transpose()?;
        Ok((Self { disk, dir: dir.to_owned(), writer, written }, found))
    }

    /// Writes all of the file again, without what is no longer named.
    pub(crate) fn write_anew(
        &mut self,
        labels: impl Fn(u32) -> Vec<Option<Labels>>,
    ) -> Result<(), DiskError> {
        self.writer = None;
        self.write(labels)
    }

    /// Brings the file up to date. `labels` gives the label sets from a number on, in order and without gaps.
    pub(crate) fn write(&mut self, labels: impl Fn(u32) -> Vec<Option<Labels>>) -> Result<(), DiskError> {
        let path = self.dir.join(SERIES_FILE);
        match self.writer.take() {
            Some(mut writer) => {
                let fresh = labels(self.written);
                if !fresh.is_empty() {
                    let mut bytes = Vec::new();
                    put_records(&mut bytes, self.written, &fresh);
                    writer.write_all(&bytes).map_err(DiskError::at("write", &path))?;
                    writer.sync().map_err(DiskError::at("sync", &path))?;
                    self.written += fresh.len() as u32;
                }
                self.writer = Some(writer);
            }
            None => {
                let all = labels(0);
                let mut bytes = Vec::from(SERIES_MAGIC);
                put_u16(&mut bytes, SERIES_VERSION);
                put_u16(&mut bytes, 0);
                put_records(&mut bytes, 0, &all);
                replace(&*self.disk, &self.dir, SERIES_FILE, &bytes)?;
                self.writer = Some(self.disk.append(&path).map_err(DiskError::at("open", &path))?);
                self.written = all.len() as u32;
            }
        }
        Ok(())
    }
}

/// Writes a file beside its place and moves it there once it is durable.
pub(crate) fn replace(disk: &dyn Disk, dir: &Path, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
    let (path, draft) = (dir.join(name), dir.join(format!("{name}.tmp")));
    let mut writer = disk.create(&draft).map_err(DiskError::at("create", &draft))?;
    writer.write_all(bytes).map_err(DiskError::at("write", &draft))?;
    writer.sync().map_err(DiskError::at("sync", &draft))?;
    disk.rename(&draft, &path).map_err(DiskError::at("rename", &draft))?;
    disk.sync_dir(dir).map_err(DiskError::at("sync", dir))
}

/// Every number gets a record, nameless ones too, so that the file's place says the number again.
fn put_records(out: &mut Vec<u8>, first: u32, labels: &[Option<Labels>]) {
    let mut payload = Vec::new();
    for (id, labels) in (first..).zip(labels) {
        payload.clear();
        put_varint(&mut payload, u64::from(id));
        payload.push(u8::from(labels.is_some()));
        if let Some(labels) = labels {
            log_record::put_labels(&mut payload, labels);
        }
        log_record::put_frame(out, &payload);
    }
}

/// Reads records; returns the number after the last.
fn read_records(mut bytes: &[u8], found: &mut FoundSeries) -> u32 {
    let mut next = 0u32;
    let mut unread = 0;
    let numbers_max = bytes.len() as u64 / SERIES_BYTES_MIN; // each has a record of its own
    while !bytes.is_empty() {
        let first = first_record(bytes, next).filter(|(_, id, _)| u64::from(id.0) < numbers_max);
        let Some((length, id, labels)) = first else {
            unread += 1;
            bytes = &bytes[1..];
            continue;
        };
        found.damaged_bytes += std::mem::take(&mut unread);
        found.series.extend(labels.map(|labels| (id, labels)));
        next = id.0 + 1;
        bytes = &bytes[length..];
    }
    found.torn_bytes = unread;
    next
}

/// The record that some bytes begin with: its length, number and labels. Numbers only grow.
fn first_record(bytes: &[u8], next: u32) -> Option<(usize, SeriesId, Option<Labels>)> {
    let length = u32::from_le_bytes(*bytes.first_chunk::<4>()?) as usize;
    if length > RECORD_BYTES_MAX {
        return None; // without computing a checksum at every byte of a damaged stretch
    }
    let payload = log_record::unframe(bytes)?;
    let (id, labels) = read_record(payload)?;
    (id.0 >= next && id.0 < u32::MAX).then_some((FRAME_BYTES + payload.len(), id, labels))
}

fn read_record(payload: &[u8]) -> Option<(SeriesId, Option<Labels>)> {
    let mut reader = Reader::new(payload);
    let id = SeriesId(reader.varint_u32()?);
    let labels = match reader.byte()? {
        0 => None,
        1 => Some(log_record::labels(&mut reader)?),
        _ => return None,
    };
    reader.is_at_end().then_some((id, labels))
}
