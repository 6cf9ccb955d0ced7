//! Two evaluations are not "it stays like this".

use bellwether_diag::Severity;
use bellwether_diag::yaml::Node;
use bellwether_model::TimeDelta;

use super::condition::metrics;
use crate::{Area, Check, Form, Report, Rule, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "for-too-short",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "a `for` within which hardly anything new is seen",
    why: "`for` counts evaluations, and each sees the last scrape. With one scrape a minute (the default of \
          Prometheus) a `for` of 30 seconds asks whether one scrape was bad: a restart, a slow answer or a lost packet \
          is enough. Ask for at least two, better three, scrapes and evaluations.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 30s\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 2m\n",
    )],
    run,
};

/// What Prometheus takes when nothing is said.
const DEFAULT_INTERVAL: TimeDelta = TimeDelta::from_secs(60);

/// Shorter than that is short at whatever interval.
const SHORT: TimeDelta = TimeDelta::from_secs(30);

fn run(setup: &Setup, report: &mut Report) {
    let global = global_interval(setup);
    for rule in setup.alerts() {
        let Some(hold) = rule.hold.as_ref().filter(|hold| hold.value > TimeDelta::ZERO) else { continue };
        let known = rule.interval.max(global);
        let interval = known.unwrap_or(DEFAULT_INTERVAL);
        let twice = TimeDelta(interval.0.saturating_mul(2));
        // A target that could not be scraped once is no outage; a value that was measured is worth more.
        let least = match (known, asks_up(rule)) {
            (Some(_), true) => twice,
            (Some(interval), false) => interval,
            (None, true) => DEFAULT_INTERVAL,
            (None, false) => SHORT,
        };
        if hold.value >= least {
            continue;
        }
        let held = hold.value;
        let message = match known {
            Some(interval) => format!("{held} are hardly more than one sample at an interval of {interval}"),
            None => format!("{held} are hardly more than one sample at the usual interval of {interval}"),
        };
        report.find(hold.span, message).help(format!("write at least `for: {twice}`"));
    }
}

/// Whether it asks if scrapes or probes succeed.
fn asks_up(rule: &Rule) -> bool {
    let expr = rule.query.as_ref().and_then(|query| query.parsed.as_ref());
    expr.is_some_and(|expr| metrics(expr).iter().any(|name| matches!(*name, "up" | "probe_success")))
}

/// The longer of the intervals that a `prometheus.yml` of the setup says.
fn global_interval(setup: &Setup) -> Option<TimeDelta> {
    let trees = setup.trees.iter().filter(|tree| tree.form == Form::Prometheus);
    let of = |node: &Node, field: &str| node.get("global")?.get(field)?.as_text()?.parse::<TimeDelta>().ok();
    trees
        .flat_map(|tree| [of(&tree.node, "scrape_interval"), of(&tree.node, "evaluation_interval")])
        .flatten()
        .max()
}
