//! A sealed stretch of time: one immutable file with the chunks of many series and an index of their summaries.
//!
//! Only the set of series stays in memory; index blocks and chunks are read when asked for. Layout, in order:
//! header, chunks, one index block per series, the table of block starts, the set of series, lineage, footer.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bellwether_model::{
    Chunk, ChunkKind, ChunkSummary, HistogramSample, STALE_NAN, Sample, SeriesId, SourceError, TimeRange,
    Timestamp,
};
use roaring::RoaringBitmap;

use crate::chunk;
use crate::codec::Reader;
use crate::disk::{Disk, ReadFile};
use crate::entry::Last;
use crate::error::DiskError;
use crate::lineage::Lineage;
use crate::referring::{self, Columns, Target};
use crate::run::Run;
use crate::segment_write::{FOOTER_BYTES, Footer, HEADER_BYTES, MAGIC, SEGMENT_VERSION};
use crate::summary_codec::{self, Description};

const SEGMENT_VERSION_MIN: u16 = 1;
/// Before this version a segment said nothing of its past, and no two of a series overlapped.
const LINEAGE_SINCE: u16 = 3;
/// Of an index, so much is in memory at once while it is checked.
const CHECKED_BYTES: u64 = 1 << 20;
/// Index blocks this close together are read in one go.
const READ_GAP_BYTES: u64 = 16 << 10;
/// Samples of one series in a chunk. More of them differ more, since load follows the day; fewer take more descriptions.
pub(crate) const SEALED_SAMPLES_MAX: usize = 2880;

pub(crate) fn segment_name(number: u64) -> String {
    format!("segment-{number:016x}.bwg")
}

/// The number in the name of a segment, a draft of one, or a quarantined one.
pub(crate) fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("segment-")?.get(..16)?;
    u64::from_str_radix(digits, 16).ok()
}

/// Why a file cannot be served.
pub(crate) enum SegmentProblem {
    Damaged(&'static str),
    Version(u16),
    Disk(DiskError),
}

/// An open segment.
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    pub(crate) range: TimeRange,
    pub(crate) series: RoaringBitmap,
    pub(crate) lineage: Lineage,
    pub(crate) bytes: u64,
    pub(crate) sample_count: u64,
    /// A reader met damage: it is to be checked soon.
    pub(crate) is_suspect: AtomicBool,
    identity: u64,
    file: Arc<dyn ReadFile>,
    index_at: u64,
    starts_at: u64,
    index_crc: u32,
    footer_at: u64,
}

/// One chunk as the index describes it.
#[derive(Clone, Copy)]
struct Entry {
    offset: u64,
    length: u32,
    crc: u32,
    described: Description,
}

/// Told of a series and its chunks.
type VisitEntries<'a> = dyn FnMut(SeriesId, &[Entry]) -> Result<(), SourceError> + 'a;

