//! Who vouches for which slots of which stream: the part of the fold that decides what counts as measured.
//!
//! A good scrape vouches for the slots since the last one and ahead until the next one is due. If that fails, what was
//! vouched for ahead is taken back: a stream of many targets would otherwise look partly measured at every moment.

use std::collections::BTreeSet;

use bellwether_model::{Batch, TimeDelta, Timestamp};

use crate::goal::Counts;
use crate::ledger::arrival::Arrival;
use crate::ledger::coverage::Slots;
use crate::ledger::stream::Unlocated;
use crate::ledger::{Contribution, Ledger};

/// A target that was not even tried for so long is gone, although nobody said so.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::HOUR;
/// How often forgotten targets are looked for.
const SWEEP_EVERY: TimeDelta = TimeDelta(5 * TimeDelta::MINUTE.0);

impl Ledger {
    /// Who pushed the past of the series that a target's first scrape goes on with: it is watched since then.
    pub(crate) fn pushers(&self, index: u32, batch: &Batch) -> BTreeSet<u32> {
        if self.targets[index as usize].first_ok.is_some() {
            return BTreeSet::new();
        }
        let sources = batch.samples.iter().filter_map(|(id, _)| self.source_of(*id));
        sources
            .map(|source| &self.sources[source as usize])
            .filter(|s| s.previous.is_some() && s.credits.iter().any(|c| c.target == s.pushed))
            .map(|s| s.pushed)
            .collect()
    }

    /// A scraped target takes over from whoever pushed its past, also for series that are no longer there: nobody
    /// else will ever vouch for them.
    pub(crate) fn supersede(&mut self, pusher: u32, arrival: &Arrival<'_>) {
        let now = self.grid.slot(arrival.at);
        for past in std::mem::take(&mut self.targets[pusher as usize].contributions) {
            let Some(stream) = &mut self.streams[past.stream as usize] else { continue };
            let contributions = &mut self.targets[arrival.target as usize].contributions;
            if contributions.iter().any(|c| c.stream == past.stream) {
                stream.coverage.leave(now + 1);
                stream.coverage.mark(Slots { from: past.marked + 1, to: now });
            } else {
                stream.coverage.mark(Slots { from: past.marked + 1, to: arrival.vouched });
                contributions.push(Contribution { marked: past.marked.max(arrival.vouched), ..past });
            }
        }
    }

    /// Marks what a target's contributions vouch for.
    pub(crate) fn vouch(&mut self, arrival: &Arrival<'_>) {
        let now = self.grid.slot(arrival.at);
        for contribution in &mut self.targets[arrival.target as usize].contributions {
            let Some(stream) = &mut self.streams[contribution.stream as usize] else { continue };
            let from = match arrival.is_reset_gap {
                true => (now + 1).max(contribution.marked + 1),
                false => contribution.marked + 1,
            };
            stream.coverage.mark(Slots { from, to: arrival.vouched });
            contribution.marked = contribution.marked.max(arrival.vouched);
        }
    }

    /// A credit is from now on vouched for by another target than before.
    pub(crate) fn move_credit(&mut self, stream_index: u32, old: u32, arrival: &Arrival<'_>, fell: bool) {
        let now = self.grid.slot(arrival.at);
        let left = self.leave(stream_index, old);
        let Some(stream) = &mut self.streams[stream_index as usize] else { return };
        let contributions = &mut self.targets[arrival.target as usize].contributions;
        if let Some(joined) = contributions.iter_mut().find(|c| c.stream == stream_index) {
            joined.credits += 1;
            if let Some(marked) = left {
                // The old target's part ends here; its counters were seen up to now if they went on.
                stream.coverage.leave(now + 1);
                stream.coverage.unmark(Slots { from: now + 1, to: marked });
                if !fell {
                    stream.coverage.mark(Slots { from: marked + 1, to: now });
                }
            }
            return;
        }
        let from = match left {
            Some(marked) if !fell => marked + 1,
            Some(marked) => (now + 1).max(marked + 1),
            None => {
                stream.coverage.join(now + 1);
                stream.watch_from(now + 1);
                now + 1
            }
        };
        stream.coverage.mark(Slots { from, to: arrival.vouched });
        let marked = arrival.vouched.max(from - 1);
        contributions.push(Contribution { stream: stream_index, credits: 1, marked });
    }

