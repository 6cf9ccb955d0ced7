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
    decode(data, out, |bits, layout| Whole::first(bits, layout.positive.len(), layout.negative.len()))
}

/// Appends a chunk's histograms, whose counts are floats.
pub(crate) fn decode_float(data: &[u8], out: &mut Vec<HistogramSample>) -> Result<(), Unreadable> {
    decode(data, out, |bits, layout| Float::first(bits, layout.positive.len(), layout.negative.len()))
}

/// The counts of one histogram after the other.
trait Counts {
    /// Goes on to the next.
    fn next(&mut self, bits: &mut Bits<'_>) -> Option<()>;
    fn at(&self) -> i64;
    fn sum(&self) -> f64;
    fn put(&self, layout: &Layout, histogram: &mut Histogram);
}

fn decode<C: Counts>(
    data: &[u8],
    out: &mut Vec<HistogramSample>,
    first: impl FnOnce(&mut Bits<'_>, &Layout) -> Option<C>,
) -> Result<(), Unreadable> {
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
    let mut counts = first(&mut bits, &layout).or_cut_off()?;
    out.push(sample(&layout, &counts, first_hint)?);
    for _ in 1..count {
        counts.next(&mut bits).or_cut_off()?;
        out.push(sample(&layout, &counts, next_hint)?);
    }
    Ok(())
}

fn sample(layout: &Layout, counts: &impl Counts, hint: CounterReset) -> Result<HistogramSample, Unreadable> {
    let at = Timestamp(counts.at());
    if is_stale(counts.sum()) {
        return Ok(HistogramSample::new(at, Arc::new(Histogram::stale())));
    }
    let mut histogram = Histogram {
        counter_reset: hint,
        zero_threshold: layout.zero_threshold,
        sum: counts.sum(),
        custom_bounds: Arc::clone(&layout.custom_bounds),
        ..Histogram::empty(layout.schema)
    };
    counts.put(layout, &mut histogram);
    Ok(HistogramSample::new(at, Arc::new(histogram)))
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
    fn next(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.step = self.step.wrapping_add(bits.varbit()?);
        self.value = self.value.wrapping_add(self.step);
        Some(())
    }
}

struct Whole {
    at: Stepped,
    count: Stepped,
    zero_count: Stepped,
    sum: XorFloat,
    /// As differences from the bucket before.
    positive: Vec<Stepped>,
    negative: Vec<Stepped>,
}

impl Whole {
    fn first(bits: &mut Bits<'_>, positive: usize, negative: usize) -> Option<Self> {
        let stepped = |value| Stepped { value, step: 0 };
        let at = stepped(bits.varbit()?);
        let count = stepped(bits.varbit_unsigned()? as i64);
        let zero_count = stepped(bits.varbit_unsigned()? as i64);
        let sum = XorFloat::first(bits)?;
        let mut side =
            |buckets: usize| (0..buckets).map(|_| bits.varbit().map(stepped)).collect::<Option<Vec<_>>>();
        Some(Self { at, count, zero_count, sum, positive: side(positive)?, negative: side(negative)? })
    }
}

fn side(steps: &[Stepped]) -> Vec<i64> {
    steps.iter().map(|stepped| stepped.value).collect()
}

impl Counts for Whole {
    fn next(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.at.next(bits)?;
        self.count.next(bits)?;
        self.zero_count.next(bits)?;
        self.sum.next(bits)?;
        if is_stale(self.sum.value()) {
            return Some(());
        }
        self.positive.iter_mut().chain(&mut self.negative).try_for_each(|bucket| bucket.next(bits))
    }

    fn at(&self) -> i64 {
        self.at.value
    }

    fn sum(&self) -> f64 {
        self.sum.value()
    }

    fn put(&self, layout: &Layout, histogram: &mut Histogram) {
        histogram.count = self.count.value as u64 as f64;
        histogram.zero_count = self.zero_count.value as u64 as f64;
        histogram.positive = buckets(&layout.positive, running(&side(&self.positive)));
        histogram.negative = buckets(&layout.negative, running(&side(&self.negative)));
    }
}

struct Float {
    at: Stepped,
    count: XorFloat,
    zero_count: XorFloat,
    sum: XorFloat,
    positive: Vec<XorFloat>,
    negative: Vec<XorFloat>,
}

impl Float {
    fn first(bits: &mut Bits<'_>, positive: usize, negative: usize) -> Option<Self> {
        let at = Stepped { value: bits.varbit()?, step: 0 };
        let [count, zero_count, sum] =
            [XorFloat::first(bits)?, XorFloat::first(bits)?, XorFloat::first(bits)?];
        let mut side =
            |buckets: usize| (0..buckets).map(|_| XorFloat::first(bits)).collect::<Option<Vec<_>>>();
        Some(Self { at, count, zero_count, sum, positive: side(positive)?, negative: side(negative)? })
    }
}

impl Counts for Float {
    fn next(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.at.next(bits)?;
        self.count.next(bits)?;
        self.zero_count.next(bits)?;
        self.sum.next(bits)?;
        if is_stale(self.sum.value()) {
            return Some(());
        }
        self.positive.iter_mut().chain(&mut self.negative).try_for_each(|bucket| bucket.next(bits))
    }

    fn at(&self) -> i64 {
        self.at.value
    }

    fn sum(&self) -> f64 {
        self.sum.value()
    }

    fn put(&self, layout: &Layout, histogram: &mut Histogram) {
        histogram.count = self.count.value();
        histogram.zero_count = self.zero_count.value();
        histogram.positive = buckets(&layout.positive, self.positive.iter().map(|bucket| bucket.value()));
        histogram.negative = buckets(&layout.negative, self.negative.iter().map(|bucket| bucket.value()));
    }
}
