//! What else names series and label values: queries inside of annotations, and filters in sentences of a document.

use std::collections::BTreeSet;

use bellwether_diag::{Severity, Span, yaml};
use bellwether_model::MatchOp;
use bellwether_promql::selectors;

use crate::setup::query::{Origin, Query};
use crate::{Report, Rule, Setup};

/// Queries that annotations ask: `{{ query "up" }}`.
pub(super) fn queries_in_annotations(setup: &Setup, rule: &Rule) -> Vec<Query> {
    let mut found = Vec::new();
    for field in &rule.annotations {
        let text = field.text();
        for (at, _) in text.match_indices("query \"") {
            let start = at + "query \"".len();
            let Some(length) = text[start..].find('"') else { continue };
            let span = yaml::span_within(&setup.sources, &field.value, start..start + length);
            let written = setup.sources.slice(span);
            if written == &text[start..start + length] {
                found.push(Query::in_text(
                    written,
                    span.file,
                    span.start as usize,
                    Origin::Rule,
                    rule.section,
                ));
            }
        }
    }
    found
}

/// `Outcome=Accepted` in a sentence, where the code of the document knows other values of `Outcome` only.
pub(super) fn values(setup: &Setup, report: &mut Report) {
    for document in &setup.documents {
        let code: Vec<&str> = document.blocks.iter().map(|block| setup.sources.text(block.file)).collect();
        for line in &document.prose {
            for (label, value, at) in filters(&line.text) {
                let known = known_values(setup, &code, label);
                let is_named = code.iter().any(|text| text.contains(value));
                let plain = known.len() > 1 && known.iter().all(|it| it.chars().all(char::is_alphanumeric));
                if !plain || known.contains(value) || is_named || in_code(&line.text, at) {
                    continue;
                }
                let start = line.span.start as usize + at;
                let names = known.into_iter().collect::<Vec<_>>().join(", ");
                report
                    .find(
                        Span::new(line.span.file, start..start + value.len()),
                        format!(
                            "nothing else knows {label}={value}: the values of {label} elsewhere are {names}"
                        ),
                    )
                    .severity(Severity::Warning)
                    .help(format!("write one of {names}"));
            }
        }
    }
}

/// `Label=Value` between emphasis, quotes or brackets.
fn filters(text: &str) -> Vec<(&str, &str, usize)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in text.match_indices('=') {
        let before = &text[..at];
        let begins = before.len() - before.rsplit(|c: char| !is_word(c)).next().unwrap_or_default().len();
        let after = text[at + 1..].trim_start_matches(['"', '\'']);
        let start = text.len() - after.len();
        let length = after.find(|c: char| !is_word(c)).unwrap_or(after.len());
        let (label, value) = (&before[begins..], &after[..length]);
        let letters = |word: &str| word.len() > 2 && word.starts_with(|c: char| c.is_ascii_alphabetic());
        let marked = text[..begins].ends_with(['*', '`', '{', '(', ' ', ',']);
        if letters(label) && letters(value) && marked {
            found.push((label, value, start));
        }
    }
    found
}

/// Whether a place of a line lies between backticks.
fn in_code(text: &str, at: usize) -> bool {
    text[..at].matches('`').count() % 2 == 1
}

/// Values of a label in selectors and in filters of other query languages: `Outcome=one_of("a", "b")`.
fn known_values(setup: &Setup, code: &[&str], label: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for query in setup.all_queries() {
        for selector in query.parsed.iter().flat_map(selectors) {
            let of_label = selector.matchers.iter().filter(|matcher| matcher.name == label);
            for matcher in of_label.filter(|matcher| matches!(matcher.op, MatchOp::Equal | MatchOp::Regex)) {
                found.extend(matcher.value.split('|').map(str::to_owned));
            }
        }
    }
    for text in code {
        for (at, _) in text.match_indices(&format!("labels.{label}=")) {
            let rest = text[at..].split('\n').next().unwrap_or_default();
            let quoted = rest.split('"').nth(1).unwrap_or_default().trim_end_matches('\\');
            found.extend(quoted.split('|').filter(|value| !value.is_empty()).map(str::to_owned));
        }
    }
    found
}
