//! A closed chunk: samples of one series as compressed columns, with a summary beside them.
//!
//! The first byte names the chunk's kind. Kinds from 16 on are kept for native histograms. Staleness markers are
//! lifted out of the value column, where their odd bits would spoil the compression of everything around them.

use std::sync::Arc;

use bellwether_model::{Chunk, ChunkSummary, STALE_NAN, Sample, SourceError, TimeRange, Timestamp};
use pco::data_types::Number;
use pco::wrapped::{FileCompressor, FileDecompressor};
use pco::{ChunkConfig, PagingSpec};

use crate::block::{self, Block};
use crate::codec::{Reader, put_float, put_varint, put_zigzag};

const KIND_BLOCK: u8 = 1;
const KIND_COLUMNS: u8 = 2;

const COLUMN_REGULAR: u8 = 0;
const COLUMN_WHOLE: u8 = 1;
const COLUMN_FLOAT: u8 = 2;

/// Below this many samples the tables of a compressed column cost more than they save.
const COLUMN_SAMPLES_MIN: usize = 24;
/// Samples in one chunk; decoding refuses more before it allocates.
pub(crate) const CHUNK_SAMPLES_MAX: usize = 1 << 16;
/// Level 4 of pco: 2 % larger than its default level and twice as fast to write.
const PCO_LEVEL: usize = 4;

/// Compresses samples in time order; there must be at least one and at most [`CHUNK_SAMPLES_MAX`].
pub(crate) fn encode(samples: &[Sample]) -> Vec<u8> {
    assert!(!samples.is_empty() && samples.len() <= CHUNK_SAMPLES_MAX, "a chunk has 1 to 65536 samples");
    if samples.len() >= COLUMN_SAMPLES_MIN
        && let Some(bytes) = encode_columns(samples)
    {
        return bytes;
    }
    let mut block = Block::default();
    let mut last = samples[0];
    for sample in samples {
        block.push(last, *sample);
        last = *sample;
    }
    encode_block(block.bytes(), block.count())
}

/// The chunk form of a block's bytes.
pub(crate) fn encode_block(bytes: &[u8], count: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 4);
    out.push(KIND_BLOCK);
    put_varint(&mut out, u64::from(count));
    out.extend_from_slice(bytes);
    out
}

fn encode_columns(samples: &[Sample]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(samples.len() * 2 + 32);
    out.push(KIND_COLUMNS);
    put_varint(&mut out, samples.len() as u64);
    put_times(&mut out, samples)?;
    let stale: Vec<usize> =
        samples.iter().enumerate().filter(|(_, sample)| sample.is_stale()).map(|(i, _)| i).collect();
    put_varint(&mut out, stale.len() as u64);
    let mut previous = 0;
    for index in stale {
        put_varint(&mut out, (index - previous) as u64);
        previous = index;
    }
    put_values(&mut out, samples)?;
    Some(out)
}

fn put_times(out: &mut Vec<u8>, samples: &[Sample]) -> Option<()> {
    let times: Vec<i64> = samples.iter().map(|sample| sample.at.0).collect();
    put_whole_column(out, &times)
}

/// Whole numbers: as start and step where that says it all.
fn put_whole_column(out: &mut Vec<u8>, numbers: &[i64]) -> Option<()> {
    let (first, second) = (numbers[0], *numbers.get(1).unwrap_or(&numbers[0]));
    let step = second.wrapping_sub(first);
    if numbers.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step) {
        out.push(COLUMN_REGULAR);
        put_zigzag(out, first);
        put_zigzag(out, step);
        return Some(());
    }
    out.push(COLUMN_WHOLE);
    put_compressed(out, numbers)
}

fn put_values(out: &mut Vec<u8>, samples: &[Sample]) -> Option<()> {
    let mut filler = samples.iter().find(|sample| !sample.is_stale()).map_or(0.0, |sample| sample.value);
    let values: Vec<f64> = samples
        .iter()
        .map(|sample| {
            if !sample.is_stale() {
                filler = sample.value;
            }
            filler
        })
        .collect();
    let whole =
        |v: &f64| (v.abs() < 9e15 && (*v as i64 as f64).to_bits() == v.to_bits()).then_some(*v as i64);
    if let Some(numbers) = values.iter().map(whole).collect::<Option<Vec<i64>>>() {
        return put_whole_column(out, &numbers);
    }
    out.push(COLUMN_FLOAT);
    put_compressed(out, &values)
}

