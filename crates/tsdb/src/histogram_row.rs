//! One histogram as bytes, told as what changed since the one before it: that is how they lie in the log (where each
//! begins anew), in the head, and in small chunks.
//!
//! A control byte, and then what it announces: bit 0, the time step changed (zigzag of the change; in the log never);
//! bit 1, a staleness marker, and nothing more; bit 2, the same histogram again, and nothing more; bit 3, a layout; bit 4,
//! counts are whole increments, otherwise bits that differ; bit 5, the same of the sum; bits 6–7, the counter reset
//! hint. The sum stands first, then the slots, then the count: in whole rows what it exceeds the sum of the slots by,
//! which hardly ever changes.

use std::sync::Arc;

use bellwether_model::{CounterReset, Histogram};

use crate::codec::{Reader, put_varint, put_zigzag};
use crate::histogram_layout::Layout;

const STEP_CHANGED: u8 = 1;
const STALE: u8 = 2;
const SAME: u8 = 4;
const LAYOUT: u8 = 8;
const WHOLE: u8 = 16;
const SUM_WHOLE: u8 = 32;
const RESET_SHIFT: u8 = 6;

/// Whole numbers below this are exact in a double.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// The row before; staleness markers leave it as it is. Invariant: as many counts as the layout has slots.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    layout: Layout,
    counts: Vec<f64>,
    count: f64,
    sum: f64,
    reset: CounterReset,
}

impl Default for Row {
    fn default() -> Self {
        let layout = Layout::default();
        let counts = vec![0.0; layout.slots()];
        Self { layout, counts, count: 0.0, sum: 0.0, reset: CounterReset::Unknown }
    }
}

impl Row {
    /// Appends a histogram; `step` is the change of the time step, if it changed.
    pub(crate) fn put(&mut self, out: &mut Vec<u8>, step: Option<i64>, histogram: &Histogram) {
        let time = if step.is_some() { STEP_CHANGED } else { 0 };
        let place = out.len();
        out.push(time);
        if let Some(change) = step {
            put_zigzag(out, change);
        }
        if histogram.is_stale() {
            out[place] |= STALE;
            return;
        }
        let is_covered = self.layout.covers(histogram);
        let mut next = Self {
            count: histogram.count,
            sum: histogram.sum,
            reset: histogram.counter_reset,
            ..Self::default()
        };
        if is_covered {
            self.layout.counts(histogram, &mut next.counts);
            if self.is_like(&next) {
                out[place] |= SAME;
                return;
            }
        } else {
            let layout = self.layout.widened(histogram);
            layout.put(out);
            out[place] |= LAYOUT;
            self.lay_out(layout);
            self.layout.counts(histogram, &mut next.counts);
        }
        out[place] |= reset_number(histogram.counter_reset) << RESET_SHIFT;
        out[place] |= self.put_sum(out, &next) | self.put_counts(out, &next);
        next.layout = std::mem::take(&mut self.layout);
        *self = next;
    }

    fn is_like(&self, next: &Self) -> bool {
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
        self.reset == next.reset
            && same(self.count, next.count)
            && same(self.sum, next.sum)
            && self.counts.iter().zip(&next.counts).all(|(a, b)| same(*a, *b))
    }

    /// Goes on with another layout; counts keep their buckets, or begin at 0 where buckets are others.
    fn lay_out(&mut self, layout: Layout) {
        match layout.counts_from(&self.layout, &self.counts) {
            Some(counts) => self.counts = counts,
            None => (self.counts, self.count) = (vec![0.0; layout.slots()], 0.0),
        }
        self.layout = layout;
    }

    fn put_sum(&self, out: &mut Vec<u8>, next: &Self) -> u8 {
        match (whole(self.sum), whole(next.sum)) {
            (Some(before), Some(now)) => {
                put_zigzag(out, now - before);
                SUM_WHOLE
            }
            (None, _) | (_, None) => {
                put_bits(out, self.sum, next.sum);
                0
            }
        }
    }

    fn put_counts(&self, out: &mut Vec<u8>, next: &Self) -> u8 {
        let wholes: Option<Vec<i64>> = next.counts.iter().map(|count| whole(*count)).collect();
        let (Some(wholes), Some(count)) = (wholes, whole(next.count)) else {
            for (before, now) in self.counts.iter().zip(&next.counts) {
                put_bits(out, *before, *now);
            }
            put_bits(out, self.count, next.count);
            return 0;
        };
        for (before, now) in self.counts.iter().zip(&wholes) {
            put_zigzag(out, now.wrapping_sub(whole_or_zero(*before)));
        }
        put_zigzag(out, excess(count, wholes.into_iter()).wrapping_sub(self.excess()));
        WHOLE
    }

    /// By how much the count exceeds the sum of the slots.
    fn excess(&self) -> i64 {
        excess(whole_or_zero(self.count), self.counts.iter().map(|count| whole_or_zero(*count)))
    }

