//! Minutes of the past, compressed: blocks of 128 minutes, each column packed in as few bits as its spread needs.
//!
//! A block's index entry carries the totals before it, so any total is "base plus a sum of at most 128 small
//! numbers": random access without cursors. Columns of whole numbers are stored as an offset from their smallest
//! value; a column with fractions is stored as it is.

use std::ops::{Add, Sub};

/// Minutes in a block.
pub(crate) const BLOCK_MINUTES: usize = 128;
/// Width that stands for a column of plain floats.
const WIDTH_PLAIN: u8 = 0xff;
/// Whole numbers up to here survive the way through an `f64` unchanged.
const WHOLE_MAX: f64 = 4_503_599_627_370_496.0;

/// What was counted up to a moment, or between two.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    pub(crate) bad: f64,
    pub(crate) total: f64,
    pub(crate) measured_ms: i64,
}

impl Add for Totals {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let measured_ms = self.measured_ms + other.measured_ms;
        Self { bad: self.bad + other.bad, total: self.total + other.total, measured_ms }
    }
}
impl Sub for Totals {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        let measured_ms = self.measured_ms - other.measured_ms;
        Self { bad: self.bad - other.bad, total: self.total - other.total, measured_ms }
    }
}

/// All sealed blocks of a stream. Invariant: blocks follow each other without a hole in time; `data` holds their
/// payloads in order, and `index[i].offset` is where the `i`th starts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Blocks {
    /// Blocks that were dropped at the front since the stream began; the number of the first block here.
    pub(crate) first_number: u64,
    index: Vec<Entry>,
    data: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Entry {
    before: Totals,
    offset: u32,
}

/// A block on its way to or from a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Block<'a> {
    pub(crate) number: u64,
    pub(crate) before: Totals,
    pub(crate) payload: &'a [u8],
}

