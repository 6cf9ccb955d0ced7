//! Folds batches in: whose they are, whether what lay between them and the ones before was survived, and what is known
//! after them. What their counters say is credited by `credit`.

use std::collections::BTreeSet;

use bellwether_model::{Batch, Births, Origin, SeriesId, TimeDelta, Timestamp};

use crate::ledger::arrival::Arrival;
use crate::ledger::credit::entries;
use crate::ledger::late::may_come_late;
use crate::ledger::{Ledger, StreamId, Target, TargetKey};

/// Time after which results of rules no longer follow on each other.
const RULES_GAP: TimeDelta = TimeDelta(5 * TimeDelta::MINUTE.0);

/// Time after which what is pushed no longer follows on what was pushed before: as long as a query looks back.
const PUSHED_GAP: TimeDelta = TimeDelta(5 * TimeDelta::MINUTE.0);

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
            Origin::Pushed => self.apply_pushed(batch, Some(PUSHED_GAP), Births::Counted),
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
        let known_starts = self.known_starts(batch);
        let mut arrival = self.arrive(index, batch, interval, !pushers.is_empty());
        arrival.known_starts = &known_starts;
        arrival.was_watched &= births == Births::Counted;
        if arrival.is_reset_gap {
            self.take_back(index);
        }
        let gap = self.gap_before(index, at, interval);
        if gap.is_some() {
            self.remember_late_gap(&arrival);
        }
        let booked = gap.map(|last| (last, self.booked_of(index)));
        self.vouch(&arrival);
        self.credit_all(batch, &arrival);
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
        let known_starts = self.known_starts(batch);
        // What a failure since has taken back stays taken back.
        let ahead = if target.has_failed { 0 } else { interval.0.clamp(1, TimeDelta::DAY.0) };
        let arrival = Arrival {
            target: index,
            at,
            was_watched: births == Births::Counted && target.first_ok.is_some_and(|first| first < at),
            vouched: self.grid.slot(at + TimeDelta(ahead)),
            is_reset_gap: false,
            may_come_late: may_come_late(batch.origin),
            known_starts: &known_starts,
        };
        self.credit_all(batch, &arrival);
        self.divide_gaps(&arrival, gap_allowed(interval));
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
        target.last_ok.filter(|last| target.has_failed || at - *last > gap_allowed(interval))
    }

    fn arrive<'a>(&self, index: u32, batch: &Batch, interval: TimeDelta, has_past: bool) -> Arrival<'a> {
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
            may_come_late: may_come_late(batch.origin),
            known_starts: const { &BTreeSet::new() },
        }
    }

    /// Whether the counters of a batch went on from where they were: some did, and none fell.
    fn survived(&self, batch: &Batch) -> bool {
        let (mut some, mut fell) = (false, false);
        for (id, seen, started) in entries(batch) {
            let Some(source) = self.source_of(id) else { continue };
            if let Some(is_anew) = self.is_anew(source, seen, started) {
                some = true;
                fell |= is_anew;
            }
        }
        some && !fell
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
        if self.sources.is_empty() {
            return touched; // most of what is pushed is none of an objective's
        }
        let known_starts = self.known_starts(batch);
        let is_received = batch.origin == Origin::Pushed;
        let nobody = self.nobody().filter(|_| is_received);
        for (id, seen, started) in entries(batch) {
            let Some(source) = self.source_of(id) else { continue };
            if is_received && seen.is_stale() {
                continue; // says that nothing is measured
            }
            let at = seen.at();
            let index = self.pushed_target(source);
            let target = &self.targets[index as usize];
            let last = target.last_ok;
            let fell = self.is_anew(source, seen, started).unwrap_or(false);
            let is_gap = gap.zip(last).is_some_and(|(gap, last)| at - last > gap);
            let arrival = Arrival {
                target: index,
                at,
                was_watched: births == Births::Counted
                    && nobody != Some(index)
                    && target.first_ok.is_some_and(|first| first < at),
                vouched: self.grid.slot(at),
                is_reset_gap: target.has_lost || is_gap && fell,
                may_come_late: may_come_late(batch.origin),
                known_starts: &known_starts,
            };
            let is_new = last.is_none_or(|last| last < at);
            if is_new {
                if is_gap {
                    self.remember_late_gap(&arrival);
                }
                self.vouch(&arrival);
                let target = &mut self.targets[index as usize];
                target.interval = last.map_or(self.settings.slot, |last| at - last);
                target.first_ok = target.first_ok.or(Some(at));
                (target.last_ok, target.last_attempt) = (Some(at), Some(at));
                target.has_lost = false;
            }
            self.credit(source, seen, started, &arrival);
            if let Some(gap) = gap.filter(|_| !is_new) {
                self.divide_gaps(&arrival, gap);
            }
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

    /// The target of series that name neither job nor instance: they may be anybody's, so that none of them tells that
    /// another was born.
    fn nobody(&self) -> Option<u32> {
        let key = TargetKey::Pushed { job: String::new(), instance: String::new() };
        self.target_by_key.get(&key).copied()
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

/// Scrapes that lie further apart have a gap between them.
fn gap_allowed(interval: TimeDelta) -> TimeDelta {
    TimeDelta(interval.0.clamp(1, TimeDelta::DAY.0) * 3 / 2)
}

/// Whether a batch says that its target is no longer there.
fn is_gone(batch: &Batch, up: SeriesId) -> bool {
    batch.samples.iter().any(|(id, sample)| *id == up && sample.is_stale())
}
