//! One stream of events: cumulative bad, total and measured time per slot, so that any window is one subtraction.
//!
//! The last six hours are kept slot by slot, everything older minute by minute in compressed blocks. Slot `k` covers
//! the time `((k − 1) · length, k · length]`: an increment seen at `t` belongs to the slot that contains `t`, and a
//! window ends with the slot of the watermark.

use std::collections::VecDeque;

use bellwether_model::{Labels, TimeDelta, Timestamp};

use crate::goal::Counts;
use crate::ledger::blocks::{BLOCK_MINUTES, Blocks, Totals};
use crate::ledger::coverage::{Coverage, Slots};
use crate::period::Stretch;

/// Most bridged gaps that are remembered; beyond it the oldest are taken as located.
const UNLOCATED_MAX: usize = 64;

/// How a ledger divides time. Invariant: `slot_ms` divides a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) slot_ms: i64,
    /// Slots kept one by one.
    pub(crate) recent_slots: i64,
    /// Minutes kept behind them.
    pub(crate) retention_minutes: i64,
}

impl Grid {
    /// The slot that contains a moment.
    pub(crate) fn slot(&self, at: Timestamp) -> i64 {
        at.0.div_euclid(self.slot_ms) + i64::from(at.0.rem_euclid(self.slot_ms) != 0)
    }

    /// When a slot ends.
    pub(crate) fn end(&self, slot: i64) -> Timestamp {
        Timestamp(slot.saturating_mul(self.slot_ms))
    }

    fn minute_slots(&self) -> i64 {
        TimeDelta::MINUTE.0 / self.slot_ms
    }
}

/// Events that happened somewhere in a gap that the counter survived; all of them are booked at its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Unlocated {
    pub(crate) slots: (i64, i64),
    pub(crate) counts: Counts,
}

/// One stream. Invariants: `recent` starts at `first_slot`, which begins a minute; `tail` and `blocks` hold the minutes
/// right before it; `before_recent` are the totals before `first_slot`, `before_tail` those before `tail`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stream {
    pub(crate) grid: Grid,
    /// The indicator it belongs to, by position in the ledger.
    pub(crate) sli: u32,
    /// The `group_by` labels; empty for the stream of everything.
    pub(crate) labels: Labels,
    /// Time between two scrapes of the target that made it known last.
    pub(crate) interval: TimeDelta,
    pub(crate) first_slot: i64,
    pub(crate) recent: VecDeque<(f64, f64)>,
    pub(crate) before_recent: Totals,
    pub(crate) tail: Vec<Totals>,
    pub(crate) before_tail: Totals,
    pub(crate) blocks: Blocks,
    pub(crate) coverage: Coverage,
    /// First slot that was watched.
    pub(crate) start_slot: Option<i64>,
    pub(crate) watermark: Option<Timestamp>,
    pub(crate) unlocated: Vec<Unlocated>,
    /// Events that came too late for their slot and are booked in the oldest that was still open.
    pub(crate) late_events: f64,
    /// First slot that has been credited since [`Stream::is_settled`]; not kept over a restart.
    pub(crate) credited_from: i64,
}

/// What one window holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Window {
    /// Bad and all events.
    pub counts: Counts,
    /// Time that was measured.
    pub measured: TimeDelta,
    /// Time since the stream was first watched, at most the window.
    pub watched: TimeDelta,
    /// The window from edge to edge; a minute's edge may make it a little longer than asked for.
    pub length: TimeDelta,
    /// Events that may have happened before the window began: its edge lies in a gap that was bridged.
    pub unlocated: Counts,
    /// Events booked after the window that may have happened in it, for the same reason.
    pub displaced: Counts,
}

impl Stream {
    pub(crate) fn new(grid: Grid, sli: u32, labels: Labels) -> Self {
        Self {
            grid,
            sli,
            labels,
            interval: TimeDelta(grid.slot_ms),
            first_slot: 0,
            recent: VecDeque::new(),
            before_recent: Totals::default(),
            tail: Vec::new(),
            before_tail: Totals::default(),
            blocks: Blocks::default(),
            coverage: Coverage::new(),
            start_slot: None,
            watermark: None,
            unlocated: Vec::new(),
            late_events: 0.0,
            credited_from: i64::MAX,
        }
    }

    /// Books events in a slot.
    pub(crate) fn credit(&mut self, slot: i64, counts: Counts) {
        self.reach(slot);
        self.reach_back(slot);
        if slot < self.first_slot {
            // Bad events are among all events, and not more of them.
            self.late_events += counts.total.abs();
        }
        self.credited_from = self.credited_from.min(slot);
        let index = (slot - self.first_slot).max(0) as usize;
        for (bad, total) in self.recent.iter_mut().skip(index) {
            *bad += counts.bad;
            *total += counts.total;
        }
    }

    /// First slot of which something has changed since it was settled.
    pub(crate) fn changed_from(&self) -> i64 {
        self.credited_from.min(self.coverage.changed_from())
    }