    /// Reads a row; gives the change of the time step too.
    pub(crate) fn read(&mut self, reader: &mut Reader<'_>, before: &Arc<Histogram>) -> Option<Read> {
        let control = reader.byte()?;
        let step = if control & STEP_CHANGED != 0 { reader.zigzag()? } else { 0 };
        if control & STALE != 0 {
            return Some(Read { step, histogram: None });
        }
        if control & SAME != 0 {
            return Some(Read { step, histogram: Some(Arc::clone(before)) });
        }
        if control & LAYOUT != 0 {
            self.lay_out(Layout::read(reader)?);
        }
        self.reset = reset_of(control >> RESET_SHIFT);
        self.sum = if control & SUM_WHOLE != 0 {
            whole_or_zero(self.sum).wrapping_add(reader.zigzag()?) as f64
        } else {
            read_bits(reader, self.sum)?
        };
        self.read_counts(reader, control & WHOLE != 0)?;
        let histogram = self.layout.histogram(self.reset, &self.counts, self.count, self.sum);
        Some(Read { step, histogram: Some(Arc::new(histogram)) })
    }

    fn read_counts(&mut self, reader: &mut Reader<'_>, is_whole: bool) -> Option<()> {
        if !is_whole {
            for count in &mut self.counts {
                *count = read_bits(reader, *count)?;
            }
            self.count = read_bits(reader, self.count)?;
            return Some(());
        }
        let excess_before = self.excess();
        let mut sum = 0i64;
        for count in &mut self.counts {
            let now = whole_or_zero(*count).wrapping_add(reader.zigzag()?);
            sum = sum.wrapping_add(now);
            *count = now as f64;
        }
        self.count = sum.wrapping_add(excess_before).wrapping_add(reader.zigzag()?) as f64;
        Some(())
    }
}

/// What a row says.
pub(crate) struct Read {
    /// By how much the time step changed.
    pub(crate) step: i64,
    /// `None` is a staleness marker.
    pub(crate) histogram: Option<Arc<Histogram>>,
}

/// By how much a count exceeds the sum of its parts.
pub(crate) fn excess(count: i64, parts: impl Iterator<Item = i64>) -> i64 {
    parts.fold(count, i64::wrapping_sub)
}

pub(crate) fn reset_number(reset: CounterReset) -> u8 {
    match reset {
        CounterReset::Unknown => 0,
        CounterReset::Reset => 1,
        CounterReset::NotReset => 2,
        CounterReset::Gauge => 3,
    }
}

/// Of the two lowest bits.
pub(crate) fn reset_of(number: u8) -> CounterReset {
    match number & 3 {
        0 => CounterReset::Unknown,
        1 => CounterReset::Reset,
        2 => CounterReset::NotReset,
        _ => CounterReset::Gauge,
    }
}

/// The number, if it is whole, exact, and not the negative zero.
pub(crate) fn whole(value: f64) -> Option<i64> {
    (value.abs() < WHOLE_MAX && (value as i64 as f64).to_bits() == value.to_bits()).then_some(value as i64)
}

fn whole_or_zero(value: f64) -> i64 {
    whole(value).unwrap_or(0)
}

/// How many of the highest bytes are the same, then those that differ.
fn put_bits(out: &mut Vec<u8>, before: f64, now: f64) {
    let xor = before.to_bits() ^ now.to_bits();
    let same = xor.leading_zeros() / 8;
    out.push(same as u8);
    if same < 8 {
        put_varint(out, xor.swap_bytes() >> (same * 8));
    }
}

fn read_bits(reader: &mut Reader<'_>, before: f64) -> Option<f64> {
    let same = u32::from(reader.byte()?);
    let xor = if same < 8 { reader.varint()?.checked_shl(same * 8)?.swap_bytes() } else { 0 };
    (same <= 8).then(|| f64::from_bits(before.to_bits() ^ xor))
}

/// A histogram by itself, as the log has it.
pub(crate) fn put_histogram(out: &mut Vec<u8>, histogram: &Histogram) {
    Row::default().put(out, None, histogram);
}

/// Reads what [`put_histogram`] wrote.
pub(crate) fn read_histogram(reader: &mut Reader<'_>) -> Option<Arc<Histogram>> {
    let mut row = Row::default();
    // What "the same" means for the first: nothing was observed.
    let nothing = row.layout.histogram(row.reset, &row.counts, row.count, row.sum);
    let read = row.read(reader, &Arc::new(nothing))?;
    Some(read.histogram.unwrap_or_else(|| Arc::new(Histogram::stale())))
}

/// Tells histograms apart well enough to know one that is sent again.
pub(crate) fn fingerprint(histogram: &Histogram) -> u32 {
    let mut bytes = Vec::new();
    put_histogram(&mut bytes, histogram);
    crc32fast::hash(&bytes)
}
