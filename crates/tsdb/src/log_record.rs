//! What the log says, one record for each new series, batch and retention floor. A frame around every record
//! carries its length and checksum, so that a torn tail is known for what it is.

use bellwether_model::{
    Batch, Births, Histogram, HistogramSample, Labels, LogPosition, Origin, Sample, SeriesId, TimeDelta,
    Timestamp,
};

use crate::codec::{Reader, put_i64, put_text, put_u64, put_varint, put_zigzag};
use crate::histogram_row;

/// Length (u32) and CRC-32 (u32) stand before each record.
pub(crate) const FRAME_BYTES: usize = 8;
/// A record larger than this is refused when written and taken for damage when read.
pub(crate) const RECORD_BYTES_MAX: usize = 256 << 20;
/// Samples in one batch; keeps any record below [`RECORD_BYTES_MAX`].
pub(crate) const BATCH_SAMPLES_MAX: usize = 8 << 20;

const KIND_SERIES: u8 = 1;
const KIND_BATCH: u8 = 2;
const KIND_FLOOR: u8 = 3;
const KIND_SYNCED: u8 = 4;
/// A batch with histograms or start times; since version 2.
const KIND_MIXED_BATCH: u8 = 5;
/// Series refused for a limit; since version 4.
const KIND_REFUSED: u8 = 6;
/// A series that had been refused; since version 4.
const KIND_SERIES_REFUSED_BEFORE: u8 = 7;
/// A mixed batch of which some entries were late; since version 5.
const KIND_LATE_BATCH: u8 = 8;

/// A mark's payload: kind, file, offset.
const MARK_BYTES: usize = 17;

const ORIGIN_SCRAPE: u8 = 0;
const ORIGIN_BACKFILL: u8 = 1;
const ORIGIN_RULES: u8 = 2;
/// Read from another store; since version 3.
const ORIGIN_REMOTE: u8 = 3;
const ORIGIN_REMOTE_PUSHED: u8 = 4;
/// Pushed here; since version 4.
const ORIGIN_PUSHED: u8 = 5;

const TIMES_EQUAL: u8 = 0;
const TIMES_DELTAS: u8 = 1;

/// A record as read; a batch goes into the buffer that was handed in.
pub(crate) enum Record<'a> {
    /// A series, and whether it had been refused before.
    Series(SeriesId, PackedLabels<'a>, bool),
    /// Fingerprints of series that were refused for a limit; none stands for more than are remembered.
    Refused(Vec<u64>),
    /// With the places of its late entries, in order.
    Batch(Vec<LatePlace>),
    Floor(Timestamp),
    /// A mark; only looked at where something does not read.
    Synced,
}

/// Labels that are decoded when they are asked for: whoever folds over the log mostly knows them.
#[derive(Clone, Copy)]
pub(crate) struct PackedLabels<'a>(&'a [u8]);

impl PackedLabels<'_> {
    /// `None` when they are not what this version writes.
    pub(crate) fn decode(self) -> Option<Labels> {
        let mut reader = Reader::new(self.0);
        labels(&mut reader).filter(|_| reader.is_at_end())
    }
}

/// An entry of a batch that was not after the last of its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LatePlace {
    pub(crate) place: u32,
    /// Whether the store has it, and not only the log.
    pub(crate) is_taken: bool,
}

/// Appends one framed record whose payload `write` produces.
fn frame(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; FRAME_BYTES]);
    write(out);
    let payload = &out[start + FRAME_BYTES..];
    let (length, crc) = (payload.len() as u32, crc32fast::hash(payload));
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    out[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
}

/// The payload of the first frame, checked; `None` when it is cut off or damaged.
pub(crate) fn unframe(bytes: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(bytes);
    let (length, crc) = (reader.u32()? as usize, reader.u32()?);
    if length == 0 || length > RECORD_BYTES_MAX {
        return None;
    }
    let payload = reader.bytes(length)?;
    (crc32fast::hash(payload) == crc).then_some(payload)
}

