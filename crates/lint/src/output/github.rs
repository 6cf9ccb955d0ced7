//! Findings as workflow commands of GitHub Actions, which turn into annotations beside the changed lines. Escaping:
//! <https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions>; a colon or a comma would end a
//! property, a line break the whole command.

use std::fmt::Write as _;

use bellwether_diag::Severity;

use super::Place;
use crate::{Finding, Setup};

/// One line for each finding; nothing when there is none.
pub fn github(setup: &Setup, findings: &[Finding]) -> String {
    findings.iter().map(|finding| command(setup, finding)).collect()
}

fn command(setup: &Setup, finding: &Finding) -> String {
    let problem = &finding.problem;
    let name = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = String::new();
    if let Some(Place { file, start, end }) = problem.span.map(|span| Place::of(&setup.sources, span)) {
        let _ = write!(
            properties,
            "file={},line={},endLine={},",
            property(file),
            start.line,
            end.line.max(start.line)
        );
        // Columns are only understood within one line.
        if start.line == end.line {
            let _ = write!(properties, "col={},endColumn={},", start.column, end.column);
        }
    }
    let text = match &problem.help {
        Some(help) => format!("{}\n{help}", problem.message),
        None => problem.message.clone(),
    };
    format!("::{name} {properties}title={}::{}\n", property(problem.id), data(&text))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
