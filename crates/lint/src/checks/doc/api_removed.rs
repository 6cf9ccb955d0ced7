//! Addresses that no current program answers.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Severity, Span};

use super::is_alertmanager;
use crate::{Area, Check, Form, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "api-removed",
    area: Area::Doc,
    severity: Severity::Error,
    title: "a call of an API that has been removed",
    why: "Alertmanager has answered `/api/v1/…` with 410 since 0.27 (February 2024), and Prometheus 3 no longer sends to it. \
          The second version lies at `/api/v2/…` and answers in another shape: a bare list where the first had an envelope \
          with `data`.",
    wrong: &[("README.md", "```sh\ncurl -s http://localhost:9093/api/v1/alerts\n```\n")],
    right: &[("README.md", "```sh\ncurl -s http://localhost:9093/api/v2/alerts\n```\n")],
    run,
};

/// What the first version had.
const CALLS: [&str; 5] = ["alerts", "silences", "silence", "status", "receivers"];

fn run(setup: &Setup, report: &mut Report) {
    for script in &setup.scripts {
        for word in script.commands.iter().flat_map(|command| &command.words) {
            let start = word.place.start;
            for (at, url) in urls(&word.raw) {
                look(url, script.span(start + at..start + at + url.len()), report);
            }
        }
    }
    for document in &setup.documents {
        for line in &document.prose {
            for (at, url) in urls(&line.text) {
                let start = line.span.start + at as u32;
                look(url, Span { start, end: start + url.len() as u32, ..line.span }, report);
            }
        }
    }
    for tree in setup.trees.iter().filter(|tree| tree.form == Form::Prometheus) {
        senders(&tree.node, report);
    }
}

/// Addresses in a text, each with its place.
fn urls(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices("http").filter_map(|(at, _)| {
        let rest = &text[at..];
        let end = rest.find(|c: char| c.is_whitespace() || "\"'`)>|".contains(c)).unwrap_or(rest.len());
        rest[..end].contains("://").then_some((at, &rest[..end]))
    })
}

fn look(url: &str, span: Span, report: &mut Report) {
    let Some((before, after)) = url.split_once("/api/v1/") else { return };
    let call = after.split(['/', '?', '#']).next().unwrap_or_default();
    if !is_alertmanager(before) || !CALLS.contains(&call) {
        return;
    }
    let start = span.start + before.len() as u32;
    let version = Span { start, end: start + "/api/v1/".len() as u32, ..span };
    report
        .find(version, format!("Alertmanager has no /api/v1/{call} since 0.27: it answers 410 Gone"))
        .help(format!("write /api/v2/{call}, and read its answer without the envelope `data`"))
        .fix("write /api/v2/", version, "/api/v2/");
}

/// `api_version: v1` of the Alertmanagers that Prometheus sends to.
fn senders(node: &Node, report: &mut Report) {
    let all = node.get("alerting").and_then(|alerting| alerting.get("alertmanagers"));
    for sender in all.and_then(Node::as_sequence).unwrap_or_default() {
        if let Some(version) = sender.get("api_version").filter(|version| version.as_text() == Some("v1")) {
            report
                .find(version.span, "Alertmanager takes no alerts at its API v1 since 0.27, and Prometheus 3 refuses the setting")
                .help("write v2, or remove the line: that is the default")
                .fix("write v2", version.span, "v2");
        }
    }
}
