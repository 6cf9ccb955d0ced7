//! Which stretch of time is read next: a short one every slot while all is well; long ones, oldest first, through
//! history and through what was missed.
//!
//! Oldest first, because a counter is credited in order: what is newer cannot be counted before what it is compared
//! with. And so it can go on after a crash where it was, with nothing kept but the samples themselves.

use bellwether_model::{TimeDelta, Timestamp};

use super::plan::Fetch;
use super::reader::Stretch;

/// The first stretch of a past of unknown weight: long enough to see how far apart its samples lie.
const CHUNK_FIRST: TimeDelta = TimeDelta::HOUR;
const CHUNK_MIN: TimeDelta = TimeDelta::MINUTE;
const CHUNK_MAX: TimeDelta = TimeDelta::DAY;
/// Of thinned-out samples no more than this much that is not thinned out may be left out with them.
const COARSE_MAX: TimeDelta = TimeDelta::HOUR;

/// How far some requests have been read.
#[derive(Clone, Debug)]
pub struct Track {
    /// What is read.
    pub fetches: Vec<Fetch>,
    /// Everything up to here has been read and is durable.
    pub read_until: Timestamp,
    /// Where reading began.
    pub begun_at: Timestamp,
    /// What is first seen up to here may be older.
    pub baseline_until: Option<Timestamp>,
    chunk: TimeDelta,
}

/// What a stretch depends on besides the track.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// How far back late samples are looked for.
    pub overlap: TimeDelta,
    /// How far back a scrape may still be incomplete.
    pub margin: TimeDelta,
    /// Whether late samples are looked for this time.
    pub is_full: bool,
}

impl Track {
    /// Goes on where reading ended.
    pub const fn resumed(fetches: Vec<Fetch>, read_until: Timestamp) -> Self {
        Self { fetches, read_until, begun_at: read_until, baseline_until: None, chunk: CHUNK_FIRST }
    }

    /// Begins in the past: what is first seen within `lookback` of it may have been there before.
    pub fn begun(fetches: Vec<Fetch>, at: Timestamp, lookback: TimeDelta) -> Self {
        Self {
            fetches,
            read_until: at,
            begun_at: at,
            baseline_until: Some(at + lookback),
            chunk: CHUNK_FIRST,
        }
    }

    /// Whether more than one stretch is missing.
    pub fn is_behind(&self, now: Timestamp, reach: Reach) -> bool {
        now - self.read_until > reach.overlap.max(CHUNK_MIN)
    }

    /// What to read next.
    pub fn next(&self, now: Timestamp, reach: Reach) -> Stretch {
        let is_behind = self.is_behind(now, reach);
        let back = match (is_behind, reach.is_full) {
            (true, _) if self.chunk.0 >= reach.overlap.0 * 2 => reach.overlap.max(reach.margin),
            (false, true) => reach.overlap.max(reach.margin),
            (true, _) | (false, false) => reach.margin,
        };
        let end = if is_behind { now.min(self.read_until + self.chunk) } else { now };
        // Before the beginning lies what was not asked for, or must not be read.
        let first = if self.baseline_until.is_some() { self.begun_at } else { Timestamp::MIN };
        let start = (self.read_until - back).max(first);
        Stretch { start: start.min(end - TimeDelta(1)), end }
    }

    /// A stretch has been read and is durable; takes more or less at once next time.
    pub fn done(&mut self, stretch: Stretch, samples: usize, samples_max: u64) {
        self.read_until = self.read_until.max(stretch.end);
        let samples = samples as u64;
        if samples > samples_max / 2 {
            self.halve();
        } else if samples < samples_max / 4 {
            self.chunk = TimeDelta(self.chunk.0 * 2).min(CHUNK_MAX);
        }
    }

    /// Takes half as much next time; not less than can be read at all.
    pub fn halve(&mut self) {
        self.chunk = TimeDelta(self.chunk.0 / 2).max(CHUNK_MIN);
    }

    /// A stretch holds thinned-out samples: narrows it down, and leaves it out when it is narrow. Says whether it
    /// was left out; what is newer cannot be.
    pub fn leave_out(&mut self, stretch: Stretch, now: Timestamp, lookback: TimeDelta) -> bool {
        if now - stretch.end < COARSE_MAX && !self.is_at_begin() {
            return false;
        }
        if stretch.end - self.read_until > COARSE_MAX {
            self.chunk = TimeDelta((stretch.end - self.read_until).0 / 2);
            return true;
        }
        if now - stretch.end < COARSE_MAX {
            return false;
        }
        self.read_until = self.read_until.max(stretch.end);
        self.begun_at = self.read_until;
        self.baseline_until = Some(self.read_until + lookback);
        true
    }

    fn is_at_begin(&self) -> bool {
        self.read_until == self.begun_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = TimeDelta::MINUTE.0;

    fn reach(is_full: bool) -> Reach {
        Reach { overlap: TimeDelta(5 * MINUTE), margin: TimeDelta(30_000), is_full }
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp(1_700_000_000_000 + minutes * MINUTE)
    }

    fn minutes(stretch: Stretch) -> (f64, f64) {
        let of = |moment: Timestamp| (moment - at(0)).0 as f64 / MINUTE as f64;
        (of(stretch.start), of(stretch.end))
    }

    #[test]
    fn while_all_is_well_little_is_read_again_and_now_and_then_more() {
        let track = Track::resumed(Vec::new(), at(10));
        let soon = at(10) + TimeDelta(15_000);
        assert_eq!(minutes(track.next(soon, reach(false))), (9.5, 10.25));
        let mut track = Track::resumed(Vec::new(), at(0));
        track.read_until = at(10);
        assert_eq!(minutes(track.next(soon, reach(false))), (9.5, 10.25));
        assert_eq!(minutes(track.next(soon, reach(true))), (5.0, 10.25));
    }

    #[test]
    fn what_was_missed_is_read_oldest_first_in_stretches_that_grow() {
        let mut track = Track::begun(Vec::new(), at(0), TimeDelta(5 * MINUTE));
        let mut read = Vec::new();
        while track.is_behind(at(500), reach(false)) {
            let stretch = track.next(at(500), reach(false));
            read.push(minutes(stretch));
            track.done(stretch, 10, 1000);
        }
        assert_eq!(read, [(0.0, 60.0), (55.0, 180.0), (175.0, 420.0), (415.0, 500.0)]);
        track.halve();
        track.done(Stretch { start: at(500), end: at(501) }, 600, 1000);
        assert_eq!(track.read_until, at(501));
    }

    #[test]
    fn thinned_out_history_is_narrowed_down_and_left_out() {
        let now = at(3000);
        let mut track = Track::begun(Vec::new(), at(0), TimeDelta(5 * MINUTE));
        track.chunk = TimeDelta(240 * MINUTE);
        let mut tries = 0;
        while track.read_until < at(120) {
            let stretch = track.next(now, reach(false));
            assert!(track.leave_out(stretch, now, TimeDelta(5 * MINUTE)));
            tries += 1;
        }
        assert_eq!((track.read_until, track.begun_at, tries), (at(120), at(120), 4));
        let mut live = Track::resumed(Vec::new(), at(0));
        live.read_until = at(2999);
        let stretch = live.next(now, reach(false));
        assert!(!live.leave_out(stretch, now, TimeDelta(5 * MINUTE)), "what is new must be whole");
    }
}
