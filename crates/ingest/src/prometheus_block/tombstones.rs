//! The file of a block's tombstones: what was deleted and is still in its chunks.

use std::collections::BTreeMap;

use bellwether_model::{TimeRange, Timestamp};

use super::bytes::Cursor;
use super::crc32c;
use super::damage::{Damage, Problem};

const MAGIC: u32 = 0x0130_ba30;
const HEADER_BYTES: usize = 5;
const SUM_BYTES: usize = 4;

/// Stretches of time of which a series has nothing, by its number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tombstones(BTreeMap<u64, Vec<TimeRange>>);

impl Tombstones {
    /// Of which stretches a series has nothing.
    pub fn of(&self, reference: u64) -> &[TimeRange] {
        self.0.get(&reference).map_or(&[], Vec::as_slice)
    }

    /// Adds a stretch.
    pub fn add(&mut self, reference: u64, range: TimeRange) {
        self.0.entry(reference).or_default().push(range);
    }

    /// Whether nothing was deleted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads the file.
pub fn read_tombstones(bytes: &[u8]) -> Result<Tombstones, Damage> {
    let mut cursor = Cursor::new(bytes, 0);
    let found = cursor.be_u32()?;
    if found != MAGIC {
        return Err(Damage::new(0, Problem::Magic { expected: "file of tombstones", found, magic: MAGIC }));
    }
    let version = cursor.byte()?;
    if version != 1 {
        let problem = Problem::Version { what: "tombstones", found: version.into(), known: "1" };
        return Err(Damage::new(4, problem));
    }
    let length = cursor.rest().len().checked_sub(SUM_BYTES).ok_or(cursor.damage(Problem::CutOff))?;
    let body = cursor.bytes(length)?;
    if cursor.be_u32()? != crc32c(body) {
        return Err(Damage::new(HEADER_BYTES as u64, Problem::Checksum("the list of tombstones")));
    }
    let mut body = Cursor::new(body, HEADER_BYTES as u64);
    let mut tombstones = Tombstones::default();
    while !body.is_at_end() {
        let reference = body.uvarint()?;
        let (start, end) = (Timestamp(body.varint()?), Timestamp(body.varint()?));
        tombstones.add(reference, TimeRange::new(start, end));
    }
    Ok(tombstones)
}
