//! Credits counters exactly, as a pure fold over the batches of the sample log.
//!
//! An increment is the difference to the value before, or the whole value after a reset. What a series had counted
//! before it was first seen counts only if it was born while its target was already being watched: a fleet of
//! short-lived pods would otherwise lose every first error. Nothing is ever extrapolated.

use std::collections::BTreeMap;

use bellwether_model::{Batch, Labels, Origin, Sample, SeriesId, TimeDelta, Timestamp};

use crate::definition::Indicator;
use crate::goal::Counts;
use crate::sli::{Part, Role, Sli, Weight, role};
use crate::stream::{Grid, Stream, Window};

/// "Nothing" among indices.
pub(crate) const NONE: u32 = u32::MAX;
/// Counter values beyond this are not counts.
const VALUE_MAX: f64 = 1e18;
/// Time after which results of rules no longer follow on each other.
const RULES_GAP: TimeDelta = TimeDelta(5 * TimeDelta::MINUTE.0);

/// How a ledger divides and keeps time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerSettings {
    /// Length of a slot; must divide a minute.
    pub slot: TimeDelta,
    /// Time kept slot by slot; older slots are folded into minutes.
    pub recent: TimeDelta,
    /// Time kept in all.
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
    Pushed { job: String, instance: String },
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
    pub(crate) sources: Vec<Source>,
    /// Position in `sources` by series number.
    pub(crate) source_by_series: Vec<u32>,
    pub(crate) targets: Vec<Target>,
    pub(crate) target_by_key: BTreeMap<TargetKey, u32>,
    pub(crate) streams: Vec<Option<Stream>>,
    pub(crate) last_batch: Option<Timestamp>,
    pub(crate) resumed_at: Option<Timestamp>,
    pub(crate) last_sweep: Option<Timestamp>,
}

/// A batch with what is known of its target, while it is being applied.
pub(crate) struct Arrival {
    pub(crate) target: u32,
    pub(crate) at: Timestamp,
    pub(crate) was_watched: bool,
    /// Slots up to here are vouched for.
    pub(crate) vouched: i64,
    pub(crate) is_reset_gap: bool,
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
            sources: Vec::new(),
            source_by_series: Vec::new(),
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
        for indicator in indicators {
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
        for (index, sli) in self.slis.iter().enumerate() {
            self.slis_by_key.extend(sli.iter().map(|sli| (sli.key.clone(), index)));
            for selector in sli.iter().flat_map(|sli| sli.indicator.selectors()) {
                let concerned = self.slis_by_name.entry(selector.name.unwrap_or_default()).or_default();
                if concerned.last() != Some(&index) {
                    concerned.push(index);
                }
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
                && sli.histograms.values().all(|h| h.members().all(is_source))
        });
        let targets = self.targets.iter().all(|t| t.contributions.iter().all(|c| is_stream(&c.stream)));
        sources && slis && targets && self.target_by_key.values().all(|target| is_target(*target))
    }

    fn new_stream(&mut self, sli: u32, labels: Labels) -> u32 {
        self.streams.push(Some(Stream::new(self.grid, sli, labels)));
        (self.streams.len() - 1) as u32
    }

    /// Resolves a new series to its streams, once. Its first value counts from zero if its target was watched.
    pub fn series_born(&mut self, id: SeriesId, labels: &Labels) {
        self.announce(id, labels, false);
    }

    /// Resolves a series that existed before; its first value is a baseline.
    pub fn series_known(&mut self, id: SeriesId, labels: &Labels) {
        self.announce(id, labels, true);
    }

    fn announce(&mut self, id: SeriesId, labels: &Labels, is_known: bool) {
        let concerned = |name: &str| self.slis_by_name.get(name).cloned().unwrap_or_default();
        let mut indices = concerned(labels.metric_name().unwrap_or_default());
        indices.extend(concerned(""));
        indices.sort_unstable();
        indices.dedup();
        for index in indices {
            let Some(sli) = &self.slis[index] else { continue };
            let Some(role) = role(&sli.indicator, labels) else { continue };
            let source = self.source_for(id, labels, is_known);
            match role {
                Role::Counter(weight) => {
                    if self.sources[source as usize].credits.iter().all(|c| c.sli as usize != index) {
                        self.set_credits(index, source, labels, weight);
                    }
                }
                Role::Part(part) => self.join_histogram(index, source, labels, part),
            }
        }
    }

