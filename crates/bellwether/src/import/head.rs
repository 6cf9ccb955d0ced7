//! What a Prometheus server has in no block yet: its log, beginning with the last checkpoint, the log of late samples,
//! and, where the log is damaged, the chunks of the head, which repeat most of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bellwether_ingest::prometheus_block::{Records, Samples, Tombstones, WalEvent, head_chunks, read_record};
use bellwether_model::{Labels, Timestamp};

use super::block::{damaged, left_out, unreadable};
use super::session::Session;
use super::sink::Handle;
use super::summary::counted;
use crate::failure::Failure;

/// Events between two looks at how far it is.
const EVENTS_BETWEEN: u64 = 1 << 16;

/// Reads it into the session.
pub(super) fn import(dir: &Path, session: &mut Session<'_>, skip_damaged: bool) -> Result<(), Failure> {
    let files = log_files(dir)?;
    let mut reading = Reading {
        session,
        skip_damaged,
        labels: HashMap::new(),
        handles: HashMap::new(),
        tombstones: Tombstones::default(),
        exemplars: 0,
        orphans: 0,
        read: 0,
    };
    // What was deleted, and whose a number is, must be known before the first sample.
    for file in &files {
        reading.file(file, Pass::Names)?;
    }
    for file in &files {
        reading.file(file, Pass::Samples)?;
    }
    // They repeat what a sound log says.
    if reading.session.summary.damaged > 0 {
        for path in numbered(&dir.join("chunks_head"))? {
            reading.head_chunks(&path)?;
        }
    }
    let Reading { exemplars, orphans, .. } = reading;
    session.sink.flush()?;
    for (count, text) in [
        (exemplars, "did not come along: only samples are imported"),
        (orphans, "did not come along: the log no longer says of which series they are"),
    ] {
        if count > 0 {
            let word = if text.contains("series") { "sample" } else { "exemplar" };
            session.summary.left_out.push(format!("{} of the log {text}.", counted(count, word)));
        }
    }
    Ok(())
}

/// A file of the log.
struct LogFile {
    path: PathBuf,
    /// Whether it is the last of its log: that one may end in the middle of a record.
    is_last: bool,
}

/// The last checkpoint, the files after it, and the log of late samples.
fn log_files(dir: &Path) -> Result<Vec<LogFile>, Failure> {
    let wal = dir.join("wal");
    let mut files = Vec::new();
    let checkpoint = last_checkpoint(&wal)?;
    let first = checkpoint.as_ref().map_or(0, |(number, _)| number + 1);
    if let Some((_, path)) = checkpoint {
        files.extend(numbered(&path)?.into_iter().map(|path| LogFile { path, is_last: false }));
    }
    for (log, first) in [(wal, first), (dir.join("wbl"), 0)] {
        let numbers = numbered(&log)?.into_iter().filter(|path| number(path) >= Some(first));
        files.extend(numbers.map(|path| LogFile { path, is_last: false }));
        if let Some(last) = files.last_mut() {
            last.is_last = true;
        }
    }
    Ok(files)
}

fn number(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.parse().ok()
}

/// Files of a folder that have a number for a name, in order; none where there is no folder.
fn numbered(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(dir, error)),
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.is_file() && number(path).is_some());
    paths.sort_by_key(|path| number(path));
    Ok(paths)
}

/// Which file of the log a checkpoint reaches up to, and its folder.
fn last_checkpoint(wal: &Path) -> Result<Option<(u64, PathBuf)>, Failure> {
    let entries = std::fs::read_dir(wal).map_err(|error| unreadable(wal, error))?;
    let checkpoint = |path: PathBuf| {
        let number = path.file_name()?.to_str()?.strip_prefix("checkpoint.")?.parse().ok()?;
        Some((number, path))
    };
    Ok(entries.flatten().filter_map(|entry| checkpoint(entry.path())).max())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Names,
    Samples,
}

struct Reading<'s, 'b> {
    session: &'s mut Session<'b>,
    skip_damaged: bool,
    labels: HashMap<u64, Labels>,
    handles: HashMap<u64, Handle>,
    tombstones: Tombstones,
    exemplars: u64,
    /// Samples whose number nothing explains.
    orphans: u64,
    read: u64,
}

