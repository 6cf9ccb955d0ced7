//! Quantiles of a histogram, and the share of its observations between two values.
//!
//! Inside an exponential bucket observations are taken to be spread evenly over the logarithm of their values, inside
//! the zero bucket and custom buckets evenly over the values themselves. Formulas are those of Prometheus.

use bellwether_model::{BucketRange, Histogram};

/// A quantile, and what observations that are no number have done to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Quantile {
    /// Nothing.
    Plain(f64),
    /// They count as infinite, so it is higher than it would be without them.
    Skewed(f64),
    /// It lies among them.
    AmongNan,
}

/// The share of observations between two values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fraction {
    pub(crate) value: f64,
    /// Observations that are no number are in no bucket, and so in no share.
    pub(crate) leaves_nan_out: bool,
}

/// The value that a share `q` of all observations does not exceed.
pub(crate) fn quantile(q: f64, histogram: &Histogram) -> Quantile {
    if q < 0.0 {
        return Quantile::Plain(f64::NEG_INFINITY);
    }
    if q > 1.0 {
        return Quantile::Plain(f64::INFINITY);
    }
    if histogram.count == 0.0 || q.is_nan() {
        return Quantile::Plain(f64::NAN);
    }
    // Counting from the nearer end loses less. Observations that are no number lie beyond the upper end, though.
    let has_nan = histogram.sum.is_nan();
    let is_forward = has_nan || q < 0.5;
    let rank = if is_forward { q * histogram.count } else { (1.0 - q) * histogram.count };
    let found =
        if is_forward { reach(rank, histogram.buckets()) } else { reach(rank, histogram.buckets().rev()) };
    let mut bucket = found.bucket;
    let passed = found.passed.min(histogram.count);
    if histogram.schema.is_custom() {
        if bucket.lower == f64::NEG_INFINITY {
            if bucket.upper <= 0.0 {
                return Quantile::Plain(bucket.upper);
            }
            bucket.lower = 0.0;
        } else if bucket.upper == f64::INFINITY {
            return Quantile::Plain(bucket.lower);
        }
    } else {
        narrow_zero_bucket(histogram, &mut bucket);
    }
    if passed < rank {
        return if has_nan { Quantile::AmongNan } else { Quantile::Plain(bucket.upper) };
    }
    let inside = if is_forward { rank - (passed - bucket.count) } else { passed - rank };
    let value = value_inside(histogram, &bucket, inside / bucket.count);
    let is_skewed = has_nan && bucket_total(histogram) < histogram.count;
    if is_skewed { Quantile::Skewed(value) } else { Quantile::Plain(value) }
}

struct Reached {
    bucket: BucketRange,
    /// Observations up to the end of the bucket.
    passed: f64,
}

fn reach(rank: f64, buckets: impl Iterator<Item = BucketRange>) -> Reached {
    let nothing =
        BucketRange { lower: 0.0, upper: 0.0, lower_inclusive: false, upper_inclusive: false, count: 0.0 };
    let mut reached = Reached { bucket: nothing, passed: 0.0 };
    for bucket in buckets {
        reached = Reached { bucket, passed: reached.passed + bucket.count };
        if reached.passed >= rank {
            break;
        }
    }
    reached
}

/// Where all other observations are of one sign, those around zero are taken to be of that sign too.
fn narrow_zero_bucket(histogram: &Histogram, bucket: &mut BucketRange) {
    if bucket.lower < 0.0 && bucket.upper > 0.0 {
        narrow(histogram, bucket);
    }
}

fn narrow(histogram: &Histogram, bucket: &mut BucketRange) {
    match (histogram.negative.is_empty(), histogram.positive.is_empty()) {
        (true, false) => bucket.lower = 0.0,
        (false, true) => bucket.upper = 0.0,
        (true, true) | (false, false) => {}
    }
}

/// The value below which a share of a bucket's observations lies.
fn value_inside(histogram: &Histogram, bucket: &BucketRange, share: f64) -> f64 {
    let BucketRange { lower, upper, .. } = *bucket;
    if is_linear(histogram, bucket) {
        return lower + (upper - lower) * share;
    }
    let (log_lower, log_upper) = (lower.abs().log2(), upper.abs().log2());
    if lower > 0.0 {
        (log_lower + (log_upper - log_lower) * share).exp2()
    } else {
        -(log_upper + (log_lower - log_upper) * (1.0 - share)).exp2()
    }
}

fn is_linear(histogram: &Histogram, bucket: &BucketRange) -> bool {
    histogram.schema.is_custom() || (bucket.lower <= 0.0 && bucket.upper >= 0.0)
}

/// The share of a bucket's observations that lie below a value inside it.
pub(super) fn share_below(bucket: &BucketRange, value: f64, is_linear: bool) -> f64 {
    let BucketRange { lower, upper, .. } = *bucket;
    if is_linear {
        return (value - lower) / (upper - lower);
    }
    let [log_lower, log_upper, log_value] = [lower, upper, value].map(|v| v.abs().log2());
    if value > 0.0 {
        (log_value - log_lower) / (log_upper - log_lower)
    } else {
        1.0 - (log_value - log_upper) / (log_lower - log_upper)
    }
}

fn bucket_total(histogram: &Histogram) -> f64 {
    histogram.buckets().map(|bucket| bucket.count).sum()
}

/// The share of observations above `lower` and up to `upper`.
pub(crate) fn fraction(lower: f64, upper: f64, histogram: &Histogram) -> Fraction {
    let plain = |value| Fraction { value, leaves_nan_out: false };
    if histogram.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return plain(f64::NAN);
    }
    if lower >= upper {
        return plain(0.0);
    }
    let numbers = if histogram.sum.is_nan() { bucket_total(histogram) } else { histogram.count };
    let rank = |value: f64| observations_up_to(value, histogram);
    let value = (rank(upper) - rank(lower)) / histogram.count;
    Fraction { value, leaves_nan_out: histogram.sum.is_nan() && numbers < histogram.count }
}

/// How many observations are at most a value, interpolated inside its bucket as `histogram_fraction` does. Those that are
/// no number are not.
pub fn observations_up_to(value: f64, histogram: &Histogram) -> f64 {
    let numbers = if histogram.sum.is_nan() { bucket_total(histogram) } else { histogram.count };
    observations_below(value, histogram).map_or(numbers, |rank| rank.min(numbers))
}

/// How many observations lie below a value; `None` where it is beyond all buckets.
fn observations_below(value: f64, histogram: &Histogram) -> Option<f64> {
    let mut passed = 0.0;
    for mut bucket in histogram.buckets() {
        // Prometheus does so with custom buckets too, and where one only touches zero.
        if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
            narrow(histogram, &mut bucket);
        }
        if bucket.lower >= value {
            return Some(passed);
        }
        if bucket.upper > value {
            // Of a bucket without a lower end nobody knows how its observations are spread.
            if bucket.lower == f64::NEG_INFINITY {
                return Some(bucket.count);
            }
            let is_linear = is_linear(histogram, &bucket);
            return Some(passed + bucket.count * share_below(&bucket, value, is_linear));
        }
        passed += bucket.count;
    }
    None
}
