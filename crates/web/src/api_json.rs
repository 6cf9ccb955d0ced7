//! Results of queries as Prometheus writes them: times as seconds with at most three decimals, values as text in Go's
//! shortest notation. Written by hand because a result may hold millions of values.

use std::fmt::Write as _;

use bellwether_model::{BucketRange, Histogram, Labels, Sample, Timestamp};
use bellwether_promql::{Annotation, Evaluated, InstantSeries, RangeSeries, SampleValue, Value};

use crate::query_stats::Stats;

/// What stands beside a result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notes<'a> {
    /// The query, for the positions of its remarks.
    pub(crate) query: &'a str,
    /// Whether the result was cut by `limit`.
    pub(crate) is_cut: bool,
    /// What of the samples is missing.
    pub(crate) missing: &'a [String],
}

/// A whole answer to `query` or `query_range`.
pub(crate) fn answer(
    evaluated: &Evaluated,
    at: Timestamp,
    beside: Notes<'_>,
    stats: Option<&Stats>,
) -> String {
    let mut out = String::from(r#"{"status":"success","data":{"#);
    data(&mut out, &evaluated.value, at);
    if let Some(stats) = stats {
        write_stats(&mut out, stats);
    }
    out.push('}');
    let remarks = |prefix: &str, remarks: &[Annotation]| -> Vec<String> {
        remarks.iter().map(|remark| format!("{prefix}{}", remark.with_position(beside.query))).collect()
    };
    let mut warnings = remarks("PromQL warning: ", &evaluated.warnings);
    if beside.is_cut {
        warnings.push("results truncated due to limit".to_owned());
    }
    warnings.extend_from_slice(beside.missing);
    notes(&mut out, "warnings", &warnings);
    notes(&mut out, "infos", &remarks("PromQL info: ", &evaluated.infos));
    out.push('}');
    out
}

/// In Prometheus' words. Reading, sorting and evaluating are one piece of work here, so that its parts are not told
/// apart.
fn write_stats(out: &mut String, stats: &Stats) {
    let (waited, evaluated) = (stats.waited.as_secs_f64(), stats.evaluated.as_secs_f64());
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        r#","stats":{{"timings":{{"evalTotalTime":{evaluated},"resultSortTime":0,"queryPreparationTime":0,"innerEvalTime":{evaluated},"execQueueTime":{waited},"execTotalTime":{evaluated}}},"samples":{{"totalQueryableSamples":{},"peakSamples":{}}}}}"#,
        stats.samples_read, stats.samples_peak,
    );
}

fn data(out: &mut String, value: &Value, at: Timestamp) {
    match value {
        Value::Scalar(sample) => {
            out.push_str(r#""resultType":"scalar","result":"#);
            point(out, *sample);
        }
        Value::String(text) => {
            out.push_str(r#""resultType":"string","result":["#);
            time(out, at);
            out.push(',');
            string(out, text);
            out.push(']');
        }
        Value::Vector(series) => {
            out.push_str(r#""resultType":"vector","result":["#);
            separated(out, series, vector_element);
            out.push(']');
        }
        Value::Matrix(series) => {
            out.push_str(r#""resultType":"matrix","result":["#);
            separated(out, series, matrix_element);
            out.push(']');
        }
    }
}

fn vector_element(out: &mut String, series: &InstantSeries) {
    metric(out, &series.labels);
    match &series.value {
        SampleValue::Float(value) => {
            out.push_str(r#","value":"#);
            point(out, Sample::new(series.at, *value));
        }
        SampleValue::Histogram(found) => {
            out.push_str(r#","histogram":"#);
            histogram_point(out, series.at, found);
        }
    }
    out.push('}');
}

fn matrix_element(out: &mut String, series: &RangeSeries) {
    metric(out, &series.labels);
    if !series.points.is_empty() {
        out.push_str(r#","values":["#);
        separated(out, &series.points, |out, sample| point(out, *sample));
        out.push(']');
    }
    if !series.histograms.is_empty() {
        out.push_str(r#","histograms":["#);
        separated(out, &series.histograms, |out, sample| histogram_point(out, sample.at, &sample.histogram));
        out.push(']');
    }
    out.push('}');
}

fn separated<T>(out: &mut String, items: &[T], write: impl Fn(&mut String, &T)) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
}

fn metric(out: &mut String, labels: &Labels) {
    out.push_str(r#"{"metric":{"#);
    for (index, (name, value)) in labels.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        string(out, name);
        out.push(':');
        string(out, value);
    }
    out.push('}');
}

fn point(out: &mut String, sample: Sample) {
    out.push('[');
    time(out, sample.at);
    out.push(',');
    quoted_number(out, sample.value);
    out.push(']');
}

/// A histogram at a moment; each bucket says with a number which of its bounds are inside.
fn histogram_point(out: &mut String, at: Timestamp, histogram: &Histogram) {
    out.push('[');
    time(out, at);
    out.push_str(r#",{"count":"#);
    quoted_number(out, histogram.count);
    out.push_str(r#","sum":"#);
    quoted_number(out, histogram.sum);
    let buckets: Vec<BucketRange> = histogram.buckets().collect();
    if !buckets.is_empty() {
        out.push_str(r#","buckets":["#);
        separated(out, &buckets, bucket_element);
        out.push(']');
    }
    out.push_str("}]");
}

fn bucket_element(out: &mut String, bucket: &BucketRange) {
    out.push_str(match (bucket.lower_inclusive, bucket.upper_inclusive) {
        (false, true) => "[0",
        (true, false) => "[1",
        (false, false) => "[2",
        (true, true) => "[3",
    });
    for value in [bucket.lower, bucket.upper, bucket.count] {
        out.push(',');
        quoted_number(out, value);
    }
    out.push(']');
}

fn quoted_number(out: &mut String, value: f64) {
    out.push('"');
    number(out, value);
    out.push('"');
}

fn time(out: &mut String, at: Timestamp) {
    let (sign, ms) = (if at.0 < 0 { "-" } else { "" }, at.0.unsigned_abs());
    // Writing to a string cannot fail, here and below.
    let _ = write!(out, "{sign}{}", ms / 1000);
    if ms % 1000 != 0 {
        let _ = write!(out, ".{:03}", ms % 1000);
    }
}

/// Go's `strconv` with the fewest digits that read back as the same number: plain, or with an exponent of at least
/// two digits below 1e-6 and from 1e21 on.
pub(crate) fn number(out: &mut String, value: f64) {
    let size = value.abs();
    match value {
        _ if value.is_nan() => out.push_str("NaN"),
        f64::INFINITY => out.push_str("+Inf"),
        f64::NEG_INFINITY => out.push_str("-Inf"),
        _ if size != 0.0 && !(1e-6..1e21).contains(&size) => exponential(out, value),
        _ => {
            let _ = write!(out, "{value}");
        }
    }
}

/// Go's `e` notation: `1e+00`, `1.5e-07`.
pub(crate) fn exponential(out: &mut String, value: f64) {
    if !value.is_finite() {
        return number(out, value);
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    let _ = write!(out, "{digits}e{sign}{exponent:0>2}");
}

fn string(out: &mut String, text: &str) {
    // A string always has a JSON form.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

fn notes(out: &mut String, name: &str, notes: &[String]) {
    if notes.is_empty() {
        return;
    }
    let _ = write!(out, ",\"{name}\":[");
    separated(out, notes, |out, note| string(out, note));
    out.push(']');
}
