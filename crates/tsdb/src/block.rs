//! Samples as they arrive: a growing byte string per series, one to a few bytes a sample, that can be appended to
//! without looking back. The head's open chunk is one; small sealed chunks are stored in the same form.
//!
//! The first sample stands in full (zigzag time, eight bytes of value). Each later one begins with a control byte:
//! bit 0 says that the time step differs from the previous one and follows as a zigzag of the difference; bits 1–2
//! say how the value follows (the same; a small whole increment in bits 4–7; a zigzag whole increment; bits that
//! differ, with their count of leading zero bytes in bits 4–6).

use bellwether_model::{Sample, Timestamp};

use crate::codec::{Reader, put_u64, put_varint, put_zigzag};

const STEP_CHANGED: u8 = 1;
const VALUE_SAME: u8 = 0;
const VALUE_SMALL: u8 = 1;
const VALUE_WHOLE: u8 = 2;
const VALUE_BITS: u8 = 3;

/// Whole numbers up to here are exact in a double, so that adding an increment gives the very same bits.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// An open chunk. Invariant: `bytes` holds `count` samples of which `last` is the last, `step` before it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    step: i64,
    count: u32,
}

impl Block {
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// When the first sample was measured.
    pub(crate) fn first(&self) -> Option<Timestamp> {
        (self.count > 0).then(|| Reader::new(&self.bytes).zigzag().map(Timestamp)).flatten()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Adds a sample; `last` is the one added before, ignored when the block is empty.
    pub(crate) fn push(&mut self, last: Sample, sample: Sample) {
        if self.bytes.len() == self.bytes.capacity() {
            // Doubling would leave half of the head's memory unused.
            self.bytes.reserve_exact((self.bytes.len() / 4).max(32));
        }
        if self.count == 0 {
            put_zigzag(&mut self.bytes, sample.at.0);
            put_u64(&mut self.bytes, sample.value.to_bits());
        } else {
            let step = sample.at.0.wrapping_sub(last.at.0);
            self.push_step(step, last.value, sample.value);
            self.step = step;
        }
        self.count += 1;
    }

    fn push_step(&mut self, step: i64, last: f64, value: f64) {
        let out = &mut self.bytes;
        let time = u8::from(step != self.step);
        let change = step.wrapping_sub(self.step);
        let xor = last.to_bits() ^ value.to_bits();
        let whole = whole_increment(last, value);
        let control = match whole {
            _ if xor == 0 => VALUE_SAME << 1,
            Some(small @ 0..16) => VALUE_SMALL << 1 | (small as u8) << 4,
            Some(_) => VALUE_WHOLE << 1,
            None => VALUE_BITS << 1 | (xor.leading_zeros() as u8 / 8) << 4,
        };
        out.push(control | time);
        if time == STEP_CHANGED {
            put_zigzag(out, change);
        }
        match (control >> 1) & 3 {
            VALUE_WHOLE => put_zigzag(out, whole.unwrap_or(0)),
            VALUE_BITS => put_bits(out, xor),
            _ => {}
        }
    }

    /// Empties the block and hands out its bytes.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        (self.count, self.step) = (0, 0);
        std::mem::take(&mut self.bytes)
    }

    /// Whether the chunk should be closed for its size alone.
    pub(crate) fn is_heavy(&self) -> bool {
        self.bytes.len() > 8 << 10
    }
}

/// Leading zero bytes are not written, and trailing ones by way of a varint of the turned bytes.
fn put_bits(out: &mut Vec<u8>, xor: u64) {
    put_varint(out, xor.swap_bytes() >> (xor.leading_zeros() / 8 * 8));
}

fn whole_increment(last: f64, value: f64) -> Option<i64> {
    let whole =
        |v: f64| (v.abs() <= WHOLE_MAX && (v as i64 as f64).to_bits() == v.to_bits()).then_some(v as i64);
    Some(whole(value)? - whole(last)?)
}

/// Appends `count` samples; `None` when the bytes are not a block of that many.
pub(crate) fn decode(bytes: &[u8], count: u32, out: &mut Vec<Sample>) -> Option<()> {
    let mut reader = Reader::new(bytes);
    // No sample takes less than a byte, so a wild count ends here.
    if count as usize > bytes.len() {
        return None;
    }
    out.reserve(count as usize);
    let mut step = 0i64;
    let mut last = Sample::new(Timestamp(0), 0.0);
    for index in 0..count {
        last = if index == 0 {
            Sample::new(Timestamp(reader.zigzag()?), f64::from_bits(reader.u64()?))
        } else {
            next(&mut reader, &mut step, last)?
        };
        out.push(last);
    }
    reader.is_at_end().then_some(())
}

fn next(reader: &mut Reader<'_>, step: &mut i64, last: Sample) -> Option<Sample> {
    let control = reader.byte()?;
    if control & 1 == STEP_CHANGED {
        *step = step.wrapping_add(reader.zigzag()?);
    }
    let value = match (control >> 1) & 3 {
        VALUE_SAME => last.value,
        VALUE_SMALL => (last.value as i64).wrapping_add(i64::from(control >> 4)) as f64,
        VALUE_WHOLE => (last.value as i64).wrapping_add(reader.zigzag()?) as f64,
        _ => {
            let leading = u32::from(control >> 4);
            let xor = reader.varint()?.checked_shl(leading * 8)?.swap_bytes();
            f64::from_bits(last.value.to_bits() ^ xor)
        }
    };
    Some(Sample::new(Timestamp(last.at.0.wrapping_add(*step)), value))
}
