//! A source of series that lie in memory, cut into chunks of a chosen size.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{
    Chunk, ChunkKind, ChunkSummary, CounterReset, Histogram, HistogramSample, Labels, Matcher, Sample,
    SeriesSource, SeriesView, SourceError, TimeRange, Timestamp, matches_all,
};
use bellwether_promql::SampleValue;

/// A value at a moment.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub at: Timestamp,
    pub value: SampleValue,
    /// Since when it counts.
    pub start: Option<Timestamp>,
}

/// Entries per series; `chunk_samples` of them make a chunk.
pub(crate) struct Memory {
    pub series: BTreeMap<Labels, Vec<Entry>>,
    pub chunk_samples: usize,
}

impl Memory {
    pub(crate) fn new(chunk_samples: usize) -> Self {
        Self { series: BTreeMap::new(), chunk_samples }
    }

    pub(crate) fn add(&mut self, labels: Labels, samples: impl IntoIterator<Item = Sample>) {
        let entry = |s: Sample| Entry { at: s.at, value: SampleValue::Float(s.value), start: None };
        self.add_entries(labels, samples.into_iter().map(entry));
    }

    pub(crate) fn add_entries(&mut self, labels: Labels, entries: impl IntoIterator<Item = Entry>) {
        let all = self.series.entry(labels).or_default();
        all.extend(entries);
        all.sort_by_key(|e| e.at);
        state_resets(all);
    }
}

/// What Prometheus' store says of histograms when they are read again: gauges stay gauges, and of counters those that
/// follow another in one of its chunks have not begun anew; where a chunk begins, nothing is known.
fn state_resets(entries: &mut [Entry]) {
    let raw: Vec<Option<Arc<Histogram>>> =
        entries.iter().map(|entry| entry.value.as_histogram().cloned()).collect();
    for (index, entry) in entries.iter_mut().enumerate() {
        let Some(now) = raw[index].as_ref().filter(|h| h.counter_reset != CounterReset::Gauge) else {
            continue;
        };
        let before = index.checked_sub(1).and_then(|before| raw[before].as_deref());
        let counter_reset = match before {
            Some(before) if goes_on(before, now) => CounterReset::NotReset,
            _ => CounterReset::Unknown,
        };
        entry.value = Histogram { counter_reset, ..Histogram::clone(now) }.into();
    }
}

/// Whether a counter histogram fits behind another into one chunk.
fn goes_on(before: &Histogram, now: &Histogram) -> bool {
    let is_counter = !matches!(before.counter_reset, CounterReset::Gauge);
    let is_alike = now.schema == before.schema
        && now.zero_threshold == before.zero_threshold
        && now.custom_bounds == before.custom_bounds;
    let count = |buckets: &[bellwether_model::Bucket], index| {
        buckets.iter().find(|b| b.index == index).map_or(0.0, |b| b.count)
    };
    let grew = |now: &[bellwether_model::Bucket], before: &[bellwether_model::Bucket]| {
        before.iter().all(|b| b.count <= count(now, b.index))
    };
    let stays = now.count >= before.count
        && now.zero_count >= before.zero_count
        && grew(&now.positive, &before.positive)
        && grew(&now.negative, &before.negative);
    let is_stated = now.counter_reset == CounterReset::Reset;
    is_counter && !is_stated && (now.is_stale() || (!before.is_stale() && is_alike && stays))
}

struct Part {
    summary: ChunkSummary,
    kind: ChunkKind,
    entries: Vec<Entry>,
}

impl Part {
    fn new(entries: &[Entry]) -> Self {
        let floats: Vec<Sample> =
            entries.iter().filter_map(|e| Some(Sample::new(e.at, e.value.as_float()?))).collect();
        let histograms: Vec<_> = entries
            .iter()
            .filter_map(|e| Some(HistogramSample::new(e.at, Arc::clone(e.value.as_histogram()?))))
            .collect();
        let summary = ChunkSummary::of(&floats).or_else(|| ChunkSummary::of_histograms(&histograms));
        let kind = if floats.is_empty() { ChunkKind::Histograms } else { ChunkKind::Floats };
        Self { summary: summary.expect("chunks are never empty"), kind, entries: entries.to_vec() }
    }
}

impl Chunk for Part {
    fn summary(&self) -> &ChunkSummary {
        &self.summary
    }

    fn kind(&self) -> ChunkKind {
        self.kind
    }

    fn decode(&self, out: &mut Vec<Sample>) -> Result<(), SourceError> {
        out.extend(self.entries.iter().filter_map(|e| Some(Sample::new(e.at, e.value.as_float()?))));
        Ok(())
    }

    fn decode_histograms(&self, out: &mut Vec<HistogramSample>) -> Result<(), SourceError> {
        let histogram = |e: &Entry| Some(HistogramSample::new(e.at, Arc::clone(e.value.as_histogram()?)));
        out.extend(self.entries.iter().filter_map(histogram));
        Ok(())
    }

    fn has_start_times(&self) -> bool {
        self.entries.iter().any(|e| e.start.is_some())
    }

    fn decode_start_times(&self, out: &mut Vec<Option<Timestamp>>) -> Result<(), SourceError> {
        if self.has_start_times() {
            out.extend(self.entries.iter().map(|e| e.start));
        }
        Ok(())
    }
}

impl SeriesSource for Memory {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        let mut views = Vec::new();
        for (labels, entries) in self.series.iter().filter(|(labels, _)| matches_all(matchers, labels)) {
            let is_float = |e: &Entry| e.value.as_float().is_some();
            let of_one_kind = entries.chunk_by(|a, b| is_float(a) == is_float(b));
            let parts = of_one_kind.flat_map(|run| run.chunks(self.chunk_samples)).map(Part::new);
            let parts = parts.filter(|p| p.summary.range.overlaps(&range));
            let chunks: Vec<_> = parts.map(|p| Arc::new(p) as Arc<dyn Chunk>).collect();
            if !chunks.is_empty() {
                views.push(SeriesView { labels: labels.clone(), chunks });
            }
        }
        Ok(views)
    }
}
