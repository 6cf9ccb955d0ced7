//! Chunks of native histograms: a layout that all of them share, then whole counts as differences of differences, or
//! counts that are floats as differences of bits.

use std::sync::Arc;

use bellwether_model::{CounterReset, Histogram, HistogramSample, Schema, Timestamp, is_stale};

use super::bits::{Bits, XorFloat};
use super::damage::Problem;
use super::histogram::{Buckets, Span, buckets, running};

/// Powers of two are written as a byte: this much above their exponent.
const ZERO_THRESHOLD_BIAS: i32 = 243;
/// More spans or bounds than buckets make no sense.
const PARTS_MAX: u64 = 65_536;

/// What all histograms of a chunk have in common.
struct Layout {
    schema: Schema,
    zero_threshold: f64,
    custom_bounds: Arc<[f64]>,
    positive: Buckets,
    negative: Buckets,
}

/// Why a chunk cannot be read: its bits end too early, or say something that cannot be.
pub(crate) enum Unreadable {
    CutOff,
    Because(Problem),
}

impl From<Problem> for Unreadable {
    fn from(problem: Problem) -> Self {
        Self::Because(problem)
    }
}

/// `None` is the end of the bits.
trait OrCutOff<T> {
    fn or_cut_off(self) -> Result<T, Unreadable>;
}

impl<T> OrCutOff<T> for Option<T> {
    fn or_cut_off(self) -> Result<T, Unreadable> {
        self.ok_or(Unreadable::CutOff)
    }
}

/// Appends a chunk's histograms, whose counts are whole.
pub(crate) fn decode_whole(data: &[u8], out: &mut Vec<HistogramSample>) -> Result<(), Unreadable> {
    decode::<Stepped>(data, out)
}

/// Appends a chunk's histograms, whose counts are floats.
pub(crate) fn decode_float(data: &[u8], out: &mut Vec<HistogramSample>) -> Result<(), Unreadable> {
    decode::<XorFloat>(data, out)
}

fn decode<C: Count>(data: &[u8], out: &mut Vec<HistogramSample>) -> Result<(), Unreadable> {
    let (header, body) = data.split_first_chunk::<3>().or_cut_off()?;
    let count = u16::from_be_bytes([header[0], header[1]]);
    if count == 0 {
        return Ok(());
    }
    // Of the chunk's first histogram nothing is said: what was before it may be gone, or have come later.
    let (first_hint, next_hint) = match header[2] >> 6 {
        0b11 => (CounterReset::Gauge, CounterReset::Gauge),
        _ => (CounterReset::Unknown, CounterReset::NotReset),
    };
    let mut bits = Bits::new(body);
    let layout = Layout::read(&mut bits)?;
    let mut counts = Counts::<C>::first(&mut bits, &layout).or_cut_off()?;
    out.push(sample(&layout, &counts, first_hint));
    for _ in 1..count {
        counts.next(&mut bits).or_cut_off()?;
        out.push(sample(&layout, &counts, next_hint));
    }
    Ok(())
}

fn sample<C: Count>(layout: &Layout, counts: &Counts<C>, hint: CounterReset) -> HistogramSample {
    let (at, sum) = (Timestamp(counts.at.value), counts.sum.value());
    if is_stale(sum) {
        return HistogramSample::new(at, Arc::new(Histogram::stale()));
    }
    let histogram = Histogram {
        counter_reset: hint,
        schema: layout.schema,
        zero_threshold: layout.zero_threshold,
        zero_count: counts.zero_count.number(),
        count: counts.count.number(),
        sum,
        positive: buckets(&layout.positive, C::of_buckets(&counts.positive)),
        negative: buckets(&layout.negative, C::of_buckets(&counts.negative)),
        custom_bounds: Arc::clone(&layout.custom_bounds),
    };
    HistogramSample::new(at, Arc::new(histogram))
}

impl Layout {
    fn read(bits: &mut Bits<'_>) -> Result<Self, Unreadable> {
        let zero_threshold = match bits.byte().or_cut_off()? {
            0 => 0.0,
            255 => bits.float().or_cut_off()?,
            byte => 2f64.powi(i32::from(byte) - ZERO_THRESHOLD_BIAS - 1),
        };
        let number = bits.varbit().or_cut_off()?;
        let schema = i32::try_from(number).ok().and_then(Schema::from_number);
        let schema = schema.ok_or(Problem::Schema(number))?;
        let positive = Buckets::of(&read_spans(bits)?)?;
        let negative = Buckets::of(&read_spans(bits)?)?;
        let custom_bounds = if schema.is_custom() { read_bounds(bits)? } else { Vec::new() };
        Ok(Self { schema, zero_threshold, custom_bounds: custom_bounds.into(), positive, negative })
    }
}

