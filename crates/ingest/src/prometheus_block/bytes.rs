//! A cursor over the bytes of a file: numbers are big-endian or Go's varints.

use super::damage::{Damage, Problem};

/// Where reading is. Offsets are those of the file.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    end: u64,
}

impl<'a> Cursor<'a> {
    /// Over bytes that begin at an offset of the file.
    pub(crate) fn new(bytes: &'a [u8], offset: u64) -> Self {
        Self { rest: bytes, end: offset.saturating_add(bytes.len() as u64) }
    }

    pub(crate) fn offset(&self) -> u64 {
        self.end - self.rest.len() as u64
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn damage(&self, problem: Problem) -> Damage {
        Damage::new(self.offset(), problem)
    }

    pub(crate) fn nonsense(&self, what: &'static str) -> Damage {
        self.damage(Problem::Nonsense(what))
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Damage> {
        let (bytes, rest) = self.rest.split_at_checked(count).ok_or_else(|| self.damage(Problem::CutOff))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let (array, rest) = self.rest.split_first_chunk().ok_or_else(|| self.damage(Problem::CutOff))?;
        self.rest = rest;
        Ok(*array)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Damage> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn be_u32(&mut self) -> Result<u32, Damage> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn be_u64(&mut self) -> Result<u64, Damage> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn be_f64(&mut self) -> Result<f64, Damage> {
        self.be_u64().map(f64::from_bits)
    }

    pub(crate) fn uvarint(&mut self) -> Result<u64, Damage> {
        let mut number = 0u64;
        for (place, byte) in self.rest.iter().enumerate().take(10) {
            if place == 9 && *byte > 1 {
                break;
            }
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[place + 1..];
                return Ok(number);
            }
        }
        let is_cut_off = self.rest.len() < 10;
        Err(if is_cut_off { self.damage(Problem::CutOff) } else { self.nonsense("a number has no end") })
    }

    pub(crate) fn varint(&mut self) -> Result<i64, Damage> {
        let number = self.uvarint()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A count of things of which each takes a byte at least.
    pub(crate) fn count(&mut self) -> Result<usize, Damage> {
        let before = self.clone();
        let count = self.uvarint()?;
        let fits = usize::try_from(count).ok().filter(|count| *count <= self.rest.len());
        fits.ok_or_else(|| before.nonsense("a length goes beyond the end"))
    }

    /// A text behind its length.
    pub(crate) fn text(&mut self) -> Result<&'a str, Damage> {
        let before = self.clone();
        let length = self.count()?;
        std::str::from_utf8(self.bytes(length)?).map_err(|_| before.damage(Problem::NotUtf8))
    }

    /// What `length` says: that many bytes and then their checksum.
    pub(crate) fn checked(&mut self, length: usize, what: &'static str) -> Result<Self, Damage> {
        let start = self.offset();
        let bytes = self.bytes(length)?;
        if self.be_u32()? != super::crc32c(bytes) {
            return Err(Damage::new(start, Problem::Checksum(what)));
        }
        Ok(Self::new(bytes, start))
    }

    /// A section of an index: its length, its bytes, their checksum.
    pub(crate) fn section(&mut self, what: &'static str) -> Result<Self, Damage> {
        let length = self.be_u32()? as usize;
        self.checked(length, what)
    }
}
