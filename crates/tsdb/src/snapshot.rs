//! Reading: which series match, and their chunks from segments and head, oldest first.
//!
//! A batch is visible as a whole or not at all, and to all selections of one snapshot or to none. What is read is
//! copied or shared under a short lock; files are read after it is let go.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bellwether_model::{
    Chunk, Labels, Matcher, SeriesId, SeriesSource, SeriesView, SourceError, TimeRange, Timestamp,
};
use roaring::RoaringBitmap;

use crate::chunk::CHUNK_SAMPLES_MAX;
use crate::column::Purpose;
use crate::head::{HeadView, has_entry};
use crate::overlap;
use crate::pins::LateMoments;
use crate::run::Run;
use crate::segment::Segment;
use crate::state::{Shared, State};

/// A view of the store for queries, as it was when the view was made, but for what retention drops meanwhile. Cheap
/// to make and to clone; while it is held, appending notes what arrives after it.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) shared: Arc<Shared>,
    pin: Arc<Pin>,
}

/// Held by all clones of a snapshot.
struct Pin {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.shared.pins().unpin(self.number);
    }
}

/// A series being put together.
struct Found {
    labels: Labels,
    chunks: Vec<Arc<dyn Chunk>>,
    /// Moments of which nothing may be seen.
    unseen: LateMoments,
    head: HeadView,
}

impl Found {
    /// What came late of a moment that a segment had already was stored second, and is never shown: what is in the
    /// segment may be seen. One that was made of others has the rank of the first of them.
    fn see(&mut self, segment: &Segment, chunks: &[Arc<dyn Chunk>]) -> Result<(), SourceError> {
        for chunk in chunks {
            let range = chunk.summary().range;
            let may_have = |(at, end): (&Timestamp, &u64)| range.contains(*at) && segment.lineage.rank < *end;
            if self.unseen.iter().any(may_have) {
                let run = Run::of(&**chunk)?;
                self.unseen.retain(|at, end| segment.lineage.rank >= *end || run.find(*at).is_none());
            }
        }
        Ok(())
    }
}

