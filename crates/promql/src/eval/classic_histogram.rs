//! Quantiles and fractions of classic histograms: series whose `le` label says up to which value each of them counts.
//!
//! Inside a bucket observations are taken to be spread evenly; formulas are those of Prometheus.

/// Relative difference of neighbouring buckets that is only noise of floats.
const NOISE: f64 = 1e-12;

/// How many observations are not above a bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    pub(super) bound: f64,
    pub(super) count: f64,
}

/// Joins buckets of equal bounds. `None` where there is no bucket for everything, so that nothing can be said.
fn joined(buckets: Vec<Bucket>) -> Option<Vec<Bucket>> {
    if buckets.last()?.bound != f64::INFINITY {
        return None;
    }
    let mut joined: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        match joined.last_mut() {
            Some(last) if last.bound == bucket.bound => last.count += bucket.count,
            _ => joined.push(bucket),
        }
    }
    Some(joined)
}

/// Joins buckets and mends counts that fall; the flag says whether that was more than noise.
fn mended(buckets: Vec<Bucket>) -> Option<(Vec<Bucket>, bool)> {
    let mut joined = joined(buckets)?;
    let mut was_forced = false;
    let mut before = joined[0].count;
    for bucket in &mut joined[1..] {
        if bucket.count == before {
            continue;
        }
        let is_noise = (bucket.count - before).abs() / (bucket.count.abs() + before.abs()) < NOISE;
        if is_noise || bucket.count < before {
            was_forced |= !is_noise;
            bucket.count = before;
        } else {
            before = bucket.count;
        }
    }
    Some((joined, was_forced))
}

/// The quantile `q`; the flag says whether counts had to be mended.
pub(super) fn quantile(q: f64, buckets: Vec<Bucket>) -> (f64, bool) {
    if q.is_nan() {
        return (f64::NAN, false);
    }
    if !(0.0..=1.0).contains(&q) {
        return (if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY }, false);
    }
    let Some((buckets, was_forced)) = mended(buckets) else { return (f64::NAN, false) };
    let last = buckets.len() - 1;
    let total = buckets[last].count;
    if last == 0 || total == 0.0 || total.is_nan() {
        return (f64::NAN, was_forced);
    }
    let rank = q * total;
    let index = buckets[..last].partition_point(|b| b.count < rank);
    if index == last {
        return (buckets[last - 1].bound, was_forced);
    }
    let end = buckets[index].bound;
    if index == 0 && end <= 0.0 {
        return (end, was_forced);
    }
    let below = if index == 0 { Bucket { bound: 0.0, count: 0.0 } } else { buckets[index - 1] };
    let share = (rank - below.count) / (buckets[index].count - below.count);
    (below.bound + (end - below.bound) * share, was_forced)
}

/// The share of observations above `lower` and up to `upper`. Counts that fall are taken as they are.
pub(super) fn fraction(lower: f64, upper: f64, buckets: Vec<Bucket>) -> f64 {
    let Some(buckets) = joined(buckets) else { return f64::NAN };
    let total = buckets[buckets.len() - 1].count;
    if total == 0.0 || total.is_nan() || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    // Observations at or below a value; those of a bucket without an end are not spread over it.
    let rank = |value: f64| {
        if value == f64::NEG_INFINITY {
            return 0.0;
        }
        let index = buckets.partition_point(|b| b.bound < value);
        let Some(bucket) = buckets.get(index) else { return total };
        if bucket.bound == value {
            return bucket.count;
        }
        let below = match index.checked_sub(1) {
            Some(before) => buckets[before],
            None if bucket.bound > 0.0 && bucket.bound.is_finite() => Bucket { bound: 0.0, count: 0.0 },
            // Below the first bound lies nothing that could be told apart: all of it is above `value`, or none.
            None => return if bucket.bound.is_finite() { bucket.count } else { 0.0 },
        };
        if bucket.bound == f64::INFINITY {
            return below.count;
        }
        let share = (value - below.bound) / (bucket.bound - below.bound);
        below.count + (bucket.count - below.count) * share.max(0.0)
    };
    (rank(upper).min(total) - rank(lower).min(total)) / total
}
