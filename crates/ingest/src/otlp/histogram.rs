//! Histograms with listed bounds: as classic histograms, a series per bucket, or as native ones with custom buckets.

use std::sync::Arc;

use bellwether_model::{
    Bucket, Exemplar, Histogram, HistogramSample, LabelsBuilder, STALE_NAN, Sample, Schema, Timestamp,
};

use super::labels::named;
use super::message::HistogramPoint;
use super::points::{Place, exemplars, is_gone};
use super::translate::{moment, one_sample, since};
use crate::{PushedHistogram, PushedSample, PushedSeries};

/// A bucket as a classic histogram has it.
struct Cumulative {
    bound: f64,
    count: u64,
}

/// Bounds must go up; an infinite last one says what is true anyway.
fn finite_bounds(bounds: &[f64]) -> Result<&[f64], String> {
    let finite = bounds.strip_suffix(&[f64::INFINITY]).unwrap_or(bounds);
    if finite.iter().any(|bound| !bound.is_finite()) || finite.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err("bounds of a histogram do not go up, or are not finite".to_owned());
    }
    Ok(finite)
}

fn buckets(point: &HistogramPoint<'_>) -> Result<Vec<Cumulative>, String> {
    let mut count = 0u64;
    let pairs = finite_bounds(&point.explicit_bounds)?.iter().zip(&point.bucket_counts);
    Ok(pairs
        .map(|(bound, in_bucket)| {
            count = count.saturating_add(*in_bucket);
            Cumulative { bound: *bound, count }
        })
        .collect())
}

/// As a classic histogram: a sum, a count, and a series per bucket.
pub(super) fn histogram(point: &HistogramPoint<'_>, place: &Place<'_>) -> Result<Vec<PushedSeries>, String> {
    let buckets = buckets(point)?;
    let base = place.labels(&point.attributes)?;
    let at = moment(point.time_unix_nano);
    let since = since(point);
    let part = |name: &str, le: Option<&str>, value: f64| {
        let value = if is_gone(point.flags) { STALE_NAN } else { value };
        let labels = named(&base, name, le.map(|le| ("le", le)));
        one_sample(labels, PushedSample { sample: Sample::new(at, value), since })
    };
    let mut series = Vec::with_capacity(buckets.len() + 3);
    series.push(part(&format!("{}_count", place.name), None, point.count as f64));
    if let Some(sum) = point.sum {
        series.push(part(&format!("{}_sum", place.name), None, sum));
    }
    let name = format!("{}_bucket", place.name);
    let mut rest = exemplars(&point.exemplars);
    for bucket in &buckets {
        let (inside, above): (Vec<Exemplar>, Vec<Exemplar>) =
            rest.into_iter().partition(|exemplar| exemplar.value <= bucket.bound);
        rest = above;
        let labelled = part(&name, Some(&bucket.bound.to_string()), bucket.count as f64);
        series.push(PushedSeries { exemplars: inside, ..labelled });
    }
    series.push(PushedSeries { exemplars: rest, ..part(&name, Some("+Inf"), point.count as f64) });
    Ok(series)
}

/// As a native histogram with custom buckets.
pub(super) fn custom_histogram(
    point: &HistogramPoint<'_>,
    place: &Place<'_>,
) -> Result<Vec<PushedSeries>, String> {
    let base = place.labels(&point.attributes)?;
    let bounds = finite_bounds(&point.explicit_bounds)?;
    let numbered = (0..).zip(point.bucket_counts.iter().take(bounds.len() + 1));
    let positive = numbered.filter(|(_, count)| **count > 0);
    let histogram = Histogram {
        count: point.count as f64,
        sum: point.sum.unwrap_or(0.0),
        positive: positive.map(|(index, count)| Bucket { index, count: *count as f64 }).collect(),
        custom_bounds: Arc::from(bounds),
        ..Histogram::empty(Schema::CUSTOM)
    };
    let histogram = if is_gone(point.flags) { Histogram::stale() } else { histogram };
    native(&base, place, (moment(point.time_unix_nano), since(point)), histogram, exemplars(&point.exemplars))
}

/// A series of one native histogram, if it is one.
pub(super) fn native(
    base: &LabelsBuilder,
    place: &Place<'_>,
    (at, since): (Timestamp, Option<Timestamp>),
    histogram: Histogram,
    exemplars: Vec<Exemplar>,
) -> Result<Vec<PushedSeries>, String> {
    histogram.validate().map_err(|error| format!("a histogram is not one: {error}"))?;
    check_count(&histogram)?;
    let sample = HistogramSample::new(at, Arc::new(histogram));
    let histograms = vec![PushedHistogram { sample, since }];
    Ok(vec![PushedSeries {
        labels: named(base, place.name, None),
        samples: Vec::new(),
        histograms,
        exemplars,
    }])
}

fn check_count(histogram: &Histogram) -> Result<(), String> {
    let (count, held) = (histogram.count, histogram.in_buckets());
    match histogram.adds_up() {
        true => Ok(()),
        false => {
            Err(format!("a histogram says that it has {count} observations, but its buckets hold {held}"))
        }
    }
}
