//! Quantiles and fractions of classic histograms: series whose `le` label says up to which value each of them counts.
//!
//! Inside a bucket observations are taken to be spread evenly; formulas are those of Prometheus.

use std::fmt;

use bellwether_model::Timestamp;

use super::number_text::{short, two_digits};

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

/// Counts that fell by more than noise from one bucket to the next, and so were mended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mended {
    lowest: f64,
    highest: f64,
    largest_fall: f64,
    first: Timestamp,
    last: Timestamp,
    count: u64,
}

impl Mended {
    fn new(bound: f64, fall: f64) -> Self {
        let (first, last) = (Timestamp::MAX, Timestamp::MIN);
        Self { lowest: bound, highest: bound, largest_fall: fall, first, last, count: 0 }
    }

    /// Says when it was.
    pub(super) fn at(self, at: Timestamp) -> Self {
        Self { first: at, last: at, count: 1, ..self }
    }

    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            lowest: self.lowest.min(other.lowest),
            highest: self.highest.max(other.highest),
            largest_fall: self.largest_fall.max(other.largest_fall),
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            count: self.count + other.count,
        }
    }
}

/// Where, how much, how often and when.
impl fmt::Display for Mended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lowest, highest) = (short(self.lowest), short(self.highest));
        let (fall, count) = (two_digits(self.largest_fall), self.count);
        write!(f, "from buckets {lowest} to {highest}, with a max diff of {fall}, over {count} samples ")?;
        write!(f, "from {} to {}", whole_second(self.first), whole_second(self.last))
    }
}

fn whole_second(at: Timestamp) -> String {
    let text = at.to_string();
    text.split_once('.').map_or(text.clone(), |(second, _)| format!("{second}Z"))
}

/// Joins buckets and mends counts that fall, and says what more than noise was mended.
fn mended(buckets: Vec<Bucket>) -> Option<(Vec<Bucket>, Option<Mended>)> {
    let mut joined = joined(buckets)?;
    let mut mended: Option<Mended> = None;
    let mut before = joined[0].count;
    for bucket in &mut joined[1..] {
        if bucket.count == before {
            continue;
        }
        let is_noise = (bucket.count - before).abs() / (bucket.count.abs() + before.abs()) < NOISE;
        if is_noise || bucket.count < before {
            if !is_noise {
                let new = Mended::new(bucket.bound, before - bucket.count);
                mended = Some(mended.map_or(new, |mended| mended.and(new)));
            }
            bucket.count = before;
        } else {
            before = bucket.count;
        }
    }
    Some((joined, mended))
}

/// The quantile `q`, and what counts had to be mended for it.
pub(super) fn quantile(q: f64, buckets: Vec<Bucket>) -> (f64, Option<Mended>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if !(0.0..=1.0).contains(&q) {
        return (if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY }, None);
    }
    let Some((buckets, mended)) = mended(buckets) else { return (f64::NAN, None) };
    let last = buckets.len() - 1;
    let total = buckets[last].count;
    if last == 0 || total == 0.0 {
        return (f64::NAN, mended);
    }
    let rank = q * total;
    let index = first_reaching(rank, &buckets[..last]);
    if index == last {
        return (buckets[last - 1].bound, mended);
    }
    let end = buckets[index].bound;
    if index == 0 && end <= 0.0 {
        return (end, mended);
    }
    let below = if index == 0 { Bucket { bound: 0.0, count: 0.0 } } else { buckets[index - 1] };
    let share = (rank - below.count) / (buckets[index].count - below.count);
    (below.bound + (end - below.bound) * share, mended)
}

/// The first bucket whose count reaches a rank. A count that is no number reaches none, which may stand anywhere; so
/// the search looks where Prometheus' does.
fn first_reaching(rank: f64, buckets: &[Bucket]) -> usize {
    let (mut low, mut high) = (0, buckets.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        if buckets[middle].count >= rank {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// The share of observations above `lower` and up to `upper`. Counts that fall are taken as they are.
pub(super) fn fraction(lower: f64, upper: f64, buckets: Vec<Bucket>) -> f64 {
    let Some(buckets) = joined(buckets) else { return f64::NAN };
    let total = buckets[buckets.len() - 1].count;
    if total == 0.0 || lower.is_nan() || upper.is_nan() {
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
