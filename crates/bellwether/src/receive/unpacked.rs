//! Unpacks snappy into buffers that are used again. What a body claims to unpack to is held against what snappy can
//! make of so few bytes before anything is allocated.

use std::sync::{Mutex, PoisonError};

use snap::raw::{Decoder, decompress_len};

/// Bytes that a message may have.
pub const UNPACKED_BYTES_MAX: usize = 64 << 20;
/// A copy of 64 bytes takes three; nothing of snappy's says more with less.
const RATIO_MAX: usize = 22;
/// Buffers that are kept, and how large they may be.
const KEPT_MAX: usize = 8;
const KEPT_BYTES_MAX: usize = 8 << 20;

/// Why a body was not unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// It is not snappy, or broken off.
    #[error("snappy: corrupt input")]
    Corrupt,
    /// It unpacks to more than is taken at once.
    #[error("the body unpacks to {0} bytes; at most {UNPACKED_BYTES_MAX} are taken at once, so send less")]
    TooLarge(usize),
}

/// Buffers.
#[derive(Debug, Default)]
pub struct Buffers(Mutex<Vec<Vec<u8>>>);

impl Buffers {
    /// Unpacks a body; give the buffer back when it was read. It may be longer than the message.
    pub fn unpack(&self, packed: &[u8]) -> Result<Unpacked<'_>, UnpackError> {
        if packed.is_empty() {
            return Err(UnpackError::Corrupt); // not even how long it is
        }
        let length = decompress_len(packed).map_err(|_| UnpackError::Corrupt)?;
        if length > UNPACKED_BYTES_MAX {
            return Err(UnpackError::TooLarge(length));
        }
        if length > packed.len().saturating_mul(RATIO_MAX) {
            return Err(UnpackError::Corrupt);
        }
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        if buffer.len() < length {
            buffer.resize(length, 0);
        }
        let unpacked = Decoder::new().decompress(packed, &mut buffer);
        let unpacked = Unpacked { buffer, length: unpacked.unwrap_or(0), buffers: self };
        if unpacked.length == length { Ok(unpacked) } else { Err(UnpackError::Corrupt) }
    }
}

/// A message; gives its buffer back.
pub struct Unpacked<'a> {
    buffer: Vec<u8>,
    length: usize,
    buffers: &'a Buffers,
}

impl Unpacked<'_> {
    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl Drop for Unpacked<'_> {
    fn drop(&mut self) {
        let mut kept = self.buffers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT_MAX && self.buffer.len() <= KEPT_BYTES_MAX {
            kept.push(std::mem::take(&mut self.buffer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_unpacked_or_refused_before_it_takes_memory() {
        let buffers = Buffers::default();
        let packed = |bytes: &[u8]| snap::raw::Encoder::new().compress_vec(bytes).unwrap();
        let unpack = |body: &[u8]| buffers.unpack(body).map(|unpacked| unpacked.bytes().to_vec());
        for bytes in [vec![], b"abc".to_vec(), vec![7; 1 << 20], (0..=255).cycle().take(100_000).collect()] {
            assert_eq!(unpack(&packed(&bytes)), Ok(bytes));
        }
        let claims = |length: u32| {
            let mut bytes: Vec<u8> = (0..4).map(|n| (length >> (7 * n) & 0x7f) as u8 | 0x80).collect();
            bytes.push((length >> 28) as u8);
            bytes
        };
        assert_eq!(unpack(&claims(u32::MAX)), Err(UnpackError::TooLarge(u32::MAX as usize)));
        assert_eq!(unpack(&claims(60 << 20)), Err(UnpackError::Corrupt));
        let cut = packed(&[7; 1000]);
        for length in 0..cut.len() {
            assert_eq!(unpack(&cut[..length]), Err(UnpackError::Corrupt), "cut at {length}");
        }
        assert_eq!(unpack(b"no snappy at all"), Err(UnpackError::Corrupt));
    }
}
