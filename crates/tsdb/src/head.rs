//! The newest entries, in memory: per series one open block that grows, the closed chunks before it, and beside them
//! what came late.

use std::sync::Arc;

use bellwether_model::{
    Chunk, ChunkKind, ChunkSummary, HistogramSample, Sample, SeriesId, SourceError, TimeDelta, TimeRange,
    Timestamp,
};

use crate::block::{self, Block};
use crate::chunk::{self, MemoryChunk};
use crate::column::Purpose;
use crate::entry::{Entry, EntryValue, Last, is_same};
use crate::error::Refusal;
use crate::histogram_block::HistogramBlock;
use crate::late::LateEntries;
use crate::overlap::DecodedChunk;
use crate::run::Run;
use crate::start_times::StartTimes;

/// A block is closed at this many samples, plus up to [`CLOSE_SPREAD`] more depending on the series' number, so
/// that series born together are not all compressed in the same batch.
const CLOSE_SAMPLES: u32 = 240;
const CLOSE_SPREAD: u32 = 64;

/// What is to be done with an entry that is not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It comes after all others of its series.
    InOrder,
    /// It comes between others.
    Late,
    /// Same moment, same bits: nothing to do.
    Known,
}

/// One series' unsealed entries. Invariant: chunks, then the block, in time order; `last` ends it all, or what was
/// sealed before it, and is `None` only for a series that never had an entry. Of the two open blocks one is empty.
/// Late entries are before `last`, and of no moment that is in chunks or block.
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
    late: LateEntries,
}

impl SeriesHead {
    /// What would become of an entry, if those that are late by no more than the window are taken. What lies in
    /// segments is not looked at, but for the last of it: a reader leaves out what was stored second.
    pub(crate) fn judge(&self, entry: &Entry<'_>, window: TimeDelta) -> Result<Verdict, Refusal> {
        let Some(last) = &self.last else { return Ok(Verdict::InOrder) };
        if entry.at > last.at() {
            return Ok(Verdict::InOrder);
        }
        let is_same = if entry.at == last.at() {
            Some(last.has_bits_of(entry.value))
        } else if window <= TimeDelta::ZERO {
            return Err(Refusal::OutOfOrder { last: last.at() });
        } else {
            self.compare_with_stored(entry)
        };
        let oldest = Timestamp(last.at().0.saturating_sub(window.0));
        match is_same {
            Some(true) => Ok(Verdict::Known),
            Some(false) => Err(Refusal::Duplicate { at: entry.at }),
            None if entry.at < oldest => Err(Refusal::TooOld { last: last.at(), oldest }),
            None => Ok(Verdict::Late),
        }
    }

    /// Whether an entry of the same moment is in memory, and if so, whether it is the same.
    fn compare_with_stored(&self, entry: &Entry<'_>) -> Option<bool> {
        if let Some(is_same) = self.rare.as_ref().and_then(|rare| rare.late.compare(entry)) {
            return Some(is_same);
        }
        let moment = TimeRange::new(entry.at, entry.at);
        if self.chunks.is_empty() && self.open_first().is_none_or(|first| entry.at < first) {
            return None;
        }
        let chunks = self.view(moment).into_chunks(moment).ok()?;
        let run = Run::of(&**chunks.first()?).ok()?;
        run.find(entry.at).map(|stored| is_same(stored, entry.value))
    }

    /// Adds an entry as it was judged.
    pub(crate) fn take(&mut self, id: SeriesId, entry: &Entry<'_>, verdict: Verdict) {
        match verdict {
            Verdict::InOrder => self.push(id, entry),
            Verdict::Late => self.rare.get_or_insert_default().late.insert(entry),
            Verdict::Known => {}
        }
    }

    /// When the last entry was measured.
    pub(crate) fn last(&self) -> Option<Timestamp> {
        self.last.as_ref().map(Last::at)
    }

