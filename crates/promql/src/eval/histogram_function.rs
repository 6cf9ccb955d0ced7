//! Functions that make a number of every native histogram.

use std::sync::Arc;

use bellwether_model::{CounterReset, Histogram};

use super::column::{ABSENT, Grid, Series, merge_if};
use super::mixed_samples::MixedSamples;
use super::{EvalError, Evaluator};
use crate::function::Function;
use crate::histogram::{is_reset, variance};
use crate::syntax::{Call, Expr};

/// Whether what is evaluated is read for counts and sums of histograms only. Samples are then compared one after the
/// other as they are read, so that what begins anew is known even where the source did not say so, and their buckets
/// are left behind. Prometheus does so too, and it shows in its warnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Statistics {
    /// Nobody said so.
    NotAsked,
    /// Nothing else is read.
    Enough,
    /// Buckets are read further up, or samples are left out there.
    NotEnough,
}

impl Evaluator<'_> {
    /// Leaves of histograms their statistics, and whether they began anew, where nothing else is read.
    /// Samples up to a moment are not looked at.
    pub(super) fn keep_statistics(&self, samples: &mut MixedSamples, after: i64) {
        if self.statistics != Statistics::Enough {
            return;
        }
        let mut before: Option<Arc<Histogram>> = None;
        let seen = samples.histograms.iter_mut().filter(|s| s.at.0 > after && !s.is_stale());
        for sample in seen {
            let now = Arc::clone(&sample.histogram);
            let counter_reset = match (now.counter_reset, before) {
                (CounterReset::Unknown, Some(before)) if is_reset(&now, &before) => CounterReset::Reset,
                (CounterReset::Unknown, Some(_)) => CounterReset::NotReset,
                (stated, _) => stated,
            };
            let (count, sum) = (now.count, now.sum);
            let statistics = Histogram { counter_reset, count, sum, ..Histogram::empty(now.schema) };
            sample.histogram = Arc::new(statistics);
            before = Some(now);
        }
    }

    /// Evaluates what is read for its buckets.
    pub(super) fn vector_with_buckets(&mut self, expr: &Expr, grid: Grid) -> Result<Vec<Series>, EvalError> {
        let before = std::mem::replace(&mut self.statistics, Statistics::NotEnough);
        let series = self.vector(expr, grid);
        self.statistics = before;
        series
    }

    /// `histogram_count()` and its like; numbers have no such thing, and so no result.
    pub(super) fn histogram_value(&mut self, call: &Call, grid: Grid) -> Result<Vec<Series>, EvalError> {
        let reads_buckets = matches!(call.function, Function::HistogramStddev | Function::HistogramStdvar);
        let mut series = if reads_buckets {
            self.vector_with_buckets(&call.arguments[0], grid)?
        } else {
            let before = self.statistics;
            if before == Statistics::NotAsked {
                self.statistics = Statistics::Enough;
            }
            let series = self.vector(&call.arguments[0], grid);
            self.statistics = before;
            series?
        };
        for one in &mut series {
            let histograms = std::mem::take(&mut one.histograms);
            one.values.fill(ABSENT);
            for (slot, histogram) in one.values.iter_mut().zip(&histograms) {
                if let Some(histogram) = histogram {
                    *slot = value(call.function, histogram);
                    self.cost.spend(1 + (histogram.positive.len() + histogram.negative.len()) as u64)?;
                }
            }
            self.drop_name(one);
        }
        series.retain(|one| !one.is_blank());
        merge_if(!self.options.delayed_name_removal, series)
    }
}

fn value(function: Function, histogram: &Histogram) -> f64 {
    match function {
        Function::HistogramCount => histogram.count,
        Function::HistogramSum => histogram.sum,
        Function::HistogramStddev => variance(histogram).sqrt(),
        Function::HistogramStdvar => variance(histogram),
        _ => histogram.sum / histogram.count,
    }
}