    fn source_for(&mut self, id: SeriesId, labels: &Labels, is_known: bool) -> u32 {
        if let Some(source) = self.source_of(id) {
            return source;
        }
        let pushed = self.target_for(TargetKey::Pushed {
            job: labels.value_or_empty("job").to_owned(),
            instance: labels.value_or_empty("instance").to_owned(),
        });
        let source = self.sources.len() as u32;
        self.sources.push(Source { id, previous: None, is_known, pushed, credits: Vec::new() });
        self.index_source(id, source);
        source
    }

    pub(crate) fn index_source(&mut self, id: SeriesId, source: u32) {
        let position = id.0 as usize;
        if self.source_by_series.len() <= position {
            self.source_by_series.resize(position + 1, NONE);
        }
        self.source_by_series[position] = source;
    }

    pub(crate) fn source_of(&self, id: SeriesId) -> Option<u32> {
        self.source_by_series.get(id.0 as usize).copied().filter(|source| *source != NONE)
    }

    fn target_for(&mut self, key: TargetKey) -> u32 {
        if let Some(target) = self.target_by_key.get(&key) {
            return *target;
        }
        self.targets.push(Target::default());
        let target = (self.targets.len() - 1) as u32;
        self.target_by_key.insert(key, target);
        target
    }

    fn join_histogram(&mut self, index: usize, source: u32, labels: &Labels, part: Part) {
        let Some(sli) = &mut self.slis[index] else { return };
        let threshold = sli.threshold();
        let histogram = sli.histograms.entry(labels.without(&["__name__", "le"])).or_default();
        let members = match part {
            Part::Bucket(bound) => histogram.buckets.entry(bound).or_default(),
            Part::Infinite => &mut histogram.infinite,
            Part::Count => &mut histogram.counts,
        };
        if !members.insert(source) {
            return;
        }
        let weights: BTreeMap<u32, Weight> = histogram.weights(threshold).into_iter().collect();
        let members: Vec<u32> = histogram.members().collect();
        for member in members {
            let weight = weights.get(&member).copied().unwrap_or_default();
            self.set_credits(index, member, labels, weight);
        }
    }

    /// Gives a source its weight in the streams of an indicator, keeping its place in their coverage.
    fn set_credits(&mut self, index: usize, source: u32, labels: &Labels, weight: Weight) {
        let streams = self.streams_of(index, labels);
        let credits = &mut self.sources[source as usize].credits;
        for stream in streams {
            match credits.iter_mut().find(|c| c.stream == stream) {
                Some(credit) => credit.weight = weight,
                None => credits.push(Credit { sli: index as u32, stream, target: NONE, weight }),
            }
        }
    }

    /// The streams a series belongs to: everything, and one of its own while there are not too many.
    fn streams_of(&mut self, index: usize, labels: &Labels) -> Vec<u32> {
        let Some(sli) = &self.slis[index] else { return Vec::new() };
        let (everything, group) = (sli.everything, sli.group(labels));
        if group.is_empty() {
            return vec![everything];
        }
        if let Some(stream) = sli.groups.get(&group) {
            return vec![everything, *stream];
        }
        let is_full = sli.groups.len() >= sli.indicator.streams_max as usize;
        let stream = if is_full { NONE } else { self.new_stream(index as u32, group.clone()) };
        let Some(sli) = &mut self.slis[index] else { return Vec::new() };
        if is_full {
            sli.refused += 1;
            return vec![everything];
        }
        sli.groups.insert(group, stream);
        vec![everything, stream]
    }

    /// Folds a batch in. Gives the streams it made known further, in order.
    pub fn apply(&mut self, batch: &Batch) -> Vec<StreamId> {
        let mut touched = match batch.origin {
            Origin::Scrape { target, ok: true, interval } => self.apply_scrape(batch, target, interval),
            Origin::Scrape { target, ok: false, interval } => self.apply_failure(batch, target, interval),
            Origin::Backfill => self.apply_pushed(batch, None),
            Origin::Rules => self.apply_pushed(batch, Some(RULES_GAP)),
        };
        self.sweep(batch.at);
        touched.sort_unstable();
        touched.dedup();
        touched.into_iter().map(StreamId).collect()
    }