    fn push(&mut self, id: SeriesId, entry: &Entry<'_>) {
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
            **rare = Rare { late: std::mem::take(&mut rare.late), ..Rare::default() };
        }
    }

    fn close_floats(&self) -> Option<Arc<MemoryChunk>> {
        let mut samples = Vec::with_capacity(self.open.count() as usize);
        block::decode(self.open.bytes(), self.open.count(), &mut samples)?;
        let summary = ChunkSummary::of(&samples)?;
        let bytes = chunk::encode(&samples, Purpose::Memory);
        Some(MemoryChunk::new(ChunkKind::Floats, summary, 0, bytes, &self.starts()))
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
        self.chunks.iter().map(|chunk| u64::from(count(chunk))).sum::<u64>()
            + u64::from(self.open_count())
            + self.rare.as_ref().map_or(0, |rare| rare.late.len() as u64)
    }

    /// Whether it never had an entry.
    pub(crate) fn is_new(&self) -> bool {
        self.last.is_none() && self.is_empty()
    }

    /// When the last entry was measured, wherever it is now.
    pub(crate) fn last_at(&self) -> Timestamp {
        self.last.as_ref().map_or(Timestamp::MIN, Last::at)
    }

    /// Whether no entry lies in memory.
    pub(crate) fn is_empty(&self) -> bool {
        self.sample_count() == 0
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let chunk = |c: &Arc<MemoryChunk>| c.bytes.len() + size_of::<MemoryChunk>() + 16 + size_of::<usize>();
        let rare = |r: &Rare| {
            size_of::<Rare>() + r.histograms.heap_bytes() + r.starts.heap_bytes() + r.late.heap_bytes()
        };
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
        let late = self.rare.as_ref().map_or(Vec::new(), |rare| rare.late.runs(range));
        HeadView { chunks, open, late }
    }

    /// Whether there is an entry inside a stretch of time.
    pub(crate) fn has_entry(&self, range: TimeRange) -> bool {
        let view = self.view(range);
        !view.is_empty()
            && view.into_chunks(range).is_ok_and(|chunks| has_entry(&chunks, range).unwrap_or(false))
    }

    /// Takes away everything before a moment, or up to and including the last moment that was sealed.
    pub(crate) fn cut_before(&mut self, moment: Timestamp) {
        if let Some(rare) = &mut self.rare {
            rare.late.drop_before(moment);
        }
        self.cut_in_order(moment, None);
    }

    /// Takes away what was sealed: what came in order and is before a moment, and late entries of some moments. `rest`
    /// is what is to be left of the first chunk, if that was worked out before.
    pub(crate) fn cut_sealed(&mut self, moment: Timestamp, late: &[Timestamp], rest: Option<Remainder>) {
        if let Some(rare) = &mut self.rare {
            rare.late.remove(late);
        }
        self.cut_in_order(moment, rest);
    }

    /// The chunk that a moment lies in.
    pub(crate) fn straddling(&self, moment: Timestamp) -> Option<Arc<MemoryChunk>> {
        let ends_later = self.chunks.iter().find(|chunk| chunk.summary().range.end >= moment)?;
        (ends_later.summary().range.start < moment).then(|| Arc::clone(ends_later))
    }

    fn cut_in_order(&mut self, moment: Timestamp, rest: Option<Remainder>) {
        self.chunks.retain(|chunk| chunk.summary().range.end >= moment);
        if let Some(straddling) = self.chunks.first().filter(|chunk| chunk.summary().range.start < moment) {
            let known = rest.filter(|rest| Arc::ptr_eq(&rest.of, straddling));
            if let Some(rest) = known.or_else(|| Remainder::after(moment, straddling)) {
                self.chunks.splice(0..1, rest.chunks);
            }
        }
        self.cut_open_before(moment);
        if self.chunks.is_empty() {
            self.chunks = Vec::new();
        }
    }

    fn cut_open_before(&mut self, moment: Timestamp) {
        let Some(first) = self.open_first().filter(|first| *first < moment) else { return };
        let range = TimeRange::new(first, Timestamp::MAX);
        let HeadView { chunks, open, .. } = self.view(range);
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

/// What is left of a chunk from a moment on.
pub(crate) struct Remainder {
    of: Arc<MemoryChunk>,
    chunks: Vec<Arc<MemoryChunk>>,
}

impl Remainder {
    pub(crate) fn after(moment: Timestamp, chunk: &Arc<MemoryChunk>) -> Option<Self> {
        let rest = Run::of(&**chunk).ok()?.split_off(moment);
        Some(Self { of: Arc::clone(chunk), chunks: rest.chunks(chunk::CHUNK_SAMPLES_MAX, Purpose::Memory) })
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
    late: Vec<Run>,
}

/// A copy of an open block of floats.
struct OpenView {
    bytes: Vec<u8>,
    count: u32,
    starts: Vec<Option<Timestamp>>,
}

impl HeadView {
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.open.is_none() && self.late.is_empty()
    }

    /// Moments of late entries, in order.
    pub(crate) fn late_moments(&self) -> Vec<Timestamp> {
        let mut moments = Vec::new();
        self.late.iter().for_each(|run| run.for_each(&mut |entry| moments.push(entry.at)));
        moments
    }

    /// The chunks, the open block behind them, and then what was late, which may overlap all of it.
    pub(crate) fn into_chunks(self, range: TimeRange) -> Result<Vec<Arc<dyn Chunk>>, SourceError> {
        let mut chunks: Vec<Arc<dyn Chunk>> = Vec::with_capacity(self.chunks.len() + 1);
        chunks.extend(self.chunks.into_iter().map(|chunk| chunk as Arc<dyn Chunk>));
        if let Some(open) = self.open {
            let open = open.decoded()?;
            if open.summary().range.overlaps(&range) {
                chunks.push(open);
            }
        }
        chunks.extend(self.late.into_iter().filter_map(DecodedChunk::of).map(|late| late as Arc<dyn Chunk>));
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
