//! Routes and matchers. Options are inherited here, once, so that a finished route needs no parent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Diagnostic, MapReader, Span, Spanned};
use bellwether_model::{MatchOp, Matcher, TimeDelta, is_valid_legacy_name};

use super::matchers;
use crate::fields::{items, undefined};
use crate::{GroupBy, Receiver, Route, TimeInterval};

/// What routes may refer to.
pub(super) struct Names<'a> {
    pub(super) receivers: &'a BTreeMap<String, Receiver>,
    pub(super) time_intervals: &'a BTreeMap<String, TimeInterval>,
}

/// The names of the three ways to write matchers.
pub(super) struct MatcherFields {
    pub(super) equal: &'static str,
    pub(super) regex: &'static str,
    pub(super) list: &'static str,
}

const ROUTE_MATCHERS: MatcherFields = MatcherFields { equal: "match", regex: "match_re", list: "matchers" };

/// Alertmanager's defaults, without a condition or a receiver.
pub(super) fn unconditional() -> Route {
    Route {
        id: "{}".to_owned(),
        matchers: Vec::new(),
        receiver: String::new(),
        group_by: GroupBy::Labels(BTreeSet::new()),
        continues: false,
        group_wait: TimeDelta::from_secs(30),
        group_interval: TimeDelta::from_secs(300),
        repeat_interval: TimeDelta::from_secs(4 * 3600),
        mute_time_intervals: Vec::new(),
        active_time_intervals: Vec::new(),
        labels: BTreeMap::new(),
        routes: Vec::new(),
    }
}

/// The root: it takes every alert, so it has no condition.
pub(super) fn root(node: &Node, names: &Names<'_>, cx: &mut Cx<'_>) -> Option<Route> {
    let parent = Route { id: String::new(), ..unconditional() };
    let route = route(node, &parent, "", names, cx);
    let map = MapReader::open(node, cx)?;
    for field in ["match", "match_re", "matchers", "mute_time_intervals", "active_time_intervals"] {
        if map.has(field) {
            let message = format!("the root route cannot have {field}: it takes every alert at any time");
            cx.error_help(map.key_span(field), message, "move it to a route below");
        }
    }
    if route.as_ref().is_some_and(|r| r.continues) {
        cx.error(map.key_span("continue"), "the root route cannot continue: nothing comes after it");
    }
    if !map.has("receiver") {
        cx.push(Diagnostic::error(
            "missing-field",
            map.key_span("receiver"),
            "the root route has no receiver",
        ));
    }
    route
}

fn route(node: &Node, parent: &Route, twin: &str, names: &Names<'_>, cx: &mut Cx<'_>) -> Option<Route> {
    let mut map = MapReader::open(node, cx)?;
    let receiver: Option<Spanned<String>> = map.optional("receiver", cx);
    if let Some(name) = &receiver {
        undefined("receiver", name, names.receivers.keys(), cx);
    }
    let matchers = matchers_of(&mut map, ROUTE_MATCHERS, cx);
    let group_by = group_by(map.node("group_by"), cx).unwrap_or_else(|| parent.group_by.clone());
    let continues = map.optional("continue", cx).unwrap_or(false);
    let group_wait = map.optional("group_wait", cx).unwrap_or(parent.group_wait);
    let group_interval = interval(&mut map, "group_interval", cx).unwrap_or(parent.group_interval);
    let repeat_interval = interval(&mut map, "repeat_interval", cx).unwrap_or(parent.repeat_interval);
    let mute_time_intervals = interval_names(&mut map, "mute_time_intervals", names, cx);
    let active_time_intervals = interval_names(&mut map, "active_time_intervals", names, cx);
    let mut labels = parent.labels.clone();
    labels.extend(own_labels(map.node("labels"), cx));
    let mut route = Route {
        id: format!("{}{{{}}}{twin}", slash(&parent.id), joined(&matchers)),
        matchers,
        receiver: receiver.map_or_else(|| parent.receiver.clone(), |r| r.value),
        group_by,
        continues,
        group_wait,
        group_interval,
        repeat_interval,
        mute_time_intervals,
        active_time_intervals,
        labels,
        routes: Vec::new(),
    };
    route.routes = children(map.node("routes"), &route, names, cx);
    map.finish(cx);
    Some(route)
}

/// One that is empty stays: it takes the place of an inherited one.
fn own_labels(node: Option<&Node>, cx: &mut Cx<'_>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (key, value) in node.and_then(|node| bellwether_diag::entries(node, cx)).unwrap_or(&[]) {
        match key.as_text() {
            None | Some("") => cx.error(key.span, "a label needs a name"),
            Some(name) => {
                let value = bellwether_diag::Decode::decode(value, cx);
                labels.extend(value.map(|value: String| (name.to_owned(), value)));
            }
        }
    }
    labels
}

/// Siblings that look the same get a number, so that each has an identity of its own.
fn children(node: Option<&Node>, parent: &Route, names: &Names<'_>, cx: &mut Cx<'_>) -> Vec<Arc<Route>> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    items(node, cx, |item, cx| {
        let mut child = route(item, parent, "", names, cx)?;
        let count = seen.entry(child.id.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            // Read once more, since the identities of all routes below depend on this one's; problems were reported.
            let mut silent = bellwether_diag::Diagnostics::new();
            let twin = format!("#{count}");
            child = route(item, parent, &twin, names, &mut Cx::new(cx.sources, &mut silent))?;
        }
        Some(Arc::new(child))
    })
}

