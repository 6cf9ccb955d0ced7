//! Samples of a series that has native histograms, perhaps among numbers, and the part of them in one window.

use std::sync::Arc;

use bellwether_model::{Chunk, ChunkKind, CounterReset, Histogram, HistogramSample, Sample, Timestamp};

use super::EvalError;
use super::column::histogram_bytes;
use super::cost::Cost;
use super::start_time::Counted;
use crate::histogram::is_reset;
use crate::value::SampleValue;

/// Numbers and histograms of one series, each in time order.
#[derive(Clone, Debug, Default)]
pub(super) struct MixedSamples {
    pub(super) floats: Vec<Sample>,
    pub(super) histograms: Vec<HistogramSample>,
    /// Since when each of `floats` counts; empty where nothing is known of any.
    float_starts: Vec<Option<Timestamp>>,
    /// Since when each of `histograms` counts; empty where nothing is known of any.
    histogram_starts: Vec<Option<Timestamp>>,
}

/// One of them.
#[derive(Clone, Copy)]
pub(super) enum Entry<'a> {
    Float(Sample),
    Histogram(&'a HistogramSample),
}

impl Entry<'_> {
    pub(super) fn at(&self) -> Timestamp {
        match self {
            Self::Float(sample) => sample.at,
            Self::Histogram(sample) => sample.at,
        }
    }

    pub(super) fn is_stale(&self) -> bool {
        match self {
            Self::Float(sample) => sample.is_stale(),
            Self::Histogram(sample) => sample.is_stale(),
        }
    }

    pub(super) fn value(&self) -> SampleValue {
        match self {
            Self::Float(sample) => SampleValue::Float(sample.value),
            Self::Histogram(sample) => SampleValue::Histogram(Arc::clone(&sample.histogram)),
        }
    }
}

impl MixedSamples {
    pub(super) fn new(floats: Vec<Sample>, histograms: Vec<HistogramSample>) -> Self {
        Self { floats, histograms, float_starts: Vec::new(), histogram_starts: Vec::new() }
    }

    /// All entries of chunks, staleness markers included.
    pub(super) fn with_markers(chunks: &[Arc<dyn Chunk>], cost: &Cost<'_>) -> Result<Self, EvalError> {
        let mut found = Self::default();
        let mut bytes = 0;
        for chunk in chunks {
            let (floats, histograms) = (found.floats.len(), found.histograms.len());
            chunk.decode(&mut found.floats)?;
            chunk.decode_histograms(&mut found.histograms)?;
            if chunk.has_start_times() {
                let (starts, before, after) = match chunk.kind() {
                    ChunkKind::Floats => (&mut found.float_starts, floats, found.floats.len()),
                    ChunkKind::Histograms => {
                        (&mut found.histogram_starts, histograms, found.histograms.len())
                    }
                };
                // Chunks that know nothing have added nothing.
                starts.resize(before, None);
                chunk.decode_start_times(starts)?;
                starts.resize(after, None);
            }
            let decoded = found.histograms[histograms..].iter();
            bytes += decoded.map(|s| histogram_bytes(&s.histogram)).sum::<usize>();
            cost.check_room((bytes + size_of_val(found.floats.as_slice())) as u64)?;
            cost.spend(u64::from(chunk.summary().count))?;
        }
        Ok(found)
    }

    /// All entries of chunks that are values.
    pub(super) fn of(chunks: &[Arc<dyn Chunk>], cost: &Cost<'_>) -> Result<Self, EvalError> {
        let mut found = Self::with_markers(chunks, cost)?;
        keep_starts(&mut found.float_starts, found.floats.iter().map(|s| !s.is_stale()));
        keep_starts(&mut found.histogram_starts, found.histograms.iter().map(|s| !s.is_stale()));
        found.floats.retain(|s| !s.is_stale());
        found.histograms.retain(|s| !s.is_stale());
        Ok(found)
    }

