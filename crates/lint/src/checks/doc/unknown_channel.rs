//! A channel that a document says is told, and that no receiver posts to.

use std::collections::BTreeSet;

use bellwether_diag::{Severity, Span, suggest};

use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "unknown-channel",
    area: Area::Doc,
    severity: Severity::Note,
    title: "a document names a channel that no receiver posts to",
    why: "A policy that says \"a message to #leadership\" holds only if some route leads there. Where a document shows the \
          receivers, each channel that is said to be told should be one of theirs.",
    wrong: &[(
        "README.md",
        "At 25 % a message to #leads is sent.\n\n```yaml\nroute: {receiver: chat}\nreceivers:\n- name: chat\n  \
         slack_configs:\n  - api_url_file: /etc/slack\n    channel: '#alerts'\n```\n",
    )],
    right: &[(
        "README.md",
        "At 25 % a message to #alerts is sent.\n\n```yaml\nroute: {receiver: chat}\nreceivers:\n- name: chat\n  \
         slack_configs:\n  - api_url_file: /etc/slack\n    channel: '#alerts'\n```\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for (index, document) in setup.documents.iter().enumerate() {
        let routings =
            setup.routings.iter().filter(|it| it.section.is_some_and(|section| section.document == index));
        let channels: BTreeSet<&str> = routings
            .flat_map(|routing| routing.receivers.iter().flat_map(|receiver| &receiver.integrations))
            .filter_map(|integration| integration.node.get("channel").and_then(|channel| channel.as_text()))
            .collect();
        if channels.is_empty() {
            continue;
        }
        for line in &document.prose {
            let lower = line.text.to_ascii_lowercase();
            let is_told = ["message", "notif", "alert", "post"].iter().any(|word| lower.contains(word));
            for (at, name) in named(&line.text).filter(|_| is_told) {
                if channels.contains(name) {
                    continue;
                }
                let start = line.span.start + at as u32;
                let span = Span { start, end: start + name.len() as u32, ..line.span };
                let found = report.find(span, format!("no receiver posts to {name}"));
                match suggest(name, channels.iter().copied()) {
                    Some(near) => found.help(format!("did you mean {near}?")),
                    None => found.help("add a receiver and a route for it, or say who posts there"),
                };
            }
        }
    }
}

/// Names of channels in a line: `#eng-alerts`. Numbers of issues and anchors of links are none.
fn named(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices('#').filter_map(|(at, _)| {
        let before = text[..at].chars().next_back();
        let rest = &text[at + 1..];
        let len = rest
            .find(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && !"-_".contains(c))
            .unwrap_or(rest.len());
        let starts_well = before.is_none_or(|c| c.is_whitespace() || "`*\"'(".contains(c));
        let is_name = len >= 3 && rest.starts_with(|c: char| c.is_ascii_lowercase());
        (starts_well && is_name).then(|| (at, &text[at..at + 1 + len]))
    })
}
