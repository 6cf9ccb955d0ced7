//! Google Cloud Monitoring's objectives, as its interface takes and gives them in JSON.
//!
//! Source: the reference of `services.serviceLevelObjectives` in version 3 of that interface.

mod filter;
mod filter_text;
mod indicator;

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Decode, MapReader};
use bellwether_model::{Labels, TimeDelta, is_valid_legacy_name};
use jiff::tz::TimeZone;

use crate::decode::parts::PERIOD_MAX;
use crate::definition::{Dialect, Slo};
use crate::dialect::draft::{Draft, slug};
use crate::dialect::not_carried;
use crate::goal::Goal;
use crate::period::{Calendar, CalendarUnit, Period};

/// The objectives of a document: one, or the list that the interface answers with.
pub(super) fn read(node: &Node, cx: &mut Cx<'_>) -> Vec<Slo> {
    let Some(list) = node.get("serviceLevelObjectives") else {
        return objective(node, cx).into_iter().collect();
    };
    let Some(mut map) = MapReader::open(node, cx) else { return Vec::new() };
    map.ignore(&["serviceLevelObjectives", "nextPageToken"]);
    map.finish(cx);
    match &list.value {
        Value::Sequence(items) => items.iter().filter_map(|item| objective(item, cx)).collect(),
        Value::Null | Value::Scalar(_) | Value::Mapping(_) => {
            cx.error(list.span, "expected a list of objectives");
            Vec::new()
        }
    }
}

fn objective(node: &Node, cx: &mut Cx<'_>) -> Option<Slo> {
    let mut map = MapReader::open(node, cx)?;
    let name = map.node("name").filter(|name| !name.is_null()).map(|name| resource(name, cx));
    let display_name: String = map.optional("displayName", cx).unwrap_or_default();
    let goal = match map.node("goal") {
        Some(node) => goal(node, cx),
        None => map.required::<String>("goal", cx).and(None),
    };
    let period = period(&mut map, cx);
    let indicator = match map.node("serviceLevelIndicator") {
        Some(node) => indicator::read(node, cx),
        None => map.required::<String>("serviceLevelIndicator", cx).and(None),
    };
    let labels = map.node("userLabels").map_or_else(Labels::empty, |node| user_labels(node, cx));
    let span = map.node("displayName").map_or(map.span_first_line(cx), |node| node.span);
    let unnamed = map.span_first_line(cx);
    map.finish(cx);
    let (service, name) = match name {
        Some(resource) => resource?,
        None => (String::new(), slug(&display_name)),
    };
    if name.is_empty() {
        let help = "write displayName, from which a name is made";
        cx.error_help(unnamed, "the objective has no name", help);
        return None;
    }
    let draft = Draft {
        dialect: Dialect::GoogleCloud,
        name,
        service,
        goal: goal?,
        period: period?,
        indicator: indicator?,
        span,
    };
    Some(Slo { display_name, labels, ..draft.into_slo() })
}

/// `projects/P/services/S/serviceLevelObjectives/ID`: the service and the name.
fn resource(node: &Node, cx: &mut Cx<'_>) -> Option<(String, String)> {
    let parts: Vec<&str> = node.as_text().unwrap_or_default().split('/').collect();
    match parts.as_slice() {
        [_, _, "services", service, "serviceLevelObjectives", id]
            if !service.is_empty() && !id.is_empty() =>
        {
            // A hyphen stands for any service, as in the interface's own lists.
            let service = if *service == "-" { "" } else { service };
            Some((service.to_owned(), (*id).to_owned()))
        }
        _ => {
            let help = "write projects/PROJECT/services/SERVICE/serviceLevelObjectives/ID, or leave it out";
            cx.error_help(node.span, "not the name of an objective", help);
            None
        }
    }
}

fn goal(node: &Node, cx: &mut Cx<'_>) -> Option<Goal> {
    let text = node.as_text().unwrap_or_default();
    Goal::parse(text)
        .map_err(|error| cx.error_help(node.span, error.message, "write a ratio such as 0.999"))
        .ok()
}

fn period(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Period> {
    let rolling = map.node("rollingPeriod").filter(|node| !node.is_null());
    let calendar = map.node("calendarPeriod").filter(|node| !node.is_null());
    match (rolling, calendar) {
        (Some(node), None) => {
            let length = seconds(node, cx)?;
            if !(TimeDelta::MINUTE..=PERIOD_MAX).contains(&length) {
                let message =
                    format!("period {length} is not between {} and {PERIOD_MAX}", TimeDelta::MINUTE);
                cx.error(node.span, message);
                return None;
            }
            if length.0 % TimeDelta::SECOND.0 != 0 {
                cx.error(node.span, format!("period {length} is not a whole number of seconds"));
                return None;
            }
            Some(Period::Rolling(length))
        }
        (None, Some(node)) => calendar_period(node, cx).map(Period::Calendar),
        (None, None) => {
            let help = "write \"rollingPeriod\": \"2419200s\" or \"calendarPeriod\": \"MONTH\"";
            cx.error_help(map.span_first_line(cx), "the objective has no period", help);
            None
        }
        (Some(_), Some(node)) => {
            cx.error_help(node.span, "the period is stated twice", "keep rollingPeriod or calendarPeriod");
            None
        }
    }
}

fn calendar_period(node: &Node, cx: &mut Cx<'_>) -> Option<Calendar> {
    let (count, unit) = match node.as_text().unwrap_or_default() {
        "DAY" => (1, CalendarUnit::Day),
        "WEEK" => (1, CalendarUnit::Week),
        "FORTNIGHT" => (2, CalendarUnit::Week),
        "MONTH" => (1, CalendarUnit::Month),
        "QUARTER" => (1, CalendarUnit::Quarter),
        "HALF" => (2, CalendarUnit::Quarter),
        "YEAR" => (1, CalendarUnit::Year),
        other => {
            let help = "write DAY, WEEK, FORTNIGHT, MONTH, QUARTER, HALF or YEAR";
            cx.error_help(node.span, format!("{other:?} is no period of the calendar"), help);
            return None;
        }
    };
    Some(Calendar { count, unit, start: Calendar::USUAL_START, zone: TimeZone::UTC })
}

/// A length as the interface writes it: `"86400s"`.
fn seconds(node: &Node, cx: &mut Cx<'_>) -> Option<TimeDelta> {
    let text = node.as_text().unwrap_or_default();
    let seconds = text.strip_suffix('s').and_then(|digits| digits.parse::<f64>().ok());
    let found = seconds.filter(|seconds| (0.0..1e10).contains(seconds)).map(TimeDelta::from_secs_f64);
    if found.is_none() {
        let help = "write a number of seconds and s, such as \"86400s\"";
        cx.error_help(node.span, format!("{text:?} is not a length of time"), help);
    }
    found
}

fn user_labels(node: &Node, cx: &mut Cx<'_>) -> Labels {
    let Some(entries) = bellwether_diag::entries(node, cx) else { return Labels::empty() };
    let mut pairs = Vec::new();
    for (key, value) in entries {
        let name: String = key.as_text().unwrap_or_default().replace('-', "_");
        let is_ours = ["alertname", "slo", "service", "alert", "severity"].contains(&name.as_str());
        if is_ours || !is_valid_legacy_name(&name, false) {
            let message = format!("label {name:?} cannot be carried over");
            not_carried(key.span, message, "use another name", cx);
        } else if let Some(value) = String::decode(value, cx) {
            pairs.push((name, value));
        }
    }
    Labels::from_pairs(pairs)
}