    /// Compares every histogram with the one before it, where nobody has said whether it began anew. Windows that
    /// overlap then need not compare the same two again.
    pub(super) fn state_resets(&mut self) {
        let mut before: Option<Arc<Histogram>> = None;
        for sample in &mut self.histograms {
            let now = Arc::clone(&sample.histogram);
            if let Some(before) = before.filter(|_| now.counter_reset == CounterReset::Unknown) {
                let is_reset = is_reset(&now, &before);
                let counter_reset = if is_reset { CounterReset::Reset } else { CounterReset::NotReset };
                sample.histogram = Arc::new(Histogram { counter_reset, ..Histogram::clone(&now) });
            }
            before = Some(now);
        }
    }

    /// Keeps what lies after one moment and not after another.
    pub(super) fn cut(&mut self, after: i64, through: i64) {
        self.floats.retain(|s| s.at.0 > after && s.at.0 <= through);
        self.histograms.retain(|s| s.at.0 > after && s.at.0 <= through);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.floats.is_empty() && self.histograms.is_empty()
    }
}

/// A histogram that says nothing of the one before it, unless it is a gauge.
pub(super) fn without_relation(histogram: Arc<Histogram>) -> Arc<Histogram> {
    match histogram.counter_reset {
        CounterReset::Unknown | CounterReset::Gauge => histogram,
        CounterReset::Reset | CounterReset::NotReset => {
            Arc::new(Histogram { counter_reset: CounterReset::Unknown, ..Histogram::clone(&histogram) })
        }
    }
}

/// Removes the start times of entries that are not kept.
fn keep_starts(starts: &mut Vec<Option<Timestamp>>, kept: impl Iterator<Item = bool>) {
    let mut kept = kept.chain(std::iter::repeat(true));
    starts.retain(|_| kept.next() == Some(true));
}

/// The part of a series that lies in one window.
#[derive(Clone, Copy)]
pub(super) struct Window<'a> {
    pub(super) floats: &'a [Sample],
    pub(super) histograms: &'a [HistogramSample],
    float_starts: &'a [Option<Timestamp>],
    histogram_starts: &'a [Option<Timestamp>],
}

impl<'a> Window<'a> {
    pub(super) fn is_mixed(&self) -> bool {
        !self.floats.is_empty() && !self.histograms.is_empty()
    }

    /// When a number was measured, and since when it counts.
    pub(super) fn counted_float(&self, index: usize) -> Counted {
        Counted { at: self.floats[index].at, start: self.float_starts.get(index).copied().flatten() }
    }

    /// When a histogram was measured, and since when it counts.
    pub(super) fn counted_histogram(&self, index: usize) -> Counted {
        Counted { at: self.histograms[index].at, start: self.histogram_starts.get(index).copied().flatten() }
    }

    /// All entries in the order of time.
    pub(super) fn entries(&self) -> Vec<(Entry<'a>, Counted)> {
        let floats = (0..self.floats.len()).map(|i| (Entry::Float(self.floats[i]), self.counted_float(i)));
        let histograms = (0..self.histograms.len())
            .map(|i| (Entry::Histogram(&self.histograms[i]), self.counted_histogram(i)));
        let mut entries: Vec<_> = floats.chain(histograms).collect();
        entries.sort_by_key(|(entry, _)| entry.at());
        entries
    }
}

impl MixedSamples {
    /// All of them.
    pub(super) fn whole(&self) -> Window<'_> {
        Window {
            floats: &self.floats,
            histograms: &self.histograms,
            float_starts: &self.float_starts,
            histogram_starts: &self.histogram_starts,
        }
    }

    /// Those after one moment and not after another.
    pub(super) fn window(&self, after: i64, through: i64) -> Window<'_> {
        let place = |moment: i64| {
            let float = self.floats.partition_point(|s| s.at.0 <= moment);
            let histogram = self.histograms.partition_point(|s| s.at.0 <= moment);
            (float, histogram)
        };
        let (low, high) = (place(after), place(through));
        let (low, high) = ((low.0, low.1), (high.0.max(low.0), high.1.max(low.1)));
        Window {
            floats: &self.floats[low.0..high.0],
            histograms: &self.histograms[low.1..high.1],
            float_starts: self.float_starts.get(low.0..high.0).unwrap_or_default(),
            histogram_starts: self.histogram_starts.get(low.1..high.1).unwrap_or_default(),
        }
    }
}
