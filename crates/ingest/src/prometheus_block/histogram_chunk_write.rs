//! The counterpart of `histogram_chunk`: which native histograms can share a chunk, and that chunk. They share it while
//! none counts less than the one before it, since within a chunk nobody looks for counters that began anew.

use bellwether_model::{Bucket, CounterReset, Histogram, HistogramSample};

use super::bits_write::{BitWriter, XorWriter};

/// Powers of two are written as a byte: this much above their exponent.
const ZERO_THRESHOLD_BIAS: i32 = 243;
/// The upper bits of the byte behind the count of samples.
const GAUGE: u8 = 0b1100_0000;
const RESET: u8 = 0b1000_0000;

/// How many histograms from the first on can share a chunk; there is a first.
pub(crate) fn one_chunk(samples: &[HistogramSample], most: usize) -> usize {
    let pairs = samples.iter().zip(samples.iter().skip(1)).take(most.saturating_sub(1));
    1 + pairs.take_while(|(before, next)| goes_on(&before.histogram, &next.histogram)).count()
}

fn goes_on(before: &Histogram, next: &Histogram) -> bool {
    if next.is_stale() {
        return true;
    }
    let same_layout = before.schema == next.schema
        && before.zero_threshold.to_bits() == next.zero_threshold.to_bits()
        && before.custom_bounds == next.custom_bounds;
    let is_gauge = |histogram: &Histogram| histogram.counter_reset == CounterReset::Gauge;
    if before.is_stale() || !same_layout || is_gauge(before) != is_gauge(next) {
        return false;
    }
    is_gauge(next)
        || next.counter_reset != CounterReset::Reset
            && before.count <= next.count
            && before.zero_count <= next.zero_count
            && none_fell(&before.positive, &next.positive)
            && none_fell(&before.negative, &next.negative)
}

/// Whether every bucket is there still and has no less.
fn none_fell(before: &[Bucket], next: &[Bucket]) -> bool {
    let mut next = next.iter();
    before.iter().all(|old| {
        next.by_ref()
            .find(|new| new.index >= old.index)
            .is_some_and(|new| new.index == old.index && new.count >= old.count)
    })
}

/// The numbers of all buckets that any of some histograms has on a side.
fn all_buckets<'a>(sides: impl Iterator<Item = &'a [Bucket]>) -> Vec<i32> {
    let mut numbers: Vec<i32> = Vec::new();
    for side in sides {
        let is_known = side.len() == numbers.len()
            && side.iter().zip(&numbers).all(|(bucket, number)| bucket.index == *number);
        if !is_known {
            numbers.extend(side.iter().map(|bucket| bucket.index));
            numbers.sort_unstable();
            numbers.dedup();
        }
    }
    numbers
}

/// The chunk of histograms that share one.
pub(crate) fn encode(samples: &[HistogramSample]) -> Vec<u8> {
    let Some(first) = samples.first() else { return vec![0, 0, 0] };
    let hint = match first.histogram.counter_reset {
        CounterReset::Gauge => GAUGE,
        CounterReset::Reset => RESET,
        CounterReset::Unknown | CounterReset::NotReset => 0,
    };
    let mut header = (samples.len() as u16).to_be_bytes().to_vec();
    header.push(hint);
    let mut out = BitWriter::after(header);
    let positive = all_buckets(samples.iter().map(|sample| sample.histogram.positive.as_slice()));
    let negative = all_buckets(samples.iter().map(|sample| sample.histogram.negative.as_slice()));
    write_layout(&mut out, &first.histogram, &positive, &negative);
    let mut columns: Option<Columns> = None;
    for sample in samples {
        let row =
            [filled(&positive, &sample.histogram.positive), filled(&negative, &sample.histogram.negative)]
                .concat();
        match &mut columns {
            None => columns = Some(Columns::first(&mut out, sample, &row)),
            Some(columns) => columns.next(&mut out, sample, &row),
        }
    }
    out.into_bytes()
}