fn put_compressed<T: Number>(out: &mut Vec<u8>, numbers: &[T]) -> Option<()> {
    let config = ChunkConfig::default()
        .with_compression_level(PCO_LEVEL)
        .with_paging_spec(PagingSpec::Exact(vec![numbers.len()]));
    let file = FileCompressor::default();
    let mut column = Vec::with_capacity(numbers.len() * 2);
    file.write_header(&mut column).ok()?;
    let mut chunk = file.chunk_compressor(numbers, &config).ok()?;
    chunk.write_meta(&mut column).ok()?;
    chunk.write_page(0, &mut column).ok()?;
    put_varint(out, column.len() as u64);
    out.extend_from_slice(&column);
    Some(())
}

/// Appends a chunk's samples. `None` when the bytes are not a chunk; then nothing was appended.
pub(crate) fn decode(bytes: &[u8], out: &mut Vec<Sample>) -> Option<()> {
    let start = out.len();
    let decoded = decode_kind(bytes, out);
    if decoded.is_none() {
        out.truncate(start);
    }
    decoded
}

fn decode_kind(bytes: &[u8], out: &mut Vec<Sample>) -> Option<()> {
    let mut reader = Reader::new(bytes);
    let kind = reader.byte()?;
    let count = reader.varint_usize()?;
    if count == 0 || count > CHUNK_SAMPLES_MAX {
        return None;
    }
    match kind {
        KIND_BLOCK => block::decode(reader.rest(), count as u32, out),
        KIND_COLUMNS => decode_columns(&mut reader, count, out),
        _ => None,
    }
}

fn decode_columns(reader: &mut Reader<'_>, count: usize, out: &mut Vec<Sample>) -> Option<()> {
    let times = read_column(reader, count)?;
    let stale = read_stale(reader, count)?;
    let values = read_column(reader, count)?;
    let start = out.len();
    out.reserve(count);
    for index in 0..count {
        out.push(Sample::new(Timestamp(times.whole(index)?), values.float(index)));
    }
    for index in stale {
        out[start + index].value = STALE_NAN;
    }
    reader.is_at_end().then_some(())
}

fn read_stale(reader: &mut Reader<'_>, count: usize) -> Option<Vec<usize>> {
    let stale_count = reader.varint_usize()?;
    if stale_count > count {
        return None;
    }
    let mut stale = Vec::with_capacity(stale_count);
    let mut index = 0usize;
    for _ in 0..stale_count {
        index = index.checked_add(reader.varint_usize()?).filter(|index| *index < count)?;
        stale.push(index);
    }
    Some(stale)
}

enum Column {
    Regular { first: i64, step: i64 },
    Whole(Vec<i64>),
    Float(Vec<f64>),
}

impl Column {
    fn whole(&self, index: usize) -> Option<i64> {
        match self {
            Self::Regular { first, step } => Some(first.wrapping_add(step.wrapping_mul(index as i64))),
            Self::Whole(numbers) => Some(numbers[index]),
            Self::Float(_) => None,
        }
    }

    fn float(&self, index: usize) -> f64 {
        match self {
            Self::Regular { first, step } => first.wrapping_add(step.wrapping_mul(index as i64)) as f64,
            Self::Whole(numbers) => numbers[index] as f64,
            Self::Float(numbers) => numbers[index],
        }
    }
}

fn read_column(reader: &mut Reader<'_>, count: usize) -> Option<Column> {
    Some(match reader.byte()? {
        COLUMN_REGULAR => Column::Regular { first: reader.zigzag()?, step: reader.zigzag()? },
        COLUMN_WHOLE => Column::Whole(read_compressed(reader, count)?),
        COLUMN_FLOAT => Column::Float(read_compressed(reader, count)?),
        _ => return None,
    })
}

fn read_compressed<T: Number + Default>(reader: &mut Reader<'_>, count: usize) -> Option<Vec<T>> {
    let length = reader.varint_usize()?;
    let column = reader.bytes(length)?;
    let (file, rest) = FileDecompressor::new(column).ok()?;
    let (mut chunk, rest) = file.chunk_decompressor::<T, _>(rest).ok()?;
    let mut numbers = vec![T::default(); count];
    let mut page = chunk.page_decompressor(rest, count).ok()?;
    let progress = page.read(&mut numbers).ok()?;
    (progress.finished && progress.n_processed == count).then_some(numbers)
}

const FLAG_FIRST_AT_START: u8 = 1;
const FLAG_LAST_AT_END: u8 = 2;
const FLAG_INCREASE_IS_DIFFERENCE: u8 = 4;
const FLAG_MIN_IS_FIRST: u8 = 8;
const FLAG_MAX_IS_LAST: u8 = 16;
const FLAG_ODD: u8 = 32;

