//! Which route was asked, and why it was not taken.

use std::sync::Arc;

use bellwether_alerts::{Route, Taken};
use bellwether_model::Labels;
use proptest::prelude::*;

use crate::script::config;

const TREE: &str = "
route:
  receiver: default
  routes:
    - matchers: [severity=critical]
      receiver: pager
      continue: true
    - matchers: [team=~\"web|api\", env=prod]
      receiver: web
      routes:
        - {matchers: [service=login], receiver: login}
        - {matchers: [service=~\"log.*\"], receiver: logs}
    - matchers: [team=web]
      receiver: leftovers
      routes: [{matchers: [env=test], receiver: quiet}]
receivers: [{name: default}, {name: pager}, {name: web}, {name: login}, {name: logs}, {name: leftovers}, {name: quiet}]
";

fn tree() -> Arc<Route> {
    Arc::clone(&config(TREE).route)
}

/// Each route as `receiver: taken, why`, indented by depth.
fn trace(labels: &[(&str, &str)]) -> Vec<String> {
    let labels = Labels::from_pairs(labels.iter().copied());
    let line = |t: bellwether_alerts::TracedRoute<'_>| {
        format!("{}{} {:?}: {}", "  ".repeat(t.depth), t.route.receiver, t.taken, t.why)
    };
    tree().trace(&labels).into_iter().map(line).collect()
}

#[test]
fn a_route_that_continues_lets_the_next_one_be_asked() {
    assert_eq!(
        trace(&[("severity", "critical"), ("team", "web"), ("env", "prod"), ("service", "login")]),
        [
            "default Passes: it matches, and 2 routes below it take the alert",
            "  pager Ends: it matches",
            "  web Passes: it matches, and a route below it takes the alert",
            "    login Ends: it matches",
            "    logs NotReached: {}/{env=\"prod\",team=~\"web|api\"}/{service=\"login\"} took the alert before, and does not continue",
            "  leftovers NotReached: {}/{env=\"prod\",team=~\"web|api\"} took the alert before, and does not continue",
            "    quiet NotReached: {}/{env=\"prod\",team=~\"web|api\"} took the alert before, and does not continue",
        ]
    );
}

#[test]
fn the_first_matcher_that_fails_is_named_with_the_value_it_saw() {
    assert_eq!(
        trace(&[("team", "db"), ("env", "prod")]),
        [
            "default Ends: it matches, and no route below it does",
            "  pager No: severity=\"critical\" does not match: the alert has no label severity",
            "  web No: team=~\"web|api\" does not match: team is \"db\"",
            "    login NotReached: the route above it was not taken",
            "    logs NotReached: the route above it was not taken",
            "  leftovers No: team=\"web\" does not match: team is \"db\"",
            "    quiet NotReached: the route above it was not taken",
        ]
    );
}

proptest! {
    /// The trace and the walk that routes alerts are one truth.
    #[test]
    fn where_labels_end_is_where_they_are_routed(
        severity in prop::option::of(prop::sample::select(vec!["critical", "warning"])),
        team in prop::option::of(prop::sample::select(vec!["web", "api", "db"])),
        env in prop::option::of(prop::sample::select(vec!["prod", "test"])),
        service in prop::option::of(prop::sample::select(vec!["login", "logs", "shop"])),
    ) {
        let pairs = [("severity", severity), ("team", team), ("env", env), ("service", service)];
        let labels = Labels::from_pairs(pairs.into_iter().filter_map(|(n, v)| Some((n, v?))));
        let tree = tree();
        let traced = tree.trace(&labels);
        let ends: Vec<_> = traced.iter().filter(|t| t.taken == Taken::Ends).map(|t| t.route.id.clone()).collect();
        let routed: Vec<_> = tree.matching(&labels).iter().map(|route| route.id.clone()).collect();
        prop_assert_eq!(ends, routed);
        prop_assert_eq!(traced.len(), tree.walk().len());
    }
}
