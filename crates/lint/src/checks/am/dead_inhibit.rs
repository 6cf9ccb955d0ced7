//! An inhibition that never keeps anything quiet.

use bellwether_diag::{Severity, Span};
use bellwether_model::{MatchOp, Matcher};

use super::{asks, contradiction, first_line, follows, said};
use crate::setup::known_alert::{KnownAlert, KnownAlerts, Matches};
use crate::setup::routing::{Inhibit, RouteMatcher};
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "dead-inhibit",
    area: Area::Alertmanager,
    severity: Severity::Warning,
    title: "an inhibition that never inhibits",
    why: "Source and target must be two alerts that can fire at the same time and be equal in every label of `equal`. With \
          `alertname` in `equal` that takes one name with two severities; where every alert has one severity only, the \
          rule does nothing, and the second message comes all the same. Leave `alertname` out and name what the two have \
          in common, such as a service.",
    wrong: &[
        (
            "rules.yml",
            "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 1m\n    labels: {severity: \
             critical}\n  - alert: Slow\n    expr: latency_seconds > 1\n    for: 5m\n    labels: {severity: warning}\n",
        ),
        (
            "alertmanager.yml",
            "route: {receiver: chat}\ninhibit_rules:\n- source_matchers: ['severity=\"critical\"']\n  target_matchers: \
             ['severity=\"warning\"']\n  equal: [alertname, job]\n",
        ),
    ],
    right: &[
        (
            "rules.yml",
            "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 1m\n    labels: {severity: \
             critical}\n  - alert: Slow\n    expr: latency_seconds > 1\n    for: 5m\n    labels: {severity: warning}\n",
        ),
        (
            "alertmanager.yml",
            "route: {receiver: chat}\ninhibit_rules:\n- source_matchers: ['severity=\"critical\"']\n  target_matchers: \
             ['severity=\"warning\"']\n  equal: [job]\n",
        ),
    ],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    let known = KnownAlerts::of(setup);
    for inhibit in setup.routings.iter().flat_map(|routing| &routing.inhibit_rules) {
        let alone = why_never(setup, inhibit).or_else(|| misspelt(inhibit, &known));
        if let Some((span, why, help)) = alone {
            report.find(span, format!("this rule never inhibits anything: {why}")).help(help);
        } else if let Some((span, why, help)) = by_rules(inhibit, &known) {
            let message = format!("this rule inhibits none of the alerts there are: {why}");
            report.find(span, message).help(help).severity(Severity::Note);
        }
    }
}

/// What follows from the rule alone.
fn why_never(setup: &Setup, inhibit: &Inhibit) -> Option<(Span, String, String)> {
    let begin = first_line(setup, &inhibit.node);
    let remedy = || "change it, or remove it".to_owned();
    let (source, target): (Vec<&Matcher>, Vec<&Matcher>) =
        (asks(&inhibit.source).collect(), asks(&inhibit.target).collect());
    for (side, matchers) in [("source", &source), ("target", &target)] {
        if let Some((one, other)) = contradiction(matchers) {
            return Some((begin, format!("{one} and {other} of its {side} cannot both hold"), remedy()));
        }
    }
    let same = |of: &[&Matcher], known: &[&Matcher]| of.iter().all(|matcher| follows(matcher, known));
    if !source.is_empty() && same(&source, &target) && same(&target, &source) {
        return Some((begin, "every alert on one side is on the other as well".to_owned(), remedy()));
    }
    let fixed = |matchers: &[&Matcher], name: &str| {
        let fixed = matchers.iter().find(|matcher| matcher.op == MatchOp::Equal && matcher.name == name);
        fixed.map(|matcher| matcher.value.clone())
    };
    inhibit.equal.iter().find_map(|label| {
        let (one, other) = (fixed(&source, &label.value)?, fixed(&target, &label.value)?);
        let why = format!(
            "{} must be equal, but is {one:?} in the source and {other:?} in the target",
            label.value
        );
        (one != other).then(|| (label.span, why, format!("leave {} out of equal", label.value)))
    })
}

/// A value that no rule sets, and that is nearly one that some rule does.
fn misspelt(inhibit: &Inhibit, known: &KnownAlerts<'_>) -> Option<(Span, String, String)> {
    inhibit.source.iter().chain(&inhibit.target).find_map(|written| {
        let meant = known.meant(&written.matcher)?;
        let Matcher { name, value, .. } = &written.matcher;
        Some((written.span, format!("no rule sets {name} to {value:?}"), format!("did you mean {meant:?}?")))
    })
}

/// What follows from the alerts there are: both sides have some, and no two of them are equal in what must be equal.
fn by_rules(inhibit: &Inhibit, known: &KnownAlerts<'_>) -> Option<(Span, String, String)> {
    let (sources, targets) = (on(known, &inhibit.source), on(known, &inhibit.target));
    if sources.is_empty() || targets.is_empty() {
        return None;
    }
    let guilty = inhibit.equal.iter().find(|label| {
        let name = label.value.as_str();
        let differ = |source: &&KnownAlert<'_>, target: &&KnownAlert<'_>| {
            matches!((source.value(name), target.value(name)), (Some(one), Some(other)) if one != other)
        };
        sources.iter().all(|source| targets.iter().all(|target| differ(source, target)))
    })?;
    let name = &guilty.value;
    let why = format!(
        "no {name} is on both sides, of {} sources ({}) and {} targets ({})",
        sources.len(),
        said(asks(&inhibit.source)),
        targets.len(),
        said(asks(&inhibit.target))
    );
    Some((guilty.span, why, format!("leave {name} out of equal, and name what such alerts have in common")))
}

fn on<'k, 'a>(known: &'k KnownAlerts<'a>, side: &[RouteMatcher]) -> Vec<&'k KnownAlert<'a>> {
    known.all.iter().filter(|alert| known.matches(alert, asks(side)) == Matches::Yes).collect()
}