    /// Whatever follows from this stream has followed.
    pub(crate) fn is_settled(&mut self) {
        self.credited_from = i64::MAX;
        self.coverage.is_settled();
    }

    /// What is booked in recent slots, as it is.
    pub(crate) fn booked_in(&self, slots: Slots) -> Counts {
        let difference = self.totals_at(slots.to) - self.totals_at(slots.from - 1);
        Counts { bad: difference.bad, total: difference.total }
    }

    /// The stream is now known up to a moment.
    pub(crate) fn know_until(&mut self, at: Timestamp, interval: TimeDelta) {
        if self.watermark.is_none_or(|watermark| watermark < at) {
            self.watermark = Some(at);
            self.interval = interval;
            self.reach(self.grid.slot(at));
        }
    }

    /// Remembers that watching began, if it had not.
    pub(crate) fn watch_from(&mut self, slot: i64) {
        self.start_slot = Some(self.start_slot.map_or(slot, |start| start.min(slot)));
    }

    /// Remembers a gap that was bridged.
    pub(crate) fn remember_gap(&mut self, gap: Unlocated) {
        if gap.counts.total == 0.0 && gap.counts.bad == 0.0 {
            return;
        }
        if self.unlocated.len() == UNLOCATED_MAX {
            self.unlocated.remove(0);
        }
        self.unlocated.push(gap);
    }

    /// Everything booked so far.
    pub(crate) fn booked(&self) -> Counts {
        let (bad, total) =
            self.recent.back().copied().unwrap_or((self.before_recent.bad, self.before_recent.total));
        Counts { bad, total }
    }

    /// Makes slots up to this one, folding old ones into minutes.
    pub(crate) fn reach(&mut self, slot: i64) {
        let minute = self.grid.minute_slots();
        if self.recent.is_empty() && self.tail.is_empty() && self.blocks.len() == 0 {
            self.first_slot = (slot - 1).div_euclid(minute) * minute + 1;
        }
        let last = self.first_slot + self.recent.len() as i64 - 1;
        if slot.saturating_sub(last) > self.grid.retention_minutes * minute {
            self.start_over(slot);
        }
        let size_max = (self.grid.recent_slots + minute) as usize;
        while self.first_slot + (self.recent.len() as i64) <= slot {
            let booked = self.booked();
            self.make_room(size_max);
            self.recent.push_back((booked.bad, booked.total));
            if self.recent.len() >= size_max {
                self.fold_minute();
            }
        }
    }

    /// Makes slots before the first one, while nothing but the stream's beginning lies there: samples with times of their
    /// own may tell of what was before the scrape that brought them.
    fn reach_back(&mut self, slot: i64) {
        let has_past =
            !self.tail.is_empty() || self.blocks.len() > 0 || self.before_recent != Totals::default();
        if slot >= self.first_slot || has_past {
            return;
        }
        let minute = self.grid.minute_slots();
        let missing = (self.first_slot - slot + minute - 1) / minute * minute;
        if self.recent.len() as i64 + missing < self.grid.recent_slots + minute {
            self.first_slot -= missing;
            (0..missing).for_each(|_| self.recent.push_front((0.0, 0.0)));
        }
    }

    fn make_room(&mut self, size_max: usize) {
        let (len, capacity) = (self.recent.len(), self.recent.capacity());
        if len == capacity {
            self.recent.reserve_exact((len / 2).max(16).min(size_max.saturating_sub(len)).max(1));
        }
    }

    /// After a silence longer than all history there is nothing left to keep but the totals.
    fn start_over(&mut self, slot: i64) {
        let minute = self.grid.minute_slots();
        let booked = self.booked();
        let slots = Slots { from: self.first_slot, to: self.first_slot + self.recent.len() as i64 - 1 };
        let measured_ms =
            self.before_recent.measured_ms + self.coverage.measured_ms(slots, self.grid.slot_ms);
        let totals = Totals { bad: booked.bad, total: booked.total, measured_ms };
        let first_number = self.blocks.first_number + self.blocks.len() as u64;
        self.blocks = Blocks::starting_at(first_number);
        self.tail.clear();
        self.recent.clear();
        (self.before_recent, self.before_tail) = (totals, totals);
        self.first_slot = (slot - 1).div_euclid(minute) * minute + 1;
        self.recent.push_back((booked.bad, booked.total));
        self.coverage.forget_before(self.first_slot);
        self.unlocated.clear();
    }

    fn fold_minute(&mut self) {
        let minute = self.grid.minute_slots();
        let slots = Slots { from: self.first_slot, to: self.first_slot + minute - 1 };
        let mut after = self.before_recent;
        for (bad, total) in self.recent.drain(..minute as usize) {
            (after.bad, after.total) = (bad, total);
        }
        after.measured_ms += self.coverage.measured_ms(slots, self.grid.slot_ms);
        if self.tail.is_empty() {
            self.before_tail = self.before_recent;
            self.tail.reserve_exact(BLOCK_MINUTES);
        }
        self.tail.push(after - self.before_recent);
        self.before_recent = after;
        self.first_slot += minute;
        self.coverage.forget_before(self.first_slot);
        if self.tail.len() == BLOCK_MINUTES {
            self.seal_tail();
        }
    }

