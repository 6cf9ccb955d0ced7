//! A closed chunk: entries of one series as compressed columns, with a summary beside them.
//!
//! The first byte names the chunk's kind. Staleness markers are lifted out of the value column, where their odd bits
//! would spoil the compression of everything around them. Start times, where there are any, stand in front of the
//! chunk that would be there without them.

use std::sync::Arc;

use bellwether_model::{
    Chunk, ChunkKind, ChunkSummary, HistogramSample, STALE_NAN, Sample, SourceError, Timestamp,
};

use crate::block::{self, Block};
use crate::codec::{Reader, put_varint};
use crate::column::{
    Purpose, put_float_column, put_samples, put_stale, put_whole_column, read_column, read_stale,
};
use crate::histogram_block::{self, HistogramBlock};
use crate::summary_codec::Description;
use crate::{histogram_columns, start_times};

const KIND_BLOCK: u8 = 1;
pub(crate) const KIND_COLUMNS: u8 = 2;
/// Only in segments: see [`crate::referring`].
pub(crate) const KIND_REFERRING: u8 = 3;
const KIND_HISTOGRAM_BLOCK: u8 = 16;
const KIND_HISTOGRAM_COLUMNS: u8 = 17;
const KIND_STARTED: u8 = 32;

/// Below this many samples the tables of a compressed column cost more than they save.
pub(crate) const COLUMN_SAMPLES_MIN: usize = 24;
/// Samples in one chunk; decoding refuses more before it allocates.
pub(crate) const CHUNK_SAMPLES_MAX: usize = 1 << 16;

/// Compresses samples in time order; there must be at least one and at most [`CHUNK_SAMPLES_MAX`].
pub(crate) fn encode(samples: &[Sample], purpose: Purpose) -> Vec<u8> {
    assert!(!samples.is_empty() && samples.len() <= CHUNK_SAMPLES_MAX, "a chunk has 1 to 65536 samples");
    if samples.len() >= COLUMN_SAMPLES_MIN
        && let Some(bytes) = encode_columns(samples, purpose)
    {
        return bytes;
    }
    let mut block = Block::default();
    let mut last = samples[0];
    for sample in samples {
        block.push(last, *sample);
        last = *sample;
    }
    begin(KIND_BLOCK, samples.len(), block.bytes())
}

/// Compresses histograms in time order, whose buckets have the same bounds; as many as of samples.
pub(crate) fn encode_histograms(samples: &[HistogramSample]) -> Vec<u8> {
    assert!(!samples.is_empty() && samples.len() <= CHUNK_SAMPLES_MAX, "a chunk has 1 to 65536 samples");
    let mut block = HistogramBlock::default();
    samples.iter().for_each(|sample| block.push(sample));
    let rows = begin(KIND_HISTOGRAM_BLOCK, samples.len(), block.bytes());
    let mut columns = begin(KIND_HISTOGRAM_COLUMNS, samples.len(), &[]);
    // A histogram that hardly changes is smaller as rows.
    let is_worth_it = samples.len() >= COLUMN_SAMPLES_MIN
        && histogram_columns::encode(&mut columns, samples).is_some()
        && columns.len() < rows.len();
    if is_worth_it { columns } else { rows }
}

/// The chunk form of an open block of histograms.
pub(crate) fn encode_histogram_block(block: &HistogramBlock) -> Vec<u8> {
    begin(KIND_HISTOGRAM_BLOCK, block.count() as usize, block.bytes())
}

/// Puts start times in front of a chunk, where there are any.
pub(crate) fn with_start_times(chunk: Vec<u8>, starts: &[Option<Timestamp>]) -> Vec<u8> {
    if starts.iter().all(Option::is_none) {
        return chunk;
    }
    let mut column = Vec::new();
    start_times::put(&mut column, starts);
    let mut out = begin(KIND_STARTED, starts.len(), &[]);
    put_varint(&mut out, column.len() as u64);
    out.extend_from_slice(&column);
    out.extend_from_slice(&chunk);
    out
}

pub(crate) fn begin(kind: u8, count: usize, rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rest.len() + 4);
    out.push(kind);
    put_varint(&mut out, count as u64);
    out.extend_from_slice(rest);
    out
}

fn encode_columns(samples: &[Sample], purpose: Purpose) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(samples.len() * 2 + 32);
    out.push(KIND_COLUMNS);
    put_varint(&mut out, samples.len() as u64);
    let times: Vec<i64> = samples.iter().map(|sample| sample.at.0).collect();
    put_whole_column(&mut out, &times, purpose)?;
    put_stale(&mut out, samples.iter().map(Sample::is_stale));
    put_float_column(&mut out, &filled(samples), purpose)?;
    Some(out)
}

/// Values, with something harmless where the markers are.
pub(crate) fn filled(samples: &[Sample]) -> Vec<f64> {
    let mut filler = samples.iter().find(|sample| !sample.is_stale()).map_or(0.0, |sample| sample.value);
    let fill = |sample: &Sample| {
        if !sample.is_stale() {
            filler = sample.value;
        }
        filler
    };
    samples.iter().map(fill).collect()
}

