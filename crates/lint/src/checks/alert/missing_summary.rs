//! A message that only says a name.

use std::collections::BTreeMap;

use bellwether_diag::{FileId, Severity};

use crate::{Area, Check, Report, Rule, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "missing-summary",
    area: Area::Alert,
    severity: Severity::Note,
    title: "an alert without any text where the others have one",
    why: "Messages show annotations. An alert that has none arrives as its name and labels, and whoever gets it must \
          look up the rule to know what is wrong.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - {alert: A, expr: a > 1, for: 5m, annotations: {summary: a is large}}\n  - \
         {alert: C, expr: c > 1, for: 5m}\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - {alert: A, expr: a > 1, for: 5m, annotations: {summary: a is large}}\n  - \
         {alert: C, expr: c > 1, for: 5m, annotations: {summary: c is large}}\n",
    )],
    run,
};

/// Names of annotations that say what is wrong.
const TEXTS: [&str; 8] =
    ["summary", "description", "message", "title", "text", "identifier", "details", "impact"];

fn run(setup: &Setup, report: &mut Report) {
    let mut by_file: BTreeMap<FileId, Vec<&Rule>> = BTreeMap::new();
    for rule in setup.alerts() {
        by_file.entry(setup.sources.whole(rule.name.span).file).or_default().push(rule);
    }
    for rules in by_file.into_values() {
        let (with, without): (Vec<&Rule>, Vec<&Rule>) =
            rules.into_iter().partition(|rule| says_something(rule));
        for rule in without.into_iter().filter(|_| !with.is_empty()) {
            report
                .find(
                    rule.name.span,
                    format!("{} arrives without a text that says what is wrong", rule.name.value),
                )
                .help("add annotations: a `summary` of one line, and a `description` with what to look at");
        }
    }
}

fn says_something(rule: &Rule) -> bool {
    rule.annotations.iter().any(|field| {
        let name = field.name.value.to_ascii_lowercase();
        !field.text().trim().is_empty() && TEXTS.iter().any(|text| name.contains(text))
    })
}
