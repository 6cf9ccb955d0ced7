//! A route that no alert can come to: what it asks contradicts itself, or routes before it take everything.

use std::collections::BTreeSet;

use bellwether_diag::Severity;
use bellwether_model::Matcher;

use super::{Placed, asked, contradiction, first_line, follows, listed, placed, said};
use crate::setup::known_alert::KnownAlerts;
use crate::setup::routing::{Route, RouteMatcher};
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "unreachable-route",
    area: Area::Alertmanager,
    severity: Severity::Warning,
    title: "no alert comes to a route",
    why: "Of siblings the first that matches takes an alert, and the others never see it unless that one says `continue: \
          true`. A route for a team that stands after routes for every severity in use is never asked: those it names \
          are never told. Put the narrower route first, or below the wider one, or let the wider one continue.",
    wrong: &[
        (
            "rules.yml",
            "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 1m\n    labels: {severity: \
             critical, team: web}\n  - alert: Slow\n    expr: latency_seconds > 1\n    for: 5m\n    labels: {severity: \
             warning, team: web}\n",
        ),
        (
            "alertmanager.yml",
            "route:\n  receiver: chat\n  routes:\n  - matchers: ['severity=\"critical\"']\n    receiver: pager\n  - \
             matchers: ['severity=\"warning\"']\n    receiver: chat\n  - matchers: ['team=\"web\"']\n    receiver: web\n",
        ),
    ],
    right: &[
        (
            "rules.yml",
            "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 1m\n    labels: {severity: \
             critical, team: web}\n  - alert: Slow\n    expr: latency_seconds > 1\n    for: 5m\n    labels: {severity: \
             warning, team: web}\n",
        ),
        (
            "alertmanager.yml",
            "route:\n  receiver: chat\n  routes:\n  - matchers: ['team=\"web\"']\n    receiver: web\n    continue: \
             true\n  - matchers: ['severity=\"critical\"']\n    receiver: pager\n  - matchers: ['severity=\"warning\"']\n    \
             receiver: chat\n",
        ),
    ],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    let known = KnownAlerts::of(setup);
    for routing in &setup.routings {
        for place in placed(routing).iter().filter(|place| !place.parents.is_empty()) {
            let span = first_line(setup, &place.route.node);
            match why_not(place, &known) {
                Some(WhyNot::Contradiction(one, other)) => {
                    report
                        .find(span, format!("no alert comes here: {one} and {other} cannot both hold"))
                        .help("change one of them, or remove the route");
                }
                Some(WhyNot::Taken(earlier)) => {
                    let message = format!(
                        "no alert comes here: the route for {} before it takes them all",
                        said(asked(earlier))
                    );
                    report
                        .find(span, message)
                        .help("move this route before that one, or let that one say continue: true")
                        .related(first_line(setup, &earlier.node), "takes them");
                }
                Some(WhyNot::Covered { label, values }) => {
                    let message = format!(
                        "no alert comes here: the routes before it take every {label} that a rule sets ({values})"
                    );
                    report
                        .find(span, message)
                        .help("move this route before those, or let them say continue: true");
                }
                Some(WhyNot::Misspelt { written, meant }) => {
                    let Matcher { name, value, .. } = &written.matcher;
                    report
                        .find(written.span, format!("no alert comes here: no rule sets {name} to {value:?}"))
                        .help(format!("did you mean {meant:?}?"));
                }
                None => {}
            }
        }
    }
}

pub(super) enum WhyNot<'a> {
    Contradiction(&'a Matcher, &'a Matcher),
    Taken(&'a Route),
    Covered { label: &'a str, values: String },
    Misspelt { written: &'a RouteMatcher, meant: String },
}

pub(super) fn why_not<'a>(place: &Placed<'a>, known: &KnownAlerts<'_>) -> Option<WhyNot<'a>> {
    let here = place.here();
    if let Some((one, other)) = contradiction(&here) {
        return Some(WhyNot::Contradiction(one, other));
    }
    let stops = || place.before.iter().filter(|earlier| !earlier.continues);
    if let Some(earlier) = stops().find(|earlier| asked(earlier).all(|matcher| follows(matcher, &here))) {
        return Some(WhyNot::Taken(earlier));
    }
    let misspelt = place.route.matchers.iter().find_map(|written| {
        let meant = known.meant(&written.matcher)?.to_owned();
        Some(WhyNot::Misspelt { written, meant })
    });
    misspelt.or_else(|| covered(stops().collect(), &here, known))
}

/// Whether earlier routes, each of which asks for one label only, take every value of it that rules set.
fn covered<'a>(stops: Vec<&'a Route>, here: &[&Matcher], known: &KnownAlerts<'_>) -> Option<WhyNot<'a>> {
    let alone = |route: &'a Route| match route.matchers.as_slice() {
        [only] => Some(&only.matcher),
        _ => None,
    };
    let stops: Vec<&Matcher> = stops.into_iter().filter_map(alone).collect();
    let labels: BTreeSet<&str> = stops.iter().map(|matcher| matcher.name.as_str()).collect();
    labels.into_iter().find_map(|label| {
        let values = known.values(label);
        let left_over = |value: &&str| {
            let taken = stops.iter().any(|stop| stop.name == label && stop.matches_value(value));
            let wanted = here.iter().filter(|m| m.name == label).all(|m| m.matches_value(value));
            wanted && !taken
        };
        let is_covered = values.len() >= 2 && !values.keys().any(left_over);
        // What the rules set says nothing of a route that asks for another value of this very label.
        let asks_for_it = here.iter().any(|matcher| matcher.name == label);
        (is_covered && !asks_for_it)
            .then(|| WhyNot::Covered { label, values: listed(values.keys().copied()) })
    })
}
