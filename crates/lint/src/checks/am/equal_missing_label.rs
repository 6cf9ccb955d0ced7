//! An inhibition over a label that neither side has: two labels that are missing are equal.

use bellwether_diag::Severity;

use super::{asks, listed};
use crate::setup::known_alert::{Carries, KnownAlert, KnownAlerts, Matches};
use crate::setup::routing::RouteMatcher;
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "equal-missing-label",
    area: Area::Alertmanager,
    severity: Severity::Warning,
    title: "alerts must be equal in a label that they do not have",
    why: "For `equal` a missing label is the same as an empty one, and two empty ones are equal. An inhibition that is \
          meant to stay within one service, by a label that no alert has, keeps alerts of all services quiet. Give both \
          sides the label, or leave it out, so that everyone sees how far the rule goes.",
    wrong: &[
        (
            "rules.yml",
            "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: sum(up) == 0\n    for: 1m\n    labels: {severity: \
             critical}\n  - alert: Slow\n    expr: max(latency_seconds) > 1\n    for: 5m\n    labels: {severity: warning}\n",
        ),
        (
            "alertmanager.yml",
            "route: {receiver: chat}\ninhibit_rules:\n- source_matchers: ['severity=\"critical\"']\n  target_matchers: \
             ['severity=\"warning\"']\n  equal: [service]\n",
        ),
    ],
    right: &[
        (
            "rules.yml",
            "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: sum by (service) (up) == 0\n    for: 1m\n    \
             labels: {severity: critical}\n  - alert: Slow\n    expr: max by (service) (latency_seconds) > 1\n    for: \
             5m\n    labels: {severity: warning}\n",
        ),
        (
            "alertmanager.yml",
            "route: {receiver: chat}\ninhibit_rules:\n- source_matchers: ['severity=\"critical\"']\n  target_matchers: \
             ['severity=\"warning\"']\n  equal: [service]\n",
        ),
    ],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    let known = KnownAlerts::of(setup);
    for inhibit in setup.routings.iter().flat_map(|routing| &routing.inhibit_rules) {
        let (sources, targets) = (on(&known, &inhibit.source), on(&known, &inhibit.target));
        if sources.is_empty() || targets.is_empty() {
            continue;
        }
        for label in &inhibit.equal {
            let name = label.value.as_str();
            let most = sources.iter().chain(&targets).map(|alert| known.carries(alert, name)).max();
            let Some(most @ (Carries::Never | Carries::Hardly)) = most else { continue };
            let message = format!(
                "neither {} nor {} has the label {name}, and missing equals missing: this rule inhibits whatever the {name}",
                listed(sources.iter().map(|alert| alert.rule.name.value.as_str())),
                listed(targets.iter().map(|alert| alert.rule.name.value.as_str()))
            );
            report
                .find(label.span, message)
                .help(format!("keep {name} in the queries or set it in the rules, or leave it out here"))
                .severity(if most == Carries::Never { Severity::Warning } else { Severity::Note });
        }
    }
}

/// The alerts that can be on a side of an inhibition.
fn on<'k, 'a>(known: &'k KnownAlerts<'a>, side: &[RouteMatcher]) -> Vec<&'k KnownAlert<'a>> {
    known.all.iter().filter(|alert| known.matches(alert, asks(side)) != Matches::No).collect()
}