/// A side with a count for each of the numbers.
fn filled(numbers: &[i32], side: &[Bucket]) -> Vec<f64> {
    let mut side = side.iter().peekable();
    let count = |number: &i32| side.next_if(|bucket| bucket.index == *number).map_or(0.0, |it| it.count);
    numbers.iter().map(count).collect()
}

fn write_layout(out: &mut BitWriter, histogram: &Histogram, positive: &[i32], negative: &[i32]) {
    match threshold_byte(histogram.zero_threshold) {
        Some(byte) => out.write(u64::from(byte), 8),
        None => {
            out.write(255, 8);
            out.float(histogram.zero_threshold);
        }
    }
    out.varbit(i64::from(histogram.schema.number()));
    write_spans(out, positive);
    write_spans(out, negative);
    if histogram.schema.is_custom() {
        out.varbit_unsigned(histogram.custom_bounds.len() as u64);
        histogram.custom_bounds.iter().for_each(|bound| write_bound(out, *bound));
    }
}

/// Zero and powers of two in a range have a byte.
fn threshold_byte(threshold: f64) -> Option<u8> {
    if threshold == 0.0 {
        return Some(0);
    }
    let byte = threshold.log2() as i32 + ZERO_THRESHOLD_BIAS + 1;
    let byte = u8::try_from(byte).ok().filter(|byte| (1..255).contains(byte))?;
    (2f64.powi(i32::from(byte) - ZERO_THRESHOLD_BIAS - 1) == threshold).then_some(byte)
}

fn write_spans(out: &mut BitWriter, numbers: &[i32]) {
    let mut spans: Vec<(i64, u64)> = Vec::new();
    let mut next = 0i64;
    for number in numbers.iter().map(|number| i64::from(*number)) {
        match spans.last_mut() {
            Some((_, length)) if number == next => *length += 1,
            Some(_) | None => spans.push((number - next, 1)),
        }
        next = number + 1;
    }
    out.varbit_unsigned(spans.len() as u64);
    for (offset, length) in spans {
        out.varbit_unsigned(length);
        out.varbit(offset);
    }
}

/// A bound that is a thousandth of a small whole number is written as that, any other behind a zero.
fn write_bound(out: &mut BitWriter, bound: f64) {
    let thousandths = bound * 1000.0;
    let is_small = (0.0..33_554_430.0).contains(&thousandths) && thousandths.fract() == 0.0;
    if is_small && (thousandths / 1000.0).to_bits() == bound.to_bits() {
        out.varbit_unsigned(thousandths as u64 + 1);
    } else {
        out.varbit_unsigned(0);
        out.float(bound);
    }
}

/// What the next histogram is written against.
struct Columns {
    at: i64,
    step: i64,
    count: XorWriter,
    zero_count: XorWriter,
    sum: XorWriter,
    buckets: Vec<XorWriter>,
}

impl Columns {
    fn first(out: &mut BitWriter, sample: &HistogramSample, row: &[f64]) -> Self {
        let HistogramSample { at, histogram } = sample;
        out.varbit(at.0);
        Self {
            at: at.0,
            step: 0,
            count: XorWriter::first(histogram.count, out),
            zero_count: XorWriter::first(histogram.zero_count, out),
            sum: XorWriter::first(histogram.sum, out),
            buckets: row.iter().map(|count| XorWriter::first(*count, out)).collect(),
        }
    }

    fn next(&mut self, out: &mut BitWriter, sample: &HistogramSample, row: &[f64]) {
        let HistogramSample { at, histogram } = sample;
        let step = at.0.wrapping_sub(self.at);
        out.varbit(step.wrapping_sub(self.step));
        (self.at, self.step) = (at.0, step);
        self.count.next(histogram.count, out);
        self.zero_count.next(histogram.zero_count, out);
        self.sum.next(histogram.sum, out);
        // A staleness marker has no buckets.
        if !histogram.is_stale() {
            self.buckets.iter_mut().zip(row).for_each(|(bucket, count)| bucket.next(*count, out));
        }
    }
}
