//! Whoever is woken needs the first step, not a search.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_diag::{FileId, Severity};

use super::severity::{Urgency, has_runbook, urgency};
use crate::{Area, Check, Form, Report, Rule, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "no-runbook",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "an alert that wakes somebody and does not say what to do",
    why: "At three in the morning nobody remembers what an alert means. An annotation `runbook_url` leads to the page \
          that does. An alert without one where the others of its file have it was probably forgotten; where none has, \
          that is said once.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up{job=\"a\"} == 0\n    for: 5m\n    labels: {severity: \
         critical}\n    annotations: {summary: down}\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up{job=\"a\"} == 0\n    for: 5m\n    labels: {severity: \
         critical}\n    annotations: {summary: down, runbook_url: \"https://runbooks.example.com/a\"}\n",
    )],
    run,
};

const HELP: &str = "add an annotation such as `runbook_url: https://...` that leads to the first steps";

fn run(setup: &Setup, report: &mut Report) {
    let mut by_file: BTreeMap<FileId, Vec<&Rule>> = BTreeMap::new();
    for rule in setup.alerts() {
        by_file.entry(setup.sources.whole(rule.name.span).file).or_default().push(rule);
    }
    let documents: BTreeSet<FileId> =
        setup.files.iter().filter(|file| file.form == Form::Markdown).map(|file| file.file).collect();
    let mut is_said = false;
    for (file, rules) in by_file {
        let with = rules.iter().filter(|rule| has_runbook(rule)).count();
        let is_usual = with * 2 > rules.len();
        let paging = |rule: &Rule| urgency(rule) == Urgency::Page;
        let without: Vec<&Rule> = rules.iter().copied().filter(|rule| !has_runbook(rule)).collect();
        if is_usual || documents.contains(&file) {
            for rule in without.into_iter().filter(|rule| paging(rule) || is_usual) {
                let mut found = report.find(rule.name.span, message(rule, with, rules.len()));
                found = found.help(HELP);
                if !paging(rule) {
                    found.severity(Severity::Note);
                }
            }
        } else if let (Some(first), false) = (without.iter().find(|rule| paging(rule)), is_said) {
            is_said = true;
            let message = match with {
                0 => format!(
                    "{} pages, and neither it nor any other alert here links a runbook",
                    first.name.value
                ),
                _ => format!("{} pages and links no runbook, nor do most alerts here", first.name.value),
            };
            report.find(first.name.span, message).help(HELP).severity(Severity::Note);
        }
    }
}

fn message(rule: &Rule, with: usize, all: usize) -> String {
    let name = &rule.name.value;
    match with {
        0 => format!("{name} wakes people and links no runbook"),
        _ => format!("{name} links no runbook, as {with} of the {all} alerts here do"),
    }
}
