//! Sums and differences of histograms.
//!
//! What differs is reconciled first: the coarser schema wins, the zero bucket becomes as wide as the wider one (and
//! wider, where its edge would cut a bucket that is not empty), and of custom bounds those remain that both have.

use std::sync::Arc;

use bellwether_model::{Bucket, CounterReset, Histogram, Schema};

use super::layout::{SumBucket, add_buckets, coarsen, keep_bounds, shared_bounds, sum_buckets};
use crate::kahan::Kahan;

/// One histogram has custom bounds, the other has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IncompatibleSchemas;

/// A histogram made of several.
#[derive(Clone, Debug)]
pub(crate) struct Combined {
    pub(crate) histogram: Histogram,
    /// One of them said that its counters began anew, another that they went on.
    pub(crate) hints_collide: bool,
    /// Custom bounds differed.
    pub(crate) bounds_reconciled: bool,
}

/// Two histograms together.
pub(crate) fn sum(a: &Histogram, b: &Histogram) -> Result<Combined, IncompatibleSchemas> {
    let mut sum = HistogramSum::of(a);
    sum.add(b)?;
    Ok(sum.total())
}

/// One histogram without another.
pub(crate) fn difference(a: &Histogram, b: &Histogram) -> Result<Combined, IncompatibleSchemas> {
    let mut sum = HistogramSum::of(a);
    sum.subtract(b)?;
    Ok(sum.total())
}

/// What was observed between two histograms of one counter; `None` where one has custom bounds and the other has not.
pub fn increase(current: &Histogram, previous: &Histogram) -> Option<Histogram> {
    difference(current, previous).ok().map(|combined| combined.histogram)
}

/// A sum of histograms that grows; every count is summed as Kahan does it.
#[derive(Clone, Debug)]
pub(crate) struct HistogramSum {
    counter_reset: CounterReset,
    schema: Schema,
    zero_threshold: f64,
    zero_count: Kahan,
    count: Kahan,
    sum: Kahan,
    positive: Vec<SumBucket>,
    negative: Vec<SumBucket>,
    custom_bounds: Arc<[f64]>,
    hints_collide: bool,
    bounds_reconciled: bool,
}

impl HistogramSum {
    pub(crate) fn of(histogram: &Histogram) -> Self {
        Self {
            counter_reset: histogram.counter_reset,
            schema: histogram.schema,
            zero_threshold: histogram.zero_threshold,
            zero_count: Kahan::of(histogram.zero_count),
            count: Kahan::of(histogram.count),
            sum: Kahan::of(histogram.sum),
            positive: sum_buckets(&histogram.positive),
            negative: sum_buckets(&histogram.negative),
            custom_bounds: Arc::clone(&histogram.custom_bounds),
            hints_collide: false,
            bounds_reconciled: false,
        }
    }

    pub(crate) fn add(&mut self, other: &Histogram) -> Result<(), IncompatibleSchemas> {
        self.combine(Self::of(other))
    }

    pub(crate) fn subtract(&mut self, other: &Histogram) -> Result<(), IncompatibleSchemas> {
        let mut other = Self::of(other);
        other.scale(-1.0);
        self.combine(other)
    }

    /// Every count, and the sum, times a factor.
    pub(crate) fn scale(&mut self, factor: f64) {
        self.for_each_part(|part| *part = part.scaled(factor));
    }

    fn for_each_part(&mut self, change: impl Fn(&mut Kahan)) {
        for bucket in self.positive.iter_mut().chain(&mut self.negative) {
            change(&mut bucket.count);
        }
        [&mut self.zero_count, &mut self.count, &mut self.sum].into_iter().for_each(change);
    }

    /// Every count, and the sum, divided by a number.
    pub(crate) fn divide(&mut self, divisor: f64) {
        self.for_each_part(|part| *part = Kahan { sum: part.sum / divisor, lost: part.lost / divisor });
    }

    /// Whether custom bounds differed since this was last asked.
    pub(crate) fn take_bounds_reconciled(&mut self) -> bool {
        std::mem::take(&mut self.bounds_reconciled)
    }

    pub(crate) fn has_overflowed(&self) -> bool {
        let buckets = self.positive.iter().chain(&self.negative).map(|bucket| bucket.count);
        buckets.chain([self.zero_count, self.count, self.sum]).any(|part| part.sum.is_infinite())
    }

