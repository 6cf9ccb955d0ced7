//! Numbers of one sort, next to each other and compressed: times, values, or the counts of one bucket.

use std::cell::RefCell;

use pco::data_types::Number;
use pco::wrapped::{FileCompressor, FileDecompressor};
use pco::{ChunkConfig, DecompressorScratch, DeltaSpec, ModeSpec, PagingSpec};

use bellwether_model::{Sample, Timestamp};

use crate::codec::{Reader, put_varint, put_zigzag};
use crate::column_shape::Shape;
use crate::float_shape::{self, FloatShape};
use crate::packed;

const COLUMN_REGULAR: u8 = 0;
const COLUMN_WHOLE: u8 = 1;
const COLUMN_FLOAT: u8 = 2;
/// Only in memory, like those below.
const COLUMN_PACKED: u8 = 3;
/// How many decimals, the numbers without the point, and how far each is from what that gives.
const COLUMN_PACKED_DECIMALS: u8 = 4;
const COLUMN_PACKED_BITS: u8 = 5;

/// Level 4 of pco: 2 % larger than its default level and twice as fast to write.
const PCO_LEVEL: usize = 4;

/// What a column is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The hours until it is sealed: quickly.
    Memory,
    /// A segment: as small as it gets.
    File,
}

/// Whole numbers, at least one: as start and step where that says it all.
pub(crate) fn put_whole_column(out: &mut Vec<u8>, numbers: &[i64], purpose: Purpose) -> Option<()> {
    match purpose {
        _ if put_regular(out, numbers) => Some(()),
        Purpose::Memory => {
            out.push(COLUMN_PACKED);
            packed::put(out, numbers);
            Some(())
        }
        Purpose::File => put_shaped(out, numbers, Shape::of(numbers)),
    }
}

/// The same for a segment, by whoever knows the shape.
pub(crate) fn put_shaped_column(out: &mut Vec<u8>, numbers: &[i64], shape: Shape) -> Option<()> {
    if put_regular(out, numbers) { Some(()) } else { put_shaped(out, numbers, shape) }
}

/// Whether start and step say it all; then they are written.
fn put_regular(out: &mut Vec<u8>, numbers: &[i64]) -> bool {
    let (first, second) = (numbers[0], *numbers.get(1).unwrap_or(&numbers[0]));
    let step = second.wrapping_sub(first);
    let is_regular = numbers.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step);
    if is_regular {
        out.push(COLUMN_REGULAR);
        put_zigzag(out, first);
        put_zigzag(out, step);
    }
    is_regular
}

fn put_shaped(out: &mut Vec<u8>, numbers: &[i64], shape: Shape) -> Option<()> {
    out.push(COLUMN_WHOLE);
    put_compressed(out, numbers, shape.delta(), shape.mode())
}

/// Numbers, at least one: as whole ones where they are.
pub(crate) fn put_float_column(out: &mut Vec<u8>, values: &[f64], purpose: Purpose) -> Option<()> {
    if let Some(numbers) = whole_numbers(values) {
        return put_whole_column(out, &numbers, purpose);
    }
    match (purpose, FloatShape::of(values)) {
        (Purpose::File, shape) => {
            out.push(COLUMN_FLOAT);
            let (delta, mode) = shape.specs();
            return put_compressed(out, values, delta, mode);
        }
        (Purpose::Memory, FloatShape::Decimal(decimals)) => {
            out.extend_from_slice(&[COLUMN_PACKED_DECIMALS, decimals.count as u8]);
            packed::put(out, &decimals.numbers);
            packed::put(out, &decimals.steps_above(values));
        }
        (Purpose::Memory, FloatShape::Bits(bits)) => {
            out.push(COLUMN_PACKED_BITS);
            packed::put(out, &bits);
        }
    }
    Some(())
}

/// The same numbers, if all of them are whole and exact.
pub(crate) fn whole_numbers(values: &[f64]) -> Option<Vec<i64>> {
    let whole =
        |v: &f64| (v.abs() < 9e15 && (*v as i64 as f64).to_bits() == v.to_bits()).then_some(*v as i64);
    values.iter().map(whole).collect()
}