pub(crate) fn put_labels(out: &mut Vec<u8>, labels: &Labels) {
    put_varint(out, labels.len() as u64);
    for (name, value) in labels.iter() {
        put_text(out, name);
        put_text(out, value);
    }
}

pub(crate) fn labels(reader: &mut Reader<'_>) -> Option<Labels> {
    let count = reader.varint_usize()?;
    let mut pairs: Vec<(&str, &str)> = Vec::with_capacity(count.min(64));
    for _ in 0..count {
        let pair = (reader.text()?, reader.text()?);
        // An empty value would change the set's name when it is packed, so it cannot have been written by us.
        if pair.1.is_empty() || pairs.last().is_some_and(|last| last.0 >= pair.0) {
            return None;
        }
        pairs.push(pair);
    }
    Some(Labels::from_sorted(&pairs))
}

pub(crate) fn put_series(out: &mut Vec<u8>, id: SeriesId, labels: &Labels, was_refused: bool) {
    frame(out, |out| {
        out.push(if was_refused { KIND_SERIES_REFUSED_BEFORE } else { KIND_SERIES });
        put_varint(out, u64::from(id.0));
        put_labels(out, labels);
    });
}

/// Series that were refused for a limit, by their fingerprints.
pub(crate) fn put_refused(out: &mut Vec<u8>, fingerprints: &[u64]) {
    frame(out, |out| {
        out.push(KIND_REFUSED);
        put_varint(out, fingerprints.len() as u64);
        fingerprints.iter().for_each(|fingerprint| put_u64(out, *fingerprint));
    });
}

pub(crate) fn put_floor(out: &mut Vec<u8>, floor: Timestamp) {
    frame(out, |out| {
        out.push(KIND_FLOOR);
        put_i64(out, floor.0);
    });
}

/// Everything before this position is durable.
pub(crate) fn put_synced(out: &mut Vec<u8>, position: LogPosition) {
    frame(out, |out| {
        out.push(KIND_SYNCED);
        put_u64(out, position.file);
        put_u64(out, position.offset);
    });
}

/// The first mark at or after the beginning of some bytes: where its frame begins, and what it says. Its fixed
/// length, its checksum and its place tell it from anything else.
pub(crate) fn find_mark(bytes: &[u8]) -> Option<(usize, LogPosition)> {
    let length = (MARK_BYTES as u32).to_le_bytes();
    let starts = bytes.windows(FRAME_BYTES + MARK_BYTES).enumerate().filter(|(_, w)| w.starts_with(&length));
    let mut marks = starts.filter_map(|(at, window)| Some((at, read_mark(unframe(window)?)?)));
    marks.next()
}

fn read_mark(payload: &[u8]) -> Option<LogPosition> {
    let mut reader = Reader::new(payload);
    let is_mark = reader.byte()? == KIND_SYNCED;
    let position = LogPosition { file: reader.u64()?, offset: reader.u64()? };
    (is_mark && reader.is_at_end()).then_some(position)
}

/// Columns compress and decode better than rows: ids, then times, then values.
pub(crate) fn put_batch(out: &mut Vec<u8>, batch: &Batch, late: &[LatePlace]) {
    let is_mixed = !batch.histograms.is_empty() || !batch.start_times.is_empty() || !late.is_empty();
    frame(out, |out| {
        out.push(match (is_mixed, late.is_empty()) {
            (false, _) => KIND_BATCH,
            (true, true) => KIND_MIXED_BATCH,
            (true, false) => KIND_LATE_BATCH,
        });
        put_origin(out, batch.origin);
        put_zigzag(out, batch.at.0);
        put_varint(out, batch.samples.len() as u64);
        put_ids(out, batch.samples.iter().map(|(id, _)| *id));
        put_times(out, batch.at, batch.samples.iter().map(|(_, sample)| sample.at));
        put_values(out, &batch.samples);
        if is_mixed {
            put_histograms(out, batch);
            put_start_times(out, batch);
        }
        if !late.is_empty() {
            put_late_places(out, late);
        }
    });
}

