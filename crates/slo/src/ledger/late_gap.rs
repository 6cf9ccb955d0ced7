//! Scrapes that come late into a gap of their target: each part of the gap is measured or not as if it had been there
//! in time. What was not measured is, where the counters went on; what was bridged is not, where they began anew.

use bellwether_model::{TimeDelta, Timestamp};

use crate::ledger::Ledger;
use crate::ledger::arrival::Arrival;
use crate::ledger::coverage::Slots;
use crate::ledger::late::WINDOW;

/// Most gaps of a target that are remembered.
const GAPS_MAX: usize = 16;

/// A stretch between two scrapes of a target that is longer than usual, or in which one failed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Gap {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    /// When it was tried in vain, last.
    pub(crate) failed: Option<Timestamp>,
    /// The counters went on from one end to the other.
    pub(crate) is_measured: bool,
    /// The streams it was part of before.
    pub(crate) streams: Vec<u32>,
}

impl Gap {
    /// Whether a part of it is longer than the time between two scrapes, or one failed in it.
    fn is_one(&self, from: Timestamp, to: Timestamp, allowed: TimeDelta) -> bool {
        to - from > allowed || self.failed.is_some_and(|failed| from < failed && failed < to)
    }
}

impl Ledger {
    /// Remembers the gap that ends with an arrival.
    pub(crate) fn remember_late_gap(&mut self, arrival: &Arrival<'_>) {
        let target = &self.targets[arrival.target as usize];
        let Some(from) = target.last_ok.filter(|_| arrival.may_come_late && !target.has_lost) else { return };
        let streams = target.contributions.iter().map(|c| c.stream).collect();
        let failed = target.last_attempt.filter(|tried| target.has_failed && from < *tried);
        let gaps = self.gaps.entry(arrival.target).or_default();
        gaps.push(Gap { from, to: arrival.at, failed, is_measured: !arrival.is_reset_gap, streams });
        gaps.retain(|gap| gap.to > arrival.at - WINDOW);
        let excess = gaps.len().saturating_sub(GAPS_MAX);
        gaps.drain(..excess);
    }

    /// A good scrape, or a part of one, has come late and is credited: divides the gap in which it lies, and decides anew
    /// what was measured of those it belongs to. Less apart than `allowed` nothing is a gap.
    pub(crate) fn divide_gaps(&mut self, arrival: &Arrival<'_>, allowed: TimeDelta) {
        let at = arrival.at;
        let Some(gaps) = self.gaps.remove(&arrival.target) else { return };
        let mut kept = Vec::with_capacity(gaps.len());
        for gap in gaps {
            if at < gap.from || gap.to < at {
                kept.push(gap);
                continue;
            }
            let parts = [(gap.from, at), (at, gap.to)];
            for (from, to) in parts.into_iter().filter(|(from, to)| from < to) {
                let is_one = gap.is_one(from, to, allowed);
                let is_measured = !is_one || self.went_on(arrival.target, from, to);
                self.mark_part(&gap, (from, to), is_measured);
                if is_one {
                    kept.push(Gap { from, to, is_measured, ..gap.clone() });
                }
            }
        }
        if !kept.is_empty() {
            self.gaps.insert(arrival.target, kept);
        }
    }

    /// Marks a part of a gap as measured or not, if it was not marked so.
    fn mark_part(&mut self, gap: &Gap, (from, to): (Timestamp, Timestamp), is_measured: bool) {
        let slots = Slots { from: self.grid.slot(from) + 1, to: self.grid.slot(to) };
        for stream in &gap.streams {
            let Some(stream) = &mut self.streams[*stream as usize] else { continue };
            match (gap.is_measured, is_measured) {
                (false, true) => stream.coverage.mark(slots),
                (true, false) => stream.coverage.unmark(slots),
                (true, true) | (false, false) => {}
            }
        }
    }

    /// Whether the counters of a target went on from one moment to another: some did, and none fell.
    fn went_on(&self, target: u32, from: Timestamp, to: Timestamp) -> bool {
        let is_its = |source: u32| self.sources[source as usize].credits.iter().any(|c| c.target == target);
        let its = self.recent.iter().filter(|(source, _)| is_its(**source));
        let fell = its.filter_map(|(_, recent)| recent.fell_within(from, to));
        fell.fold(None, |any: Option<bool>, fell| Some(any.unwrap_or(false) || fell)) == Some(false)
    }
}
