//! A chunk's description as the index of a segment has it: its summary, and what its entries are. What follows from
//! other fields takes one bit.

use bellwether_model::{ChunkKind, ChunkSummary, Sample, TimeRange, Timestamp};

use crate::codec::{Reader, put_float, put_u32, put_varint, put_zigzag};

/// What is known of a chunk without its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Description {
    pub(crate) summary: ChunkSummary,
    pub(crate) kind: ChunkKind,
    /// Whether its entries have start times.
    pub(crate) is_started: bool,
    /// Of the last entry, if it is a histogram.
    pub(crate) fingerprint: u32,
}

const FLAG_FIRST_AT_START: u8 = 1;
const FLAG_LAST_AT_END: u8 = 2;
const FLAG_INCREASE_IS_DIFFERENCE: u8 = 4;
const FLAG_MIN_IS_FIRST: u8 = 8;
const FLAG_MAX_IS_LAST: u8 = 16;
const FLAG_ODD: u8 = 32;
/// Histograms: of the summary only the range and the counts follow.
const FLAG_HISTOGRAMS: u8 = 64;
/// Entries have start times.
const FLAG_STARTED: u8 = 128;

/// Writes a description.
pub(crate) fn put(out: &mut Vec<u8>, described: &Description) {
    let flags = if described.is_started { FLAG_STARTED } else { 0 };
    match described.kind {
        ChunkKind::Floats => put_floats(out, flags, &described.summary),
        ChunkKind::Histograms => put_histograms(out, flags | FLAG_HISTOGRAMS, described),
    }
}

fn put_histograms(out: &mut Vec<u8>, flags: u8, described: &Description) {
    let s = &described.summary;
    out.push(flags | if s.stale_count > 0 { FLAG_ODD } else { 0 });
    put_range(out, s);
    if s.stale_count > 0 {
        put_varint(out, u64::from(s.stale_count));
    }
    put_u32(out, described.fingerprint);
}

fn put_range(out: &mut Vec<u8>, s: &ChunkSummary) {
    put_zigzag(out, s.range.start.0);
    put_varint(out, s.range.end.0.wrapping_sub(s.range.start.0) as u64);
    put_varint(out, u64::from(s.count));
}

fn put_floats(out: &mut Vec<u8>, mut flags: u8, s: &ChunkSummary) {
    let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
    let mut flag = |bit: u8, holds: bool| flags |= if holds { bit } else { 0 };
    flag(FLAG_FIRST_AT_START, s.first.at == s.range.start);
    flag(FLAG_LAST_AT_END, s.last.at == s.range.end);
    flag(FLAG_INCREASE_IS_DIFFERENCE, same(s.increase, s.last.value - s.first.value));
    flag(FLAG_MIN_IS_FIRST, same(s.min, s.first.value));
    flag(FLAG_MAX_IS_LAST, same(s.max, s.last.value));
    flag(FLAG_ODD, s.stale_count + s.nan_count + s.resets > 0);
    out.push(flags);
    put_range(out, s);
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

/// Reads what [`put`] wrote.
pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Description> {
    let flags = reader.byte()?;
    let start = reader.zigzag()?;
    let range = TimeRange::new(Timestamp(start), Timestamp(start.wrapping_add(reader.varint()? as i64)));
    let count = reader.varint_u32()?;
    let is_started = flags & FLAG_STARTED != 0;
    if flags & FLAG_HISTOGRAMS == 0 {
        let summary = read_floats(reader, flags, range, count)?;
        return Some(Description { summary, kind: ChunkKind::Floats, is_started, fingerprint: 0 });
    }
    let stale_count = if flags & FLAG_ODD != 0 { reader.varint_u32()? } else { 0 };
    let placeholder = ChunkSummary::of(&[Sample::new(range.start, 0.0)])?;
    let summary = ChunkSummary { range, count, stale_count, ..placeholder };
    Some(Description { summary, kind: ChunkKind::Histograms, is_started, fingerprint: reader.u32()? })
}

fn read_floats(reader: &mut Reader<'_>, flags: u8, range: TimeRange, count: u32) -> Option<ChunkSummary> {
    let (start, end) = (range.start.0, range.end.0);
    let changes = reader.varint_u32()?;
    let odd = flags & FLAG_ODD != 0;
    let mut number = || if odd { reader.varint_u32() } else { Some(0) };
    let (stale_count, nan_count, resets) = (number()?, number()?, number()?);
    let mut offset = |bit: u8| if flags & bit == 0 { reader.varint() } else { Some(0) };
    let first_at = start.wrapping_add(offset(FLAG_FIRST_AT_START)? as i64);
    let last_at = end.wrapping_sub(offset(FLAG_LAST_AT_END)? as i64);
    let (first, last, sum) = (reader.float()?, reader.float()?, reader.float()?);
    let mut derived = |bit: u8, value: f64| if flags & bit == 0 { reader.float() } else { Some(value) };
    Some(ChunkSummary {
        range,
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
