//! The frames of the write-ahead log: pages of 32 KiB, in which a record is whole or in fragments, each with its
//! checksum.

use std::borrow::Cow;
use std::io::Read as _;

use ruzstd::decoding::StreamingDecoder;

use super::bytes::Cursor;
use super::crc32c;
use super::damage::{Damage, Problem};

const PAGE_BYTES: u64 = 32 << 10;
const SNAPPY: u8 = 1 << 3;
const ZSTD: u8 = 1 << 4;
const KIND: u8 = 0b111;
/// A record that says it is larger is not believed.
const RECORD_BYTES_MAX: usize = 1 << 30;
/// What Prometheus puts into one record is far less.
const ZSTD_BYTES_MAX: usize = 256 << 20;

/// One record, as it was before it was cut up and compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalRecord<'a> {
    /// Where it begins in the file.
    pub offset: u64,
    /// What it says.
    pub bytes: Cow<'a, [u8]>,
}

/// The records of a file. After an error there are no more.
pub struct Records<'a> {
    cursor: Option<Cursor<'a>>,
}

impl<'a> Records<'a> {
    /// Of all bytes of a file.
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { cursor: Some(Cursor::new(bytes, 0)) }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<WalRecord<'a>, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        let cursor = self.cursor.as_mut()?;
        let next = record(cursor).transpose();
        if !matches!(next, Some(Ok(_))) {
            self.cursor = None;
        }
        next
    }
}

/// Where in a record a fragment belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Only,
    First,
    Middle,
    Last,
}

struct Fragment<'a> {
    place: Place,
    compression: u8,
    bytes: &'a [u8],
}

fn record<'a>(cursor: &mut Cursor<'a>) -> Result<Option<WalRecord<'a>>, Damage> {
    let Some(first) = fragment(cursor)? else { return Ok(None) };
    let (offset, first) = first;
    let mut bytes = Cow::Borrowed(first.bytes);
    let mut place = first.place;
    if matches!(place, Place::Middle | Place::Last) {
        return Err(Damage::new(offset, Problem::Nonsense("a record begins with its middle")));
    }
    while matches!(place, Place::First | Place::Middle) {
        let (at, next) = fragment(cursor)?.ok_or_else(|| Damage::new(offset, Problem::CutOff))?;
        if !matches!(next.place, Place::Middle | Place::Last) || bytes.len() > RECORD_BYTES_MAX {
            return Err(Damage::new(at, Problem::Nonsense("a record has no end")));
        }
        bytes.to_mut().extend_from_slice(next.bytes);
        place = next.place;
    }
    let bytes = match first.compression {
        0 => bytes,
        SNAPPY => Cow::Owned(unsnap(&bytes).ok_or_else(|| packed_badly(offset))?),
        ZSTD => Cow::Owned(unzstd(&bytes).ok_or_else(|| packed_badly(offset))?),
        _ => return Err(Damage::new(offset, Problem::Nonsense("a record of two compressions"))),
    };
    Ok(Some(WalRecord { offset, bytes }))
}

fn packed_badly(offset: u64) -> Damage {
    Damage::new(offset, Problem::Nonsense("a compressed record does not decompress"))
}

fn unsnap(bytes: &[u8]) -> Option<Vec<u8>> {
    // Snappy cannot make more than some twenty bytes of one.
    let length = snap::raw::decompress_len(bytes).ok()?;
    if length > RECORD_BYTES_MAX || length > bytes.len().saturating_mul(64) {
        return None;
    }
    snap::raw::Decoder::new().decompress_vec(bytes).ok()
}

/// Zstd makes of a few bytes as many as it likes, so that they are counted while they come.
fn unzstd(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let decoder = StreamingDecoder::new(bytes).ok()?;
    decoder.take(ZSTD_BYTES_MAX as u64 + 1).read_to_end(&mut out).ok()?;
    (out.len() <= ZSTD_BYTES_MAX).then_some(out)
}

/// The next fragment and where it begins; `None` at the end.
fn fragment<'a>(cursor: &mut Cursor<'a>) -> Result<Option<(u64, Fragment<'a>)>, Damage> {
    loop {
        let offset = cursor.offset();
        if cursor.is_at_end() {
            return Ok(None);
        }
        let kind = cursor.byte()?;
        let place = match kind & KIND {
            0 => {
                skip_page(cursor)?;
                continue;
            }
            1 => Place::Only,
            2 => Place::First,
            3 => Place::Middle,
            4 => Place::Last,
            _ => return Err(Damage::new(offset, Problem::Nonsense("a fragment of no known kind"))),
        };
        let header = cursor.bytes(6)?;
        let length = u16::from_be_bytes([header[0], header[1]]);
        let sum = u32::from_be_bytes([header[2], header[3], header[4], header[5]]);
        let bytes = cursor.bytes(usize::from(length))?;
        if crc32c(bytes) != sum {
            return Err(Damage::new(offset, Problem::Checksum("a fragment of a record")));
        }
        return Ok(Some((offset, Fragment { place, compression: kind & (SNAPPY | ZSTD), bytes })));
    }
}

/// The rest of a page is zeros.
fn skip_page(cursor: &mut Cursor<'_>) -> Result<(), Damage> {
    let before = cursor.clone();
    let filled = cursor.offset() % PAGE_BYTES;
    if filled == 0 {
        return Ok(());
    }
    let rest = ((PAGE_BYTES - filled) as usize).min(cursor.rest().len());
    if cursor.bytes(rest)?.iter().any(|byte| *byte != 0) {
        return Err(before.nonsense("a page has something behind its end"));
    }
    Ok(())
}
