//! One alert that is delivered twice, because a route continues.

use bellwether_diag::Severity;

use super::{Placed, asked, contradiction, entry, first_line, listed, placed};
use crate::setup::known_alert::{KnownAlert, KnownAlerts, Matches};
use crate::setup::routing::Route;
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "duplicate-delivery",
    area: Area::Alertmanager,
    severity: Severity::Warning,
    title: "the same alert is sent twice because a route continues",
    why: "After a route with `continue: true` its later siblings are tried as well. Where one of them sends to the same \
          receiver, one alert is two messages; where one of them is about something else, such as a team after a \
          severity, two groups of people are told who may not know of each other. Leave `continue` out, unless both are \
          meant to be told.",
    wrong: &[(
        "alertmanager.yml",
        "route:\n  receiver: chat\n  routes:\n  - matchers: ['severity=\"critical\"']\n    receiver: pager\n    continue: \
         true\n  - matchers: ['team=\"web\"']\n    receiver: pager\n",
    )],
    right: &[(
        "alertmanager.yml",
        "route:\n  receiver: chat\n  routes:\n  - matchers: ['severity=\"critical\"']\n    receiver: pager\n  - matchers: \
         ['team=\"web\"']\n    receiver: pager\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    let known = KnownAlerts::of(setup);
    for routing in &setup.routings {
        for place in placed(routing).iter().filter(|place| place.route.continues) {
            same_receiver(setup, place, report);
            other_receiver(place, &known, report);
        }
    }
}

fn receiver<'a>(place: &Placed<'a>, route: &'a Route) -> Option<&'a str> {
    let above = || place.parents.iter().rev().find_map(|parent| parent.receiver.as_ref());
    let own = route.receiver.as_ref().or_else(above);
    own.map(|name| name.value.as_str())
}

fn both<'a>(place: &Placed<'a>, later: &'a Route) -> Vec<&'a bellwether_model::Matcher> {
    place.here().into_iter().chain(asked(later)).collect()
}

fn same_receiver(setup: &Setup, place: &Placed<'_>, report: &mut Report) {
    let own = receiver(place, place.route);
    let same = place.after.iter().find(|later| {
        let is_plain = later.routes.is_empty() && place.route.routes.is_empty();
        is_plain && receiver(place, later) == own && contradiction(&both(place, later)).is_none()
    });
    let (Some(later), Some(name)) = (same, own) else { return };
    let span = entry(&place.route.node, "continue")
        .map_or(place.route.node.span, |(key, value)| key.span.to(value.span));
    report
        .find(span, format!("an alert that matches this route and a later one is sent to {name:?} twice"))
        .help("leave continue out, or send to another receiver there")
        .related(first_line(setup, &later.node), "sends to it again");
}

/// A route to the receiver that is told anyway, which lets another that is about something else tell its own: the first
/// team hears of the alerts of the second.
fn other_receiver(place: &Placed<'_>, known: &KnownAlerts<'_>, report: &mut Report) {
    let default = place.parents.iter().rev().find_map(|parent| parent.receiver.as_ref());
    let Some(own) = receiver(place, place.route) else { return };
    if default.is_none_or(|default| default.value != own) || place.route.matchers.is_empty() {
        return;
    }
    let here = place.here();
    let is_mine = |alert: &&KnownAlert<'_>| known.matches(alert, here.iter().copied()) == Matches::Yes;
    let mine: Vec<&KnownAlert<'_>> = known.all.iter().filter(is_mine).collect();
    for later in place.after {
        let about_another = !later.matchers.is_empty()
            && asked(place.route).all(|own| asked(later).all(|theirs| theirs.name != own.name));
        let Some(theirs) = receiver(place, later).filter(|theirs| about_another && *theirs != own) else {
            continue;
        };
        let twice: Vec<&str> = mine
            .iter()
            .filter(|alert| known.matches(alert, asked(later)) == Matches::Yes)
            .map(|alert| alert.rule.name.value.as_str())
            .collect();
        let Some((key, value)) = entry(&place.route.node, "continue").filter(|_| !twice.is_empty()) else {
            continue;
        };
        let message = format!("both {own:?}, the default, and {theirs:?} are told of {}", listed(twice));
        let help = "leave continue out if one of them is enough, or move the other route up";
        report.find(key.span.to(value.span), message).help(help).severity(Severity::Note);
    }
}
