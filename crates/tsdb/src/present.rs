//! What the store is told of time, since it knows no clock: from when on samples are kept, and that a clock was ahead once.
//!
//! A clock that goes an hour or a day ahead and comes back leaves series whose last sample lies in the future. All that
//! is right would then be refused as older, until the time has come that the clock had shown. So what comes at its right
//! time is taken beside it, and readers find both where they belong.

use bellwether_model::{TimeDelta, Timestamp};

use crate::store::Store;

/// What lies further ahead than this was measured by a wrong clock; as Prometheus bounds samples of others.
const AHEAD_MAX: TimeDelta = TimeDelta(10 * TimeDelta::MINUTE.0);
/// So late are samples at their right time, since they are stored a little after it.
const BEHIND_MAX: TimeDelta = TimeDelta(5 * TimeDelta::MINUTE.0);

/// What is known of time by whoever has a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    /// The moment it is, more or less.
    pub now: Timestamp,
    /// Samples before this moment are refused: retention would drop them at its next turn.
    pub oldest: Timestamp,
}

/// What was told last.
#[derive(Clone, Copy, Default)]
pub(crate) struct KnownClock {
    present: Option<Present>,
    /// Whether something in memory is far ahead.
    was_ahead: bool,
}

impl KnownClock {
    /// The oldest moment that is taken.
    pub(crate) fn oldest(&self) -> Timestamp {
        self.present.map_or(Timestamp::MIN, |present| present.oldest)
    }

    /// Whether the clock had been far ahead.
    pub(crate) fn was_ahead(&self) -> bool {
        self.was_ahead
    }

    /// How far behind the last of its series an entry may be because that one is ahead; 0 if no clock was.
    pub(crate) fn window_behind(&self, last: Option<Timestamp>, window: TimeDelta) -> TimeDelta {
        let ahead = self.present.filter(|_| self.was_ahead).zip(last);
        match ahead.map(|(present, last)| last.0.saturating_sub(present.now.0)).filter(|ahead| *ahead > 0) {
            Some(ahead) => TimeDelta(ahead.saturating_add(window.max(BEHIND_MAX).0)),
            None => TimeDelta::ZERO,
        }
    }

    fn told(self, present: Present, latest: Option<Timestamp>) -> Self {
        let was_ahead = match latest.map(|latest| latest.0.saturating_sub(present.now.0)) {
            // Until it is over: the last minutes before it are to be taken too.
            Some(ahead) => ahead > AHEAD_MAX.0 || self.was_ahead && ahead > 0,
            // While a segment is being made it is not known what is left.
            None => self.was_ahead,
        };
        Self { present: Some(present), was_ahead }
    }
}

impl Store {
    /// Says what time it is, and from when on samples are kept. Until this is called the first time, anything that is not
    /// before the floor is taken. It may go back. Gives the time of the latest sample in memory if that is so far ahead
    /// that only a wrong clock can have measured it.
    pub fn set_present(&self, present: Present) -> Option<Timestamp> {
        let latest = self.unsealed().map(|range| range.end);
        let mut state = self.shared.write();
        state.clock = state.clock.told(present, latest);
        latest.filter(|_| state.clock.was_ahead)
    }
}
