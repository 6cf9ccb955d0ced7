//! Exponential histograms as native ones. A native histogram is never finer than schema 8, so finer scales are
//! merged; coarser ones than -4 have no schema. Bucket 0 of OTLP begins above 1, that of a native histogram ends there.

use std::collections::BTreeMap;

use bellwether_model::{Bucket, Histogram, Schema};

use super::histogram::native;
use super::message::{Buckets, ExponentialPoint};
use super::points::{Place, exemplars, is_gone};
use super::translate::{moment, since};
use crate::PushedSeries;

/// How far from zero a zero bucket reaches that does not say, as Prometheus has it.
const ZERO_THRESHOLD: f64 = 1e-128;

/// As a native histogram.
pub(super) fn exponential(
    point: &ExponentialPoint<'_>,
    place: &Place<'_>,
) -> Result<Vec<PushedSeries>, String> {
    let coarsest = i32::from(Schema::EXPONENTIAL_MIN);
    let finest = i32::from(Schema::EXPONENTIAL_MAX);
    let schema = Schema::from_number(point.scale.min(finest)).filter(|_| point.scale >= coarsest);
    let schema = schema.ok_or_else(|| format!("scale {} is coarser than {coarsest}", point.scale))?;
    let shift = u32::try_from(point.scale - finest).unwrap_or(0);
    let base = place.labels(&point.attributes)?;
    let histogram = Histogram {
        zero_threshold: point.zero_threshold.filter(|threshold| *threshold > 0.0).unwrap_or(ZERO_THRESHOLD),
        zero_count: point.zero_count as f64,
        count: point.count as f64,
        sum: point.sum.unwrap_or(0.0),
        positive: buckets(&point.positive, shift)?,
        negative: buckets(&point.negative, shift)?,
        ..Histogram::empty(schema)
    };
    let histogram = if is_gone(point.flags) { Histogram::stale() } else { histogram };
    native(&base, place, (moment(point.time_unix_nano), since(point)), histogram, exemplars(&point.exemplars))
}

/// Each step of `shift` makes one bucket of two.
fn buckets(dense: &Buckets, shift: u32) -> Result<Vec<Bucket>, String> {
    let mut counts: BTreeMap<i32, f64> = BTreeMap::new();
    for (count, index) in dense.bucket_counts.iter().zip(i64::from(dense.offset)..) {
        if *count == 0 {
            continue;
        }
        let merged = (index >> shift.min(63)) + 1;
        let merged = i32::try_from(merged).map_err(|_| format!("a histogram has no bucket {index}"))?;
        *counts.entry(merged).or_default() += *count as f64;
    }
    Ok(counts.into_iter().map(|(index, count)| Bucket { index, count }).collect())
}