/// Writes a summary; what follows from other fields takes one bit. `base` is a moment nearby.
pub(crate) fn put_summary(out: &mut Vec<u8>, base: Timestamp, s: &ChunkSummary) {
    let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
    let mut flags = 0;
    let mut flag = |bit: u8, holds: bool| flags |= if holds { bit } else { 0 };
    flag(FLAG_FIRST_AT_START, s.first.at == s.range.start);
    flag(FLAG_LAST_AT_END, s.last.at == s.range.end);
    flag(FLAG_INCREASE_IS_DIFFERENCE, same(s.increase, s.last.value - s.first.value));
    flag(FLAG_MIN_IS_FIRST, same(s.min, s.first.value));
    flag(FLAG_MAX_IS_LAST, same(s.max, s.last.value));
    flag(FLAG_ODD, s.stale_count + s.nan_count + s.resets > 0);
    out.push(flags);
    put_zigzag(out, s.range.start.0.wrapping_sub(base.0));
    put_varint(out, s.range.end.0.wrapping_sub(s.range.start.0) as u64);
    put_varint(out, u64::from(s.count));
    put_varint(out, u64::from(s.changes));
    if flags & FLAG_ODD != 0 {
        for number in [s.stale_count, s.nan_count, s.resets] {
            put_varint(out, u64::from(number));
        }
    }
    if flags & FLAG_FIRST_AT_START == 0 {
        put_varint(out, s.first.at.0.wrapping_sub(s.range.start.0) as u64);
    }
    if flags & FLAG_LAST_AT_END == 0 {
        put_varint(out, s.range.end.0.wrapping_sub(s.last.at.0) as u64);
    }
    for (bit, value) in [
        (0, s.first.value),
        (0, s.last.value),
        (0, s.sum),
        (FLAG_INCREASE_IS_DIFFERENCE, s.increase),
        (FLAG_MIN_IS_FIRST, s.min),
        (FLAG_MAX_IS_LAST, s.max),
    ] {
        if flags & bit == 0 {
            put_float(out, value);
        }
    }
}

/// Reads what [`put_summary`] wrote.
pub(crate) fn read_summary(reader: &mut Reader<'_>, base: Timestamp) -> Option<ChunkSummary> {
    let flags = reader.byte()?;
    let start = base.0.wrapping_add(reader.zigzag()?);
    let end = start.wrapping_add(reader.varint()? as i64);
    let (count, changes) = (reader.varint_u32()?, reader.varint_u32()?);
    let odd = flags & FLAG_ODD != 0;
    let mut number = || if odd { reader.varint_u32() } else { Some(0) };
    let (stale_count, nan_count, resets) = (number()?, number()?, number()?);
    let mut offset = |bit: u8| if flags & bit == 0 { reader.varint() } else { Some(0) };
    let first_at = start.wrapping_add(offset(FLAG_FIRST_AT_START)? as i64);
    let last_at = end.wrapping_sub(offset(FLAG_LAST_AT_END)? as i64);
    let (first, last, sum) = (reader.float()?, reader.float()?, reader.float()?);
    let mut derived = |bit: u8, value: f64| if flags & bit == 0 { reader.float() } else { Some(value) };
    Some(ChunkSummary {
        range: TimeRange::new(Timestamp(start), Timestamp(end)),
        count,
        stale_count,
        nan_count,
        resets,
        changes,
        first: Sample::new(Timestamp(first_at), first),
        last: Sample::new(Timestamp(last_at), last),
        increase: derived(FLAG_INCREASE_IS_DIFFERENCE, last - first)?,
        min: derived(FLAG_MIN_IS_FIRST, first)?,
        max: derived(FLAG_MAX_IS_LAST, last)?,
        sum,
    })
}

/// A closed chunk in memory.
pub(crate) struct MemoryChunk {
    pub(crate) summary: ChunkSummary,
    pub(crate) bytes: Box<[u8]>,
}

impl MemoryChunk {
    /// Compresses samples; `None` when there are none.
    pub(crate) fn of(samples: &[Sample]) -> Option<Arc<Self>> {
        let summary = ChunkSummary::of(samples)?;
        Some(Arc::new(Self { summary, bytes: encode(samples).into_boxed_slice() }))
    }
}

impl Chunk for MemoryChunk {
    fn summary(&self) -> &ChunkSummary {
        &self.summary
    }

    fn decode(&self, out: &mut Vec<Sample>) -> Result<(), SourceError> {
        decode(&self.bytes, out)
            .ok_or_else(|| SourceError::Damaged("a chunk in memory does not decode".to_owned()))
    }
}