    /// Takes a credit from a target; gives the slot up to which it vouched if that was its last one.
    pub(crate) fn leave(&mut self, stream: u32, target: u32) -> Option<i64> {
        let contributions = &mut self.targets.get_mut(target as usize)?.contributions;
        let position = contributions.iter().position(|c| c.stream == stream)?;
        contributions[position].credits -= 1;
        (contributions[position].credits == 0).then(|| contributions.swap_remove(position).marked)
    }

    pub(crate) fn booked_of(&self, target: u32) -> Vec<(u32, Counts)> {
        let contributions = self.targets[target as usize].contributions.iter();
        contributions
            .filter_map(|c| Some((c.stream, self.streams[c.stream as usize].as_ref()?.booked())))
            .collect()
    }

    pub(crate) fn remember_gap(&mut self, last: Timestamp, at: Timestamp, before: &[(u32, Counts)]) {
        let slots = (self.grid.slot(last), self.grid.slot(at));
        for (index, before) in before {
            let Some(stream) = &mut self.streams[*index as usize] else { continue };
            let now = stream.booked();
            let counts = Counts { bad: now.bad - before.bad, total: now.total - before.total };
            stream.remember_gap(Unlocated { slots, counts });
        }
    }

    /// Takes back what a target vouched for after its last good scrape.
    pub(crate) fn take_back(&mut self, index: u32) {
        let target = &mut self.targets[index as usize];
        let Some(last) = target.last_ok.map(|last| self.grid.slot(last)) else { return };
        for contribution in &mut target.contributions {
            let Some(stream) = &mut self.streams[contribution.stream as usize] else { continue };
            if contribution.marked > last {
                stream.coverage.unmark(Slots { from: last + 1, to: contribution.marked });
                contribution.marked = last;
            }
        }
    }

    /// A stretch of the log is lost: from every target's last good scrape to its next one nothing is vouched for.
    pub(crate) fn lose(&mut self) {
        for index in 0..self.targets.len() {
            if self.targets[index].last_ok.is_some() {
                self.targets[index].has_lost = true;
                self.take_back(index as u32);
            }
        }
        self.judge_all_slices();
    }

    /// A target is no longer expected.
    pub(crate) fn retire(&mut self, index: u32, at: Timestamp) {
        self.take_back(index);
        let now = self.grid.slot(at);
        let target = &mut self.targets[index as usize];
        target.is_gone = true;
        for contribution in std::mem::take(&mut target.contributions) {
            if let Some(stream) = &mut self.streams[contribution.stream as usize] {
                stream.coverage.leave(now + 1);
            }
        }
    }

    /// Retires targets that nobody tries any more. Decided by the times of batches alone, so that a replay agrees.
    pub(crate) fn sweep(&mut self, at: Timestamp) {
        if self.last_batch.is_none_or(|last| at - last > SWEEP_EVERY) {
            self.resumed_at = Some(at); // after a pause of our own nobody has been tried
        }
        self.last_batch = self.last_batch.max(Some(at));
        if self.last_sweep.is_some_and(|last| at - last < SWEEP_EVERY) {
            return;
        }
        self.last_sweep = Some(at);
        for index in 0..self.targets.len() {
            let target = &self.targets[index];
            let patience = TimeDelta(FORGOTTEN_AFTER.0.max(target.interval.0.saturating_mul(20)));
            let heard = target.last_attempt.max(self.resumed_at);
            if !target.contributions.is_empty() && heard.is_some_and(|heard| at - heard > patience) {
                self.retire(index as u32, at);
            }
        }
        self.judge_all_slices();
    }
}
