//! Segments of the same stretch of time become one: longer chunks compress better, their descriptions are fewer, what
//! overlaps is merged for good, and what retention does not keep any more is left out.
//!
//! Series go by one group at a time, so memory does not grow with the segments, and no lock is held while that is done:
//! queries, appends, even seals go on. The new segment names those it replaces; once it is durable they are removed,
//! and opening removes those that a crash left.

use std::sync::{Arc, PoisonError};

use bellwether_model::{Chunk, Labels, SeriesId, SourceError, TimeDelta, TimeRange, Timestamp};
use roaring::RoaringBitmap;

use crate::error::DiskError;
use crate::lineage::Lineage;
use crate::overlap;
use crate::run::Run;
use crate::seal::SealError;
use crate::segment::Segment;
use crate::segment_batch::SeriesRuns;
use crate::segment_draft::SegmentDraft;
use crate::state::Shared;
use crate::store::Store;

/// Series whose chunks are in memory at once.
const GROUP_SERIES: usize = 128;

/// What a compaction did; nothing when no segments were due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompactionReport {
    /// Segments that became one.
    pub segments: u64,
    /// Samples in it.
    pub samples: u64,
    /// Bytes of those before.
    pub bytes_before: u64,
    /// Bytes of the one.
    pub bytes: u64,
}

impl Store {
    /// Makes one segment of those that end in the same span of time, spans being multiples of a length; the oldest
    /// span first, one at a call. Only spans that were over at a moment count: while one goes on, more is to come.
    /// A segment that turns out to be damaged is left as it is from then on, for [`Store::scrub`] to set aside.
    pub fn compact(&self, over: Timestamp, span: TimeDelta) -> Result<CompactionReport, SealError> {
        let shared = &self.shared;
        let mut unreadable = shared.compaction.lock().unwrap_or_else(PoisonError::into_inner);
        let (sources, floor) = {
            let state = shared.read();
            let is_left = |segment| unreadable.contains(&segment) || shared.pins().is_hidden(segment);
            (due(&state.segments, over, span, &is_left), state.floor)
        };
        if sources.len() < 2 {
            return Ok(CompactionReport::default());
        }
        let number = shared.maintain().next_segment_number();
        let mut draft = SegmentDraft::create(shared, number)?;
        let labels = |id| shared.read().index.labels(id).cloned();
        let merged = merge(&sources, floor, &labels, &mut draft);
        if let Err(SealError::Damaged(_)) = merged {
            let damaged = sources.iter().filter(|segment| segment.verify().is_err());
            unreadable.extend(damaged.map(|segment| segment.number));
        }
        merged?;
        put_in_place(shared, &sources, draft)
    }
}

/// The oldest segments that are due together.
fn due(
    segments: &[Arc<Segment>],
    over: Timestamp,
    span: TimeDelta,
    is_left: &dyn Fn(u64) -> bool,
) -> Vec<Arc<Segment>> {
    let span = span.0.max(1);
    let place = |segment: &Segment| segment.range.end.0.div_euclid(span);
    let is_over = |segment: &Segment| (place(segment) + 1).saturating_mul(span) <= over.0;
    let mut due: Vec<_> = segments.iter().filter(|s| is_over(s) && !is_left(s.number)).cloned().collect();
    due.sort_by_key(|segment| (place(segment), segment.lineage.rank));
    let group = due.chunk_by(|a, b| place(a) == place(b)).find(|group| group.len() > 1);
    group.map_or(Vec::new(), <[_]>::to_vec)
}

/// Writes what some segments hold from a moment on; of entries of one moment that of the segment that comes first.
fn merge(
    sources: &[Arc<Segment>],
    floor: Timestamp,
    labels: &dyn Fn(SeriesId) -> Option<Labels>,
    draft: &mut SegmentDraft,
) -> Result<(), SealError> {
    let all = sources.iter().fold(RoaringBitmap::new(), |all, segment| all | &segment.series);
    let ids: Vec<u32> = all.iter().collect();
    let range = TimeRange::new(floor, Timestamp::MAX);
    for group in ids.chunks(GROUP_SERIES) {
        let wanted: RoaringBitmap = group.iter().copied().collect();
        let mut found: Vec<Vec<Arc<dyn Chunk>>> = vec![Vec::new(); group.len()];
        for segment in sources {
            segment.chunks(&wanted, range, &mut |id, chunks| {
                if let Ok(place) = group.binary_search(&id.0) {
                    found[place].extend(chunks);
                }
            })?;
        }
        let mut batch = Vec::with_capacity(group.len());
        for (id, chunks) in group.iter().zip(found) {
            batch.push(SeriesRuns { id: SeriesId(*id), runs: joined(chunks, floor)? });
        }
        draft.push(&batch, labels)?;
    }
    Ok(())
}

/// What the chunks of one series hold; neighbours of one kind together.
fn joined(chunks: Vec<Arc<dyn Chunk>>, floor: Timestamp) -> Result<Vec<Run>, SourceError> {
    let mut runs: Vec<Run> = Vec::new();
    for chunk in overlap::in_order(chunks)? {
        let run = Run::of(&*chunk)?.split_off(floor);
        let apart = match runs.last_mut() {
            Some(last) => last.append(run),
            None => Some(run),
        };
        runs.extend(apart.filter(|run| run.len() > 0));
    }
    Ok(runs)
}

/// Makes the new segment durable and lets it take the place of the others, unless one of them is gone by now.
fn put_in_place(
    shared: &Shared,
    sources: &[Arc<Segment>],
    draft: SegmentDraft,
) -> Result<CompactionReport, SealError> {
    let _maintenance = shared.maintain();
    let numbers: Vec<u64> = sources.iter().map(|segment| segment.number).collect();
    let are_there = {
        let state = shared.read();
        numbers.iter().all(|number| state.segments.iter().any(|segment| segment.number == *number))
    };
    if !are_there {
        return Ok(CompactionReport::default());
    }
    let rank = sources.iter().map(|segment| segment.lineage.rank).min().unwrap_or_default();
    let mut lineage = Lineage { replaces: numbers.clone(), ..Lineage::of_rank(rank) };
    sources.iter().for_each(|segment| lineage.cover(&segment.lineage.sealed));
    let Some(segment) = draft.publish(&lineage, &mut |_, _| {})? else {
        return Ok(CompactionReport::default()); // all of it is beyond the retention, which will drop it
    };
    let report = CompactionReport {
        segments: numbers.len() as u64,
        samples: segment.sample_count,
        bytes_before: sources.iter().map(|segment| segment.bytes).sum(),
        bytes: segment.bytes,
    };
    {
        let mut state = shared.write();
        state.segments.retain(|other| !numbers.contains(&other.number));
        state.add_segment(segment);
    }
    for segment in sources {
        shared.disk.remove(&segment.path).map_err(DiskError::at("remove", &segment.path))?;
    }
    shared.disk.sync_dir(&shared.dir).map_err(DiskError::at("sync", &shared.dir))?;
    Ok(report)
}
