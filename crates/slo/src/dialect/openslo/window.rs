//! Durations and time windows: `4w`, `1M` from a moment in New York on.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Diagnostic, MapReader, scalar};
use bellwether_model::TimeDelta;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::object::Version;
use crate::decode::parts::PERIOD_MAX;
use crate::dialect::not_carried;
use crate::period::{Calendar, CalendarUnit, Period, zone_named};

const HELP: &str = "write a number and one of m (minutes), h, d, w, M (months), Q, Y, such as 4w";

/// A number and a unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shorthand {
    count: u32,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
    Calendar(CalendarUnit),
}

impl Shorthand {
    /// Reads `30d`.
    pub(super) fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let text = scalar(node, "a duration such as 4w", cx)?.text.trim();
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match &text[digits.len()..] {
            "m" => Some(Unit::Minute),
            "h" => Some(Unit::Hour),
            "d" => Some(Unit::Calendar(CalendarUnit::Day)),
            "w" => Some(Unit::Calendar(CalendarUnit::Week)),
            "M" => Some(Unit::Calendar(CalendarUnit::Month)),
            "Q" => Some(Unit::Calendar(CalendarUnit::Quarter)),
            "Y" => Some(Unit::Calendar(CalendarUnit::Year)),
            _ => None,
        };
        match (digits.parse(), unit) {
            (Ok(count), Some(unit)) if count <= 1_000_000 => Some(Self { count, unit }),
            (Ok(_) | Err(_), _) => {
                cx.error_help(node.span, format!("{text:?} is not a duration"), HELP);
                None
            }
        }
    }

    /// Its length: a month has 30 days, a quarter 90 and a year 365.
    pub(super) fn length(self) -> TimeDelta {
        let unit = match self.unit {
            Unit::Second => TimeDelta::SECOND.0,
            Unit::Minute => TimeDelta::MINUTE.0,
            Unit::Hour => TimeDelta::HOUR.0,
            Unit::Calendar(CalendarUnit::Day) => TimeDelta::DAY.0,
            Unit::Calendar(CalendarUnit::Week) => 7 * TimeDelta::DAY.0,
            Unit::Calendar(CalendarUnit::Month) => 30 * TimeDelta::DAY.0,
            Unit::Calendar(CalendarUnit::Quarter) => 90 * TimeDelta::DAY.0,
            Unit::Calendar(CalendarUnit::Year) => 365 * TimeDelta::DAY.0,
        };
        TimeDelta(unit * i64::from(self.count))
    }
}

/// A slice of time; a plain number counts minutes.
pub(super) fn slice(node: &Node, cx: &mut Cx<'_>) -> Option<TimeDelta> {
    let minutes = node.as_text().and_then(|text| text.trim().parse::<u32>().ok());
    let length = match minutes {
        Some(count) => Shorthand { count: count.min(1_000_000), unit: Unit::Minute }.length(),
        None => Shorthand::read(node, cx)?.length(),
    };
    if !(TimeDelta::MINUTE..=TimeDelta::DAY).contains(&length) {
        let message = format!("time cannot be cut into slices of {length}");
        cx.error_help(node.span, message, "write from 1m to 1d");
        return None;
    }
    Some(length)
}

/// The period of an objective: the only item of its list of windows.
pub(super) fn period(
    node: Option<&Node>,
    version: Version,
    at: &MapReader<'_>,
    cx: &mut Cx<'_>,
) -> Option<Period> {
    let Some(node) = node.filter(|node| !node.is_null()) else {
        let field = if version == Version::V1Alpha { "timeWindows" } else { "timeWindow" };
        let message = format!("{field} is missing: 28 days are taken");
        let help = "write it with one item, - duration: 4w and isRolling: true";
        not_carried(at.span_first_line(cx), message, help, cx);
        return Some(Period::Rolling(TimeDelta(28 * TimeDelta::DAY.0)));
    };
    let Some([window]) = node.as_sequence() else {
        cx.error_help(node.span, "an objective has one time window", "write one item: - duration: 4w");
        return None;
    };
    let mut map = MapReader::open(window, cx)?;
    let duration = match version {
        Version::V1Alpha => counted(&mut map, cx),
        Version::V1 | Version::V2Alpha => match map.node("duration") {
            Some(node) => Shorthand::read(node, cx).map(|duration| (duration, node)),
            None => map.required::<String>("duration", cx).and(None),
        },
    };
    let is_rolling: Option<bool> = map.optional("isRolling", cx);
    let calendar_node = map.node("calendar").filter(|node| !node.is_null());
    let calendar = calendar_node.map(|node| calendar(node, cx));
    map.finish(cx);
    let ((duration, node), calendar) = (duration?, calendar.map_or(Some(None), |read| read.map(Some))?);
    match (is_rolling, calendar) {
        (Some(true), Some(_)) => {
            let span = calendar_node.map_or(window.span, |node| node.span);
            cx.error_help(
                span,
                "a rolling window has no calendar",
                "leave calendar out, or write isRolling: false",
            );
            None
        }
        (Some(false) | None, Some((start, zone))) => aligned(duration, start, zone, node, cx),
        (Some(true) | None, None) => rolling(duration, node, cx),
        (Some(false), None) => {
            let help = "write calendar: with startTime and timeZone, or isRolling: true";
            cx.error_help(window.span, "a window that does not roll needs a calendar", help);
            None
        }
    }
}

