//! Findings for people: file by file, each with its line underlined, and one line that sums them up.

use bellwether_diag::{RENDERED_MAX, Severity, Style};

use crate::{Finding, Setup};

/// Every finding, files apart by a blank line, and the [`summary`].
pub fn text(setup: &Setup, findings: &[Finding], style: Style) -> String {
    let mut text = String::new();
    let file_of = |finding: &Finding| finding.problem.span.map(|span| setup.sources.whole(span).file);
    let mut before = None;
    for finding in findings.iter().take(RENDERED_MAX) {
        if before.is_some_and(|before| before != file_of(finding)) {
            text.push('\n');
        }
        before = Some(file_of(finding));
        text.push_str(&finding.problem.render_named(&setup.sources, style));
        if let Some(fix) = &finding.fix {
            text.push_str(&format!("  --fix would {}\n", fix.title));
        }
    }
    if let Some(rest) = findings.len().checked_sub(RENDERED_MAX).filter(|rest| *rest > 0) {
        text.push_str(&format!("\nand {} more\n", count(rest, "finding")));
    }
    if !findings.is_empty() {
        text.push('\n');
    }
    text + &summary(setup, findings) + "\n"
}

/// How much of what was found, and in what: `3 errors, 2 warnings in 5 files (120 rules, 14 queries, 2 routings)`.
pub fn summary(setup: &Setup, findings: &[Finding]) -> String {
    let files = count(setup.files.len(), "file");
    let held = [
        (setup.rules.len(), "rule"),
        (setup.slos.len(), "objective"),
        (setup.queries.len(), "query"),
        (setup.routings.len(), "routing"),
    ];
    let held: Vec<String> = held.iter().filter(|(n, _)| *n > 0).map(|(n, name)| count(*n, name)).collect();
    let of = |severity: Severity| findings.iter().filter(|it| it.problem.severity == severity).count();
    let found = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
    let found = found.map(|(severity, name)| (of(severity), name));
    let found: Vec<String> = found.iter().filter(|(n, _)| *n > 0).map(|(n, name)| count(*n, name)).collect();
    match (found.is_empty(), held.is_empty()) {
        (true, true) => format!("{files} read, and there is no rule, objective, query or route to look at"),
        (true, false) => format!("nothing is wrong in {files} ({})", held.join(", ")),
        (false, true) => format!("{} in {files}", found.join(", ")),
        (false, false) => format!("{} in {files} ({})", found.join(", "), held.join(", ")),
    }
}

/// `1 query`, `2 queries`.
pub(crate) fn count(number: usize, name: &str) -> String {
    match (number, name.strip_suffix('y')) {
        (1, _) => format!("1 {name}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {name}s"),
    }
}
