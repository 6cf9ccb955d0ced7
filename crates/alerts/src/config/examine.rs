//! What is allowed and probably not meant: routes and rules that can never do anything, names that nobody uses. Only what
//! follows from the file alone is said, and nothing that a working configuration does on purpose.

use std::collections::BTreeSet;

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Diagnostic, Span};
use bellwether_model::{MatchOp, Matcher};

use super::Config;
use crate::{InhibitRule, Route};

/// Warns of what is doubtful in a configuration without errors. The document is the one it was read from.
pub(super) fn examine(document: &Node, config: &Config, cx: &mut Cx<'_>) {
    if let Some(root) = document.get("route") {
        timers(root, &config.route, cx);
        routes(root, &config.route, &config.route.matchers, cx);
    }
    for (node, rule) in items(document.get("inhibit_rules")).zip(&config.inhibit_rules) {
        inhibit_rule(node, rule, cx);
    }
    unused(document, config, cx);
}

fn items(node: Option<&Node>) -> impl Iterator<Item = &Node> {
    node.and_then(Node::as_sequence).unwrap_or(&[]).iter()
}

fn warn(id: &'static str, span: Span, message: String, help: &str, cx: &mut Cx<'_>) {
    cx.push(Diagnostic::warning(id, span, message).with_help(help));
}

/// The beginning of a mapping: what is doubtful is not doubtful on all of its lines.
fn first_line(node: &Node, cx: &Cx<'_>) -> Span {
    let text = cx.sources.slice(node.span);
    let len = text.find('\n').unwrap_or(text.len());
    Span { end: node.span.start + text[..len].trim_end().len() as u32, ..node.span }
}

/// Routes below one that can never take an alert. `known` is what holds for every alert that comes this far.
fn routes(node: &Node, route: &Route, known: &[Matcher], cx: &mut Cx<'_>) {
    let children: Vec<_> = items(node.get("routes")).zip(&route.routes).collect();
    for (at, (child_node, child)) in children.iter().enumerate() {
        timers(child_node, child, cx);
        let here: Vec<Matcher> = known.iter().chain(&child.matchers).cloned().collect();
        if let Some((one, other)) = contradiction(&here) {
            let message = format!("no alert comes here: {one} and {other} cannot both hold");
            let help = "change one of them, or remove the route";
            warn("unreachable-route", first_line(child_node, cx), message, help, cx);
            continue;
        }
        let earlier = children[..at].iter().map(|(_, earlier)| earlier).filter(|earlier| !earlier.continues);
        let mut takes_all = earlier.filter(|earlier| earlier.matchers.iter().all(|m| follows(m, &here)));
        if let Some(earlier) = takes_all.next() {
            let message = format!("no alert comes here: {} before it takes them all", earlier.id);
            let help = "move it up, or let the other one continue";
            warn("unreachable-route", first_line(child_node, cx), message, help, cx);
            continue;
        }
        routes(child_node, child, &here, cx);
    }
}

/// Whether a matcher holds for every alert for which all of the others hold.
fn follows(matcher: &Matcher, known: &[Matcher]) -> bool {
    let says = |other: &Matcher| other.op == MatchOp::Equal && other.name == matcher.name;
    known.iter().any(|other| other == matcher || (says(other) && matcher.matches_value(&other.value)))
}

/// Two matchers that cannot both hold: a label has one value.
fn contradiction(all: &[Matcher]) -> Option<(&Matcher, &Matcher)> {
    let fixed = all.iter().filter(|matcher| matcher.op == MatchOp::Equal);
    fixed.into_iter().find_map(|fixed| {
        let other = all.iter().find(|other| other.name == fixed.name && !other.matches_value(&fixed.value));
        other.map(|other| (fixed, other))
    })
}

/// Repeats are looked at when the group is.
fn timers(node: &Node, route: &Route, cx: &mut Cx<'_>) {
    let written = ["repeat_interval", "group_interval"].into_iter().find_map(|name| node.get(name));
    let Some(written) = written.filter(|_| route.repeat_interval < route.group_interval) else { return };
    let message = format!(
        "repeat_interval {} is shorter than group_interval {}: a group that does not change would be told more often than one that does",
        route.repeat_interval, route.group_interval
    );
    warn(
        "repeat-vs-interval",
        written.span,
        message,
        "let a group repeat no sooner than it is looked at",
        cx,
    );
}

fn inhibit_rule(node: &Node, rule: &InhibitRule, cx: &mut Cx<'_>) {
    let span = first_line(node, cx);
    let same = |of: &[Matcher], known: &[Matcher]| of.iter().all(|matcher| follows(matcher, known));
    let never = |why: String, cx: &mut Cx<'_>| {
        let message = format!("this rule never inhibits anything: {why}");
        warn("dead-inhibit", span, message, "change it, or remove it", cx);
    };
    let sides = [("source", &rule.source), ("target", &rule.target)];
    if let Some((side, (one, other))) =
        sides.into_iter().find_map(|(side, matchers)| Some((side, contradiction(matchers)?)))
    {
        return never(format!("{one} and {other} of its {side} cannot both hold"), cx);
    }
    if same(&rule.source, &rule.target) && same(&rule.target, &rule.source) {
        return never("every alert on one side is on the other as well".to_owned(), cx);
    }
    let fixed = |matchers: &[Matcher], name: &str| {
        let fixed = matchers.iter().find(|m| m.op == MatchOp::Equal && *m.name == *name);
        fixed.map(|matcher| matcher.value.clone())
    };
    for name in &rule.equal {
        if let (Some(source), Some(target)) = (fixed(&rule.source, name), fixed(&rule.target, name))
            && source != target
        {
            let why =
                format!("{name} must be equal, but is {source:?} in the source and {target:?} in the target");
            return never(why, cx);
        }
    }
    let empty = |matchers: &[Matcher]| matchers.iter().all(Matcher::matches_empty);
    if rule.equal.is_empty() && rule.target.is_empty() {
        let message = "this rule keeps every other alert quiet while its source fires".to_owned();
        warn("broad-inhibition", span, message, "name the targets, or labels that must be equal", cx);
    } else if rule.equal.is_empty() && rule.source.is_empty() && !empty(&rule.target) {
        let message = "any other alert that fires keeps the targets of this rule quiet".to_owned();
        warn("broad-inhibition", span, message, "name the source, or labels that must be equal", cx);
    }
}

/// Receivers and time intervals that no route names.
fn unused(document: &Node, config: &Config, cx: &mut Cx<'_>) {
    let routes = config.route.walk();
    let receivers: BTreeSet<&str> = routes.iter().map(|route| route.receiver.as_str()).collect();
    let intervals: BTreeSet<&str> = routes
        .iter()
        .flat_map(|route| route.mute_time_intervals.iter().chain(&route.active_time_intervals))
        .map(String::as_str)
        .collect();
    let lists = [
        ("receivers", "receiver", "unused-receiver", &receivers),
        ("time_intervals", "time interval", "unused-time-interval", &intervals),
        ("mute_time_intervals", "time interval", "unused-time-interval", &intervals),
    ];
    for (list, what, id, used) in lists {
        for name in items(document.get(list)).filter_map(|item| item.get("name")) {
            let text = name.as_text().unwrap_or_default();
            if !used.contains(text) {
                let help = "name it in a route, or remove it";
                warn(id, name.span, format!("no route uses the {what} {text:?}"), help, cx);
            }
        }
    }
}
