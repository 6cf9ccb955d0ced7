//! Whether a counter histogram began anew, and whether two histograms are the same.
//!
//! A counter began anew where any of its counts fell, or where its buckets became finer or its zero bucket narrower, which no source
//! does without starting again. Where the source said so itself, nothing is compared.

use bellwether_model::{Bucket, CounterReset, Histogram};

use super::layout::{SumBucket, keep_bounds, shared_bounds, sum_buckets};
use super::sum::HistogramSum;

/// Whether the counters of `previous` began anew before `current` was measured.
pub fn is_reset(current: &Histogram, previous: &Histogram) -> bool {
    match current.counter_reset {
        CounterReset::Reset => return true,
        CounterReset::NotReset => return false,
        // A gauge is compared as if it were a counter; whoever asks about one is warned elsewhere.
        CounterReset::Unknown | CounterReset::Gauge => {}
    }
    if current.count < previous.count || current.schema.number() > previous.schema.number() {
        return true;
    }
    if current.schema.is_custom() {
        return has_custom_fallen(current, previous);
    }
    if previous.schema.is_custom() || current.zero_threshold < previous.zero_threshold {
        return true;
    }
    if current.schema == previous.schema && current.zero_threshold == previous.zero_threshold {
        return has_fallen(current, previous);
    }
    let mut widened = HistogramSum::of(previous);
    widened.widen_zero_bucket(current.zero_threshold);
    widened.coarsen(current.schema);
    let widened = widened.total().histogram;
    // A wider threshold would have cut a bucket of the previous histogram: they cannot be of one run.
    widened.zero_threshold != current.zero_threshold || has_fallen(current, &widened)
}

/// Whether two histograms hold the same, whatever was said of their relation to others; NaN equals itself.
pub(crate) fn is_same(a: &Histogram, b: &Histogram) -> bool {
    let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
    let same_buckets = |a: &[Bucket], b: &[Bucket]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.index == b.index && same(a.count, b.count))
    };
    a.schema == b.schema
        && same(a.count, b.count)
        && same(a.sum, b.sum)
        && a.zero_threshold == b.zero_threshold
        && same(a.zero_count, b.zero_count)
        && a.custom_bounds == b.custom_bounds
        && same_buckets(&a.positive, &b.positive)
        && same_buckets(&a.negative, &b.negative)
}

fn has_fallen(current: &Histogram, previous: &Histogram) -> bool {
    current.zero_count < previous.zero_count
        || any_fell(&current.positive, &previous.positive)
        || any_fell(&current.negative, &previous.negative)
}

fn any_fell(current: &[Bucket], previous: &[Bucket]) -> bool {
    let mut rest = current;
    previous.iter().any(|before| {
        rest = &rest[rest.partition_point(|bucket| bucket.index < before.index)..];
        match rest.first() {
            Some(bucket) if bucket.index == before.index => bucket.count < before.count,
            _ => before.count != 0.0,
        }
    })
}

fn has_custom_fallen(current: &Histogram, previous: &Histogram) -> bool {
    if !previous.schema.is_custom() {
        return true;
    }
    if current.custom_bounds == previous.custom_bounds {
        return has_fallen(current, previous);
    }
    let kept = shared_bounds(&current.custom_bounds, &previous.custom_bounds);
    let mapped = |histogram: &Histogram| -> Vec<Bucket> {
        let mut buckets = sum_buckets(&histogram.positive);
        keep_bounds(&mut buckets, &histogram.custom_bounds, &kept);
        let total = |b: &SumBucket| Bucket { index: b.index, count: b.count.total() };
        buckets.iter().map(total).collect()
    };
    any_fell(&mapped(current), &mapped(previous))
}
