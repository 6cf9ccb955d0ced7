//! A source of series that lie in memory, cut into chunks of a chosen size.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{
    Chunk, ChunkSummary, Labels, Matcher, Sample, SeriesSource, SeriesView, SourceError, TimeRange,
    matches_all,
};

/// Samples per series; `chunk_samples` of them make a chunk.
pub(crate) struct Memory {
    pub series: BTreeMap<Labels, Vec<Sample>>,
    pub chunk_samples: usize,
}

impl Memory {
    pub(crate) fn new(chunk_samples: usize) -> Self {
        Self { series: BTreeMap::new(), chunk_samples }
    }

    pub(crate) fn add(&mut self, labels: Labels, samples: impl IntoIterator<Item = Sample>) {
        let all = self.series.entry(labels).or_default();
        all.extend(samples);
        all.sort_by_key(|s| s.at);
    }
}

struct Part {
    summary: ChunkSummary,
    samples: Vec<Sample>,
}

impl Chunk for Part {
    fn summary(&self) -> &ChunkSummary {
        &self.summary
    }

    fn decode(&self, out: &mut Vec<Sample>) -> Result<(), SourceError> {
        out.extend_from_slice(&self.samples);
        Ok(())
    }
}

impl SeriesSource for Memory {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        let mut views = Vec::new();
        for (labels, samples) in self.series.iter().filter(|(labels, _)| matches_all(matchers, labels)) {
            let part = |samples: &[Sample]| Part {
                summary: ChunkSummary::of(samples).expect("chunks are never empty"),
                samples: samples.to_vec(),
            };
            let parts =
                samples.chunks(self.chunk_samples).map(part).filter(|p| p.summary.range.overlaps(&range));
            let chunks: Vec<_> = parts.map(|p| Arc::new(p) as Arc<dyn Chunk>).collect();
            if !chunks.is_empty() {
                views.push(SeriesView { labels: labels.clone(), chunks });
            }
        }
        Ok(views)
    }
}
