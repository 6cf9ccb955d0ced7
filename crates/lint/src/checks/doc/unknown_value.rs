//! A label's value in a text that the code beside it spells otherwise.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_diag::{Severity, Span};

use crate::setup::markdown::Markdown;
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "unknown-value",
    area: Area::Doc,
    severity: Severity::Note,
    title: "a text names a value of a label that the code does not know",
    why: "A filter for a value that is never exported selects nothing, without an error. Where a document names `Label=Value` \
          and its code filters the same label by other values, one of the two is wrong.",
    wrong: &[(
        "README.md",
        "Filter by Outcome=Done.\n\n```promql\nsum(rate(chats_total{Outcome=~\"Engaged|Acknowledged\"}[5m]))\n```\n",
    )],
    right: &[(
        "README.md",
        "Filter by Outcome=Engaged.\n\n```promql\nsum(rate(chats_total{Outcome=~\"Engaged|Acknowledged\"}[5m]))\n```\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for document in &setup.documents {
        let known = values_in_code(setup, document);
        for line in &document.prose {
            for (at, name, value) in pairs(&line.text) {
                let Some(values) = known.get(name).filter(|values| values.len() >= 2) else { continue };
                if values.contains(value) {
                    continue;
                }
                let start = line.span.start + at as u32;
                let span = Span { start, end: start + (name.len() + 1 + value.len()) as u32, ..line.span };
                let all: Vec<&str> = values.iter().map(String::as_str).collect();
                report
                    .find(span, format!("the code knows no {name} {value:?}, only {}", all.join(", ")))
                    .help("write the value that is exported");
            }
        }
    }
}

/// `Outcome=Engaged` in a text: a word, an equals sign, a word that begins with a capital.
fn pairs(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices('=').filter_map(move |(at, _)| {
        let (before, after) = (&text[..at], &text[at + 1..]);
        let name = &before[before.rfind(|c| !is_word(c)).map_or(0, |end| end + 1)..];
        let value = &after[..after.find(|c| !is_word(c)).unwrap_or(after.len())];
        let is_plain = !name.is_empty() && value.starts_with(|c: char| c.is_ascii_uppercase());
        is_plain.then(|| (at - name.len(), name, value))
    })
}

/// Values that code compares labels with: quoted, or alternatives of a pattern, after the label's name.
fn values_in_code(setup: &Setup, document: &Markdown) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for block in &document.blocks {
        for line in setup.sources.text(block.file).lines() {
            for (at, _) in line.match_indices('=') {
                let name_end = line[..at].trim_end_matches(['!', '~', ' ']);
                let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let name = &name_end[name_end.rfind(|c| !is_word(c)).map_or(0, |end| end + 1)..];
                let Some(text) = quoted_after(&line[at + 1..]) else { continue };
                let values = text.split('|').filter(|value| !value.is_empty() && value.chars().all(is_word));
                found.entry(name.to_owned()).or_default().extend(values.map(str::to_owned));
            }
        }
    }
    found.remove("");
    found
}

/// The quoted text that follows an equals sign, at once or as the argument of a function.
fn quoted_after(text: &str) -> Option<&str> {
    let open = text.find('"')?;
    let between = &text[..open];
    let is_near = between.chars().all(|c| c.is_ascii_alphanumeric() || "._~(\\ ".contains(c));
    let rest = &text[open + 1..];
    let end = rest.find(['"', '\\'])?;
    is_near.then_some(&rest[..end])
}
