//! Calendar periods: where they begin and end, also where clocks are put forward and back.

use bellwether_slo::{Calendar, CalendarUnit, Period};
use jiff::Zoned;
use jiff::tz::TimeZone;

fn check(unit: CalendarUnit, count: u32, zone: &str, cases: &[(&str, &str, &str)]) {
    let zone_of = TimeZone::get(zone).unwrap();
    let calendar = Calendar { count, unit, start: Calendar::USUAL_START, zone: zone_of };
    let moment = |text: &str| {
        let zoned: Zoned = format!("{text}[{zone}]").parse().unwrap();
        bellwether_model::Timestamp(zoned.timestamp().as_millisecond())
    };
    for (at, begin, end) in cases {
        let period = calendar.period_at(moment(at));
        assert_eq!((period.begin, period.end), (moment(begin), moment(end)), "{count} {unit:?} at {at}");
        let judged = Period::Calendar(calendar.clone()).range_at(moment(at));
        assert_eq!(judged, period);
    }
}

#[test]
fn a_day_is_as_long_as_the_clock_says() {
    let cases = [
        ("2026-03-29T12:00", "2026-03-29T00:00", "2026-03-30T00:00"), // 23 hours
        ("2026-10-25T02:30", "2026-10-25T00:00", "2026-10-26T00:00"), // 25 hours
        ("2026-10-25T00:00", "2026-10-24T00:00", "2026-10-25T00:00"), // midnight ends a day
        ("2026-10-25T00:00:00.001", "2026-10-25T00:00", "2026-10-26T00:00"),
    ];
    check(CalendarUnit::Day, 1, "Europe/Berlin", &cases);
}

#[test]
fn weeks_begin_on_mondays_and_fortnights_every_second_one() {
    check(CalendarUnit::Week, 1, "UTC", &[("2026-11-21T10:00", "2026-11-16T00:00", "2026-11-23T00:00")]);
    check(CalendarUnit::Week, 2, "UTC", &[("2026-11-21T10:00", "2026-11-09T00:00", "2026-11-23T00:00")]);
    check(CalendarUnit::Week, 1, "UTC", &[("1969-12-31T10:00", "1969-12-29T00:00", "1970-01-05T00:00")]);
}

#[test]
fn months_quarters_and_years_begin_on_their_first_day() {
    let zone = "America/New_York";
    check(CalendarUnit::Month, 1, zone, &[("2024-02-29T23:00", "2024-02-01T00:00", "2024-03-01T00:00")]);
    check(CalendarUnit::Quarter, 1, zone, &[("2024-02-29T23:00", "2024-01-01T00:00", "2024-04-01T00:00")]);
    check(CalendarUnit::Year, 1, zone, &[("2024-12-31T23:59", "2024-01-01T00:00", "2025-01-01T00:00")]);
}
