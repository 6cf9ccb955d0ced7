//! What segments have for the moments of late entries: a moment has one value, whether that is in memory or in a segment by
//! now. The same again is known, another is refused, so that what a sender is told does not depend on when a segment
//! was made.
//!
//! Segments are read only for batches that reach back before the end of one, and while queries go on: of the locks only
//! that of the log is held.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bellwether_model::{Batch, SeriesId, TimeDelta, TimeRange, Timestamp};
use roaring::RoaringBitmap;

use crate::entry::is_same;
use crate::run::Run;
use crate::segment::Segment;
use crate::state::{Shared, State, for_each_entry};

/// For the places of late entries whose moment has a value in a segment: whether it is the same. Valid as long as
/// there are the same segments.
#[derive(Default)]
pub(crate) struct SealedValues {
    segments: Vec<u64>,
    is_same: HashMap<usize, bool>,
}

/// The moments that are asked for, of one series.
type Asked = BTreeMap<u32, Vec<Timestamp>>;

impl SealedValues {
    /// Looks for the late entries of a batch.
    pub(crate) fn of(shared: &Shared, batch: &Batch) -> Self {
        let (segments, asked) = {
            let state = shared.read();
            let Some(asked) = state.asked_of_segments(batch) else { return Self::default() };
            (state.segments.clone(), asked)
        };
        let found = read(&segments, &asked);
        let mut is_same_at = HashMap::new();
        for_each_entry(batch, &mut |index, id, entry| {
            let run = found.get(&id.0).into_iter().flatten().find_map(|run| run.find(entry.at));
            if let Some(stored) = run {
                is_same_at.insert(index, is_same(stored, entry.value));
            }
        });
        Self { segments: numbers(&segments), is_same: is_same_at }
    }

    /// Whether nothing has been sealed since that would have to be looked at too.
    pub(crate) fn is_of(&self, state: &State, batch: &Batch) -> bool {
        // Mostly nothing is late, and then it is enough that nothing has become so.
        match self.segments.is_empty() {
            true => state.asked_of_segments(batch).is_none(),
            false => self.segments == numbers(&state.segments),
        }
    }

    /// Of the entry at a place of the batch.
    pub(crate) fn is_same(&self, index: usize) -> Option<bool> {
        self.is_same.get(&index).copied()
    }
}

fn numbers(segments: &[Arc<Segment>]) -> Vec<u64> {
    segments.iter().map(|segment| segment.number).collect()
}

impl State {
    /// Which moments of which series segments may have a value for; `None` for a batch without late entries, as most are.
    fn asked_of_segments(&self, batch: &Batch) -> Option<Asked> {
        if self.out_of_order_window <= TimeDelta::ZERO && !self.clock.was_ahead() {
            return None; // nothing late is taken at all
        }
        let end = self.segments.iter().map(|segment| segment.range.end).max()?;
        if batch.times().min()? > end {
            return None;
        }
        let mut asked = Asked::new();
        for_each_entry(batch, &mut |_, id, entry| {
            let last = self.heads.get(id.0 as usize).and_then(|head| head.last());
            // The last one is known without a look.
            if entry.at <= end && last.is_some_and(|last| entry.at < last) {
                asked.entry(id.0).or_default().push(entry.at);
            }
        });
        (!asked.is_empty()).then_some(asked)
    }
}

/// The chunks that have the moments in their stretch, in the order in which they were stored. What does not read says
/// nothing.
fn read(segments: &[Arc<Segment>], asked: &Asked) -> HashMap<u32, Vec<Run>> {
    let mut found: HashMap<u32, Vec<Run>> = HashMap::new();
    let moments = || asked.values().flatten().copied();
    let Some(range) = moments().min().zip(moments().max()) else { return found };
    let range = TimeRange::new(range.0, range.1);
    let ids: RoaringBitmap = asked.keys().copied().collect();
    for segment in segments.iter().filter(|segment| segment.range.overlaps(&range)) {
        let _ = segment.chunks(&ids, range, &mut |id: SeriesId, chunks| {
            let wanted = &asked[&id.0];
            for chunk in chunks {
                let stretch = chunk.summary().range;
                if wanted.iter().any(|at| stretch.contains(*at))
                    && let Ok(run) = Run::of(&*chunk)
                {
                    found.entry(id.0).or_default().push(run);
                }
            }
        });
    }
    found
}