fn put_compressed<T: Number>(
    out: &mut Vec<u8>,
    numbers: &[T],
    delta: DeltaSpec,
    mode: ModeSpec,
) -> Option<()> {
    let config = ChunkConfig::default()
        .with_compression_level(PCO_LEVEL)
        .with_delta_spec(delta)
        .with_mode_spec(mode)
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

/// Which of the entries are staleness markers.
pub(crate) fn put_stale(out: &mut Vec<u8>, is_stale: impl Iterator<Item = bool>) {
    let stale: Vec<usize> = is_stale.enumerate().filter(|(_, stale)| *stale).map(|(i, _)| i).collect();
    put_varint(out, stale.len() as u64);
    let mut previous = 0;
    for index in stale {
        put_varint(out, (index - previous) as u64);
        previous = index;
    }
}

/// In ascending order.
pub(crate) fn read_stale(reader: &mut Reader<'_>, count: usize) -> Option<Vec<usize>> {
    let stale_count = reader.varint_usize()?;
    if stale_count > count {
        return None;
    }
    let mut stale: Vec<usize> = Vec::with_capacity(stale_count);
    for _ in 0..stale_count {
        let distance = reader.varint_usize()?;
        let index = stale.last().map_or(Some(distance), |last| last.checked_add(distance));
        let index = index.filter(|index| *index < count && stale.last().is_none_or(|last| last < index))?;
        stale.push(index);
    }
    Some(stale)
}

/// A column that was read.
pub(crate) enum Column {
    Regular { first: i64, step: i64 },
    Whole(Vec<i64>),
    Float(Vec<f64>),
}

impl Column {
    pub(crate) fn whole(&self, index: usize) -> Option<i64> {
        match self {
            Self::Regular { first, step } => Some(first.wrapping_add(step.wrapping_mul(index as i64))),
            Self::Whole(numbers) => Some(numbers[index]),
            Self::Float(_) => None,
        }
    }

    pub(crate) fn float(&self, index: usize) -> f64 {
        match self {
            Self::Regular { first, step } => first.wrapping_add(step.wrapping_mul(index as i64)) as f64,
            Self::Whole(numbers) => numbers[index] as f64,
            Self::Float(numbers) => numbers[index],
        }
    }
}

/// Appends samples of two columns of the same length; `None` when the times are no whole numbers.
pub(crate) fn put_samples(
    out: &mut Vec<Sample>,
    times: &Column,
    values: &Column,
    count: usize,
) -> Option<()> {
    match times {
        Column::Regular { first, step } => put_values(out, regular(*first, *step, count), values),
        Column::Whole(times) => put_values(out, times.iter().copied(), values),
        Column::Float(_) => return None,
    }
    Some(())
}

/// One loop for each pair of sorts, without a question in it.
fn put_values(out: &mut Vec<Sample>, times: impl ExactSizeIterator<Item = i64>, values: &Column) {
    let sample = |(at, value): (i64, f64)| Sample::new(Timestamp(at), value);
    match values {
        Column::Regular { first, step } => {
            let values = regular(*first, *step, times.len()).map(|whole| whole as f64);
            out.extend(times.zip(values).map(sample));
        }
        Column::Whole(values) => out.extend(times.zip(values.iter().map(|whole| *whole as f64)).map(sample)),
        Column::Float(values) => out.extend(times.zip(values.iter().copied()).map(sample)),
    }
}

fn regular(first: i64, step: i64, count: usize) -> impl ExactSizeIterator<Item = i64> {
    (0..count).map(move |index| first.wrapping_add(step.wrapping_mul(index as i64)))
}

/// Reads a column of so many numbers.
pub(crate) fn read_column(reader: &mut Reader<'_>, count: usize) -> Option<Column> {
    Some(match reader.byte()? {
        COLUMN_REGULAR => Column::Regular { first: reader.zigzag()?, step: reader.zigzag()? },
        COLUMN_WHOLE => Column::Whole(read_compressed(reader, count)?),
        COLUMN_FLOAT => Column::Float(read_compressed(reader, count)?),
        COLUMN_PACKED => Column::Whole(packed::read(reader, count)?),
        COLUMN_PACKED_DECIMALS => {
            let decimals = usize::from(reader.byte()?);
            let (numbers, steps_above) = (packed::read(reader, count)?, packed::read(reader, count)?);
            Column::Float(float_shape::from_decimals(&numbers, decimals, &steps_above)?)
        }
        COLUMN_PACKED_BITS => {
            let bits = packed::read(reader, count)?;
            Column::Float(bits.into_iter().map(float_shape::from_ordered_bits).collect())
        }
        _ => return None,
    })
}

fn read_compressed<T: Number + Default>(reader: &mut Reader<'_>, count: usize) -> Option<Vec<T>> {
    let length = reader.varint_usize()?;
    let column = reader.bytes(length)?;
    let (file, rest) = FileDecompressor::new(column).ok()?;
    let (chunk, rest) = file.chunk_decompressor::<T, _>(rest).ok()?;
    let mut numbers = vec![T::default(); count];
    let progress = SCRATCH.with_borrow_mut(|scratch| {
        let mut page = chunk.page_decompressor_with_scratch(rest, count, scratch).ok()?;
        page.read(&mut numbers).ok()
    })?;
    (progress.finished && progress.n_processed == count).then_some(numbers)
}

thread_local! {
    /// Room to work in, some kilobytes: making it anew for each column would take as long as a small column.
    static SCRATCH: RefCell<DecompressorScratch> = RefCell::default();
}