fn read_spans(bits: &mut Bits<'_>) -> Result<Vec<Span>, Unreadable> {
    let mut spans = Vec::new();
    for _ in 0..read_count(bits)? {
        let (length, offset) = (bits.varbit_unsigned().or_cut_off()?, bits.varbit().or_cut_off()?);
        let span = u32::try_from(length).ok().zip(i32::try_from(offset).ok());
        let (length, offset) = span.ok_or(Problem::Nonsense("a span of buckets is too large"))?;
        spans.push(Span { offset, length });
    }
    Ok(spans)
}

/// A bound is a thousandth of a small whole number, or written out behind a zero.
fn read_bounds(bits: &mut Bits<'_>) -> Result<Vec<f64>, Unreadable> {
    let mut bounds = Vec::new();
    for _ in 0..read_count(bits)? {
        bounds.push(match bits.varbit_unsigned().or_cut_off()? {
            0 => bits.float().or_cut_off()?,
            thousandths => (thousandths - 1) as f64 / 1000.0,
        });
    }
    Ok(bounds)
}

fn read_count(bits: &mut Bits<'_>) -> Result<u64, Unreadable> {
    let count = bits.varbit_unsigned().or_cut_off()?;
    if count > PARTS_MAX {
        return Err(Problem::Nonsense("a histogram has more than 65536 spans or bounds").into());
    }
    Ok(count)
}

/// A whole number that is written as the change of its increment.
#[derive(Clone, Copy, Default)]
struct Stepped {
    value: i64,
    step: i64,
}

impl Stepped {
    fn go_on(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.step = self.step.wrapping_add(bits.varbit()?);
        self.value = self.value.wrapping_add(self.step);
        Some(())
    }
}

/// How a count is written, of a whole histogram and of one bucket.
trait Count: Copy {
    /// The first of a chunk.
    fn first(bits: &mut Bits<'_>) -> Option<Self>;
    /// The first of a bucket.
    fn first_of_bucket(bits: &mut Bits<'_>) -> Option<Self>;
    /// Goes on to the next.
    fn next(&mut self, bits: &mut Bits<'_>) -> Option<()>;
    fn number(self) -> f64;
    /// What the buckets of a side hold.
    fn of_buckets(side: &[Self]) -> impl Iterator<Item = f64>;
}

/// Whole counts; those of buckets are differences from the bucket before.
impl Count for Stepped {
    fn first(bits: &mut Bits<'_>) -> Option<Self> {
        Some(Self { value: bits.varbit_unsigned()? as i64, step: 0 })
    }

    fn first_of_bucket(bits: &mut Bits<'_>) -> Option<Self> {
        Some(Self { value: bits.varbit()?, step: 0 })
    }

    fn next(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.go_on(bits)
    }

    fn number(self) -> f64 {
        self.value as u64 as f64
    }

    fn of_buckets(side: &[Self]) -> impl Iterator<Item = f64> {
        running(side.iter().map(|bucket| bucket.value))
    }
}

/// Counts that are floats.
impl Count for XorFloat {
    fn first(bits: &mut Bits<'_>) -> Option<Self> {
        Self::first(bits)
    }

    fn first_of_bucket(bits: &mut Bits<'_>) -> Option<Self> {
        Self::first(bits)
    }

    fn next(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.next(bits)
    }

    fn number(self) -> f64 {
        self.value()
    }

    fn of_buckets(side: &[Self]) -> impl Iterator<Item = f64> {
        side.iter().map(|bucket| bucket.value())
    }
}

/// The counts of one histogram after the other.
struct Counts<C> {
    at: Stepped,
    count: C,
    zero_count: C,
    sum: XorFloat,
    positive: Vec<C>,
    negative: Vec<C>,
}

impl<C: Count> Counts<C> {
    fn first(bits: &mut Bits<'_>, layout: &Layout) -> Option<Self> {
        let at = Stepped { value: bits.varbit()?, step: 0 };
        let (count, zero_count, sum) = (C::first(bits)?, C::first(bits)?, XorFloat::first(bits)?);
        let mut side = |buckets: &Buckets| {
            (0..buckets.len()).map(|_| C::first_of_bucket(bits)).collect::<Option<Vec<_>>>()
        };
        Some(Self {
            at,
            count,
            zero_count,
            sum,
            positive: side(&layout.positive)?,
            negative: side(&layout.negative)?,
        })
    }

    fn next(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.at.go_on(bits)?;
        self.count.next(bits)?;
        self.zero_count.next(bits)?;
        self.sum.next(bits)?;
        if is_stale(self.sum.value()) {
            return Some(());
        }
        self.positive.iter_mut().chain(&mut self.negative).try_for_each(|bucket| bucket.next(bits))
    }
}
