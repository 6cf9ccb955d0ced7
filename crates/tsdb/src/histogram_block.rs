//! Histograms of one series as they arrive: a growing byte string of rows, each told by the one before. The head's
//! open chunk is one; chunks with few samples, or with samples that hardly change, stay one.

use std::sync::Arc;

use bellwether_model::{Histogram, HistogramSample, TimeRange, Timestamp};

use crate::codec::Reader;
use crate::histogram_row::Row;

/// An open chunk. Invariant: `bytes` holds `count` samples, `stale_count` of them markers, inside `range`.
#[derive(Clone, Debug, Default)]
pub(crate) struct HistogramBlock {
    bytes: Vec<u8>,
    count: u32,
    stale_count: u32,
    first: i64,
    last: i64,
    step: i64,
    row: Row,
}

impl HistogramBlock {
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn stale_count(&self) -> u32 {
        self.stale_count
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// From its first sample to its last.
    pub(crate) fn range(&self) -> TimeRange {
        TimeRange::new(Timestamp(self.first), Timestamp(self.last))
    }

    /// Adds a sample that is after the last one.
    pub(crate) fn push(&mut self, sample: &HistogramSample) {
        let at = sample.at.0;
        let step = at.wrapping_sub(self.last);
        let change = step.wrapping_sub(self.step);
        self.row.put(&mut self.bytes, (change != 0).then_some(change), &sample.histogram);
        if self.count == 0 {
            self.first = at;
        }
        (self.last, self.step) = (at, step);
        self.count += 1;
        self.stale_count += u32::from(sample.is_stale());
    }

    /// Whether the chunk should be closed for its size alone.
    pub(crate) fn is_heavy(&self) -> bool {
        self.bytes.len() > 32 << 10
    }
}

/// Appends `count` samples; `None` when the bytes are not a block of that many.
pub(crate) fn decode(bytes: &[u8], count: u32, out: &mut Vec<HistogramSample>) -> Option<()> {
    // No row takes less than a byte, so a wild count ends here.
    if count as usize > bytes.len() {
        return None;
    }
    let mut reader = Reader::new(bytes);
    let (mut row, mut at, mut step) = (Row::default(), 0i64, 0i64);
    let stale = Arc::new(Histogram::stale());
    let mut before = Arc::new(Histogram { sum: 0.0, ..Histogram::stale() });
    for _ in 0..count {
        let read = row.read(&mut reader, &before)?;
        step = step.wrapping_add(read.step);
        at = at.wrapping_add(step);
        let histogram = match read.histogram {
            Some(histogram) => {
                before = Arc::clone(&histogram);
                histogram
            }
            None => Arc::clone(&stale),
        };
        out.push(HistogramSample::new(Timestamp(at), histogram));
    }
    reader.is_at_end().then_some(())
}