impl Segment {
    /// Opens a file and checks all of it but the chunks, which are checked when they are read. Calls `last` with the
    /// last sample of every series.
    pub(crate) fn open(
        disk: &dyn Disk,
        path: &Path,
        number: u64,
        last: &mut dyn FnMut(SeriesId, Last),
    ) -> Result<Self, SegmentProblem> {
        let problem = |operation| move |source| SegmentProblem::Disk(DiskError::at(operation, path)(source));
        let file = disk.open(path).map_err(problem("open"))?;
        let bytes = file.len().map_err(problem("read"))?;
        if bytes < (HEADER_BYTES + FOOTER_BYTES) as u64 {
            return Err(SegmentProblem::Damaged("the file is too short"));
        }
        let read = |offset: u64, length: u64| read_at(&*file, offset, length).map_err(problem("read"));
        let version = check_header(&read(0, HEADER_BYTES as u64)?, number)?;
        let footer = Footer::read(&read(bytes - FOOTER_BYTES as u64, FOOTER_BYTES as u64)?)
            .filter(|footer| footer.footer_at == bytes - FOOTER_BYTES as u64)
            .ok_or(SegmentProblem::Damaged("the footer is damaged"))?;
        let tail = read(footer.index_at, footer.footer_at - footer.index_at)?;
        if crc32fast::hash(&tail) != footer.index_crc {
            return Err(SegmentProblem::Damaged("the index does not pass its checksum"));
        }
        let mut set = &tail[(footer.set_at - footer.index_at) as usize..];
        let series = RoaringBitmap::deserialize_from(&mut set)
            .map_err(|_| SegmentProblem::Damaged("the set of series does not decode"))?;
        let lineage =
            if version < LINEAGE_SINCE { Some(Lineage::of_rank(number)) } else { Lineage::read(set) };
        let lineage = lineage.ok_or(SegmentProblem::Damaged("the lineage does not decode"))?;
        let index = &tail[..(footer.starts_at - footer.index_at) as usize];
        check_index(index, &footer, &series, last)
            .ok_or(SegmentProblem::Damaged("the index does not decode"))?;
        Ok(Self {
            number,
            path: path.to_owned(),
            range: footer.range,
            series,
            lineage,
            bytes,
            sample_count: footer.sample_count,
            is_suspect: AtomicBool::new(false),
            identity: IDENTITY_NEXT.fetch_add(1, Ordering::Relaxed),
            file,
            index_at: footer.index_at,
            starts_at: footer.starts_at,
            index_crc: footer.index_crc,
            footer_at: footer.footer_at,
        })
    }

    /// Chunks that overlap a stretch of time, for each of some series that are in here: calls `found` for each
    /// series in ascending order.
    pub(crate) fn chunks(
        self: &Arc<Self>,
        ids: &RoaringBitmap,
        range: TimeRange,
        found: &mut dyn FnMut(SeriesId, Vec<Arc<dyn Chunk>>),
    ) -> Result<(), SourceError> {
        self.entries(ids, &mut |id, entries| {
            let overlapping = entries.iter().filter(|entry| entry.described.summary.range.overlaps(&range));
            let chunk = |entry: &Entry| {
                Arc::new(SegmentChunk { segment: Arc::clone(self), entry: *entry }) as Arc<dyn Chunk>
            };
            found(id, overlapping.map(chunk).collect());
            Ok(())
        })
    }

    /// Reads every chunk and checks it.
    pub(crate) fn verify(self: &Arc<Self>) -> Result<(), SourceError> {
        self.entries(&self.series, &mut |_, entries| {
            for entry in entries {
                Run::of(&SegmentChunk { segment: Arc::clone(self), entry: *entry })?;
            }
            Ok(())
        })
    }

    /// Checks header, index and footer on the disk; gives how many bytes that took.
    pub(crate) fn check_index(&self) -> Result<u64, SourceError> {
        let header = self.read(0, HEADER_BYTES as u64)?;
        if check_header(&header, self.number).is_err() {
            return Err(self.damaged("the header"));
        }
        let mut crc = crc32fast::Hasher::new();
        let mut at = self.index_at;
        while at < self.footer_at {
            let length = (self.footer_at - at).min(CHECKED_BYTES);
            crc.update(&self.read(at, length)?);
            at += length;
        }
        if crc.finalize() != self.index_crc {
            return Err(self.damaged("the index"));
        }
        if Footer::read(&self.read(self.footer_at, FOOTER_BYTES as u64)?).is_none() {
            return Err(self.damaged("the footer"));
        }
        Ok(self.bytes - self.index_at)
    }

    /// Checks the chunks of some series against their checksums, without decoding them; tells how many bytes each
    /// series took.
    pub(crate) fn check_chunks(
        &self,
        ids: &RoaringBitmap,
        checked: &mut dyn FnMut(SeriesId, u64),
    ) -> Result<(), SourceError> {
        let mut bytes = Vec::new();
        self.entries(ids, &mut |id, entries| {
            for entry in entries {
                bytes.resize(entry.length as usize, 0);
                self.read_into(&mut bytes, entry.offset)?;
                if crc32fast::hash(&bytes) != entry.crc {
                    return Err(self.damaged("a chunk"));
                }
                checked(id, u64::from(entry.length));
            }
            Ok(())
        })
    }

