//! Checking segments at rest: a bit that has flipped on the disk is found before somebody asks for it, while a backup that
//! still has the file is kept.
//!
//! It is done a little at a time, so that the caller decides how much of the disk and the processor it may take; a segment
//! in which a reader met damage comes first. What fails is set aside, and everything else is served.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bellwether_model::{SeriesId, SourceError};
use roaring::RoaringBitmap;

use crate::error::DiskError;
use crate::missing::Missing;
use crate::recovery::Quarantined;
use crate::segment::Segment;
use crate::state::Shared;
use crate::store::Store;

/// Series whose chunks are checked before it is asked again whether that is enough.
const GROUP_SERIES: usize = 64;

/// How far checking has come in one round over all segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScrubPlace {
    /// The number of the segment that is being checked, or the lowest that may be next.
    segment: u64,
    /// The first series of it that is not checked; at none, its index comes first.
    series: Option<u32>,
}

impl ScrubPlace {
    /// Begins somewhere among the segments, so that a server that is often restarted does not check the same ones again
    /// and again.
    pub fn somewhere(store: &Store, random: u64) -> Self {
        let mut numbers: Vec<u64> = store.shared.read().segments.iter().map(|s| s.number).collect();
        numbers.sort_unstable();
        let place = random.checked_rem(numbers.len() as u64).unwrap_or(0);
        Self { segment: numbers.get(place as usize).copied().unwrap_or(0), series: None }
    }
}

/// What a little checking came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScrubReport {
    /// Bytes read.
    pub bytes: u64,
    /// Segments that were checked to their end and are whole.
    pub segments: u64,
    /// Whether the last segment was reached: the next call begins with the first.
    pub is_round_over: bool,
    /// What was set aside.
    pub quarantined: Vec<Quarantined>,
    /// Why the disk did not give a segment: it stays where it is and is tried again in the next round.
    pub unreadable: Vec<String>,
}

impl Store {
    /// Reads all segments from the disk and sets aside those that do not pass their checksums.
    pub fn scrub(&self) -> Result<Vec<Quarantined>, DiskError> {
        let segments = self.shared.read().segments.clone();
        let mut report = ScrubReport::default();
        for segment in segments {
            self.settle(&segment, segment.verify(), &mut report)?;
        }
        Ok(report.quarantined)
    }

    /// Checks about so many bytes of the segments, going on from a place, which is moved on.
    pub fn scrub_some(&self, place: &mut ScrubPlace, bytes_max: u64) -> Result<ScrubReport, DiskError> {
        let mut report = ScrubReport::default();
        let suspects: Vec<_> = {
            let state = self.shared.read();
            state.segments.iter().filter(|s| s.is_suspect.load(Ordering::Relaxed)).cloned().collect()
        };
        for segment in suspects {
            segment.is_suspect.store(false, Ordering::Relaxed);
            report.bytes += segment.bytes;
            self.settle(&segment, segment.verify(), &mut report)?;
        }
        while report.bytes < bytes_max {
            let next = {
                let state = self.shared.read();
                let later = state.segments.iter().filter(|segment| segment.number >= place.segment);
                later.min_by_key(|segment| segment.number).cloned()
            };
            let Some(segment) = next else {
                *place = ScrubPlace::default();
                report.is_round_over = true;
                break;
            };
            if segment.number != place.segment {
                *place = ScrubPlace { segment: segment.number, series: None };
            }
            match check(&segment, place, bytes_max, &mut report.bytes) {
                Ok(false) => break,
                Ok(true) => {
                    report.segments += 1;
                    *place = ScrubPlace { segment: segment.number + 1, series: None };
                }
                Err(error) => {
                    *place = ScrubPlace { segment: segment.number + 1, series: None };
                    self.settle(&segment, Err(error), &mut report)?;
                }
            }
        }
        Ok(report)
    }

    /// Sets a segment aside if it was found to be damaged.
    fn settle(
        &self,
        segment: &Arc<Segment>,
        verified: Result<(), SourceError>,
        report: &mut ScrubReport,
    ) -> Result<(), DiskError> {
        match verified {
            Ok(()) => {}
            Err(SourceError::Unavailable(why)) => report.unreadable.push(why),
            Err(SourceError::Damaged(reason)) => {
                report.quarantined.extend(set_aside(&self.shared, segment, reason)?);
            }
        }
        Ok(())
    }
}

/// Nothing where the segment has gone meanwhile.
fn set_aside(
    shared: &Shared,
    segment: &Arc<Segment>,
    reason: String,
) -> Result<Option<Quarantined>, DiskError> {
    let _maintenance = shared.maintain();
    let is_there = |shared: &Shared| shared.read().segments.iter().any(|s| s.number == segment.number);
    if !is_there(shared) {
        return Ok(None);
    }
    // Renamed first: what cannot be renamed is still served, but for what is damaged.
    let quarantined = Quarantined::set_aside(&*shared.disk, &segment.path, reason)?;
    let name = quarantined.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let missing = Missing::of(&*shared.disk, &shared.dir, &name);
    let mut state = shared.write();
    state.segments.retain(|other| other.number != segment.number);
    state.missing.retain(|known| known.name != name);
    state.missing.push(missing);
    Ok(Some(quarantined))
}

/// Checks checksums from a place on until so many bytes are read; whether the segment's end was reached.
fn check(
    segment: &Arc<Segment>,
    place: &mut ScrubPlace,
    bytes_max: u64,
    bytes: &mut u64,
) -> Result<bool, SourceError> {
    let first = match place.series {
        Some(first) => first,
        None => {
            *bytes += segment.check_index()?;
            0
        }
    };
    let mut rest = segment.series.iter().skip_while(|id| *id < first).peekable();
    loop {
        place.series = rest.peek().copied();
        if place.series.is_none() {
            return Ok(true);
        }
        if *bytes >= bytes_max {
            return Ok(false);
        }
        let group: RoaringBitmap = rest.by_ref().take(GROUP_SERIES).collect();
        segment.check_chunks(&group, &mut |_: SeriesId, length| *bytes += length)?;
    }
}
