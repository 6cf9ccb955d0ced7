//! When a route speaks: office hours, holidays, maintenance nights. Written in people's own time zone, so that a
//! working day begins at nine on both sides of a change of the clocks.

use std::collections::BTreeMap;

use bellwether_model::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Serialize, Serializer};

/// A range with both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Range {
    /// First value.
    pub first: i32,
    /// Last value.
    pub last: i32,
}

impl Range {
    fn holds(self, value: i32) -> bool {
        (self.first..=self.last).contains(&value)
    }
}

/// Part of a day in minutes from midnight; the end is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DayPart {
    /// First minute.
    pub start_min: i32,
    /// The minute after the last; 1440 is the end of the day.
    pub end_min: i32,
}

/// A time zone of the built-in database.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated Universal Time.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// By IANA name, such as `Europe/Berlin`; `None` when there is no such zone.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "" | "UTC" => Some(Self::utc()),
            _ => TimeZoneDatabase::bundled().get(name).ok().map(Self),
        }
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

/// All lists that are not empty must hold; within a list one entry is enough.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimeIntervalPart {
    /// Parts of the day.
    pub times: Vec<DayPart>,
    /// Days of the week, Sunday is 0.
    pub weekdays: Vec<Range>,
    /// Days of the month from 1, or from the end as -1.
    pub days_of_month: Vec<Range>,
    /// Months from 1.
    pub months: Vec<Range>,
    /// Years.
    pub years: Vec<Range>,
    /// Whose clock.
    pub location: Zone,
}

/// A named interval: the union of its parts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimeInterval {
    /// Its parts.
    pub parts: Vec<TimeIntervalPart>,
}

impl TimeInterval {
    /// Whether a moment lies in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.parts.iter().any(|part| part.contains(at))
    }
}

impl TimeIntervalPart {
    fn contains(&self, at: Timestamp) -> bool {
        let Ok(moment) = jiff::Timestamp::from_millisecond(at.0) else { return false };
        let local = self.location.0.to_datetime(moment);
        let minute = i32::from(local.hour()) * 60 + i32::from(local.minute());
        let weekday = i32::from(local.weekday().to_sunday_zero_offset());
        let (day, days) = (i32::from(local.day()), i32::from(local.days_in_month()));
        (self.times.is_empty() || self.times.iter().any(|t| (t.start_min..t.end_min).contains(&minute)))
            && holds(&self.weekdays, weekday)
            && (self.days_of_month.is_empty() || self.days_of_month.iter().any(|d| day_holds(*d, day, days)))
            && holds(&self.months, i32::from(local.month()))
            && holds(&self.years, i32::from(local.year()))
    }
}

fn holds(spans: &[Range], value: i32) -> bool {
    spans.is_empty() || spans.iter().any(|s| s.holds(value))
}

/// A range counted from the end of the month is moved onto this month; days it does not have are cut off.
fn day_holds(span: Range, day: i32, days_in_month: i32) -> bool {
    let on_this_month = |d: i32| if d < 0 { days_in_month + d + 1 } else { d };
    let (first, last) = (on_this_month(span.first), on_this_month(span.last));
    (first.max(1)..=last.min(days_in_month)).contains(&day)
}

/// Names of the intervals that keep a route quiet at a moment.
pub(crate) fn muted_by(
    route: &crate::Route,
    intervals: &BTreeMap<String, TimeInterval>,
    at: Timestamp,
) -> Vec<String> {
    let inside = |name: &&String| intervals.get(*name).is_some_and(|i| i.contains(at));
    let muting: Vec<_> = route.mute_time_intervals.iter().filter(inside).cloned().collect();
    if !muting.is_empty() {
        return muting;
    }
    match route.active_time_intervals.is_empty() || route.active_time_intervals.iter().any(|n| inside(&n)) {
        true => Vec::new(),
        false => route.active_time_intervals.clone(),
    }
}
