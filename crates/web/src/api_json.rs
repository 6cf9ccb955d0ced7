//! Results of queries as Prometheus writes them: times as seconds with at most three decimals, values as text in Go's
//! shortest notation. Written by hand because a result may hold millions of values.

use std::fmt::Write as _;

use bellwether_model::{Labels, Sample, Timestamp};
use bellwether_promql::{Annotation, Evaluated, InstantSeries, RangeSeries, Value};

/// A whole answer to `query` or `query_range`.
pub(crate) fn answer(evaluated: &Evaluated, query: &str, at: Timestamp) -> String {
    let mut out = String::from(r#"{"status":"success","data":{"#);
    data(&mut out, &evaluated.value, at);
    out.push('}');
    notes(&mut out, "warnings", "PromQL warning: ", &evaluated.warnings, query);
    notes(&mut out, "infos", "PromQL info: ", &evaluated.infos, query);
    out.push('}');
    out
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
    out.push_str(r#","value":"#);
    point(out, series.sample);
    out.push('}');
}

fn matrix_element(out: &mut String, series: &RangeSeries) {
    metric(out, &series.labels);
    out.push_str(r#","values":["#);
    separated(out, &series.points, |out, sample| point(out, *sample));
    out.push_str("]}");
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
    out.push_str(",\"");
    number(out, sample.value);
    out.push_str("\"]");
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

fn notes(out: &mut String, name: &str, prefix: &str, notes: &[Annotation], query: &str) {
    if notes.is_empty() {
        return;
    }
    let _ = write!(out, ",\"{name}\":[");
    separated(out, notes, |out, note| string(out, &format!("{prefix}{}", note.with_position(query))));
    out.push(']');
}
