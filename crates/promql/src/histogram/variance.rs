//! How far the observations of a histogram are spread.

use bellwether_model::{BucketRange, Histogram};

use crate::kahan::Kahan;

/// The variance of all observations, those of a bucket taken to be in its middle: the geometric one of an exponential
/// bucket, zero in the zero bucket, the arithmetic one of a custom bucket.
pub(crate) fn variance(histogram: &Histogram) -> f64 {
    let mean = histogram.sum / histogram.count;
    let mut total = Kahan::default();
    for bucket in histogram.buckets() {
        let distance = middle(histogram, &bucket) - mean;
        total.add(bucket.count * distance * distance);
    }
    (total.sum + total.lost) / histogram.count
}

fn middle(histogram: &Histogram, bucket: &BucketRange) -> f64 {
    if histogram.schema.is_custom() {
        return f64::midpoint(bucket.lower, bucket.upper);
    }
    if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
        return 0.0;
    }
    (bucket.lower * bucket.upper).sqrt().copysign(bucket.upper)
}
