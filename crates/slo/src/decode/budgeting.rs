//! What counts as one event, from YAML: `occurrences`, `{timeslices: {slice: 1m, target: "99%"}}` or
//! `{ratio_timeslices: {slice: 5m}}`.

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Decode, MapReader};
use bellwether_model::TimeDelta;

use crate::decode::parts::ScalarText;
use crate::goal::Goal;
use crate::indicator::{Budgeting, Events};

/// Longest slice: what follows from slices is known only when they have ended.
const SLICE_MAX: TimeDelta = TimeDelta::HOUR;
const HELP: &str =
    "write occurrences, {timeslices: {slice: 1m, target: \"99%\"}} or {ratio_timeslices: {slice: 1m}}";

/// How the events of an indicator are counted: one by one unless something else is said.
pub(crate) fn budgeting(node: Option<&Node>, events: Option<&Events>, cx: &mut Cx<'_>) -> Option<Budgeting> {
    let Some(node) = node else { return Some(Budgeting::Occurrences) };
    let budgeting = Budgeting::decode(node, cx)?;
    let is_slices = match events? {
        Events::Threshold(_) => "a threshold is judged once per slice already",
        Events::Composite(_) => "a journey counts what its members count",
        Events::Ratio(_) | Events::Latency(_) | Events::Probe(_) | Events::Query(_) => {
            return Some(budgeting);
        }
    };
    if budgeting != Budgeting::Occurrences {
        cx.error_help(node.span, is_slices, "leave budgeting out");
        return None;
    }
    Some(budgeting)
}

impl Decode for Budgeting {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        if let Value::Mapping(_) = &node.value {
            return slices(node, cx);
        }
        if node.as_text_value() == Some("occurrences") {
            return Some(Self::Occurrences);
        }
        cx.error_help(node.span, "not a way of counting", HELP);
        None
    }
}

fn slices(node: &Node, cx: &mut Cx<'_>) -> Option<Budgeting> {
    let mut map = MapReader::open(node, cx)?;
    let (judged, averaged) = (map.node("timeslices"), map.node("ratio_timeslices"));
    map.finish(cx);
    match (judged, averaged) {
        (Some(node), None) => {
            let mut map = MapReader::open(node, cx)?;
            let slice = slice(&mut map, cx);
            let target = map.required::<Goal>("target", cx);
            map.finish(cx);
            Some(Budgeting::Timeslices { slice: slice?, target: target? })
        }
        (None, Some(node)) => {
            let mut map = MapReader::open(node, cx)?;
            let slice = slice(&mut map, cx);
            map.finish(cx);
            Some(Budgeting::RatioTimeslices { slice: slice? })
        }
        (None, None) | (Some(_), Some(_)) => {
            cx.error_help(node.span, "expected one way of counting", HELP);
            None
        }
    }
}

fn slice(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<TimeDelta> {
    let Some(node) = map.node("slice") else { return map.required::<TimeDelta>("slice", cx) };
    let slice = TimeDelta::decode(node, cx)?;
    let (minute, second) = (TimeDelta::MINUTE.0, TimeDelta::SECOND.0);
    let is_even = slice.0 % minute == 0 || slice.0 % second == 0 && minute % slice.0.max(1) == 0;
    if slice < TimeDelta::SECOND || slice > SLICE_MAX || !is_even {
        let help = "write whole minutes up to an hour, or so many seconds that a minute holds a whole number of slices";
        cx.error_help(node.span, format!("a slice cannot be {slice} long"), help);
        return None;
    }
    Some(slice)
}