    fn seal_tail(&mut self) {
        self.blocks.seal(self.before_tail, &self.tail);
        self.tail.clear();
        self.before_tail = self.before_recent;
        let kept = |blocks: &Blocks| (blocks.len() * BLOCK_MINUTES) as i64;
        while kept(&self.blocks) - BLOCK_MINUTES as i64 >= self.grid.retention_minutes {
            self.blocks.drop_first();
        }
        let oldest = self.oldest_slot();
        self.unlocated.retain(|gap| gap.slots.1 >= oldest);
    }

    /// Whether any minute is behind the recent slots.
    pub(crate) fn has_folded(&self) -> bool {
        !self.tail.is_empty() || self.blocks.len() > 0
    }

    /// First slot of which anything is kept.
    pub(crate) fn oldest_slot(&self) -> i64 {
        let minutes = (self.blocks.len() * BLOCK_MINUTES + self.tail.len()) as i64;
        self.first_slot - minutes * self.grid.minute_slots()
    }

    /// Totals at the end of a slot; before the recent ones only minutes have an end.
    pub(crate) fn totals_at(&self, slot: i64) -> Totals {
        if slot >= self.first_slot {
            let index = ((slot - self.first_slot) as usize).min(self.recent.len().saturating_sub(1));
            let Some((bad, total)) = self.recent.get(index).copied() else { return self.before_recent };
            let slots = Slots { from: self.first_slot, to: slot };
            let measured_ms =
                self.coverage.measured_ms(slots, self.grid.slot_ms) + self.before_recent.measured_ms;
            return Totals { bad, total, measured_ms };
        }
        let oldest = self.oldest_slot();
        let minutes = (slot + 1 - oldest).div_euclid(self.grid.minute_slots()).max(0) as usize;
        if let Some(totals) = self.blocks.totals_after(minutes) {
            return totals;
        }
        let within = minutes - self.blocks.len() * BLOCK_MINUTES;
        match within {
            0 if self.tail.is_empty() => self.before_recent,
            _ => self.tail[..within.min(self.tail.len())].iter().fold(self.before_tail, |sum, m| sum + *m),
        }
    }

    /// The nearest edge that is kept, at or before the end of a slot: minutes beyond the recent slots.
    pub(crate) fn edge(&self, start: i64) -> i64 {
        let minute = self.grid.minute_slots();
        let is_folded = self.oldest_slot() - 1 < start && start < self.first_slot - 1;
        if is_folded { start.div_euclid(minute) * minute } else { start }
    }

    /// The window of this length that ends with the slot of the watermark; `None` before anything is known.
    pub(crate) fn window(&self, length: TimeDelta) -> Option<Window> {
        let end = self.grid.slot(self.watermark?);
        let slots = length.0.max(0) / self.grid.slot_ms + i64::from(length.0 % self.grid.slot_ms != 0);
        Some(self.between(end - slots, end))
    }

    /// What happened in a stretch of time, its edges moved to the ends of the slots they lie in.
    pub(crate) fn over(&self, stretch: Stretch) -> Window {
        self.between(self.grid.slot(stretch.begin), self.grid.slot(stretch.end))
    }

    /// What was booked after the end of one slot, up to the end of another.
    pub(crate) fn difference(&self, start: i64, end: i64) -> Totals {
        self.totals_at(end) - self.totals_at(start)
    }

    /// What happened after the end of one slot, up to the end of another.
    pub(crate) fn between(&self, start: i64, end: i64) -> Window {
        let (start, end) = (self.edge(start), self.edge(end));
        let difference = self.difference(start, end);
        let watched_from = self.start_slot.map_or(end, |first| (first - 1).max(start).min(end));
        // Counters that disagree for a moment must not make less than nothing, nor more than everything.
        let total = difference.total.max(0.0);
        Window {
            counts: Counts { bad: difference.bad.clamp(0.0, total), total },
            measured: TimeDelta(difference.measured_ms),
            watched: TimeDelta(end.saturating_sub(watched_from).saturating_mul(self.grid.slot_ms)),
            length: TimeDelta(end.saturating_sub(start).saturating_mul(self.grid.slot_ms)),
            unlocated: self.unlocated_at(start),
            displaced: self.unlocated_at(end),
        }
    }

    fn unlocated_at(&self, edge: i64) -> Counts {
        let cut = self.unlocated.iter().filter(|gap| gap.slots.0 < edge && edge < gap.slots.1);
        cut.fold(Counts::default(), |sum, gap| Counts {
            bad: sum.bad + gap.counts.bad,
            total: sum.total + gap.counts.total,
        })
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.recent.capacity() * size_of::<(f64, f64)>()
            + self.tail.capacity() * size_of::<Totals>()
            + self.blocks.heap_bytes()
            + self.coverage.heap_bytes()
            + self.unlocated.capacity() * size_of::<Unlocated>()
    }
}
