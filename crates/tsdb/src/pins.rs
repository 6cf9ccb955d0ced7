//! What one query must not see: everything that arrived since its snapshot was taken. Otherwise two selectors of one
//! query would read different batches, and a ratio of the two would be of no moment that ever was.
//!
//! In order, times only go forward in a series, so what a snapshot may see of it ends before the first entry that
//! arrived later. What came late since is left out moment by moment, and what was imported since segment by segment.
//! Appending notes series and time, and only while a snapshot is held; it never looks at what is there.

use std::collections::{HashMap, VecDeque};

use bellwether_model::{Batch, Timestamp};
use roaring::RoaringBitmap;

use crate::log_record::LatePlace;

/// Below this many, an entry per arrival is kept; above, one per series whenever their number has doubled.
const ARRIVALS_MIN: usize = 1 << 14;

/// Invariant: numbers go up; some snapshot holds the first epoch and every other one.
#[derive(Default)]
pub(crate) struct Pins {
    epochs: VecDeque<Epoch>,
    number_next: u64,
}

/// An entry that came between others of its series.
#[derive(Clone, Copy)]
struct LateArrival {
    id: u32,
    at: Timestamp,
    /// Segments from this number on were not there when it came. What an earlier one has of the moment was stored before.
    segments_end: u64,
}

/// Moments of a series that came late since a snapshot, each with the number of the first segment that may have it for
/// that reason.
pub(crate) type LateMoments = HashMap<Timestamp, u64>;

/// What arrived after a snapshot was taken and before the next one was.
#[derive(Default)]
struct Epoch {
    number: u64,
    holders: usize,
    arrived: Vec<(u32, Timestamp)>,
    /// Entries between others, which say nothing of what follows them.
    late: Vec<LateArrival>,
    /// Numbers of segments that were imported.
    imported: Vec<u64>,
    thinned: usize,
}

impl Pins {
    /// Begins to note what arrives; gives the number to ask with, and to let go of.
    pub(crate) fn pin(&mut self) -> u64 {
        if let Some(last) = self.epochs.back_mut().filter(|last| last.is_empty()) {
            last.holders += 1;
            return last.number;
        }
        let number = self.number_next;
        self.number_next += 1;
        self.epochs.push_back(Epoch { number, holders: 1, ..Epoch::default() });
        number
    }

    /// What arrived after nobody's snapshot any more is forgotten, or becomes part of what arrived after the one before.
    pub(crate) fn unpin(&mut self, number: u64) {
        let Ok(place) = self.epochs.binary_search_by_key(&number, |epoch| epoch.number) else { return };
        self.epochs[place].holders -= 1;
        if self.epochs[place].holders > 0 {
            return;
        }
        if let Some(epoch) = self.epochs.remove(place)
            && let Some(before) = place.checked_sub(1).and_then(|before| self.epochs.get_mut(before))
        {
            before.arrived.extend(epoch.arrived);
            before.late.extend(epoch.late);
            before.imported.extend(epoch.imported);
            before.thin();
        }
    }

    /// Takes note of a batch that is visible from now on, and of which some entries were late. Segments from a number on
    /// are not there yet.
    pub(crate) fn arrived(&mut self, batch: &Batch, late: &[LatePlace], segments_end: u64) {
        let Some(epoch) = self.epochs.back_mut() else { return };
        let mut late = late.iter().peekable();
        for (place, (id, at)) in batch.series().map(|id| id.0).zip(batch.times()).enumerate() {
            match late.next_if(|late| late.place as usize == place) {
                Some(LatePlace { is_taken: true, .. }) => {
                    epoch.late.push(LateArrival { id, at, segments_end })
                }
                Some(LatePlace { is_taken: false, .. }) => {}
                None => epoch.arrived.push((id, at)),
            }
        }
        epoch.thin();
    }

    /// Takes note of a segment of history that is visible from now on.
    pub(crate) fn imported(&mut self, segment: u64) {
        if let Some(epoch) = self.epochs.back_mut() {
            epoch.imported.push(segment);
        }
    }

    /// Whether there is a snapshot from which a segment is hidden, or may be in part: then it must stay as it is.
    pub(crate) fn is_hidden(&self, segment: u64) -> bool {
        let has_late = |late: &LateArrival| late.segments_end <= segment;
        let hides = |epoch: &Epoch| epoch.imported.contains(&segment) || epoch.late.iter().any(has_late);
        self.epochs.iter().any(hides)
    }

