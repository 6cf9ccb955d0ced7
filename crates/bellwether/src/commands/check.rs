//! `bellwether check FILE…`: every mistake in every file, in one run.

use bellwether_diag::{Diagnostic, Diagnostics, Severity};
use bellwether_rules::ReadOptions;
use bellwether_rules::lint::DUPLICATE;
use serde_json::{Value, json};

use crate::cli::{Check, Format, Lint};
use crate::config::{self, Loader};
use crate::failure::Failure;
use crate::output::{print_json, say};
use crate::terminal;

/// Checks the files; fails with exit code 2 when there is an error, and with 3 when there is a warning and warnings
/// were said to be fatal.
pub fn run(arguments: &Check) -> Result<(), Failure> {
    let rule_options =
        ReadOptions { ignore_unknown_fields: arguments.ignore_unknown_fields, ..ReadOptions::default() };
    let mut loader = Loader { examine: true, rule_options, ..Loader::default() };
    for path in &arguments.files {
        config::check(path, &mut loader);
    }
    loader.check_objectives();
    loader.lint_across_files();
    let problems = loader.diagnostics.iter().chain(loader.refused.iter());
    let is_shown = |problem: &&Diagnostic| arguments.lint != Lint::None || problem.id != DUPLICATE;
    let problems: Diagnostics = problems.filter(is_shown).cloned().collect();
    loader.diagnostics = problems;
    match arguments.format {
        Format::Json => {
            let list: Vec<Value> =
                loader.diagnostics.iter().map(|diagnostic| as_json(diagnostic, &loader)).collect();
            print_json(&Value::Array(list));
        }
        Format::Text => print_text(&loader, arguments.files.len()),
    }
    let has = |severity: Severity| loader.diagnostics.iter().any(|problem| problem.severity == severity);
    match (has(Severity::Error), has(Severity::Warning)) {
        (true, _) => Err(Failure::Reported),
        (false, true) if arguments.lint_fatal => Err(Failure::Lint),
        (false, _) => Ok(()),
    }
}

fn print_text(loader: &Loader, files: usize) {
    let text = loader.diagnostics.render(&loader.sources, terminal::style(&std::io::stdout()));
    if !text.is_empty() {
        say(text.trim_end());
    }
    let count = |severity: Severity| loader.diagnostics.iter().filter(|d| d.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let files = plural(files, "file");
    say(&match (errors, warnings) {
        (0, 0) => format!("{files} checked, nothing wrong"),
        _ => format!("{files} checked: {}, {}", plural(errors, "error"), plural(warnings, "warning")),
    });
}

/// A problem for programs.
pub(super) fn as_json(diagnostic: &Diagnostic, loader: &Loader) -> Value {
    let place = diagnostic.span.map(|span| (loader.sources.name(span.file), loader.sources.position(span)));
    json!({
        "id": diagnostic.id,
        "severity": diagnostic.severity.as_str(),
        "file": place.map(|(name, _)| name),
        "line": place.map(|(_, position)| position.line),
        "column": place.map(|(_, position)| position.column),
        "message": diagnostic.message,
        "help": diagnostic.help,
    })
}
