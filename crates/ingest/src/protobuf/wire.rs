//! Protobuf's wire format: fields of a message, one after the other, borrowed from the body.
//!
//! Groups, which the language gave up long ago, are refused.

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    #[error("a message ends within a field")]
    Ends,
    #[error("a number of more than 64 bits")]
    NumberTooLong,
    #[error("a field with number 0")]
    FieldZero,
    #[error("a field of unknown wire type {0}")]
    WireType(u8),
    #[error("{0} has another wire type than the format says")]
    WrongType(&'static str),
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Number(u64),
    Eight([u8; 8]),
    Bytes(&'a [u8]),
    Four,
}

impl<'a> Value<'a> {
    pub(crate) fn number(self, name: &'static str) -> Result<u64, WireError> {
        if let Self::Number(number) = self { Ok(number) } else { Err(WireError::WrongType(name)) }
    }

    pub(crate) fn double(self, name: &'static str) -> Result<f64, WireError> {
        if let Self::Eight(bytes) = self {
            Ok(f64::from_le_bytes(bytes))
        } else {
            Err(WireError::WrongType(name))
        }
    }

    pub(crate) fn bytes(self, name: &'static str) -> Result<&'a [u8], WireError> {
        if let Self::Bytes(bytes) = self { Ok(bytes) } else { Err(WireError::WrongType(name)) }
    }

    pub(crate) fn message(self, name: &'static str) -> Result<Fields<'a>, WireError> {
        self.bytes(name).map(Fields::new)
    }

    /// Adds the numbers of a repeated field, whether they are packed into one or stand alone.
    pub(crate) fn numbers(self, name: &'static str, out: &mut Vec<u64>) -> Result<(), WireError> {
        match self {
            Self::Number(number) => out.push(number),
            Self::Bytes(bytes) => {
                let mut packed = Fields::new(bytes);
                while !packed.is_empty() {
                    out.push(packed.varint()?);
                }
            }
            Self::Eight(_) | Self::Four => return Err(WireError::WrongType(name)),
        }
        Ok(())
    }

    /// As [`Self::numbers`], of doubles.
    pub(crate) fn doubles(self, name: &'static str, out: &mut Vec<f64>) -> Result<(), WireError> {
        match self {
            Self::Eight(bytes) => out.push(f64::from_le_bytes(bytes)),
            Self::Bytes(bytes) => {
                let (doubles, rest) = bytes.as_chunks::<8>();
                if !rest.is_empty() {
                    return Err(WireError::Ends);
                }
                out.extend(doubles.iter().map(|bytes| f64::from_le_bytes(*bytes)));
            }
            Self::Number(_) | Self::Four => return Err(WireError::WrongType(name)),
        }
        Ok(())
    }
}

/// A signed number as `sint32` and `sint64` write it.
pub(crate) const fn zigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// The fields of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes have not been read.
    pub(crate) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether the next byte is this one.
    #[inline]
    pub(crate) fn begins_with(&self, byte: u8) -> bool {
        self.rest.first() == Some(&byte)
    }

    /// Goes on behind the next byte.
    #[inline]
    pub(crate) fn skip_byte(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    /// The next field: its number and what it holds.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, WireError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let field = u32::try_from(tag >> 3).map_err(|_| WireError::NumberTooLong)?;
        if field == 0 {
            return Err(WireError::FieldZero);
        }
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => {
                let (bytes, rest) = self.rest.split_first_chunk::<8>().ok_or(WireError::Ends)?;
                self.rest = rest;
                Value::Eight(*bytes)
            }
            2 => Value::Bytes(self.sized()?),
            5 => {
                self.rest = self.rest.get(4..).ok_or(WireError::Ends)?;
                Value::Four
            }
            other => return Err(WireError::WireType(other as u8)),
        };
        Ok(Some((field, value)))
    }

    /// Bytes behind their length.
    #[inline]
    pub(crate) fn sized(&mut self) -> Result<&'a [u8], WireError> {
        let length = usize::try_from(self.varint()?).map_err(|_| WireError::Ends)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(WireError::Ends)?;
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, WireError> {
        if let Some((first, rest)) = self.rest.split_first()
            && *first < 0x80
        {
            self.rest = rest;
            return Ok(u64::from(*first));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, WireError> {
        let mut number = 0u64;
        for (index, byte) in self.rest.iter().enumerate() {
            if index >= 10 || (index == 9 && *byte > 1) {
                return Err(WireError::NumberTooLong);
            }
            number |= u64::from(byte & 0x7f) << (7 * index);
            if *byte < 0x80 {
                self.rest = &self.rest[index + 1..];
                return Ok(number);
            }
        }
        Err(WireError::Ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_one_after_the_other() {
        let check = |bytes: &[u8], expected: Result<Vec<(u32, Value<'_>)>, WireError>| {
            let (mut fields, mut found) = (Fields::new(bytes), Vec::new());
            let result = loop {
                match fields.next() {
                    Ok(Some(field)) => found.push(field),
                    Ok(None) => break Ok(found),
                    Err(error) => break Err(error),
                }
            };
            assert_eq!(result, expected, "{bytes:x?}");
        };
        check(&[], Ok(vec![]));
        check(
            &[0x08, 0x96, 0x01, 0x12, 2, b'h', b'i'],
            Ok(vec![(1, Value::Number(150)), (2, Value::Bytes(b"hi"))]),
        );
        check(&[0x1d, 1, 2, 3, 4], Ok(vec![(3, Value::Four)]));
        check(&[0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f], Ok(vec![(1, Value::Eight(1f64.to_le_bytes()))]));
        check(&[0x08], Err(WireError::Ends));
        check(&[0x12, 3, b'h', b'i'], Err(WireError::Ends));
        check(&[0x00], Err(WireError::FieldZero));
        check(&[0x0b], Err(WireError::WireType(3)));
        check(&[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2], Err(WireError::NumberTooLong));
        check(
            &[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
            Ok(vec![(1, Value::Number(u64::MAX))]),
        );
    }

    #[test]
    fn signed_numbers_turn_back_and_forth() {
        assert_eq!([0, 1, 2, 3, u64::MAX].map(zigzag), [0, -1, 1, -2, i64::MIN]);
    }
}
