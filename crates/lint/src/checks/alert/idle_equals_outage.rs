//! Nobody there at night looks the same as nobody able to come.

use bellwether_diag::Severity;
use bellwether_promql::Expr;

use super::condition::{Comparison, comparisons, counted, raw_metric, shown, speaks_of};
use crate::{Area, Check, Report, Setup};

/// What people do with a service; there is none of it when they sleep.
pub(super) const ACTIVITY: [&str; 22] = [
    "connection",
    "session",
    "user",
    "client",
    "message",
    "request",
    "login",
    "visitor",
    "visit",
    "order",
    "query",
    "queries",
    "call",
    "checkout",
    "signup",
    "transaction",
    "player",
    "stream",
    "subscriber",
    "traffic",
    "throughput",
    "socket",
];

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "idle-equals-outage",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "little or no traffic is taken for an outage",
    why: "A count of connections, messages or requests falls to nothing in a quiet night just as it does in an outage. \
          An alert on it wakes people for nothing, and they learn to ignore it. Ask for what only an outage has: \
          failed attempts, a probe that fails, no `up`; or compare with the same time last week, and only while \
          something is expected to happen.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Nobody\n    expr: chat_active_connections == 0\n    for: 5m\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Nobody\n    expr: chat_active_connections == 0 and on() \
         chat_active_connections offset 1w > 100\n    for: 5m\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for query in setup.alerts().filter_map(|rule| rule.query.as_ref()) {
        let Some(expr) = &query.parsed else { continue };
        for comparison in comparisons(expr).iter().filter(|it| it.is_alone) {
            let Some(what) = quiet(comparison) else { continue };
            let condition = format!("{} {}", comparison.op.as_str(), shown(comparison.threshold));
            report
                .find(
                    query.span_of(&setup.sources, comparison.expr),
                    format!("{what} {condition} is also true when nobody uses the service, as at night"),
                )
                .help("alert on failed attempts or a probe, or compare with the same hour a week ago (offset 1w)");
        }
    }
}

/// The activity that a comparison wants to be there.
fn quiet<'a>(comparison: &Comparison<'a>) -> Option<&'a str> {
    let (name, is_rate) = measured(comparison.measured)?;
    let is_little = comparison.is_zero() || (is_rate && comparison.is_below());
    let is_limit = speaks_of(
        name,
        &[
            "max",
            "limit",
            "available",
            "idle",
            "free",
            "error",
            "failed",
            "failure",
            "status",
            "state",
            "up",
            "health",
        ],
    );
    (is_little && !is_limit && speaks_of(name, &ACTIVITY)).then_some(name)
}

/// A metric as it is, or how fast one grows.
fn measured(expr: &Expr) -> Option<(&str, bool)> {
    if let Some(selector) = raw_metric(expr) {
        return Some((selector.name.as_deref()?, false));
    }
    let (_, selector) = counted(expr)?;
    Some((selector.name.as_deref()?, true))
}
