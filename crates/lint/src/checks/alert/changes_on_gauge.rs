//! A gauge that moves all the time has always changed.

use bellwether_diag::Severity;
use bellwether_promql::{Call, ExprKind, Function};

use super::condition::speaks_of;
use crate::{Area, Check, Report, Setup};

/// What goes up and down with the work that is done.
const MOVES: [&str; 25] = [
    "connection",
    "session",
    "user",
    "client",
    "request",
    "active",
    "inflight",
    "usage",
    "utilization",
    "cpu",
    "memory",
    "queue",
    "pending",
    "load",
    "latency",
    "temperature",
    "goroutine",
    "thread",
    "depth",
    "length",
    "lag",
    "backlog",
    "player",
    "stream",
    "allocated",
];

/// What changes only when something happens, whatever else the name says.
const EVENTS: [&str; 20] = [
    "total",
    "time",
    "timestamp",
    "generation",
    "version",
    "info",
    "state",
    "status",
    "role",
    "leader",
    "master",
    "config",
    "restart",
    "start",
    "count",
    "epoch",
    "term",
    "up",
    "limit",
    "created",
];

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "changes-on-gauge",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "`changes` of a gauge that moves with every request",
    why: "`changes` counts how often a value was another than before. For a start time or a version that tells of \
          restarts and deployments. For a number of connections or bytes it is above 0 as long as anybody uses the \
          service, and the alert says nothing.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Deployed\n    expr: changes(app_active_sessions[5m]) > 0\n    \
         labels: {severity: warning}\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Restarted\n    expr: \
         changes(process_start_time_seconds[5m]) > 0\n    labels: {severity: warning}\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for query in setup.alerts().filter_map(|rule| rule.query.as_ref()) {
        let Some(expr) = &query.parsed else { continue };
        expr.walk(&mut |node| {
            let ExprKind::Call(Call { function: Function::Changes, arguments, .. }) = &node.kind else { return };
            let Some(ExprKind::Range(range)) = arguments.first().map(|argument| &argument.kind) else { return };
            let Some(name) = &range.selector.name else { return };
            if speaks_of(name, &MOVES) && !speaks_of(name, &EVENTS) {
                report
                    .find(
                        query.span_of(&setup.sources, node),
                        format!("{name} changes whenever the service is used, not when something happened"),
                    )
                    .help("for restarts and deployments ask changes(process_start_time_seconds[...]) or a version's label");
            }
        });
    }
}
