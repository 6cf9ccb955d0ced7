//! What the crediting of each sample has to know of the batch that brought it.

use std::collections::BTreeSet;

use bellwether_model::Timestamp;

/// A batch with what is known of its target, while it is being applied.
pub(crate) struct Arrival<'a> {
    pub(crate) target: u32,
    pub(crate) at: Timestamp,
    pub(crate) was_watched: bool,
    /// Slots up to here are vouched for.
    pub(crate) vouched: i64,
    pub(crate) is_reset_gap: bool,
    /// Its samples may be older than what is known, also without times of their own.
    pub(crate) may_come_late: bool,
    /// Since when series have been counting that were known before this batch.
    pub(crate) known_starts: &'a BTreeSet<Timestamp>,
}
