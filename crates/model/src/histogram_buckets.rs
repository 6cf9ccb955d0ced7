//! A histogram's buckets in the order of their bounds, and a histogram as text.

use std::fmt;

use crate::{Bucket, Histogram};

/// A bucket with its bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BucketRange {
    /// Lower bound.
    pub lower: f64,
    /// Upper bound.
    pub upper: f64,
    /// Whether an observation equal to the lower bound is in the bucket.
    pub lower_inclusive: bool,
    /// Whether an observation equal to the upper bound is in the bucket.
    pub upper_inclusive: bool,
    /// Observations in it; never 0.
    pub count: f64,
}

impl Histogram {
    /// All buckets that are not empty, from the lowest to the highest, the zero bucket among them. Where a bucket and
    /// the zero bucket overlap, the zero threshold is the bound of both.
    pub fn buckets(&self) -> impl DoubleEndedIterator<Item = BucketRange> + '_ {
        let threshold = self.zero_threshold;
        self.bare_buckets().map(move |mut bucket| {
            if bucket.lower > 0.0 && bucket.lower < threshold {
                bucket.lower = threshold;
            }
            if bucket.upper < 0.0 && bucket.upper > -threshold {
                bucket.upper = -threshold;
            }
            bucket
        })
    }

    /// The zero bucket, if anything is in it.
    pub fn zero_bucket(&self) -> Option<BucketRange> {
        let bucket = BucketRange {
            lower: -self.zero_threshold,
            upper: self.zero_threshold,
            lower_inclusive: true,
            upper_inclusive: true,
            count: self.zero_count,
        };
        Some(bucket).filter(|bucket| bucket.count != 0.0)
    }

    /// As [`Histogram::buckets`], with bounds as the schema has them.
    fn bare_buckets(&self) -> impl DoubleEndedIterator<Item = BucketRange> + '_ {
        let negative = self.negative.iter().rev().map(|bucket| self.negative_bucket(bucket));
        let positive = self.positive.iter().map(|bucket| self.positive_bucket(bucket));
        negative.chain(self.zero_bucket()).chain(positive)
    }

    fn positive_bucket(&self, bucket: &Bucket) -> BucketRange {
        let (lower, upper) = self.positive_bounds(bucket.index);
        // The first custom bucket has no lower bound, and so an observation of -Inf is in it.
        let lower_inclusive = self.schema.is_custom() && bucket.index == 0;
        BucketRange { lower, upper, lower_inclusive, upper_inclusive: true, count: bucket.count }
    }

    fn negative_bucket(&self, bucket: &Bucket) -> BucketRange {
        let (lower, upper) = self.negative_bounds(bucket.index);
        BucketRange { lower, upper, lower_inclusive: true, upper_inclusive: false, count: bucket.count }
    }
}

impl fmt::Display for Histogram {
    /// As people and labels see it: `{count:3, sum:4.5, [-0.1,0.1]:1, (1,2]:2}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{count:{}, sum:{}", GoFloat(self.count), GoFloat(self.sum))?;
        for bucket in self.bare_buckets() {
            let open = if bucket.lower_inclusive { '[' } else { '(' };
            let close = if bucket.upper_inclusive { ']' } else { ')' };
            let [lower, upper, count] = [bucket.lower, bucket.upper, bucket.count].map(GoFloat);
            write!(f, ", {open}{lower},{upper}{close}:{count}")?;
        }
        f.write_str("}")
    }
}

/// A number as Go's `%g` writes it: the fewest digits that read back as the same number, with an exponent of at
/// least two digits below 1e-4 and from 1e6 on.
struct GoFloat(f64);

impl fmt::Display for GoFloat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0;
        if value.is_nan() {
            return f.write_str("NaN");
        }
        if value.is_infinite() {
            return f.write_str(if value > 0.0 { "+Inf" } else { "-Inf" });
        }
        let scientific = format!("{value:e}");
        let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let power: i32 = exponent.parse().unwrap_or(0);
        if value == 0.0 || (-4..6).contains(&power) {
            return write!(f, "{value}");
        }
        let sign = if power < 0 { '-' } else { '+' };
        write!(f, "{digits}e{sign}{:02}", power.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Schema;

    #[test]
    fn text_names_every_bucket_with_its_bounds() {
        let bucket = |index, count| Bucket { index, count };
        let histogram = Histogram {
            count: 1e6,
            sum: -0.5,
            zero_threshold: 0.75,
            zero_count: 1.0,
            positive: vec![bucket(0, 1.0), bucket(2, 0.00002)],
            negative: vec![bucket(0, 2.0), bucket(1, 3.0)],
            ..Histogram::empty(Schema::exponential(0).unwrap())
        };
        assert_eq!(
            histogram.to_string(),
            "{count:1e+06, sum:-0.5, [-2,-1):3, [-1,-0.5):2, [-0.75,0.75]:1, (0.5,1]:1, (2,4]:2e-05}"
        );
        let bounds: Vec<_> = histogram.buckets().map(|b| (b.lower, b.upper)).collect();
        assert_eq!(bounds, [(-2.0, -1.0), (-1.0, -0.75), (-0.75, 0.75), (0.75, 1.0), (2.0, 4.0)]);
    }

    #[test]
    fn the_first_custom_bucket_takes_minus_infinity_in() {
        let histogram = Histogram {
            count: 3.0,
            sum: 4.0,
            positive: vec![Bucket { index: 0, count: 1.0 }, Bucket { index: 1, count: 2.0 }],
            custom_bounds: [5.0].into(),
            ..Histogram::empty(Schema::CUSTOM)
        };
        assert_eq!(histogram.to_string(), "{count:3, sum:4, [-Inf,5]:1, (5,+Inf]:2}");
    }
}
