//! The ledger: what has been counted of every objective, and how it is read.
//!
//! It is a pure fold over the batches of the sample log: `announce` resolves series to streams, `credit` counts their
//! increments, `vouch` decides what is measured. Any window is a difference of two of its cumulative values.

pub(crate) mod adopt;
pub(crate) mod announce;
pub(crate) mod apply;
pub(crate) mod arrival;
pub(crate) mod blocks;
pub(crate) mod book;
pub(crate) mod checkpoint;
pub(crate) mod checkpoint_late;
pub(crate) mod checkpoint_natives;
pub(crate) mod coverage;
pub(crate) mod credit;
pub(crate) mod credit_native;
pub(crate) mod late;
pub(crate) mod late_gap;
pub(crate) mod let_go;
pub(crate) mod sli;
pub(crate) mod slices;
pub(crate) mod source_index;
pub(crate) mod stream;
pub(crate) mod vouch;
pub(crate) mod wire;

use std::collections::BTreeMap;

use bellwether_model::{Labels, Sample, SeriesId, TimeDelta, Timestamp};

use crate::indicator::{Budgeting, Indicator};
use crate::ledger::credit_native::{Mixed, Native};
use crate::ledger::late::Recent;
use crate::ledger::late_gap::Gap;
use crate::ledger::sli::{Sli, Weight};
use crate::ledger::source_index::SourceIndex;
use crate::ledger::stream::{Grid, Stream, Window};
use crate::period::Stretch;

/// "Nothing" among indices.
pub(crate) const NONE: u32 = u32::MAX;

/// How a ledger divides and keeps time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerSettings {
    /// Length of a slot; must divide a minute.
    pub slot: TimeDelta,
    /// Time kept slot by slot; older slots are folded into minutes.
    pub recent: TimeDelta,
    /// Time kept in all, minute by minute beyond the recent slots.
    pub retention: TimeDelta,
}

impl Default for LedgerSettings {
    fn default() -> Self {
        Self {
            slot: TimeDelta(15 * TimeDelta::SECOND.0),
            recent: TimeDelta(6 * TimeDelta::HOUR.0),
            retention: TimeDelta(32 * TimeDelta::DAY.0),
        }
    }
}

impl LedgerSettings {
    pub(crate) fn grid(&self) -> Grid {
        let slot_ms = self.slot.0.clamp(1, TimeDelta::MINUTE.0);
        // A slot that does not divide a minute is rounded down to one that does.
        let slot_ms = (1..=slot_ms).rev().find(|ms| TimeDelta::MINUTE.0 % ms == 0).unwrap_or(1);
        Grid {
            slot_ms,
            recent_slots: (self.recent.0 / slot_ms).max(1),
            retention_minutes: self.retention.0.max(0) / TimeDelta::MINUTE.0 + 1,
        }
    }
}

/// The number of a stream in a ledger; never reused while the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub(crate) u32);

/// What one increment of a series does to one stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Credit {
    pub(crate) sli: u32,
    pub(crate) stream: u32,
    /// The target whose measuring this credit currently stands for.
    pub(crate) target: u32,
    pub(crate) weight: Weight,
}

/// A counter that belongs to an indicator.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Source {
    pub(crate) id: SeriesId,
    pub(crate) previous: Option<Sample>,
    /// Since when it has been counting, as its source said last.
    pub(crate) started: Option<Timestamp>,
    /// The first value is only a baseline: the series is older than its announcement.
    pub(crate) is_known: bool,
    /// The target it belongs to when it is pushed, not scraped.
    pub(crate) pushed: u32,
    pub(crate) credits: Vec<Credit>,
}

/// Whose measuring counts: a scrape target, or whoever pushes the series of a job and instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TargetKey {
    Scraped(SeriesId),
    Pushed {
        job: String,
        instance: String,
    },
    /// The answers about one group of an indicator; see `book`.
    Asked {
        indicator: String,
        labels: Labels,
    },
}

/// A target and what it vouches for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Target {
    pub(crate) first_ok: Option<Timestamp>,
    pub(crate) last_ok: Option<Timestamp>,
    pub(crate) last_attempt: Option<Timestamp>,
    pub(crate) has_failed: bool,
    /// What it said since its last good scrape may have been lost.
    pub(crate) has_lost: bool,
    pub(crate) is_gone: bool,
    pub(crate) interval: TimeDelta,
    pub(crate) contributions: Vec<Contribution>,
}

