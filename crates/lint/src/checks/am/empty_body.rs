//! A Slack message that consists of a title.

use bellwether_alerts::IntegrationKind;
use bellwether_diag::Severity;

use super::first_line;
use crate::setup::routing::Integration;
use crate::{Area, Check, Form, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "empty-body",
    area: Area::Alertmanager,
    severity: Severity::Note,
    title: "a Slack message without a body",
    why: "The default text of a Slack message is empty: without `text` people see a title with the alert's name and labels, \
          and none of the annotations that the rules carry for them. Write a `text` with the summary, the description and \
          the runbook of each alert.",
    wrong: &[(
        "alertmanager.yml",
        "route: {receiver: chat}\nreceivers:\n- name: chat\n  slack_configs:\n  - api_url_file: /etc/slack\n    channel: \
         '#alerts'\n",
    )],
    right: &[(
        "alertmanager.yml",
        "route: {receiver: chat}\nreceivers:\n- name: chat\n  slack_configs:\n  - api_url_file: /etc/slack\n    channel: \
         '#alerts'\n    text: '{{ range .Alerts }}{{ .Annotations.summary }}{{ end }}'\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    // A file of templates may define the default text anew.
    let has_templates = setup.files.iter().any(|file| file.form == Form::Template);
    for routing in &setup.routings {
        if has_templates || routing.node.get("templates").is_some() {
            continue;
        }
        for receiver in &routing.receivers {
            let is_slack = |it: &&Integration| it.field.value == IntegrationKind::Slack.field();
            for integration in receiver.integrations.iter().filter(is_slack) {
                let says = ["text", "blocks", "fields", "pretext", "message_text"];
                let says_something = says.iter().any(|field| integration.node.get(field).is_some());
                let title =
                    integration.node.get("title").and_then(|title| title.as_text()).unwrap_or_default();
                if says_something || title.contains("Annotations") {
                    continue;
                }
                let message =
                    format!("messages of {:?} have no body: the default text is empty", receiver.name.value);
                let help = "write text: with the summary and description of each alert";
                report.find(first_line(setup, &integration.node), message).help(help);
            }
        }
    }
}
