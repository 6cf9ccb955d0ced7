//! Time intervals as people write them: `monday:friday`, `09:00`, `-3:-1`, `january`.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, MapReader, Spanned};

use crate::fields::items;
use crate::{DayPart, Range, TimeIntervalPart, Zone};

const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

pub(super) fn part(node: &Node, cx: &mut Cx<'_>) -> Option<TimeIntervalPart> {
    let mut map = MapReader::open(node, cx)?;
    let times = items(map.node("times"), cx, day_part);
    let weekdays =
        ranges(&mut map, "weekdays", cx, &|text| named(text, &WEEKDAYS, 0), "a day such as monday");
    let days = ranges(
        &mut map,
        "days_of_month",
        cx,
        &day_of_month,
        "a day from 1 to 31, or from the end as -1 to -31",
    );
    let months = ranges(
        &mut map,
        "months",
        cx,
        &|text| number(text, 1, 12).or_else(|| named(text, &MONTHS, 1)),
        "a month such as january, or a number from 1 to 12",
    );
    let years = ranges(&mut map, "years", cx, &|text| number(text, 1, 9999), "a year such as 2026");
    let location: Option<Spanned<String>> = map.optional("location", cx);
    map.finish(cx);
    let location = match location {
        None => Zone::utc(),
        Some(name) => Zone::named(&name.value).unwrap_or_else(|| {
            let message = format!("unknown time zone {:?}", name.value);
            cx.error_help(name.span, message, "write an IANA name such as Europe/Berlin");
            Zone::utc()
        }),
    };
    Some(TimeIntervalPart { times, weekdays, days_of_month: days, months, years, location })
}

fn day_part(node: &Node, cx: &mut Cx<'_>) -> Option<DayPart> {
    let mut map = MapReader::open(node, cx)?;
    let start: Option<Spanned<String>> = map.required("start_time", cx);
    let end: Option<Spanned<String>> = map.required("end_time", cx);
    map.finish(cx);
    let (start, end) = (start?, end?);
    let part = DayPart { start_min: minute(&start, cx)?, end_min: minute(&end, cx)? };
    if part.start_min >= part.end_min {
        let help = "an interval over midnight is two: until 24:00, and from 00:00";
        cx.error_help(end.span, "the end must come after the start", help);
    }
    Some(part)
}

fn minute(text: &Spanned<String>, cx: &mut Cx<'_>) -> Option<i32> {
    let parsed = text.value.split_once(':').and_then(|(h, m)| {
        let two_digits = |t: &str| if t.len() == 2 { number(t, 0, 59) } else { None };
        let minute = two_digits(h)? * 60 + two_digits(m)?;
        (minute <= 1440).then_some(minute)
    });
    if parsed.is_none() {
        let message = format!("{:?} is not a time of day", text.value);
        cx.error_help(text.span, message, "write hours and minutes, such as 09:00, up to 24:00");
    }
    parsed
}

fn ranges(
    map: &mut MapReader<'_>,
    field: &'static str,
    cx: &mut Cx<'_>,
    read: &dyn Fn(&str) -> Option<i32>,
    expected: &str,
) -> Vec<Range> {
    let texts: Vec<Spanned<String>> = map.optional(field, cx).unwrap_or_default();
    texts.iter().filter_map(|text| range(text, cx, read, expected)).collect()
}

fn range(
    text: &Spanned<String>,
    cx: &mut Cx<'_>,
    read: &dyn Fn(&str) -> Option<i32>,
    expected: &str,
) -> Option<Range> {
    let lower = text.value.to_lowercase();
    let (first, last) = lower.split_once(':').unwrap_or((&lower, &lower));
    let (Some(first), Some(last)) = (read(first.trim()), read(last.trim())) else {
        let message = format!("{:?} is neither {expected} nor a range of two with a colon", text.value);
        cx.error(text.span, message);
        return None;
    };
    if first > last && (first < 0) == (last < 0) {
        cx.error(text.span, format!("the range {:?} ends before it starts", text.value));
    }
    if first < 0 && last > 0 {
        cx.error(
            text.span,
            format!("the range {:?} cannot go from the end of a month to its start", text.value),
        );
    }
    Some(Range { first, last })
}

fn number(text: &str, min: i32, max: i32) -> Option<i32> {
    text.parse().ok().filter(|n| (min..=max).contains(n))
}

fn named(text: &str, names: &[&str], first: i32) -> Option<i32> {
    names.iter().position(|name| *name == text).map(|at| at as i32 + first)
}

fn day_of_month(text: &str) -> Option<i32> {
    number(text, -31, 31).filter(|day| *day != 0)
}