    /// Tells of every series how many samples it has here, and how many bytes its chunks take.
    pub(crate) fn sizes(&self, found: &mut dyn FnMut(SeriesId, u64, u64)) -> Result<(), SourceError> {
        self.entries(&self.series, &mut |id, entries| {
            let summaries = entries.iter().map(|entry| &entry.described.summary);
            let samples =
                summaries.map(|summary| u64::from(summary.count) + u64::from(summary.stale_count)).sum();
            found(id, samples, entries.iter().map(|entry| u64::from(entry.length)).sum());
            Ok(())
        })
    }

    /// Reads index blocks; neighbours are read together.
    fn entries(&self, ids: &RoaringBitmap, found: &mut VisitEntries<'_>) -> Result<(), SourceError> {
        let blocks = self.blocks(ids)?;
        let mut rest = blocks.as_slice();
        while let Some(first) = rest.first() {
            let is_near = |pair: &[Block]| pair[1].start - pair[0].end <= READ_GAP_BYTES;
            let count = 1 + rest.windows(2).take_while(|pair| is_near(pair)).count();
            let (group, others) = rest.split_at(count);
            let end = group.last().map_or(first.end, |block| block.end);
            let bytes = self.read(self.index_at + first.start, end - first.start)?;
            for block in group {
                let part = &bytes[(block.start - first.start) as usize..(block.end - first.start) as usize];
                let entries = read_block(part).filter(|(id, _)| *id == block.id);
                let (id, entries) = entries.ok_or_else(|| self.damaged("an index block"))?;
                found(id, &entries)?;
            }
            rest = others;
        }
        Ok(())
    }

    /// Where the index blocks of some series lie.
    fn blocks(&self, ids: &RoaringBitmap) -> Result<Vec<Block>, SourceError> {
        let wanted: Vec<(u32, u64)> =
            (ids & &self.series).iter().map(|id| (id, (self.series.rank(id) - 1) * 4)).collect();
        let mut blocks = Vec::with_capacity(wanted.len());
        // A call to the system costs as much as reading some thousand bytes more.
        for group in wanted.chunk_by(|a, b| b.1 - a.1 <= READ_GAP_BYTES) {
            let (first, last) = (group[0].1, group[group.len() - 1].1);
            let table = self.read(self.starts_at + first, last - first + 8)?;
            for (id, place) in group {
                let mut reader = Reader::new(&table[(place - first) as usize..]);
                let bounds = reader.u32().zip(reader.u32()).filter(|(start, end)| start <= end);
                let (start, end) = bounds.ok_or_else(|| self.damaged("the table of the index"))?;
                if self.index_at + u64::from(end) > self.starts_at {
                    return Err(self.damaged("the table of the index"));
                }
                blocks.push(Block { id: SeriesId(*id), start: u64::from(start), end: u64::from(end) });
            }
        }
        if !blocks.windows(2).all(|pair| pair[0].end <= pair[1].start) {
            return Err(self.damaged("the table of the index"));
        }
        Ok(blocks)
    }

    /// What is needed of a chunk that another refers to; `is_last` when it may refer to none itself.
    fn referred(&self, target: Target, with_values: bool, is_last: bool) -> Option<Rc<Columns>> {
        let is_it = |kept: &Kept| kept.segment == self.identity && kept.target == target;
        let serves = |kept: &Kept| is_it(kept) && (kept.columns.values.is_some() || !with_values);
        let known =
            REFERRED.with_borrow(|kept| kept.iter().find(|kept| serves(kept)).map(|k| Rc::clone(&k.columns)));
        if known.is_some() {
            return known;
        }
        let bytes = self.read(target.offset, u64::from(target.length)).ok()?;
        if crc32fast::hash(&bytes) != target.crc {
            return None;
        }
        let resolve = &mut |target, with_values| match is_last {
            true => None,
            false => self.referred(target, with_values, true),
        };
        let columns = Rc::new(referring::columns(&bytes, target.offset, with_values, resolve)?);
        REFERRED.with_borrow_mut(|kept| {
            kept.retain(|kept| !is_it(kept));
            kept.truncate(REFERRED_KEPT - 1);
            kept.push_front(Kept { segment: self.identity, target, columns: Rc::clone(&columns) });
        });
        Some(columns)
    }

    fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, SourceError> {
        let mut bytes = vec![0; length as usize];
        self.read_into(&mut bytes, offset)?;
        Ok(bytes)
    }

    fn read_into(&self, bytes: &mut [u8], offset: u64) -> Result<(), SourceError> {
        self.file.read_exact_at(bytes, offset).map_err(|error| {
            match error.kind() {
                // It was longer when it was opened.
                std::io::ErrorKind::UnexpectedEof => {
                    self.is_suspect.store(true, Ordering::Relaxed);
                    SourceError::Damaged(format!("{} is cut off", self.path.display()))
                }
                _ => SourceError::Unavailable(format!("cannot read {}: {error}", self.path.display())),
            }
        })
    }

    fn damaged(&self, what: &str) -> SourceError {
        self.is_suspect.store(true, Ordering::Relaxed);
        SourceError::Damaged(format!("{what} of {} does not pass its checksum", self.path.display()))
    }
}

struct Block {
    id: SeriesId,
    start: u64,
    end: u64,
}

fn read_at(file: &dyn ReadFile, offset: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}

/// Gives the version.
fn check_header(header: &[u8], number: u64) -> Result<u16, SegmentProblem> {
    let mut reader = Reader::new(header);
    let fields = reader.bytes(4).zip(reader.u16()).zip(reader.u16()).zip(reader.u64()).zip(reader.u32());
    let Some(((((magic, version), _), found), crc)) = fields else {
        return Err(SegmentProblem::Damaged("the header is cut off"));
    };
    if magic != MAGIC || crc != crc32fast::hash(&header[..HEADER_BYTES - 4]) || found != number {
        return Err(SegmentProblem::Damaged("the header is damaged"));
    }
    let is_known = (SEGMENT_VERSION_MIN..=SEGMENT_VERSION).contains(&version);
    if is_known { Ok(version) } else { Err(SegmentProblem::Version(version)) }
}

/// Walks all blocks once, so that later readers find what the footer promised.
fn check_index(
    mut index: &[u8],
    footer: &Footer,
    series: &RoaringBitmap,
    last: &mut dyn FnMut(SeriesId, Last),
) -> Option<()> {
    let mut chunk_count = 0;
    for expected in series {
        let (id, entries, length) = read_block_prefix(index)?;
        index = &index[length..];
        let end = entries.last()?;
        let is_inside = end.offset + u64::from(end.length) <= footer.index_at;
        if id.0 != expected || !is_inside {
            return None;
        }
        chunk_count += entries.len() as u64;
        last(id, last_entry(&end.described));
    }
    (index.is_empty() && chunk_count == footer.chunk_count).then_some(())
}

/// The last entry of a chunk. Of floats, one that lies after the last value is a staleness marker.
fn last_entry(described: &Description) -> Last {
    let summary = &described.summary;
    let at = summary.range.end;
    match described.kind {
        ChunkKind::Floats => {
            let is_value = summary.count > 0 && summary.last.at == at;
            Last::Float(Sample::new(at, if is_value { summary.last.value } else { STALE_NAN }))
        }
        ChunkKind::Histograms => Last::Fingerprint(at, described.fingerprint),
    }
}

fn read_block(block: &[u8]) -> Option<(SeriesId, Vec<Entry>)> {
    let (id, entries, length) = read_block_prefix(block)?;
    (length == block.len()).then_some((id, entries))
}