/// Appends a chunk's samples. `None` when the bytes are not a chunk of samples; then nothing was appended.
pub(crate) fn decode(bytes: &[u8], out: &mut Vec<Sample>) -> Option<()> {
    decode_all(bytes, out, |kind, reader, count, out| match kind {
        KIND_BLOCK => block::decode(reader.rest(), count as u32, out),
        KIND_COLUMNS => decode_columns(reader, count, out),
        _ => None,
    })
}

/// Appends a chunk's histograms. `None` when the bytes are not a chunk of histograms; then nothing was appended.
pub(crate) fn decode_histograms(bytes: &[u8], out: &mut Vec<HistogramSample>) -> Option<()> {
    decode_all(bytes, out, |kind, reader, count, out| match kind {
        KIND_HISTOGRAM_BLOCK => histogram_block::decode(reader.rest(), count as u32, out),
        KIND_HISTOGRAM_COLUMNS => histogram_columns::decode(reader, count, out),
        _ => None,
    })
}

/// Appends a start time or none per entry; nothing where the chunk has none.
pub(crate) fn decode_start_times(bytes: &[u8], out: &mut Vec<Option<Timestamp>>) -> Option<()> {
    if let (Some((count, column)), _) = split(bytes)? {
        out.extend(start_times::read(column, count)?);
    }
    Some(())
}

type DecodeKind<T> = fn(u8, &mut Reader<'_>, usize, &mut Vec<T>) -> Option<()>;

fn decode_all<T>(bytes: &[u8], out: &mut Vec<T>, decode: DecodeKind<T>) -> Option<()> {
    let start = out.len();
    let mut decode_inner = || {
        let (started, inner) = split(bytes)?;
        let mut reader = Reader::new(inner);
        let (kind, count) = (reader.byte()?, read_count(&mut reader)?);
        let is_started = started.is_none_or(|(starts, _)| starts == count);
        decode(kind, &mut reader, count, out).filter(|()| is_started)
    };
    let decoded = decode_inner();
    if decoded.is_none() {
        out.truncate(start);
    }
    decoded
}

/// How many start times there are, and their bytes.
pub(crate) type StartColumn<'a> = (usize, &'a [u8]);

/// The column of start times, if there is one, and the chunk behind it.
pub(crate) fn split(bytes: &[u8]) -> Option<(Option<StartColumn<'_>>, &[u8])> {
    if bytes.first() != Some(&KIND_STARTED) {
        return Some((None, bytes));
    }
    let mut reader = Reader::new(&bytes[1..]);
    let count = read_count(&mut reader)?;
    let length = reader.varint_usize()?;
    let column = reader.bytes(length)?;
    Some((Some((count, column)), reader.rest()))
}

pub(crate) fn read_count(reader: &mut Reader<'_>) -> Option<usize> {
    reader.varint_usize().filter(|count| (1..=CHUNK_SAMPLES_MAX).contains(count))
}

fn decode_columns(reader: &mut Reader<'_>, count: usize, out: &mut Vec<Sample>) -> Option<()> {
    let times = read_column(reader, count)?;
    let stale = read_stale(reader, count)?;
    let values = read_column(reader, count)?;
    let start = out.len();
    put_samples(out, &times, &values, count)?;
    for index in stale {
        out[start + index].value = STALE_NAN;
    }
    reader.is_at_end().then_some(())
}

/// A closed chunk in memory.
#[derive(Clone)]
pub(crate) struct MemoryChunk {
    pub(crate) described: Description,
    pub(crate) bytes: Box<[u8]>,
}

impl MemoryChunk {
    pub(crate) fn new(
        kind: ChunkKind,
        summary: ChunkSummary,
        fingerprint: u32,
        chunk: Vec<u8>,
        starts: &[Option<Timestamp>],
    ) -> Arc<Self> {
        let bytes = with_start_times(chunk, starts).into_boxed_slice();
        let is_started = bytes.first() == Some(&KIND_STARTED);
        Arc::new(Self { described: Description { summary, kind, is_started, fingerprint }, bytes })
    }

    pub(crate) fn summary(&self) -> &ChunkSummary {
        &self.described.summary
    }
}

fn damaged() -> SourceError {
    SourceError::Damaged("a chunk in memory does not decode".to_owned())
}

impl Chunk for MemoryChunk {
    fn summary(&self) -> &ChunkSummary {
        &self.described.summary
    }

    fn kind(&self) -> ChunkKind {
        self.described.kind
    }

    fn decode(&self, out: &mut Vec<Sample>) -> Result<(), SourceError> {
        match self.described.kind {
            ChunkKind::Floats => decode(&self.bytes, out).ok_or_else(damaged),
            ChunkKind::Histograms => Ok(()),
        }
    }

    fn decode_histograms(&self, out: &mut Vec<HistogramSample>) -> Result<(), SourceError> {
        match self.described.kind {
            ChunkKind::Floats => Ok(()),
            ChunkKind::Histograms => decode_histograms(&self.bytes, out).ok_or_else(damaged),
        }
    }

    fn has_start_times(&self) -> bool {
        self.described.is_started
    }

    fn decode_start_times(&self, out: &mut Vec<Option<Timestamp>>) -> Result<(), SourceError> {
        decode_start_times(&self.bytes, out).ok_or_else(damaged)
    }
}
