//! The counterpart of `bits`: bits, the highest of a byte first, and the numbers of varying width built of them.

/// Largest width of the numbers behind one to seven set bits.
const WIDTHS: [u32; 7] = [3, 6, 9, 12, 18, 25, 56];
/// Zeros in front are told in five bits.
const LEADING_MAX: u32 = 31;

/// Bytes that grow bit by bit.
#[derive(Clone, Debug, Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits of the last byte that nothing was written to.
    free: u32,
}

impl BitWriter {
    /// Goes on behind some bytes.
    pub(crate) fn after(bytes: Vec<u8>) -> Self {
        Self { bytes, free: 0 }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The lowest `count` bits of a number.
    pub(crate) fn write(&mut self, number: u64, count: u32) {
        let mut left = count;
        while left > 0 {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            let taken = left.min(self.free);
            let bits = (number >> (left - taken)) & ((1 << taken) - 1);
            self.free -= taken;
            left -= taken;
            if let Some(last) = self.bytes.last_mut() {
                *last |= (bits << self.free) as u8;
            }
        }
    }

    pub(crate) fn float(&mut self, number: f64) {
        self.write(number.to_bits(), 64);
    }

    /// So many set bits and, unless they are as many as there may be, one that is not.
    pub(crate) fn ones(&mut self, count: u32, most: u32) {
        self.write(u64::MAX, count);
        if count < most {
            self.write(0, 1);
        }
    }

    /// Go's varint, wherever in a byte it begins.
    pub(crate) fn uvarint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.write(number & 0x7f | 0x80, 8);
            number >>= 7;
        }
        self.write(number, 8);
    }

    pub(crate) fn varint(&mut self, number: i64) {
        self.uvarint((number << 1 ^ number >> 63) as u64);
    }

    /// A number of varying width.
    pub(crate) fn varbit_unsigned(&mut self, number: u64) {
        let place = WIDTHS.iter().position(|width| number < 1 << width);
        self.varbit_of(number, if number == 0 { None } else { Some(place) });
    }

    /// A number of varying width that may be below zero.
    pub(crate) fn varbit(&mut self, number: i64) {
        let place = WIDTHS.iter().position(|width| fits(number, *width));
        self.varbit_of(number as u64, if number == 0 { None } else { Some(place) });
    }

    /// `None` for zero; otherwise the first width that is wide enough, if there is one.
    fn varbit_of(&mut self, number: u64, width: Option<Option<usize>>) {
        match width {
            None => self.write(0, 1),
            Some(Some(place)) => {
                self.ones(place as u32 + 1, 8);
                self.write(number, WIDTHS[place]);
            }
            Some(None) => {
                self.ones(8, 8);
                self.write(number, 64);
            }
        }
    }
}

/// Whether a number is in the range of so many bits, which is one further above zero than below it.
pub(crate) const fn fits(number: i64, width: u32) -> bool {
    let half = 1i64 << (width - 1);
    -half < number && number <= half
}

/// Writes floats, each as its difference from the one before it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct XorWriter {
    bits: u64,
    /// Zeros in front of and behind what was written last; `None` before there was a difference.
    window: Option<(u32, u32)>,
}

impl XorWriter {
    /// The first, which is written as it is.
    pub(crate) fn first(value: f64, out: &mut BitWriter) -> Self {
        out.float(value);
        Self { bits: value.to_bits(), window: None }
    }

    /// The next.
    pub(crate) fn next(&mut self, value: f64, out: &mut BitWriter) {
        let difference = self.bits ^ value.to_bits();
        self.bits = value.to_bits();
        if difference == 0 {
            return out.write(0, 1);
        }
        out.write(1, 1);
        let (leading, trailing) = (difference.leading_zeros().min(LEADING_MAX), difference.trailing_zeros());
        let (leading, trailing) = match self.window {
            Some(window) if leading >= window.0 && trailing >= window.1 => {
                out.write(0, 1);
                window
            }
            Some(_) | None => {
                out.write(1, 1);
                out.write(u64::from(leading), 5);
                // All 64 are told as none, which there never are.
                out.write(u64::from((64 - leading - trailing) % 64), 6);
                self.window = Some((leading, trailing));
                (leading, trailing)
            }
        };
        out.write(difference >> trailing, 64 - leading - trailing);
    }
}

#[cfg(test)]
mod tests {
    use super::super::bits::{Bits, XorFloat};
    use super::*;

    #[test]
    fn what_is_written_is_read_again_wherever_in_a_byte_it_begins() {
        let edges = WIDTHS.iter().flat_map(|width| {
            let half = 1i64 << (width - 1);
            [half - 1, half, half + 1, 1 - half, -half, 2 * half - 1, 2 * half]
        });
        let numbers: Vec<i64> = edges.chain([0, 1, -1, i64::MAX, i64::MIN]).collect();
        for shift in 0..8 {
            let mut out = BitWriter::default();
            out.write(0, shift);
            for number in &numbers {
                out.varbit(*number);
                out.varbit_unsigned(*number as u64);
                out.varint(*number);
                out.uvarint(*number as u64);
            }
            let bytes = out.into_bytes();
            let mut bits = Bits::new(&bytes);
            bits.read(shift).unwrap();
            for number in &numbers {
                assert_eq!(bits.varbit(), Some(*number));
                assert_eq!(bits.varbit_unsigned(), Some(*number as u64), "{number}");
                assert_eq!(bits.varint(), Some(*number));
                assert_eq!(bits.uvarint(), Some(*number as u64));
            }
        }
    }

    #[test]
    fn floats_come_back_bit_by_bit() {
        let values = [1.0, 1.0, 2.5, -0.0, f64::NAN, 1e300, 1.0 + f64::EPSILON, f64::MIN_POSITIVE, 0.0, -1.5];
        let mut out = BitWriter::default();
        let mut writer = XorWriter::first(values[0], &mut out);
        values[1..].iter().for_each(|value| writer.next(*value, &mut out));
        let bytes = out.into_bytes();
        let mut bits = Bits::new(&bytes);
        let mut reader = XorFloat::first(&mut bits).unwrap();
        for value in &values[1..] {
            reader.next(&mut bits).unwrap();
            assert_eq!(reader.value().to_bits(), value.to_bits(), "{value}");
        }
    }
}
