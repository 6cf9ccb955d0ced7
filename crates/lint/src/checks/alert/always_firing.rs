//! An alert that asks nothing always fires.

use bellwether_diag::Severity;
use bellwether_promql::Expr;

use super::condition::constant;
use super::severity::{Urgency, urgency};
use crate::{Area, Check, Report, Rule, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "always-firing",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "an alert whose query is a constant",
    why: "`vector(1)` fires at every evaluation. That is what a watchdog is for, whose silence tells that the chain of \
          messages is broken; everywhere else it is a test that was left in, and its messages repeat for ever.",
    wrong: &[("rules.yml", "groups:\n- name: g\n  rules:\n  - {alert: Trial, expr: vector(1), for: 1m}\n")],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - {alert: Watchdog, expr: vector(1), for: 1m, labels: {severity: none}}\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for rule in setup.alerts().filter(|rule| !is_watchdog(rule)) {
        let Some(query) = &rule.query else { continue };
        let Some(value) = query.parsed.as_ref().and_then(constant_condition) else { continue };
        let message = match value {
            true => format!("{} always fires: nothing is measured", rule.name.value),
            false => format!("{} never fires: nothing is measured", rule.name.value),
        };
        report
            .find(query.whole(&setup.sources), message)
            .help("remove a trial when it is over; name a watchdog Watchdog and give it `severity: none`");
    }
}

/// Whether a query gives a result without any series, and whether that is one.
fn constant_condition(expr: &Expr) -> Option<bool> {
    if let bellwether_promql::ExprKind::Binary(binary) = &expr.unwrapped().kind {
        use bellwether_promql::BinaryOp::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        let (left, right) = (constant(&binary.left)?, constant(&binary.right)?);
        return match binary.op {
            Equal => Some(left == right),
            NotEqual => Some(left != right),
            Less => Some(left < right),
            LessOrEqual => Some(left <= right),
            Greater => Some(left > right),
            GreaterOrEqual => Some(left >= right),
            _ => Some(true),
        };
    }
    constant(expr).map(|_| true)
}

/// Whether it is meant to fire all the time.
fn is_watchdog(rule: &Rule) -> bool {
    let name = rule.name.value.to_ascii_lowercase();
    let is_named = ["watchdog", "deadman", "dead_man", "heartbeat", "dms", "snitch"]
        .iter()
        .any(|word| name.contains(word));
    let is_said = rule.annotations.iter().any(|field| {
        let text = field.text().to_ascii_lowercase();
        text.contains("always fir") || text.contains("dead man") || text.contains("watchdog")
    });
    is_named
        || is_said
        || urgency(rule) == Urgency::Info && rule.label("severity").is_some_and(|it| it.text() == "none")
}
