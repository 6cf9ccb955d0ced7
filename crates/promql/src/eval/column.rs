//! The shape values have while they are calculated: per series one column with a slot for every step of the query.

use std::collections::HashMap;
use std::sync::Arc;

use bellwether_model::{Bucket, Histogram, Labels, STALE_NAN, is_stale};

use super::EvalError;
use super::cost::Held;
use crate::value::SampleValue;

/// A slot without a sample. The staleness marker never is a value, so its bits are free to say "nothing here".
pub(super) const ABSENT: f64 = STALE_NAN;

/// Whether a slot holds a sample.
pub(super) fn is_present(value: f64) -> bool {
    !is_stale(value)
}

/// The moments of a query: `count` of them from `start`, `step` apart, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) start: i64,
    pub(super) step: i64,
    pub(super) count: usize,
}

impl Grid {
    pub(super) fn one(at: i64) -> Self {
        Self { start: at, step: 1, count: 1 }
    }

    pub(super) fn time(&self, index: usize) -> i64 {
        self.start.saturating_add(self.step.saturating_mul(index as i64))
    }

    pub(super) fn times(&self) -> impl Iterator<Item = i64> + use<> {
        let grid = *self;
        (0..grid.count).map(move |index| grid.time(index))
    }

    pub(super) fn last(&self) -> i64 {
        self.time(self.count.saturating_sub(1))
    }
}

/// One series over all steps.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) labels: Labels,
    /// Whether the name is to go once nothing can ask for it any more (delayed name removal).
    pub(super) drop_name: bool,
    /// One slot per step; [`ABSENT`] where there is no number.
    pub(super) values: Vec<f64>,
    /// One slot per step where the series has native histograms, otherwise empty. A step has a number, or a
    /// histogram, or neither.
    pub(super) histograms: Vec<Option<Arc<Histogram>>>,
}

impl Series {
    pub(super) fn new(labels: Labels, values: Vec<f64>) -> Self {
        Self { labels, drop_name: false, values, histograms: Vec::new() }
    }

    /// Repeats its only slot.
    pub(super) fn widened(mut self, count: usize) -> Self {
        self.values.resize(count, self.values[0]);
        if let Some(histogram) = self.histograms.first().cloned() {
            self.histograms.resize(count, histogram);
        }
        self
    }

    /// What it occupies.
    pub(super) fn held(&self) -> Held {
        let beside = size_of::<Self>() + self.labels.heap_bytes() + self.histogram_bytes();
        Held::of_samples(self.values.len()).and(Held { samples: 0, bytes: beside as u64 })
    }

    /// Histograms that several steps share are held once.
    pub(super) fn histogram_bytes(&self) -> usize {
        let slots = size_of_val(self.histograms.as_slice());
        let mut before = None;
        let mut own_bytes = |histogram: &Arc<Histogram>| {
            let address = Arc::as_ptr(histogram);
            let is_new = before.replace(address) != Some(address);
            if is_new { histogram_bytes(histogram) } else { 0 }
        };
        slots + self.histograms.iter().flatten().map(&mut own_bytes).sum::<usize>()
    }

    pub(super) fn is_blank(&self) -> bool {
        !self.values.iter().copied().any(is_present) && !self.has_histograms()
    }

    pub(super) fn has_histograms(&self) -> bool {
        self.histograms.iter().any(Option::is_some)
    }

    /// Whether there is a number or a histogram at a step.
    pub(super) fn is_present(&self, step: usize) -> bool {
        is_present(self.values[step]) || self.histogram(step).is_some()
    }

    pub(super) fn histogram(&self, step: usize) -> Option<&Arc<Histogram>> {
        self.histograms.get(step)?.as_ref()
    }

    /// What is at a step, if anything.
    pub(super) fn value(&self, step: usize) -> Option<SampleValue> {
        if let Some(histogram) = self.histogram(step) {
            return Some(SampleValue::Histogram(Arc::clone(histogram)));
        }
        Some(self.values[step]).filter(|v| is_present(*v)).map(SampleValue::Float)
    }

    /// Puts a number or a histogram where there was anything or nothing.
    pub(super) fn put(&mut self, step: usize, value: Option<SampleValue>) {
        self.clear(step);
        match value {
            None => {}
            Some(SampleValue::Float(value)) => self.values[step] = value,
            Some(SampleValue::Histogram(histogram)) => {
                self.histograms.resize(self.values.len(), None);
                self.histograms[step] = Some(histogram);
            }
        }
    }

    /// Leaves nothing at a step.
    pub(super) fn clear(&mut self, step: usize) {
        self.values[step] = ABSENT;
        if let Some(slot) = self.histograms.get_mut(step) {
            *slot = None;
        }
    }
}

/// What a histogram occupies. Custom bounds are left out: all histograms of a series share them.
pub(super) fn histogram_bytes(histogram: &Histogram) -> usize {
    let buckets = histogram.positive.len() + histogram.negative.len();
    size_of::<Histogram>() + buckets * size_of::<Bucket>()
}

/// What an expression gives over all steps.
#[derive(Clone, Debug)]
pub(super) enum Columns {
    Scalar(Vec<f64>),
    Text(String),
    Vector(Vec<Series>),
}

impl Columns {
    /// What it occupies.
    pub(super) fn held(&self) -> Held {
        match self {
            Self::Scalar(values) => Held::of_samples(values.len()),
            Self::Text(text) => Held { samples: 0, bytes: text.len() as u64 },
            Self::Vector(series) => series.iter().map(Series::held).fold(Held::default(), Held::and),
        }
    }
}

/// Joins series of equal labels; two samples at one step are an error, since nobody could tell them apart.
pub(super) fn merge_equal(series: Vec<Series>) -> Result<Vec<Series>, EvalError> {
    let mut places: HashMap<Labels, usize> = HashMap::with_capacity(series.len());
    let mut merged: Vec<Series> = Vec::with_capacity(series.len());
    for one in series {
        match places.get(&one.labels) {
            None => {
                places.insert(one.labels.clone(), merged.len());
                merged.push(one);
            }
            Some(&place) => {
                let target = &mut merged[place];
                target.drop_name |= one.drop_name;
                for (step, value) in one.values.into_iter().enumerate() {
                    if !is_present(value) {
                        continue;
                    }
                    if target.is_present(step) {
                        return Err(EvalError::SameLabels { labels: one.labels });
                    }
                    target.values[step] = value;
                }
                merge_histograms(target, &one.labels, one.histograms)?;
            }
        }
    }
    Ok(merged)
}

fn merge_histograms(
    target: &mut Series,
    labels: &Labels,
    histograms: Vec<Option<Arc<Histogram>>>,
) -> Result<(), EvalError> {
    for (step, histogram) in histograms.into_iter().enumerate() {
        let Some(histogram) = histogram else { continue };
        if target.is_present(step) {
            return Err(EvalError::SameLabels { labels: labels.clone() });
        }
        target.put(step, Some(SampleValue::Histogram(histogram)));
    }
    Ok(())
}

/// [`merge_equal`], where it is wanted.
pub(super) fn merge_if(wanted: bool, series: Vec<Series>) -> Result<Vec<Series>, EvalError> {
    if wanted { merge_equal(series) } else { Ok(series) }
}
