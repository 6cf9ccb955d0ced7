//! A block's index: which series it has, and where their chunks are.

use bellwether_model::{Labels, LabelsBuilder, TimeRange, Timestamp};

use super::bytes::Cursor;
use super::damage::{Damage, Problem};

const MAGIC: u32 = 0xbaaa_d700;
/// Six references and their checksum.
const CONTENTS_BYTES: usize = 6 * 8 + 4;
/// Series of version 2 begin at multiples of this, and are referred to by which.
const ALIGNMENT: u64 = 16;

/// An index whose contents, symbols and list of series are sound. Series are checked when they are read.
pub struct Index<'a> {
    bytes: &'a [u8],
    symbols: Symbols<'a>,
    references: Vec<u64>,
}

/// Texts, by their place in the file (version 1) or by number (version 2).
enum Symbols<'a> {
    ByOffset,
    ByNumber(Vec<&'a str>),
}

/// Where a chunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkRef {
    /// From its first sample to its last.
    pub range: TimeRange,
    /// In which of the block's files of chunks, counted from 0.
    pub file: u32,
    /// At which byte of it.
    pub offset: u32,
}

/// One series of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesEntry {
    /// Its number, as tombstones have it.
    pub reference: u64,
    /// Its name and labels.
    pub labels: Labels,
    /// Its chunks, in time order.
    pub chunks: Vec<ChunkRef>,
}