    fn apply_scrape(&mut self, batch: &Batch, up: SeriesId, interval: TimeDelta) -> Vec<u32> {
        let index = self.live_target(TargetKey::Scraped(up));
        let interval = TimeDelta(interval.0.clamp(1, TimeDelta::DAY.0));
        let at = batch.at;
        if self.targets[index as usize].last_ok.is_some_and(|last| at <= last) {
            return Vec::new(); // the same scrape twice
        }
        let pushers = self.pushers(index, batch);
        let arrival = self.arrive(index, batch, interval, !pushers.is_empty());
        if arrival.is_reset_gap {
            self.take_back(index);
        }
        let booked = self.gap_before(index, at, interval).map(|last| (last, self.booked_of(index)));
        self.vouch(&arrival);
        for (id, sample) in &batch.samples {
            let Some(source) = self.source_of(*id) else { continue };
            let sample = Sample::new(sample.at.min(at), sample.value);
            self.credit(source, sample, &arrival);
        }
        for pusher in pushers {
            self.supersede(pusher, &arrival);
        }
        if let Some((last, before)) = booked.filter(|_| !arrival.is_reset_gap) {
            self.remember_gap(last, at, &before);
        }
        let target = &mut self.targets[index as usize];
        target.first_ok = target.first_ok.or(Some(at));
        (target.last_ok, target.last_attempt) = (Some(at), Some(at));
        (target.has_failed, target.has_lost, target.interval) = (false, false, interval);
        let touched: Vec<u32> = target.contributions.iter().map(|c| c.stream).collect();
        self.know_until(&touched, at, interval);
        if is_gone(batch, up) {
            self.retire(index, at);
        }
        touched
    }

    /// The index of a target that is not gone: one that returns starts anew, but has been seen before.
    fn live_target(&mut self, key: TargetKey) -> u32 {
        let index = self.target_for(key.clone());
        let old = &self.targets[index as usize];
        if !old.is_gone {
            return index;
        }
        let target =
            Target { first_ok: old.first_ok, last_ok: old.last_ok, has_failed: true, ..Target::default() };
        self.targets.push(target);
        let index = (self.targets.len() - 1) as u32;
        self.target_by_key.insert(key, index);
        index
    }

    /// The last good scrape, if more time has passed since than between two scrapes, or one has failed.
    fn gap_before(&self, target: u32, at: Timestamp, interval: TimeDelta) -> Option<Timestamp> {
        let target = &self.targets[target as usize];
        target.last_ok.filter(|last| target.has_failed || (at - *last).0 * 2 > interval.0 * 3)
    }

    fn arrive(&self, index: u32, batch: &Batch, interval: TimeDelta, has_past: bool) -> Arrival {
        let at = batch.at;
        let target = &self.targets[index as usize];
        let was_watched = match target.first_ok {
            Some(first) => first < at,
            None => has_past,
        };
        let is_gap = self.gap_before(index, at, interval).is_some();
        Arrival {
            target: index,
            at,
            was_watched,
            vouched: self.grid.slot(at + interval),
            is_reset_gap: target.has_lost || is_gap && !self.survived(batch),
        }
    }

    /// Whether the counters of a batch went on from where they were: some did, and none fell.
    fn survived(&self, batch: &Batch) -> bool {
        let values = batch.samples.iter().filter(|(_, sample)| is_count(sample.value));
        let pairs = values.filter_map(|(id, sample)| {
            let source = self.source_of(*id)?;
            Some((self.sources[source as usize].previous?.value, sample.value))
        });
        let (mut some, mut fell) = (false, false);
        for (before, now) in pairs {
            some = true;
            fell |= now < before;
        }
        some && !fell
    }

    fn credit(&mut self, source: u32, sample: Sample, arrival: &Arrival) {
        let source_index = source as usize;
        let source = &mut self.sources[source_index];
        if !is_count(sample.value) || source.previous.is_some_and(|p| sample.at <= p.at) {
            return;
        }
        let increment = match source.previous {
            Some(previous) if sample.value >= previous.value => sample.value - previous.value,
            Some(_) => sample.value,
            None if arrival.was_watched && !source.is_known => sample.value,
            None => 0.0,
        };
        let previous = source.previous.replace(sample);
        for credit in 0..self.sources[source_index].credits.len() {
            let Credit { stream, target, weight, .. } = self.sources[source_index].credits[credit];
            if target != arrival.target {
                let fell = previous.is_some_and(|p| sample.value < p.value);
                self.move_credit(stream, target, arrival, fell);
                self.sources[source_index].credits[credit].target = arrival.target;
            }
            if increment != 0.0 {
                let counts = Counts { bad: increment * weight.bad, total: increment * weight.total };
                if let Some(stream) = &mut self.streams[stream as usize] {
                    stream.credit(self.grid.slot(sample.at), counts);
                }
            }
        }
    }

