//! Files that work: rules that are public and in use, and those that we generate ourselves. What the linter says of them
//! has to be worth saying; errors are for what does not work.

#![allow(clippy::disallowed_methods)] // Tests read the examples beside the project.

use std::path::{Path, PathBuf};

use bellwether_diag::{Diagnostics, Severity, Sources, Style};
use bellwether_lint::{Finding, Setup, lint};
use bellwether_slo::generate::{GenerateOptions, Shape, generate, to_yaml};
use bellwether_slo::{Documents, Strictness};
use bellwether_testkit::cases::{conformance, ran};

/// Errors that these files do have: an example of Sloth's with a goal of 90 %, whose default page cannot fire, written for a
/// database with functions of its own; a file of Prometheus' own tests that says `$.labels` for `$labels`.
const TRUE_ERRORS: [&str; 3] = ["burn-unreachable", "promql", "unknown-field"];

/// More findings in good files than this is a false alarm of some check.
const FINDINGS_PER_100_RULES_MAX: usize = 30;
/// Fewer rules say nothing of a share.
const FEW_RULES: usize = 100;

/// Files below a folder whose names promise that they are read without a mistake.
fn good_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            good_files(&path, found);
        } else if (name.ends_with(".yml") || name.ends_with(".yaml"))
            && !name.contains(".bad.")
            && !name.contains("invalid")
        {
            found.push(path);
        }
    }
    found.sort();
}

fn text(setup: &Setup, findings: &[&Finding]) -> String {
    let problems: Diagnostics = findings.iter().map(|finding| finding.problem.clone()).collect();
    problems.render(&setup.sources, Style::default())
}

/// Fails on errors, and on more findings than good files can hold.
fn check(kind: &str, setup: &Setup) {
    let findings = lint(setup);
    let is_false = |finding: &&Finding| {
        finding.problem.severity == Severity::Error && !TRUE_ERRORS.contains(&finding.problem.id)
    };
    let errors: Vec<&Finding> = findings.iter().filter(is_false).collect();
    assert!(errors.is_empty(), "{kind}: {}", text(setup, &errors));
    assert!(!setup.rules.is_empty(), "{kind} holds rules");
    // Found in good files: taste, or true. What is far beyond that is a check that has gone wrong; a file of few rules,
    // as of others' tests, says nothing of it.
    let most = FINDINGS_PER_100_RULES_MAX * setup.rules.len().max(FEW_RULES) / 100;
    assert!(findings.len() <= most, "{kind}: {}", text(setup, &findings.iter().collect::<Vec<_>>()));
    ran("lint/clean", setup.rules.len() as u64);
}

#[test]
fn rules_generated_by_sloth_hold_no_error() {
    let Some(folder) = conformance("sloth/expected") else { return };
    let mut files = Vec::new();
    good_files(&folder, &mut files);
    for file in files {
        let name = file.display().to_string();
        check(&name, &Setup::read([(name.as_str(), std::fs::read_to_string(&file).unwrap())]));
    }
}

#[test]
fn rules_of_public_collections_hold_no_error() {
    let Some(folder) = conformance("rule-files") else { return };
    let mut files = Vec::new();
    good_files(&folder, &mut files);
    // Each by itself: they have nothing to do with one another.
    for file in files {
        let name = file.display().to_string();
        let setup = Setup::read([(name.as_str(), std::fs::read_to_string(&file).unwrap())]);
        if !setup.rules.is_empty() {
            check(&name, &setup);
        }
    }
}

#[test]
fn our_own_rules_for_public_objectives_hold_no_error() {
    for dialect in ["sloth", "pyrra"] {
        let Some(folder) = conformance(dialect) else { continue };
        let mut files = Vec::new();
        good_files(&folder, &mut files);
        for shape in [Shape::Exact, Shape::Sloth] {
            let options =
                GenerateOptions { shape, strictness: Strictness::Lenient, ..GenerateOptions::default() };
            let (mut made, mut number) = (Vec::new(), 0);
            for file in files.iter().filter(|file| !file.to_string_lossy().contains("expected")) {
                let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
                let id = sources.add(file.display().to_string(), std::fs::read_to_string(file).unwrap());
                let mut documents = Documents::default();
                documents.add_file(&sources, id, &mut out);
                let rules = generate(&documents, &sources, &options, &mut out);
                // Objectives without a goal or on other stores have no rules.
                if !out.has_errors() && !rules.is_empty() {
                    made.push((format!("{number}.yml"), to_yaml(&rules, "made by a test")));
                    number += 1;
                }
            }
            check(&format!("{dialect} as {shape:?}"), &Setup::read(made));
        }
    }
}
