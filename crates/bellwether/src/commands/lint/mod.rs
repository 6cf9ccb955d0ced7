//! `bellwether lint PATH…`: what is wrong with a whole setup.

mod files;
mod meant;
mod mend;
mod online;

use bellwether_diag::{Severity, suggest};
use bellwether_lint::{Finding, Setup, catalogue, output, page};

use crate::cli::lint::{FailOn, Lint, LintFormat};
use crate::failure::Failure;
use crate::output::{Rows, print_json, say};
use crate::terminal;

/// Lints; exit code 1 when there is a finding that counts, 2 when something could not be read.
pub async fn run(arguments: &Lint) -> Result<(), Failure> {
    if let Some(id) = &arguments.explain {
        return explain(id);
    }
    if arguments.list {
        list();
        return Ok(());
    }
    let (files, unreadable) = files::read(&arguments.paths);
    for sentence in &unreadable {
        crate::output::warn(sentence);
    }
    if files.is_empty() && !unreadable.is_empty() {
        return Err(Failure::Reported);
    }
    let mut setup = Setup::read_bytes(files);
    if arguments.meanings {
        meant::print(&setup, arguments.format);
        return if unreadable.is_empty() { Ok(()) } else { Err(Failure::Reported) };
    }
    if let Some(url) = &arguments.online {
        let known = online::ask(url, &setup).await?;
        setup = setup.with_online(known);
    }
    let findings = match arguments.fix {
        true => {
            let mended = mend::run(setup, arguments.dry_run)?;
            setup = mended.setup;
            mended.findings
        }
        false => bellwether_lint::lint(&setup),
    };
    // With --dry-run the diff is what was asked for.
    if !arguments.dry_run {
        print(&setup, &findings, arguments.format);
    }
    outcome(arguments.fail_on, &findings, unreadable.is_empty())
}

fn print(setup: &Setup, findings: &[Finding], format: LintFormat) {
    match format {
        LintFormat::Text => {
            let style = terminal::style(&std::io::stdout());
            say(output::text(setup, findings, style).trim_end());
            meant::print_some(setup);
        }
        LintFormat::Json => print_json(&output::json(setup, findings)),
        LintFormat::Github => {
            let text = output::github(setup, findings);
            text.lines().for_each(say);
        }
        LintFormat::Sarif => print_json(&output::sarif(setup, findings)),
    }
}

fn outcome(fail_on: FailOn, findings: &[Finding], is_all_read: bool) -> Result<(), Failure> {
    let least = match fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
        FailOn::Note => Severity::Note,
    };
    if !is_all_read || findings.iter().any(|finding| finding.problem.id == "not-utf8") {
        return Err(Failure::Reported);
    }
    match findings.iter().any(|finding| finding.problem.severity <= least) {
        true => Err(Failure::Unmet),
        false => Ok(()),
    }
}

fn explain(id: &str) -> Result<(), Failure> {
    let Some(check) = catalogue::find(id) else {
        let near = suggest(id, catalogue::documented().map(|check| check.id));
        let help = near.map_or_else(
            || "bellwether lint --list prints all ids".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        return Err(Failure::wrong(format!("there is no check {id:?}; {help}")));
    };
    say(page::markdown(check).trim_end());
    Ok(())
}

fn list() {
    let mut rows = Rows::new(&["area", "id", "severity", "what it finds"]);
    for check in catalogue::documented() {
        let cells = [check.area.name(), check.id, check.severity.as_str(), check.title];
        rows.push(cells.map(str::to_owned));
    }
    rows.print();
}
