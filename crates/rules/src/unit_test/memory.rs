//! The series of one test: those that are given, as far as time has come, and those that rules have written.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{
    Chunk, CounterReset, Histogram, HistogramSample, Labels, Matcher, PlainChunk, Sample, SeriesSource,
    SeriesView, SourceError, TimeRange, Timestamp, matches_all,
};
use bellwether_promql::{SampleValue, is_reset};

/// A value and its moment.
pub(crate) type Entry = (Timestamp, SampleValue);

/// Series in memory.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    /// Invariant: the entries of each series are in time order, at most one at a moment.
    series: BTreeMap<Labels, Vec<Entry>>,
    /// Later entries are there, but not to be seen yet.
    now: Timestamp,
}

/// Why a value was not taken.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refused {
    /// The series has another value at the same moment.
    Twice {
        /// The value it has.
        has: SampleValue,
    },
    /// The series has a later value already.
    Late,
}

impl Memory {
    pub(crate) fn new(start: Timestamp) -> Self {
        Self { series: BTreeMap::new(), now: start }
    }

    /// Gives a series; it replaces what was given under the same labels.
    pub(crate) fn give(&mut self, labels: Labels, mut entries: Vec<Entry>) {
        for index in 0..entries.len() {
            let (before, rest) = entries.split_at_mut(index);
            rest.iter_mut().take(1).for_each(|entry| relate(before.last(), entry));
        }
        self.series.insert(labels, entries);
    }

    /// From now on entries up to this moment are seen.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Writes what a rule found, as the store would.
    pub(crate) fn write(&mut self, labels: &Labels, (at, value): Entry) -> Result<(), Refused> {
        let now = self.now;
        let entries = self.series.entry(labels.clone()).or_default();
        let place = entries.partition_point(|(known_at, _)| *known_at < at);
        match entries.get(place) {
            Some((known_at, known)) if *known_at == at => {
                if is_same(known, &value) {
                    Ok(())
                } else {
                    Err(Refused::Twice { has: known.clone() })
                }
            }
            // What is given for later has not happened yet.
            Some((known_at, _)) if *known_at <= now => Err(Refused::Late),
            Some(_) | None => {
                let mut entry = (at, value);
                relate(place.checked_sub(1).and_then(|before| entries.get(before)), &mut entry);
                entries.insert(place, entry);
                Ok(())
            }
        }
    }

    /// The entries of every series that is selected, up to a moment.
    pub(crate) fn look(&self, matchers: &[Matcher], until: Timestamp) -> Vec<(&Labels, &[Entry])> {
        let until = until.min(self.now);
        let selected = self.series.iter().filter(|(labels, _)| matches_all(matchers, labels));
        let seen = |entries: &'_ [Entry]| entries.partition_point(|(at, _)| *at <= until);
        let seen = selected.map(|(labels, entries)| (labels, &entries[..seen(entries)]));
        seen.filter(|(_, entries)| !entries.is_empty()).collect()
    }
}

/// Says of a histogram whether its counters went on from the one before, as Prometheus' store does whatever the
/// histogram says of itself: a gauge stays one, and where counters began anew or the layout changed nothing is known.
fn relate(before: Option<&Entry>, entry: &mut Entry) {
    let SampleValue::Histogram(histogram) = &mut entry.1 else { return };
    if histogram.counter_reset == CounterReset::Gauge || histogram.is_stale() {
        return;
    }
    let goes_on = match before {
        Some((_, SampleValue::Histogram(before))) => goes_on(before, histogram),
        Some((_, SampleValue::Float(_))) | None => false,
    };
    let relation = if goes_on { CounterReset::NotReset } else { CounterReset::Unknown };
    if histogram.counter_reset != relation {
        Arc::make_mut(histogram).counter_reset = relation;
    }
}

fn goes_on(before: &Histogram, after: &Histogram) -> bool {
    let layout = |histogram: &Histogram| (histogram.schema, histogram.zero_threshold);
    before.counter_reset != CounterReset::Gauge
        && !before.is_stale()
        && layout(before) == layout(after)
        && before.custom_bounds == after.custom_bounds
        && after.counter_reset != CounterReset::Reset
        && !is_reset(&Histogram { counter_reset: CounterReset::Unknown, ..after.clone() }, before)
}

/// The store compares bits: a stale marker is no other than itself.
fn is_same(a: &SampleValue, b: &SampleValue) -> bool {
    match (a, b) {
        (SampleValue::Float(a), SampleValue::Float(b)) => a.to_bits() == b.to_bits(),
        (SampleValue::Histogram(a), SampleValue::Histogram(b)) => a == b,
        (SampleValue::Float(_) | SampleValue::Histogram(_), _) => false,
    }
}

/// A chunk of entries that are all of one kind.
fn chunk_of(entries: &[Entry]) -> Option<Arc<dyn Chunk>> {
    let (mut floats, mut histograms) = (Vec::new(), Vec::new());
    for (at, value) in entries {
        match value {
            SampleValue::Float(value) => floats.push(Sample::new(*at, *value)),
            SampleValue::Histogram(histogram) => {
                histograms.push(HistogramSample { at: *at, histogram: histogram.clone() });
            }
        }
    }
    PlainChunk::of(floats).or_else(|| PlainChunk::of_histograms(histograms))
}

impl SeriesSource for Memory {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        let mut views = Vec::new();
        for (labels, entries) in self.look(matchers, range.end) {
            let entries = &entries[entries.partition_point(|(at, _)| *at < range.start)..];
            let same_kind =
                |a: &Entry, b: &Entry| std::mem::discriminant(&a.1) == std::mem::discriminant(&b.1);
            let chunks: Vec<_> = entries.chunk_by(same_kind).filter_map(chunk_of).collect();
            if !chunks.is_empty() {
                views.push(SeriesView { labels: labels.clone(), chunks });
            }
        }
        Ok(views)
    }
}
