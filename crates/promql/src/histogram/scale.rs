//! Histograms times a number.

use bellwether_model::{Bucket, CounterReset, Histogram};

/// Every count, and the sum, times a factor. A negative factor makes of a counter something that only a gauge can be.
pub(crate) fn scaled(histogram: &Histogram, factor: f64) -> Histogram {
    let scale = |buckets: &[Bucket]| -> Vec<Bucket> {
        let buckets = buckets.iter().map(|b| Bucket { index: b.index, count: b.count * factor });
        buckets.filter(|b| b.count != 0.0).collect()
    };
    Histogram {
        counter_reset: if factor < 0.0 { CounterReset::Gauge } else { histogram.counter_reset },
        schema: histogram.schema,
        zero_threshold: histogram.zero_threshold,
        zero_count: histogram.zero_count * factor,
        count: histogram.count * factor,
        sum: histogram.sum * factor,
        positive: scale(&histogram.positive),
        negative: scale(&histogram.negative),
        custom_bounds: histogram.custom_bounds.clone(),
    }
}
