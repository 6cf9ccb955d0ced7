//! A route that some of the alerts it asks for never reach, because an earlier one about something else takes them.

use bellwether_diag::Severity;

use super::unreachable_route::why_not;
use super::{Placed, asked, first_line, listed, placed, said};
use crate::setup::known_alert::{KnownAlert, KnownAlerts, Matches};
use crate::setup::routing::Route;
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "shadowed-route",
    area: Area::Alertmanager,
    severity: Severity::Note,
    title: "an earlier route takes some of the alerts that a route asks for",
    why: "Of siblings the first that matches takes an alert. When two routes ask for different labels, such as one for \
          `severity` and one for `team`, an alert can match both, and only the first is told. If both are meant to be \
          told, the first needs `continue: true`; if one of them is meant to win, put its matcher into the other too.",
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
             matchers: ['team=\"web\"']\n    receiver: web\n",
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
            "route:\n  receiver: chat\n  routes:\n  - matchers: ['severity=\"critical\"']\n    receiver: pager\n    \
             continue: true\n  - matchers: ['team=\"web\"']\n    receiver: web\n",
        ),
    ],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    let known = KnownAlerts::of(setup);
    for routing in &setup.routings {
        // What nothing comes to at all is said by another check.
        let reached = placed(routing).into_iter().filter(|place| why_not(place, &known).is_none());
        for place in reached.filter(|place| !place.before.is_empty() && !place.route.matchers.is_empty()) {
            let here = place.here();
            let is_mine =
                |alert: &&KnownAlert<'_>| known.matches(alert, here.iter().copied()) == Matches::Yes;
            let mine: Vec<&KnownAlert<'_>> = known.all.iter().filter(is_mine).collect();
            for earlier in place.before.iter().filter(|earlier| !earlier.continues) {
                look(setup, &place, earlier, (&mine, &known), report);
            }
        }
    }
}

/// Looks at one route before another; `mine` are the alerts that the other asks for.
fn look(
    setup: &Setup,
    place: &Placed<'_>,
    earlier: &Route,
    (mine, known): (&[&KnownAlert<'_>], &KnownAlerts<'_>),
    report: &mut Report,
) {
    let about_another = !earlier.matchers.is_empty()
        && asked(earlier).all(|theirs| asked(place.route).all(|own| own.name != theirs.name));
    if !about_another {
        return;
    }
    let is_taken = |alert: &&&KnownAlert<'_>| known.matches(alert, asked(earlier)) == Matches::Yes;
    let taken: Vec<&str> = mine.iter().filter(is_taken).map(|alert| alert.rule.name.value.as_str()).collect();
    if taken.is_empty() {
        return;
    }
    let message =
        format!("{} never come here: the route for {} takes them", listed(taken), said(asked(earlier)));
    report
        .find(first_line(setup, &place.route.node), message)
        .help("let that route say continue: true, if both are meant to be told")
        .related(first_line(setup, &earlier.node), "takes them");
}
