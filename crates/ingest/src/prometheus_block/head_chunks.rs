//! The files of the head's chunks: they know whose they are, since there is no index yet.

use bellwether_model::{TimeRange, Timestamp};

use super::bytes::Cursor;
use super::chunk::{ChunkKind, Samples, check_file, decode_chunk};
use super::crc32c;
use super::damage::{Damage, Problem};

const MAGIC: u32 = 0x0130_bc91;
/// Set in the encoding of a chunk of late samples.
const OUT_OF_ORDER: u8 = 0x80;

/// One chunk of the head.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadChunk<'a> {
    /// Whose it is, as the log numbers series.
    pub reference: u64,
    /// From its first sample to its last.
    pub range: TimeRange,
    /// Where it begins.
    pub offset: u64,
    kind: ChunkKind,
    data: &'a [u8],
}

impl HeadChunk<'_> {
    /// Appends what it holds.
    pub fn decode(&self, out: &mut Samples) -> Result<(), Damage> {
        decode_chunk(self.kind, self.data, out).map_err(|problem| Damage::new(self.offset, problem))
    }
}

/// The chunks of a file. Where it is cut off it ends: what follows is in the log.
pub fn head_chunks(bytes: &[u8]) -> Result<Vec<HeadChunk<'_>>, Damage> {
    let mut cursor = Cursor::new(bytes, 0);
    check_file(&mut cursor, "file of the head's chunks", MAGIC)?;
    let mut chunks = Vec::new();
    while !cursor.is_at_end() {
        match chunk(&mut cursor) {
            Ok(Some(chunk)) => chunks.push(chunk),
            Ok(None) => break,
            Err(damage) if damage.is_torn() => break,
            Err(damage) => return Err(damage),
        }
    }
    Ok(chunks)
}

/// `None` where the file was made longer in advance and holds nothing yet.
fn chunk<'a>(cursor: &mut Cursor<'a>) -> Result<Option<HeadChunk<'a>>, Damage> {
    let (offset, start) = (cursor.offset(), cursor.rest());
    let (reference, first, last) = (cursor.be_u64()?, cursor.be_u64()?, cursor.be_u64()?);
    let encoding = cursor.byte()?;
    if reference == 0 && first == 0 && last == 0 && encoding == 0 {
        return Ok(None);
    }
    let length = cursor.uvarint()?;
    let length = usize::try_from(length).map_err(|_| cursor.nonsense("a chunk's length makes no sense"))?;
    let data = cursor.bytes(length)?;
    let summed = &start[..start.len() - cursor.rest().len()];
    if cursor.be_u32()? != crc32c(summed) {
        return Err(Damage::new(offset, Problem::Checksum("a chunk")));
    }
    let kind = ChunkKind::of(encoding & !OUT_OF_ORDER).map_err(|problem| Damage::new(offset, problem))?;
    let range = TimeRange::new(Timestamp(first as i64), Timestamp(last as i64));
    Ok(Some(HeadChunk { reference, range, offset, kind, data }))
}
