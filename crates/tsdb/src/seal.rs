//! What happens to samples as they age: out of the head into a segment, and one day away.

use std::sync::Arc;

use bellwether_model::{Chunk, LogPosition, SeriesId, SourceError, TimeRange, Timestamp};

use crate::error::DiskError;
use crate::head::Remainder;
use crate::limits::Census;
use crate::lineage::{Lineage, Sealed};
use crate::log::log_path;
use crate::log_record;
use crate::overlap;
use crate::run::Run;
use crate::segment::Segment;
use crate::segment_batch::SeriesRuns;
use crate::segment_draft::SegmentDraft;
use crate::state::{Maintenance, Shared, State};
use crate::store::Store;

/// Series looked at under one lock.
const GROUP_SERIES: u32 = 256;

/// What a seal did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SealReport {
    /// Series that had something to seal.
    pub series: u64,
    /// Samples moved into the segment.
    pub samples: u64,
    /// The segment's size, 0 when there was nothing to seal.
    pub bytes: u64,
    /// Log files removed.
    pub log_files_removed: u64,
}

/// Why sealing did not happen; the head still has everything.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The finished file could not be read back as what was written.
    #[error("the new segment {} reads back wrong: {reason}; the disk may be failing", path.display())]
    ReadBack {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A chunk in memory does not decode.
    #[error(transparent)]
    Damaged(#[from] SourceError),
}

impl Store {
    /// Moves everything before a moment out of the head into a new segment, durably, then removes log files that are
    /// needed neither for it nor by whoever [released](Store::release) less.
    pub fn seal(&self, before: Timestamp) -> Result<SealReport, SealError> {
        let shared = &self.shared;
        let mut maintenance = shared.maintain();
        // Whatever is in files before this one is in the head by now.
        let file = shared.log.rotate()?;
        let unsealed = std::mem::take(&mut shared.log.lock().unsealed);
        let sealed = seal_head(shared, &mut maintenance, before, file);
        let rest = if sealed.is_ok() { unsealed.since(before) } else { unsealed };
        shared.log.lock().unsealed.join(rest);
        let mut report = sealed?;
        turn_admission(shared)?;
        report.log_files_removed = remove_log_files(shared, maintenance.released)?;
        Ok(report)
    }

    /// Removes log files whose samples are in segments and that whoever folds over the log has [released](Store::release)
    /// since the last seal; gives how many.
    pub fn trim_log(&self) -> Result<u64, DiskError> {
        let maintenance = self.shared.maintain();
        remove_log_files(&self.shared, maintenance.released)
    }
}

/// Writes the segment and takes what it has out of the head; log files before `file` may be in segments entirely then.
fn seal_head(
    shared: &Shared,
    maintenance: &mut Maintenance,
    before: Timestamp,
    file: u64,
) -> Result<SealReport, SealError> {
    maintenance.table.write(|first| shared.read().index.labels_from(first))?;
    let mut report = SealReport::default();
    if let Some(Moved { segment, series }) = write_segment(shared, maintenance, before, file)? {
        report.series = series.len() as u64;
        report.samples = segment.sample_count;
        report.bytes = segment.bytes;
        // From here until it is cut from the head a reader finds it twice, and merges it.
        shared.write().add_segment(segment);
        series.chunks(GROUP_SERIES as usize).for_each(|group| cut_heads(shared, group));
    }
    mark_sealed(shared, before, file);
    Ok(report)
}

struct Moved {
    segment: Segment,
    series: Vec<MovedSeries>,
}

/// What of a series was written.
struct MovedSeries {
    id: SeriesId,
    /// When its last entry was measured.
    last: Timestamp,
    /// Moments of its late entries. Others may have come meanwhile that are not in the segment.
    late: Vec<Timestamp>,
}

/// Writes what the head has before a moment; `None` when there is nothing. Everything in log files before `file` is
/// in the head.
fn write_segment(
    shared: &Shared,
    maintenance: &mut Maintenance,
    before: Timestamp,
    file: u64,
) -> Result<Option<Moved>, SealError> {
    let number = maintenance.next_segment_number();
    let mut draft = SegmentDraft::create(shared, number)?;
    let series = fill_segment(shared, maintenance.table.written, before, &mut draft)?;
    let lineage = Lineage { sealed: vec![Sealed { file, before }], ..Lineage::of_rank(number) };
    let segment = draft.publish(&lineage, &mut |_, _| {})?;
    Ok(segment.map(|segment| Moved { segment, series }))
}

fn fill_segment(
    shared: &Shared,
    series_count: u32,
    before: Timestamp,
    draft: &mut SegmentDraft,
) -> Result<Vec<MovedSeries>, SealError> {
    let range = TimeRange::new(Timestamp::MIN, Timestamp(before.0.saturating_sub(1)));
    let mut moved = Vec::new();
    let mut first = 0;
    while first < series_count {
        let group = first..series_count.min(first.saturating_add(GROUP_SERIES));
        first = group.end;
        let views = views_of(&shared.read(), group, range);
        let mut batch = Vec::with_capacity(views.len());
        for (id, view) in views {
            let late = view.late_moments();
            let runs = runs_before(overlap::in_order(view.into_chunks(range)?)?, before)?;
            if let Some(last) = runs.last().and_then(Run::last) {
                batch.push(SeriesRuns { id, runs });
                moved.push(MovedSeries { id, last, late });
            }
        }
        draft.push(&batch, &|id| shared.read().index.labels(id).cloned())?;
    }
    Ok(moved)
}

/// Takes what was written out of the head. What has to be compressed anew for it is compressed before the lock is
/// taken: nobody but maintenance, which this is, changes a closed chunk.
fn cut_heads(shared: &Shared, group: &[MovedSeries]) {
    let end = |moved: &MovedSeries| Timestamp(moved.last.0.saturating_add(1));
    let straddling: Vec<_> = {
        let state = shared.read();
        group.iter().map(|moved| state.heads[moved.id.0 as usize].straddling(end(moved))).collect()
    };
    let rests: Vec<_> = group
        .iter()
        .zip(straddling)
        .map(|(moved, chunk)| chunk.and_then(|chunk| Remainder::after(end(moved), &chunk)))
        .collect();
    let mut state = shared.write();
    for (moved, rest) in group.iter().zip(rests) {
        state.heads[moved.id.0 as usize].cut_sealed(end(moved), &moved.late, rest);
    }
}

/// What chunks hold before a moment; neighbours of one kind together.
fn runs_before(chunks: Vec<Arc<dyn Chunk>>, before: Timestamp) -> Result<Vec<Run>, SourceError> {
    let mut runs: Vec<Run> = Vec::new();
    for chunk in chunks {
        let mut run = Run::of(&*chunk)?;
        run.split_off(before);
        let apart = match runs.last_mut() {
            Some(last) => last.append(run),
            None => Some(run),
        };
        runs.extend(apart.filter(|run| run.len() > 0));
    }
    Ok(runs)
}

fn views_of(
    state: &State,
    group: std::ops::Range<u32>,
    range: TimeRange,
) -> Vec<(SeriesId, crate::head::HeadView)> {
    let view = |id: u32| (SeriesId(id), state.heads[id as usize].view(range));
    group.map(view).filter(|(_, view)| !view.is_empty()).collect()
}

/// Files closed before the seal began, with nothing from its moment on, are in segments entirely.
fn mark_sealed(shared: &Shared, before: Timestamp, file: u64) {
    let mut log = shared.log.lock();
    for known in &mut log.files {
        known.is_sealed |= known.number < file && known.latest < before;
    }
}

/// Counts the series in use anew; what was refused lately is put into the log again, before older files go.
fn turn_admission(shared: &Shared) -> Result<(), DiskError> {
    let mut census = Census::default();
    let mut first = 0;
    let counted = |state: &State| state.index.len() as u32;
    while first < counted(&shared.read()) {
        let state = shared.read();
        let group = first..counted(&state).min(first.saturating_add(GROUP_SERIES));
        first = group.end;
        state.census(group, &mut census);
    }
    let mut log = shared.log.lock();
    let mut state = shared.write();
    state.census(first..counted(&state), &mut census);
    state.admission.settle(census);
    let Some(again) = state.admission.turn() else { return Ok(()) };
    drop(state);
    log.append(|out| log_record::put_refused(out, &again));
    drop(log);
    shared.sync().map(|_| ())
}

/// Removes the oldest files as long as nobody needs them; stops at the first that is needed.
fn remove_log_files(shared: &Shared, released: LogPosition) -> Result<u64, DiskError> {
    let mut removed = 0;
    loop {
        let path = {
            let mut log = shared.log.lock();
            let released = log.locate(released);
            let is_needed = |number: u64, end: u64| LogPosition { file: number, offset: end } > released;
            match log.files.as_slice() {
                [oldest, _, ..] if oldest.is_sealed && !is_needed(oldest.number, oldest.end) => {
                    log_path(&shared.dir, log.files.remove(0).number)
                }
                _ => break,
            }
        };
        shared.disk.remove(&path).map_err(DiskError::at("remove", &path))?;
        removed += 1;
    }
    if removed > 0 {
        shared.disk.sync_dir(&shared.dir).map_err(DiskError::at("sync", &shared.dir))?;
    }
    Ok(removed)
}