impl SeriesSource for Snapshot {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        let mut views: Vec<_> = self.views(matchers, range)?.into_iter().map(|(_, view)| view).collect();
        views.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
        Ok(views)
    }

    fn series(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Labels>, SourceError> {
        let present = self.present(matchers, range)?;
        let state = self.shared.read();
        let mut labels: Vec<Labels> =
            present.iter().filter_map(|id| state.index.labels(SeriesId(id)).cloned()).collect();
        labels.sort_unstable();
        Ok(labels)
    }

    fn label_names(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<String>, SourceError> {
        let present = self.present(matchers, range)?;
        Ok(self.shared.read().index.names(&present))
    }

    fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<Vec<String>, SourceError> {
        let present = self.present(matchers, range)?;
        Ok(self.shared.read().index.values(name, &present))
    }

    fn missing(&self, _matchers: &[Matcher], range: TimeRange) -> Vec<String> {
        self.missing_in(range)
    }
}

/// What is taken under the lock.
struct Collected {
    found: BTreeMap<u32, Found>,
    /// Segments that may have more.
    segments: Vec<Arc<Segment>>,
    /// From when on nothing may be seen of some series.
    ends: HashMap<u32, Timestamp>,
}

impl Snapshot {
    pub(crate) fn of(shared: &Arc<Shared>) -> Self {
        let state = shared.read(); // so that no batch is half taken
        let number = shared.pins().pin();
        drop(state);
        let pin = Arc::new(Pin { shared: Arc::clone(shared), number });
        Self { shared: Arc::clone(shared), pin }
    }

    /// Series that match, by their numbers, with the chunks that overlap a stretch of time.
    fn views(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<(u32, SeriesView)>, SourceError> {
        let Collected { mut found, segments, ends } = self.collect(matchers, range);
        let ids: RoaringBitmap = found.keys().copied().collect();
        for segment in segments {
            let mut failed = Ok(());
            segment.chunks(&ids, range, &mut |id, chunks| {
                if let Some(series) = found.get_mut(&id.0) {
                    failed =
                        std::mem::replace(&mut failed, Ok(())).and_then(|()| series.see(&segment, &chunks));
                    series.chunks.extend(chunks);
                }
            })?;
            failed?;
        }
        let mut views = Vec::new();
        for (id, Found { labels, mut chunks, unseen, head }) in found {
            chunks.extend(head.into_chunks(range)?);
            chunks = overlap::in_order(chunks)?;
            if !unseen.is_empty() {
                chunks = overlap::without(chunks, &unseen.into_keys().collect::<Vec<_>>())?;
            }
            if let Some(end) = ends.get(&id) {
                chunks = cut_from(chunks, *end)?;
                chunks.retain(|chunk| chunk.summary().range.overlaps(&range));
            }
            if !chunks.is_empty() {
                views.push((id, SeriesView { labels, chunks }));
            }
        }
        Ok(views)
    }

    fn collect(&self, matchers: &[Matcher], range: TimeRange) -> Collected {
        let state = self.shared.read();
        let ids = state.index.select(matchers);
        let (ends, mut late) = self.unseen(&ids);
        let segments = self.segments_of(&state, &ids, range);
        let sealed = segments.iter().fold(RoaringBitmap::new(), |all, segment| all | &segment.series);
        let mut found = BTreeMap::new();
        for id in &ids {
            let head = state.heads[id as usize].view(range);
            if (!head.is_empty() || sealed.contains(id))
                && let Some(labels) = state.index.labels(SeriesId(id))
            {
                found.insert(id, {
                    let unseen = late.remove(&id).unwrap_or_default();
                    Found { labels: labels.clone(), chunks: Vec::new(), unseen, head }
                });
            }
        }
        Collected { found, segments, ends }
    }

    /// What arrived since: from when on nothing may be seen of some series, and of which moments before.
    fn unseen(&self, ids: &RoaringBitmap) -> (HashMap<u32, Timestamp>, HashMap<u32, LateMoments>) {
        let pins = self.shared.pins();
        (pins.ends(self.pin.number, ids), pins.late(self.pin.number, ids))
    }

    /// Segments that may hold something, but for what was imported since.
    fn segments_of(&self, state: &State, ids: &RoaringBitmap, range: TimeRange) -> Vec<Arc<Segment>> {
        let mut segments = state.segments_of(ids, range);
        let pins = self.shared.pins();
        segments.retain(|segment| !pins.hides(self.pin.number, segment.number));
        segments
    }

    /// The same, from the chunks: what must not be seen of a series may lie between what may.
    fn present_by_chunks(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<RoaringBitmap, SourceError> {
        let mut present = RoaringBitmap::new();
        for (id, view) in self.views(matchers, range)? {
            if has_entry(&view.chunks, range)? {
                present.insert(id);
            }
        }
        Ok(present)
    }

    /// Series that match and have an entry inside the range, without building chunks where that can be known.
    fn present(&self, matchers: &[Matcher], range: TimeRange) -> Result<RoaringBitmap, SourceError> {
        let (mut missing, mut present, segments, ends) = {
            let state = self.shared.read();
            let ids = state.index.select(matchers);
            let (ends, late) = self.unseen(&ids);
            if !late.is_empty() {
                drop(state);
                return self.present_by_chunks(matchers, range);
            }
            let is_here = |id: &u32| state.heads[*id as usize].has_entry(until(range, ends.get(id)));
            let present: RoaringBitmap = ids.iter().filter(is_here).collect();
            let segments = self.segments_of(&state, &ids, range);
            (ids - &present, present, segments, ends)
        };
        for segment in segments {
            let is_inside =
                ends.is_empty() && range.contains(segment.range.start) && range.contains(segment.range.end);
            let mut seen = RoaringBitmap::new();
            if is_inside {
                seen = &missing & &segment.series;
            } else {
                let mut failed = None;
                segment.chunks(&missing, range, &mut |id, chunks| match has_entry(
                    &chunks,
                    until(range, ends.get(&id.0)),
                ) {
                    Ok(true) => {
                        seen.insert(id.0);
                    }
                    Ok(false) => {}
                    Err(error) => failed = Some(error),
                })?;
                if let Some(error) = failed {
                    return Err(error);
                }
            }
            missing -= &seen;
            present |= seen;
        }
        Ok(present)
    }
}

/// The part of a range before a moment; nothing where it begins later.
fn until(range: TimeRange, end: Option<&Timestamp>) -> TimeRange {
    let last = end.map_or(range.end, |end| range.end.min(Timestamp(end.0.saturating_sub(1))));
    TimeRange::new(range.start, last)
}

/// Takes away everything from a moment on.
fn cut_from(chunks: Vec<Arc<dyn Chunk>>, end: Timestamp) -> Result<Vec<Arc<dyn Chunk>>, SourceError> {
    let mut kept: Vec<Arc<dyn Chunk>> = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let range = chunk.summary().range;
        if range.end < end {
            kept.push(chunk);
        } else if range.start < end {
            let mut run = Run::of(&*chunk)?;
            run.split_off(end);
            kept.extend(
                run.chunks(CHUNK_SAMPLES_MAX, Purpose::Memory)
                    .into_iter()
                    .map(|chunk| chunk as Arc<dyn Chunk>),
            );
        }
    }
    Ok(kept)
}