    pub(crate) fn total(self) -> Combined {
        let buckets = |buckets: Vec<SumBucket>| -> Vec<Bucket> {
            let totals = buckets.iter().map(|b| Bucket { index: b.index, count: b.count.total() });
            totals.filter(|b| b.count != 0.0).collect()
        };
        let histogram = Histogram {
            counter_reset: self.counter_reset,
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count.total(),
            count: self.count.total(),
            sum: self.sum.total(),
            positive: buckets(self.positive),
            negative: buckets(self.negative),
            custom_bounds: self.custom_bounds,
        };
        Combined { histogram, hints_collide: self.hints_collide, bounds_reconciled: self.bounds_reconciled }
    }

    fn combine(&mut self, mut other: Self) -> Result<(), IncompatibleSchemas> {
        if self.schema.is_custom() != other.schema.is_custom() {
            return Err(IncompatibleSchemas);
        }
        self.combine_hints(other.counter_reset);
        if self.schema.is_custom() {
            self.share_bounds(&mut other);
        } else {
            self.share_zero_bucket(&mut other);
            let schema = Schema::from_number(self.schema.number().min(other.schema.number()));
            let schema = schema.unwrap_or(self.schema);
            self.coarsen(schema);
            other.coarsen(schema);
        }
        add_buckets(&mut self.positive, &other.positive);
        add_buckets(&mut self.negative, &other.negative);
        self.zero_count.add_sum(other.zero_count);
        self.count.add_sum(other.count);
        self.sum.add_sum(other.sum);
        Ok(())
    }

    /// A gauge makes everything a gauge; what is unknown stays so; opposites collide and leave nothing known.
    fn combine_hints(&mut self, other: CounterReset) {
        use CounterReset::{Gauge, NotReset, Reset, Unknown};
        let hints_collide = matches!((self.counter_reset, other), (Reset, NotReset) | (NotReset, Reset));
        self.hints_collide |= hints_collide;
        self.counter_reset = match (self.counter_reset, other) {
            (a, b) if a == b => a,
            (Gauge, _) | (_, Gauge) => Gauge,
            (Unknown | Reset | NotReset, _) => Unknown,
        };
    }

    fn share_bounds(&mut self, other: &mut Self) {
        if self.custom_bounds == other.custom_bounds {
            return;
        }
        let kept = shared_bounds(&self.custom_bounds, &other.custom_bounds);
        for one in [&mut *self, other] {
            keep_bounds(&mut one.positive, &one.custom_bounds, &kept);
            one.custom_bounds = Arc::clone(&kept);
        }
        self.bounds_reconciled = true;
    }

    fn share_zero_bucket(&mut self, other: &mut Self) {
        // Widening one may go beyond the other's edge, so they take turns; each turn ends at a bound of a bucket.
        while self.zero_threshold != other.zero_threshold {
            if self.zero_threshold < other.zero_threshold {
                self.widen_zero_bucket(other.zero_threshold);
            } else if other.zero_threshold < self.zero_threshold {
                other.widen_zero_bucket(self.zero_threshold);
            } else {
                return;
            }
        }
    }

    /// Widens the zero bucket to a threshold, or to the first larger one that cuts no bucket that is not empty.
    pub(super) fn widen_zero_bucket(&mut self, threshold: f64) {
        if threshold <= self.zero_threshold {
            return;
        }
        let schema = self.schema;
        let lower = |bucket: &SumBucket| schema.exponential_bound(bucket.index.saturating_sub(1));
        let upper = |bucket: &SumBucket| schema.exponential_bound(bucket.index);
        let mut widened = threshold;
        loop {
            let both = self.positive.iter().chain(&self.negative);
            let mut cut =
                both.filter(|b| b.count.sum != 0.0 && lower(b) < widened && upper(b) > widened).map(upper);
            match cut.next() {
                Some(bound) => widened = bound,
                None => break,
            }
        }
        for buckets in [&mut self.positive, &mut self.negative] {
            let inside = buckets.partition_point(|bucket| lower(bucket) < widened);
            buckets.drain(..inside).for_each(|bucket| self.zero_count.add_sum(bucket.count));
        }
        self.zero_threshold = widened;
    }

    /// Joins buckets so that they fit a coarser schema.
    pub(crate) fn coarsen(&mut self, schema: Schema) {
        coarsen(&mut self.positive, self.schema, schema);
        coarsen(&mut self.negative, self.schema, schema);
        self.schema = schema;
    }
}
