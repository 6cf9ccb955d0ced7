//! A native histogram: counts in buckets whose bounds follow from a schema, so that no bound need be chosen before.
//!
//! Only what a histogram is stands here. What queries do with histograms (adding, rates, quantiles) is decided by the
//! evaluator. Counts are floats throughout; whole ones are exact up to 2⁵³.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{STALE_NAN, Timestamp, is_stale};

/// What the source said about a histogram's relation to the one before it in its series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CounterReset {
    /// Nothing is known; whoever needs it compares.
    #[default]
    Unknown,
    /// The counters began anew.
    Reset,
    /// The counters went on.
    NotReset,
    /// Not counters at all: the histogram may shrink.
    Gauge,
}

/// How bucket bounds follow from bucket numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schema(i8);

impl Schema {
    /// The coarsest exponential schema: each bucket reaches to 65536 times its lower bound.
    pub const EXPONENTIAL_MIN: i8 = -4;
    /// The finest exponential schema: each bucket reaches to 2^(1/256) of its lower bound.
    pub const EXPONENTIAL_MAX: i8 = 8;
    /// Bounds are listed in [`Histogram::custom_bounds`].
    pub const CUSTOM: Self = Self(-53);

    /// Buckets that grow by 2^(2^-n); `None` where `n` is none of -4 to 8.
    pub const fn exponential(n: i8) -> Option<Self> {
        if n < Self::EXPONENTIAL_MIN || n > Self::EXPONENTIAL_MAX { None } else { Some(Self(n)) }
    }

    /// As it is written in the exchange formats: -4 to 8, or -53 for custom bounds.
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            -53 => Some(Self::CUSTOM),
            -4..=8 => Some(Self(number as i8)),
            _ => None,
        }
    }

    /// The number of the exchange formats.
    pub const fn number(self) -> i32 {
        self.0 as i32
    }

    /// Whether bounds are listed instead of calculated.
    pub const fn is_custom(self) -> bool {
        self.0 == Self::CUSTOM.0
    }

    /// The upper bound of an exponential bucket of positive values; its lower bound is that of `index - 1`. Bit by bit
    /// what Prometheus has, which is some of the smallest steps beside the power it stands for.
    pub fn exponential_bound(self, index: i32) -> f64 {
        // The largest double is the bound of the last bucket that is not infinite.
        if self.0 < 0 {
            let shift = u32::from(self.0.unsigned_abs());
            let exponent = i64::from(index) << shift;
            return if exponent == 1024 { f64::MAX } else { two_to_the(exponent) };
        }
        let per_octave = 1i64 << self.0;
        let (octave, part) =
            (i64::from(index).div_euclid(per_octave), i64::from(index).rem_euclid(per_octave));
        if part == 0 && octave == 1024 {
            return f64::MAX;
        }
        if part == 0 {
            two_to_the(octave)
        } else {
            two_to_the(octave) * as_clients_have_it(part << (8 - self.0))
        }
    }
}

/// By how many of the smallest steps the bounds between 1 and 2 that Prometheus and its clients sort observations by lie
/// below the powers they stand for, and one more; in the finest schema, whose bounds all others share.
const STEPS_BELOW: &[u8; 256] = b"\
    1111112111211111112311222222222211211121122211221122102211221122\
    1111112222332132112111211112111111121011213311221222112121332222\
    2121223322322122222222323233323311221121223321332233212232332232\
    2243223233433343333333444455435422322333324422333243223333543344";

/// Two to the power of so many 256ths: not the nearest number there is, but the one that observations were sorted by.
fn as_clients_have_it(part: i64) -> f64 {
    let power = (part as f64 / 256.0).exp2();
    let steps = STEPS_BELOW.get(part as usize).map_or(1, |digit| u64::from(digit - b'0'));
    f64::from_bits(power.to_bits() + 1 - steps)
}

/// Exact, also below the normal numbers, and infinite above the largest.
fn two_to_the(exponent: i64) -> f64 {
    2f64.powi(exponent.clamp(-1100, 1100) as i32)
}

/// The count of one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// The bucket's number; its bounds follow from the schema.
    pub index: i32,
    /// Observations in it.
    pub count: f64,
}

/// A native histogram. Invariant: buckets are sorted by their number, each at most once, and none is 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Relation to the histogram before it.
    pub counter_reset: CounterReset,
    /// How bounds follow from bucket numbers.
    pub schema: Schema,
    /// Values no further from zero than this are in the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// All observations, those that are not a number included.
    pub count: f64,
    /// Sum of all observations.
    pub sum: f64,
    /// Buckets of positive values, or all buckets where bounds are custom.
    pub positive: Vec<Bucket>,
    /// Buckets of negative values.
    pub negative: Vec<Bucket>,
    /// Upper bounds of custom buckets, the infinite one left out; empty unless the schema is custom.
    pub custom_bounds: Arc<[f64]>,
}

