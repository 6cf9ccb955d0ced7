//! Bits, the highest of a byte first, and the numbers of varying width that Prometheus builds of them.
//!
//! `None` is always the end of the bits: what else is wrong is for the caller to see.

/// Where reading is, counted in bits.
#[derive(Clone, Debug)]
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Widths of the numbers behind one to seven set bits.
const WIDTHS: [u32; 8] = [0, 3, 6, 9, 12, 18, 25, 56];

impl<'a> Bits<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next 57 bits at least, at the upper end, and zeros behind the end.
    fn peek(&self) -> u64 {
        let rest = self.bytes.get(self.at / 8..).unwrap_or_default();
        let word = rest.first_chunk::<8>().map_or_else(
            || {
                let mut word = [0; 8];
                word[..rest.len()].copy_from_slice(rest);
                u64::from_be_bytes(word)
            },
            |word| u64::from_be_bytes(*word),
        );
        word << (self.at % 8)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at += count;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    pub(crate) fn bit(&mut self) -> Option<bool> {
        let bit = self.peek() >> 63 == 1;
        self.skip(1)?;
        Some(bit)
    }

    /// Up to 64 bits as a number.
    pub(crate) fn read(&mut self, count: u32) -> Option<u64> {
        match count {
            0 => Some(0),
            1..=56 => {
                let bits = self.peek() >> (64 - count);
                self.skip(count as usize)?;
                Some(bits)
            }
            _ => {
                let high = self.read(32)?;
                Some(high << (count - 32) | self.read(count - 32)?)
            }
        }
    }

    /// How many bits are set before one that is not, which is read too; at most so many are looked at.
    pub(crate) fn ones(&mut self, most: u32) -> Option<u32> {
        let ones = self.peek().leading_ones().min(most);
        self.skip((ones + u32::from(ones < most)) as usize)?;
        Some(ones)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.read(8).map(|byte| byte as u8)
    }

    pub(crate) fn float(&mut self) -> Option<f64> {
        self.read(64).map(f64::from_bits)
    }

    /// Go's varint, wherever in a byte it begins.
    pub(crate) fn uvarint(&mut self) -> Option<u64> {
        let mut number = 0;
        for place in 0..10 {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).checked_shl(7 * place)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(crate) fn varint(&mut self) -> Option<i64> {
        let number = self.uvarint()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A number of varying width.
    pub(crate) fn varbit_unsigned(&mut self) -> Option<u64> {
        match self.ones(8)? {
            8 => self.read(64),
            ones => self.read(WIDTHS[ones as usize]),
        }
    }

    /// A number of varying width that may be below zero.
    pub(crate) fn varbit(&mut self) -> Option<i64> {
        match self.ones(8)? {
            8 => self.read(64).map(|bits| bits as i64),
            ones => self.signed(WIDTHS[ones as usize]),
        }
    }

    /// A number whose range is one further above zero than below it.
    pub(crate) fn signed(&mut self, width: u32) -> Option<i64> {
        let bits = self.read(width)?;
        let is_negative = width > 0 && bits > 1 << (width - 1);
        Some(if is_negative { bits.wrapping_sub(1 << width) as i64 } else { bits as i64 })
    }
}

/// A float that is written as its difference from the one before it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct XorFloat {
    bits: u64,
    leading: u32,
    trailing: u32,
}

impl XorFloat {
    /// The first, which is written as it is.
    pub(crate) fn first(bits: &mut Bits<'_>) -> Option<Self> {
        Some(Self { bits: bits.read(64)?, leading: 0, trailing: 0 })
    }

    pub(crate) fn value(self) -> f64 {
        f64::from_bits(self.bits)
    }

    /// Goes on to the next.
    pub(crate) fn next(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        if !bits.bit()? {
            return Some(());
        }
        if bits.bit()? {
            let header = bits.read(11)? as u32;
            let (leading, significant) = (header >> 6, header & 0x3f);
            let significant = if significant == 0 { 64 } else { significant };
            self.leading = leading;
            self.trailing = 64u32.checked_sub(leading + significant)?;
        }
        let difference = bits.read(64 - self.leading - self.trailing)?;
        self.bits ^= difference << self.trailing;
        Some(())
    }
}
