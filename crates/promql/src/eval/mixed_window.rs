//! Samples of series that have native histograms, perhaps among numbers, and windows that slide over them.

use std::sync::Arc;

use bellwether_model::{Chunk, HistogramSample, Labels, Sample, Timestamp};

use super::column::{ABSENT, Grid, Series, histogram_bytes};
use super::cost::Cost;
use super::range_function::{self, Context};
use super::window::Windows;
use super::{EvalError, Evaluator};
use crate::function::Function;
use crate::value::SampleValue;

/// Numbers and histograms of one series, each in time order.
#[derive(Clone, Debug, Default)]
pub(super) struct MixedSamples {
    pub(super) floats: Vec<Sample>,
    pub(super) histograms: Vec<HistogramSample>,
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
    /// All entries of chunks, staleness markers included.
    pub(super) fn with_markers(chunks: &[Arc<dyn Chunk>], cost: &Cost<'_>) -> Result<Self, EvalError> {
        let mut found = Self::default();
        let mut bytes = 0;
        for chunk in chunks {
            let before = found.histograms.len();
            chunk.decode(&mut found.floats)?;
            chunk.decode_histograms(&mut found.histograms)?;
            bytes += found.histograms[before..].iter().map(|s| histogram_bytes(&s.histogram)).sum::<usize>();
            cost.check_room((bytes + size_of_val(found.floats.as_slice())) as u64)?;
            cost.spend(u64::from(chunk.summary().count))?;
        }
        Ok(found)
    }

    /// All entries of chunks that are values.
    pub(super) fn of(chunks: &[Arc<dyn Chunk>], cost: &Cost<'_>) -> Result<Self, EvalError> {
        let mut found = Self::with_markers(chunks, cost)?;
        found.floats.retain(|s| !s.is_stale());
        found.histograms.retain(|s| !s.is_stale());
        Ok(found)
    }

    /// All of them in the order of time.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut floats = self.floats.iter().peekable();
        let mut histograms = self.histograms.iter().peekable();
        std::iter::from_fn(move || match (floats.peek(), histograms.peek()) {
            (Some(float), Some(histogram)) if histogram.at < float.at => {
                histograms.next().map(Entry::Histogram)
            }
            (Some(_), _) => floats.next().copied().map(Entry::Float),
            (None, _) => histograms.next().map(Entry::Histogram),
        })
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

/// The part of a series that lies in one window.
struct Window<'a> {
    floats: &'a [Sample],
    histograms: &'a [HistogramSample],
}

impl Evaluator<'_> {
    /// Calculates a function over windows of a series that has histograms.
    pub(super) fn slide_mixed(
        &mut self,
        function: Function,
        labels: Labels,
        samples: MixedSamples,
        windows: Windows,
        grid: Grid,
        parameters: &[Vec<f64>],
    ) -> Series {
        let mut series = Series::new(labels, vec![ABSENT; grid.count]);
        for step in 0..grid.count {
            let context = windows.context(step, grid, parameters);
            let window = samples.window(&context);
            series.put(step, over_mixed(function, &window, &context));
        }
        series
    }
}

impl MixedSamples {
    fn window(&self, context: &Context) -> Window<'_> {
        let floats = &self.floats;
        let histograms = &self.histograms;
        let float_low = floats.partition_point(|s| s.at.0 <= context.start);
        let float_high = floats.partition_point(|s| s.at.0 <= context.end);
        let low = histograms.partition_point(|s| s.at.0 <= context.start);
        let high = histograms.partition_point(|s| s.at.0 <= context.end);
        Window { floats: &floats[float_low..float_high], histograms: &histograms[low..high] }
    }
}

fn over_mixed(function: Function, window: &Window<'_>, context: &Context) -> Option<SampleValue> {
    let (floats, histograms) = (window.floats, window.histograms);
    let is_first = |f: &&Sample| histograms.first().is_none_or(|h| f.at < h.at);
    let is_last = |f: &&Sample| histograms.last().is_none_or(|h| f.at > h.at);
    let (first, last) = (floats.first().filter(is_first), floats.last().filter(is_last));
    let histogram = |h: &HistogramSample| SampleValue::Histogram(Arc::clone(&h.histogram));
    let number = |value: f64| Some(SampleValue::Float(value));
    match function {
        Function::CountOverTime if !histograms.is_empty() => number((floats.len() + histograms.len()) as f64),
        Function::PresentOverTime if !histograms.is_empty() => number(1.0),
        Function::FirstOverTime => {
            first.map(|f| SampleValue::Float(f.value)).or_else(|| histograms.first().map(histogram))
        }
        Function::LastOverTime => {
            last.map(|f| SampleValue::Float(f.value)).or_else(|| histograms.last().map(histogram))
        }
        _ => range_function::over_samples(function, floats, context).map(SampleValue::Float),
    }
}
