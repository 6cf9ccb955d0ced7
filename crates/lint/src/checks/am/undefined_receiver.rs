//! A route that names a receiver nobody defines. In a document that shows routes alone, the receivers may stand in another
//! of its blocks.

use std::collections::BTreeSet;

use bellwether_diag::{Severity, suggest};

use crate::{Area, Check, Report, Routing, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "undefined-receiver",
    area: Area::Alertmanager,
    severity: Severity::Error,
    title: "a route names a receiver that is not defined",
    why: "Alertmanager refuses the whole configuration when a route names a receiver that is not in `receivers`, and \
          goes on with the old one or does not start. In a document, whoever follows it ends there. Define the receiver, \
          or show the part of the configuration that does.",
    wrong: &[(
        "alertmanager.yml",
        "route:\n  receiver: chat\n  routes:\n  - matchers: ['severity=\"critical\"']\n    receiver: pager\n\
         receivers:\n- name: chat\n  webhook_configs:\n  - url: http://chat.example/alerts\n",
    )],
    right: &[(
        "alertmanager.yml",
        "route:\n  receiver: chat\n  routes:\n  - matchers: ['severity=\"critical\"']\n    receiver: pager\n\
         receivers:\n- name: chat\n  webhook_configs:\n  - url: http://chat.example/alerts\n- name: pager\n  \
         webhook_configs:\n  - url: http://pager.example/alerts\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for routing in &setup.routings {
        let own: BTreeSet<&str> = names(routing).collect();
        let elsewhere: BTreeSet<&str> =
            setup.routings.iter().filter(|other| belongs_to(routing, other)).flat_map(names).collect();
        let is_piece = own.is_empty();
        // A file with routes alone is a part of something; only a document is expected to show the rest.
        if is_piece && routing.section.is_none() {
            continue;
        }
        let defined = if is_piece { &elsewhere } else { &own };
        let named: Vec<&str> = routing
            .routes()
            .iter()
            .filter_map(|route| route.receiver.as_ref())
            .map(|name| name.value.as_str())
            .collect();
        // Receivers of which a piece names none are those of another example.
        if is_piece && !defined.is_empty() && !named.iter().any(|name| defined.contains(name)) {
            continue;
        }
        let mut reported = BTreeSet::new();
        for name in routing.routes().into_iter().filter_map(|route| route.receiver.as_ref()) {
            if defined.contains(name.value.as_str()) || (defined.is_empty() && !reported.insert(&name.value))
            {
                continue;
            }
            let help = match suggest(&name.value, defined.iter().copied()) {
                Some(near) => format!("did you mean {near:?}?"),
                None if defined.is_empty() => {
                    "no receiver is defined anywhere here: show them as well".to_owned()
                }
                None => "define a receiver of this name, or use one that is defined".to_owned(),
            };
            let found = report.find(name.span, format!("undefined receiver {:?}", name.value)).help(help);
            if defined.is_empty() {
                found.severity(Severity::Note);
            }
        }
    }
}

fn names(routing: &Routing) -> impl Iterator<Item = &str> {
    routing.receivers.iter().map(|receiver| receiver.name.value.as_str())
}

/// Whether what another piece defines counts for this one: it stands in the same document.
fn belongs_to(routing: &Routing, other: &Routing) -> bool {
    matches!((routing.section, other.section), (Some(one), Some(other)) if one.document == other.document)
}
