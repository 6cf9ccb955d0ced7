//! One block of a Prometheus server, day by day: for each series the chunks of that day, in the order in which they
//! lie in the files.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bellwether_ingest::prometheus_block::{
    CHUNK_PREFIX_BYTES, ChunkFrame, ChunkRef, Damage, Index, Samples, Tombstones, check_chunk_file,
    read_tombstones,
};
use bellwether_model::{TimeDelta, TimeRange, Timestamp};

use super::prometheus::Block;
use super::session::Session;
use super::sink::Handle;
use crate::failure::Failure;

/// Blocks of weeks are read day by day, so that segments cover a day each.
const DAY: TimeDelta = TimeDelta::DAY;
/// No block covers more.
const SPAN_MAX: TimeDelta = TimeDelta(10_000 * TimeDelta::DAY.0);
/// Read at once of a file of chunks; those that follow are mostly wanted next.
const READ_BYTES: usize = 1 << 20;
/// Between two looks at how far it is.
const SERIES_BETWEEN: usize = 256;

/// Reads a block into the session; `read` samples were in those before.
pub(super) fn import(
    block: &Block,
    session: &mut Session<'_>,
    read: u64,
    skip_damaged: bool,
) -> Result<(), Failure> {
    let span = block.meta.until.0.checked_sub(block.meta.from.0);
    if span.is_none_or(|span| !(0..=SPAN_MAX.0).contains(&span)) {
        let path = block.dir.join("meta.json");
        return Err(Failure::failed(format!("{}: `minTime` and `maxTime` make no sense", path.display())));
    }
    let path = block.dir.join("index");
    let bytes = std::fs::read(&path).map_err(|error| unreadable(&path, error))?;
    let index = match Index::open(&bytes) {
        Ok(index) => index,
        Err(damage) if skip_damaged => {
            left_out(session, &path, &damage);
            return Ok(());
        }
        Err(damage) => return Err(damaged(&path, &damage)),
    };
    let tombstones = tombstones(&block.dir)?;
    let mut reading = Reading {
        session,
        path,
        index,
        tombstones,
        chunks: ChunkFiles::open(&block.dir.join("chunks"))?,
        handles: HashMap::new(),
        read,
        skip_damaged,
    };
    let end = Timestamp(block.meta.until.0 - 1);
    let mut start = block.meta.from;
    while start <= end {
        let next = start.floor_to(DAY) + DAY;
        let day = TimeRange::new(start, end.min(Timestamp(next.0 - 1)));
        let part = format!("{} {}", block.meta.ulid, day.start.0);
        if !reading.session.is_done(&part) {
            reading.day(day)?;
            reading.session.finish_part(&part)?;
        }
        start = next;
    }
    session.finish_part(&block.meta.ulid)
}

/// A block being read.
struct Reading<'s, 'b, 'i> {
    session: &'s mut Session<'b>,
    path: PathBuf,
    index: Index<'i>,
    tombstones: Tombstones,
    chunks: ChunkFiles,
    /// By the series' place; empty until its first chunk is read.
    handles: HashMap<usize, Handle>,
    read: u64,
    skip_damaged: bool,
}

impl Reading<'_, '_, '_> {
    fn day(&mut self, day: TimeRange) -> Result<(), Failure> {
        let mut samples = Samples::default();
        let mut read = 0;
        for place in 0..self.index.len() {
            match self.series(place, day, &mut samples) {
                Ok(()) => {}
                Err(Trouble::Damage(path, damage)) if self.skip_damaged => {
                    left_out(self.session, &path, &damage);
                }
                Err(Trouble::Damage(path, damage)) => return Err(damaged(&path, &damage)),
                Err(Trouble::Failure(failure)) => return Err(failure),
            }
            read += samples.len() as u64;
            if !samples.is_empty() {
                let handle = self.handle(place)?;
                self.session.sink.extend(handle, &mut samples)?;
            }
            if place % SERIES_BETWEEN == 0 {
                self.read += read;
                self.session.advance(std::mem::take(&mut read), self.read)?;
            }
        }
        self.read += read;
        self.session.advance(read, self.read)
    }

    /// Puts into `samples` what a series has of a day.
    fn series(&mut self, place: usize, day: TimeRange, samples: &mut Samples) -> Result<(), Trouble> {
        samples.clear();
        let in_index = |damage| Trouble::Damage(self.path.clone(), damage);
        let (reference, chunks) = self.index.chunks(place).map_err(in_index)?;
        let wanted = self.session.wanted.range;
        let gone = self.tombstones.of(reference);
        for chunk in chunks.iter().filter(|c| c.range.overlaps(&day) && c.range.overlaps(&wanted)) {
            match self.chunks.decode(chunk, samples) {
                Err(Trouble::Damage(path, damage)) if self.skip_damaged => {
                    left_out(self.session, &path, &damage);
                }
                decoded => decoded?,
            }
        }
        let range = TimeRange::new(day.start.max(wanted.start), day.end.min(wanted.end));
        samples.retain(range, gone);
        Ok(())
    }

    fn handle(&mut self, place: usize) -> Result<Handle, Failure> {
        if let Some(handle) = self.handles.get(&place) {
            return Ok(*handle);
        }
        let entry = self.index.series(place).map_err(|damage| damaged(&self.path, &damage))?;
        let handle = self.session.series(&entry.labels)?;
        self.handles.insert(place, handle);
        Ok(handle)
    }
}

