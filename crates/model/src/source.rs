//! What the evaluator reads from: series whose samples come in chunks, and chunks that know their sums.
//!
//! A chunk carries a [`ChunkSummary`], so that a function over a month reads the summaries of all chunks that lie
//! wholly inside its range and decodes only those at the edges.

use std::sync::Arc;

use crate::{HistogramSample, Labels, Matcher, Sample, Timestamp};

/// A stretch of time, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// First moment inside.
    pub start: Timestamp,
    /// Last moment inside.
    pub end: Timestamp,
}

impl TimeRange {
    /// From first to last, both inside.
    pub const fn new(start: Timestamp, end: Timestamp) -> Self {
        Self { start, end }
    }

    /// Everything there is.
    pub const ALL: Self = Self { start: Timestamp::MIN, end: Timestamp::MAX };

    /// Whether a moment lies inside.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at <= self.end
    }

    /// Whether two stretches share a moment.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }
}

/// What a chunk knows of its samples without decoding them. Staleness markers are counted apart and enter nothing else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChunkSummary {
    /// Time of the first and last entries, staleness markers included.
    pub range: TimeRange,
    /// Samples that are values.
    pub count: u32,
    /// Entries that are staleness markers.
    pub stale_count: u32,
    /// Values that are NaN; when there are any, `min`, `max`, `sum` and `increase` cannot stand for the samples.
    pub nan_count: u32,
    /// How often a value was lower than the one before it.
    pub resets: u32,
    /// How often a value differed from the one before it.
    pub changes: u32,
    /// First value; meaningless when `count` is 0.
    pub first: Sample,
    /// Last value; meaningless when `count` is 0.
    pub last: Sample,
    /// Sum of increments between neighbours inside the chunk, a drop counting as a restart from zero.
    pub increase: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Sum of the values.
    pub sum: f64,
}

impl ChunkSummary {
    /// Summarises samples that are in time order; `None` when there are none.
    pub fn of(samples: &[Sample]) -> Option<Self> {
        let (start, end) = (samples.first()?.at, samples.last()?.at);
        let placeholder = Sample::new(start, 0.0);
        let mut summary = Self {
            range: TimeRange::new(start, end),
            count: 0,
            stale_count: 0,
            nan_count: 0,
            resets: 0,
            changes: 0,
            first: placeholder,
            last: placeholder,
            increase: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            sum: 0.0,
        };
        for sample in samples {
            summary.push(*sample);
        }
        Some(summary)
    }

    /// Summarises histograms that are in time order; `None` when there are none.
    pub fn of_histograms(samples: &[HistogramSample]) -> Option<Self> {
        let (first, last) = (samples.first()?.at, samples.last()?.at);
        let mut summary = Self::of(&[Sample::new(first, 0.0)])?;
        summary.range = TimeRange::new(first, last);
        summary.stale_count = samples.iter().filter(|sample| sample.is_stale()).count() as u32;
        summary.count = samples.len() as u32 - summary.stale_count;
        Some(summary)
    }

    /// Takes in the next sample in time order.
    pub fn push(&mut self, sample: Sample) {
        self.range.end = sample.at;
        if sample.is_stale() {
            self.stale_count += 1;
            return;
        }
        if self.count == 0 {
            self.first = sample;
        } else {
            let previous = self.last.value;
            let dropped = sample.value < previous;
            self.increase += if dropped { sample.value } else { sample.value - previous };
            self.resets += u32::from(dropped);
            let both_nan = sample.value.is_nan() && previous.is_nan();
            self.changes += u32::from(sample.value != previous && !both_nan);
        }
        self.last = sample;
        self.count += 1;
        self.nan_count += u32::from(sample.value.is_nan());
        self.min = self.min.min(sample.value);
        self.max = self.max.max(sample.value);
        self.sum += sample.value;
    }
}

/// What a chunk's entries are. A series may change from one kind to the other; a chunk never does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkKind {
    /// Numbers: [`Chunk::decode`] gives them.
    Floats,
    /// Native histograms: [`Chunk::decode_histograms`] gives them. Of the summary only `range`, `count` and
    /// `stale_count` say anything.
    Histograms,
}

/// Some samples of one series, in time order, perhaps compressed.
pub trait Chunk: Send + Sync {
    /// What is known without decoding.
    fn summary(&self) -> &ChunkSummary;

    /// What its entries are.
    fn kind(&self) -> ChunkKind {
        ChunkKind::Floats
    }

    /// Appends all entries that are numbers, staleness markers included, in time order; none of a chunk of histograms.
    fn decode(&self, out: &mut Vec<Sample>) -> Result<(), SourceError>;

    /// Appends all entries that are histograms, staleness markers included, in time order.
    fn decode_histograms(&self, _out: &mut Vec<HistogramSample>) -> Result<(), SourceError> {
        Ok(())
    }

    /// Whether the source told of any entry since when its counter has been counting.
    fn has_start_times(&self) -> bool {
        false
    }

    /// Appends, for each entry, the moment since which its counter has been counting, where the source told it.
    /// Appends nothing where it told none of them.
    fn decode_start_times(&self, _out: &mut Vec<Option<Timestamp>>) -> Result<(), SourceError> {
        Ok(())
    }
}

/// One selected series: its labels and its chunks, in time order and not overlapping.
#[derive(Clone)]
pub struct SeriesView {
    /// The series' name and labels.
    pub labels: Labels,
    /// Its samples; a chunk at an edge may reach beyond the range that was asked for.
    pub chunks: Vec<Arc<dyn Chunk>>,
}

/// Why a source could not answer.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A chunk's bytes do not decode.
    #[error("damaged chunk: {0}")]
    Damaged(String),
    /// The source is not to be reached.
    #[error("source unavailable: {0}")]
    Unavailable(String),
}

/// Something that holds series: the store's snapshot, a remote backend, a test's table.
pub trait SeriesSource: Send + Sync {
    /// Series that pass every matcher, sorted by labels, with the chunks that overlap the range. A chunk that reaches
    /// beyond the range on both sides may have no entry inside it: only decoding it tells.
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<SeriesView>, SourceError>;

    /// Label sets of what [`SeriesSource::select`] would give, without samples; a source of many samples gives only
    /// those that have an entry inside the range.
    fn series(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Labels>, SourceError> {
        Ok(self.select(matchers, range)?.into_iter().map(|view| view.labels).collect())
    }

    /// Names of labels that occur, sorted.
    fn label_names(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<String>, SourceError> {
        let mut names = std::collections::BTreeSet::new();
        for labels in self.series(matchers, range)? {
            names.extend(labels.iter().map(|(name, _)| name.to_owned()));
        }
        Ok(names.into_iter().collect())
    }

    /// Values of one label that occur, sorted.
    fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<Vec<String>, SourceError> {
        let mut values = std::collections::BTreeSet::new();
        for labels in self.series(matchers, range)? {
            values.extend(labels.get(name).map(str::to_owned));
        }
        Ok(values.into_iter().collect())
    }

    /// What may be missing of a selection although it was stored once, in words for whoever gets the answer: its file
    /// was damaged. Mostly nothing.
    fn missing(&self, _matchers: &[Matcher], _range: TimeRange) -> Vec<String> {
        Vec::new()
    }
}
