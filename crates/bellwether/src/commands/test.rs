//! `bellwether test FILE…`: unit tests of rules, in promtool's format, over the engine that the server runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bellwether_diag::{Diagnostic, Diagnostics, FileId, Severity, Style};
use bellwether_rules::unit_test::{
    Case, CaseSuite, Coverage, Failure as TestFailure, Suite, TestFile, junit_xml, render_failure,
};
use bellwether_rules::{ReadOptions, RuleFile};
use regex::Regex;
use serde_json::{Value, json};

use crate::cli::{Format, Test};
use crate::commands::test_report::{self, FileReport, Report, TestReport};
use crate::config::{Loader, folder_of};
use crate::failure::Failure;
use crate::output::print_json;
use crate::{clock, terminal};

/// Runs all tests of all files. Fails with exit code 2 when a file is wrong, with 1 when a test fails.
pub fn run(arguments: &Test) -> Result<(), Failure> {
    let chosen = chosen(&arguments.run)?;
    let mut runner = Runner::new(arguments);
    let files: Vec<Prepared> = arguments.files.iter().map(|path| runner.prepare(path)).collect();
    let report = runner.run(&files, &chosen);
    if let Some(path) = &arguments.junit {
        let written = std::fs::write(path, report.junit(&runner.loader));
        written.map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))?;
    }
    match arguments.format {
        Format::Json => print_json(&report.as_json(&runner.loader)),
        Format::Text => test_report::print(&report, &runner.loader, arguments),
    }
    report.verdict(arguments)
}

/// Which tests are run: those whose name one of the patterns matches, or all.
fn chosen(patterns: &[String]) -> Result<Vec<Regex>, Failure> {
    let pattern = |text: &String| {
        Regex::new(text).map_err(|error| Failure::wrong(format!("--run {text:?} is not a pattern: {error}")))
    };
    patterns.iter().map(pattern).collect()
}

/// A test file with everything it names.
struct Prepared {
    name: String,
    /// The texts it was read from.
    sources: Vec<FileId>,
    /// `None` when something is wrong with it or with a rule file.
    content: Option<(TestFile, Vec<(String, RuleFile)>)>,
}

/// A rule file that was looked for.
#[derive(Clone)]
struct RuleFileRead {
    /// Its text, if there is one.
    source: Option<FileId>,
    /// Its name and rules, if nothing is wrong.
    rules: Option<(String, RuleFile)>,
}

struct Runner {
    loader: Loader,
    options: ReadOptions,
    explain: bool,
    /// Rule files read so far by their real path: several test files may be about one.
    rules: BTreeMap<PathBuf, RuleFileRead>,
}

impl Runner {
    fn new(arguments: &Test) -> Self {
        let options =
            ReadOptions { ignore_unknown_fields: arguments.ignore_unknown_fields, ..ReadOptions::default() };
        let (loader, rules) = (Loader::default(), BTreeMap::new());
        Self { loader, options, explain: arguments.explain, rules }
    }

    fn prepare(&mut self, path: &Path) -> Prepared {
        let name = path.display().to_string();
        let unknown_fields =
            if self.options.ignore_unknown_fields { Severity::Warning } else { Severity::Error };
        let source = self.loader.read_file(path, None);
        let file = source.and_then(|file| {
            let Loader { sources, diagnostics, .. } = &mut self.loader;
            TestFile::read(sources, file, unknown_fields, diagnostics)
        });
        let found = file.as_ref().map(|file| self.rule_files(file, &folder_of(path))).unwrap_or_default();
        let sources = source.into_iter().chain(found.iter().filter_map(|read| read.source)).collect();
        let rules: Option<Vec<_>> = found.into_iter().map(|read| read.rules).collect();
        Prepared { name, sources, content: file.zip(rules) }
    }

    /// All rule files a test file names.
    fn rule_files(&mut self, file: &TestFile, folder: &Path) -> Vec<RuleFileRead> {
        let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
        for pattern in &file.rule_files {
            for path in self.loader.expand(&pattern.value, Some(pattern.span), folder) {
                let key = path.canonicalize().unwrap_or_else(|_| path.clone());
                if !seen.insert(key.clone()) {
                    continue; // two patterns name it
                }
                if !self.rules.contains_key(&key) {
                    let source = self.loader.read_file(&path, Some(pattern.span));
                    let rules = source.and_then(|file| self.rule_file(file));
                    self.rules.insert(key.clone(), RuleFileRead { source, rules });
                }
                found.extend(self.rules.get(&key).cloned());
            }
        }
        found
    }

    fn rule_file(&mut self, file: FileId) -> Option<(String, RuleFile)> {
        let Loader { sources, diagnostics, .. } = &mut self.loader;
        let rules = RuleFile::read(sources, file, self.options, diagnostics)?;
        Some((sources.name(file).to_owned(), rules))
    }

