//! What goes because it is old, or because there is too much: whole segments, the oldest first. Samples before the
//! floor that this raises are refused from then on, so that nothing comes back.

use std::sync::Arc;

use bellwether_model::Timestamp;

use crate::error::DiskError;
use crate::log_record;
use crate::segment::Segment;
use crate::state::Shared;
use crate::store::Store;

/// However little room there is, so many segments stay.
const SEGMENTS_KEPT: usize = 2;

/// What retention dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionReport {
    /// Segments dropped.
    pub segments: u64,
    /// Samples in them.
    pub samples: u64,
    /// Bytes they took.
    pub bytes: u64,
}

impl Store {
    /// Samples before this are refused: the lowest moment there is while nothing was dropped yet.
    pub fn floor(&self) -> Timestamp {
        self.shared.read().floor
    }

    /// Drops everything that is older than a moment: segments that lie wholly before it, and samples in the head.
    /// Samples before it are refused from now on. Goes only forward.
    pub fn enforce_retention(&self, oldest: Timestamp) -> Result<RetentionReport, DiskError> {
        let shared = &self.shared;
        let _maintenance = shared.maintain();
        // On a full disk the note does not fit; then what it is about is dropped all the same, for that makes room.
        // Should the machine stop before it is written, the log brings back only what it has itself.
        let noted = note_floor(shared, oldest);
        if noted.as_ref().is_err_and(|error| !error.is_full()) {
            return noted.map(|()| RetentionReport::default());
        }
        let dropped: Vec<Arc<Segment>> = {
            let mut state = shared.write();
            let (old, kept) =
                std::mem::take(&mut state.segments).into_iter().partition(|s| s.range.end < oldest);
            state.segments = kept;
            old
        };
        let mut report = RetentionReport::default();
        for segment in &dropped {
            shared.disk.remove(&segment.path).map_err(DiskError::at("remove", &segment.path))?;
            report.segments += 1;
            report.samples += segment.sample_count;
            report.bytes += segment.bytes;
        }
        if !dropped.is_empty() {
            shared.disk.sync_dir(&shared.dir).map_err(DiskError::at("sync", &shared.dir))?;
        }
        match noted {
            Err(error) if dropped.is_empty() => Err(error),
            // There is room for the note now; if not, the next time is early enough.
            Err(_) | Ok(()) => Ok(report),
        }
    }

    /// Drops the oldest segments, but never the newest two, until log and segments take no more than so many bytes.
    /// What was dropped is refused from now on, as by [`Store::enforce_retention`].
    pub fn enforce_size(&self, bytes_max: u64) -> Result<RetentionReport, DiskError> {
        match self.floor_of_size(bytes_max) {
            Some(floor) => self.enforce_retention(floor),
            None => Ok(RetentionReport::default()),
        }
    }

    /// From when on samples may stay so that everything fits.
    fn floor_of_size(&self, bytes_max: u64) -> Option<Timestamp> {
        let log: u64 = self.shared.log.lock().files.iter().map(|file| file.end).sum();
        let mut segments: Vec<(Timestamp, u64)> = {
            let state = self.shared.read();
            state.segments.iter().map(|segment| (segment.range.end, segment.bytes)).collect()
        };
        segments.sort_unstable();
        let mut bytes = log + segments.iter().map(|(_, bytes)| bytes).sum::<u64>();
        let mut floor = None;
        for (end, segment_bytes) in &segments[..segments.len().saturating_sub(SEGMENTS_KEPT)] {
            if bytes <= bytes_max {
                break;
            }
            bytes -= segment_bytes;
            floor = Some(Timestamp(end.0.saturating_add(1)));
        }
        floor
    }
}

/// Makes the new floor durable before anything is dropped, so that the log does not bring it back.
fn note_floor(shared: &Shared, oldest: Timestamp) -> Result<(), DiskError> {
    {
        let mut log = shared.log.lock();
        let mut state = shared.write();
        if oldest <= state.floor {
            return Ok(());
        }
        state.raise_floor(oldest);
        drop(state);
        log.floor = oldest;
        log.append(|out| log_record::put_floor(out, oldest));
    }
    shared.sync().map(|_| ())
}
