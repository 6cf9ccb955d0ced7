//! Neighbouring entries of one series that are of one kind, taken out of their chunks: what sealing and cutting work on.

use std::ops::Range;
use std::sync::Arc;

use bellwether_model::{Chunk, ChunkKind, ChunkSummary, HistogramSample, Sample, SourceError, Timestamp};

use crate::chunk::{self, MemoryChunk};
use crate::column::Purpose;
use crate::entry::{Entry, EntryValue};
use crate::histogram_columns::CELLS_MAX;
use crate::histogram_layout::Layout;
use crate::histogram_row::fingerprint;

/// Invariant: start times are as many as entries, or none at all.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    entries: Entries,
    starts: Vec<Option<Timestamp>>,
}

#[derive(Clone, Debug)]
enum Entries {
    Floats(Vec<Sample>),
    Histograms(Vec<HistogramSample>),
}

impl Run {
    /// What a chunk holds.
    pub(crate) fn of(chunk: &dyn Chunk) -> Result<Self, SourceError> {
        let entries = match chunk.kind() {
            ChunkKind::Floats => {
                let mut samples = Vec::new();
                chunk.decode(&mut samples)?;
                Entries::Floats(samples)
            }
            ChunkKind::Histograms => {
                let mut samples = Vec::new();
                chunk.decode_histograms(&mut samples)?;
                Entries::Histograms(samples)
            }
        };
        let mut starts = Vec::new();
        chunk.decode_start_times(&mut starts)?;
        let run = Self { entries, starts };
        if run.starts.is_empty() || run.starts.len() == run.len() {
            return Ok(run);
        }
        Err(SourceError::Damaged("a chunk has more or fewer start times than entries".to_owned()))
    }

    /// Numbers, with start times as many as they are or none.
    pub(crate) fn of_floats(samples: Vec<Sample>, starts: Vec<Option<Timestamp>>) -> Self {
        Self { entries: Entries::Floats(samples), starts }
    }

    pub(crate) fn of_histograms(samples: Vec<HistogramSample>, starts: Vec<Option<Timestamp>>) -> Self {
        Self { entries: Entries::Histograms(samples), starts }
    }

    /// Entries of all runs in time order, neighbours of one kind together; of one moment the one in the earliest run.
    pub(crate) fn merged(runs: &[Self]) -> Vec<Self> {
        let places = |(rank, run): (usize, &Self)| {
            let place = |index| (run.at(index), rank, index);
            (0..run.len()).map(place).collect::<Vec<_>>()
        };
        let mut order: Vec<(Timestamp, usize, usize)> = runs.iter().enumerate().flat_map(places).collect();
        order.sort(); // made for runs that are in order already, one behind the other
        order.dedup_by_key(|(at, ..)| *at);
        let mut merged: Vec<Self> = Vec::new();
        for (_, rank, index) in order {
            let source = &runs[rank];
            let kind = source.kind();
            if merged.last().is_none_or(|last| last.kind() != kind) {
                merged.push(Self::empty(kind));
            }
            let last = merged.len() - 1;
            merged[last].push_from(source, index);
        }
        merged
    }

    fn empty(kind: ChunkKind) -> Self {
        match kind {
            ChunkKind::Floats => Self::of_floats(Vec::new(), Vec::new()),
            ChunkKind::Histograms => Self::of_histograms(Vec::new(), Vec::new()),
        }
    }

    /// Adds one entry of a run of the same kind.
    fn push_from(&mut self, source: &Self, index: usize) {
        let before = self.len();
        match (&mut self.entries, &source.entries) {
            (Entries::Floats(samples), Entries::Floats(from)) => samples.push(from[index]),
            (Entries::Histograms(samples), Entries::Histograms(from)) => samples.push(from[index].clone()),
            (Entries::Floats(_), Entries::Histograms(_)) | (Entries::Histograms(_), Entries::Floats(_)) => {
                unreachable!("runs of one kind")
            }
        }
        let since = source.starts.get(index).copied().flatten();
        if since.is_some() || !self.starts.is_empty() {
            self.starts.resize(before, None);
            self.starts.push(since);
        }
    }

