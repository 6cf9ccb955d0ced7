//! Over which time a budget is judged: the last so many days, or the present day, week or month somewhere on earth.

use bellwether_diag::suggest;
use bellwether_model::{TimeDelta, Timestamp};
use jiff::Span;
use jiff::civil::{DateTime, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// Of periods up to a quarter the one before is kept, too.
const REACH_TWICE_MAX: TimeDelta = TimeDelta(93 * TimeDelta::DAY.0);

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

    /// The longest it can be, in days.
    const fn days_max(self) -> i64 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 31,
            Self::Quarter => 92,
            Self::Year => 366,
        }
    }
}

/// A name that no time zone has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownZone {
    /// The zone that was probably meant.
    pub nearest: Option<String>,
}

/// The time zone of an IANA name, from the table this program carries: the machine's own may differ from the next's.
pub fn zone_named(name: &str) -> Result<TimeZone, UnknownZone> {
    let table = TimeZoneDatabase::bundled();
    if name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    table.get(name).map_err(|_| {
        let names: Vec<String> = table.available().map(|known| known.to_string()).collect();
        // People know the city: Berlin is meant to be Europe/Berlin.
        let city = |known: &&String| known.rsplit('/').next().is_some_and(|c| c.eq_ignore_ascii_case(name));
        let nearest = suggest(name, names.iter().map(String::as_str)).map(str::to_owned);
        UnknownZone { nearest: names.iter().find(city).cloned().or(nearest) }
    })
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

    /// The longest one of its periods can be: an hour more where clocks are put back.
    pub fn length_max(&self) -> TimeDelta {
        TimeDelta(self.unit.days_max() * i64::from(self.count) * TimeDelta::DAY.0 + TimeDelta::HOUR.0)
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

    /// How much of the past it takes to know it: of one of the calendar also the period before, against which the
    /// present one is seen while it is young. Of very long ones that would be too much.
    pub fn reach(&self) -> TimeDelta {
        match self {
            Self::Rolling(length) => *length,
            Self::Calendar(calendar) if calendar.length_max() <= REACH_TWICE_MAX => {
                TimeDelta(2 * calendar.length_max().0)
            }
            Self::Calendar(calendar) => calendar.length_max(),
        }
    }

    /// When the budget is new; `None` for a rolling period, which has no turn.
    pub fn turn_after(&self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Rolling(_) => None,
            Self::Calendar(calendar) => Some(calendar.period_at(at).end),
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
                let begun = match calendar.start == Calendar::USUAL_START {
                    true => String::new(),
                    false => format!(" from {}", moment_text(calendar.start)),
                };
                match calendar.zone == TimeZone::UTC {
                    true => every + &begun,
                    false => format!("{every}{begun} in {}", calendar.zone_name()),
                }
            }
        }
    }
}

/// A local moment without what is zero in it.
fn moment_text(at: DateTime) -> String {
    match (at.time() == Time::midnight(), at.second()) {
        (true, _) => at.date().to_string(),
        (false, 0) => at.strftime("%Y-%m-%dT%H:%M").to_string(),
        (false, _) => at.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
    }
}
