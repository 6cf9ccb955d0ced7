//! The shape values have while they are calculated: per series one column with a slot for every step of the query.

use std::collections::HashMap;

use bellwether_model::{Labels, STALE_NAN, is_stale};

use super::EvalError;
use super::cost::Held;

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
    /// One slot per step; [`ABSENT`] where there is no sample. Native histograms will lie in a column beside it.
    pub(super) values: Vec<f64>,
}

impl Series {
    pub(super) fn new(labels: Labels, values: Vec<f64>) -> Self {
        Self { labels, drop_name: false, values }
    }

    /// What it occupies.
    pub(super) fn held(&self) -> Held {
        let beside = size_of::<Self>() + self.labels.heap_bytes();
        Held::of_samples(self.values.len()).and(Held { samples: 0, bytes: beside as u64 })
    }

    pub(super) fn is_blank(&self) -> bool {
        !self.values.iter().copied().any(is_present)
    }
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
                for (slot, value) in target.values.iter_mut().zip(one.values) {
                    if !is_present(value) {
                        continue;
                    }
                    if is_present(*slot) {
                        return Err(EvalError::SameLabels { labels: one.labels });
                    }
                    *slot = value;
                }
            }
        }
    }
    Ok(merged)
}

/// [`merge_equal`], where it is wanted.
pub(super) fn merge_if(wanted: bool, series: Vec<Series>) -> Result<Vec<Series>, EvalError> {
    if wanted { merge_equal(series) } else { Ok(series) }
}
