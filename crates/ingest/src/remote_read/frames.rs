//! The answer as frames: each has one series and chunks of it, so that neither side holds more than a part.

use bellwether_model::Labels;

use super::request::{put_bytes, put_number, put_varint};
use crate::prometheus_block::{Samples, WrittenChunk, crc32c, encode_chunks};

/// A frame is closed once its chunks take so many bytes, as Prometheus does.
const CHUNK_BYTES: usize = 1 << 20;

/// Appends the frames of a series. `query` is the place of the question that it answers.
pub fn write_frames(query: u64, labels: &Labels, samples: &Samples, out: &mut Vec<u8>) {
    let mut names = Vec::new();
    for (name, value) in labels.iter() {
        let mut label = Vec::with_capacity(name.len() + value.len() + 8);
        put_bytes(&mut label, 1, name.as_bytes());
        put_bytes(&mut label, 2, value.as_bytes());
        put_bytes(&mut names, 1, &label);
    }
    let mut series = names.clone();
    for chunk in encode_chunks(samples) {
        put_bytes(&mut series, 2, &chunk_message(&chunk));
        if series.len() - names.len() >= CHUNK_BYTES {
            write_frame(query, &series, out);
            series.truncate(names.len());
        }
    }
    if series.len() > names.len() {
        write_frame(query, &series, out);
    }
}

fn chunk_message(chunk: &WrittenChunk) -> Vec<u8> {
    let mut message = Vec::with_capacity(chunk.data.len() + 32);
    put_number(&mut message, 1, chunk.range.start.0 as u64);
    put_number(&mut message, 2, chunk.range.end.0 as u64);
    put_number(&mut message, 3, u64::from(chunk.kind.byte()));
    put_bytes(&mut message, 4, &chunk.data);
    message
}

fn write_frame(query: u64, series: &[u8], out: &mut Vec<u8>) {
    let mut message = Vec::with_capacity(series.len() + 16);
    put_bytes(&mut message, 1, series);
    put_number(&mut message, 2, query);
    put_varint(out, message.len() as u64);
    out.extend_from_slice(&crc32c(&message).to_be_bytes());
    out.extend_from_slice(&message);
}