impl Reading<'_, '_> {
    fn file(&mut self, file: &LogFile, pass: Pass) -> Result<(), Failure> {
        let path = &file.path;
        let bytes = std::fs::read(path).map_err(|error| unreadable(path, error))?;
        for record in Records::of(&bytes) {
            let mut failed = None;
            let read = record.and_then(|record| {
                read_record(&record.bytes, record.offset, &mut |event| {
                    if failed.is_none() {
                        failed = self.take(event, pass).err();
                    }
                })
            });
            if let Some(failure) = failed {
                return Err(failure);
            }
            match read {
                Ok(()) => {}
                Err(damage) if damage.is_torn() && file.is_last => return Ok(()),
                Err(damage) if self.skip_damaged => {
                    // It was said when the names were read; what comes behind it in the file is lost with it.
                    if pass == Pass::Names {
                        left_out(self.session, path, &damage);
                    }
                    return Ok(());
                }
                Err(damage) => return Err(damaged(path, &damage)),
            }
        }
        Ok(())
    }

    fn take(&mut self, event: WalEvent, pass: Pass) -> Result<(), Failure> {
        match (event, pass) {
            (WalEvent::Series(reference, labels), Pass::Names) => {
                self.labels.insert(reference, labels);
            }
            (WalEvent::Deleted(reference, range), Pass::Names) => self.tombstones.add(reference, range),
            (WalEvent::Exemplar(_), Pass::Names) => self.exemplars += 1,
            (WalEvent::Sample(reference, sample), Pass::Samples) => {
                if let Some(handle) = self.wanted(reference, sample.at)? {
                    self.session.sink.push(handle, sample)?;
                }
                self.count(1)?;
            }
            (WalEvent::Histogram(reference, sample), Pass::Samples) => {
                if let Some(handle) = self.wanted(reference, sample.at)? {
                    self.session.sink.push_histogram(handle, sample)?;
                }
                self.count(1)?;
            }
            (WalEvent::Sample(..) | WalEvent::Histogram(..), Pass::Names)
            | (WalEvent::Series(..) | WalEvent::Deleted(..) | WalEvent::Exemplar(_), Pass::Samples) => {}
        }
        Ok(())
    }

    /// Where a sample goes, if it is asked for and was not deleted.
    fn wanted(&mut self, reference: u64, at: Timestamp) -> Result<Option<Handle>, Failure> {
        let is_gone = self.tombstones.of(reference).iter().any(|gone| gone.contains(at));
        if is_gone || !self.session.wanted.range.contains(at) {
            return Ok(None);
        }
        self.handle(reference)
    }

    fn handle(&mut self, reference: u64) -> Result<Option<Handle>, Failure> {
        if let Some(handle) = self.handles.get(&reference) {
            return Ok(Some(*handle));
        }
        let Some(labels) = self.labels.get(&reference) else {
            self.orphans += 1;
            return Ok(None);
        };
        let handle = self.session.series(labels)?;
        self.handles.insert(reference, handle);
        Ok(Some(handle))
    }

    fn count(&mut self, samples: u64) -> Result<(), Failure> {
        self.read += samples;
        if self.read >= EVENTS_BETWEEN {
            let done = self.session.progress.done();
            self.session.advance(std::mem::take(&mut self.read), done)?;
        }
        Ok(())
    }

    fn head_chunks(&mut self, path: &Path) -> Result<(), Failure> {
        let bytes = std::fs::read(path).map_err(|error| unreadable(path, error))?;
        let chunks = match head_chunks(&bytes) {
            Ok(chunks) => chunks,
            Err(damage) if self.skip_damaged => {
                left_out(self.session, path, &damage);
                return Ok(());
            }
            Err(damage) => return Err(damaged(path, &damage)),
        };
        let mut samples = Samples::default();
        for chunk in chunks {
            samples.clear();
            match chunk.decode(&mut samples) {
                Ok(()) => {}
                Err(damage) if self.skip_damaged => left_out(self.session, path, &damage),
                Err(damage) => return Err(damaged(path, &damage)),
            }
            samples.retain(self.session.wanted.range, self.tombstones.of(chunk.reference));
            // Series that are gone from the log were gone from the head as well.
            if let Some(labels) = self.labels.get(&chunk.reference).filter(|_| !samples.is_empty()) {
                let handle = self.session.series(labels)?;
                self.session.sink.extend(handle, &mut samples)?;
            }
        }
        Ok(())
    }
}
