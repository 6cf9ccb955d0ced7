//! The sum of two native histograms, of a total and of what came to it: in the coarser schema and with the wider zero
//! bucket of the two. Histograms with different custom bounds have no sum.

use std::collections::BTreeMap;

use bellwether_model::{Bucket, CounterReset, Histogram, Schema};

/// The sum, or `None` where bounds differ.
pub(super) fn add(total: &Histogram, change: &Histogram) -> Option<Histogram> {
    if total.schema.is_custom() != change.schema.is_custom() || total.custom_bounds != change.custom_bounds {
        return None;
    }
    let schema = if total.schema.number() <= change.schema.number() { total.schema } else { change.schema };
    let positive = merged(schema, &[(total.schema, &total.positive), (change.schema, &change.positive)]);
    let negative = merged(schema, &[(total.schema, &total.negative), (change.schema, &change.negative)]);
    // A sum that is no number adds nothing: the total would be none for good.
    let added = Some(change.sum).filter(|sum| sum.is_finite()).unwrap_or(0.0);
    let mut sum = Histogram {
        counter_reset: CounterReset::Unknown,
        schema,
        zero_threshold: total.zero_threshold.max(change.zero_threshold),
        zero_count: total.zero_count + change.zero_count,
        count: total.count + change.count,
        sum: if total.sum.is_finite() { total.sum + added } else { added },
        positive,
        negative,
        custom_bounds: total.custom_bounds.clone(),
    };
    if !schema.is_custom() {
        widen_zero_bucket(&mut sum);
    }
    Some(sum)
}

/// Buckets of both in one schema. A bucket of a coarser schema has the upper bound of the last of those it is made of.
fn merged(schema: Schema, parts: &[(Schema, &Vec<Bucket>)]) -> Vec<Bucket> {
    let mut counts: BTreeMap<i32, f64> = BTreeMap::new();
    for (own, buckets) in parts {
        let steps = own.number() - schema.number();
        for bucket in buckets.iter() {
            let index = ((i64::from(bucket.index) - 1) >> steps) + 1;
            // Shifting right only brings a number nearer to zero.
            *counts.entry(index as i32).or_default() += bucket.count;
        }
    }
    counts.into_iter().map(|(index, count)| Bucket { index, count }).collect()
}

/// Takes buckets into the zero bucket that lie within it; one that it cuts makes it wider.
fn widen_zero_bucket(histogram: &mut Histogram) {
    let schema = histogram.schema;
    let buckets = || histogram.positive.iter().chain(&histogram.negative);
    let mut threshold = histogram.zero_threshold;
    let lower = |index: i32| schema.exponential_bound(index.saturating_sub(1));
    let cut = buckets().filter(|bucket| lower(bucket.index) < threshold);
    let widest = cut.map(|bucket| schema.exponential_bound(bucket.index)).fold(threshold, f64::max);
    threshold = widest;
    let mut taken = 0.0;
    for side in [&mut histogram.positive, &mut histogram.negative] {
        side.retain(|bucket| {
            let is_inside = schema.exponential_bound(bucket.index) <= threshold;
            taken += if is_inside { bucket.count } else { 0.0 };
            !is_inside
        });
    }
    histogram.zero_threshold = threshold;
    histogram.zero_count += taken;
}
