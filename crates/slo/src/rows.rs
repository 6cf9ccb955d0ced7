//! What was counted, as rows to be stored: cumulative values of every stream at the ends of minutes.
//!
//! A minute is *final* once it is folded: six hours after it the slots of its time are gone, and whatever is heard of it
//! still is booked later. Until then its row can be read, but may change.

use std::sync::Arc;

use bellwether_model::{Labels, TimeDelta, Timestamp};

use crate::definition::Slo;
use crate::engine::SloEngine;
use crate::ledger::StreamId;
use crate::ledger::stream::Stream;

/// What a stream had counted by the end of a minute, since it was first heard of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The end of the minute.
    pub at: Timestamp,
    /// All events.
    pub events: f64,
    /// Bad ones among them. Where two counters disagree for a moment it may be less than a minute before.
    pub bad: f64,
    /// Time that was measured.
    pub measured: TimeDelta,
}

/// A stream of an objective whose counts are rows.
#[derive(Clone, Copy, Debug)]
pub struct RowStream<'a> {
    /// The objective.
    pub slo: &'a Arc<Slo>,
    /// The `group_by` labels; empty for the stream of everything.
    pub labels: &'a Labels,
    /// The stream.
    pub id: StreamId,
}

/// Rows after one moment, up to and including another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRange {
    /// `None` for as far back as there are any.
    pub after: Option<Timestamp>,
    /// The last moment inside.
    pub until: Timestamp,
}

impl SloEngine {
    /// All streams that anything is known of, in order of objectives and labels. A composite has none: what it holds
    /// follows from its members.
    pub fn row_streams(&self) -> impl Iterator<Item = RowStream<'_>> {
        self.slos.values().flat_map(move |slo| {
            let sli = self.ledger.sli(&slo.indicator.key()).into_iter();
            let ids = sli.flat_map(|sli| std::iter::once(sli.everything).chain(sli.groups.values().copied()));
            ids.filter_map(move |id| {
                let stream = self.ledger.stream(StreamId(id)).filter(|stream| stream.watermark.is_some())?;
                Some(RowStream { slo, labels: &stream.labels, id: StreamId(id) })
            })
        })
    }

    /// The end of the last minute that nothing will change any more.
    pub fn rows_final_until(&self, id: StreamId) -> Option<Timestamp> {
        let stream = self.ledger.stream(id)?;
        stream.has_folded().then(|| stream.grid.end(stream.first_slot - 1))
    }

    /// Rows of a stream, the oldest first and `most` at most. The very first one stands before the first minute.
    pub fn rows(&self, id: StreamId, range: RowRange, most: usize) -> Vec<Row> {
        let Some(known) = self.ledger.stream(id).and_then(Known::of) else { return Vec::new() };
        let first = match range.after {
            Some(after) => (after.floor_to(TimeDelta::MINUTE) + TimeDelta::MINUTE).max(known.first),
            None => known.first,
        };
        let last = range.until.min(known.last);
        let mut rows = Vec::new();
        let mut at = first;
        while at <= last && rows.len() < most {
            rows.push(known.row(at));
            at += TimeDelta::MINUTE;
        }
        rows
    }

    /// The row of a minute's end; of an earlier one than is kept, the first that is. `None` while it is not known yet.
    pub fn row_at(&self, id: StreamId, at: Timestamp) -> Option<Row> {
        let known = self.ledger.stream(id).and_then(Known::of)?;
        (at <= known.last).then(|| known.row(at.max(known.first)))
    }
}

/// A stream and the ends of its first and last minutes.
struct Known<'a> {
    stream: &'a Stream,
    first: Timestamp,
    last: Timestamp,
}

impl<'a> Known<'a> {
    fn of(stream: &'a Stream) -> Option<Self> {
        let last = stream.watermark?.floor_to(TimeDelta::MINUTE);
        let folded = stream.grid.end(stream.first_slot - 1);
        let first = stream.grid.end(stream.oldest_slot() - 1);
        // The watermark of a slow target may lie before minutes that others have folded already.
        Some(Self { stream, first, last: last.max(folded) })
    }

    fn row(&self, at: Timestamp) -> Row {
        let totals = self.stream.totals_at(self.stream.grid.slot(at));
        Row { at, events: totals.total, bad: totals.bad, measured: TimeDelta(totals.measured_ms) }
    }
}
