//! The samples of a run, in memory: what rules and objectives query instead of a store on disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{
    Batch, Chunk, HistogramSample, Labels, METRIC_NAME, MatchOp, Matcher, Origin, PlainChunk, Sample,
    SeriesId, SeriesSource, SeriesView, SourceError, TimeRange, Timestamp, matches_all,
};
use bellwether_rules::Written;

use crate::pipeline::Lookup;

/// Samples of a closed chunk: few enough to copy an open one for every query, enough that sums over weeks are cheap.
const CHUNK_SAMPLES: usize = 120;

/// All series.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    series: Vec<Series>,
    ids: BTreeMap<Labels, SeriesId>,
    by_name: BTreeMap<String, Vec<SeriesId>>,
}

#[derive(Clone)]
struct Series {
    labels: Labels,
    chunks: Vec<Arc<dyn Chunk>>,
    open: Vec<Sample>,
}

impl std::fmt::Debug for Series {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.labels)
    }
}

impl Memory {
    /// The number of a series; a new one if it is new.
    pub fn id(&mut self, labels: &Labels) -> SeriesId {
        if let Some(id) = self.ids.get(labels) {
            return *id;
        }
        let id = SeriesId(u32::try_from(self.series.len()).unwrap_or(u32::MAX));
        self.ids.insert(labels.clone(), id);
        self.by_name.entry(labels.value_or_empty(METRIC_NAME).to_owned()).or_default().push(id);
        self.series.push(Series { labels: labels.clone(), chunks: Vec::new(), open: Vec::new() });
        id
    }

    /// Takes in a batch.
    pub fn append(&mut self, batch: &Batch) {
        for (id, sample) in &batch.samples {
            self.push(*id, *sample);
        }
        for (id, sample) in &batch.histograms {
            self.push_histogram(*id, sample.clone());
        }
    }

    fn push(&mut self, id: SeriesId, sample: Sample) {
        let Some(series) = self.series.get_mut(id.0 as usize) else { return };
        if series.last().is_some_and(|last| sample.at <= last) {
            return;
        }
        series.open.push(sample);
        if series.open.len() >= CHUNK_SAMPLES {
            series.close();
        }
    }

    fn push_histogram(&mut self, id: SeriesId, sample: HistogramSample) {
        let Some(series) = self.series.get_mut(id.0 as usize) else { return };
        if series.last().is_none_or(|last| sample.at > last) {
            series.close();
            series.chunks.extend(PlainChunk::of_histograms(vec![sample]));
        }
    }

    /// The batch of what rules write.
    pub fn batch_of(&mut self, written: Written, now: Timestamp) -> Batch {
        let samples =
            written.samples.into_iter().map(|(labels, sample)| (self.id(&labels), sample)).collect();
        let mut batch = Batch::floats(Origin::Rules, now, samples);
        batch.histograms =
            written.histograms.into_iter().map(|(labels, sample)| (self.id(&labels), sample)).collect();
        batch
    }

    fn candidates(&self, matchers: &[Matcher]) -> Vec<&Series> {
        let name = matchers.iter().find(|m| m.name == METRIC_NAME && m.op == MatchOp::Equal);
        let all: Vec<&Series> = match name {
            Some(name) => {
                let ids = self.by_name.get(&name.value).map_or(&[][..], Vec::as_slice);
                ids.iter().filter_map(|id| self.series.get(id.0 as usize)).collect()
            }
            None => self.series.iter().collect(),
        };
        all.into_iter().filter(|series| matches_all(matchers, &series.labels)).collect()
    }
}

impl Series {
    fn last(&self) -> Option<Timestamp> {
        let closed = || self.chunks.last().map(|chunk| chunk.summary().range.end);
        self.open.last().map(|sample| sample.at).or_else(closed)
    }

    fn close(&mut self) {
        self.chunks.extend(PlainChunk::of(std::mem::take(&mut self.open)));
    }

    fn within(&self, range: TimeRange) -> Vec<Arc<dyn Chunk>> {
        let from = self.chunks.partition_point(|chunk| chunk.summary().range.end < range.start);
        let overlapping =
            self.chunks[from..].iter().take_while(|chunk| chunk.summary().range.start <= range.end);
        let mut chunks: Vec<Arc<dyn Chunk>> = overlapping.cloned().collect();
        let open = match (self.open.first(), self.open.last()) {
            (Some(first), Some(last)) => TimeRange::new(first.at, last.at).overlaps(&range),
            (_, _) => false,
        };
        if open {
            let start = self.open.partition_point(|sample| sample.at < range.start);
            let end = self.open.partition_point(|sample| sample.at <= range.end);
            chunks.extend(PlainChunk::of(self.open[start..end.max(start)].to_vec()));
        }
        chunks
    }
}

impl Lookup for Memory {
    fn labels(&self, id: SeriesId) -> Option<Labels> {
        self.series.get(id.0 as usize).map(|series| series.labels.clone())
    }
}

impl SeriesSource for Memory {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        let view = |series: &Series| {
            let chunks = series.within(range);
            (!chunks.is_empty()).then(|| SeriesView { labels: series.labels.clone(), chunks })
        };
        let mut views: Vec<SeriesView> = self.candidates(matchers).into_iter().filter_map(view).collect();
        views.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(views)
    }
}