    /// Whether a segment was imported after a snapshot was taken.
    pub(crate) fn hides(&self, number: u64, segment: u64) -> bool {
        let since = self.epochs.iter().filter(|epoch| epoch.number >= number);
        since.flat_map(|epoch| &epoch.imported).any(|imported| *imported == segment)
    }

    /// For each of some series that something arrived for since: from when on nothing may be seen of it.
    pub(crate) fn ends(&self, number: u64, ids: &RoaringBitmap) -> HashMap<u32, Timestamp> {
        let mut ends: HashMap<u32, Timestamp> = HashMap::new();
        let since = self.epochs.iter().filter(|epoch| epoch.number >= number);
        for (id, at) in since.flat_map(|epoch| &epoch.arrived).filter(|(id, _)| ids.contains(*id)) {
            ends.entry(*id).and_modify(|end| *end = (*end).min(*at)).or_insert(*at);
        }
        ends
    }

    /// For each of some series that something arrived for late: of which moments nothing may be seen of it but what was
    /// there before.
    pub(crate) fn late(&self, number: u64, ids: &RoaringBitmap) -> HashMap<u32, LateMoments> {
        let mut late: HashMap<u32, LateMoments> = HashMap::new();
        let since = self.epochs.iter().filter(|epoch| epoch.number >= number);
        for LateArrival { id, at, segments_end } in since.flat_map(|epoch| &epoch.late) {
            if ids.contains(*id) {
                let first = late.entry(*id).or_default().entry(*at).or_insert(*segments_end);
                *first = (*first).min(*segments_end);
            }
        }
        late
    }
}

impl Epoch {
    fn is_empty(&self) -> bool {
        self.arrived.is_empty() && self.late.is_empty() && self.imported.is_empty()
    }

    /// Of each series only the first arrival says anything; so a query that takes long costs no more than that.
    fn thin(&mut self) {
        if self.arrived.len() >= ARRIVALS_MIN.max(2 * self.thinned) {
            self.arrived.sort_unstable();
            self.arrived.dedup_by_key(|(id, _)| *id);
            self.thinned = self.arrived.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use bellwether_model::{Origin, Sample, SeriesId};

    use super::*;

    fn arrive(pins: &mut Pins, at: i64, ids: std::ops::Range<u32>) {
        let at = Timestamp(at);
        let samples = ids.map(|id| (SeriesId(id), Sample::new(at, 0.0))).collect();
        pins.arrived(&Batch::floats(Origin::Rules, at, samples), &[], 0);
    }

    fn end(pins: &Pins, number: u64, id: u32) -> Option<i64> {
        pins.ends(number, &RoaringBitmap::from([id])).get(&id).map(|end| end.0)
    }

    #[test]
    fn each_snapshot_ends_before_the_first_that_arrived_after_it() {
        let mut pins = Pins::default();
        arrive(&mut pins, 1, 0..2);
        let first = pins.pin();
        let same = pins.pin();
        assert_eq!(first, same, "nothing arrived between the two");
        arrive(&mut pins, 2, 0..1);
        let second = pins.pin();
        arrive(&mut pins, 3, 0..2);
        let third = pins.pin();
        let ends = |pins: &Pins, number| [0, 1].map(|id| end(pins, number, id));
        assert_eq!(ends(&pins, first), [Some(2), Some(3)]);
        assert_eq!(ends(&pins, second), [Some(3), Some(3)]);
        assert_eq!(ends(&pins, third), [None, None]);
        pins.unpin(second);
        assert_eq!(ends(&pins, first), [Some(2), Some(3)], "what the one in between noted is kept");
        pins.unpin(first);
        assert_eq!(ends(&pins, same), [Some(2), Some(3)], "held twice");
        pins.unpin(same);
        pins.unpin(third);
        arrive(&mut pins, 4, 0..2);
        assert!(pins.epochs.is_empty(), "nobody looks, so nothing is noted");
    }

    #[test]
    fn a_long_query_costs_an_entry_per_series_and_not_per_sample() {
        let mut pins = Pins::default();
        let pin = pins.pin();
        for at in 1..1000 {
            arrive(&mut pins, at, 0..1000);
        }
        assert!(pins.epochs[0].arrived.len() <= ARRIVALS_MIN + 1000);
        assert_eq!((end(&pins, pin, 0), end(&pins, pin, 999)), (Some(1), Some(1)));
    }
}
