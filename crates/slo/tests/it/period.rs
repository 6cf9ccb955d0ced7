//! Calendar periods: where they begin and end, also where clocks are put forward and back, and how they are written.

use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_slo::{Calendar, CalendarUnit, Period, parse};
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

#[test]
fn months_from_the_31st_end_where_a_month_has_no_31st() {
    let mut calendar = Calendar {
        count: 1,
        unit: CalendarUnit::Month,
        start: "2026-01-31T06:00".parse().unwrap(),
        zone: TimeZone::get("Europe/Berlin").unwrap(),
    };
    let moment = |text: &str| {
        let zoned: Zoned = format!("{text}[Europe/Berlin]").parse().unwrap();
        bellwether_model::Timestamp(zoned.timestamp().as_millisecond())
    };
    let check = |at, begin, end| {
        let period = calendar.period_at(moment(at));
        assert_eq!((period.begin, period.end), (moment(begin), moment(end)), "{at}");
    };
    check("2026-02-28T06:00", "2026-01-31T06:00", "2026-02-28T06:00");
    check("2026-02-28T06:01", "2026-02-28T06:00", "2026-03-31T06:00");
    check("2026-04-01T00:00", "2026-03-31T06:00", "2026-04-30T06:00");
    calendar.count = 2;
    assert_eq!(calendar.length_max().to_string(), "62d1h");
}

/// How a period is read, as its text, or what is wrong with it.
fn written(window: &str) -> String {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let yaml = format!(
        "slos:\n  - name: a\n    goal: 0.9\n    window: {window}\n    indicator: {{ratio: {{bad: e, total: t}}}}\n"
    );
    let file = sources.add("slo.yaml", yaml);
    let slos = parse(&sources, file, &mut out);
    let style = Style { color: false };
    let problems = out.render(&sources, style);
    match problems.lines().next() {
        Some(problem) => problem.to_owned(),
        None => slos[0].period.text(),
    }
}

#[test]
fn a_period_of_the_calendar_is_written_by_its_unit_and_zone() {
    let cases = [
        ("28d", "rolling 28d"),
        ("{calendar: month}", "calendar month"),
        ("{calendar: month, zone: UTC}", "calendar month"),
        ("{calendar: month, zone: Europe/Berlin}", "calendar month in Europe/Berlin"),
        ("{calendar: fortnight}", "every 2 weeks"),
        ("{calendar: fortnight, count: 2}", "every 4 weeks"),
        ("{calendar: Quarter, zone: Asia/Kolkata}", "calendar quarter in Asia/Kolkata"),
        ("{calendar: year, start: 2026-04-01}", "calendar year from 2026-04-01"),
        ("{calendar: day, start: 2026-04-01T06:00}", "calendar day from 2026-04-01T06:00"),
        ("{calendar: year, count: 4}", "every 4 years"),
        (
            "{calendar: month, zone: Europe/Berln}",
            "4:37: error: no time zone is called \"Europe/Berln\"; did you mean Europe/Berlin?",
        ),
        ("{calendar: month, zone: berlin}", "did you mean Europe/Berlin?"),
        ("{calendar: month, zone: Middle-earth}", "write an IANA name such as Europe/Berlin, or UTC"),
        ("{calendar: decade}", "\"decade\" is not a unit of the calendar"),
        ("{zone: UTC}", "calendar is missing"),
        ("{calendar: month, tz: UTC}", "unknown field \"tz\""),
        ("{calendar: month, count: 0}", "0 is no number of periods"),
        ("{calendar: year, count: 5}", "every 5 years is longer than"),
        ("{calendar: day, start: tomorrow}", "\"tomorrow\" is not a local date"),
        ("{calendar: day, start: 2026-04-01T06:00Z}", "names a zone: it is local to zone:"),
        ("{calendar: day, start: 2026-02-30}", "is not a local date"),
        ("month", "write {calendar: month}, or a rolling period such as 28d"),
    ];
    for (window, want) in cases {
        let got = written(window);
        assert!(got == want || (want.contains(' ') && got.contains(want)), "{window}: {got}");
    }
}
