//! A receiver that is told of the beginning of an alert and never of its end.

use bellwether_alerts::IntegrationKind;
use bellwether_diag::Severity;

use super::{entry, first_line};
use crate::setup::routing::{Integration, Receiver};
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "no-resolved",
    area: Area::Alertmanager,
    severity: Severity::Note,
    title: "people are told that something is wrong, and not that it is over",
    why: "Whether a message follows when an alert is over depends on the kind of receiver: PagerDuty, Opsgenie and webhooks \
          say so unless told otherwise, Slack and e-mail do not. A channel in which nothing ever ends is one that nobody \
          trusts. Say `send_resolved: true` where people look.",
    wrong: &[(
        "alertmanager.yml",
        "route: {receiver: pager}\nreceivers:\n- name: pager\n  pagerduty_configs:\n  - routing_key_file: /etc/key\n  \
         slack_configs:\n  - api_url_file: /etc/slack\n    channel: '#alerts'\n    text: '{{ .CommonAnnotations.summary }}'\n",
    )],
    right: &[(
        "alertmanager.yml",
        "route: {receiver: pager}\nreceivers:\n- name: pager\n  pagerduty_configs:\n  - routing_key_file: /etc/key\n  \
         slack_configs:\n  - api_url_file: /etc/slack\n    channel: '#alerts'\n    send_resolved: true\n    text: '{{ \
         .CommonAnnotations.summary }}'\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for routing in &setup.routings {
        let others_hear = routing.receivers.iter().flat_map(|receiver| &receiver.integrations).any(hears);
        let is_promised = routing.section.is_some_and(|id| promises(setup, id.document));
        for receiver in &routing.receivers {
            for integration in chats(receiver) {
                let speaks_of_it = speaks_of_ends(setup, integration);
                let expected = others_hear || is_promised || speaks_of_it;
                if !expected || entry(&integration.node, "send_resolved").is_some() {
                    continue;
                }
                let message = format!(
                    "{:?} is not told when an alert is over: send_resolved is false for Slack unless it is written",
                    receiver.name.value
                );
                let found = report.find(first_line(setup, &integration.node), message);
                found.help("write send_resolved: true");
                if speaks_of_it {
                    found.severity(Severity::Warning);
                }
            }
        }
    }
}

fn chats(receiver: &Receiver) -> impl Iterator<Item = &Integration> {
    let field = IntegrationKind::Slack.field();
    receiver.integrations.iter().filter(move |integration| integration.field.value == field)
}

/// Whether an integration for people is told of the end. Webhooks feed programs.
fn hears(integration: &Integration) -> bool {
    let kind = IntegrationKind::ALL.into_iter().find(|kind| kind.field() == integration.field.value);
    let written = integration.node.get("send_resolved").and_then(|value| value.as_text());
    match (written, kind) {
        (Some(said), _) => said == "true",
        (None, Some(IntegrationKind::Webhook) | None) => false,
        (None, Some(kind)) => kind.sends_resolved(),
    }
}

/// Whether its texts tell a firing alert from one that is over.
fn speaks_of_ends(setup: &Setup, integration: &Integration) -> bool {
    let text = setup.sources.slice(integration.node.span);
    text.contains(".Status") || text.contains("Resolved") || text.contains("\"resolved\"")
}

/// Whether the document around it says that people hear of the end.
fn promises(setup: &Setup, document: usize) -> bool {
    let prose = setup.documents.get(document).map_or(&[][..], |document| &document.prose);
    prose.iter().any(|line| {
        let lower = line.text.to_ascii_lowercase();
        lower.contains("resolved") && (lower.contains("notif") || lower.contains("message"))
    })
}