/// A target's part in a stream: `sources` of its credits, measured up to and including a slot. A good scrape vouches
/// ahead until the next one is due; if that fails, what was vouched for is taken back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Contribution {
    pub(crate) stream: u32,
    pub(crate) credits: u32,
    pub(crate) marked: i64,
}

/// The ledger of all indicators.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger {
    pub(crate) settings: LedgerSettings,
    pub(crate) grid: Grid,
    pub(crate) slis: Vec<Option<Sli>>,
    /// Positions in `slis` by the metric names they select; those without a name under the empty one.
    pub(crate) slis_by_name: BTreeMap<String, Vec<usize>>,
    /// Positions in `slis` by key.
    pub(crate) slis_by_key: BTreeMap<String, usize>,
    /// Indicators that judge slices of what another one counts, by positions in `slis`; see `slices`.
    pub(crate) slices_of: BTreeMap<usize, Vec<usize>>,
    pub(crate) sources: Vec<Source>,
    /// Position in `sources` by series number.
    pub(crate) source_by_series: SourceIndex,
    /// Native histograms, by position in `sources`.
    pub(crate) natives: BTreeMap<u32, Native>,
    /// Classic series whose histogram is also there as a native one, by series and indicator.
    pub(crate) mixed: BTreeMap<(u32, u32), Mixed>,
    /// The recent samples of series that may come late, by position in `sources`; see `late`.
    pub(crate) recent: BTreeMap<u32, Recent>,
    /// Recent gaps of targets, by position, in which late scrapes may lie.
    pub(crate) gaps: BTreeMap<u32, Vec<Gap>>,
    pub(crate) targets: Vec<Target>,
    pub(crate) target_by_key: BTreeMap<TargetKey, u32>,
    pub(crate) streams: Vec<Option<Stream>>,
    pub(crate) last_batch: Option<Timestamp>,
    pub(crate) resumed_at: Option<Timestamp>,
    pub(crate) last_sweep: Option<Timestamp>,
}

impl Ledger {
    /// A ledger that counts nothing yet.
    pub fn new(settings: LedgerSettings) -> Self {
        Self {
            settings,
            grid: settings.grid(),
            slis: Vec::new(),
            slis_by_name: BTreeMap::new(),
            slis_by_key: BTreeMap::new(),
            slices_of: BTreeMap::new(),
            sources: Vec::new(),
            source_by_series: SourceIndex::default(),
            natives: BTreeMap::new(),
            mixed: BTreeMap::new(),
            recent: BTreeMap::new(),
            gaps: BTreeMap::new(),
            targets: Vec::new(),
            target_by_key: BTreeMap::new(),
            streams: Vec::new(),
            last_batch: None,
            resumed_at: None,
            last_sweep: None,
        }
    }

