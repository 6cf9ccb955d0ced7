//! What records of the write-ahead log say.

use std::sync::Arc;

use bellwether_model::{
    Histogram, HistogramSample, Labels, LabelsBuilder, Sample, Schema, TimeRange, Timestamp, is_stale,
};

use super::bytes::Cursor;
use super::damage::{Damage, Problem};
use super::histogram::{Buckets, Span, buckets, counter_reset, running};

/// One thing that a record says. Series are numbered; a number is explained before it is used.
#[derive(Clone, Debug, PartialEq)]
pub enum WalEvent {
    /// A number stands for a series.
    Series(u64, Labels),
    /// A series has a float.
    Sample(u64, Sample),
    /// A series has a histogram.
    Histogram(u64, HistogramSample),
    /// Everything a series has of a stretch of time was deleted.
    Deleted(u64, TimeRange),
    /// An event that stands for what was counted.
    Exemplar(u64),
}

/// Reads a record. `offset` is where it begins in its file: a place inside a record that was compressed has no other.
pub fn read_record(record: &[u8], offset: u64, visit: &mut dyn FnMut(WalEvent)) -> Result<(), Damage> {
    let Some((kind, body)) = record.split_first() else { return Ok(()) };
    let mut cursor = Cursor::new(body, 0);
    let read = match kind {
        1 => series(&mut cursor, visit),
        2 => based(&mut cursor, |cursor, reference, at| {
            let sample = Sample::new(at, cursor.be_f64()?);
            visit(WalEvent::Sample(reference, sample));
            Ok(())
        }),
        3 => tombstones(&mut cursor, visit),
        4 => based(&mut cursor, |cursor, reference, _| {
            cursor.be_f64()?;
            labels(cursor)?;
            visit(WalEvent::Exemplar(reference));
            Ok(())
        }),
        7 | 9 => based(&mut cursor, |cursor, reference, at| {
            let histogram = histogram::<WholeCounts>(cursor)?;
            visit(WalEvent::Histogram(reference, HistogramSample::new(at, Arc::new(histogram))));
            Ok(())
        }),
        8 | 10 => based(&mut cursor, |cursor, reference, at| {
            let histogram = histogram::<FloatCounts>(cursor)?;
            visit(WalEvent::Histogram(reference, HistogramSample::new(at, Arc::new(histogram))));
            Ok(())
        }),
        // Chunks of the head that hold what this log says already; and what metrics mean, which nobody asks of history.
        5 | 6 => Ok(()),
        11 => samples_with_starts(&mut cursor, visit),
        12 | 13 => Err(Damage::new(0, Problem::Record(*kind))),
        _ => Ok(()), // as Prometheus itself does with what it does not know
    };
    read.map_err(|damage| match damage.problem {
        // The record is whole; it is what it says that ends too early.
        Problem::CutOff => Damage::new(offset, Problem::Nonsense("a record says less than it promises")),
        problem => Damage::new(offset, problem),
    })
}

fn labels(cursor: &mut Cursor<'_>) -> Result<Labels, Damage> {
    let count = cursor.count()?;
    let mut builder = LabelsBuilder::default();
    for _ in 0..count {
        let name = cursor.text()?;
        builder.set(name, cursor.text()?);
    }
    Ok(builder.build())
}

fn series(cursor: &mut Cursor<'_>, visit: &mut dyn FnMut(WalEvent)) -> Result<(), Damage> {
    while !cursor.is_at_end() {
        let reference = cursor.be_u64()?;
        visit(WalEvent::Series(reference, labels(cursor)?));
    }
    Ok(())
}

fn tombstones(cursor: &mut Cursor<'_>, visit: &mut dyn FnMut(WalEvent)) -> Result<(), Damage> {
    while !cursor.is_at_end() {
        let reference = cursor.be_u64()?;
        let (start, end) = (Timestamp(cursor.varint()?), Timestamp(cursor.varint()?));
        visit(WalEvent::Deleted(reference, TimeRange::new(start, end)));
    }
    Ok(())
}