impl<'a> Index<'a> {
    /// Opens an index: all bytes of the file.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Damage> {
        let mut header = Cursor::new(bytes, 0);
        let found = header.be_u32()?;
        if found != MAGIC {
            return Err(Damage::new(0, Problem::Magic { expected: "index of a block", found, magic: MAGIC }));
        }
        let version = header.byte()?;
        if !(1..=2).contains(&version) {
            let problem =
                Problem::Version { what: "an index", found: version.into(), known: "versions 1 and 2" };
            return Err(Damage::new(4, problem));
        }
        let mut index = Self { bytes, symbols: Symbols::ByOffset, references: Vec::new() };
        let contents = index.contents()?;
        if version == 2 {
            index.symbols = Symbols::ByNumber(index.symbols(contents.symbols)?);
        } else if contents.symbols > 0 {
            index.at(contents.symbols)?.section("the table of symbols")?;
        }
        if contents.postings_table > 0 {
            let factor = if version == 2 { ALIGNMENT } else { 1 };
            index.references = index.all_series(contents.postings_table, factor)?;
        }
        Ok(index)
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.references.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.references.is_empty()
    }

    /// A series, by its place in the order of labels.
    pub fn series(&self, place: usize) -> Result<SeriesEntry, Damage> {
        let offset = self.references.get(place).copied().unwrap_or(u64::MAX);
        let (mut cursor, reference) = self.entry(offset)?;
        let labels = self.labels(&mut cursor)?;
        let chunks = chunks(&mut cursor)?;
        Ok(SeriesEntry { reference, labels, chunks })
    }

    /// The chunks of a series, by its place; without looking up its labels.
    pub fn chunks(&self, place: usize) -> Result<(u64, Vec<ChunkRef>), Damage> {
        let offset = self.references.get(place).copied().unwrap_or(u64::MAX);
        let (mut cursor, reference) = self.entry(offset)?;
        for _ in 0..cursor.count()? {
            cursor.uvarint()?;
            cursor.uvarint()?;
        }
        Ok((reference, chunks(&mut cursor)?))
    }

    /// The bytes of a series, and the number by which tombstones know it.
    fn entry(&self, offset: u64) -> Result<(Cursor<'a>, u64), Damage> {
        let mut cursor = self.at(offset)?;
        let length = cursor.count()?;
        let entry = cursor.checked(length, "a series")?;
        let reference = match self.symbols {
            Symbols::ByOffset => offset,
            Symbols::ByNumber(_) => offset / ALIGNMENT,
        };
        Ok((entry, reference))
    }

    fn at(&self, offset: u64) -> Result<Cursor<'a>, Damage> {
        let bytes = usize::try_from(offset).ok().and_then(|start| self.bytes.get(start..));
        let beyond = Problem::Nonsense("a reference leads beyond the end of the file");
        bytes.map(|bytes| Cursor::new(bytes, offset)).ok_or(Damage::new(self.bytes.len() as u64, beyond))
    }

    fn contents(&self) -> Result<Contents, Damage> {
        let start = self.bytes.len().checked_sub(CONTENTS_BYTES);
        let start = start.ok_or(Damage::new(self.bytes.len() as u64, Problem::CutOff))?;
        let body = &self.bytes[start..];
        let mut cursor = Cursor::new(body, start as u64);
        let mut references = cursor.checked(CONTENTS_BYTES - 4, "the table of contents")?;
        let mut table = [0; 6];
        for reference in &mut table {
            *reference = references.be_u64()?;
        }
        Ok(Contents { symbols: table[0], postings_table: table[5] })
    }

    fn symbols(&self, offset: u64) -> Result<Vec<&'a str>, Damage> {
        if offset == 0 {
            return Ok(Vec::new());
        }
        let mut section = self.at(offset)?.section("the table of symbols")?;
        let count = section.be_u32()? as usize;
        let mut symbols = Vec::with_capacity(count.min(section.rest().len()));
        for _ in 0..count {
            symbols.push(section.text()?);
        }
        Ok(symbols)
    }

    /// The list of all series is the one under the empty label; it comes first.
    fn all_series(&self, table: u64, factor: u64) -> Result<Vec<u64>, Damage> {
        let mut section = self.at(table)?.section("the table of postings")?;
        for _ in 0..section.be_u32()? {
            let names = section.byte()?;
            if names != 2 {
                return Err(section.nonsense("an entry of the table of postings is no name and value"));
            }
            let is_all = section.text()?.is_empty() & section.text()?.is_empty();
            let offset = section.uvarint()?;
            if is_all {
                let mut list = self.at(offset)?.section("the list of all series")?;
                let count = list.be_u32()? as usize;
                let mut references = Vec::with_capacity(count.min(list.rest().len() / 4));
                for _ in 0..count {
                    references.push(u64::from(list.be_u32()?) * factor);
                }
                return Ok(references);
            }
        }
        Err(section.nonsense("the index has no list of all series"))
    }

    fn symbol(&self, cursor: &mut Cursor<'a>) -> Result<&'a str, Damage> {
        let before = cursor.clone();
        let number = cursor.uvarint()?;
        match &self.symbols {
            Symbols::ByOffset => self.at(number)?.text(),
            Symbols::ByNumber(symbols) => usize::try_from(number)
                .ok()
                .and_then(|number| symbols.get(number))
                .copied()
                .ok_or_else(|| before.nonsense("a label refers to a symbol that is not there")),
        }
    }

    fn labels(&self, cursor: &mut Cursor<'a>) -> Result<Labels, Damage> {
        let count = cursor.count()?;
        let mut builder = LabelsBuilder::default();
        for _ in 0..count {
            let name = self.symbol(cursor)?;
            builder.set(name, self.symbol(cursor)?);
        }
        Ok(builder.build())
    }
}

/// What is needed of the table of contents.
struct Contents {
    symbols: u64,
    postings_table: u64,
}

fn chunks(cursor: &mut Cursor<'_>) -> Result<Vec<ChunkRef>, Damage> {
    let count = cursor.count()?;
    let mut chunks = Vec::with_capacity(count);
    let (mut last, mut reference) = (0i64, 0u64);
    for place in 0..count {
        let before = cursor.clone();
        let start = if place == 0 { cursor.varint()? } else { last.wrapping_add(cursor.uvarint()? as i64) };
        let end = start.wrapping_add(cursor.uvarint()? as i64);
        reference =
            if place == 0 { cursor.uvarint()? } else { reference.wrapping_add(cursor.varint()? as u64) };
        if start > end || (place > 0 && start < last) {
            return Err(before.nonsense("chunks of a series are not in time order"));
        }
        last = end;
        chunks.push(ChunkRef {
            range: TimeRange::new(Timestamp(start), Timestamp(end)),
            file: (reference >> 32) as u32,
            offset: reference as u32,
        });
    }
    Ok(chunks)
}

impl std::fmt::Debug for Index<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("series", &self.len()).finish_non_exhaustive()
    }
}