/// Distances from the place after the one before, doubled, and one more where the store has the entry.
fn put_late_places(out: &mut Vec<u8>, late: &[LatePlace]) {
    put_varint(out, late.len() as u64);
    let mut next = 0;
    for late in late {
        put_varint(out, u64::from(late.place - next) << 1 | u64::from(late.is_taken));
        next = late.place + 1;
    }
}

fn put_histograms(out: &mut Vec<u8>, batch: &Batch) {
    put_varint(out, batch.histograms.len() as u64);
    put_ids(out, batch.histograms.iter().map(|(id, _)| *id));
    put_times(out, batch.at, batch.histograms.iter().map(|(_, sample)| sample.at));
    for (_, sample) in &batch.histograms {
        histogram_row::put_histogram(out, &sample.histogram);
    }
}

/// Places one after the other, each with how much later it is than the one before; neighbours often share a start.
fn put_start_times(out: &mut Vec<u8>, batch: &Batch) {
    put_varint(out, batch.start_times.len() as u64);
    let (mut next, mut before) = (0, batch.at.0);
    for (place, since) in &batch.start_times {
        put_varint(out, u64::from(place - next));
        put_zigzag(out, since.0.wrapping_sub(before));
        (next, before) = (place + 1, since.0);
    }
}

/// What a batch weighs, counted in samples, so that a record of it is not too large.
pub(crate) fn weight(batch: &Batch) -> usize {
    let numbers = |h: &Histogram| 4 + h.positive.len() + h.negative.len() + h.custom_bounds.len();
    let histograms: usize = batch.histograms.iter().map(|(_, sample)| numbers(&sample.histogram)).sum();
    batch.samples.len() + batch.start_times.len() + histograms
}

fn put_origin(out: &mut Vec<u8>, origin: Origin) {
    match origin {
        Origin::Scrape { target, ok, interval } => {
            out.extend_from_slice(&[ORIGIN_SCRAPE, u8::from(ok)]);
            put_varint(out, u64::from(target.0));
            put_zigzag(out, interval.0);
        }
        Origin::Backfill => out.push(ORIGIN_BACKFILL),
        Origin::Rules => out.push(ORIGIN_RULES),
        Origin::Pushed => out.push(ORIGIN_PUSHED),
        Origin::Remote { target, ok, interval, births } => {
            out.extend_from_slice(&[ORIGIN_REMOTE, u8::from(ok), births_byte(births)]);
            put_varint(out, u64::from(target.0));
            put_zigzag(out, interval.0);
        }
        Origin::RemotePushed { births } => {
            out.extend_from_slice(&[ORIGIN_REMOTE_PUSHED, births_byte(births)]);
        }
    }
}

const fn births_byte(births: Births) -> u8 {
    match births {
        Births::Counted => 0,
        Births::Baseline => 1,
    }
}

fn read_births(reader: &mut Reader<'_>) -> Option<Births> {
    match reader.byte()? {
        0 => Some(Births::Counted),
        1 => Some(Births::Baseline),
        _ => None,
    }
}

