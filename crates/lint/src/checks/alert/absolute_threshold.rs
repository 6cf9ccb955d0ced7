//! Ten errors a second are nothing of a million requests and everything of twenty.

use bellwether_diag::Severity;
use bellwether_promql::Function;

use super::condition::{Comparison, comparisons, counted, raw_metric, shown, speaks_of};
use crate::{Area, Check, Report, Setup};

/// Failures that are a share of something.
const FAILURES: [&str; 8] =
    ["error", "failure", "failed", "exception", "timeout", "rejected", "dropped", "5xx"];

/// What comes with the number of users.
const TRAFFIC: [&str; 15] = [
    "connection",
    "request",
    "session",
    "user",
    "client",
    "message",
    "opened",
    "login",
    "player",
    "visitor",
    "call",
    "order",
    "query",
    "queries",
    "subscriber",
];

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "absolute-threshold",
    area: Area::Alert,
    severity: Severity::Note,
    title: "a fixed number where only a share means the same at any traffic",
    why: "A fixed number of errors or connections is right for the traffic of the day it was written. With ten times \
          the users it always fires, at night it cannot. Failures are a share of attempts; a limit of capacity is a \
          share of what there is.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Errors\n    expr: rate(app_errors_total[5m]) > 10\n    for: 5m\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Errors\n    expr: rate(app_errors_total[5m]) / \
         rate(app_requests_total[5m]) > 0.01\n    for: 5m\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for rule in setup.alerts() {
        let Some(query) = &rule.query else { continue };
        let Some(expr) = &query.parsed else { continue };
        for comparison in comparisons(expr).iter().filter(|it| it.is_alone && it.is_above()) {
            let Some((name, help)) = fixed(comparison) else { continue };
            report
                .find(
                    query.span_of(&setup.sources, comparison.expr),
                    format!(
                        "{} of {name} mean something else at every level of traffic",
                        shown(comparison.threshold)
                    ),
                )
                .help(help);
        }
    }
}

/// The metric whose number is compared, and what to compare instead.
fn fixed<'a>(comparison: &Comparison<'a>) -> Option<(&'a str, &'static str)> {
    if let Some((call, metric)) = counted(comparison.measured) {
        // A number within an hour is often what a contract says.
        let name = metric.name.as_deref().filter(|_| call.function != Function::Increase)?;
        let is_failure = speaks_of(name, &FAILURES);
        // A few failures may be too many of anything; a burst of traffic is large.
        let is_fixed = match is_failure {
            true => comparison.threshold >= 10.0,
            false => {
                comparison.threshold >= 50.0
                    && speaks_of(name, &TRAFFIC)
                    && !speaks_of(name, &["byte", "second"])
            }
        };
        let help = match is_failure {
            true => "divide by the rate of all attempts and compare the share",
            false => "compare with what is usual: the same rate a week ago, or the capacity there is",
        };
        return is_fixed.then_some((name, help));
    }
    let name = raw_metric(comparison.measured)?.name.as_deref()?;
    let is_fixed = comparison.threshold >= 500.0
        && speaks_of(name, &TRAFFIC)
        && !speaks_of(
            name,
            &[
                "byte",
                "second",
                "ratio",
                "age",
                "oldest",
                "percent",
                "latency",
                "duration",
                "time",
                "milliseconds",
                "ms",
            ],
        );
    is_fixed.then_some((name, "compare with the limit there is, such as a share of the configured maximum"))
}
