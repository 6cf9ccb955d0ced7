//! Severities that rules give and routes do not know, and promises of documents about who is told of which.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_alerts::IntegrationKind;
use bellwether_diag::{Severity, Span};
use bellwether_model::Matcher;

use super::{asked, listed};
use crate::setup::known_alert::KnownAlerts;
use crate::setup::routing::Routing;
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "severity-unrouted",
    area: Area::Alertmanager,
    severity: Severity::Note,
    title: "a severity that no route knows",
    why: "Rules say how bad something is, routes decide what follows from it, and nothing checks one against the other. A \
          `page` among routes for `critical` and `warning` falls to the default receiver, which is often a channel \
          nobody watches at night. Where no route looks at the severity at all, a page is told like a note.",
    wrong: &[
        (
            "rules.yml",
            "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 1m\n    labels: {severity: page}\n",
        ),
        (
            "alertmanager.yml",
            "route:\n  receiver: chat\n  routes:\n  - matchers: ['severity=\"critical\"']\n    receiver: pager\n  - \
             matchers: ['severity=\"warning\"']\n    receiver: chat\n",
        ),
    ],
    right: &[
        (
            "rules.yml",
            "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 1m\n    labels: {severity: page}\n",
        ),
        (
            "alertmanager.yml",
            "route:\n  receiver: chat\n  routes:\n  - matchers: ['severity=~\"critical|page\"']\n    receiver: pager\n  - \
             matchers: ['severity=\"warning\"']\n    receiver: chat\n",
        ),
    ],
    run,
};

/// Severities for which somebody gets up.
const URGENT: [&str; 6] = ["critical", "page", "emergency", "fatal", "disaster", "p1"];

fn run(setup: &Setup, report: &mut Report) {
    let known = KnownAlerts::of(setup);
    for routing in &setup.routings {
        let routes = routing.routes();
        let asked_for: Vec<&Matcher> = routes
            .iter()
            .flat_map(|route| asked(route))
            .filter(|matcher| matcher.name == "severity")
            .collect();
        let Some(root) = &routing.route else { continue };
        let default = root.receiver.as_ref().map_or("the default", |name| name.value.as_str());
        let mut given = severities_of_rules(&known);
        of_tables(setup, routing, &mut given);
        let unknown = |(value, _): &(&String, &Span)| !asked_for.iter().any(|m| m.matches_value(value));
        let told_apart: BTreeSet<String> = asked_for.iter().map(ToString::to_string).collect();
        if told_apart.len() >= 2 {
            for (value, span) in given.iter().filter(unknown) {
                let found = report
                    .find(*span, format!("no route knows the severity {value:?}: it is told to {default:?}"));
                found.help("add a route for it, or use a severity that has one");
                if URGENT.contains(&value.as_str()) {
                    found.severity(Severity::Warning);
                }
            }
        }
        if asked_for.is_empty() && routing.is_whole {
            nobody_looks(&known, routing, report);
        }
        promised(setup, routing, report);
    }
}

fn severities_of_rules(known: &KnownAlerts<'_>) -> BTreeMap<String, Span> {
    let place = |(value, rule): (&&str, &&crate::Rule)| {
        let span = rule.label("severity").map_or(rule.name.span, |field| field.value.span);
        ((*value).to_owned(), span)
    };
    known.values("severity").iter().map(place).collect()
}

/// Severities of a table of the document in which the routes stand.
fn of_tables(setup: &Setup, routing: &Routing, given: &mut BTreeMap<String, Span>) {
    let Some(document) = routing.section.and_then(|id| setup.documents.get(id.document)) else { return };
    for table in &document.tables {
        let names_alerts = table.header.iter().any(|(text, _)| text.to_ascii_lowercase().contains("alert"));
        let column =
            table.header.iter().position(|(text, _)| text.to_ascii_lowercase().ends_with("severity"));
        let Some(column) = column.filter(|_| names_alerts) else { continue };
        for (text, span) in table.rows.iter().filter_map(|row| row.get(column)) {
            let value = text.trim_matches(['`', '*']).to_ascii_lowercase();
            if !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric()) {
                given.entry(value).or_insert(*span);
            }
        }
    }
}

/// Several severities, one of them urgent, and one receiver for all.
fn nobody_looks(known: &KnownAlerts<'_>, routing: &Routing, report: &mut Report) {
    let values = known.values("severity");
    let is_urgent = values.keys().any(|value| URGENT.contains(value));
    let Some(receiver) = routing.route.as_ref().and_then(|root| root.receiver.as_ref()) else { return };
    if values.len() >= 2 && is_urgent && routing.routes().len() == 1 {
        let message = format!(
            "no route looks at the severity: {} are all told to {:?} alike",
            listed(values.keys().copied()),
            receiver.value
        );
        report
            .find(receiver.span, message)
            .help("add a route for the urgent ones, with a receiver that wakes somebody");
    }
}

/// A sentence that says which severity is told by which service, where no receiver uses that service.
fn promised(setup: &Setup, routing: &Routing, report: &mut Report) {
    let Some(id) = routing.section.filter(|_| routing.is_whole) else { return };
    let services = [
        ("PagerDuty", IntegrationKind::Pagerduty),
        ("Opsgenie", IntegrationKind::Opsgenie),
        ("VictorOps", IntegrationKind::Victorops),
        ("Slack", IntegrationKind::Slack),
        ("Telegram", IntegrationKind::Telegram),
    ];
    let document = id.document;
    for line in setup.documents.get(document).map_or(&[][..], |document| &document.prose) {
        let lower = line.text.to_ascii_lowercase();
        let names_severity =
            ["critical", "warning", "urgent", "page"].iter().any(|word| lower.contains(word));
        let is_example = ["such as", " like ", "e.g.", "for example"].iter().any(|word| lower.contains(word));
        let is_told = ["route", "send", "notif"].iter().any(|word| lower.contains(word));
        if !names_severity || is_example || !is_told {
            continue;
        }
        for (name, kind) in services {
            let Some(at) = line.text.find(name) else { continue };
            let has_one = setup
                .routings
                .iter()
                .filter(|other| other.section.is_some_and(|other| other.document == document))
                .flat_map(|routing| routing.receivers.iter().flat_map(|receiver| &receiver.integrations))
                .any(|integration| integration.field.value == kind.field());
            if !has_one {
                let start = line.span.start + at as u32;
                let span = Span { start, end: start + name.len() as u32, ..line.span };
                let message =
                    format!("no receiver sends to {name}, and this sentence says who is told by it");
                report
                    .find(span, message)
                    .help(format!("add a receiver with {} and a route to it", kind.field()));
            }
        }
    }
}
