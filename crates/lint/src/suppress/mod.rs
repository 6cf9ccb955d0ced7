//! Findings that the author has switched off where they stand, each with a reason: `# bellwether-lint: off ID because
//! REASON`, and `<!-- … -->` in documents. A file far away that lists what is ignored would outlive its reasons; a comment
//! moves with what it is about, and says when it is no longer needed.

mod scope;

use std::ops::Range;

use bellwether_diag::{FileId, Span, suggest};

use crate::{Check, Finding, Report, Setup, catalogue, readers};

/// What begins a comment to the linter.
const MARK: &str = "bellwether-lint:";
const FORM: &str = "write `bellwether-lint: off ID because REASON`";

/// A comment, and what it holds for.
struct Suppression {
    /// What is switched off, and where that is written.
    ids: Vec<(&'static str, Span)>,
    /// The part of the whole file.
    scope: Range<usize>,
}

/// Drops what is switched off, and adds what is wrong with the comments that do it.
pub(crate) fn apply(setup: &Setup, mut findings: Vec<Finding>) -> Vec<Finding> {
    let mut bad = Report::of(&readers::comment::BAD_SUPPRESSION);
    let mut unused = Report::of(&readers::comment::UNUSED_SUPPRESSION);
    for input in &setup.files {
        if !setup.sources.text(input.file).contains(MARK) {
            continue;
        }
        for suppression in suppressions(setup, input.file, &mut bad) {
            for (id, span) in &suppression.ids {
                let before = findings.len();
                findings.retain(|finding| !is_meant(setup, finding, id, input.file, &suppression.scope));
                if findings.len() == before {
                    unused
                        .find(*span, format!("{id} is switched off here, and is not found"))
                        .help("remove the comment");
                }
            }
        }
    }
    findings.extend(bad.into_findings());
    findings.extend(unused.into_findings());
    findings
}

fn is_meant(setup: &Setup, finding: &Finding, id: &str, file: FileId, scope: &Range<usize>) -> bool {
    let place = finding.problem.span.map(|span| setup.sources.whole(span));
    finding.problem.id == id
        && place.is_some_and(|place| place.file == file && scope.contains(&(place.start as usize)))
}

fn suppressions(setup: &Setup, file: FileId, bad: &mut Report) -> Vec<Suppression> {
    let text = setup.sources.text(file);
    let mut scopes = scope::Scopes::of(setup, file);
    let mut found = Vec::new();
    for (mark, _) in text.match_indices(MARK) {
        let Some(comment) = scopes.comment(mark, mark + MARK.len()) else { continue };
        let ids = read(text, comment.words.clone(), file, bad);
        if !ids.is_empty() {
            found.push(Suppression { ids, scope: scopes.scope(&comment) });
        }
    }
    found
}

/// The ids of `off ID, ID because REASON`, those that exist; what is wrong is reported.
fn read(text: &str, words: Range<usize>, file: FileId, bad: &mut Report) -> Vec<(&'static str, Span)> {
    let written = &text[words.clone()];
    let begins = words.start + (written.len() - written.trim_start().len());
    let written = written.trim();
    let whole = Span::new(file, begins..begins + written.len());
    let Some(rest) = written.strip_prefix("off").filter(|rest| rest.starts_with(char::is_whitespace)) else {
        bad.find(whole, "the linter does not know what this comment asks for").help(FORM);
        return Vec::new();
    };
    let (names, reason) = match rest.find("because") {
        Some(at) => (&rest[..at], rest[at + "because".len()..].trim()),
        None => (rest, ""),
    };
    if reason.is_empty() {
        bad.find(whole, "a finding is switched off without a reason")
            .help("add `because` and why it is right as it is; nothing is switched off until then");
        return Vec::new();
    }
    let names_begin = begins + "off".len();
    let ids = words_of(names).filter_map(|word| {
        let name = &names[word.clone()];
        let span = Span::new(file, names_begin + word.start..names_begin + word.end);
        let known = catalogue::find(name).map(|check: &Check| (check.id, span));
        if known.is_none() {
            let near = suggest(name, catalogue::documented().map(|check| check.id));
            let help = near.map_or_else(
                || "`bellwether lint --list` prints all ids".to_owned(),
                |near| format!("did you mean {near}?"),
            );
            bad.find(span, format!("there is no check {name:?}")).help(help);
        }
        known
    });
    let ids: Vec<_> = ids.collect();
    if words_of(names).next().is_none() {
        bad.find(whole, "the comment does not say what to switch off").help(FORM);
    }
    ids
}

/// Words between blanks and commas.
fn words_of(text: &str) -> impl Iterator<Item = Range<usize>> + use<'_> {
    text.split([',', ' ', '\t', '\n', '\r']).filter(|word| !word.is_empty()).map(|word| {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        start..start + word.len()
    })
}
