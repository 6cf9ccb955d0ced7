//! Things that documents say Alertmanager does, and that it does not do.

use bellwether_diag::{Severity, Span};

use crate::setup::markdown::{Markdown, Prose};
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "not-in-alertmanager",
    area: Area::Doc,
    severity: Severity::Note,
    title: "a document promises what Alertmanager does not do",
    why: "Alertmanager knows silences, and neither acknowledgements nor a resolution by hand: repeats go on after somebody \
          has said \"mine\", and an alert that was resolved by hand fires again with Prometheus' next message. Who relies \
          on either is surprised at night. Name the tool that does it (a pager, or a router with acknowledgements), or \
          write how to silence.",
    wrong: &[(
        "README.md",
        "Alertmanager routes alerts.\n\n- Repeat interval: 4 hours for unacknowledged alerts\n\n```yaml\nroute:\n  \
         receiver: chat\n```\n",
    )],
    right: &[(
        "README.md",
        "Alertmanager routes alerts.\n\n- Repeat interval: 4 hours while an alert is not silenced\n\n```yaml\nroute:\n  \
         receiver: chat\n```\n",
    )],
    run,
};

/// Words of a promise, and what is true instead.
const PROMISES: [(&[&str], &str, &str); 2] = [
    (
        &["acknowledged", "unacknowledged"],
        "Alertmanager knows no acknowledgement: messages are repeated until the alert is over or silenced",
        "say that it is silenced, or name the tool in which alerts are acknowledged",
    ),
    (
        &[
            "manual resolution",
            "manually resolve",
            "manually resolved",
            "resolve manually",
            "resolved manually",
        ],
        "an alert cannot be resolved by hand: it is over when its query says so, and fires again until then",
        "say how to silence it",
    ),
];

fn run(setup: &Setup, report: &mut Report) {
    for (index, document) in setup.documents.iter().enumerate() {
        let has_routes = setup
            .routings
            .iter()
            .any(|routing| routing.section.is_some_and(|section| section.document == index));
        if !has_routes || !is_about_alertmanager(document) {
            continue;
        }
        for line in &document.prose {
            for (words, message, help) in PROMISES {
                if let Some(span) = says(line, words) {
                    report.find(span, message).help(help);
                }
            }
        }
    }
}

/// Whether it speaks of Alertmanager, and of no program beside it that acknowledges.
fn is_about_alertmanager(document: &Markdown) -> bool {
    let mentions =
        |word: &str| document.prose.iter().any(|line| line.text.to_ascii_lowercase().contains(word));
    mentions("alertmanager") && !mentions("bellwether") && !mentions("karma")
}

fn says(line: &Prose, words: &[&str]) -> Option<Span> {
    let lower = line.text.to_ascii_lowercase();
    // A pager acknowledges.
    if ["pagerduty", "opsgenie", "incident", "on-call tool"].iter().any(|pager| lower.contains(pager)) {
        return None;
    }
    words.iter().find_map(|word| {
        let at = lower.find(word).filter(|at| {
            let before = lower[..*at].chars().next_back();
            !before.is_some_and(char::is_alphanumeric)
        })?;
        let start = line.span.start + at as u32;
        Some(Span { start, end: start + word.len() as u32, ..line.span })
    })
}
