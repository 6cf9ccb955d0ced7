//! Reading: which series match, and their chunks from segments and head, oldest first.
//!
//! A batch is visible as a whole or not at all. What is read is copied or shared under a short lock; files are read
//! after it is let go.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Chunk, Labels, Matcher, SeriesId, SeriesSource, SeriesView, SourceError, TimeRange};
use roaring::RoaringBitmap;

use crate::head::{HeadView, has_entry};
use crate::segment::Segment;
use crate::state::Shared;

/// A view of the store for queries. Cheap to make and to clone.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) shared: Arc<Shared>,
}

/// A series being put together.
struct Found {
    labels: Labels,
    chunks: Vec<Arc<dyn Chunk>>,
    head: HeadView,
}

impl SeriesSource for Snapshot {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        let (mut found, segments) = self.collect(matchers, range);
        let ids: RoaringBitmap = found.keys().copied().collect();
        for segment in segments {
            segment.chunks(&ids, range, &mut |id, chunks| {
                if let Some(series) = found.get_mut(&id.0) {
                    series.chunks.extend(chunks);
                }
            })?;
        }
        let mut views = Vec::new();
        for Found { labels, mut chunks, head } in found.into_values() {
            chunks.extend(head.into_chunks(range)?);
            if !chunks.is_empty() {
                views.push(SeriesView { labels, chunks });
            }
        }
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
}

impl Snapshot {
    /// What must be taken under the lock: labels, head, and the list of segments that may have more.
    fn collect(&self, matchers: &[Matcher], range: TimeRange) -> (BTreeMap<u32, Found>, Vec<Arc<Segment>>) {
        let state = self.shared.read();
        let ids = state.index.select(matchers);
        let segments = state.segments_of(&ids, range);
        let sealed = segments.iter().fold(RoaringBitmap::new(), |all, segment| all | &segment.series);
        let mut found = BTreeMap::new();
        for id in &ids {
            let head = state.heads[id as usize].view(range);
            if (!head.is_empty() || sealed.contains(id))
                && let Some(labels) = state.index.labels(SeriesId(id))
            {
                found.insert(id, Found { labels: labels.clone(), chunks: Vec::new(), head });
            }
        }
        (found, segments)
    }

    /// Series that match and have an entry inside the range, without building chunks where that can be known.
    fn present(&self, matchers: &[Matcher], range: TimeRange) -> Result<RoaringBitmap, SourceError> {
        let (mut missing, mut present, segments) = {
            let state = self.shared.read();
            let ids = state.index.select(matchers);
            let present: RoaringBitmap =
                ids.iter().filter(|id| state.heads[*id as usize].has_entry(range)).collect();
            let segments = state.segments_of(&ids, range);
            (ids - &present, present, segments)
        };
        for segment in segments {
            let is_inside = range.contains(segment.range.start) && range.contains(segment.range.end);
            let mut seen = RoaringBitmap::new();
            if is_inside {
                seen = &missing & &segment.series;
            } else {
                let mut failed = None;
                segment.chunks(&missing, range, &mut |id, chunks| match has_entry(&chunks, range) {
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
