//! `bellwether check FILE…`: every mistake in every file, in one run.

use bellwether_diag::{Diagnostic, Severity};
use serde_json::{Value, json};

use crate::cli::{Check, Format};
use crate::config::{self, Loader};
use crate::failure::Failure;
use crate::output::{print_json, say};
use crate::terminal;

/// Checks the files; fails with exit code 2 when there is an error.
pub fn run(arguments: &Check) -> Result<(), Failure> {
    let mut loader = Loader { examine: true, ..Loader::default() };
    for path in &arguments.files {
        config::check(path, &mut loader);
    }
    let refused = std::mem::take(&mut loader.refused);
    loader.diagnostics.extend(refused);
    match arguments.format {
        Format::Json => {
            let list: Vec<Value> =
                loader.diagnostics.iter().map(|diagnostic| as_json(diagnostic, &loader)).collect();
            print_json(&Value::Array(list));
        }
        Format::Text => print_text(&loader, arguments.files.len()),
    }
    if loader.diagnostics.has_errors() { Err(Failure::Reported) } else { Ok(()) }
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