/// Entries that begin with their distance from a first series and a first moment.
fn based(
    cursor: &mut Cursor<'_>,
    mut entry: impl FnMut(&mut Cursor<'_>, u64, Timestamp) -> Result<(), Damage>,
) -> Result<(), Damage> {
    if cursor.is_at_end() {
        return Ok(());
    }
    let (reference, at) = (cursor.be_u64()?, cursor.be_u64()? as i64);
    while !cursor.is_at_end() {
        let reference = reference.wrapping_add(cursor.varint()? as u64);
        let at = Timestamp(at.wrapping_add(cursor.varint()?));
        entry(cursor, reference, at)?;
    }
    Ok(())
}

/// Since when a sample counts is written as a byte (0 unknown, 1 as before), or as a distance.
fn samples_with_starts(cursor: &mut Cursor<'_>, visit: &mut dyn FnMut(WalEvent)) -> Result<(), Damage> {
    let (mut reference, mut first) = (0i64, None);
    while !cursor.is_at_end() {
        reference = reference.wrapping_add(cursor.varint()?);
        let distance = cursor.varint()?;
        let at = first.map_or(distance, |first: i64| first.wrapping_add(distance));
        let is_distance = match first {
            None => true,
            Some(_) => cursor.byte()? > 1,
        };
        if is_distance {
            cursor.varint()?;
        }
        first.get_or_insert(at);
        visit(WalEvent::Sample(reference as u64, Sample::new(Timestamp(at), cursor.be_f64()?)));
    }
    Ok(())
}

/// How the numbers of a histogram are written.
trait Counts {
    fn number(cursor: &mut Cursor<'_>) -> Result<f64, Damage>;
    /// The counts of all buckets of one side.
    fn side(cursor: &mut Cursor<'_>) -> Result<Vec<f64>, Damage>;
}

struct WholeCounts;

impl Counts for WholeCounts {
    fn number(cursor: &mut Cursor<'_>) -> Result<f64, Damage> {
        cursor.uvarint().map(|count| count as f64)
    }

    fn side(cursor: &mut Cursor<'_>) -> Result<Vec<f64>, Damage> {
        let count = cursor.count()?;
        let differences: Vec<i64> = (0..count).map(|_| cursor.varint()).collect::<Result<_, _>>()?;
        Ok(running(differences.into_iter()).collect())
    }
}

struct FloatCounts;

impl Counts for FloatCounts {
    fn number(cursor: &mut Cursor<'_>) -> Result<f64, Damage> {
        cursor.be_f64()
    }

    fn side(cursor: &mut Cursor<'_>) -> Result<Vec<f64>, Damage> {
        let count = cursor.count()?;
        (0..count).map(|_| cursor.be_f64()).collect()
    }
}

fn histogram<C: Counts>(cursor: &mut Cursor<'_>) -> Result<Histogram, Damage> {
    let counter_reset = counter_reset(cursor.byte()?);
    let number = cursor.varint()?;
    let schema = i32::try_from(number).ok().and_then(Schema::from_number);
    let schema = schema.ok_or_else(|| cursor.damage(Problem::Schema(number)))?;
    let zero_threshold = cursor.be_f64()?;
    let zero_count = C::number(cursor)?;
    let count = C::number(cursor)?;
    let sum = cursor.be_f64()?;
    let [positive, negative] = [spans(cursor)?, spans(cursor)?];
    let [positive_counts, negative_counts] = [C::side(cursor)?, C::side(cursor)?];
    let custom_bounds: Vec<f64> = if schema.is_custom() {
        let count = cursor.count()?;
        (0..count).map(|_| cursor.be_f64()).collect::<Result<_, _>>()?
    } else {
        Vec::new()
    };
    if is_stale(sum) {
        return Ok(Histogram::stale());
    }
    Ok(Histogram {
        counter_reset,
        schema,
        zero_threshold,
        zero_count,
        count,
        sum,
        positive: buckets(&positive, positive_counts.into_iter()),
        negative: buckets(&negative, negative_counts.into_iter()),
        custom_bounds: custom_bounds.into(),
    })
}

fn spans(cursor: &mut Cursor<'_>) -> Result<Buckets, Damage> {
    let before = cursor.clone();
    let mut spans = Vec::new();
    for _ in 0..cursor.count()? {
        let (offset, length) = (cursor.varint()?, cursor.uvarint()?);
        let span = i32::try_from(offset).ok().zip(u32::try_from(length).ok());
        let (offset, length) = span.ok_or_else(|| before.nonsense("a span of buckets is too large"))?;
        spans.push(Span { offset, length });
    }
    Buckets::of(&spans).map_err(|problem| before.damage(problem))
}
