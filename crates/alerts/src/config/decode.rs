//! From the tree of `alertmanager.yml` to a [`Config`]. Every problem is reported with its place, all in one go.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Decode, Diagnostics, FileId, MapReader, Sources, Span, Spanned};

use super::{Config, elsewhere, examine, redact, route, time};
use crate::fields::items;
use crate::{Global, InhibitRule, Receiver, TimeInterval, receiver};

pub(super) fn read(sources: &Sources, file: FileId, out: &mut Diagnostics) -> Option<Config> {
    bellwether_diag::decode_file(sources, file, out)
}

impl Decode for Config {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        config(node, cx)
    }
}

fn config(node: &Node, cx: &mut Cx<'_>) -> Option<Config> {
    let errors_before = cx.out.error_count();
    let mut map = MapReader::open(node, cx)?;
    let global = match map.node("global").filter(|n| !matches!(n.value, Value::Null)) {
        Some(node) => receiver::read_global(node, cx),
        None => Some(Global::default()),
    };
    // Where a default is wrong, nobody is told besides that it is missing.
    let right = global.as_ref().filter(|_| cx.out.error_count() == errors_before);
    let receivers = receivers(map.node("receivers"), right, cx);
    let templates = map.optional("templates", cx).unwrap_or_default();
    let mut time_intervals = BTreeMap::new();
    for name in ["time_intervals", "mute_time_intervals"] {
        named_intervals(map.node(name), &mut time_intervals, cx);
    }
    let inhibit_rules = items(map.node("inhibit_rules"), cx, inhibit_rule);
    let names = route::Names { receivers: &receivers, time_intervals: &time_intervals };
    let route = match map.node("route").filter(|n| !matches!(n.value, Value::Null)) {
        Some(node) => route::root(node, &names, cx),
        None => {
            cx.error_help(
                Span { end: map.span.start, ..map.span },
                "route is missing",
                "write a route that names a receiver",
            );
            None
        }
    };
    elsewhere::tracing(map.node("tracing"), cx);
    elsewhere::event_recorder(map.node("event_recorder"), cx);
    map.finish(cx);
    let config = Config {
        global: global?,
        route: Arc::new(route?),
        inhibit_rules,
        receivers,
        time_intervals,
        templates,
        secret_spans: redact::secret_spans(node),
        comment_spans: redact::comment_spans(node, cx.sources.text(node.span.file)),
    };
    if cx.out.error_count() == errors_before {
        examine::examine(node, &config, cx);
    }
    Some(config)
}

fn receivers(node: Option<&Node>, global: Option<&Global>, cx: &mut Cx<'_>) -> BTreeMap<String, Receiver> {
    let mut receivers = BTreeMap::new();
    for (span, receiver) in items(node, cx, |item, cx| receiver::receiver(item, global, cx)) {
        if receivers.contains_key(&receiver.name) {
            let message = format!("receiver {:?} is defined twice", receiver.name);
            cx.error_help(span, message, "give one of them another name, or join them into one");
        }
        receivers.insert(receiver.name.clone(), receiver);
    }
    receivers
}

fn named_intervals(node: Option<&Node>, all: &mut BTreeMap<String, TimeInterval>, cx: &mut Cx<'_>) {
    items(node, cx, |item, cx| {
        let mut map = MapReader::open(item, cx)?;
        let name: Option<Spanned<String>> = map.required("name", cx);
        let parts = items(map.node("time_intervals"), cx, time::part);
        map.finish(cx);
        let name = name?;
        if name.value.is_empty() {
            cx.error(name.span, "a time interval needs a name");
        }
        if all.insert(name.value.clone(), TimeInterval { parts }).is_some() {
            cx.error(name.span, format!("time interval {:?} is defined twice", name.value));
        }
        Some(())
    });
}

fn inhibit_rule(node: &Node, cx: &mut Cx<'_>) -> Option<InhibitRule> {
    if matches!(node.value, Value::Null) {
        // Alertmanager takes an item without anything in it. Every alert is on both its sides, so it inhibits nothing.
        cx.warning(
            node.span,
            "this inhibit rule is empty and inhibits nothing; remove it, or write its matchers",
        );
        return Some(InhibitRule { name: None, source: Vec::new(), target: Vec::new(), equal: Vec::new() });
    }
    let mut map = MapReader::open(node, cx)?;
    let name: Option<String> = map.optional("name", cx);
    let source = route::matchers_of(
        &mut map,
        route::MatcherFields { equal: "source_match", regex: "source_match_re", list: "source_matchers" },
        cx,
    );
    let target = route::matchers_of(
        &mut map,
        route::MatcherFields { equal: "target_match", regex: "target_match_re", list: "target_matchers" },
        cx,
    );
    let equal: Vec<Spanned<String>> = map.optional("equal", cx).unwrap_or_default();
    for name in equal.iter().filter(|n| n.value.is_empty()) {
        cx.error(name.span, "a label needs a name");
    }
    map.finish(cx);
    let equal = equal.into_iter().map(|n| n.value).collect();
    Some(InhibitRule { name: name.filter(|n| !n.is_empty()), source, target, equal })
}
