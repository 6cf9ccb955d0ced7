//! An alert that nothing tells how urgent it is goes wherever the root of the routes sends it.

use std::collections::BTreeMap;

use bellwether_diag::{FileId, Severity};

use crate::{Area, Check, Report, Rule, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "missing-severity",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "an alert without the label `severity` that the others have",
    why: "Routes and inhibition go by `severity`. An alert without it matches none of them and ends at the receiver of \
          the root, which is often nobody.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - {alert: A, expr: a > 1, for: 5m, labels: {severity: warning}}\n  - {alert: B, \
         expr: b > 1, for: 5m, labels: {severity: warning}}\n  - {alert: C, expr: c > 1, for: 5m}\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - {alert: A, expr: a > 1, for: 5m, labels: {severity: warning}}\n  - {alert: B, \
         expr: b > 1, for: 5m, labels: {severity: warning}}\n  - {alert: C, expr: c > 1, for: 5m, labels: {severity: \
         warning}}\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    let is_routed = setup
        .routings
        .iter()
        .flat_map(crate::Routing::routes)
        .any(|route| route.matchers.iter().any(|it| it.matcher.name == "severity"));
    let mut by_file: BTreeMap<FileId, Vec<&Rule>> = BTreeMap::new();
    for rule in setup.alerts() {
        by_file.entry(setup.sources.whole(rule.name.span).file).or_default().push(rule);
    }
    for rules in by_file.into_values() {
        let (with, without): (Vec<&Rule>, Vec<&Rule>) =
            rules.into_iter().partition(|rule| rule.label("severity").is_some());
        if !is_routed && with.len() <= without.len() {
            continue;
        }
        for rule in without {
            let message = match is_routed {
                true => format!("{} has no severity, by which alerts are routed", rule.name.value),
                false => format!("{} has no severity, as the other alerts here have", rule.name.value),
            };
            report.find(rule.name.span, message).help("add `severity` under labels");
        }
    }
}