    pub(crate) fn kind(&self) -> ChunkKind {
        match &self.entries {
            Entries::Floats(_) => ChunkKind::Floats,
            Entries::Histograms(_) => ChunkKind::Histograms,
        }
    }

    /// `None` when there is nothing in it.
    pub(crate) fn summary(&self) -> Option<ChunkSummary> {
        match &self.entries {
            Entries::Floats(samples) => ChunkSummary::of(samples),
            Entries::Histograms(samples) => ChunkSummary::of_histograms(samples),
        }
    }

    /// Its numbers; none of a run of histograms.
    pub(crate) fn floats(&self) -> &[Sample] {
        match &self.entries {
            Entries::Floats(samples) => samples,
            Entries::Histograms(_) => &[],
        }
    }

    /// Its histograms; none of a run of numbers.
    pub(crate) fn histograms(&self) -> &[HistogramSample] {
        match &self.entries {
            Entries::Floats(_) => &[],
            Entries::Histograms(samples) => samples,
        }
    }

    /// As many as entries, or none.
    pub(crate) fn starts(&self) -> &[Option<Timestamp>] {
        &self.starts
    }

    pub(crate) fn len(&self) -> usize {
        match &self.entries {
            Entries::Floats(samples) => samples.len(),
            Entries::Histograms(samples) => samples.len(),
        }
    }

    fn at(&self, index: usize) -> Timestamp {
        match &self.entries {
            Entries::Floats(samples) => samples[index].at,
            Entries::Histograms(samples) => samples[index].at,
        }
    }

    /// When the last entry was measured.
    pub(crate) fn last(&self) -> Option<Timestamp> {
        Some(self.at(self.len().checked_sub(1)?))
    }

