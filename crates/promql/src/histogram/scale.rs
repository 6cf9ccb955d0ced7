//! Histograms times a number, and divided by one.

use bellwether_model::{Bucket, CounterReset, Histogram};

/// Every count, and the sum, times a factor. A negative factor makes of a counter something that only a gauge can be.
pub(crate) fn scaled(histogram: &Histogram, factor: f64) -> Histogram {
    mapped(histogram, factor < 0.0, |part| part * factor)
}

/// Every count, and the sum, divided by a number. Of a division by zero no bucket remains.
pub(crate) fn divided(histogram: &Histogram, divisor: f64) -> Histogram {
    let mut result = mapped(histogram, divisor < 0.0, |part| part / divisor);
    if divisor == 0.0 {
        result.positive.clear();
        result.negative.clear();
    }
    result
}

fn mapped(histogram: &Histogram, is_turned: bool, part: impl Fn(f64) -> f64) -> Histogram {
    let buckets = |buckets: &[Bucket]| -> Vec<Bucket> {
        let mapped = buckets.iter().map(|b| Bucket { index: b.index, count: part(b.count) });
        mapped.filter(|b| b.count != 0.0).collect()
    };
    Histogram {
        counter_reset: if is_turned { CounterReset::Gauge } else { histogram.counter_reset },
        schema: histogram.schema,
        zero_threshold: histogram.zero_threshold,
        // Custom buckets have no zero bucket; infinite factors must not make one.
        zero_count: if histogram.schema.is_custom() { 0.0 } else { part(histogram.zero_count) },
        count: part(histogram.count),
        sum: part(histogram.sum),
        positive: buckets(&histogram.positive),
        negative: buckets(&histogram.negative),
        custom_bounds: histogram.custom_bounds.clone(),
    }
}