/// What is wrong with a histogram that came from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistogramError {
    /// Numbers of buckets go up.
    #[error("buckets are not in order")]
    BucketsNotInOrder,
    /// A count below zero, or not a number.
    #[error("a bucket, the zero bucket or the whole has a negative count, or one that is no number")]
    NegativeCount,
    /// The zero bucket's width.
    #[error("the zero threshold is negative or no number")]
    ZeroThreshold,
    /// Custom bounds go up and are finite.
    #[error("custom bounds do not go up, or are not finite")]
    CustomBounds,
    /// A bucket beyond the last bound.
    #[error("a custom bucket has no bound")]
    BucketBeyondBounds,
    /// Custom buckets know neither a zero bucket nor negative ones.
    #[error("custom buckets have no zero bucket and no negative buckets")]
    CustomShape,
    /// Listed bounds without a custom schema.
    #[error("bounds are listed though the schema calculates them")]
    BoundsWithoutCustomSchema,
}

impl Histogram {
    /// A histogram without observations.
    pub fn empty(schema: Schema) -> Self {
        Self {
            counter_reset: CounterReset::Unknown,
            schema,
            zero_threshold: 0.0,
            zero_count: 0.0,
            count: 0.0,
            sum: 0.0,
            positive: Vec::new(),
            negative: Vec::new(),
            custom_bounds: Arc::from([]),
        }
    }

    /// The marker that says a series of histograms is gone.
    pub fn stale() -> Self {
        Self { sum: STALE_NAN, ..Self::empty(Schema(0)) }
    }

    /// Whether this is the marker of a series that is gone.
    pub fn is_stale(&self) -> bool {
        is_stale(self.sum)
    }

    /// Lower and upper bound of a bucket of [`Histogram::positive`].
    pub fn positive_bounds(&self, index: i32) -> (f64, f64) {
        if !self.schema.is_custom() {
            return (
                self.schema.exponential_bound(index.saturating_sub(1)),
                self.schema.exponential_bound(index),
            );
        }
        let bound = |at: i32| usize::try_from(at).ok().and_then(|at| self.custom_bounds.get(at)).copied();
        let lower = if index <= 0 { f64::NEG_INFINITY } else { bound(index - 1).unwrap_or(f64::INFINITY) };
        (lower, bound(index).unwrap_or(f64::INFINITY))
    }

    /// Lower and upper bound of a bucket of [`Histogram::negative`].
    pub fn negative_bounds(&self, index: i32) -> (f64, f64) {
        let (near, far) = self.positive_bounds(index);
        (-far, -near)
    }

    /// Whether it is what it must be; for those that read histograms from outside.
    pub fn validate(&self) -> Result<(), HistogramError> {
        let in_order = |buckets: &[Bucket]| buckets.windows(2).all(|w| w[0].index < w[1].index);
        if !in_order(&self.positive) || !in_order(&self.negative) {
            return Err(HistogramError::BucketsNotInOrder);
        }
        let is_below_zero_or_nan = |number: f64| number.is_nan() || number < 0.0;
        let buckets = self.positive.iter().chain(&self.negative).map(|b| b.count);
        if buckets.chain([self.zero_count, self.count]).any(is_below_zero_or_nan) {
            return Err(HistogramError::NegativeCount);
        }
        if is_below_zero_or_nan(self.zero_threshold) {
            return Err(HistogramError::ZeroThreshold);
        }
        if self.schema.is_custom() { self.validate_custom() } else { self.validate_exponential() }
    }

    /// Observations in all buckets, that around zero included.
    pub fn in_buckets(&self) -> f64 {
        let sides = self.positive.iter().chain(&self.negative);
        sides.map(|bucket| bucket.count).sum::<f64>() + self.zero_count
    }

    /// Whether whole counts fit together: observations that are no number are in no bucket, and the sum is none then;
    /// all others are in exactly one.
    pub fn adds_up(&self) -> bool {
        let held = self.in_buckets();
        if self.sum.is_nan() { held <= self.count } else { held == self.count }
    }