fn read_flag(reader: &mut Reader<'_>) -> Option<bool> {
    match reader.byte()? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn put_ids(out: &mut Vec<u8>, ids: impl Iterator<Item = SeriesId>) {
    let mut previous = 0i64;
    for id in ids {
        put_zigzag(out, i64::from(id.0) - previous);
        previous = i64::from(id.0);
    }
}

fn put_times(out: &mut Vec<u8>, at: Timestamp, times: impl Iterator<Item = Timestamp> + Clone) {
    if times.clone().all(|time| time == at) {
        out.push(TIMES_EQUAL);
        return;
    }
    out.push(TIMES_DELTAS);
    let mut previous = at.0;
    for time in times {
        put_zigzag(out, time.0.wrapping_sub(previous));
        previous = time.0;
    }
}

/// Lengths in half bytes, then each value's leading bytes: whole numbers of everyday size take two to four.
fn put_values(out: &mut Vec<u8>, samples: &[(SeriesId, Sample)]) {
    let width = |sample: &Sample| 8 - sample.value.to_bits().trailing_zeros().min(64) as u8 / 8;
    for pair in samples.chunks(2) {
        let high = pair.get(1).map_or(0, |(_, sample)| width(sample));
        out.push(width(&pair[0].1) | high << 4);
    }
    for (_, sample) in samples {
        out.extend_from_slice(&sample.value.to_bits().to_be_bytes()[..usize::from(width(sample))]);
    }
}

/// Reads a payload. `None` when it is not a record of this version.
pub(crate) fn read<'a>(payload: &'a [u8], batch: &mut Batch) -> Option<Record<'a>> {
    let mut reader = Reader::new(payload);
    let record = match reader.byte()? {
        kind @ (KIND_SERIES | KIND_SERIES_REFUSED_BEFORE) => {
            let id = SeriesId(reader.varint_u32()?);
            let labels = PackedLabels(reader.rest());
            return Some(Record::Series(id, labels, kind == KIND_SERIES_REFUSED_BEFORE));
        }
        KIND_REFUSED => {
            let count = reader.varint_usize()?;
            if count > reader.rest().len() / 8 {
                return None;
            }
            Record::Refused((0..count).map(|_| reader.u64()).collect::<Option<_>>()?)
        }
        KIND_BATCH => {
            read_batch(&mut reader, batch)?;
            Record::Batch(Vec::new())
        }
        kind @ (KIND_MIXED_BATCH | KIND_LATE_BATCH) => {
            read_batch(&mut reader, batch)?;
            read_histograms(&mut reader, batch)?;
            read_start_times(&mut reader, batch)?;
            let is_late = kind == KIND_LATE_BATCH;
            Record::Batch(if is_late { read_late_places(&mut reader, batch)? } else { Vec::new() })
        }
        KIND_FLOOR => Record::Floor(Timestamp(reader.i64()?)),
        KIND_SYNCED => {
            reader.u64()?;
            reader.u64()?;
            Record::Synced
        }
        _ => return None,
    };
    reader.is_at_end().then_some(record)
}

fn read_batch(reader: &mut Reader<'_>, batch: &mut Batch) -> Option<()> {
    batch.samples.clear();
    batch.histograms.clear();
    batch.start_times.clear();
    batch.origin = read_origin(reader)?;
    batch.at = Timestamp(reader.zigzag()?);
    let count = read_count(reader)?;
    batch.samples.reserve(count);
    for id in read_ids(reader, count)? {
        batch.samples.push((id, Sample::new(batch.at, 0.0)));
    }
    let times = batch.samples.iter_mut().map(|(_, sample)| &mut sample.at);
    read_times(reader, batch.at, times)?;
    read_values(reader, &mut batch.samples)
}

fn read_histograms(reader: &mut Reader<'_>, batch: &mut Batch) -> Option<()> {
    let count = read_count(reader)?;
    let ids = read_ids(reader, count)?;
    let mut times = vec![batch.at; count];
    read_times(reader, batch.at, times.iter_mut())?;
    for (id, at) in ids.into_iter().zip(times) {
        let histogram = histogram_row::read_histogram(reader)?;
        batch.histograms.push((id, HistogramSample::new(at, histogram)));
    }
    Some(())
}

fn read_start_times(reader: &mut Reader<'_>, batch: &mut Batch) -> Option<()> {
    let count = read_count(reader)?;
    let (mut next, mut before) = (0u32, batch.at.0);
    for _ in 0..count {
        let place = next.checked_add(reader.varint_u32()?)?;
        before = before.wrapping_add(reader.zigzag()?);
        batch.start_times.push((place, Timestamp(before)));
        next = place.checked_add(1)?;
    }
    (next as usize <= batch.len()).then_some(())
}

