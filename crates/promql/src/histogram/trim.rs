//! The operators `</` and `>/`: what is left of a histogram below or above a value.
//!
//! A bucket that the value cuts is divided as quantiles would divide it. The sum of what is left is not known; it is
//! estimated from the middles of the buckets.

use bellwether_model::{Bucket, BucketRange, Histogram};

use super::quantile::share_below;

/// Which side of the value stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// What is below, for `</`.
    Below,
    /// What is above, for `>/`.
    Above,
}

/// Part of a bucket's observations.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    count: f64,
    /// The value they are taken to have.
    middle: f64,
}

/// What is left of a histogram; the histogram itself where nothing is cut off.
pub(crate) fn trimmed(histogram: &Histogram, value: f64, keep: Keep) -> Histogram {
    let mut left = histogram.clone();
    let (mut count, mut sum, mut is_cut) = (0.0, 0.0, false);
    let mut take = |part: Part, before: f64| {
        count += part.count;
        sum += part.middle * part.count;
        is_cut |= part.count != before;
        part.count
    };
    let is_linear = histogram.schema.is_custom();
    let shape = |sign| Shape { is_linear, sign };
    let mut bucket_side = |buckets: &mut Vec<Bucket>, sign: f64, bounds: &dyn Fn(i32) -> (f64, f64)| {
        for bucket in buckets.iter_mut() {
            let part = shape(sign).part(&range(bounds(bucket.index), bucket.count), value, keep);
            bucket.count = take(part, bucket.count);
        }
        buckets.retain(|bucket| bucket.count != 0.0);
    };
    bucket_side(&mut left.positive, 1.0, &|index| histogram.positive_bounds(index));
    bucket_side(&mut left.negative, -1.0, &|index| histogram.negative_bounds(index));
    if histogram.zero_count > 0.0 {
        left.zero_count = take(zero_part(histogram, value, keep), histogram.zero_count);
    }
    if is_cut {
        (left.count, left.sum) = (count, sum);
    }
    left
}

fn range((lower, upper): (f64, f64), count: f64) -> BucketRange {
    BucketRange { lower, upper, lower_inclusive: false, upper_inclusive: false, count }
}

/// How a bucket's observations are spread.
struct Shape {
    is_linear: bool,
    sign: f64,
}

impl Shape {
    fn part(&self, bucket: &BucketRange, value: f64, keep: Keep) -> Part {
        let BucketRange { lower, upper, count, .. } = *bucket;
        let (is_whole, is_cut) = match keep {
            Keep::Below => (upper <= value, lower < value),
            Keep::Above => (lower >= value, upper > value),
        };
        if is_whole {
            return Part { count, middle: self.middle(lower, upper) };
        }
        if !is_cut {
            return Part::default();
        }
        if lower.is_infinite() || upper.is_infinite() {
            return endless_part(bucket, value, keep);
        }
        let below = if value <= lower { 0.0 } else { count * share_below(bucket, value, self.is_linear) };
        match keep {
            Keep::Below => Part { count: below, middle: self.middle(lower, value) },
            Keep::Above => Part { count: count - below, middle: self.middle(value, upper) },
        }
    }

    fn middle(&self, lower: f64, upper: f64) -> f64 {
        match (lower.is_infinite(), upper.is_infinite()) {
            (true, true) => 0.0,
            (true, false) if upper > 0.0 => upper / 2.0,
            (true, false) => upper,
            (false, true) => lower,
            (false, false) if self.is_linear => f64::midpoint(lower, upper),
            (false, false) => self.sign * (lower * upper).abs().sqrt(),
        }
    }
}

/// A part of a bucket that has an end at infinity, with the value inside it. As nobody knows how its observations are
/// spread, it is kept or left out as a whole; only a first custom bucket of positive values is taken to begin at 0.
fn endless_part(bucket: &BucketRange, value: f64, keep: Keep) -> Part {
    let BucketRange { lower, upper, count, .. } = *bucket;
    let begins_at_zero = lower == f64::NEG_INFINITY && upper > 0.0 && upper.is_finite();
    match keep {
        Keep::Below if begins_at_zero && value > 0.0 => {
            Part { count: count * value / upper, middle: value / 2.0 }
        }
        Keep::Below if lower == f64::NEG_INFINITY && upper <= 0.0 => Part { count, middle: value },
        Keep::Below => Part::default(),
        Keep::Above if begins_at_zero && value >= 0.0 => {
            Part { count: count * (1.0 - value / upper), middle: f64::midpoint(value, upper) }
        }
        Keep::Above if lower == f64::NEG_INFINITY => Part::default(),
        Keep::Above => Part { count, middle: value },
    }
}

fn zero_part(histogram: &Histogram, value: f64, keep: Keep) -> Part {
    let (mut lower, mut upper, count) =
        (-histogram.zero_threshold, histogram.zero_threshold, histogram.zero_count);
    // Where all other observations are of one sign, those around zero are taken to be of that sign too.
    match (histogram.negative.is_empty(), histogram.positive.is_empty()) {
        (true, false) => lower = 0.0,
        (false, true) => upper = 0.0,
        (true, true) | (false, false) => {}
    }
    let whole = Part { count, middle: f64::midpoint(lower, upper) };
    match keep {
        Keep::Below if value <= lower => Part::default(),
        Keep::Below if value >= upper => whole,
        Keep::Below => {
            Part { count: count * ((value - lower) / (upper - lower)), middle: f64::midpoint(lower, value) }
        }
        Keep::Above if value <= lower => whole,
        Keep::Above if value >= upper => Part::default(),
        Keep::Above => {
            Part { count: count * ((upper - value) / (upper - lower)), middle: f64::midpoint(value, upper) }
        }
    }
}
