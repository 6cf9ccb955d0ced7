//! The newest samples, in memory: per series one open block that grows, and the closed chunks before it.

use std::sync::Arc;

use bellwether_model::{Chunk, ChunkSummary, Sample, SeriesId, SourceError, TimeRange, Timestamp};

use crate::block::{self, Block};
use crate::chunk::MemoryChunk;

/// A block is closed at this many samples, plus up to [`CLOSE_SPREAD`] more depending on the series' number, so
/// that series born together are not all compressed in the same batch.
const CLOSE_SAMPLES: u32 = 240;
const CLOSE_SPREAD: u32 = 64;

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Taken,
    /// Same moment, same bits: nothing to do.
    Known,
    /// Not after the last sample of its series.
    TooOld(Timestamp),
}

/// One series' unsealed samples. Invariant: chunks, then the block, in time order; `last` ends it all, or what was
/// sealed before it, and is `None` only for a series that never had a sample.
#[derive(Default)]
pub(crate) struct SeriesHead {
    last: Option<Sample>,
    open: Block,
    chunks: Vec<Arc<MemoryChunk>>,
}

impl SeriesHead {
    /// What would become of a sample.
    pub(crate) fn judge(&self, sample: Sample) -> Verdict {
        match self.last {
            Some(last) if sample.at == last.at && sample.value.to_bits() == last.value.to_bits() => {
                Verdict::Known
            }
            Some(last) if sample.at <= last.at => Verdict::TooOld(last.at),
            _ => Verdict::Taken,
        }
    }

    /// Adds a sample that was judged [`Verdict::Taken`].
    pub(crate) fn push(&mut self, id: SeriesId, sample: Sample) {
        let last = self.last.unwrap_or(sample);
        self.open.push(last, sample);
        self.last = Some(sample);
        if self.open.count() >= CLOSE_SAMPLES + id.0 % CLOSE_SPREAD || self.open.is_heavy() {
            self.close();
        }
    }

    fn close(&mut self) {
        let mut samples = Vec::with_capacity(self.open.count() as usize);
        let decoded = block::decode(self.open.bytes(), self.open.count(), &mut samples);
        debug_assert!(decoded.is_some(), "a block decodes to what was pushed");
        self.chunks.extend(MemoryChunk::of(&samples));
        self.open.take();
    }

    /// Remembers the last sample of what lies in segments.
    pub(crate) fn sealed_until(&mut self, last: Sample) {
        if self.last.is_none_or(|known| known.at < last.at) {
            self.last = Some(last);
        }
    }

    pub(crate) fn sample_count(&self) -> u64 {
        let closed: u64 =
            self.chunks.iter().map(|c| u64::from(c.summary.count + c.summary.stale_count)).sum();
        closed + u64::from(self.open.count())
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let chunk = |c: &Arc<MemoryChunk>| c.bytes.len() + size_of::<MemoryChunk>() + 16 + size_of::<usize>();
        self.chunks.iter().map(chunk).sum::<usize>() + self.open.heap_bytes()
    }

    /// What a reader needs of a stretch of time, copied out so that the lock need not be held while it is used.
    pub(crate) fn view(&self, range: TimeRange) -> HeadView {
        let overlapping = |c: &&Arc<MemoryChunk>| c.summary.range.overlaps(&range);
        let chunks = self.chunks.iter().filter(overlapping).cloned().collect();
        let last = self.last.map_or(Timestamp::MIN, |last| last.at);
        let is_wanted = self.open.count() > 0 && last >= range.start;
        let open = is_wanted.then(|| (self.open.bytes().to_vec(), self.open.count()));
        HeadView { chunks, open }
    }

    /// Whether there is an entry inside a stretch of time.
    pub(crate) fn has_entry(&self, range: TimeRange) -> bool {
        let view = self.view(range);
        !view.is_empty()
            && view.into_chunks(range).is_ok_and(|chunks| has_entry(&chunks, range).unwrap_or(false))
    }

    /// Takes away everything before a moment, or up to and including the last moment that was sealed.
    pub(crate) fn cut_before(&mut self, moment: Timestamp) {
        self.chunks.retain(|chunk| chunk.summary.range.end >= moment);
        if let Some(straddling) = self.chunks.first().filter(|chunk| chunk.summary.range.start < moment) {
            let mut samples = Vec::new();
            if straddling.decode(&mut samples).is_ok() {
                samples.retain(|sample| sample.at >= moment);
                if let Some(rest) = MemoryChunk::of(&samples) {
                    self.chunks[0] = rest;
                }
            }
        }
        self.cut_open_before(moment);
        if self.chunks.is_empty() {
            self.chunks = Vec::new();
        }
    }

    fn cut_open_before(&mut self, moment: Timestamp) {
        let mut samples = Vec::new();
        let decoded = block::decode(self.open.bytes(), self.open.count(), &mut samples);
        if decoded.is_none() || samples.first().is_none_or(|first| first.at >= moment) {
            return;
        }
        self.open.take();
        let mut last = samples[0];
        for sample in samples.into_iter().filter(|sample| sample.at >= moment) {
            self.open.push(last, sample);
            last = sample;
        }
    }
}

/// Whether chunks that overlap a stretch of time have an entry inside it. Only a chunk that reaches beyond it on
/// both sides must be decoded to tell.
pub(crate) fn has_entry(chunks: &[Arc<dyn Chunk>], range: TimeRange) -> Result<bool, SourceError> {
    for chunk in chunks {
        let ends = chunk.summary().range;
        if range.contains(ends.start) || range.contains(ends.end) {
            return Ok(true);
        }
        let mut samples = Vec::new();
        chunk.decode(&mut samples)?;
        if samples.iter().any(|sample| range.contains(sample.at)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A copy of one series' unsealed samples.
pub(crate) struct HeadView {
    chunks: Vec<Arc<MemoryChunk>>,
    open: Option<(Vec<u8>, u32)>,
}

impl HeadView {
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.open.is_none()
    }

    /// The chunks, the open block as the last of them.
    pub(crate) fn into_chunks(self, range: TimeRange) -> Result<Vec<Arc<dyn Chunk>>, SourceError> {
        let mut chunks: Vec<Arc<dyn Chunk>> = Vec::with_capacity(self.chunks.len() + 1);
        chunks.extend(self.chunks.into_iter().map(|chunk| chunk as Arc<dyn Chunk>));
        if let Some((bytes, count)) = self.open {
            let open = OpenChunk::of(&bytes, count)?;
            if open.summary.range.overlaps(&range) {
                chunks.push(Arc::new(open));
            }
        }
        Ok(chunks)
    }
}

/// A copy of an open block, decoded already: its summary had to be computed anyway.
struct OpenChunk {
    summary: ChunkSummary,
    samples: Box<[Sample]>,
}

impl OpenChunk {
    fn of(bytes: &[u8], count: u32) -> Result<Self, SourceError> {
        let mut samples = Vec::new();
        block::decode(bytes, count, &mut samples)
            .and_then(|()| ChunkSummary::of(&samples))
            .map(|summary| Self { summary, samples: samples.into_boxed_slice() })
            .ok_or_else(|| SourceError::Damaged("an open block in memory does not decode".to_owned()))
    }
}

impl Chunk for OpenChunk {
    fn summary(&self) -> &ChunkSummary {
        &self.summary
    }

    fn decode(&self, out: &mut Vec<Sample>) -> Result<(), SourceError> {
        out.extend_from_slice(&self.samples);
        Ok(())
    }
}
