//! Entries that came after newer ones of their series: kept apart from what grows in order, sorted, until they are
//! sealed. There are few of them, so they are not compressed.

use std::sync::Arc;

use bellwether_model::{Histogram, HistogramSample, Sample, TimeRange, Timestamp};

use crate::entry::{Entry, EntryValue, is_same};
use crate::run::Run;

/// One series' late entries. Invariant: in time order, no moment twice.
#[derive(Default)]
pub(crate) struct LateEntries(Vec<LateEntry>);

struct LateEntry {
    at: Timestamp,
    value: LateValue,
    since: Option<Timestamp>,
}

enum LateValue {
    Float(f64),
    Histogram(Arc<Histogram>),
}

impl LateEntry {
    fn value(&self) -> EntryValue<'_> {
        match &self.value {
            LateValue::Float(value) => EntryValue::Float(*value),
            LateValue::Histogram(histogram) => EntryValue::Histogram(histogram),
        }
    }
}

impl LateEntries {
    /// Whether an entry of this moment is here, and if so, whether it is the same.
    pub(crate) fn compare(&self, entry: &Entry<'_>) -> Option<bool> {
        let place = self.0.binary_search_by_key(&entry.at, |late| late.at).ok()?;
        Some(is_same(self.0[place].value(), entry.value))
    }

    /// Adds an entry of a moment that is not here.
    pub(crate) fn insert(&mut self, entry: &Entry<'_>) {
        let value = match entry.value {
            EntryValue::Float(value) => LateValue::Float(value),
            EntryValue::Histogram(histogram) => LateValue::Histogram(Arc::clone(histogram)),
        };
        let place = self.0.partition_point(|late| late.at < entry.at);
        self.0.insert(place, LateEntry { at: entry.at, value, since: entry.since });
    }

    /// Takes away entries of some moments, which are sorted.
    pub(crate) fn remove(&mut self, moments: &[Timestamp]) {
        self.0.retain(|late| moments.binary_search(&late.at).is_err());
    }

    /// Takes away everything before a moment.
    pub(crate) fn drop_before(&mut self, moment: Timestamp) {
        self.0.retain(|late| late.at >= moment);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.0.capacity() * size_of::<LateEntry>()
    }

    /// What lies inside a stretch of time; neighbours of one kind together.
    pub(crate) fn runs(&self, range: TimeRange) -> Vec<Run> {
        let inside = self.0.iter().filter(|late| range.contains(late.at)).collect::<Vec<_>>();
        let kind = |late: &LateEntry| matches!(late.value, LateValue::Float(_));
        inside.chunk_by(|a, b| kind(a) == kind(b)).map(run).collect()
    }
}

/// Of entries of one kind.
fn run(entries: &[&LateEntry]) -> Run {
    let (mut floats, mut histograms) = (Vec::new(), Vec::new());
    for late in entries {
        match &late.value {
            LateValue::Float(value) => floats.push(Sample::new(late.at, *value)),
            LateValue::Histogram(histogram) => {
                histograms.push(HistogramSample::new(late.at, Arc::clone(histogram)));
            }
        }
    }
    let has_starts = entries.iter().any(|late| late.since.is_some());
    let starts = if has_starts { entries.iter().map(|late| late.since).collect() } else { Vec::new() };
    if floats.is_empty() { Run::of_histograms(histograms, starts) } else { Run::of_floats(floats, starts) }
}