    fn run(&mut self, files: &[Prepared], chosen: &[Regex]) -> Report {
        let bar = terminal::bar("{spinner} {pos} of {len} files {msg}");
        bar.set_length(files.len() as u64);
        let mut report = Report { files: Vec::new(), coverage: Coverage::default() };
        for prepared in files {
            bar.set_message(prepared.name.clone());
            let tests = self.run_file(prepared, chosen, &mut report.coverage);
            let is_bad = prepared.content.is_none();
            let (name, sources) = (prepared.name.clone(), prepared.sources.clone());
            report.files.push(FileReport { name, sources, is_bad, tests });
            bar.inc(1);
        }
        bar.finish_and_clear();
        report
    }

    fn run_file(
        &mut self,
        prepared: &Prepared,
        chosen: &[Regex],
        coverage: &mut Coverage,
    ) -> Vec<TestReport> {
        let Some((file, rules)) = &prepared.content else { return Vec::new() };
        rules.iter().for_each(|(name, content)| coverage.add(name, content));
        let suite = Suite::new(file, rules, &mut self.loader.diagnostics);
        let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|pattern| pattern.is_match(name));
        let tests = file.tests.iter().filter(|test| is_chosen(&test.name));
        tests
            .map(|test| TestReport {
                name: test.name.clone(),
                failures: suite.run(test, self.explain, coverage).failures,
            })
            .collect()
    }
}

impl Report {
    /// How many tests were run.
    pub(super) fn tests(&self) -> usize {
        self.files.iter().map(|file| file.tests.len()).sum()
    }

    /// How many of them failed.
    pub(super) fn failed(&self) -> usize {
        self.files.iter().flat_map(|file| &file.tests).filter(|test| !test.failures.is_empty()).count()
    }

    /// How many files were not run.
    pub(super) fn bad(&self) -> usize {
        self.files.iter().filter(|file| file.is_bad).count()
    }

    /// Whether fewer rules are exercised than was asked for.
    pub(super) fn is_short_of(&self, percent: Option<f64>) -> bool {
        percent.is_some_and(|least| self.coverage.percent() < least)
    }

    fn verdict(&self, arguments: &Test) -> Result<(), Failure> {
        if self.bad() > 0 {
            Err(Failure::Reported)
        } else if self.failed() > 0 || self.is_short_of(arguments.coverage_min) {
            Err(Failure::Unmet)
        } else {
            Ok(())
        }
    }

    fn junit(&self, loader: &Loader) -> String {
        // `2026-11-21T03:04:05`, as promtool writes it.
        let timestamp: String = clock::now().to_string().chars().take(19).collect();
        let plain = Style { color: false };
        let text = |failure: &TestFailure| render_failure(failure, &loader.sources, plain);
        let case = |test: &TestReport| Case {
            name: test.name.clone(),
            failures: test.failures.iter().map(text).collect(),
        };
        let problems = |file: &FileReport| {
            let is_of =
                |problem: &&Diagnostic| problem.span.is_none_or(|span| file.sources.contains(&span.file));
            let of: Diagnostics = loader.diagnostics.iter().filter(is_of).cloned().collect();
            of.render(&loader.sources, plain)
        };
        let suite = |file: &FileReport| CaseSuite {
            name: file.name.clone(),
            timestamp: timestamp.clone(),
            cases: file.tests.iter().map(case).collect(),
            error: file.is_bad.then(|| problems(file)),
        };
        junit_xml(&self.files.iter().map(suite).collect::<Vec<_>>())
    }

    fn as_json(&self, loader: &Loader) -> Value {
        let problems: Vec<Value> =
            loader.diagnostics.iter().map(|diagnostic| super::check::as_json(diagnostic, loader)).collect();
        let failure = |failure: &TestFailure| {
            let position = loader.sources.position(failure.span);
            json!({
                "file": loader.sources.name(failure.span.file),
                "line": position.line,
                "column": position.column,
                "message": failure.message,
                "text": render_failure(failure, &loader.sources, Style { color: false }),
            })
        };
        let test = |test: &TestReport| {
            let failures: Vec<Value> = test.failures.iter().map(failure).collect();
            json!({"name": test.name, "passed": failures.is_empty(), "failures": failures})
        };
        let file = |file: &FileReport| {
            let tests: Vec<Value> = file.tests.iter().map(test).collect();
            json!({"file": file.name, "bad": file.is_bad, "tests": tests})
        };
        let rule =
            |(id, rule): (&bellwether_rules::unit_test::RuleId, &bellwether_rules::unit_test::RuleUse)| {
                json!({
                    "file": id.file,
                    "group": id.group,
                    "name": rule.name,
                    "line": loader.sources.position(rule.span).line,
                    "used": rule.used.as_str(),
                })
            };
        json!({
            "files": self.files.iter().map(file).collect::<Vec<_>>(),
            "problems": problems,
            "coverage": self.coverage.iter().map(rule).collect::<Vec<_>>(),
        })
    }
}
