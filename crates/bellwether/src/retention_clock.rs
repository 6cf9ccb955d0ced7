//! From which moment retention counts: from that of the clock, unless the clock has jumped ahead. A clock that shows next
//! year for a minute would otherwise delete all there is, and nobody gets that back by setting it right.
//!
//! What happens on purpose looks the same: a machine that slept, a server that was off for a month. So a jump is
//! believed after a day. Keeping samples for a day more costs little.

use std::time::Duration;

use bellwether_model::{TimeDelta, Timestamp};

/// A clock that is set right, or a machine that slept for a moment, is ahead by no more than this.
const JUMP_MIN: TimeDelta = TimeDelta::HOUR;
/// How long a jump is not believed.
const DOUBT: Duration = Duration::from_secs(24 * 3600);

/// Holds the clock against the time that has passed.
#[derive(Clone, Copy, Debug)]
pub struct RetentionClock {
    /// What was believed last, and for how long the process had been running then.
    believed: Timestamp,
    running: Duration,
    /// When the jump was seen that is not believed yet.
    doubted_since: Option<Duration>,
}

/// What is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Believed {
    /// The moment from which retention counts.
    pub now: Timestamp,
    /// How far ahead of that the clock is, if that is doubted.
    pub ahead: Option<TimeDelta>,
}

impl RetentionClock {
    /// For a store whose newest sample is of a moment: before this start the time can have been no other.
    pub fn new(now: Timestamp, newest: Option<Timestamp>) -> Self {
        let believed = newest.map_or(now, |newest| newest.min(now));
        Self { believed, running: Duration::ZERO, doubted_since: None }
    }

    /// What to believe when the clock shows a moment and the process has been running for so long.
    pub fn look(&mut self, now: Timestamp, running: Duration) -> Believed {
        let passed = running.saturating_sub(self.running);
        let passed = TimeDelta(i64::try_from(passed.as_millis()).unwrap_or(i64::MAX));
        let expected = self.believed.saturating_add(passed);
        let ahead = TimeDelta(now.0.saturating_sub(expected.0));
        if ahead <= JUMP_MIN {
            *self = Self { believed: now, running, doubted_since: None };
            return Believed { now, ahead: None };
        }
        let since = *self.doubted_since.get_or_insert(running);
        if running.saturating_sub(since) >= DOUBT {
            *self = Self { believed: now, running, doubted_since: None };
            return Believed { now, ahead: None };
        }
        (self.believed, self.running) = (expected, running);
        Believed { now: expected, ahead: Some(ahead) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = TimeDelta::HOUR.0;
    const DAY: i64 = TimeDelta::DAY.0;

    /// Looks every five minutes for some hours while a clock shows what a function of the true time gives; gives the
    /// furthest moment that was believed before the true time passed it, and how many hours were doubted.
    fn played(newest: Option<i64>, hours: i64, wall: impl Fn(i64) -> i64) -> (i64, i64) {
        let begin = 1000 * DAY;
        let newest = newest.map(|before| Timestamp(begin - before));
        let mut clock = RetentionClock::new(Timestamp(wall(0) + begin), newest);
        let (mut furthest, mut doubted) = (i64::MIN, 0);
        for step in 0..=hours * 12 {
            let passed = step * HOUR / 12;
            let believed =
                clock.look(Timestamp(begin + wall(passed)), Duration::from_millis(passed.unsigned_abs()));
            furthest = furthest.max(believed.now.0 - begin - passed);
            doubted += i64::from(believed.ahead.is_some());
        }
        (furthest, doubted / 12)
    }

    #[test]
    fn a_jump_ahead_is_believed_after_a_day_and_one_that_goes_back_never() {
        let jump = |ahead: i64, from: i64, to: i64| {
            move |passed: i64| passed + if (from..to).contains(&(passed / HOUR)) { ahead } else { 0 }
        };
        // The clock is right, drifts, or is put right by some minutes.
        assert_eq!(played(None, 48, |passed| passed), (0, 0));
        assert_eq!(played(None, 48, |passed| passed + passed / 1000), (48 * HOUR / 1000, 0));
        assert_eq!(played(None, 48, jump(HOUR / 2, 3, 99)), (HOUR / 2, 0));
        // It goes ahead and comes back.
        assert_eq!(played(None, 48, jump(2 * HOUR, 3, 20)), (0, 17));
        assert_eq!(played(None, 48, jump(DAY, 3, 4)), (0, 1));
        assert_eq!(played(None, 48, jump(365 * DAY, 3, 20)), (0, 17));
        // It goes ahead and stays there.
        assert_eq!(played(None, 26, jump(365 * DAY, 3, 999)), (0, 23));
        assert_eq!(played(None, 48, jump(365 * DAY, 3, 999)), (365 * DAY, 24));
        // It goes back.
        assert_eq!(played(None, 48, jump(-DAY, 3, 999)), (0, 0));
        assert_eq!(played(None, 48, jump(-DAY, 3, 20)), (0, 24), "coming back is a jump ahead too");
    }

    #[test]
    fn a_server_that_was_off_for_long_deletes_nothing_on_its_first_day() {
        assert_eq!(played(Some(HOUR / 4), 48, |passed| passed), (0, 0));
        assert_eq!(played(Some(90 * DAY), 12, |passed| passed), (-90 * DAY, 12));
        assert_eq!(played(Some(90 * DAY), 48, |passed| passed), (0, 24));
        // The newest sample was measured by a clock that was ahead.
        assert_eq!(played(Some(-90 * DAY), 48, |passed| passed), (0, 0));
    }
}
