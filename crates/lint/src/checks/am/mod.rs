//! Routes, receivers and inhibition. What these checks have in common: where a route stands in its tree.

use std::collections::BTreeSet;

use bellwether_diag::Span;
use bellwether_diag::yaml::Node;
use bellwether_model::{MatchOp, Matcher};

use crate::Setup;
use crate::setup::routing::{Route, RouteMatcher, Routing};

pub(crate) mod dead_inhibit;
pub(crate) mod deprecated;
pub(crate) mod duplicate_delivery;
pub(crate) mod empty_body;
pub(crate) mod equal_missing_label;
pub(crate) mod glob_in_equality;
pub(crate) mod group_by_missing_label;
pub(crate) mod no_resolved;
pub(crate) mod noop_setting;
pub(crate) mod placeholder_secret;
pub(crate) mod repeat_vs_interval;
pub(crate) mod severity_unrouted;
pub(crate) mod shadowed_route;
pub(crate) mod shared_webhook_channel;
pub(crate) mod undefined_receiver;
pub(crate) mod unreachable_route;

/// A route and where it stands.
struct Placed<'a> {
    route: &'a Route,
    /// The routes above, the root first.
    parents: Vec<&'a Route>,
    /// Its siblings before it.
    before: &'a [Route],
    /// Its siblings after it.
    after: &'a [Route],
    /// What the routes above ask.
    above: Vec<&'a Matcher>,
}

impl<'a> Placed<'a> {
    /// The route and those above it, itself first: the first of them that says something counts.
    fn way(&self) -> impl Iterator<Item = &'a Route> {
        std::iter::once(self.route).chain(self.parents.iter().rev().copied())
    }

    /// What holds for every alert that this route takes.
    fn here(&self) -> Vec<&'a Matcher> {
        self.above.iter().copied().chain(asked(self.route)).collect()
    }
}

/// What a route asks of an alert.
fn asked(route: &Route) -> impl Iterator<Item = &Matcher> {
    asks(&route.matchers)
}

/// The matchers of a side of an inhibition, or of a route.
fn asks(written: &[RouteMatcher]) -> impl Iterator<Item = &Matcher> {
    written.iter().map(|written| &written.matcher)
}

/// All routes, each before those below it.
fn placed(routing: &Routing) -> Vec<Placed<'_>> {
    let mut found = Vec::new();
    if let Some(root) = &routing.route {
        found.push(Placed { route: root, parents: Vec::new(), before: &[], after: &[], above: Vec::new() });
    }
    let mut at = 0;
    while at < found.len() {
        let (route, above) = (found[at].route, found[at].here());
        let parents: Vec<&Route> = found[at].parents.iter().copied().chain([route]).collect();
        for (index, child) in route.routes.iter().enumerate() {
            let (before, after) = (&route.routes[..index], &route.routes[index + 1..]);
            found.push(Placed {
                route: child,
                parents: parents.clone(),
                before,
                after,
                above: above.clone(),
            });
        }
        at += 1;
    }
    found
}

/// Whether a matcher holds for every alert for which all of the others hold.
fn follows(matcher: &Matcher, known: &[&Matcher]) -> bool {
    let says = |other: &Matcher| other.op == MatchOp::Equal && other.name == matcher.name;
    known.iter().any(|other| *other == matcher || (says(other) && matcher.matches_value(&other.value)))
}

/// Two matchers that cannot both hold: a label has one value, and a pattern and its negation exclude each other.
fn contradiction<'a>(all: &[&'a Matcher]) -> Option<(&'a Matcher, &'a Matcher)> {
    let excludes = |one: &Matcher, other: &Matcher| match one.op {
        MatchOp::Equal => !other.matches_value(&one.value),
        MatchOp::Regex => other.op == MatchOp::NotRegex && other.value == one.value,
        MatchOp::NotEqual | MatchOp::NotRegex => false,
    };
    all.iter().find_map(|one| {
        let other = all.iter().find(|other| other.name == one.name && excludes(one, other));
        other.map(|other| (*one, *other))
    })
}

/// Matchers as people say them: `severity="critical"`.
fn said<'a>(matchers: impl IntoIterator<Item = &'a Matcher>) -> String {
    let all: Vec<String> = matchers.into_iter().map(ToString::to_string).collect();
    if all.is_empty() { "everything".to_owned() } else { all.join(", ") }
}

/// A field of a mapping with its key.
fn entry<'a>(node: &'a Node, name: &str) -> Option<(&'a Node, &'a Node)> {
    let (key, value) = node.as_mapping()?.iter().find(|(key, _)| key.as_text() == Some(name))?;
    Some((key, value))
}

/// The beginning of a mapping: what is wrong with it is not wrong on all of its lines.
fn first_line(setup: &Setup, node: &Node) -> Span {
    let text = setup.sources.slice(node.span);
    let line = text.split('\n').next().unwrap_or_default();
    Span { end: node.span.start + line.trim_end().len() as u32, ..node.span }
}

/// Names in a sentence: `a, b and 3 more`.
fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut seen = BTreeSet::new();
    let all: Vec<&str> = names.into_iter().filter(|name| seen.insert(*name)).collect();
    match all.as_slice() {
        [] => "none".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] if all.len() <= 4 => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {} more", all[..3].join(", "), all.len() - 3),
    }
}
