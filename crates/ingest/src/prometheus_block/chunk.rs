//! The files of a block's chunks: how each begins, how a chunk lies in it, and what its bytes hold.

use bellwether_model::{HistogramSample, Sample, TimeRange};

use super::bytes::Cursor;
use super::damage::{Damage, Problem};
use super::histogram_chunk::{self, Unreadable};
use super::xor;

const MAGIC: u32 = 0x85bd_40dd;
const VERSION: u8 = 1;
/// As many bytes tell how long a chunk is.
pub const CHUNK_PREFIX_BYTES: usize = 5;
/// Larger chunks are not believed.
const CHUNK_BYTES_MAX: u64 = 64 << 20;

/// How a chunk's samples are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkKind {
    /// Floats.
    Xor,
    /// Histograms with whole counts.
    Histogram,
    /// Histograms with counts that are floats.
    FloatHistogram,
}

impl ChunkKind {
    /// By the byte that files and answers have for it.
    pub fn of(byte: u8) -> Result<Self, Problem> {
        match byte {
            1 => Ok(Self::Xor),
            2 => Ok(Self::Histogram),
            3 => Ok(Self::FloatHistogram),
            4 => Err(Problem::Encoding("XOR2")),
            5 => Err(Problem::Encoding("histogramST")),
            6 => Err(Problem::Encoding("floathistogramST")),
            _ => Err(Problem::Nonsense("a chunk of an encoding that does not exist")),
        }
    }

    /// That byte.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Xor => 1,
            Self::Histogram => 2,
            Self::FloatHistogram => 3,
        }
    }
}

/// What chunks hold. A series may have both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// Numbers.
    pub floats: Vec<Sample>,
    /// Native histograms.
    pub histograms: Vec<HistogramSample>,
}

impl Samples {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.floats.len() + self.histograms.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.floats.is_empty() && self.histograms.is_empty()
    }

    /// Takes away all.
    pub fn clear(&mut self) {
        self.floats.clear();
        self.histograms.clear();
    }

    /// Keeps what lies inside a stretch of time and in none of some others.
    pub fn retain(&mut self, range: TimeRange, gone: &[TimeRange]) {
        let is_kept = |at| range.contains(at) && !gone.iter().any(|gone| gone.contains(at));
        self.floats.retain(|sample| is_kept(sample.at));
        self.histograms.retain(|sample| is_kept(sample.at));
    }
}

/// Whether a file of chunks begins as it should.
pub fn check_chunk_file(bytes: &[u8]) -> Result<(), Damage> {
    check_file(&mut Cursor::new(bytes, 0), "file of chunks", MAGIC)
}

pub(crate) fn check_file(cursor: &mut Cursor<'_>, expected: &'static str, magic: u32) -> Result<(), Damage> {
    let before = cursor.clone();
    let found = cursor.be_u32()?;
    if found != magic {
        return Err(before.damage(Problem::Magic { expected, found, magic }));
    }
    let version = cursor.byte()?;
    if version != VERSION {
        return Err(before.damage(Problem::Version { what: expected, found: version.into(), known: "1" }));
    }
    cursor.bytes(3).map(|_| ())
}

/// How a chunk lies in its file: a length, the encoding, the data, a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkFrame {
    /// Bytes of all of it.
    pub bytes: usize,
    prefix: usize,
}

impl ChunkFrame {
    /// By the bytes at its offset, [`CHUNK_PREFIX_BYTES`] of them where the file has so many.
    pub fn of(bytes: &[u8], offset: u64) -> Result<Self, Damage> {
        let mut cursor = Cursor::new(bytes, offset);
        let length = cursor.uvarint()?;
        if length > CHUNK_BYTES_MAX {
            return Err(Damage::new(offset, Problem::Nonsense("a chunk's length makes no sense")));
        }
        let prefix = bytes.len() - cursor.rest().len();
        Ok(Self { bytes: prefix + 1 + length as usize + 4, prefix })
    }

    /// Checks the chunk and appends what it holds. `bytes` are those of the frame.
    pub fn decode(&self, bytes: &[u8], offset: u64, out: &mut Samples) -> Result<(), Damage> {
        let body = bytes.get(self.prefix..).unwrap_or_default();
        let mut cursor = Cursor::new(body, offset + self.prefix as u64);
        let cursor = cursor.checked(self.bytes - self.prefix - 4, "a chunk")?;
        let (encoding, data) = cursor.rest().split_first().ok_or(Damage::new(offset, Problem::CutOff))?;
        let decoded = ChunkKind::of(*encoding).and_then(|kind| decode_chunk(kind, data, out));
        decoded.map_err(|problem| Damage::new(offset, problem))
    }
}

/// Appends the samples of a chunk, without length and checksum.
pub fn decode_chunk(kind: ChunkKind, data: &[u8], out: &mut Samples) -> Result<(), Problem> {
    let (floats, histograms) = (out.floats.len(), out.histograms.len());
    let decoded = match kind {
        ChunkKind::Xor => xor::decode(data, &mut out.floats).ok_or(Unreadable::CutOff),
        ChunkKind::Histogram => histogram_chunk::decode_whole(data, &mut out.histograms),
        ChunkKind::FloatHistogram => histogram_chunk::decode_float(data, &mut out.histograms),
    };
    decoded.map_err(|why| {
        out.floats.truncate(floats);
        out.histograms.truncate(histograms);
        match why {
            Unreadable::CutOff => Problem::Nonsense("a chunk has fewer samples than it says"),
            Unreadable::Because(problem) => problem,
        }
    })
}