/// Reads the block at the front of some bytes; gives its length too.
fn read_block_prefix(bytes: &[u8]) -> Option<(SeriesId, Vec<Entry>, usize)> {
    let mut reader = Reader::new(bytes);
    let id = SeriesId(reader.varint_u32()?);
    let count = reader.varint_usize()?;
    let mut offset = reader.varint()?;
    let mut entries = Vec::with_capacity(count.min(64));
    for _ in 0..count {
        let (length, crc) = (reader.varint_u32()?, reader.u32()?);
        let described = summary_codec::read(&mut reader)?;
        entries.push(Entry { offset, length, crc, described });
        offset = offset.checked_add(u64::from(length))?;
    }
    let body = bytes.len() - reader.rest().len();
    (reader.u32()? == crc32fast::hash(&bytes[..body])).then_some((id, entries, body + 4))
}

/// Columns of chunks that a thread keeps, since the next series often refers to the same; a month of a series' are.
const REFERRED_KEPT: usize = 64;

struct Kept {
    segment: u64,
    target: Target,
    columns: Rc<Columns>,
}

/// Tells the segments of one process apart, whatever store they belong to.
static IDENTITY_NEXT: AtomicU64 = AtomicU64::new(0);

/// A chunk in a segment; its bytes are read when it is decoded.
struct SegmentChunk {
    segment: Arc<Segment>,
    entry: Entry,
}

/// Room for a chunk's bytes that a thread keeps between two of them.
const BYTES_KEPT: usize = 256 << 10;

thread_local! {
    static BYTES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// What chunks referred to most recently, the newest first.
    static REFERRED: RefCell<VecDeque<Kept>> = const { RefCell::new(VecDeque::new()) };
}

impl SegmentChunk {
    /// Reads the chunk's bytes, checks them, and decodes them.
    fn with_bytes<T>(&self, decode: impl FnOnce(&[u8]) -> Option<T>) -> Result<T, SourceError> {
        BYTES.with_borrow_mut(|bytes| {
            bytes.resize(self.entry.length as usize, 0);
            self.segment.read_into(bytes, self.entry.offset)?;
            let is_whole = crc32fast::hash(bytes) == self.entry.crc;
            let decoded = if is_whole { decode(bytes) } else { None };
            if bytes.capacity() > BYTES_KEPT {
                *bytes = Vec::new();
            }
            decoded.ok_or_else(|| self.damaged())
        })
    }

    fn damaged(&self) -> SourceError {
        self.segment.damaged("a chunk")
    }

    fn decode_floats(&self, bytes: &[u8], out: &mut Vec<Sample>) -> Option<()> {
        if !referring::refers(bytes) {
            return chunk::decode(bytes, out);
        }
        let resolve = &mut |target, with_values| self.segment.referred(target, with_values, false);
        referring::decode(bytes, self.entry.offset, resolve, out)
    }
}

impl Chunk for SegmentChunk {
    fn summary(&self) -> &ChunkSummary {
        &self.entry.described.summary
    }

    fn kind(&self) -> ChunkKind {
        self.entry.described.kind
    }

    fn decode(&self, out: &mut Vec<Sample>) -> Result<(), SourceError> {
        match self.kind() {
            ChunkKind::Floats => self.with_bytes(|bytes| self.decode_floats(bytes, out)),
            ChunkKind::Histograms => Ok(()),
        }
    }

    fn decode_histograms(&self, out: &mut Vec<HistogramSample>) -> Result<(), SourceError> {
        match self.kind() {
            ChunkKind::Floats => Ok(()),
            ChunkKind::Histograms => self.with_bytes(|bytes| chunk::decode_histograms(bytes, out)),
        }
    }

    fn has_start_times(&self) -> bool {
        self.entry.described.is_started
    }

    fn decode_start_times(&self, out: &mut Vec<Option<Timestamp>>) -> Result<(), SourceError> {
        if !self.entry.described.is_started {
            return Ok(()); // without reading the file
        }
        self.with_bytes(|bytes| chunk::decode_start_times(bytes, out))
    }
}
