//! What a job makes of native histograms that are finer than it wants: `native_histogram_min_bucket_factor` says how much
//! wider each bucket is than the one below it at least, `native_histogram_bucket_limit` how many there may be. Buckets are
//! joined until both hold, as Prometheus does it; where that cannot be, the scrape fails.

use std::sync::Arc;

use bellwether_model::{Bucket, Histogram, Schema};

use crate::config::prometheus::ScrapeFormats;

/// Of a histogram with bounds of its own so many empty buckets between others count: Prometheus writes them out.
const EMPTY_WRITTEN_MAX: i32 = 2;

/// Bounds on native histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NativeLimits {
    /// Most buckets.
    buckets_max: usize,
    /// The finest schema.
    schema_max: i8,
}

/// A histogram has too many buckets, and no coarser schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("histogram bucket limit exceeded")]
pub(super) struct TooManyBuckets;

impl NativeLimits {
    /// Those of a job.
    pub(super) fn of(formats: &ScrapeFormats) -> Self {
        Self {
            buckets_max: match formats.native_buckets {
                0 => usize::MAX,
                limit => usize::try_from(limit).unwrap_or(usize::MAX),
            },
            schema_max: finest(formats.native_bucket_factor_min),
        }
    }

    /// The histogram as it is kept.
    pub(super) fn fit(self, histogram: Arc<Histogram>) -> Result<Arc<Histogram>, TooManyBuckets> {
        if histogram.schema.is_custom() {
            let fits = written(&histogram.positive) <= self.buckets_max;
            return if fits { Ok(histogram) } else { Err(TooManyBuckets) };
        }
        let mut schema = histogram.schema.number() as i8;
        let is_too_fine = schema > self.schema_max;
        if !is_too_fine && buckets(&histogram) <= self.buckets_max {
            return Ok(histogram);
        }
        let mut histogram = Arc::unwrap_or_clone(histogram);
        if is_too_fine {
            coarsen(&mut histogram, self.schema_max);
            schema = self.schema_max;
        }
        while buckets(&histogram) > self.buckets_max {
            if schema <= Schema::EXPONENTIAL_MIN {
                return Err(TooManyBuckets);
            }
            schema -= 1;
            coarsen(&mut histogram, schema);
        }
        Ok(Arc::new(histogram))
    }
}

/// The finest schema whose buckets grow by a factor at least: those of schema n grow by 2^(2^-n).
fn finest(factor: f64) -> i8 {
    // Whatever is no factor bounds nothing.
    if factor.is_nan() || factor <= 1.0 {
        return Schema::EXPONENTIAL_MAX;
    }
    let schema = (-factor.log2().log2()).floor();
    schema.clamp(f64::from(Schema::EXPONENTIAL_MIN), f64::from(Schema::EXPONENTIAL_MAX)) as i8
}

const fn buckets(histogram: &Histogram) -> usize {
    histogram.positive.len() + histogram.negative.len()
}

fn written(buckets: &[Bucket]) -> usize {
    let gaps = buckets.windows(2).map(|pair| pair[1].index - pair[0].index - 1);
    buckets.len() + gaps.filter(|gap| *gap <= EMPTY_WRITTEN_MAX).sum::<i32>() as usize
}

/// Joins neighbours until the buckets are those of a coarser schema.
fn coarsen(histogram: &mut Histogram, number: i8) {
    let Some(schema) = Schema::exponential(number) else { return };
    let levels = (histogram.schema.number() - schema.number()).max(0) as u32;
    for side in [&mut histogram.positive, &mut histogram.negative] {
        // Each level joins a bucket of an odd number with the next; bucket 0 reaches up to 1.
        side.iter_mut().for_each(|bucket| bucket.index = (bucket.index.saturating_sub(1) >> levels) + 1);
        side.dedup_by(|later, kept| {
            let is_same = later.index == kept.index;
            if is_same {
                kept.count += later.count;
            }
            is_same
        });
    }
    histogram.schema = schema;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(schema: i32, buckets: &[(i32, f64)]) -> Arc<Histogram> {
        let positive = buckets.iter().map(|(index, count)| Bucket { index: *index, count: *count }).collect();
        let bounds = if schema == -53 { vec![1.0, 2.0, 3.0, 4.0, 5.0] } else { Vec::new() };
        Arc::new(Histogram {
            count: buckets.iter().map(|(_, count)| count).sum(),
            positive,
            custom_bounds: bounds.into(),
            ..Histogram::empty(Schema::from_number(schema).unwrap())
        })
    }

    #[test]
    fn a_factor_is_the_finest_schema_that_grows_so_much() {
        // 2^(1/256) is 1.00271…, 2^(1/8) 1.0905…, 2^16 is 65536.
        for (factor, schema) in [
            (0.0, 8),
            (1.0, 8),
            (f64::NAN, 8),
            (1.0001, 8),
            (1.003, 7),
            (1.09, 3),
            (1.1, 2),
            (2.0, 0),
            (4.0, -1),
            (65536.0, -4),
            (1e300, -4),
            (f64::INFINITY, -4),
        ] {
            assert_eq!(finest(factor), schema, "{factor}");
        }
    }

    #[test]
    fn buckets_are_joined_until_the_limits_hold() {
        let check = |limits: (usize, i8), given: (i32, &[(i32, f64)]), kept: Option<(i32, &[(i32, f64)])>| {
            let limits = NativeLimits { buckets_max: limits.0, schema_max: limits.1 };
            let found = limits.fit(histogram(given.0, given.1)).ok();
            assert_eq!(
                found,
                kept.map(|(schema, buckets)| histogram(schema, buckets)),
                "{limits:?} {given:?}"
            );
        };
        let four: &[(i32, f64)] = &[(-1, 1.0), (0, 2.0), (1, 3.0), (2, 4.0)];
        check((4, 8), (1, four), Some((1, four)));
        check((3, 8), (1, four), Some((0, &[(0, 3.0), (1, 7.0)])));
        check((1, 8), (1, four), None);
        check((usize::MAX, 0), (1, four), Some((0, &[(0, 3.0), (1, 7.0)])));
        check((usize::MAX, 1), (1, four), Some((1, four)));
        check((1, 8), (8, &[(2, 1.0), (200, 5.0)]), Some((0, &[(1, 6.0)])));
        // Bounds of its own cannot be joined; up to two empty buckets between others are counted.
        check((2, 8), (-53, &[(0, 1.0), (4, 2.0)]), Some((-53, &[(0, 1.0), (4, 2.0)])));
        check((3, 8), (-53, &[(0, 1.0), (3, 2.0)]), None);
        check((4, -4), (-53, &[(0, 1.0), (3, 2.0)]), Some((-53, &[(0, 1.0), (3, 2.0)])));
    }
}
