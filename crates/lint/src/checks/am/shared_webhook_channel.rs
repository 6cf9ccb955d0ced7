//! One incoming webhook of a Slack app for several channels.

use std::collections::BTreeMap;

use bellwether_alerts::IntegrationKind;
use bellwether_diag::yaml::Node;
use bellwether_diag::{Severity, Span};

use super::listed;
use crate::setup::routing::Routing;
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "shared-webhook-channel",
    area: Area::Alertmanager,
    severity: Severity::Warning,
    title: "one webhook for several Slack channels",
    why: "An incoming webhook of a Slack app belongs to the channel that was chosen when it was made, and ignores the \
          `channel` of a message: everything arrives in one place, pages among warnings. Make a webhook per channel and \
          name it in `api_url_file`, or use an app's token (`slack_app_token`), which may post to any channel it is in.",
    wrong: &[(
        "alertmanager.yml",
        "global: {slack_api_url: 'https://hooks.slack.com/services/T0/B0/abc'}\nroute: {receiver: pages}\nreceivers:\n- \
         name: pages\n  slack_configs: [{channel: '#pages', text: page}]\n- name: warnings\n  slack_configs: [{channel: \
         '#warnings', text: warning}]\n",
    )],
    right: &[(
        "alertmanager.yml",
        "route: {receiver: pages}\nreceivers:\n- name: pages\n  slack_configs: [{api_url: \
         'https://hooks.slack.com/services/T0/B0/abc', channel: '#pages', text: page}]\n- name: warnings\n  \
         slack_configs: [{api_url: 'https://hooks.slack.com/services/T0/B1/def', channel: '#warnings', text: \
         warning}]\n",
    )],
    run,
};

/// Where a webhook is written, and the channels it is to post to.
type Webhooks<'a> = BTreeMap<&'a str, (Span, Vec<&'a Node>)>;

fn run(setup: &Setup, report: &mut Report) {
    for routing in &setup.routings {
        for (span, channels) in webhooks(routing).into_values() {
            let name = |channel: &&'_ Node| channel.as_text().unwrap_or_default().to_owned();
            let names: Vec<String> = channels.iter().map(name).collect();
            let Some(other) = names.iter().position(|name| *name != names[0]) else { continue };
            let mut distinct = names.clone();
            distinct.sort();
            distinct.dedup();
            let all = listed(names.iter().map(String::as_str));
            report
                .find(span, format!("one webhook is to post to {} channels: {all}", distinct.len()))
                .help("make a webhook per channel and name it there, or use an app's token")
                .related(channels[other].span, "another channel than the first");
            for (channel, name) in channels.iter().zip(&names).filter(|(_, name)| **name != names[0]) {
                report
                    .find(
                        channel.span,
                        format!("{name} is not where this webhook posts if it posts to {}", names[0]),
                    )
                    .help("give this receiver an api_url_file of its own")
                    .severity(Severity::Note);
            }
        }
    }
}

fn webhooks(routing: &Routing) -> Webhooks<'_> {
    let global = routing.global.as_ref().and_then(|global| global.get("slack_api_url"));
    let mut found: Webhooks<'_> = BTreeMap::new();
    for integration in routing.receivers.iter().flat_map(|receiver| &receiver.integrations) {
        let is_slack = integration.field.value == IntegrationKind::Slack.field();
        let node = &integration.node;
        let has_own =
            ["api_url_file", "app_token", "app_token_file"].iter().any(|field| node.get(field).is_some());
        let (Some(url), Some(channel)) = (node.get("api_url").or(global), node.get("channel")) else {
            continue;
        };
        let text = url.as_text().unwrap_or_default();
        if is_slack && !has_own && is_webhook(text) && channel.as_text().is_some() {
            found.entry(text).or_insert_with(|| (url.span, Vec::new())).1.push(channel);
        }
    }
    found
}

/// Whether it is an incoming webhook. One that is cut short may be many.
fn is_webhook(url: &str) -> bool {
    let is_cut_short = url.ends_with("...") || url.ends_with('…');
    let names_itself = url.to_ascii_lowercase().contains("webhook");
    !is_cut_short && (url.contains("hooks.slack.com/") || names_itself)
}
