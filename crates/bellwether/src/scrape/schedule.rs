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

    /// How long to wait for a moment of the grid. It is never further away than an interval: what is waited for is time
    /// that passes, so that a clock that is set back while this is asked stops nothing.
    pub fn wait(&self, due: Timestamp, now: Timestamp) -> TimeDelta {
        TimeDelta(due.0.saturating_sub(now.0).clamp(0, self.interval.0))
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
    fn a_clock_that_jumps_stops_no_scrape_and_makes_none_come_twice() {
        const HOUR: i64 = TimeDelta::HOUR.0;
        let schedule = schedule(15);
        for jump in [-24 * HOUR, -HOUR, -20_000, -15_000, -1000, -5, 5, 1000, 15_000, HOUR, 24 * HOUR] {
            // The clock jumps while a scrape is waited for, or while it is asked how long to wait, and comes back.
            for (there, back) in [(100_500, 400_500), (105_000, 405_000), (104_999, 404_999)] {
                let wall = |real: i64| {
                    Timestamp(HOUR * 100 + real + if (there..back).contains(&real) { jump } else { 0 })
                };
                let (mut real, mut due) = (0, schedule.next_after(wall(0)));
                let (mut scrapes, mut stamps) = (Vec::new(), Vec::new());
                while real < 600_000 {
                    real += schedule.wait(due, wall(real)).0;
                    scrapes.push(real);
                    stamps.push(schedule.stamp(due, wall(real)));
                    real += 40; // the scrape takes a moment
                    due = schedule.next(due, wall(real));
                }
                let gaps = scrapes.windows(2).map(|pair| pair[1] - pair[0]);
                let (longest, shortest) = (gaps.clone().max().unwrap(), gaps.min().unwrap());
                assert!(
                    longest <= 2 * 15_000 + 40 && shortest >= 40,
                    "{jump}: {shortest} to {longest} ms apart"
                );
                assert!(
                    (37..=43).contains(&scrapes.len()),
                    "{jump}: {} scrapes in ten minutes",
                    scrapes.len()
                );
                assert!(stamps.windows(2).all(|pair| pair[0] != pair[1]), "{jump}: a moment twice in turn");
            }
        }
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
