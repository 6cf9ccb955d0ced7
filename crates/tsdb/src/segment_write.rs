//! Writing a segment: chunks as they come, then the index, then the footer that says where everything is.

use std::path::PathBuf;

use bellwether_model::{SeriesId, TimeRange, Timestamp};
use roaring::RoaringBitmap;

use crate::chunk::MemoryChunk;
use crate::codec::{Reader, put_i64, put_u16, put_u32, put_u64, put_varint};
use crate::disk::{Disk, WriteFile};
use crate::error::DiskError;
use crate::lineage::Lineage;
use crate::referring::Target;
use crate::summary_codec::{self, Description};

pub(crate) const MAGIC: &[u8; 4] = b"BWSG";
const MAGIC_END: &[u8; 4] = b"BWSE";
/// Version 2 added chunks of histograms and of entries with start times, version 3 the lineage.
pub(crate) const SEGMENT_VERSION: u16 = 3;
pub(crate) const HEADER_BYTES: usize = 20;
pub(crate) const FOOTER_BYTES: usize = 76;
/// Written to the disk in pieces of about this size.
const WRITE_BYTES: usize = 1 << 20;

/// A chunk that was written.
pub(crate) struct Placed {
    pub(crate) target: Target,
    described: Description,
}

/// Writes a segment, series by series in the order of their numbers.
pub(crate) struct SegmentWriter {
    file: Box<dyn WriteFile>,
    path: PathBuf,
    pending: Vec<u8>,
    written: u64,
    index: Vec<u8>,
    starts: Vec<u8>,
    series: RoaringBitmap,
    range: Option<TimeRange>,
    chunk_count: u64,
    sample_count: u64,
}

impl SegmentWriter {
    pub(crate) fn create(disk: &dyn Disk, path: PathBuf, number: u64) -> Result<Self, DiskError> {
        let file = disk.create(&path).map_err(DiskError::at("create", &path))?;
        let mut pending = Vec::from(MAGIC);
        put_u16(&mut pending, SEGMENT_VERSION);
        put_u16(&mut pending, 0);
        put_u64(&mut pending, number);
        let crc = crc32fast::hash(&pending);
        put_u32(&mut pending, crc);
        Ok(Self {
            file,
            path,
            pending,
            written: 0,
            index: Vec::new(),
            starts: Vec::new(),
            series: RoaringBitmap::new(),
            range: None,
            chunk_count: 0,
            sample_count: 0,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chunk_count == 0
    }

    /// Where the next chunk will lie.
    pub(crate) fn offset(&self) -> u64 {
        self.written + self.pending.len() as u64
    }

    /// Writes a chunk; those of one series follow one another.
    pub(crate) fn put_chunk(&mut self, chunk: &MemoryChunk) -> Result<Placed, DiskError> {
        let target = Target {
            offset: self.offset(),
            length: chunk.bytes.len() as u32,
            crc: crc32fast::hash(&chunk.bytes),
        };
        self.pending.extend_from_slice(&chunk.bytes);
        if self.pending.len() >= WRITE_BYTES {
            self.flush()?;
        }
        Ok(Placed { target, described: chunk.described })
    }

    /// Describes a series' chunks, at least one, which were written one after the other. Series come in ascending order.
    pub(crate) fn put_index(&mut self, id: SeriesId, placed: &[Placed]) {
        assert!(self.series.max().is_none_or(|last| last < id.0), "series are sealed in order");
        self.series.insert(id.0);
        let start = self.index.len();
        put_u32(&mut self.starts, start as u32);
        put_varint(&mut self.index, u64::from(id.0));
        put_varint(&mut self.index, placed.len() as u64);
        put_varint(&mut self.index, placed.first().map_or(0, |first| first.target.offset));
        placed.iter().for_each(|placed| self.describe(placed));
        let crc = crc32fast::hash(&self.index[start..]);
        put_u32(&mut self.index, crc);
    }

    fn describe(&mut self, placed: &Placed) {
        let summary = &placed.described.summary;
        put_varint(&mut self.index, u64::from(placed.target.length));
        put_u32(&mut self.index, placed.target.crc);
        summary_codec::put(&mut self.index, &placed.described);
        self.chunk_count += 1;
        self.sample_count += u64::from(summary.count) + u64::from(summary.stale_count);
        let range = self.range.get_or_insert(summary.range);
        range.start = range.start.min(summary.range.start);
        range.end = range.end.max(summary.range.end);
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        self.file.write_all(&self.pending).map_err(DiskError::at("write", &self.path))?;
        self.written += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    /// Writes index and footer and makes the file durable.
    pub(crate) fn finish(mut self, lineage: &Lineage) -> Result<(), DiskError> {
        let range = self.range.unwrap_or(TimeRange::new(Timestamp(0), Timestamp(0)));
        let mut tail = std::mem::take(&mut self.index);
        let index_at = self.written + self.pending.len() as u64;
        let index_bytes = tail.len() as u32;
        put_u32(&mut self.starts, index_bytes);
        let starts_at = index_at + tail.len() as u64;
        tail.extend_from_slice(&self.starts);
        let set_at = index_at + tail.len() as u64;
        self.series.optimize();
        self.series.serialize_into(&mut tail).map_err(DiskError::at("write", &self.path))?;
        lineage.put(&mut tail);
        let footer_at = index_at + tail.len() as u64;
        let footer = Footer {
            index_at,
            starts_at,
            set_at,
            footer_at,
            chunk_count: self.chunk_count,
            sample_count: self.sample_count,
            range,
            index_crc: crc32fast::hash(&tail),
        };
        self.pending.extend_from_slice(&tail);
        footer.put(&mut self.pending);
        self.flush()?;
        self.file.sync().map_err(DiskError::at("sync", &self.path))
    }
}

/// The last bytes of the file: where everything is.
#[derive(Clone, Copy)]
pub(crate) struct Footer {
    pub(crate) index_at: u64,
    pub(crate) starts_at: u64,
    pub(crate) set_at: u64,
    pub(crate) footer_at: u64,
    pub(crate) chunk_count: u64,
    pub(crate) sample_count: u64,
    pub(crate) range: TimeRange,
    pub(crate) index_crc: u32,
}

impl Footer {
    fn put(&self, out: &mut Vec<u8>) {
        let start = out.len();
        for number in
            [self.index_at, self.starts_at, self.set_at, self.footer_at, self.chunk_count, self.sample_count]
        {
            put_u64(out, number);
        }
        put_i64(out, self.range.start.0);
        put_i64(out, self.range.end.0);
        put_u32(out, self.index_crc);
        let crc = crc32fast::hash(&out[start..]);
        put_u32(out, crc);
        out.extend_from_slice(MAGIC_END);
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let body = bytes.get(..FOOTER_BYTES - 8)?;
        let mut reader = Reader::new(bytes);
        let footer = Self {
            index_at: reader.u64()?,
            starts_at: reader.u64()?,
            set_at: reader.u64()?,
            footer_at: reader.u64()?,
            chunk_count: reader.u64()?,
            sample_count: reader.u64()?,
            range: TimeRange::new(Timestamp(reader.i64()?), Timestamp(reader.i64()?)),
            index_crc: reader.u32()?,
        };
        let is_ours = reader.u32()? == crc32fast::hash(body) && reader.rest() == MAGIC_END;
        let bounds =
            [HEADER_BYTES as u64, footer.index_at, footer.starts_at, footer.set_at, footer.footer_at];
        (is_ours && bounds.is_sorted()).then_some(footer)
    }
}
