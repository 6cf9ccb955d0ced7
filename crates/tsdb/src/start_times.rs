//! Since when a counter counts, where its source says so: one moment per entry, kept as runs, because a counter that
//! goes on keeps its start. A series whose source never says so takes nothing.

use bellwether_model::Timestamp;

use crate::codec::{Reader, put_varint, put_zigzag};

const RUN_UNKNOWN: u8 = 0;
const RUN_KNOWN: u8 = 1;

/// Start times of a growing chunk. Invariant: each run begins after the one before it, the first at 0; none at all
/// when no entry has a start time.
#[derive(Clone, Debug, Default)]
pub(crate) struct StartTimes {
    runs: Vec<(u32, Option<Timestamp>)>,
}

impl StartTimes {
    /// Takes note of the start time of the entry with this number, the numbers going up.
    pub(crate) fn push(&mut self, index: u32, since: Option<Timestamp>) {
        if self.runs.is_empty() && since.is_some() && index > 0 {
            self.runs.push((0, None));
        }
        let last = self.runs.last().and_then(|(_, since)| *since);
        let is_first = self.runs.is_empty() && since.is_some();
        if is_first || (!self.runs.is_empty() && last != since) {
            self.runs.push((index, since));
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.runs.capacity() * size_of::<(u32, Option<Timestamp>)>()
    }

    /// One per entry; none at all when no entry has one.
    pub(crate) fn expand(&self, count: u32) -> Vec<Option<Timestamp>> {
        if self.runs.is_empty() {
            return Vec::new();
        }
        let mut out = Vec::with_capacity(count as usize);
        let ends = self.runs.iter().skip(1).map(|run| run.0).chain([count]);
        for ((_, since), end) in self.runs.iter().zip(ends) {
            out.resize(end as usize, *since);
        }
        out
    }
}

/// Appends runs: known or not, how many entries, and how much later than the last known one.
pub(crate) fn put(out: &mut Vec<u8>, starts: &[Option<Timestamp>]) {
    let mut before = 0i64;
    for run in starts.chunk_by(|a, b| a == b) {
        match run[0] {
            None => {
                out.push(RUN_UNKNOWN);
                put_varint(out, run.len() as u64);
            }
            Some(since) => {
                out.push(RUN_KNOWN);
                put_varint(out, run.len() as u64);
                put_zigzag(out, since.0.wrapping_sub(before));
                before = since.0;
            }
        }
    }
}

/// Reads what [`put`] wrote for `count` entries.
pub(crate) fn read(bytes: &[u8], count: usize) -> Option<Vec<Option<Timestamp>>> {
    let mut reader = Reader::new(bytes);
    let (mut starts, mut before) = (Vec::with_capacity(count), 0i64);
    while !reader.is_at_end() {
        let kind = reader.byte()?;
        let length = reader.varint_usize().filter(|length| *length <= count - starts.len())?;
        let since = match kind {
            RUN_UNKNOWN => None,
            RUN_KNOWN => {
                before = before.wrapping_add(reader.zigzag()?);
                Some(Timestamp(before))
            }
            _ => return None,
        };
        starts.resize(starts.len() + length, since);
    }
    (starts.len() == count).then_some(starts)
}