impl Blocks {
    /// No blocks yet; the first will have this number.
    pub(crate) fn starting_at(first_number: u64) -> Self {
        Self { first_number, ..Self::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Seals the minutes after the last block. `before` are the totals before the first of them.
    pub(crate) fn seal(&mut self, before: Totals, minutes: &[Totals]) {
        assert_eq!(minutes.len(), BLOCK_MINUTES, "a block is sealed when it is full");
        let mut payload = Vec::new();
        encode_column(&mut payload, minutes.iter().map(|m| m.bad));
        encode_column(&mut payload, minutes.iter().map(|m| m.total));
        encode_column(&mut payload, minutes.iter().map(|m| m.measured_ms as f64));
        self.append(before, &payload);
    }

    fn append(&mut self, before: Totals, payload: &[u8]) {
        reserve_sparingly(&mut self.index, 1);
        reserve_sparingly(&mut self.data, payload.len());
        self.index.push(Entry { before, offset: self.data.len() as u32 });
        self.data.extend_from_slice(payload);
    }

    /// Drops the oldest block.
    pub(crate) fn drop_first(&mut self) {
        let end = self.index.get(1).map_or(self.data.len(), |e| e.offset as usize);
        self.data.drain(..end);
        self.index.remove(0);
        self.index.iter_mut().for_each(|e| e.offset -= end as u32);
        self.first_number += 1;
    }

    /// Totals after the first `minutes` of all that is stored here.
    pub(crate) fn totals_after(&self, minutes: usize) -> Option<Totals> {
        let entry = self.index.get(minutes / BLOCK_MINUTES)?;
        let within = minutes % BLOCK_MINUTES;
        if within == 0 {
            return Some(entry.before);
        }
        let mut at = entry.offset as usize;
        let bad = column_sum(&self.data, &mut at, within)?;
        let total = column_sum(&self.data, &mut at, within)?;
        let measured_ms = column_sum(&self.data, &mut at, within)? as i64;
        Some(entry.before + Totals { bad, total, measured_ms })
    }

    /// The blocks from a number on, for the checkpoint.
    pub(crate) fn since(&self, number: u64) -> impl Iterator<Item = Block<'_>> {
        let skip = number.saturating_sub(self.first_number) as usize;
        (skip..self.index.len()).map(|i| {
            let end = self.index.get(i + 1).map_or(self.data.len(), |e| e.offset as usize);
            let payload = &self.data[self.index[i].offset as usize..end];
            Block { number: self.first_number + i as u64, before: self.index[i].before, payload }
        })
    }

    /// Takes a block back from a file; `None` when it does not follow the last one or cannot be read.
    pub(crate) fn restore(&mut self, block: &Block<'_>) -> Option<()> {
        if self.index.is_empty() {
            self.first_number = block.number;
        }
        let follows = block.number == self.first_number + self.index.len() as u64;
        let mut at = 0;
        for _ in 0..3 {
            column_sum(block.payload, &mut at, BLOCK_MINUTES)?;
        }
        (follows && at == block.payload.len()).then(|| self.append(block.before, block.payload))
    }

    /// Bytes of all payloads.
    pub(crate) fn payload_bytes(&self) -> usize {
        self.data.len()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.index.capacity() * size_of::<Entry>() + self.data.capacity()
    }
}

/// Makes room with a sixteenth to spare: doubling would cost as much memory as the history itself.
fn reserve_sparingly<T>(vec: &mut Vec<T>, more: usize) {
    if vec.capacity() - vec.len() < more {
        vec.reserve_exact(more + vec.len() / 16);
    }
}

fn encode_column(out: &mut Vec<u8>, values: impl Iterator<Item = f64> + Clone) {
    if !values.clone().all(|v| v.fract() == 0.0 && v.abs() < WHOLE_MAX) {
        out.push(WIDTH_PLAIN);
        values.for_each(|v| out.extend_from_slice(&v.to_le_bytes()));
        return;
    }
    let (min, max) =
        values.clone().fold((i64::MAX, i64::MIN), |(lo, hi), v| (lo.min(v as i64), hi.max(v as i64)));
    let width = u64::BITS - ((max - min) as u64).leading_zeros();
    out.push(width as u8);
    let min_len = (u64::BITS - zigzag(min).leading_zeros()).div_ceil(8) as usize;
    out.push(min_len as u8);
    out.extend_from_slice(&zigzag(min).to_le_bytes()[..min_len]);
    let (mut buffer, mut filled) = (0u128, 0);
    for value in values {
        buffer |= u128::from((value as i64 - min) as u64) << filled;
        filled += width;
        while filled >= 8 {
            out.push(buffer as u8);
            buffer >>= 8;
            filled -= 8;
        }
    }
    // 128 values of any width fill whole bytes, so nothing is left over here.
}

/// Sum of the first `count` values of the column at `at`, which moves on to the next column.
fn column_sum(data: &[u8], at: &mut usize, count: usize) -> Option<f64> {
    let width = *data.get(*at)?;
    if width == WIDTH_PLAIN {
        let bytes = data.get(*at + 1..*at + 1 + BLOCK_MINUTES * 8)?;
        *at += 1 + BLOCK_MINUTES * 8;
        let (values, _) = bytes.as_chunks::<8>();
        return Some(values[..count].iter().map(|b| f64::from_le_bytes(*b)).sum());
    }
    let min_len = usize::from(*data.get(*at + 1)?);
    if width > 54 || min_len > 8 {
        return None;
    }
    let start = *at + 2 + min_len;
    let mut min = [0; 8];
    min[..min_len].copy_from_slice(data.get(*at + 2..start)?);
    let len = BLOCK_MINUTES / 8 * usize::from(width);
    let packed = data.get(start..start + len)?;
    *at = start + len;
    let offsets = packed_sum(packed, usize::from(width), count);
    Some((unzigzag(u64::from_le_bytes(min)) * count as i64 + offsets as i64) as f64)
}

fn packed_sum(packed: &[u8], width: usize, count: usize) -> u64 {
    if width == 0 {
        return 0;
    }
    let mask = (1u64 << width) - 1;
    let mut sum = 0u64;
    for index in 0..count {
        let bit = index * width;
        let rest = &packed[bit / 8..];
        let word = match rest.first_chunk::<8>() {
            Some(bytes) => u64::from_le_bytes(*bytes),
            None => {
                let mut bytes = [0; 8];
                bytes[..rest.len()].copy_from_slice(rest);
                u64::from_le_bytes(bytes)
            }
        };
        sum += (word >> (bit % 8)) & mask;
    }
    sum
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}
