//! `bellwether slo import|export|convert|show FILE…`: objectives of any dialect, written in another one. Nothing is
//! written when something would be lost, unless that was asked for: then every loss is listed.

use std::path::PathBuf;

use bellwether_diag::{Diagnostic, Diagnostics, Severity, Sources};
use bellwether_slo::export::{Format, write};
use bellwether_slo::{Slo, Strictness};

use crate::cli::slo::{Convert, Export, Import, Show, SloFiles, SloFormat};
use crate::config;
use crate::failure::Failure;
use crate::output::say;
use crate::terminal;

/// Writes objectives in our own way.
pub(super) fn import(arguments: &Import) -> Result<(), Failure> {
    converted(&arguments.from, SloFormat::Yaml)
}

/// Writes objectives in any way.
pub(super) fn export(arguments: &Export) -> Result<(), Failure> {
    converted(&arguments.from, arguments.format)
}

/// Writes objectives in another way.
pub(super) fn convert(arguments: &Convert) -> Result<(), Failure> {
    converted(&arguments.from, arguments.to)
}

/// Shows one objective: its page, and how it is written.
pub(super) fn show(arguments: &Show) -> Result<(), Failure> {
    let read = read(&arguments.from.files, arguments.from.lenient)?;
    let slo = match (&arguments.id, read.slos.as_slice()) {
        (Some(id), slos) => slos.iter().find(|slo| slo.id() == *id || slo.name == *id),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let Some(slo) = slo else {
        let ids: Vec<String> = read.slos.iter().map(Slo::id).collect();
        return Err(Failure::wrong(format!("say which objective with --id: {}", ids.join(", "))));
    };
    let one = std::slice::from_ref(slo);
    let page = write(one, Format::Markdown).text;
    // The table of contents is of no use for one.
    let page = page.split_once("\n## ").map_or(page.as_str(), |(_, section)| section);
    say(&format!("{}\n", page.trim_end()));
    slo.notes.iter().for_each(|note| say(&format!("note: {note}")));
    say(write(one, Format::Own).text.trim_end());
    Ok(())
}

fn converted(from: &SloFiles, to: SloFormat) -> Result<(), Failure> {
    let read = read(&from.files, from.lenient)?;
    let written = write(&read.slos, to.written());
    let weighed = |problem: Diagnostic| match from.lenient && problem.severity == Severity::Error {
        true => Diagnostic { severity: Severity::Warning, ..problem },
        false => problem,
    };
    let lost: Diagnostics = written.lost.into_iter().map(weighed).collect();
    report(&lost, &read.sources);
    if lost.has_errors() {
        eprintln!("nothing is written; with --lenient the rest is");
        return Err(Failure::Reported);
    }
    say(written.text.trim_end());
    Ok(())
}

/// Objectives of files.
pub(super) struct Read {
    pub(super) slos: Vec<Slo>,
    sources: Sources,
}

/// Reads files of any dialect together; what is wrong or left out is printed.
pub(super) fn read(files: &[PathBuf], lenient: bool) -> Result<Read, Failure> {
    let strictness = if lenient { Strictness::Lenient } else { Strictness::Strict };
    let (slos, loader) = config::read_objectives(files, strictness);
    report(&loader.diagnostics, &loader.sources);
    if loader.diagnostics.has_errors() {
        return Err(Failure::Reported);
    }
    Ok(Read { slos, sources: loader.sources })
}

fn report(problems: &Diagnostics, sources: &Sources) {
    let text = problems.render(sources, terminal::style(&std::io::stderr()));
    if !text.is_empty() {
        eprint!("{text}");
    }
}
