//! What asks nothing of anybody is no alert.

use bellwether_diag::Severity;
use bellwether_promql::Expr;

use super::condition::{comparisons, raw_metric, speaks_of};
use super::severity::{Urgency, has_runbook, urgency};
use crate::{Area, Check, Report, Rule, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "non-actionable",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "an alert about something normal",
    why: "An alert asks somebody to do something. That a deployment took place or that many people use the service asks \
          for nothing; sent as messages such things teach people not to read them. They belong on a dashboard, or \
          into the log of deployments.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: ManyUsers\n    expr: app_users_online > 90\n    for: 5m\n    labels: \
         {severity: info}\n    annotations: {summary: many people are here}\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: NearLimit\n    expr: app_users_online / app_users_max > 0.9\n    for: \
         5m\n    labels: {severity: warning}\n    annotations: {summary: add a server}\n",
    )],
    run,
};

/// Names of alerts that tell of something that was done.
const DONE: [&str; 9] = [
    "deploymentcompleted",
    "deploymentstarted",
    "deployed",
    "deploymentsucceeded",
    "deploymentdetected",
    "backupcompleted",
    "backupsucceeded",
    "jobcompleted",
    "jobsucceeded",
];

fn run(setup: &Setup, report: &mut Report) {
    for rule in setup.alerts().filter(|rule| urgency(rule) == Urgency::Page) {
        let Some(query) = &rule.query else { continue };
        let found = query.parsed.as_ref().map(comparisons).unwrap_or_default();
        if let Some(comparison) = found.iter().find(|it| it.is_below() && is_budget_left(it.measured)) {
            report
                .find(
                    query.span_of(&setup.sources, comparison.expr),
                    format!(
                        "{} pages for as long as the budget is spent, and nobody can bring it back",
                        rule.name.value
                    ),
                )
                .help("page for how fast it is spent (a burn rate); what is left is a ticket")
                .severity(Severity::Note);
        }
    }
    for rule in setup.alerts().filter(|rule| urgency(rule) == Urgency::Info && !has_runbook(rule)) {
        let done = DONE.iter().any(|word| rule.name.value.to_ascii_lowercase().contains(word));
        if done || is_popularity(rule) {
            let what =
                if done { "tells of something that was done" } else { "tells that the service is used" };
            report
                .find(rule.name.span, format!("{} {what}: nobody has anything to do", rule.name.value))
                .help("show it on a dashboard, or say which limit is near and what to do about it");
        }
    }
}

/// Whether it is what is left of an error budget.
fn is_budget_left(measured: &Expr) -> bool {
    let name = raw_metric(measured).and_then(|metric| metric.name.as_deref()).unwrap_or_default();
    speaks_of(name, &["budget"]) && speaks_of(name, &["remaining", "left", "remain"])
}

/// Whether it fires when many people are there.
fn is_popularity(rule: &Rule) -> bool {
    let Some(expr) = rule.query.as_ref().and_then(|query| query.parsed.as_ref()) else { return false };
    let found = comparisons(expr);
    found.len() == 1
        && found.iter().all(|it| {
            let name = raw_metric(it.measured).and_then(|metric| metric.name.as_deref());
            let words = ["session", "user", "client", "player", "visitor", "subscriber", "login"];
            let not = ["error", "failed", "failure", "byte", "expired", "blocked"];
            it.is_above() && name.is_some_and(|name| speaks_of(name, &words) && !speaks_of(name, &not))
        })
}
