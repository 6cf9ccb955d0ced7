//! Labels are what an alert is; a link or a number among them makes another alert of it.

use bellwether_diag::{Severity, Span};

use crate::{Area, Check, Field, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "runbook-as-label",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "a link or a text for people among the labels",
    why: "Labels are the identity of an alert: routes, groups, silences and inhibition go by them. When a link changes \
          there, the alert ends and another begins, silences no longer match, and one group becomes two. What people \
          read belongs into annotations.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    for: 5m\n    labels:\n      runbook_url: \
         https://runbooks.example.com/a\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    for: 5m\n    annotations:\n      \
         runbook_url: https://runbooks.example.com/a\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for rule in setup.alerts() {
        for label in rule.labels.iter().filter(|label| is_for_people(label)) {
            let span: Span = label.name.span;
            report
                .find(span, format!("{} is a label: it is part of what the alert is, not a text for people", label.name.value))
                .help("move it to annotations, and where messages show it write .Annotations instead of .Labels");
        }
    }
}

fn is_for_people(label: &Field) -> bool {
    let name = label.name.value.to_ascii_lowercase();
    let text = label.text();
    let is_link = text.starts_with("http://") || text.starts_with("https://");
    is_link
        || ["runbook", "playbook"].iter().any(|word| name.contains(word))
        || name == "description"
        || name == "summary"
}
