//! Grouping by a label that alerts do not have.

use bellwether_diag::{Severity, Spanned};

use super::{Placed, listed, placed};
use crate::setup::known_alert::{Carries, KnownAlert, KnownAlerts, Matches};
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "group-by-missing-label",
    area: Area::Alertmanager,
    severity: Severity::Warning,
    title: "alerts are grouped by a label they do not have",
    why: "An alert has the labels that its query leaves and its rule adds. A label that an aggregation drops is not there \
          to group by: it is empty for every alert, and what was to be kept apart becomes one message. Keep the label in \
          the query (`by (le, job)`), set it in the rule, or group by another.",
    wrong: &[
        (
            "rules.yml",
            "groups:\n- name: g\n  rules:\n  - alert: Errors\n    expr: sum(rate(errors_total[5m])) > 1\n    for: 5m\n",
        ),
        ("alertmanager.yml", "route:\n  receiver: chat\n  group_by: [alertname, job]\n"),
    ],
    right: &[
        (
            "rules.yml",
            "groups:\n- name: g\n  rules:\n  - alert: Errors\n    expr: sum by (job) (rate(errors_total[5m])) > 1\n    \
             for: 5m\n",
        ),
        ("alertmanager.yml", "route:\n  receiver: chat\n  group_by: [alertname, job]\n"),
    ],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    let known = KnownAlerts::of(setup);
    for routing in &setup.routings {
        for place in placed(routing) {
            for label in place.route.group_by.iter().flatten() {
                look(&place, label, &known, report);
            }
        }
    }
}

fn look(place: &Placed<'_>, label: &Spanned<String>, known: &KnownAlerts<'_>, report: &mut Report) {
    let here = place.here();
    let comes = |alert: &&KnownAlert<'_>| known.matches(alert, here.iter().copied()) != Matches::No;
    let mine: Vec<&KnownAlert<'_>> = known.all.iter().filter(comes).collect();
    let name = label.value.as_str();
    if mine.is_empty() || name == "..." {
        return;
    }
    let with = |wanted: &[Carries]| -> Vec<&str> {
        let has = |alert: &&&KnownAlert<'_>| wanted.contains(&known.carries(alert, name));
        mine.iter().filter(has).map(|alert| alert.rule.name.value.as_str()).collect()
    };
    let (never, hardly) = (with(&[Carries::Never]), with(&[Carries::Hardly]));
    let help = match known
        .near_label(name)
        .filter(|near| mine.iter().any(|it| known.carries(it, near) >= Carries::Maybe))
    {
        Some(near) if near != name => format!("did you mean {near}?"),
        _ => "keep the label in the queries, set it in the rules, or group by another".to_owned(),
    };
    let (message, severity) = if never.len() == mine.len() {
        (
            format!("no alert has the label {name}: the queries of {} drop it", listed(never)),
            Severity::Warning,
        )
    } else if never.len() + hardly.len() == mine.len() {
        let message =
            format!("no rule, query or target names the label {name}, so probably none of the alerts has it");
        (message, Severity::Note)
    } else if never.len() * 2 > mine.len() {
        let message = format!(
            "{} of {} alerts cannot have the label {name}: {}",
            never.len(),
            mine.len(),
            listed(never)
        );
        (message, Severity::Note)
    } else {
        return;
    };
    report.find(label.span, message).help(help).severity(severity);
}
