//! What start times say: a counter that was started after its last sample began anew, even if it is higher now.

use bellwether_model::Timestamp;

/// A sample's moment, and since when its counter has been counting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) at: Timestamp,
    pub(super) start: Option<Timestamp>,
}

impl Counted {
    /// Whether the counter began anew between an earlier sample and this one.
    pub(super) fn is_restart_after(&self, before: &Self) -> bool {
        // A start at the sample itself means that the source does not know it.
        // A start after the sample itself cannot be, and says nothing.
        let before_start = before.start.filter(|start| *start <= before.at);
        let Some(start) = self.start.filter(|start| Some(*start) != before_start && *start < self.at) else {
            return false;
        };
        if start != before.at {
            return start > before.at;
        }
        // It counts since the sample before: so do deltas, but also counters whose start is not known. Only where
        // the sample before knew its own start can these be told apart.
        before_start.is_some_and(|before_start| before_start < before.at)
    }

    /// Whether it is said to count since before an earlier sample, and yet not since that one's start.
    pub(super) fn overlaps(&self, before: &Self) -> bool {
        self.start.is_some_and(|start| start < before.at && Some(start) != before.start)
    }
}
