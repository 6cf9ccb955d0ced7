//! Protocol Buffers on the wire: fields one after the other, borrowed from the body, and a budget for the memory that
//! its parts take, since two bytes of a body can become two hundred.

use std::borrow::Cow;

use super::DecodeError;

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32,
    Bytes(&'a [u8]),
}

/// Fields of one message, in their order.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

/// Bytes that what is made of a body may still take.
pub(super) struct Budget {
    left: usize,
    max: usize,
}

impl Budget {
    pub(super) const fn new(max: usize) -> Self {
        Self { left: max, max }
    }

    /// Room for some parts of a kind.
    pub(super) fn take<T>(&mut self, parts: usize) -> Result<(), DecodeError> {
        let left = parts.checked_mul(size_of::<T>()).and_then(|bytes| self.left.checked_sub(bytes));
        self.left = left.ok_or(DecodeError::TooManyParts { bytes_max: self.max })?;
        Ok(())
    }
}

impl<'a> Fields<'a> {
    pub(super) const fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The next field's number and content.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Field<'a>)>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| (1..1 << 29).contains(number));
        let number = number.ok_or(DecodeError::Malformed("a field has no valid number"))?;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = self.varint()?;
                Field::Bytes(self.cut(usize::try_from(length).map_err(|_| CUT_OFF)?)?)
            }
            5 => {
                self.cut(4)?;
                Field::Fixed32
            }
            _ => return Err(DecodeError::Malformed("a field is of an unknown wire type")),
        };
        Ok(Some((number, field)))
    }

    fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for place in 0..10 {
            let (byte, rest) = self.rest.split_first().ok_or(CUT_OFF)?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::Malformed("a number is longer than ten bytes"))
    }

    fn cut(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(CUT_OFF)?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(CUT_OFF)?;
        self.rest = rest;
        Ok(*head)
    }
}

const CUT_OFF: DecodeError = DecodeError::Malformed("it is cut off");
const WRONG_TYPE: DecodeError = DecodeError::Malformed("a field is of another type than its number says");

impl<'a> Field<'a> {
    pub(super) const fn bytes(self) -> Result<&'a [u8], DecodeError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Varint(_) | Self::Fixed64(_) | Self::Fixed32 => Err(WRONG_TYPE),
        }
    }

    pub(super) fn text(self) -> Result<Cow<'a, str>, DecodeError> {
        let text = str::from_utf8(self.bytes()?);
        text.map(Cow::Borrowed).map_err(|_| DecodeError::Malformed("a text is not UTF-8"))
    }

    pub(super) const fn varint(self) -> Result<u64, DecodeError> {
        match self {
            Self::Varint(value) => Ok(value),
            Self::Bytes(_) | Self::Fixed64(_) | Self::Fixed32 => Err(WRONG_TYPE),
        }
    }

    pub(super) const fn fixed64(self) -> Result<u64, DecodeError> {
        match self {
            Self::Fixed64(value) => Ok(value),
            Self::Bytes(_) | Self::Varint(_) | Self::Fixed32 => Err(WRONG_TYPE),
        }
    }

    pub(super) fn double(self) -> Result<f64, DecodeError> {
        self.fixed64().map(f64::from_bits)
    }

    /// A signed number written with its sign in the lowest bit.
    pub(super) fn zigzag32(self) -> Result<i32, DecodeError> {
        let value = self.varint()? as u32;
        Ok((value >> 1) as i32 ^ -((value & 1) as i32))
    }

    /// One of a repeated number, or a run of them, as writers may choose.
    pub(super) fn fixed64s(self, out: &mut Vec<u64>, budget: &mut Budget) -> Result<(), DecodeError> {
        let Self::Bytes(bytes) = self else {
            budget.take::<u64>(1)?;
            out.push(self.fixed64()?);
            return Ok(());
        };
        if bytes.len() % 8 != 0 {
            return Err(CUT_OFF);
        }
        budget.take::<u64>(bytes.len() / 8)?;
        let (chunks, _) = bytes.as_chunks();
        out.extend(chunks.iter().map(|chunk| u64::from_le_bytes(*chunk)));
        Ok(())
    }

    /// As [`Field::fixed64s`], of numbers of varying length.
    pub(super) fn varints(self, out: &mut Vec<u64>, budget: &mut Budget) -> Result<(), DecodeError> {
        let Self::Bytes(bytes) = self else {
            budget.take::<u64>(1)?;
            out.push(self.varint()?);
            return Ok(());
        };
        let mut run = Fields::of(bytes);
        while !run.rest.is_empty() {
            budget.take::<u64>(1)?;
            out.push(run.varint()?);
        }
        Ok(())
    }
}
