//! What is missing because a file was damaged and set aside: known from the file itself, so that it is still known after
//! a restart, until retention would have dropped it anyway or a person has taken the file away.

use std::path::Path;

use bellwether_model::{TimeRange, Timestamp};

use crate::disk::Disk;
use crate::log::{LOG_HEADER_BYTES, log_number};
use crate::log_read::{Readable, Step, empty_batch, read_file, walk};
use crate::log_record::Record;
use crate::recovery::QUARANTINED_SUFFIX;
use crate::segment::segment_number;
use crate::segment_write::{FOOTER_BYTES, Footer};
use crate::snapshot::Snapshot;
use crate::state::State;
use crate::store::Store;

/// What a copy is renamed to when the file it stands for is back.
const RESTORED_SUFFIX: &str = ".restored";

/// A damaged file that was set aside, and what was in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its name as it is now.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// From its first to its last sample; `None` when the file does not tell any more.
    pub range: Option<TimeRange>,
    /// Samples in it, if it tells.
    pub samples: Option<u64>,
}

impl Missing {
    /// Asks a file that was set aside.
    pub(crate) fn of(disk: &dyn Disk, dir: &Path, name: &str) -> Self {
        let path = dir.join(name);
        let bytes = disk.open(&path).and_then(|file| file.len()).unwrap_or(0);
        let told = match segment_number(name) {
            Some(_) => footer(disk, &path, bytes).map(|footer| (footer.range, footer.sample_count)),
            None => batches(disk, &path, name),
        };
        Self {
            name: name.to_owned(),
            bytes,
            range: told.map(|(range, _)| range),
            samples: told.map(|(_, samples)| samples),
        }
    }

    /// The name it had, which a copy from a backup must have.
    pub fn original(&self) -> &str {
        self.name.strip_suffix(QUARANTINED_SUFFIX).unwrap_or(&self.name)
    }

    /// Whether something of a stretch of time may have been in it.
    pub fn may_touch(&self, range: TimeRange) -> bool {
        self.range.is_none_or(|lost| lost.overlaps(&range))
    }

    /// For whoever gets an answer from which it is missing.
    fn sentence(&self) -> String {
        let name = &self.name;
        match self.range {
            Some(TimeRange { start, end }) => {
                format!("samples from {start} to {end} may be missing: {name} is damaged and was put aside")
            }
            None => format!("samples may be missing: {name} is damaged and was put aside"),
        }
    }
}

fn footer(disk: &dyn Disk, path: &Path, bytes: u64) -> Option<Footer> {
    let mut footer = [0; FOOTER_BYTES];
    let file = disk.open(path).ok()?;
    file.read_exact_at(&mut footer, bytes.checked_sub(FOOTER_BYTES as u64)?).ok()?;
    Footer::read(&footer)
}

/// What the batches of a log file say that can still be read; its header cannot.
fn batches(disk: &dyn Disk, path: &Path, name: &str) -> Option<(TimeRange, u64)> {
    let number = log_number(name.strip_suffix(QUARANTINED_SUFFIX)?)?;
    let bytes = read_file(disk, path).ok()?;
    let readable = Readable { number, start: LOG_HEADER_BYTES, end: None };
    let (mut samples, mut first, mut last) = (0, Timestamp::MAX, Timestamp::MIN);
    let walked: Result<u64, ()> = walk(&bytes, readable, &mut empty_batch(), &mut |step, _| {
        if let Step::Record(Record::Batch(_), batch) = step {
            samples += batch.len() as u64;
            for at in batch.times() {
                (first, last) = (first.min(at), last.max(at));
            }
        }
        Ok(())
    });
    walked.ok().filter(|_| samples > 0).map(|_| (TimeRange::new(first, last), samples))
}

impl Store {
    /// What is missing because its file was set aside, by name, but for what retention does not keep any more.
    pub fn missing(&self) -> Vec<Missing> {
        let state = self.shared.read();
        state.missing.iter().filter(|missing| missing.is_kept(state.floor)).cloned().collect()
    }

    /// Looks which files are still set aside: a person may have taken one away.
    pub fn look_for_missing(&self) {
        let _maintenance = self.shared.maintain(); // nothing is set aside meanwhile
        let known = self.shared.read().missing.clone();
        let found = find(&*self.shared.disk, &self.shared.dir, &known);
        self.shared.write().missing = found;
    }
}

impl Missing {
    fn is_kept(&self, floor: Timestamp) -> bool {
        self.range.is_none_or(|range| range.end >= floor)
    }
}

/// All files that are set aside, by name; those known are not read again.
pub(crate) fn find(disk: &dyn Disk, dir: &Path, known: &[Missing]) -> Vec<Missing> {
    let mut names = disk.list(dir).unwrap_or_default();
    names.retain(|name| name.ends_with(QUARANTINED_SUFFIX));
    names.sort_unstable();
    let describe = |name: String| {
        let known = known.iter().find(|missing| missing.name == name).cloned();
        known.unwrap_or_else(|| Missing::of(disk, dir, &name))
    };
    names.into_iter().map(describe).collect()
}

/// At opening: what is set aside, but for files that are back. The damaged copy of one that is back stays, under a name
/// that does not count.
pub(crate) fn find_at_opening(disk: &dyn Disk, dir: &Path, state: &State) -> Vec<Missing> {
    let mut missing = find(disk, dir, &[]);
    missing.retain(|missing| {
        let number = segment_number(missing.original());
        let is_back = state.segments.iter().any(|segment| Some(segment.number) == number);
        let aside = dir.join(format!("{}{RESTORED_SUFFIX}", missing.name));
        // If it cannot be renamed it is said once more that something is missing, which harms less than the contrary.
        !is_back || disk.rename(&dir.join(&missing.name), &aside).is_err()
    });
    missing
}

impl Snapshot {
    /// What may be missing of a stretch of time, in words.
    pub(crate) fn missing_in(&self, range: TimeRange) -> Vec<String> {
        let state = self.shared.read();
        let touched = state.missing.iter().filter(|m| m.may_touch(range) && m.is_kept(state.floor));
        touched.map(Missing::sentence).collect()
    }
}
