//! Samples as chunks that a Prometheus reads: numbers and histograms in time order, cut where the kind changes, where a
//! chunk is full, and where histograms no longer fit into one.

use bellwether_model::{HistogramSample, Sample, TimeRange};

use super::bits_write::{BitWriter, XorWriter, fits};
use super::chunk::{ChunkKind, Samples};
use super::histogram_chunk_write::{self, one_chunk};

/// As many as Prometheus puts into one; a reader that wants a few of them decodes the whole chunk.
pub(crate) const CHUNK_SAMPLES: usize = 120;
/// Widths of the change of the distance, behind one to three set bits.
const DISTANCE_WIDTHS: [u32; 3] = [14, 17, 20];

/// A chunk as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenChunk {
    /// How.
    pub kind: ChunkKind,
    /// From its first sample to its last.
    pub range: TimeRange,
    /// Its bytes, without length and checksum.
    pub data: Vec<u8>,
}

/// The samples of a series, each kind in time order, as chunks in time order. Histograms are written with counts that
/// are floats, which all of them have.
pub fn encode_chunks(samples: &Samples) -> Vec<WrittenChunk> {
    let (mut floats, mut histograms) = (samples.floats.as_slice(), samples.histograms.as_slice());
    let mut chunks = Vec::with_capacity(samples.len().div_ceil(CHUNK_SAMPLES));
    while !floats.is_empty() || !histograms.is_empty() {
        let before = histograms
            .first()
            .map_or(floats.len(), |next| floats.partition_point(|sample| sample.at <= next.at));
        let (now, later) = floats.split_at(before);
        chunks.extend(now.chunks(CHUNK_SAMPLES).map(float_chunk));
        floats = later;
        let before = floats
            .first()
            .map_or(histograms.len(), |next| histograms.partition_point(|sample| sample.at < next.at));
        let (mut now, later) = histograms.split_at(before);
        while !now.is_empty() {
            let (chunk, rest) = now.split_at(one_chunk(now, CHUNK_SAMPLES));
            chunks.push(histogram_chunk(chunk));
            now = rest;
        }
        histograms = later;
    }
    chunks
}

fn range<T>(samples: &[T], at: impl Fn(&T) -> bellwether_model::Timestamp) -> TimeRange {
    let (first, last) = (samples.first().map(&at), samples.last().map(&at));
    TimeRange::new(first.unwrap_or_default(), last.unwrap_or_default())
}

fn histogram_chunk(samples: &[HistogramSample]) -> WrittenChunk {
    WrittenChunk {
        kind: ChunkKind::FloatHistogram,
        range: range(samples, |sample| sample.at),
        data: histogram_chunk_write::encode(samples),
    }
}

fn float_chunk(samples: &[Sample]) -> WrittenChunk {
    let mut out = BitWriter::after((samples.len() as u16).to_be_bytes().to_vec());
    let mut before: Option<(Sample, i64, XorWriter)> = None;
    for (place, sample) in samples.iter().enumerate() {
        let Some((last, step, values)) = &mut before else {
            out.varint(sample.at.0);
            before = Some((*sample, 0, XorWriter::first(sample.value, &mut out)));
            continue;
        };
        let next = sample.at.0.wrapping_sub(last.at.0);
        if place == 1 {
            out.uvarint(next as u64);
        } else {
            write_change(&mut out, next.wrapping_sub(*step));
        }
        values.next(sample.value, &mut out);
        (*last, *step) = (*sample, next);
    }
    WrittenChunk { kind: ChunkKind::Xor, range: range(samples, |sample| sample.at), data: out.into_bytes() }
}

fn write_change(out: &mut BitWriter, change: i64) {
    if change == 0 {
        return out.ones(0, 4);
    }
    match DISTANCE_WIDTHS.iter().position(|width| fits(change, *width)) {
        Some(place) => {
            out.ones(place as u32 + 1, 4);
            out.write(change as u64, DISTANCE_WIDTHS[place]);
        }
        None => {
            out.ones(4, 4);
            out.write(change as u64, 64);
        }
    }
}
