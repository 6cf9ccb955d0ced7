//! What a window holds once corrections are laid over it.
//!
//! A piece that is taken out takes its counts, its measured and its watched time with it, and the window is shorter
//! by it. Of a piece that is forgiven a share of the bad events counts as good. The edges of corrections are whole
//! minutes, so that nothing changes when old slots become minutes.

use bellwether_model::TimeDelta;

use crate::correction::engine::{Piece, Treatment};
use crate::goal::Counts;
use crate::ledger::blocks::Totals;
use crate::ledger::stream::{Stream, Window};
use crate::period::Stretch;

/// After the end of one slot, up to the end of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SlotRange {
    after: i64,
    to: i64,
}

impl Stream {
    /// What happened in a stretch of time, corrected; the pieces are in order and do not overlap.
    pub(crate) fn over_corrected(&self, stretch: Stretch, pieces: &[Piece]) -> Window {
        let edge = |at| self.edge(self.grid.slot(at));
        let all = SlotRange { after: edge(stretch.begin), to: edge(stretch.end) };
        let raw = self.between(all.after, all.to);
        let clip = |piece: &Piece| {
            let (begin, end) = (self.grid.slot(piece.stretch.begin), self.grid.slot(piece.stretch.end));
            let slots = SlotRange { after: begin.max(all.after), to: end.min(all.to) };
            (slots.after < slots.to).then_some((slots, piece.treatment))
        };
        let clipped: Vec<(SlotRange, Treatment)> = pieces.iter().filter_map(clip).collect();
        if clipped.is_empty() {
            return raw;
        }
        let whole = self.difference(all.after, all.to);
        let (mut kept, mut forgiven, mut length) = (whole, 0.0, raw.length);
        let mut watched = raw.watched;
        let watched_after = all.to - raw.watched.0 / self.grid.slot_ms;
        for (slots, treatment) in &clipped {
            let held = self.difference(slots.after, slots.to);
            match treatment {
                Treatment::TakenOut => {
                    kept = kept - held;
                    length = length - self.time(*slots);
                    let seen = SlotRange { after: slots.after.max(watched_after), to: slots.to };
                    watched = watched - self.time(seen);
                }
                Treatment::Forgiven(share) => forgiven += share.ratio() * held.bad.max(0.0),
            }
        }
        let (unlocated, displaced) = match self.unlocated.is_empty() {
            true => (Counts::default(), Counts::default()),
            false => self.uncertain(&kept_ranges(all, &clipped)),
        };
        Window {
            counts: counts(Totals { bad: kept.bad - forgiven, ..kept }),
            measured: TimeDelta(kept.measured_ms.max(0)),
            watched,
            length,
            unlocated,
            displaced,
        }
    }

    fn time(&self, slots: SlotRange) -> TimeDelta {
        TimeDelta((slots.to - slots.after).max(0) * self.grid.slot_ms)
    }

    /// Events of bridged gaps that are booked in the ranges but may have happened outside, and the other way round.
    fn uncertain(&self, kept: &[SlotRange]) -> (Counts, Counts) {
        let (mut unlocated, mut displaced) = (Counts::default(), Counts::default());
        for gap in &self.unlocated {
            let (after, to) = gap.slots;
            let is_booked = kept.iter().any(|range| range.after < to && to <= range.to);
            let is_inside = kept.iter().any(|range| range.after <= after && to <= range.to);
            let touches = kept.iter().any(|range| range.after.max(after) < range.to.min(to));
            let sum = match (is_booked, is_inside) {
                (true, true) => continue,
                (true, false) => &mut unlocated,
                (false, _) if touches => &mut displaced,
                (false, _) => continue,
            };
            *sum = Counts { bad: sum.bad + gap.counts.bad, total: sum.total + gap.counts.total };
        }
        (unlocated, displaced)
    }
}

/// Counters that disagree for a moment must not make less than nothing, nor more than everything.
fn counts(totals: Totals) -> Counts {
    let total = totals.total.max(0.0);
    Counts { bad: totals.bad.clamp(0.0, total), total }
}

fn kept_ranges(all: SlotRange, clipped: &[(SlotRange, Treatment)]) -> Vec<SlotRange> {
    let mut kept = Vec::new();
    let mut after = all.after;
    for (slots, treatment) in clipped {
        match treatment {
            Treatment::TakenOut => {
                kept.push(SlotRange { after, to: slots.after });
                after = slots.to;
            }
            Treatment::Forgiven(_) => {}
        }
    }
    kept.push(SlotRange { after, to: all.to });
    kept.retain(|range| range.after < range.to);
    kept
}
