//! The same question asked twice tells people twice.

use std::collections::BTreeMap;

use bellwether_diag::{FileId, Severity};
use bellwether_model::TimeDelta;
use bellwether_promql::Expr;

use super::condition::metrics;
use crate::{Area, Check, Report, Rule, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "duplicate",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "two alerts that always fire together, or two rules that are the same",
    why: "Two alerts with the same query and the same `for` fire at the same moment: people get two messages about one \
          thing, and must silence both. Often one is a copy whose query was to be changed. Two recordings of one \
          series overwrite each other.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - {alert: A, expr: 'queue_length > 10', for: 5m}\n  - {alert: B, expr: \
         '(queue_length) > 10', for: 5m}\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - {alert: A, expr: 'queue_length > 10', for: 5m}\n  - {alert: B, expr: \
         'queue_age_seconds > 10', for: 5m}\n",
    )],
    run,
};

/// What two rules share before their queries are compared: file, metrics, `for`, labels.
type Key<'a> = (FileId, Vec<&'a str>, Option<TimeDelta>, Vec<(&'a str, &'a str)>);

fn run(setup: &Setup, report: &mut Report) {
    let mut seen: BTreeMap<Key<'_>, Vec<(&Rule, &Expr)>> = BTreeMap::new();
    for rule in &setup.rules {
        let Some(expr) = rule.query.as_ref().and_then(|query| query.parsed.as_ref()) else { continue };
        let alike = seen.entry(key(setup, rule, expr)).or_default();
        let Some((first, _)) = alike.iter().find(|(_, other)| other.is_equivalent(expr)) else {
            alike.push((rule, expr));
            continue;
        };
        let (name, other) = (&rule.name.value, &first.name.value);
        let message = match (rule.is_alert(), name == other) {
            (true, true) => format!("{name} is defined twice with the same query"),
            (true, false) => format!("{name} fires whenever {other} does: the query is the same"),
            (false, _) => format!("{name} is recorded by the same rule above"),
        };
        report
            .find(rule.name.span, message)
            .help("remove one, or change the query that was copied")
            .related(first.name.span, "the first one is here");
    }
}

fn key<'a>(setup: &Setup, rule: &'a Rule, expr: &'a Expr) -> Key<'a> {
    let mut labels: Vec<(&str, &str)> =
        rule.labels.iter().map(|label| (label.name.value.as_str(), label.text())).collect();
    if !rule.is_alert() {
        labels.push(("__name__", &rule.name.value));
    }
    labels.sort_unstable();
    let hold = rule.hold.as_ref().map(|hold| hold.value);
    (setup.sources.whole(rule.name.span).file, metrics(expr), hold, labels)
}
