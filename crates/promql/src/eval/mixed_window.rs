//! Samples of series that have native histograms, perhaps among numbers, and windows that slide over them.

use std::sync::Arc;

use bellwether_model::{
    Chunk, ChunkKind, CounterReset, Histogram, HistogramSample, Labels, Sample, Timestamp,
};

use super::column::{ABSENT, Grid, Series, histogram_bytes};
use super::cost::{Cost, Held};
use super::extended::over_extended;
use super::histogram_extended::over_extended_histograms;
use super::histogram_rate::{extrapolated_rate, histograms_combined, instant_difference};
use super::note::{Note, Notes};
use super::range_function::{self, Context};
use super::start_time::Counted;
use super::window::Windows;
use super::{EvalError, Evaluator};
use crate::function::Function;
use crate::histogram::{is_reset, is_same};
use crate::syntax::{Edges, Span};
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
    fn state_resets(&mut self) {
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

/// A series with histograms or start times, and the windows to look at it through.
pub(super) struct MixedRow<'a> {
    pub(super) labels: Labels,
    pub(super) samples: MixedSamples,
    pub(super) windows: Windows,
    pub(super) parameters: &'a [Vec<f64>],
    /// Where the range stands in the query.
    pub(super) span: &'a Span,
}

impl Evaluator<'_> {
    /// Calculates a function over windows of a series that has histograms or start times.
    pub(super) fn slide_mixed(
        &mut self,
        function: Function,
        mut row: MixedRow<'_>,
        grid: Grid,
    ) -> Result<Series, EvalError> {
        if grid.count > 1 && compares_neighbours(function) {
            row.samples.state_resets();
        }
        let mut notes = Notes::default();
        let name = row.labels.metric_name().unwrap_or("").to_owned();
        let mut series = Series::new(row.labels, vec![ABSENT; grid.count]);
        for step in 0..grid.count {
            let context = row.windows.context(step, grid, row.parameters);
            let (after, through) = row.windows.reach(step);
            let window = row.samples.window(after, through);
            // Histograms of a series are about as large as its first one.
            let buckets = window.histograms.first().map_or(0, |s| s.histogram.positive.len());
            self.cost.spend((window.floats.len() + window.histograms.len() * (1 + buckets)) as u64)?;
            let value = match row.windows.edges {
                Edges::Plain => over_mixed(function, &window, &context, &mut notes),
                Edges::Anchored | Edges::Smoothed => {
                    over_extended_mixed(function, &window, &context, row.windows.edges, &mut notes)
                }
            };
            series.put(step, value);
        }
        self.note_all(&notes, &name, row.span);
        self.hold_histograms(&series)?;
        Ok(series)
    }

    /// Counts the histograms of a series, whose size only they know.
    pub(super) fn hold_histograms(&mut self, series: &Series) -> Result<(), EvalError> {
        let bytes = series.histogram_bytes() as u64;
        self.cost.settle(self.cost.held(), Held { samples: 0, bytes })
    }
}