/// What keeps a chunk from being read.
enum Trouble {
    Damage(PathBuf, Damage),
    Failure(Failure),
}

pub(super) fn unreadable(path: &Path, error: std::io::Error) -> Failure {
    Failure::failed(format!("cannot read {}: {error}", path.display()))
}

pub(super) fn damaged(path: &Path, damage: &Damage) -> Failure {
    Failure::failed(format!(
        "{} is damaged {damage}; --skip-damaged imports what can be read",
        path.display()
    ))
}

pub(super) fn left_out(session: &mut Session<'_>, path: &Path, damage: &Damage) {
    session.summary.damaged += 1;
    session.progress.say(&format!("left out: {} is damaged {damage}", path.display()));
}

fn tombstones(dir: &Path) -> Result<Tombstones, Failure> {
    let path = dir.join("tombstones");
    match std::fs::read(&path) {
        Ok(bytes) => read_tombstones(&bytes).map_err(|damage| damaged(&path, &damage)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Tombstones::default()),
        Err(error) => Err(unreadable(&path, error)),
    }
}

fn read_at(mut file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(buffer)
}

/// The files of a block's chunks, and the part of one that was read last.
struct ChunkFiles {
    files: Vec<(PathBuf, File, u64)>,
    dir: PathBuf,
    window: Vec<u8>,
    /// Which file the window is of, and where it begins.
    at: (usize, u64),
}

impl ChunkFiles {
    fn open(dir: &Path) -> Result<Self, Failure> {
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries.flatten().collect(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(unreadable(dir, error)),
        };
        let is_number = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        let mut paths: Vec<PathBuf> = entries
            .into_iter()
            .filter(|entry| entry.file_name().to_str().is_some_and(is_number))
            .map(|entry| entry.path())
            .collect();
        paths.sort();
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            let file = File::open(&path).map_err(|error| unreadable(&path, error))?;
            let length = file.metadata().map_err(|error| unreadable(&path, error))?.len();
            let mut head = vec![0; length.min(8) as usize];
            read_at(&file, &mut head, 0).map_err(|error| unreadable(&path, error))?;
            check_chunk_file(&head).map_err(|damage| damaged(&path, &damage))?;
            files.push((path, file, length));
        }
        Ok(Self { files, dir: dir.to_owned(), window: Vec::new(), at: (0, 0) })
    }

    /// Appends what a chunk holds.
    fn decode(&mut self, chunk: &ChunkRef, out: &mut Samples) -> Result<(), Trouble> {
        let (file, offset) = (chunk.file as usize, u64::from(chunk.offset));
        let Some(path) = self.files.get(file).map(|(path, ..)| path.clone()) else {
            let name = format!("{:06}", chunk.file + 1);
            let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
            return Err(Trouble::Failure(unreadable(&self.dir.join(name), missing)));
        };
        let in_file = |damage| Trouble::Damage(path.clone(), damage);
        let prefix = self.bytes(file, offset, CHUNK_PREFIX_BYTES)?;
        let frame = ChunkFrame::of(prefix, offset).map_err(in_file)?;
        frame.decode(self.bytes(file, offset, frame.bytes)?, offset, out).map_err(in_file)
    }

    /// Bytes of a file, fewer where it ends.
    fn bytes(&mut self, file: usize, offset: u64, count: usize) -> Result<&[u8], Trouble> {
        let (path, handle, length) = &self.files[file];
        let end = (offset + count as u64).min(*length);
        let window_end = self.at.1 + self.window.len() as u64;
        if self.at.0 != file || offset < self.at.1 || end > window_end {
            let wanted = (count as u64).max(READ_BYTES as u64).min(length.saturating_sub(offset));
            self.window.resize(wanted as usize, 0);
            let read = read_at(handle, &mut self.window, offset);
            read.map_err(|error| Trouble::Failure(unreadable(path, error)))?;
            self.at = (file, offset);
        }
        let start = (offset - self.at.1) as usize;
        let stop = end.saturating_sub(self.at.1) as usize;
        Ok(self.window.get(start..stop).unwrap_or_default())
    }
}
