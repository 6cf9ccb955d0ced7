//! Settings that change nothing.

use bellwether_alerts::IntegrationKind;
use bellwether_diag::Severity;
use bellwether_diag::yaml::Node;

use super::{Placed, entry, placed};
use crate::setup::routing::Routing;
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "noop-setting",
    area: Area::Alertmanager,
    severity: Severity::Note,
    title: "a setting that changes nothing",
    why: "`continue` on the last of its siblings, `resolve_timeout` for alerts of Prometheus (which says itself when they \
          end), an address that is the default anyway, settings for a kind of receiver that is not there: readers think \
          that they do something. Remove them, or add what they were meant for.",
    wrong: &[(
        "alertmanager.yml",
        "route:\n  receiver: chat\n  routes:\n  - matchers: ['severity=\"critical\"']\n    receiver: pager\n    continue: \
         true\n",
    )],
    right: &[(
        "alertmanager.yml",
        "route:\n  receiver: chat\n  routes:\n  - matchers: ['severity=\"critical\"']\n    receiver: pager\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for routing in &setup.routings {
        placed(routing).iter().for_each(|place| continues_to_nothing(place, report));
        let Some(global) = &routing.global else { continue };
        resolve_timeout(setup, global, report);
        pagerduty_url(routing, global, report);
        if routing.is_whole {
            without_receiver(routing, global, report);
        }
    }
}

fn continues_to_nothing(place: &Placed<'_>, report: &mut Report) {
    if !place.route.continues || !place.after.is_empty() {
        return;
    }
    let Some((key, value)) = entry(&place.route.node, "continue") else { return };
    let message = match place.parents.is_empty() {
        true => "continue does nothing: the root has no siblings",
        false => "continue does nothing: no route follows this one",
    };
    report.find(key.span.to(value.span), message).help("remove it");
}

fn resolve_timeout(setup: &Setup, global: &Node, report: &mut Report) {
    // Only where the alerts are known to be Prometheus'.
    let Some((key, value)) = entry(global, "resolve_timeout").filter(|_| !setup.rules.is_empty()) else {
        return;
    };
    report
        .find(
            key.span.to(value.span),
            "resolve_timeout does nothing for alerts of Prometheus, which sends the time of their end with them",
        )
        .help("remove it; how long an alert outlives its query is keep_firing_for in its rule");
}

const PAGERDUTY_URL: &str = "https://events.pagerduty.com/v2/enqueue";

fn pagerduty_url(routing: &Routing, global: &Node, report: &mut Report) {
    let Some((key, value)) = entry(global, "pagerduty_url") else { return };
    let mut pagers = integrations(routing, IntegrationKind::Pagerduty).peekable();
    let is_old = pagers.peek().is_some() && pagers.all(|node| node.get("service_key").is_some());
    let span = key.span.to(value.span);
    if is_old {
        let message = "pagerduty_url is not used: a service_key is sent to the address of the first version of the events";
        report.find(span, message).help("remove it, or write routing_key for an Events API v2 integration");
    } else if value.as_text() == Some(PAGERDUTY_URL) {
        report.find(span, "pagerduty_url is the default").help("remove it");
    }
}

fn integrations(routing: &Routing, kind: IntegrationKind) -> impl Iterator<Item = &Node> {
    let all = routing.receivers.iter().flat_map(|receiver| &receiver.integrations);
    all.filter(move |integration| integration.field.value == kind.field())
        .map(|integration| &integration.node)
}

/// Settings of a kind of receiver that there is none of.
fn without_receiver(routing: &Routing, global: &Node, report: &mut Report) {
    let kinds = [
        ("smtp_", IntegrationKind::Email, "e-mail"),
        ("slack_", IntegrationKind::Slack, "Slack"),
        ("pagerduty_", IntegrationKind::Pagerduty, "PagerDuty"),
        ("opsgenie_", IntegrationKind::Opsgenie, "Opsgenie"),
        ("victorops_", IntegrationKind::Victorops, "VictorOps"),
        ("telegram_", IntegrationKind::Telegram, "Telegram"),
    ];
    for (prefix, kind, name) in kinds {
        let is_one = |(key, _): &&(Node, Node)| key.as_text().is_some_and(|key| key.starts_with(prefix));
        let Some((key, value)) = global.as_mapping().unwrap_or_default().iter().find(is_one) else {
            continue;
        };
        if integrations(routing, kind).next().is_none() {
            let message = format!("{prefix}* settings do nothing: no receiver sends to {name}");
            let help = format!("remove them, or add a receiver with {}", kind.field());
            report.find(key.span.to(value.span), message).help(help);
        }
    }
}
