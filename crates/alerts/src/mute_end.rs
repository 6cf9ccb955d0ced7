//! Until when time intervals keep a route quiet. Intervals begin and end at full minutes of some clock, so that
//! looking at every minute misses nothing.

use std::collections::BTreeMap;

use bellwether_model::{TimeDelta, Timestamp};

use crate::{Route, TimeInterval, time_interval};

/// As far as is looked: a long weekend, and Christmas in some places. What is muted for longer has no known end here.
const AHEAD: TimeDelta = TimeDelta(9 * TimeDelta::DAY.0);
const MINUTE: i64 = 60_000;

/// When the route speaks again; `None` if it is not muted, or for longer than nine days.
pub(crate) fn muted_until(
    route: &Route,
    intervals: &BTreeMap<String, TimeInterval>,
    now: Timestamp,
) -> Option<Timestamp> {
    if time_interval::muted_by(route, intervals, now).is_empty() {
        return None;
    }
    let first = now.0.div_euclid(MINUTE).saturating_add(1);
    let minutes = first..first.saturating_add(AHEAD.0 / MINUTE);
    let at = |minute: i64| Timestamp(minute.saturating_mul(MINUTE));
    minutes.map(at).find(|at| time_interval::muted_by(route, intervals, *at).is_empty())
}
