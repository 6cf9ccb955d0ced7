//! When a target is scraped: on a grid of its own, so that targets spread over the interval and each keeps its place
//! across restarts; and which timestamp its samples get.

use bellwether_model::{Labels, TimeDelta, Timestamp};

/// A start this little late still gets the grid's timestamp. Even spacing makes timestamps compress to almost
/// nothing, and a few milliseconds of a busy scheduler say nothing about the target.
const LATE_TOLERATED: TimeDelta = TimeDelta::from_millis(100);

/// A target's grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    interval: TimeDelta,
    offset: TimeDelta,
}

impl Schedule {
    /// The place of a target in the interval follows from its labels.
    pub fn new(labels: &Labels, interval: TimeDelta) -> Self {
        let offset = (labels.fingerprint() % interval.0.max(1) as u64) as i64;
        // Whole seconds where the interval allows: people read these timestamps.
        let offset = if interval.0 % 1000 == 0 { offset / 1000 * 1000 } else { offset };
        Self { interval, offset: TimeDelta(offset) }
    }

    /// The first moment of the grid that is after `now`.
    pub fn next_after(&self, now: Timestamp) -> Timestamp {
        (now - self.offset).floor_to(self.interval) + self.offset + self.interval
    }

    /// The next moment after a scrape that was due at one moment and ended at another. A clock that runs a little slow
    /// must not bring the same moment twice.
    pub fn next(&self, due: Timestamp, ended: Timestamp) -> Timestamp {
        let is_early = ended < due && due - ended < self.interval;
        self.next_after(if is_early { due } else { ended })
    }

    /// The timestamp of a scrape that was due at one moment and started at another.
    pub fn stamp(&self, due: Timestamp, started: Timestamp) -> Timestamp {
        let late = started - due;
        let tolerated = LATE_TOLERATED.min(TimeDelta(self.interval.0 / 10));
        // Much too early means that the clock was set back meanwhile: then `due` is the one that is wrong.
        if late <= tolerated && late >= TimeDelta(-self.interval.0) { due } else { started }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(interval_s: i64) -> Schedule {
        Schedule::new(
            &Labels::from_pairs([("job", "a"), ("instance", "b:1")]),
            TimeDelta::from_secs(interval_s),
        )
    }

    #[test]
    fn a_target_keeps_its_grid_across_restarts() {
        let schedule = schedule(15);
        let first = schedule.next_after(Timestamp::from_secs(1000));
        assert_eq!(schedule.next_after(first), first + TimeDelta::from_secs(15));
        assert_eq!(schedule.next_after(first - TimeDelta(1)), first);
        assert_eq!(first.0 % 1000, 0);
    }

    #[test]
    fn a_late_start_is_stamped_with_the_truth() {
        let due = Timestamp::from_secs(1000);
        let check = |late_ms: i64, want: Timestamp| {
            assert_eq!(schedule(15).stamp(due, due + TimeDelta(late_ms)), want, "{late_ms} ms late");
        };
        check(0, due);
        check(100, due);
        check(101, due + TimeDelta(101));
        check(7000, due + TimeDelta(7000));
        check(-50, due);
        check(-3_600_000, due - TimeDelta(3_600_000)); // the clock was set back
    }
}
