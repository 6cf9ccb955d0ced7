//! How the rows of a stream go on from the last one stored.
//!
//! A row never falls. A stream that was counted anew (its selectors have changed, its ledger was lost) goes on from where its
//! rows ended, whatever it begins with; where two counters disagree for a moment and take something back, the row
//! waits until that is made up for.

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_slo::{Row, RowRange, SloEngine, StreamId};

/// How far back a counter that took something back is looked for.
const LOOK_BACK: TimeDelta = TimeDelta::HOUR;

/// A row as it is stored: values of [`super::COUNTERS`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stored {
    /// The end of its minute.
    pub at: Timestamp,
    /// Its values.
    pub values: [f64; 3],
}

/// How rows go on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    /// The stream that they are rows of.
    pub stream: StreamId,
    /// The last row stored.
    pub last: Option<Stored>,
    /// What is added to the stream's counts.
    offset: [f64; 3],
}

impl Course {
    /// From the last row stored; `None` while the stream is not known so far.
    pub fn of(engine: &SloEngine, stream: StreamId, last: Option<Stored>) -> Option<Self> {
        let Some(stored) = last else { return Some(Self { stream, last, offset: [0.0; 3] }) };
        let mut counted = values(&engine.row_at(stream, stored.at)?);
        let before = RowRange { after: Some(stored.at - LOOK_BACK), until: stored.at };
        for row in engine.rows(stream, before, (LOOK_BACK.0 / TimeDelta::MINUTE.0) as usize) {
            counted = zip(counted, values(&row), f64::max);
        }
        Some(Self { stream, last, offset: zip(stored.values, counted, |stored, counted| stored - counted) })
    }

    /// What would be stored of a row, the last of all.
    pub fn push(&mut self, row: &Row) -> Stored {
        let mut values = zip(values(row), self.offset, |counted, offset| counted + offset);
        if let Some(last) = &self.last {
            values = zip(values, last.values, f64::max);
        }
        let stored = Stored { at: row.at, values };
        self.last = Some(stored);
        stored
    }

    /// What of a stretch is not stored yet.
    pub fn unstored(&self, range: RowRange) -> RowRange {
        RowRange { after: range.after.max(self.last.map(|last| last.at)), until: range.until }
    }
}

fn values(row: &Row) -> [f64; 3] {
    [row.events, row.bad, row.measured.as_secs_f64()]
}

fn zip(a: [f64; 3], b: [f64; 3], both: impl Fn(f64, f64) -> f64) -> [f64; 3] {
    std::array::from_fn(|column| both(a[column], b[column]))
}
