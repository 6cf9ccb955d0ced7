//! Where series end in the store: what a total goes on from, and whether a sample was taken.

use std::sync::{Mutex, PoisonError};

use bellwether_ingest::PushedSeries;
use bellwether_ingest::otlp::{LastStored, StoredTotal, Total};
use bellwether_model::{
    Chunk, ChunkKind, HistogramSample, Labels, Matcher, SeriesSource, SeriesView, SourceError, TimeRange,
    Timestamp,
};
use bellwether_tsdb::{Snapshot, Store};

/// Ends of series in one view of the store.
pub(super) struct StoreEnds {
    store: Snapshot,
    /// Why a look-up failed: what then looks like a new series is perhaps none.
    failure: Mutex<Option<String>>,
}

/// A sample of either kind.
enum Entry {
    Marker(Timestamp),
    Value(Timestamp, Total),
}

impl StoreEnds {
    pub(super) fn of(store: &Store) -> Self {
        Self { store: store.snapshot(), failure: Mutex::default() }
    }

    /// Why a look-up failed, if one did.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn noted<T>(&self, found: Result<T, SourceError>) -> Option<T> {
        found
            .map_err(|error| {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
            })
            .ok()
    }

    fn view(&self, labels: &Labels, range: TimeRange) -> Option<SeriesView> {
        let matchers: Vec<Matcher> = labels.iter().map(|(name, value)| Matcher::equal(name, value)).collect();
        // Series with more labels match as well.
        self.noted(self.store.select(&matchers, range))?.into_iter().find(|view| view.labels == *labels)
    }

    /// Whether all samples of a series are stored as they are.
    pub(super) fn has_all(&self, series: &PushedSeries) -> bool {
        let numbers = series.samples.iter().map(|sample| sample.sample.at);
        let histograms = series.histograms.iter().map(|sample| sample.sample.at);
        let times = || numbers.clone().chain(histograms.clone());
        let (Some(first), Some(last)) = (times().min(), times().max()) else { return true };
        let Some(view) = self.view(&series.labels, TimeRange::new(first, last)) else { return false };
        let (mut samples, mut stored_histograms) = (Vec::new(), Vec::new());
        for chunk in &view.chunks {
            let decoded = chunk.decode(&mut samples).and(chunk.decode_histograms(&mut stored_histograms));
            if self.noted(decoded).is_none() {
                return false;
            }
        }
        let has_number = |at: Timestamp, value: f64| {
            samples.iter().any(|sample| sample.at == at && sample.value.to_bits() == value.to_bits())
        };
        let is_same = |stored: &HistogramSample, pushed: &HistogramSample| {
            // What is stored may say more of how it relates to the one before.
            stored.at == pushed.at && stored.histogram.count == pushed.histogram.count
        };
        series.samples.iter().all(|sample| has_number(sample.sample.at, sample.sample.value))
            && series.histograms.iter().all(|p| stored_histograms.iter().any(|s| is_same(s, &p.sample)))
    }
}

impl LastStored for StoreEnds {
    fn last(&self, labels: &Labels) -> Option<StoredTotal> {
        let view = self.view(labels, TimeRange::new(Timestamp::MIN, Timestamp::MAX))?;
        let mut at = None;
        for chunk in view.chunks.iter().rev() {
            for entry in self.noted(entries(chunk.as_ref()))?.into_iter().rev() {
                match entry {
                    Entry::Marker(when) => at = at.or(Some(when)),
                    Entry::Value(when, total) => {
                        return Some(StoredTotal { at: at.unwrap_or(when), total: Some(total) });
                    }
                }
            }
        }
        at.map(|at| StoredTotal { at, total: None })
    }
}

fn entries(chunk: &dyn Chunk) -> Result<Vec<Entry>, SourceError> {
    match chunk.kind() {
        ChunkKind::Floats => {
            let mut samples = Vec::new();
            chunk.decode(&mut samples)?;
            let entry = |sample: bellwether_model::Sample| match sample.is_stale() {
                true => Entry::Marker(sample.at),
                false => Entry::Value(sample.at, Total::Number(sample.value)),
            };
            Ok(samples.into_iter().map(entry).collect())
        }
        ChunkKind::Histograms => {
            let mut samples = Vec::new();
            chunk.decode_histograms(&mut samples)?;
            let entry = |sample: HistogramSample| match sample.is_stale() {
                true => Entry::Marker(sample.at),
                false => Entry::Value(sample.at, Total::Histogram(sample.histogram)),
            };
            Ok(samples.into_iter().map(entry).collect())
        }
    }
}
