//! What `bellwether test` prints for people: problems of files, failures with what differs, rules that no test
//! exercises, and one line that sums it up.

use bellwether_diag::{FileId, Style};
use bellwether_rules::unit_test::{Coverage, Failure as TestFailure, RuleId, RuleUse, Use, render_failure};

use crate::cli::{CoverageShown, Test};
use crate::config::Loader;
use crate::output::say;
use crate::terminal;

/// How a file went.
pub(super) struct FileReport {
    /// Its name as it was given.
    pub name: String,
    /// The texts it was read from.
    pub sources: Vec<FileId>,
    /// Whether it or a rule file of it cannot be used.
    pub is_bad: bool,
    /// Its tests that were run.
    pub tests: Vec<TestReport>,
}

/// How a test went.
pub(super) struct TestReport {
    /// Its name.
    pub name: String,
    /// What is not as expected.
    pub failures: Vec<TestFailure>,
}

/// How everything went.
pub(super) struct Report {
    /// File by file.
    pub files: Vec<FileReport>,
    /// What the tests made the rules do.
    pub coverage: Coverage,
}

/// Prints everything.
pub(super) fn print(report: &Report, loader: &Loader, arguments: &Test) {
    let style = terminal::style(&std::io::stdout());
    let problems = loader.diagnostics.render(&loader.sources, style);
    if !problems.is_empty() {
        say(problems.trim_end());
        say("");
    }
    report.files.iter().for_each(|file| print_file(file, loader, style));
    print_coverage(report, loader, arguments);
    say(&summary(report, arguments));
}

fn print_file(file: &FileReport, loader: &Loader, style: Style) {
    let failed = file.tests.iter().filter(|test| !test.failures.is_empty());
    for test in failed.clone() {
        say(&format!("{} {}, test {:?}", red("FAILED", style), file.name, test.name));
        for failure in &test.failures {
            say(render_failure(failure, &loader.sources, style).trim_end());
        }
        say("");
    }
    if file.is_bad {
        say(&format!("{} {}: not run, see above", red("BAD", style), file.name));
    } else if failed.count() == 0 {
        say(&format!("{} {}: {}", green("ok", style), file.name, plural(file.tests.len(), "test")));
    }
}

/// Of some of the tests it would say nothing: with `--run` it is left out unless it is asked for.
fn shown(arguments: &Test) -> CoverageShown {
    match arguments.coverage {
        Some(shown) => shown,
        None if arguments.run.is_empty() => CoverageShown::Missing,
        None => CoverageShown::None,
    }
}

fn print_coverage(report: &Report, loader: &Loader, arguments: &Test) {
    let shown = shown(arguments);
    let is_listed = |(_, rule): &(&RuleId, &RuleUse)| match shown {
        CoverageShown::Missing => rule.used != Use::Exercised,
        CoverageShown::All => true,
        CoverageShown::None => false,
    };
    let listed: Vec<_> = report.coverage.iter().filter(is_listed).collect();
    if listed.is_empty() {
        return;
    }
    // Failures end with a blank line of their own.
    if report.files.last().is_some_and(|file| file.tests.iter().all(|test| test.failures.is_empty())) {
        say("");
    }
    say(match shown {
        CoverageShown::All => "rules and what the tests made them do:",
        CoverageShown::Missing | CoverageShown::None => "rules that no test exercises:",
    });
    for (id, rule) in listed {
        let position = loader.sources.position(rule.span);
        let kind = if rule.records { "record" } else { "alert" };
        say(&format!(
            "  {}:{}:{}: {kind} {}: {}",
            id.file,
            position.line,
            position.column,
            rule.name,
            said(rule)
        ));
    }
    say("");
}

fn said(rule: &RuleUse) -> &'static str {
    match (rule.used, rule.records) {
        (Use::Never, true) => "it records nothing in any test",
        (Use::Never, false) => "it neither waits nor fires in any test",
        (Use::Pending, _) => "it waits in a test, but never fires",
        (Use::Exercised, true) => "records",
        (Use::Exercised, false) => "fires",
    }
}

fn summary(report: &Report, arguments: &Test) -> String {
    let (tests, failed) = (report.tests(), report.failed());
    let mut line = format!("{}, {}", plural(report.files.len(), "file"), plural(tests, "test"));
    line.push_str(&format!(": {} passed, {failed} failed", tests - failed));
    if report.bad() > 0 {
        line.push_str(&format!(", {} not run", plural(report.bad(), "file")));
    }
    if shown(arguments) != CoverageShown::None && report.coverage.rules() > 0 {
        let (exercised, rules) = (report.coverage.exercised(), report.coverage.rules());
        line.push_str(&format!(
            "; {exercised} of {} exercised ({:.0} %)",
            plural(rules, "rule"),
            report.coverage.percent().floor()
        ));
    }
    if let Some(least) = arguments.coverage_min.filter(|least| report.is_short_of(Some(*least))) {
        line.push_str(&format!(", fewer than {least} %"));
    }
    line
}

fn plural(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

fn green(text: &str, style: Style) -> String {
    if style.color { format!("\x1b[1;32m{text}\x1b[0m") } else { text.to_owned() }
}

fn red(text: &str, style: Style) -> String {
    if style.color { format!("\x1b[1;31m{text}\x1b[0m") } else { text.to_owned() }
}
