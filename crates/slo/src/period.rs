//! Over which time a budget is judged: the last so many days, or the present day, week or month somewhere on earth.

use bellwether_model::{TimeDelta, Timestamp};
use jiff::Span;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// What happened after one moment, up to and including another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stretch {
    /// Events at this moment lie before it.
    pub begin: Timestamp,
    /// Events at this moment lie in it.
    pub end: Timestamp,
}

impl Stretch {
    /// From begin to end.
    pub fn length(self) -> TimeDelta {
        self.end - self.begin
    }
}

/// The period of a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Period {
    /// The last so much time, at every moment.
    Rolling(TimeDelta),
    /// From one turn of the calendar to the next.
    Calendar(Calendar),
}

/// Periods that begin when the calendar says, so many units after one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// How many units a period has; at least 1.
    pub count: u32,
    /// Of what.
    pub unit: CalendarUnit,
    /// Local time at which one of the periods begins.
    pub start: DateTime,
    /// Where: an IANA time zone.
    pub zone: TimeZone,
}

/// What a calendar counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CalendarUnit {
    /// From midnight to midnight, be it 23 or 25 hours.
    Day,
    /// Seven days.
    Week,
    /// From the first to the first, unless the start says otherwise.
    Month,
    /// Three months.
    Quarter,
    /// Twelve months.
    Year,
}

impl CalendarUnit {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// Its usual length: a year of 365 days has twelve months.
    const fn length(self) -> TimeDelta {
        let days = match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => return TimeDelta(365 * TimeDelta::DAY.0 / 12),
            Self::Quarter => return TimeDelta(365 * TimeDelta::DAY.0 / 4),
            Self::Year => 365,
        };
        TimeDelta(days * TimeDelta::DAY.0)
    }
}

impl Calendar {
    /// A Monday that is also the first of a month, so that weeks begin on Mondays and months on their first day.
    pub const USUAL_START: DateTime = DateTime::constant(2018, 1, 1, 0, 0, 0, 0);

    /// `start` moved on by so many periods; `None` beyond the ends of the calendar.
    fn turn(&self, periods: i64) -> Option<Timestamp> {
        let units = periods.checked_mul(i64::from(self.count))?;
        let span = match self.unit {
            CalendarUnit::Day => Span::new().try_days(units),
            CalendarUnit::Week => Span::new().try_weeks(units),
            CalendarUnit::Month => Span::new().try_months(units),
            CalendarUnit::Quarter => Span::new().try_months(units.checked_mul(3)?),
            CalendarUnit::Year => Span::new().try_years(units),
        };
        let local = self.start.checked_add(span.ok()?).ok()?;
        let zoned = local.to_zoned(self.zone.clone()).ok()?;
        Some(Timestamp(zoned.timestamp().as_millisecond()))
    }

    /// The period that contains a moment: it begins before it and ends at it or later, as events are booked.
    pub fn period_at(&self, at: Timestamp) -> Stretch {
        let length = self.unit.length().0 * i64::from(self.count);
        let start = self.turn(0).unwrap_or(Timestamp(0));
        // The usual length is at most a few days off in a period's count; then step to the right one.
        let mut number = (at.0 - start.0).div_euclid(length);
        while self.turn(number).is_some_and(|begin| begin >= at) {
            number -= 1;
        }
        while self.turn(number + 1).is_some_and(|end| end < at) {
            number += 1;
        }
        Stretch {
            begin: self.turn(number).unwrap_or(at),
            end: self.turn(number + 1).unwrap_or(Timestamp::MAX),
        }
    }

    /// Name of its time zone.
    pub fn zone_name(&self) -> String {
        self.zone.iana_name().unwrap_or("UTC").to_owned()
    }
}

impl Period {
    /// Its length; of a calendar period the usual one.
    pub fn length(&self) -> TimeDelta {
        match self {
            Self::Rolling(length) => *length,
            Self::Calendar(calendar) => TimeDelta(calendar.unit.length().0 * i64::from(calendar.count)),
        }
    }

    /// The period that is judged at a moment. A rolling one ends there; one of the calendar may end later.
    pub fn range_at(&self, at: Timestamp) -> Stretch {
        match self {
            Self::Rolling(length) => Stretch { begin: at - *length, end: at },
            Self::Calendar(calendar) => calendar.period_at(at),
        }
    }

    /// As people read it.
    pub fn text(&self) -> String {
        match self {
            // People say 28d, not 4w.
            Self::Rolling(length) if length.0 % TimeDelta::DAY.0 == 0 => {
                format!("rolling {}d", length.0 / TimeDelta::DAY.0)
            }
            Self::Rolling(length) => format!("rolling {length}"),
            Self::Calendar(calendar) => {
                let unit = calendar.unit.as_str();
                let every = match calendar.count {
                    1 => format!("calendar {unit}"),
                    count => format!("every {count} {unit}s"),
                };
                match calendar.zone == TimeZone::UTC {
                    true => every,
                    false => format!("{every} in {}", calendar.zone_name()),
                }
            }
        }
    }
}