fn rolling(duration: Shorthand, node: &Node, cx: &mut Cx<'_>) -> Option<Period> {
    let length = duration.length();
    if !(TimeDelta::MINUTE..=PERIOD_MAX).contains(&length) {
        cx.error(node.span, format!("period {length} is not between {} and {PERIOD_MAX}", TimeDelta::MINUTE));
        return None;
    }
    Some(Period::Rolling(length))
}

fn aligned(
    duration: Shorthand,
    start: DateTime,
    zone: TimeZone,
    node: &Node,
    cx: &mut Cx<'_>,
) -> Option<Period> {
    let unit = match duration.unit {
        Unit::Calendar(unit) => unit,
        // Widely written so, the specification's own example among them.
        Unit::Minute => {
            let message = "m are minutes, of which the calendar has none: months are taken";
            let problem = Diagnostic::warning("openslo-minutes", node.span, message);
            cx.push(problem.with_help(format!("write {}M", duration.count)));
            CalendarUnit::Month
        }
        Unit::Second | Unit::Hour => {
            cx.error_help(
                node.span,
                "the calendar is counted in days or longer",
                "write 1d, 1w, 1M, 1Q or 1Y",
            );
            return None;
        }
    };
    let calendar = Calendar { count: duration.count, unit, start, zone };
    if duration.count == 0 || calendar.length_max() > PERIOD_MAX + TimeDelta::HOUR {
        cx.error(node.span, format!("a period is at least one unit and at most {PERIOD_MAX} long"));
        return None;
    }
    Some(Period::Calendar(calendar))
}

/// `count: 30`, `unit: Day`, as v1alpha writes it.
fn counted<'n>(map: &mut MapReader<'n>, cx: &mut Cx<'_>) -> Option<(Shorthand, &'n Node)> {
    let count = map.required::<u32>("count", cx);
    let Some(node) = map.node("unit") else {
        return map.required::<String>("unit", cx).and(None);
    };
    let unit = match node.as_text().unwrap_or_default() {
        "Second" => Unit::Second,
        "Minute" => Unit::Minute,
        "Hour" => Unit::Hour,
        "Day" => Unit::Calendar(CalendarUnit::Day),
        "Week" => Unit::Calendar(CalendarUnit::Week),
        "Month" => Unit::Calendar(CalendarUnit::Month),
        "Quarter" => Unit::Calendar(CalendarUnit::Quarter),
        "Year" => Unit::Calendar(CalendarUnit::Year),
        other => {
            let help = "write Second, Minute, Hour, Day, Week, Month, Quarter or Year";
            cx.error_help(node.span, format!("{other:?} is no unit of time"), help);
            return None;
        }
    };
    Some((Shorthand { count: count?, unit }, node))
}

fn calendar(node: &Node, cx: &mut Cx<'_>) -> Option<(DateTime, TimeZone)> {
    let mut map = MapReader::open(node, cx)?;
    let start = match map.node("startTime") {
        Some(node) => start(node, cx),
        None => map.required::<String>("startTime", cx).and(None),
    };
    let zone = match map.node("timeZone") {
        Some(node) => zone(node, cx),
        None => map.required::<String>("timeZone", cx).and(None),
    };
    map.finish(cx);
    Some((start?, zone?))
}

fn start(node: &Node, cx: &mut Cx<'_>) -> Option<DateTime> {
    let text = scalar(node, "a date and time", cx)?.text.trim();
    let read = match text.len() {
        10 => text.parse::<Date>().map(DateTime::from).ok(),
        19 => text.parse::<DateTime>().ok(),
        _ => None,
    };
    let read = read.filter(|start| (1900..=2200).contains(&start.year()));
    if read.is_none() {
        let help = "write it like 2026-01-31 12:30:00, without a zone";
        cx.error_help(node.span, format!("{text:?} is not a date and time"), help);
    }
    read
}

fn zone(node: &Node, cx: &mut Cx<'_>) -> Option<TimeZone> {
    let name = scalar(node, "a time zone", cx)?.text.trim();
    zone_named(name)
        .map_err(|unknown| {
            let help = match unknown.nearest {
                Some(nearest) => format!("did you mean {nearest}?"),
                None => "write an IANA name such as America/New_York".to_owned(),
            };
            cx.error_help(node.span, format!("no time zone is called {name:?}"), help);
        })
        .ok()
}