/// Whether a function asks of neighbours whether the later one began anew, and of nothing else they say.
fn compares_neighbours(function: Function) -> bool {
    matches!(function, Function::Rate | Function::Increase | Function::Irate | Function::Resets)
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

fn over_mixed(
    function: Function,
    window: &Window<'_>,
    context: &Context,
    notes: &mut Notes,
) -> Option<SampleValue> {
    let (floats, histograms) = (window.floats, window.histograms);
    let number = |value: f64| Some(SampleValue::Float(value));
    let first_is_float = match (floats.first(), histograms.first()) {
        (Some(float), Some(histogram)) => float.at < histogram.at,
        (float, _) => float.is_some(),
    };
    let last_is_float = match (floats.last(), histograms.last()) {
        (Some(float), Some(histogram)) => float.at > histogram.at,
        (float, _) => float.is_some(),
    };
    let shown = |h: &HistogramSample| SampleValue::Histogram(Arc::clone(&h.histogram));
    match function {
        Function::Rate | Function::Increase | Function::Delta => {
            extrapolated_rate(function, window, context, notes)
        }
        Function::Irate | Function::Idelta => instant_difference(function, window, notes),
        Function::SumOverTime | Function::AvgOverTime if !histograms.is_empty() => {
            if window.is_mixed() {
                notes.add(Note::FloatsAndHistograms);
                return None;
            }
            let is_mean = function == Function::AvgOverTime;
            histograms_combined(histograms, is_mean, notes).map(SampleValue::from)
        }
        Function::CountOverTime if !histograms.is_empty() => number((floats.len() + histograms.len()) as f64),
        Function::PresentOverTime if !histograms.is_empty() => number(1.0),
        Function::FirstOverTime if !first_is_float => histograms.first().map(shown),
        Function::LastOverTime if !last_is_float => histograms.last().map(shown),
        Function::TsOfFirstOverTime if !first_is_float => number(histograms.first()?.at.as_secs_f64()),
        Function::TsOfLastOverTime if !last_is_float => number(histograms.last()?.at.as_secs_f64()),
        Function::Resets => number(resets(&window.entries())?),
        Function::Changes => number(changes(&window.entries())?),
        _ => {
            let reads_any_kind = matches!(
                function,
                Function::FirstOverTime
                    | Function::LastOverTime
                    | Function::TsOfFirstOverTime
                    | Function::TsOfLastOverTime
            );
            notes.add_if(window.is_mixed() && !reads_any_kind, Note::HistogramsIgnored);
            range_function::over_samples(function, floats, context).map(SampleValue::Float)
        }
    }
}

fn over_extended_mixed(
    function: Function,
    window: &Window<'_>,
    context: &Context,
    edges: Edges,
    notes: &mut Notes,
) -> Option<SampleValue> {
    match function {
        Function::Resets | Function::Changes => {
            let entries = window.entries();
            let inside = entries.partition_point(|(entry, _)| entry.at().0 <= context.start);
            // Without anything inside the window there is nothing to compare with what is before it.
            let from_edge = if inside < entries.len() { &entries[inside.saturating_sub(1)..] } else { &[] };
            let count = if function == Function::Resets { resets(from_edge) } else { changes(from_edge) };
            count.map(SampleValue::Float)
        }
        _ if window.is_mixed() => {
            notes.add(Note::FloatsAndHistograms);
            None
        }
        _ if window.histograms.is_empty() => {
            over_extended(function, window.floats, context, edges).map(SampleValue::Float)
        }
        _ => over_extended_histograms(function, window.histograms, context, edges, notes)
            .map(SampleValue::from),
    }
}

fn resets(entries: &[(Entry<'_>, Counted)]) -> Option<f64> {
    let is_reset = |before: &(Entry<'_>, Counted), now: &(Entry<'_>, Counted)| match (&before.0, &now.0) {
        (Entry::Float(a), Entry::Float(b)) => b.value < a.value || now.1.is_restart_after(&before.1),
        (Entry::Histogram(a), Entry::Histogram(b)) => {
            now.1.is_restart_after(&before.1) || is_reset(&b.histogram, &a.histogram)
        }
        (Entry::Float(_), Entry::Histogram(_)) | (Entry::Histogram(_), Entry::Float(_)) => true,
    };
    entries.first()?;
    Some(entries.windows(2).filter(|pair| is_reset(&pair[0], &pair[1])).count() as f64)
}

fn changes(entries: &[(Entry<'_>, Counted)]) -> Option<f64> {
    let is_change = |before: &Entry<'_>, now: &Entry<'_>| match (before, now) {
        (Entry::Float(a), Entry::Float(b)) => a.value != b.value && !(a.value.is_nan() && b.value.is_nan()),
        (Entry::Histogram(a), Entry::Histogram(b)) => !is_same(&a.histogram, &b.histogram),
        (Entry::Float(_), Entry::Histogram(_)) | (Entry::Histogram(_), Entry::Float(_)) => true,
    };
    entries.first()?;
    Some(entries.windows(2).filter(|pair| is_change(&pair[0].0, &pair[1].0)).count() as f64)
}