fn read_late_places(reader: &mut Reader<'_>, batch: &Batch) -> Option<Vec<LatePlace>> {
    let count = read_count(reader)?;
    let (mut late, mut next) = (Vec::with_capacity(count), 0u32);
    for _ in 0..count {
        let number = reader.varint()?;
        let place = next.checked_add(u32::try_from(number >> 1).ok()?)?;
        late.push(LatePlace { place, is_taken: number & 1 == 1 });
        next = place.checked_add(1)?;
    }
    (next as usize <= batch.len()).then_some(late)
}

/// Each of what is counted takes a byte at least, so a wild count ends here and not in the allocator.
fn read_count(reader: &mut Reader<'_>) -> Option<usize> {
    reader.varint_usize().filter(|count| *count <= BATCH_SAMPLES_MAX && *count <= reader.rest().len())
}

fn read_ids(reader: &mut Reader<'_>, count: usize) -> Option<Vec<SeriesId>> {
    let mut previous = 0i64;
    let mut next = || {
        previous = previous.checked_add(reader.zigzag()?)?;
        Some(SeriesId(previous.try_into().ok()?))
    };
    (0..count).map(|_| next()).collect()
}

fn read_origin(reader: &mut Reader<'_>) -> Option<Origin> {
    Some(match reader.byte()? {
        ORIGIN_SCRAPE => {
            let ok = read_flag(reader)?;
            let target = SeriesId(reader.varint_u32()?);
            Origin::Scrape { target, ok, interval: TimeDelta(reader.zigzag()?) }
        }
        ORIGIN_BACKFILL => Origin::Backfill,
        ORIGIN_RULES => Origin::Rules,
        ORIGIN_PUSHED => Origin::Pushed,
        ORIGIN_REMOTE => {
            let (ok, births) = (read_flag(reader)?, read_births(reader)?);
            let target = SeriesId(reader.varint_u32()?);
            Origin::Remote { target, ok, interval: TimeDelta(reader.zigzag()?), births }
        }
        ORIGIN_REMOTE_PUSHED => Origin::RemotePushed { births: read_births(reader)? },
        _ => return None,
    })
}

fn read_times<'a>(
    reader: &mut Reader<'_>,
    at: Timestamp,
    times: impl Iterator<Item = &'a mut Timestamp>,
) -> Option<()> {
    match reader.byte()? {
        TIMES_EQUAL => Some(()),
        TIMES_DELTAS => {
            let mut previous = at.0;
            for time in times {
                previous = previous.wrapping_add(reader.zigzag()?);
                *time = Timestamp(previous);
            }
            Some(())
        }
        _ => None,
    }
}

fn read_values(reader: &mut Reader<'_>, samples: &mut [(SeriesId, Sample)]) -> Option<()> {
    let widths = reader.bytes(samples.len().div_ceil(2))?;
    for (pair, widths) in samples.chunks_mut(2).zip(widths) {
        for ((_, sample), width) in pair.iter_mut().zip([widths & 15, widths >> 4]) {
            sample.value = read_value(reader, width)?;
        }
    }
    Some(())
}

fn read_value(reader: &mut Reader<'_>, width: u8) -> Option<f64> {
    if width > 8 {
        return None;
    }
    let mut wide = [0u8; 8];
    wide[..usize::from(width)].copy_from_slice(reader.bytes(usize::from(width))?);
    Some(f64::from_bits(u64::from_be_bytes(wide)))
}

/// Appends a frame around a finished payload, for other files that grow record by record.
pub(crate) fn put_frame(out: &mut Vec<u8>, payload: &[u8]) {
    frame(out, |out| out.extend_from_slice(payload));
}
