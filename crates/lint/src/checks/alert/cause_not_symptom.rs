//! A busy processor is no reason to wake anybody; slow answers are.

use bellwether_diag::Severity;
use bellwether_promql::Expr;

use super::condition::{comparisons, metrics, parts};
use super::severity::{Urgency, urgency};
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "cause-not-symptom",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "somebody is woken by a busy processor or full memory",
    why: "Processor time, load and memory are used so that users are served; a high share of them is often what one \
          pays for. Users feel latency, errors and lost data. Page for those, and let causes be a ticket or a line on \
          a dashboard.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Cpu\n    expr: 1 - avg(rate(node_cpu_seconds_total{mode=\"idle\"}[5m])) \
         > 0.9\n    for: 5m\n    labels: {severity: critical}\n    annotations: {runbook_url: \"https://r.example.com\"}\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Cpu\n    expr: 1 - avg(rate(node_cpu_seconds_total{mode=\"idle\"}[5m])) \
         > 0.9\n    for: 5m\n    labels: {severity: warning}\n    annotations: {runbook_url: \"https://r.example.com\"}\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for rule in setup.alerts().filter(|rule| asks_to_act(setup, rule)) {
        let Some(query) = &rule.query else { continue };
        let Some(expr) = &query.parsed else { continue };
        let Some(comparison) = comparisons(expr).into_iter().find(|it| cause(it.measured).is_some()) else {
            continue;
        };
        let Some((what, severity)) = cause(comparison.measured) else { continue };
        let name = &rule.name.value;
        let (message, help, severity) = match urgency(rule) {
            Urgency::Page => (
                format!("{name} wakes somebody for {what}, which users may not notice"),
                "page for latency or errors; make this `severity: warning`, or a graph",
                severity,
            ),
            Urgency::Ticket | Urgency::Info | Urgency::Unknown => (
                format!(
                    "{name} tells of {what}, which users may not notice and which may be as it should be"
                ),
                "alert on latency or errors, and show this on a dashboard",
                Severity::Note,
            ),
        };
        report.find(query.span_of(&setup.sources, comparison.expr), message).help(help).severity(severity);
    }
}

/// Whether a rule asks somebody to act: it pages, or a document presents it as something to respond to. An author who
/// writes of causes and symptoms has decided which is which.
fn asks_to_act(setup: &Setup, rule: &crate::Rule) -> bool {
    match urgency(rule) {
        Urgency::Page => true,
        Urgency::Ticket => rule.section.is_some_and(|section| {
            let document = setup.documents.get(section.document);
            let speaks = |line: &crate::Prose| line.text.to_ascii_lowercase().contains("cause-based");
            document.is_some_and(|document| !document.prose.iter().any(speaks))
        }),
        Urgency::Info | Urgency::Unknown => false,
    }
}

/// What is measured, if it is what a machine is busy with.
fn cause(measured: &Expr) -> Option<(&'static str, Severity)> {
    let names = metrics(measured);
    let all = |words: &[&str]| {
        !names.is_empty() && names.iter().all(|name| parts(name).any(|part| words.contains(&part.as_str())))
    };
    if all(&[
        "throttled",
        "throttling",
        "throttle",
        "oom",
        "failed",
        "failures",
        "errors",
        "requests",
        "areas",
    ]) {
        None
    } else if all(&["cpu", "load1", "load5", "load15", "processor"]) {
        Some(("a busy processor", Severity::Warning))
    } else if all(&["memory", "mem", "memavailable", "memtotal", "rss", "heap"]) {
        // Memory that is full is close to an outage, so that is a matter of taste.
        Some(("memory in use", Severity::Note))
    } else {
        None
    }
}
