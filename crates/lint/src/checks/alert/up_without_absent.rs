//! A target that is no longer discovered has no `up` at all, and what is not there does not equal zero.

use std::collections::BTreeSet;

use bellwether_diag::Severity;
use bellwether_model::MatchOp;
use bellwether_promql::{VectorSelector, selectors};

use super::condition::{comparisons, notices_absence, raw_metric};
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "up-without-absent",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "`up == 0` of one job, and nothing that fires when the job is gone",
    why: "`up` is 0 while a target is known and cannot be scraped. A target that vanished from discovery, a job that \
          was renamed, a Prometheus that lost its configuration: then there is no `up`, the comparison has nothing to \
          compare, and the alert resolves in the middle of the outage. `absent(up{job=\"...\"})` fires instead.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up{job=\"api\"} == 0\n    for: 5m\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up{job=\"api\"} == 0 or absent(up{job=\"api\"})\n    \
         for: 5m\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    let covered = absent_jobs(setup);
    for query in setup.alerts().filter_map(|rule| rule.query.as_ref()) {
        let Some(expr) = &query.parsed else { continue };
        for comparison in comparisons(expr).iter().filter(|it| it.is_zero()) {
            let up = raw_metric(comparison.measured).filter(|it| it.name.as_deref() == Some("up"));
            let Some((up, job)) = up.and_then(|up| Some((up, job_of(up)?))) else { continue };
            if covered.contains(job) {
                continue;
            }
            report
                .find(
                    query.span_of(&setup.sources, comparison.expr),
                    format!(
                        "when the target of job {job:?} is gone there is no up to equal 0, and this is silent"
                    ),
                )
                .help(format!("add `or absent({})`", without_shift(up)));
        }
    }
}

fn without_shift(up: &VectorSelector) -> String {
    let matchers = up.matchers.iter().filter(|it| it.name != "__name__").map(ToString::to_string);
    format!("up{{{}}}", matchers.collect::<Vec<_>>().join(","))
}

/// The one job a selector asks for.
fn job_of(selector: &VectorSelector) -> Option<&str> {
    let job = selector.matchers.iter().find(|matcher| matcher.name == "job")?;
    (job.op == MatchOp::Equal).then_some(job.value.as_str())
}

/// Jobs whose absence some rule notices, by `absent` of whatever metric or by `unless`.
fn absent_jobs(setup: &Setup) -> BTreeSet<&str> {
    let exprs = setup.rules.iter().filter_map(|rule| rule.query.as_ref()?.parsed.as_ref());
    exprs.filter(|expr| notices_absence(expr)).flat_map(|expr| selectors(expr)).filter_map(job_of).collect()
}
