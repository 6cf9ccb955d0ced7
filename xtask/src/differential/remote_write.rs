//! Prometheus' remote write, first version: the one way into it that keeps staleness markers and exact times.
//!
//! The body is a protobuf message in snappy's block format. Both are written by hand: of protobuf it takes three wire
//! types, and snappy allows a block that is one literal, uncompressed.

use bellwether_model::{Bucket, CounterReset, Histogram, HistogramSample, Labels};

use super::dataset::Slice;

/// A request with some samples of some series.
pub fn body(slice: &Slice<'_>) -> Vec<u8> {
    let mut request = Vec::new();
    for (labels, samples) in &slice.samples {
        let mut one = series(labels);
        for sample in *samples {
            let mut entry = Vec::new();
            put_double(&mut entry, 1, sample.value);
            put_varint(&mut entry, 2, sample.at.0 as u64);
            put_bytes(&mut one, 2, &entry);
        }
        put_bytes(&mut request, 1, &one);
    }
    for (labels, samples) in &slice.histograms {
        let mut one = series(labels);
        for sample in *samples {
            put_bytes(&mut one, 4, &histogram(sample));
        }
        put_bytes(&mut request, 1, &one);
    }
    snappy_literal(&request)
}

/// A series that has its labels and nothing more.
fn series(labels: &Labels) -> Vec<u8> {
    let mut one = Vec::new();
    for (name, value) in labels.iter() {
        let mut label = Vec::new();
        put_bytes(&mut label, 1, name.as_bytes());
        put_bytes(&mut label, 2, value.as_bytes());
        put_bytes(&mut one, 1, &label);
    }
    one
}

/// With counts as doubles, which is what our histograms have.
fn histogram(sample: &HistogramSample) -> Vec<u8> {
    let Histogram { counter_reset, schema, zero_threshold, zero_count, count, sum, .. } = *sample.histogram;
    let mut out = Vec::new();
    put_double(&mut out, 2, count);
    put_double(&mut out, 3, sum);
    put_varint(&mut out, 4, zigzag(schema.number()));
    put_double(&mut out, 5, zero_threshold);
    put_double(&mut out, 7, zero_count);
    put_buckets(&mut out, 8, 10, &sample.histogram.negative);
    put_buckets(&mut out, 11, 13, &sample.histogram.positive);
    let hint = match counter_reset {
        CounterReset::Unknown => 0,
        CounterReset::Reset => 1,
        CounterReset::NotReset => 2,
        CounterReset::Gauge => 3,
    };
    put_varint(&mut out, 14, hint);
    put_varint(&mut out, 15, sample.at.0 as u64);
    put_doubles(&mut out, 16, &sample.histogram.custom_bounds);
    out
}

/// Runs of buckets without a gap, each with its distance from the one before, and the counts of all.
fn put_buckets(out: &mut Vec<u8>, spans_field: u64, counts_field: u64, buckets: &[Bucket]) {
    let mut end = 0;
    for run in buckets.chunk_by(|a, b| a.index + 1 == b.index) {
        let mut span = Vec::new();
        put_varint(&mut span, 1, zigzag(run[0].index - end));
        put_varint(&mut span, 2, run.len() as u64);
        put_bytes(out, spans_field, &span);
        end = run[0].index + run.len() as i32;
    }
    let counts: Vec<f64> = buckets.iter().map(|bucket| bucket.count).collect();
    put_doubles(out, counts_field, &counts);
}

fn zigzag(number: i32) -> u64 {
    u64::from(((number << 1) ^ (number >> 31)) as u32)
}

fn put_doubles(out: &mut Vec<u8>, field: u64, numbers: &[f64]) {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_bits().to_le_bytes()).collect();
    if !bytes.is_empty() {
        put_bytes(out, field, &bytes);
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_varint(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3);
    varint(out, value);
}

fn put_double(out: &mut Vec<u8>, field: u64, value: f64) {
    varint(out, field << 3 | 1);
    out.extend_from_slice(&value.to_bits().to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Snappy's block format with literals only, each as long as its two bytes of length allow.
fn snappy_literal(bytes: &[u8]) -> Vec<u8> {
    /// A literal whose length, less one, follows in two bytes.
    const LITERAL_TWO_BYTES: u8 = 61 << 2;
    let mut out = Vec::with_capacity(bytes.len() + 16);
    varint(&mut out, bytes.len() as u64);
    for part in bytes.chunks(1 << 16) {
        out.push(LITERAL_TWO_BYTES);
        out.extend_from_slice(&((part.len() - 1) as u16).to_le_bytes());
        out.extend_from_slice(part);
    }
    out
}