    fn know_until(&mut self, streams: &[u32], at: Timestamp, interval: TimeDelta) {
        for index in streams {
            if let Some(stream) = &mut self.streams[*index as usize] {
                stream.know_until(at, interval);
            }
        }
    }

    fn apply_failure(&mut self, batch: &Batch, up: SeriesId, interval: TimeDelta) -> Vec<u32> {
        let index = self.live_target(TargetKey::Scraped(up));
        let target = &mut self.targets[index as usize];
        (target.has_failed, target.last_attempt) = (true, Some(batch.at));
        target.interval = TimeDelta(interval.0.clamp(1, TimeDelta::DAY.0));
        self.take_back(index);
        if is_gone(batch, up) {
            self.retire(index, batch.at);
        }
        Vec::new()
    }

    /// Samples without a scrape: each series belongs to whoever pushes its job and instance.
    fn apply_pushed(&mut self, batch: &Batch, gap: Option<TimeDelta>) -> Vec<u32> {
        let mut touched = Vec::new();
        for (id, sample) in &batch.samples {
            let Some(source) = self.source_of(*id) else { continue };
            let at = sample.at;
            let index = self.pushed_target(source);
            let target = &self.targets[index as usize];
            let last = target.last_ok;
            let previous = self.sources[source as usize].previous;
            let fell = previous.is_some_and(|p| sample.value < p.value);
            let is_gap = gap.zip(last).is_some_and(|(gap, last)| at - last > gap);
            let arrival = Arrival {
                target: index,
                at,
                was_watched: target.first_ok.is_some_and(|first| first < at),
                vouched: self.grid.slot(at),
                is_reset_gap: target.has_lost || is_gap && fell,
            };
            if last.is_none_or(|last| last < at) {
                self.vouch(&arrival);
                let target = &mut self.targets[index as usize];
                target.interval = last.map_or(self.settings.slot, |last| at - last);
                target.first_ok = target.first_ok.or(Some(at));
                (target.last_ok, target.last_attempt) = (Some(at), Some(at));
                target.has_lost = false;
            }
            self.credit(source, *sample, &arrival);
            let streams: Vec<u32> = self.sources[source as usize].credits.iter().map(|c| c.stream).collect();
            let interval = self.targets[index as usize].interval;
            self.know_until(&streams, at, interval);
            touched.extend(streams);
            if touched.len() > 4096 {
                touched.sort_unstable();
                touched.dedup();
            }
        }
        touched
    }

    fn pushed_target(&mut self, source: u32) -> u32 {
        let pushed = self.sources[source as usize].pushed;
        if !self.targets[pushed as usize].is_gone {
            return pushed;
        }
        let key = self.target_by_key.iter().find(|(_, t)| **t == pushed).map(|(key, _)| key.clone());
        let Some(key) = key else {
            self.targets[pushed as usize].is_gone = false;
            return pushed;
        };
        let fresh = self.live_target(key);
        self.sources.iter_mut().filter(|s| s.pushed == pushed).for_each(|s| s.pushed = fresh);
        fresh
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
        counts
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
        let sli = self.sli(key)?;
        match labels.is_empty() {
            true => Some(StreamId(sli.everything)),
            false => sli.groups.get(labels).copied().map(StreamId),
        }
    }

    /// Time between two scrapes of a stream.
    pub(crate) fn interval(&self, id: StreamId) -> TimeDelta {
        self.stream(id).map_or(self.settings.slot, |stream| stream.interval)
    }

    /// What has to be said of events that came too late for their slot.
    pub(crate) fn late_note(&self, key: &str) -> Option<String> {
        let late = self.stream(self.everything(key)?)?.late_events;
        (late > 0.0).then(|| {
            format!("{late} events came too late for their time and are counted later than they happened")
        })
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

/// Whether a batch says that its target is no longer there.
fn is_gone(batch: &Batch, up: SeriesId) -> bool {
    batch.samples.iter().any(|(id, sample)| *id == up && sample.is_stale())
}

fn is_count(value: f64) -> bool {
    (0.0..VALUE_MAX).contains(&value)
}
