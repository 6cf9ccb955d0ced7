//! The newest entries, in memory: per series one open block that grows, and the closed chunks before it.

use std::sync::Arc;

use bellwether_model::{
    Chunk, ChunkKind, ChunkSummary, HistogramSample, Sample, SeriesId, SourceError, TimeRange, Timestamp,
};

use crate::block::{self, Block};
use crate::chunk::{self, MemoryChunk};
use crate::entry::{Entry, EntryValue, Last};
use crate::histogram_block::HistogramBlock;
use crate::overlap::DecodedChunk;
use crate::run::Run;
use crate::start_times::StartTimes;

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

/// One series' unsealed entries. Invariant: chunks, then the block, in time order; `last` ends it all, or what was
/// sealed before it, and is `None` only for a series that never had an entry. Of the two open blocks one is empty.
#[derive(Default)]
pub(crate) struct SeriesHead {
    last: Option<Last>,
    open: Block,
    rare: Option<Box<Rare>>,
    chunks: Vec<Arc<MemoryChunk>>,
}

/// What most series do not have.
#[derive(Default)]
struct Rare {
    histograms: HistogramBlock,
    /// Of whatever block is open.
    starts: StartTimes,
}

impl SeriesHead {
    /// What would become of an entry.
    pub(crate) fn judge(&self, entry: &Entry<'_>) -> Verdict {
        match &self.last {
            Some(last) if entry.at == last.at() && last.has_bits_of(entry.value) => Verdict::Known,
            Some(last) if entry.at <= last.at() => Verdict::TooOld(last.at()),
            Some(_) | None => Verdict::Taken,
        }
    }

    /// Adds an entry that was judged [`Verdict::Taken`].
    pub(crate) fn push(&mut self, id: SeriesId, entry: &Entry<'_>) {
        match entry.value {
            EntryValue::Float(value) => self.push_float(Sample::new(entry.at, value), entry.since),
            EntryValue::Histogram(histogram) => {
                self.push_histogram(HistogramSample::new(entry.at, Arc::clone(histogram)), entry.since);
            }
        }
        let is_heavy = self.open.is_heavy() || self.rare.as_ref().is_some_and(|r| r.histograms.is_heavy());
        if is_heavy || self.open_count() >= CLOSE_SAMPLES + id.0 % CLOSE_SPREAD {
            self.close();
        }
    }

    fn push_float(&mut self, sample: Sample, since: Option<Timestamp>) {
        if self.histogram_count() > 0 {
            self.close();
        }
        self.push_start(self.open.count(), since);
        let last = match self.last {
            Some(Last::Float(last)) => last,
            Some(Last::Histogram(_) | Last::Fingerprint(..)) | None => sample,
        };
        self.open.push(last, sample);
        self.last = Some(Last::Float(sample));
    }

    fn push_histogram(&mut self, sample: HistogramSample, since: Option<Timestamp>) {
        if self.open.count() > 0 {
            self.close();
        }
        self.push_start(self.histogram_count(), since);
        self.rare.get_or_insert_default().histograms.push(&sample);
        self.last = Some(Last::Histogram(sample));
    }

    fn push_start(&mut self, index: u32, since: Option<Timestamp>) {
        if since.is_some() || self.rare.is_some() {
            self.rare.get_or_insert_default().starts.push(index, since);
        }
    }

    fn histogram_count(&self) -> u32 {
        self.rare.as_ref().map_or(0, |rare| rare.histograms.count())
    }

    fn open_count(&self) -> u32 {
        self.open.count() + self.histogram_count()
    }

    fn starts(&self) -> Vec<Option<Timestamp>> {
        self.rare.as_ref().map_or(Vec::new(), |rare| rare.starts.expand(self.open_count()))
    }

    fn close(&mut self) {
        let closed = self.open_histograms().or_else(|| self.close_floats());
        debug_assert!(closed.is_some(), "a block decodes to what was pushed");
        self.chunks.extend(closed);
        self.empty();
    }

    fn empty(&mut self) {
        self.open.take();
        if let Some(rare) = &mut self.rare {
            **rare = Rare::default();
        }
    }

    fn close_floats(&self) -> Option<Arc<MemoryChunk>> {
        let mut samples = Vec::with_capacity(self.open.count() as usize);
        block::decode(self.open.bytes(), self.open.count(), &mut samples)?;
        let summary = ChunkSummary::of(&samples)?;
        Some(MemoryChunk::new(ChunkKind::Floats, summary, 0, chunk::encode(&samples), &self.starts()))
    }

    /// The open block of histograms as a chunk. Its rows stay as they are until it is sealed.
    fn open_histograms(&self) -> Option<Arc<MemoryChunk>> {
        let block = self.rare.as_ref().map(|rare| &rare.histograms).filter(|block| block.count() > 0)?;
        let range = block.range();
        let placeholder = ChunkSummary::of(&[Sample::new(range.start, 0.0)])?;
        let stale_count = block.stale_count();
        let summary = ChunkSummary { range, count: block.count() - stale_count, stale_count, ..placeholder };
        let bytes = chunk::encode_histogram_block(block);
        Some(MemoryChunk::new(ChunkKind::Histograms, summary, 0, bytes, &self.starts()))
    }

    /// Remembers the last entry of what lies in segments.
    pub(crate) fn sealed_until(&mut self, last: Last) {
        if self.last.as_ref().is_none_or(|known| known.at() < last.at()) {
            if self.open_count() > 0 {
                self.close(); // what follows is not told by the last entry in the block any more
            }
            self.last = Some(last);
        }
    }

