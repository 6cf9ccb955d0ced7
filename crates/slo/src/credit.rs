//! Credits counters exactly, as a pure fold over the batches of the sample log.
//!
//! An increment is the difference to the value before, or the whole value after a reset. What a series had counted
//! before it was first seen counts only if it was born while its target was already being watched: a fleet of
//! short-lived pods would otherwise lose every first error. Nothing is ever extrapolated.

use bellwether_model::{Batch, Births, Origin, Sample, SeriesId, TimeDelta, Timestamp};

use crate::goal::Counts;
use crate::ledger::{Credit, Ledger, StreamId, Target, TargetKey};

/// Counter values beyond this are not counts.
const VALUE_MAX: f64 = 1e18;
/// Time after which results of rules no longer follow on each other.
const RULES_GAP: TimeDelta = TimeDelta(5 * TimeDelta::MINUTE.0);

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
    /// Folds a batch in. Gives the streams it made known further, in order.
    pub fn apply(&mut self, batch: &Batch) -> Vec<StreamId> {
        let mut touched = match batch.origin {
            Origin::Scrape { target, ok: true, interval } => {
                self.apply_scrape(batch, target, interval, Births::Counted)
            }
            Origin::Remote { target, ok: true, interval, births } => {
                self.apply_remote(batch, target, interval, births)
            }
            Origin::Scrape { target, ok: false, interval }
            | Origin::Remote { target, ok: false, interval, .. } => {
                self.apply_failure(batch, target, interval)
            }
            Origin::Backfill => self.apply_pushed(batch, None, Births::Counted),
            Origin::Rules => self.apply_pushed(batch, Some(RULES_GAP), Births::Counted),
            Origin::RemotePushed { births } => self.apply_pushed(batch, Some(RULES_GAP), births),
        };
        let is_heard =
            !matches!(batch.origin, Origin::Scrape { ok: false, .. } | Origin::Remote { ok: false, .. });
        touched.sort_unstable();
        touched.dedup();
        let judged = self.judge_slices(&touched);
        self.sweep(batch.at);
        if !is_heard {
            return Vec::new();
        }
        touched.extend(judged);
        touched.into_iter().map(StreamId).collect()
    }

    fn apply_scrape(&mut self, batch: &Batch, up: SeriesId, interval: TimeDelta, births: Births) -> Vec<u32> {
        let index = self.live_target(TargetKey::Scraped(up));
        let interval = TimeDelta(interval.0.clamp(1, TimeDelta::DAY.0));
        let at = batch.at;
        if self.targets[index as usize].last_ok.is_some_and(|last| at <= last) {
            return Vec::new(); // the same scrape twice
        }
        let pushers = self.pushers(index, batch);
        let mut arrival = self.arrive(index, batch, interval, !pushers.is_empty());
        arrival.was_watched &= births == Births::Counted;
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

    /// A scrape as another store has it. It may arrive in parts, or be read for an indicator that is new: what is
    /// not after the target's last scrape is credited to its own time and changes nothing of what is known of the target.
    fn apply_remote(&mut self, batch: &Batch, up: SeriesId, interval: TimeDelta, births: Births) -> Vec<u32> {
        let index = self.live_target(TargetKey::Scraped(up));
        let target = &self.targets[index as usize];
        let at = batch.at;
        if target.last_ok.is_none_or(|last| last < at) {
            return self.apply_scrape(batch, up, interval, births);
        }
        // What a failure since has taken back stays taken back.
        let ahead = if target.has_failed { 0 } else { interval.0.clamp(1, TimeDelta::DAY.0) };
        let arrival = Arrival {
            target: index,
            at,
            was_watched: births == Births::Counted && target.first_ok.is_some_and(|first| first < at),
            vouched: self.grid.slot(at + TimeDelta(ahead)),
            is_reset_gap: false,
        };
        for (id, sample) in &batch.samples {
            let Some(source) = self.source_of(*id) else { continue };
            self.credit(source, Sample::new(sample.at.min(at), sample.value), &arrival);
        }
        // Only streams that join with these samples lack what the target has vouched for since.
        self.vouch(&arrival);
        let target = &mut self.targets[index as usize];
        target.first_ok = target.first_ok.min(Some(at));
        let touched: Vec<u32> = target.contributions.iter().map(|c| c.stream).collect();
        self.know_until(&touched, at, interval);
        touched
    }

    /// The index of a target that is not gone: one that returns starts anew, but has been seen before.
    pub(crate) fn live_target(&mut self, key: TargetKey) -> u32 {
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

    /// Takes back what the target vouched for ahead. Gives the streams of which less is known than before.
    fn apply_failure(&mut self, batch: &Batch, up: SeriesId, interval: TimeDelta) -> Vec<u32> {
        let index = self.live_target(TargetKey::Scraped(up));
        let target = &mut self.targets[index as usize];
        if target.last_attempt.is_some_and(|last| batch.at < last) {
            return Vec::new(); // heard of late: the target has been heard of since
        }
        (target.has_failed, target.last_attempt) = (true, Some(batch.at));
        target.interval = TimeDelta(interval.0.clamp(1, TimeDelta::DAY.0));
        self.take_back(index);
        let changed = self.targets[index as usize].contributions.iter().map(|c| c.stream).collect();
        if is_gone(batch, up) {
            self.retire(index, batch.at);
        }
        changed
    }

    /// Samples without a scrape: each series belongs to whoever pushes its job and instance.
    fn apply_pushed(&mut self, batch: &Batch, gap: Option<TimeDelta>, births: Births) -> Vec<u32> {
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
                was_watched: births == Births::Counted && target.first_ok.is_some_and(|first| first < at),
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
}

/// Whether a batch says that its target is no longer there.
fn is_gone(batch: &Batch, up: SeriesId) -> bool {
    batch.samples.iter().any(|(id, sample)| *id == up && sample.is_stale())
}

fn is_count(value: f64) -> bool {
    (0.0..VALUE_MAX).contains(&value)
}