fn slash(parent_id: &str) -> String {
    if parent_id.is_empty() { String::new() } else { format!("{parent_id}/") }
}

fn joined(matchers: &[Matcher]) -> String {
    matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// An interval of zero would notify without end.
fn interval(map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>) -> Option<TimeDelta> {
    let interval: Spanned<TimeDelta> = map.optional(name, cx)?;
    if interval.value.0 <= 0 {
        cx.error_help(interval.span, format!("{name} cannot be zero"), "write a duration such as 5m");
    }
    Some(interval.value)
}

fn interval_names(
    map: &mut MapReader<'_>,
    field: &'static str,
    names: &Names<'_>,
    cx: &mut Cx<'_>,
) -> Vec<String> {
    let list: Vec<Spanned<String>> = map.optional(field, cx).unwrap_or_default();
    for name in &list {
        undefined("time interval", name, names.time_intervals.keys(), cx);
    }
    list.into_iter().map(|n| n.value).collect()
}

fn group_by(node: Option<&Node>, cx: &mut Cx<'_>) -> Option<GroupBy> {
    let node = node.filter(|n| !matches!(n.value, Value::Null))?;
    let names: Vec<Spanned<String>> = items(Some(node), cx, bellwether_diag::Decode::decode);
    let mut labels = BTreeSet::new();
    let all = names.iter().any(|n| n.value == "...");
    if all && names.len() > 1 {
        cx.error_help(
            node.span,
            "'...' groups by all labels, so no other label can stand beside it",
            "remove one",
        );
    }
    for name in names.iter().filter(|_| !all) {
        if name.value.is_empty() {
            cx.error(name.span, "a label needs a name");
        } else if !labels.insert(name.value.clone()) {
            cx.error(name.span, format!("label {:?} is listed twice", name.value));
        }
    }
    Some(if all { GroupBy::All } else { GroupBy::Labels(labels) })
}

/// Matchers in their three notations, in a fixed order.
pub(super) fn matchers_of(map: &mut MapReader<'_>, fields: MatcherFields, cx: &mut Cx<'_>) -> Vec<Matcher> {
    let mut all = Vec::new();
    for (field, op) in [(fields.equal, MatchOp::Equal), (fields.regex, MatchOp::Regex)] {
        let Some(node) = map.node(field) else { continue };
        for (key, value) in bellwether_diag::entries(node, cx).unwrap_or_default() {
            all.extend(old_matcher(key, value, op, cx));
        }
    }
    match map.node(fields.list).map(|n| (&n.value, n)) {
        None | Some((Value::Null, _)) => {}
        Some((Value::Sequence(_), node)) => {
            all.extend(items(Some(node), cx, list_item).into_iter().flatten());
        }
        Some((Value::Scalar(_) | Value::Mapping(_), node)) => cx.error_help(
            node.span,
            format!("{} is a list of texts", fields.list),
            "write each matcher as an item: - severity=\"critical\"",
        ),
    }
    all.sort();
    all.dedup();
    all
}

/// An item may hold several matchers, with braces around them or without.
fn list_item(node: &Node, cx: &mut Cx<'_>) -> Option<Vec<Matcher>> {
    let text = &bellwether_diag::scalar(node, "a matcher such as severity=\"critical\"", cx)?.text;
    let read = matchers::read(text).map_err(|error| cx.error(node.span, error.to_string())).ok()?;
    if let Some(doubt) = read.doubt {
        let help = "write values in double quotes, with \\\\ for a backslash";
        cx.push(Diagnostic::warning("doubtful-matcher", node.span, doubt).with_help(help));
    }
    Some(read.matchers)
}

fn old_matcher(key: &Node, value: &Node, op: MatchOp, cx: &mut Cx<'_>) -> Option<Matcher> {
    let name = key.as_text().unwrap_or_default();
    if !is_valid_legacy_name(name, false) {
        let help = "write letters, digits and _ only, or use matchers, where any text can be a name";
        cx.error_help(key.span, format!("{name:?} cannot be a label's name here"), help);
        return None;
    }
    if op == MatchOp::Regex && matches!(value.value, Value::Null) {
        cx.error_help(key.span, format!("{name} has no regular expression"), "write one, such as api|web");
        return None;
    }
    let text: String = bellwether_diag::Decode::decode(value, cx)?;
    if op == MatchOp::Equal && (text.ends_with('*') || text.starts_with('*')) {
        warn_of_glob(value.span, &text, cx);
    }
    Matcher::new(op, name, text).map_err(|error| cx.error(value.span, error.to_string())).ok()
}

fn warn_of_glob(span: Span, text: &str, cx: &mut Cx<'_>) {
    let message = format!("{text:?} is compared literally, asterisk included");
    let help = format!("for a pattern use match_re with {:?}", text.replace('*', ".*"));
    cx.push(Diagnostic::warning("glob-in-equality", span, message).with_help(help));
}
