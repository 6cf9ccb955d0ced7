//! The period of an objective, from YAML: `28d`, or `{calendar: month, zone: Europe/Berlin}`.

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Decode, MapReader, scalar};
use bellwether_model::TimeDelta;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::decode::parts::{PERIOD_MAX, window};
use crate::period::{Calendar, CalendarUnit, Period, zone_named};

const UNITS_HELP: &str = "write day, week, fortnight, month, quarter or year";
const START_HELP: &str = "write a local date such as 2026-01-15, or a date and time such as 2026-01-15T06:00";

impl Decode for Period {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        match &node.value {
            Value::Mapping(_) => Calendar::decode(node, cx).map(Self::Calendar),
            Value::Scalar(text) if named_unit(&text.text).is_some() => {
                let help = format!("write {{calendar: {}}}, or a rolling period such as 28d", text.text);
                cx.error_help(node.span, format!("{:?} is not a length of time", text.text), help);
                None
            }
            Value::Scalar(_) | Value::Null | Value::Sequence(_) => {
                window(node, "period", cx).map(Self::Rolling)
            }
        }
    }
}

impl Decode for Calendar {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let unit = match map.node("calendar") {
            Some(node) => unit(node, cx),
            None => map.required::<String>("calendar", cx).and(None),
        };
        let count = map.node("count").map_or(Some(1), |node| count(node, cx));
        let zone = map.node("zone").map_or(Some(TimeZone::UTC), |node| zone(node, cx));
        let start = map.node("start").map_or(Some(Self::USUAL_START), |node| start(node, cx));
        map.finish(cx);
        let ((unit, units), count, zone, start) = (unit?, count?, zone?, start?);
        let calendar = Self { count: count.checked_mul(units)?, unit, start, zone };
        // The longest may hold an hour more, where clocks are put back.
        if calendar.length_max() > PERIOD_MAX + TimeDelta::HOUR {
            let text = Period::Calendar(calendar).text();
            cx.error(node.span, format!("{text} is longer than {PERIOD_MAX}"));
            return None;
        }
        Some(calendar)
    }
}

/// A unit of the calendar and how many of it: a fortnight is two weeks.
fn named_unit(text: &str) -> Option<(CalendarUnit, u32)> {
    let found = CalendarUnit::ALL.into_iter().find(|unit| unit.as_str().eq_ignore_ascii_case(text));
    let fortnight = text.eq_ignore_ascii_case("fortnight").then_some((CalendarUnit::Week, 2));
    found.map(|unit| (unit, 1)).or(fortnight)
}

fn unit(node: &Node, cx: &mut Cx<'_>) -> Option<(CalendarUnit, u32)> {
    let text = &scalar(node, "a unit of the calendar", cx)?.text;
    let found = named_unit(text.trim());
    if found.is_none() {
        cx.error_help(node.span, format!("{text:?} is not a unit of the calendar"), UNITS_HELP);
    }
    found
}

fn count(node: &Node, cx: &mut Cx<'_>) -> Option<u32> {
    let count = u32::decode(node, cx)?;
    // More than four years of days are refused by their length; this keeps the product small.
    if !(1..=10_000).contains(&count) {
        cx.error_help(
            node.span,
            format!("{count} is no number of periods"),
            "write 1 or more, together at most four years",
        );
        return None;
    }
    Some(count)
}

fn zone(node: &Node, cx: &mut Cx<'_>) -> Option<TimeZone> {
    let name = &scalar(node, "a time zone", cx)?.text;
    match zone_named(name) {
        Ok(zone) => Some(zone),
        Err(unknown) => {
            let help = match unknown.nearest {
                Some(nearest) => format!("did you mean {nearest}?"),
                None => "write an IANA name such as Europe/Berlin, or UTC".to_owned(),
            };
            cx.error_help(node.span, format!("no time zone is called {name:?}"), help);
            None
        }
    }
}

/// A local date, or date and time; a zone in it would contradict the zone beside it.
fn start(node: &Node, cx: &mut Cx<'_>) -> Option<DateTime> {
    let text = scalar(node, "a local date", cx)?.text.trim().to_owned();
    let has_zone = text.ends_with(['Z', 'z', ']']) || text.get(10..).is_some_and(|t| t.contains(['+', '-']));
    let read = match text.len() {
        10 => text.parse::<Date>().map(DateTime::from),
        _ => text.parse::<DateTime>(),
    };
    match read {
        Ok(start) if !has_zone && (1900..=2200).contains(&start.year()) => Some(start),
        Ok(_) | Err(_) => {
            let why = if has_zone { "names a zone: it is local to zone:" } else { "is not a local date" };
            cx.error_help(node.span, format!("{text:?} {why}"), START_HELP);
            None
        }
    }
}
