//! Prometheus' remote write, first version: the one way into it that keeps staleness markers and exact times.
//!
//! The body is a protobuf message in snappy's block format. Both are written by hand: of protobuf it takes three wire
//! types, and snappy allows a block that is one literal, uncompressed.

use bellwether_model::{Labels, Sample};

/// A request with some samples of some series.
pub fn body<'a>(series: impl IntoIterator<Item = (&'a Labels, &'a [Sample])>) -> Vec<u8> {
    let mut request = Vec::new();
    for (labels, samples) in series {
        let mut one = Vec::new();
        for (name, value) in labels.iter() {
            let mut label = Vec::new();
            put_bytes(&mut label, 1, name.as_bytes());
            put_bytes(&mut label, 2, value.as_bytes());
            put_bytes(&mut one, 1, &label);
        }
        for sample in samples {
            let mut entry = Vec::new();
            put_double(&mut entry, 1, sample.value);
            put_varint(&mut entry, 2, sample.at.0 as u64);
            put_bytes(&mut one, 2, &entry);
        }
        put_bytes(&mut request, 1, &one);
    }
    snappy_literal(&request)
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