    fn validate_custom(&self) -> Result<(), HistogramError> {
        let bounds = &self.custom_bounds;
        if bounds.iter().any(|b| !b.is_finite()) || bounds.windows(2).any(|w| w[0] >= w[1]) {
            return Err(HistogramError::CustomBounds);
        }
        if !self.negative.is_empty() || self.zero_count != 0.0 || self.zero_threshold != 0.0 {
            return Err(HistogramError::CustomShape);
        }
        let is_bounded = |b: &Bucket| usize::try_from(b.index).is_ok_and(|i| i <= bounds.len());
        if self.positive.iter().all(is_bounded) { Ok(()) } else { Err(HistogramError::BucketBeyondBounds) }
    }

    fn validate_exponential(&self) -> Result<(), HistogramError> {
        if self.custom_bounds.is_empty() { Ok(()) } else { Err(HistogramError::BoundsWithoutCustomSchema) }
    }
}

/// A histogram at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistogramSample {
    /// When it was measured.
    pub at: Timestamp,
    /// What was measured. Shared: it is large, and queries hand it around.
    pub histogram: Arc<Histogram>,
}

impl HistogramSample {
    /// A histogram at a moment.
    pub const fn new(at: Timestamp, histogram: Arc<Histogram>) -> Self {
        Self { at, histogram }
    }

    /// Whether this sample marks its series as gone.
    pub fn is_stale(&self) -> bool {
        self.histogram.is_stale()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_grow_by_the_schema() {
        let bounds = |schema, index| {
            let histogram = Histogram::empty(Schema::exponential(schema).unwrap());
            histogram.positive_bounds(index)
        };
        assert_eq!(bounds(0, 0), (0.5, 1.0));
        assert_eq!(bounds(0, 1), (1.0, 2.0));
        assert_eq!(bounds(1, 2), (std::f64::consts::SQRT_2.next_down(), 2.0));
        assert_eq!(bounds(-1, 1), (1.0, 4.0));
        assert_eq!(bounds(-4, 0), (1.0 / 65536.0, 1.0));
        assert_eq!(bounds(0, 1024), (2f64.powi(1023), f64::MAX));
        assert_eq!(bounds(0, 1025), (f64::MAX, f64::INFINITY));
        assert_eq!(bounds(-4, 64), (2f64.powi(1008), f64::MAX));
        assert_eq!(bounds(8, i32::MAX).1, f64::INFINITY);
        assert_eq!(bounds(0, i32::MIN).0, 0.0);
    }

    #[test]
    fn custom_bounds_are_listed_and_end_in_infinity() {
        let histogram =
            Histogram { custom_bounds: Arc::from([1.0, 5.0]), ..Histogram::empty(Schema::CUSTOM) };
        let bounds = [0, 1, 2, 3].map(|index| histogram.positive_bounds(index));
        let infinity = f64::INFINITY;
        assert_eq!(bounds, [(-infinity, 1.0), (1.0, 5.0), (5.0, infinity), (infinity, infinity)]);
    }

    #[test]
    fn what_is_wrong_with_a_histogram_is_named() {
        let bucket = |index, count| Bucket { index, count };
        let plain = Histogram::empty(Schema::exponential(0).unwrap());
        let custom = Histogram { custom_bounds: Arc::from([1.0, 5.0]), ..Histogram::empty(Schema::CUSTOM) };
        let check = |histogram: Histogram, expected| assert_eq!(histogram.validate(), expected);
        check(plain.clone(), Ok(()));
        check(custom.clone(), Ok(()));
        check(Histogram { positive: vec![bucket(2, 1.0)], ..custom.clone() }, Ok(()));
        let unordered = vec![bucket(1, 1.0), bucket(1, 1.0)];
        check(Histogram { positive: unordered, ..plain.clone() }, Err(HistogramError::BucketsNotInOrder));
        check(
            Histogram { negative: vec![bucket(1, -1.0)], ..plain.clone() },
            Err(HistogramError::NegativeCount),
        );
        check(Histogram { count: f64::NAN, ..plain.clone() }, Err(HistogramError::NegativeCount));
        check(Histogram { zero_threshold: -0.1, ..plain.clone() }, Err(HistogramError::ZeroThreshold));
        check(
            Histogram { custom_bounds: Arc::from([1.0]), ..plain },
            Err(HistogramError::BoundsWithoutCustomSchema),
        );
        check(
            Histogram { positive: vec![bucket(3, 1.0)], ..custom.clone() },
            Err(HistogramError::BucketBeyondBounds),
        );
        check(Histogram { zero_count: 1.0, ..custom.clone() }, Err(HistogramError::CustomShape));
        check(
            Histogram { custom_bounds: Arc::from([5.0, 1.0]), ..custom },
            Err(HistogramError::CustomBounds),
        );
    }
}
