//! Two words for one urgency: routes know one of them.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_diag::{FileId, Severity};

use crate::{Area, Check, Report, Rule, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "severity-names",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "two names of `severity` that mean the same",
    why: "Routes compare words. Where one alert says `page` and another `critical`, or `warn` and `warning`, one of the \
          two is sooner or later not routed, not inhibited, or missing in somebody's count.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - {alert: A, expr: a > 1, for: 5m, labels: {severity: warning}}\n  - {alert: B, \
         expr: b > 1, for: 5m, labels: {severity: warning}}\n  - {alert: C, expr: c > 1, for: 5m, labels: {severity: \
         warn}}\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - {alert: A, expr: a > 1, for: 5m, labels: {severity: warning}}\n  - {alert: B, \
         expr: b > 1, for: 5m, labels: {severity: warning}}\n  - {alert: C, expr: c > 1, for: 5m, labels: {severity: \
         warning}}\n",
    )],
    run,
};

/// Words of one meaning each.
const SAME: [&[&str]; 3] = [
    &["critical", "crit", "page", "pager", "emergency", "fatal"],
    &["warning", "warn", "ticket"],
    &["info", "information", "informational", "notice"],
];

fn run(setup: &Setup, report: &mut Report) {
    let mut by_file: BTreeMap<FileId, BTreeMap<&str, Vec<&Rule>>> = BTreeMap::new();
    for rule in setup.alerts() {
        let Some(severity) = rule.label("severity") else { continue };
        let file = setup.sources.whole(rule.name.span).file;
        by_file.entry(file).or_default().entry(severity.text()).or_default().push(rule);
    }
    for used in by_file.into_values() {
        for words in SAME {
            let names: BTreeSet<&str> = used
                .keys()
                .copied()
                .filter(|name| words.contains(&name.to_ascii_lowercase().as_str()))
                .collect();
            let count = |name: &&str| used[name].len();
            // The usual word is the one that is used most, and of those the first that most people use.
            let rank = |name: &&str| words.iter().position(|word| word == name).unwrap_or(words.len());
            let Some(usual) = names.iter().max_by_key(|name| (count(name), std::cmp::Reverse(rank(name))))
            else {
                continue;
            };
            for name in names.iter().filter(|name| name != &usual) {
                for rule in &used[name] {
                    let Some(label) = rule.label("severity") else { continue };
                    report
                        .find(label.value.span, format!("{name:?} here is {usual:?} elsewhere in this file"))
                        .help(format!(
                            "use one word for one urgency: write `severity: {usual}`, or route both"
                        ));
                }
            }
        }
    }
}