    pub(crate) fn sample_count(&self) -> u64 {
        let count = |chunk: &Arc<MemoryChunk>| chunk.summary().count + chunk.summary().stale_count;
        self.chunks.iter().map(|chunk| u64::from(count(chunk))).sum::<u64>() + u64::from(self.open_count())
    }

    /// Whether no entry lies in memory.
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.open_count() == 0
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let chunk = |c: &Arc<MemoryChunk>| c.bytes.len() + size_of::<MemoryChunk>() + 16 + size_of::<usize>();
        let rare = |r: &Rare| size_of::<Rare>() + r.histograms.heap_bytes() + r.starts.heap_bytes();
        self.chunks.iter().map(chunk).sum::<usize>()
            + self.open.heap_bytes()
            + self.rare.as_deref().map_or(0, rare)
    }

    /// What a reader needs of a stretch of time, copied out so that the lock need not be held while it is used.
    pub(crate) fn view(&self, range: TimeRange) -> HeadView {
        let overlapping = |c: &&Arc<MemoryChunk>| c.summary().range.overlaps(&range);
        let mut chunks: Vec<_> = self.chunks.iter().filter(overlapping).cloned().collect();
        let last = self.last.as_ref().map_or(Timestamp::MIN, Last::at);
        let is_wanted = self.open_count() > 0 && last >= range.start;
        if is_wanted {
            chunks.extend(self.open_histograms().filter(|chunk| chunk.summary().range.overlaps(&range)));
        }
        let open = (is_wanted && self.open.count() > 0).then(|| OpenView {
            bytes: self.open.bytes().to_vec(),
            count: self.open.count(),
            starts: self.starts(),
        });
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
        self.chunks.retain(|chunk| chunk.summary().range.end >= moment);
        if let Some(straddling) = self.chunks.first().filter(|chunk| chunk.summary().range.start < moment)
            && let Ok(mut run) = Run::of(&**straddling)
        {
            let rest = run.split_off(moment);
            self.chunks.splice(0..1, rest.chunks(chunk::CHUNK_SAMPLES_MAX));
        }
        self.cut_open_before(moment);
        if self.chunks.is_empty() {
            self.chunks = Vec::new();
        }
    }

    fn cut_open_before(&mut self, moment: Timestamp) {
        let Some(first) = self.open_first().filter(|first| *first < moment) else { return };
        let range = TimeRange::new(first, Timestamp::MAX);
        let HeadView { chunks, open } = self.view(range);
        let opened = match open {
            Some(open) => open.decoded().map(|chunk| chunk as Arc<dyn Chunk>),
            None => {
                chunks.into_iter().next_back().map(|chunk| chunk as Arc<dyn Chunk>).ok_or_else(unreadable)
            }
        };
        let Ok(mut run) = opened.and_then(|chunk| Run::of(&*chunk)) else { return };
        let last = self.last.take();
        self.empty();
        run.split_off(moment).for_each(&mut |entry| match entry.value {
            EntryValue::Float(value) => self.push_float(Sample::new(entry.at, value), entry.since),
            EntryValue::Histogram(histogram) => {
                self.push_histogram(HistogramSample::new(entry.at, Arc::clone(histogram)), entry.since);
            }
        });
        self.last = last;
    }

    /// When the first entry of the open block was measured.
    fn open_first(&self) -> Option<Timestamp> {
        let histograms = self.rare.as_ref().map(|rare| &rare.histograms).filter(|block| block.count() > 0);
        histograms.map(|block| block.range().start).or_else(|| self.open.first())
    }
}

fn unreadable() -> SourceError {
    SourceError::Damaged("an open block in memory does not decode".to_owned())
}

/// Whether chunks that overlap a stretch of time have an entry inside it. Only a chunk that reaches beyond it on
/// both sides must be decoded to tell.
pub(crate) fn has_entry(chunks: &[Arc<dyn Chunk>], range: TimeRange) -> Result<bool, SourceError> {
    for chunk in chunks {
        let ends = chunk.summary().range;
        if range.contains(ends.start) || range.contains(ends.end) {
            return Ok(true);
        }
        let run = Run::of(&**chunk)?;
        if run.count_before(range.start) < run.count_before(Timestamp(range.end.0.saturating_add(1))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A copy of one series' unsealed entries.
pub(crate) struct HeadView {
    chunks: Vec<Arc<MemoryChunk>>,
    open: Option<OpenView>,
}

/// A copy of an open block of floats.
struct OpenView {
    bytes: Vec<u8>,
    count: u32,
    starts: Vec<Option<Timestamp>>,
}

impl HeadView {
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.open.is_none()
    }

    /// The chunks, the open block as the last of them.
    pub(crate) fn into_chunks(self, range: TimeRange) -> Result<Vec<Arc<dyn Chunk>>, SourceError> {
        let mut chunks: Vec<Arc<dyn Chunk>> = Vec::with_capacity(self.chunks.len() + 1);
        chunks.extend(self.chunks.into_iter().map(|chunk| chunk as Arc<dyn Chunk>));
        if let Some(open) = self.open {
            let open = open.decoded()?;
            if open.summary().range.overlaps(&range) {
                chunks.push(open);
            }
        }
        Ok(chunks)
    }
}

impl OpenView {
    fn decoded(self) -> Result<Arc<DecodedChunk>, SourceError> {
        let mut samples = Vec::new();
        block::decode(&self.bytes, self.count, &mut samples)
            .and_then(|()| DecodedChunk::of(Run::of_floats(samples, self.starts)))
            .ok_or_else(unreadable)
    }
}