    /// The entry of a moment.
    pub(crate) fn find(&self, moment: Timestamp) -> Option<EntryValue<'_>> {
        let index = self.count_before(moment);
        if index == self.len() || self.at(index) != moment {
            return None;
        }
        Some(match &self.entries {
            Entries::Floats(samples) => EntryValue::Float(samples[index].value),
            Entries::Histograms(samples) => EntryValue::Histogram(&samples[index].histogram),
        })
    }

    /// The entries of all but some moments.
    pub(crate) fn without(&self, moments: &[Timestamp]) -> Self {
        let mut kept = Self::empty(self.kind());
        let is_kept = |index: &usize| !moments.contains(&self.at(*index));
        (0..self.len()).filter(is_kept).for_each(|index| kept.push_from(self, index));
        kept
    }

    /// How many entries are before a moment.
    pub(crate) fn count_before(&self, moment: Timestamp) -> usize {
        match &self.entries {
            Entries::Floats(samples) => samples.partition_point(|sample| sample.at < moment),
            Entries::Histograms(samples) => samples.partition_point(|sample| sample.at < moment),
        }
    }

    /// Gives all entries, in order.
    pub(crate) fn for_each(&self, visit: &mut dyn FnMut(Entry<'_>)) {
        let since = |index: usize| self.starts.get(index).copied().flatten();
        match &self.entries {
            Entries::Floats(samples) => samples.iter().enumerate().for_each(|(index, sample)| {
                visit(Entry { at: sample.at, value: EntryValue::Float(sample.value), since: since(index) });
            }),
            Entries::Histograms(samples) => samples.iter().enumerate().for_each(|(index, sample)| {
                let value = EntryValue::Histogram(&sample.histogram);
                visit(Entry { at: sample.at, value, since: since(index) });
            }),
        }
    }

    /// Cuts off and gives what is at a moment or after it.
    pub(crate) fn split_off(&mut self, moment: Timestamp) -> Self {
        let place = self.count_before(moment);
        let entries = match &mut self.entries {
            Entries::Floats(samples) => Entries::Floats(samples.split_off(place)),
            Entries::Histograms(samples) => Entries::Histograms(samples.split_off(place)),
        };
        let starts = if self.starts.is_empty() { Vec::new() } else { self.starts.split_off(place) };
        Self { entries, starts }
    }

    /// Puts the entries of another run behind these, or gives it back when it is of another kind.
    pub(crate) fn append(&mut self, mut other: Self) -> Option<Self> {
        let (before, added) = (self.len(), other.len());
        match (&mut self.entries, &mut other.entries) {
            (Entries::Floats(samples), Entries::Floats(more)) => samples.append(more),
            (Entries::Histograms(samples), Entries::Histograms(more)) => samples.append(more),
            (Entries::Floats(_), Entries::Histograms(_)) | (Entries::Histograms(_), Entries::Floats(_)) => {
                return Some(other);
            }
        }
        if !self.starts.is_empty() || !other.starts.is_empty() {
            self.starts.resize(before, None);
            self.starts.append(&mut other.starts);
            self.starts.resize(before + added, None);
        }
        None
    }

    /// Compresses the entries, at most so many to a chunk.
    pub(crate) fn chunks(&self, samples_max: usize, purpose: Purpose) -> Vec<Arc<MemoryChunk>> {
        self.pieces(samples_max).into_iter().filter_map(|range| self.chunk(range, purpose)).collect()
    }

    /// What goes into one chunk each: at most so many entries, and not many fewer in the last. Histograms whose bounds
    /// change begin another.
    pub(crate) fn pieces(&self, samples_max: usize) -> Vec<Range<usize>> {
        let mut pieces = Vec::new();
        let mut start = 0;
        while start < self.len() {
            let rest = self.len() - start;
            let count = rest.div_ceil(rest.div_ceil(samples_max));
            let end = match &self.entries {
                Entries::Floats(_) => start + count,
                Entries::Histograms(samples) => start + alike(&samples[start..], count),
            };
            pieces.push(start..end);
            start = end;
        }
        pieces
    }

    /// Some entries as a chunk whose bytes are known.
    pub(crate) fn described(&self, range: Range<usize>, bytes: Vec<u8>) -> Option<Arc<MemoryChunk>> {
        let starts = self.starts.get(range.clone()).unwrap_or_default();
        let summary = ChunkSummary::of(&self.floats()[range])?;
        Some(MemoryChunk::new(ChunkKind::Floats, summary, 0, bytes, starts))
    }

    /// Compresses some entries.
    pub(crate) fn chunk(&self, range: Range<usize>, purpose: Purpose) -> Option<Arc<MemoryChunk>> {
        let starts = self.starts.get(range.clone()).unwrap_or_default();
        Some(match &self.entries {
            Entries::Floats(samples) => {
                let samples = &samples[range];
                let summary = ChunkSummary::of(samples)?;
                MemoryChunk::new(ChunkKind::Floats, summary, 0, chunk::encode(samples, purpose), starts)
            }
            Entries::Histograms(samples) => {
                let samples = &samples[range];
                let summary = ChunkSummary::of_histograms(samples)?;
                let last = fingerprint(&samples.last()?.histogram);
                let bytes = chunk::encode_histograms(samples);
                MemoryChunk::new(ChunkKind::Histograms, summary, last, bytes, starts)
            }
        })
    }
}

/// How many of the first histograms have the same bounds and fit into a chunk; at least one.
fn alike(samples: &[HistogramSample], samples_max: usize) -> usize {
    let mut layout: Option<Layout> = None;
    for (index, sample) in samples.iter().enumerate().take(samples_max) {
        if sample.is_stale() {
            continue;
        }
        match &mut layout {
            None => layout = Some(Layout::of(&sample.histogram)),
            Some(layout) if !layout.measures_like(&sample.histogram) => return index,
            Some(layout) => {
                if !layout.covers(&sample.histogram) {
                    *layout = layout.widened(&sample.histogram);
                }
                if layout.slots() * (index + 1) > CELLS_MAX {
                    return index;
                }
            }
        }
    }
    samples.len().min(samples_max)
}
