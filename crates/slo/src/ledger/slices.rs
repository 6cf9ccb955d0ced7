//! Objectives that judge slices of time: their streams follow from those that count events, slice by slice.
//!
//! A slice is judged when the stream it follows from is known beyond its end, and judged anew when that stream learns
//! something about it later: a target that answered a moment after the others, or a gap that turns out to be bridged.
//! What was judged lies in the last slot of its slice, so that judging twice changes nothing.

use bellwether_model::TimeDelta;

use crate::goal::{Counts, is_met};
use crate::indicator::Budgeting;
use crate::ledger::Ledger;
use crate::ledger::coverage::Slots;
use crate::ledger::stream::{Stream, Window};

impl Ledger {
    /// Judges the slices that follow from these streams. Gives the streams that are known further.
    pub(crate) fn judge_slices(&mut self, bases: &[u32]) -> Vec<u32> {
        if self.slices_of.is_empty() {
            return Vec::new();
        }
        let mut judged = Vec::new();
        for base in bases {
            let Some(stream) = &self.streams[*base as usize] else { continue };
            let (sli, labels) = (stream.sli as usize, stream.labels.clone());
            for index in self.slices_of.get(&sli).cloned().unwrap_or_default() {
                let streams = self.streams_for(index, &labels);
                let own =
                    streams.last().copied().filter(|_| streams.len() == 1 + usize::from(!labels.is_empty()));
                let budgeting = self.slis[index].as_ref().map(|sli| sli.indicator.budgeting);
                if let Some((own, budgeting)) = own.zip(budgeting) {
                    judged.extend(self.judge(*base, own, budgeting).then_some(own));
                }
            }
            if let Some(stream) = &mut self.streams[*base as usize] {
                stream.is_settled();
            }
        }
        judged
    }

    /// Judges what follows from any stream at all.
    pub(crate) fn judge_all_slices(&mut self) {
        let follows = |sli: u32| self.slices_of.contains_key(&(sli as usize));
        let streams = self.streams.iter().enumerate();
        let bases = streams.filter(|(_, stream)| stream.as_ref().is_some_and(|stream| follows(stream.sli)));
        let bases: Vec<u32> = bases.map(|(index, _)| index as u32).collect();
        self.judge_slices(&bases);
    }

    /// Judges the slices of one stream that have ended or changed; tells whether it is known further.
    fn judge(&mut self, base: u32, own: u32, budgeting: Budgeting) -> bool {
        let Some(mut judged) = self.streams[own as usize].take() else { return false };
        let before = judged.watermark;
        if let Some(base) = &self.streams[base as usize] {
            judge_stream(base, &mut judged, budgeting);
        }
        let is_further = before < judged.watermark;
        self.streams[own as usize] = Some(judged);
        is_further
    }
}

/// The length of slices that are asked for in this length: whole slots, since nothing finer is kept.
pub(crate) fn slice_length(slice: TimeDelta, slot_ms: i64) -> TimeDelta {
    TimeDelta(((slice.0 + slot_ms - 1) / slot_ms).max(1) * slot_ms)
}

fn judge_stream(base: &Stream, judged: &mut Stream, budgeting: Budgeting) {
    let slice = match budgeting {
        Budgeting::Occurrences => return,
        Budgeting::Timeslices { slice, .. } | Budgeting::RatioTimeslices { slice } => slice,
    };
    let (Some(watermark), Some(started)) = (base.watermark, base.start_slot) else { return };
    let (grid, slots) = (base.grid, slice_length(slice, base.grid.slot_ms).0 / base.grid.slot_ms);
    let slice_of = |slot: i64| (slot - 1).div_euclid(slots);
    let ended = watermark.0.div_euclid(grid.slot_ms).div_euclid(slots);
    let known = judged.watermark.map_or(started, |end| grid.slot(end) + 1);
    // Slices that reach back into folded minutes stay as they were judged.
    let kept = base.first_slot.max(if judged.watermark.is_some() { judged.first_slot } else { i64::MIN });
    let first = slice_of(known.min(base.changed_from()).max(started)).max(slice_of(kept + slots - 1));
    for number in first..ended {
        let range = Slots { from: number * slots + 1, to: (number + 1) * slots };
        let verdict = verdict(&base.between(range.from - 1, range.to), budgeting);
        let before = judged.booked_in(range);
        let change = Counts { bad: verdict.bad - before.bad, total: verdict.total - before.total };
        judged.reach(range.from);
        if change != Counts::default() {
            judged.credit(range.to, change);
        }
        judged.coverage.copy(&base.coverage, range);
    }
    if first < ended {
        judged.watch_from(started);
        let interval = base.interval.max(TimeDelta(slots * grid.slot_ms));
        judged.know_until(grid.end(ended * slots), interval);
    }
}

/// What a slice counts as. One of which nothing was measured is none.
fn verdict(slice: &Window, budgeting: Budgeting) -> Counts {
    if slice.measured <= TimeDelta::ZERO {
        return Counts::default();
    }
    match budgeting {
        Budgeting::Occurrences => slice.counts,
        Budgeting::Timeslices { target, .. } => {
            Counts { bad: if is_met(slice.counts, target) { 0.0 } else { 1.0 }, total: 1.0 }
        }
        Budgeting::RatioTimeslices { .. } if slice.counts.total > 0.0 => {
            Counts { bad: slice.counts.bad / slice.counts.total, total: 1.0 }
        }
        Budgeting::RatioTimeslices { .. } => Counts::default(),
    }
}
