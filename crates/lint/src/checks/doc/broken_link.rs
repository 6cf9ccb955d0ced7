//! Links and hints to sections that are not there.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_diag::{Severity, Span, suggest};

use crate::setup::markdown::{Markdown, Prose};
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "broken-link",
    area: Area::Doc,
    severity: Severity::Warning,
    title: "a link to a section that is not there",
    why: "Headings change and links to them do not. A table of contents whose entries lead nowhere, or *see the section …* \
          with a title no section has, leaves readers searching in the moment they were told not to.",
    wrong: &[("README.md", "See [alerts](#alerting).\n\n## Alerts\n\nText.\n")],
    right: &[("README.md", "See [alerts](#alerts).\n\n## Alerts\n\nText.\n")],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    // Where a block of code is not closed, the headings after it are none, and that is said of the block.
    for document in setup.documents.iter().filter(|document| document.broken_fences.is_empty()) {
        let anchors = anchors(setup, document);
        for line in &document.prose {
            links(line, &anchors, report);
            named_sections(line, document, report);
        }
    }
}

fn links(line: &Prose, anchors: &BTreeSet<String>, report: &mut Report) {
    for (at, _) in line.text.match_indices("](#") {
        let start = at + "](#".len();
        let Some(len) = line.text[start..].find(')') else { continue };
        let anchor = &line.text[start..start + len];
        // Code that shows a link is none, and references to issues are no places.
        if anchors.contains(&anchor.to_lowercase()) || anchor.is_empty() || is_in_code(&line.text, at) {
            continue;
        }
        let begins = line.span.start + start as u32;
        let span = Span { start: begins - 1, end: begins + len as u32, ..line.span };
        let found = report.find(span, format!("no section has the anchor #{anchor}"));
        match suggest(anchor, anchors.iter().map(String::as_str)) {
            Some(near) => found.help(format!("did you mean #{near}?")),
            None => found.help("name a section that is there"),
        };
    }
}

fn is_in_code(text: &str, at: usize) -> bool {
    text[..at].bytes().filter(|byte| *byte == b'`').count() % 2 == 1
}

/// The anchors that headings get, as GitHub makes them, and those that are written.
fn anchors(setup: &Setup, document: &Markdown) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for section in document.sections.iter().filter(|section| section.level > 0) {
        let slug = slug(&section.title);
        let count = counts.entry(slug.clone()).or_default();
        found.insert(if *count == 0 { slug } else { format!("{slug}-{count}") });
        *count += 1;
    }
    let text = setup.sources.text(document.file);
    for mark in ["id=", "name=", "{#"] {
        for after in text.split(mark).skip(1) {
            let after = after.trim_start_matches(['"', '\'']);
            let end = after.find(['"', '\'', '}', '>', ' ', '\n']).unwrap_or(0);
            found.insert(after[..end].to_lowercase());
        }
    }
    found
}

fn slug(title: &str) -> String {
    let title = title.trim_end_matches('#').trim().to_lowercase();
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// `the section **Title**` in a document without such a section.
fn named_sections(line: &Prose, document: &Markdown, report: &mut Report) {
    let lower = line.text.to_ascii_lowercase();
    for (at, word) in lower.match_indices("section ") {
        let after = &line.text[at + word.len()..];
        let skipped = ["on ", "called ", "named ", "titled "].iter().find(|word| after.starts_with(**word));
        let after = &after[skipped.map_or(0, |word| word.len())..];
        let (open, close) = if after.starts_with("**") { ("**", "**") } else { ("\"", "\"") };
        let Some(title) =
            after.strip_prefix(open).and_then(|rest| rest.split_once(close)).map(|(title, _)| title)
        else {
            continue;
        };
        let has_it = document.sections.iter().any(|section| {
            let (there, wanted) = (plain(&section.title), plain(title));
            there.contains(&wanted) || (!there.is_empty() && wanted.contains(&there))
        });
        if has_it || title.len() < 3 {
            continue;
        }
        let start = line.span.start + (line.text.len() - after.len() + open.len()) as u32;
        let span = Span { start, end: start + title.len() as u32, ..line.span };
        let titles = document.sections.iter().map(|section| section.title.as_str());
        let found = report.find(span, format!("no section is called {title:?}")).severity(Severity::Note);
        match suggest(title, titles) {
            Some(near) => found.help(format!("did you mean {near:?}?")),
            None => found.help("link to the section that is meant"),
        };
    }
}

fn plain(title: &str) -> String {
    title.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}
