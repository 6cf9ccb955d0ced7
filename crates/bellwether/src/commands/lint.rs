//! `bellwether lint PATH…`: what is wrong with a whole setup.

use std::fs;
use std::path::Path;

use bellwether_diag::{Diagnostics, Severity};
use bellwether_lint::{Finding, Setup};
use serde_json::{Value, json};

use crate::cli::lint::{FailOn, Lint, LintFormat};
use crate::failure::Failure;
use crate::output::{print_json, say};
use crate::terminal;

/// Ends of the names of files that are read in a folder; a file that is named is read whatever it is called.
const READ: [&str; 8] = ["yml", "yaml", "md", "markdown", "txt", "tmpl", "promql", "json"];

/// Lints; exit code 1 when there is a finding that counts, 2 when something could not be read.
pub fn run(arguments: &Lint) -> Result<(), Failure> {
    let mut files = Vec::new();
    for path in &arguments.paths {
        collect(path, &mut files)?;
    }
    let setup = Setup::read(files);
    let findings = bellwether_lint::lint(&setup);
    match arguments.format {
        LintFormat::Text => print_text(&setup, &findings),
        LintFormat::Json => {
            print_json(&Value::Array(findings.iter().map(|it| as_json(&setup, it)).collect()));
        }
    }
    let least = match arguments.fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
        FailOn::Note => Severity::Note,
    };
    match findings.iter().any(|finding| finding.problem.severity <= least) {
        true => Err(Failure::Unmet),
        false => Ok(()),
    }
}

/// A file, or every file below a folder that may be of a kind we know; in the order of their names.
fn collect(path: &Path, files: &mut Vec<(String, String)>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::wrong(format!("{}: {error}", path.display()));
    if !path.is_dir() {
        let bytes = fs::read(path).map_err(failed)?;
        files.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        return Ok(());
    }
    let mut below: Vec<_> =
        fs::read_dir(path).map_err(failed)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    below.sort();
    for path in below {
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let is_read = path.extension().is_some_and(|end| READ.iter().any(|known| end == *known));
        if !is_hidden && (path.is_dir() || is_read) {
            collect(&path, files)?;
        }
    }
    Ok(())
}

fn print_text(setup: &Setup, findings: &[Finding]) {
    let problems: Diagnostics = findings.iter().map(|finding| finding.problem.clone()).collect();
    let text = problems.render(&setup.sources, terminal::style(&std::io::stdout()));
    if !text.is_empty() {
        say(text.trim_end());
    }
    let count = |severity: Severity| problems.iter().filter(|problem| problem.severity == severity).count();
    let [errors, warnings, notes] = [Severity::Error, Severity::Warning, Severity::Note].map(count);
    say(&format!("{errors} errors, {warnings} warnings, {notes} notes in {} files", setup.files.len()));
}

fn as_json(setup: &Setup, finding: &Finding) -> Value {
    let problem = &finding.problem;
    let place = problem.span.map(|span| (setup.sources.name(span.file), setup.sources.position(span)));
    json!({
        "id": problem.id,
        "severity": problem.severity.as_str(),
        "file": place.map(|(name, _)| name),
        "line": place.map(|(_, position)| position.line),
        "column": place.map(|(_, position)| position.column),
        "message": problem.message,
        "help": problem.help,
    })
}