    /// Counts exactly these indicators from now on: what is known of those kept stays, others are forgotten.
    pub fn set_indicators<'a>(&mut self, indicators: impl IntoIterator<Item = &'a Indicator>) {
        let mut wanted: BTreeMap<String, Indicator> = BTreeMap::new();
        for indicator in indicators.into_iter().flat_map(Indicator::with_base) {
            let entry = wanted.entry(indicator.key()).or_insert_with(|| indicator.clone());
            entry.streams_max = entry.streams_max.max(indicator.streams_max);
        }
        for index in 0..self.slis.len() {
            let Some(sli) = &mut self.slis[index] else { continue };
            match wanted.remove(&sli.key) {
                Some(indicator) => sli.indicator.streams_max = indicator.streams_max,
                None => self.forget(index),
            }
        }
        for indicator in wanted.into_values() {
            let everything = self.new_stream(self.slis.len() as u32, Labels::empty());
            self.slis.push(Some(Sli::new(indicator, everything)));
        }
        self.index_names();
    }

    /// Finds the indicators that a metric's name may concern without asking all of them.
    pub(crate) fn index_names(&mut self) {
        self.slis_by_name.clear();
        self.slis_by_key.clear();
        self.slices_of.clear();
        for (index, sli) in self.slis.iter().enumerate() {
            self.slis_by_key.extend(sli.iter().map(|sli| (sli.key.clone(), index)));
            // Slices are judged by what is counted for another indicator.
            let counting = sli.iter().filter(|sli| sli.indicator.budgeting == Budgeting::Occurrences);
            for selector in counting.flat_map(|sli| sli.indicator.selectors()) {
                let concerned = self.slis_by_name.entry(selector.name.unwrap_or_default()).or_default();
                if concerned.last() != Some(&index) {
                    concerned.push(index);
                }
            }
        }
        for (index, sli) in self.slis.iter().enumerate() {
            let base = sli.iter().filter(|sli| sli.indicator.budgeting != Budgeting::Occurrences);
            let base = base.filter_map(|sli| self.slis_by_key.get(&sli.indicator.by_event().key())).next();
            if let Some(base) = base {
                self.slices_of.entry(*base).or_default().push(index);
            }
        }
    }

    /// Forgets an indicator, its streams and what was credited to them.
    pub(crate) fn forget(&mut self, index: usize) {
        self.slis[index] = None;
        let is_its = |stream: &Option<Stream>| stream.as_ref().is_some_and(|s| s.sli as usize == index);
        for stream in self.streams.iter_mut().filter(|stream| is_its(stream)) {
            *stream = None;
        }
        for source in &mut self.sources {
            source.credits.retain(|credit| credit.sli as usize != index);
        }
        self.natives.values_mut().for_each(|native| native.groups.retain(|(sli, _)| *sli as usize != index));
        self.mixed.retain(|(_, sli), _| *sli as usize != index);
        let sources = &self.sources;
        self.recent.retain(|source, _| !sources[*source as usize].credits.is_empty());
        let streams = &self.streams;
        for target in &mut self.targets {
            target.contributions.retain(|c| streams.get(c.stream as usize).is_some_and(Option::is_some));
        }
    }

    /// Whether every number that points somewhere points at something: asked of what was read from a file.
    pub(crate) fn is_consistent(&self) -> bool {
        let is_stream = |stream: &u32| (*stream as usize) < self.streams.len();
        let is_target = |target: u32| (target as usize) < self.targets.len();
        let is_source = |source: u32| (source as usize) < self.sources.len();
        let sources = self.sources.iter().all(|source| {
            is_target(source.pushed)
                && source.credits.iter().all(|c| {
                    (c.sli as usize) < self.slis.len()
                        && is_stream(&c.stream)
                        && (c.target == NONE || is_target(c.target))
                })
        });
        let slis = self.slis.iter().flatten().all(|sli| {
            sli.groups.values().chain([&sli.everything]).all(is_stream)
                && sli
                    .histograms
                    .values()
                    .all(|h| h.members().chain(h.natives.iter().copied()).all(is_source))
        });
        let targets = self.targets.iter().all(|t| t.contributions.iter().all(|c| is_stream(&c.stream)));
        sources && slis && targets && self.target_by_key.values().all(|target| is_target(*target))
    }

    pub(crate) fn new_stream(&mut self, sli: u32, labels: Labels) -> u32 {
        self.streams.push(Some(Stream::new(self.grid, sli, labels)));
        (self.streams.len() - 1) as u32
    }

    pub(crate) fn index_source(&mut self, id: SeriesId, source: u32) {
        self.source_by_series.set(id, source);
    }

    pub(crate) fn source_of(&self, id: SeriesId) -> Option<u32> {
        self.source_by_series.get(id)
    }

    pub(crate) fn target_for(&mut self, key: TargetKey) -> u32 {
        if let Some(target) = self.target_by_key.get(&key) {
            return *target;
        }
        self.targets.push(Target::default());
        let target = (self.targets.len() - 1) as u32;
        self.target_by_key.insert(key, target);
        target
    }

    /// The streams of an indicator: everything first, then one per group in label order.
    pub fn streams(&self, key: &str) -> Vec<(Labels, StreamId)> {
        let Some(sli) = self.sli(key) else { return Vec::new() };
        let groups = sli.groups.iter().map(|(labels, id)| (labels.clone(), StreamId(*id)));
        std::iter::once((Labels::empty(), StreamId(sli.everything))).chain(groups).collect()
    }

    pub(crate) fn sli(&self, key: &str) -> Option<&Sli> {
        self.slis.get(*self.slis_by_key.get(key)?)?.as_ref()
    }

    pub(crate) fn stream(&self, id: StreamId) -> Option<&Stream> {
        self.streams.get(id.0 as usize)?.as_ref()
    }

    /// What the window of a length holds that ends with a stream's watermark; `None` before anything is known.
    pub fn window(&self, id: StreamId, length: TimeDelta) -> Option<Window> {
        self.stream(id)?.window(length)
    }

    /// What a stretch of time holds, its edges moved to the ends of the slots (beyond the recent ones: of the minutes)
    /// they lie in.
    pub fn over(&self, id: StreamId, stretch: Stretch) -> Option<Window> {
        Some(self.stream(id)?.over(stretch))
    }

    /// The time up to which a stream is known.
    pub fn watermark(&self, id: StreamId) -> Option<Timestamp> {
        self.stream(id)?.watermark
    }

    /// How many targets each stream has, and how many of them are late at a moment.
    pub(crate) fn target_counts(&self, now: Timestamp) -> BTreeMap<StreamId, TargetCount> {
        let mut counts = BTreeMap::<StreamId, TargetCount>::new();
        for target in &self.targets {
            let is_late = target.last_ok.is_none_or(|last| now - last > lag_allowed(target.interval));
            for contribution in &target.contributions {
                let count = counts.entry(StreamId(contribution.stream)).or_default();
                count.all += 1;
                count.late += u32::from(is_late);
            }
        }
        let counted: Vec<(StreamId, TargetCount)> = counts.iter().map(|(id, count)| (*id, *count)).collect();
        for (id, count) in counted {
            counts.extend(self.judged_by(id).map(|id| (id, count)));
        }
        counts
    }

    /// The streams that judge slices of a stream.
    fn judged_by(&self, id: StreamId) -> impl Iterator<Item = StreamId> {
        let stream = self.stream(id);
        let slices = stream.and_then(|stream| self.slices_of.get(&(stream.sli as usize)));
        let slis = slices.into_iter().flatten().filter_map(|index| self.slis[*index].as_ref());
        slis.filter_map(move |sli| sli.stream_of(&stream?.labels))
    }

    /// The key of a stream's indicator and the labels of the stream.
    pub(crate) fn stream_name(&self, id: StreamId) -> Option<(&str, Labels)> {
        let stream = self.stream(id)?;
        Some((&self.slis.get(stream.sli as usize)?.as_ref()?.key, stream.labels.clone()))
    }

    /// The stream of everything of an indicator.
    pub(crate) fn everything(&self, key: &str) -> Option<StreamId> {
        self.sli(key).map(|sli| StreamId(sli.everything))
    }

    /// The stream of an indicator with these labels.
    pub fn stream_of(&self, key: &str, labels: &Labels) -> Option<StreamId> {
        self.sli(key)?.stream_of(labels)
    }

    /// Time between two scrapes of a stream.
    pub(crate) fn interval(&self, id: StreamId) -> TimeDelta {
        self.stream(id).map_or(self.settings.slot, |stream| stream.interval)
    }

    /// What has to be said of how an indicator counts, and of events that came too late for their slot.
    pub(crate) fn notes(&self, key: &str) -> Vec<String> {
        let Some(sli) = self.sli(key) else { return Vec::new() };
        let base = sli.indicator.by_event().key();
        let mut notes = self.sli(&base).map(Sli::notes).unwrap_or_default();
        notes.extend(self.native_notes(&base));
        if base != key {
            notes.extend(sli.slice_note(self.grid.slot_ms));
        }
        let late = self.everything(&base).and_then(|id| self.stream(id)).map_or(0.0, |s| s.late_events);
        if late > 0.0 {
            notes.push(format!(
                "events counted later than they happened, since they were heard of too late: {late}"
            ));
        }
        let too_late = self.slis_by_key.get(&base).map_or(0, |index| self.too_late(*index));
        if too_late > 0 {
            notes.push(format!("samples that came too late to be counted at their own time: {too_late}"));
        }
        notes
    }

    /// Keeps history for so long from now on.
    pub(crate) fn retain_for(&mut self, retention: TimeDelta) {
        self.settings.retention = retention;
        self.grid = self.settings.grid();
        for stream in self.streams.iter_mut().flatten() {
            stream.grid = self.grid;
        }
    }

    /// Bytes held on the heap by the history of a stream.
    pub fn stream_heap_bytes(&self, id: StreamId) -> usize {
        self.stream(id).map_or(0, Stream::heap_bytes)
    }

    /// Bytes held on the heap by all histories.
    pub fn heap_bytes(&self) -> usize {
        self.streams.iter().flatten().map(Stream::heap_bytes).sum()
    }
}

/// How many targets a stream has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TargetCount {
    pub(crate) all: u32,
    pub(crate) late: u32,
}

/// A few intervals: so late may a scrape be before what it measures counts as not measured.
pub(crate) fn lag_allowed(interval: TimeDelta) -> TimeDelta {
    TimeDelta(interval.0.max(TimeDelta::SECOND.0).saturating_mul(3))
}
