//! An alert on the last two samples only.

use bellwether_diag::Severity;
use bellwether_promql::{ExprKind, Function};

use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "irate-in-alert",
    area: Area::Promql,
    severity: Severity::Warning,
    title: "an alert on `irate`, which sees two samples only",
    why: "`irate` and `idelta` look at the last two samples of the range, whatever its length. One quiet scrape resets the \
          `for` of the alert, one busy scrape sets it off. They are made for graphs; an alert wants `rate`.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Busy\n    expr: irate(jobs_total[5m]) > 100\n    for: 5m\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Busy\n    expr: rate(jobs_total[5m]) > 100\n    for: 5m\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for query in setup.alerts().filter_map(|rule| rule.query.as_ref()) {
        let Some(expr) = &query.parsed else { continue };
        expr.walk(&mut |node| {
            let ExprKind::Call(call) = &node.kind else { return };
            let (now, instead) = match call.function {
                Function::Irate => ("irate", "rate"),
                Function::Idelta => ("idelta", "delta"),
                _ => return,
            };
            let place = query.span(&setup.sources, call.name_span.clone());
            report
                .find(
                    place,
                    format!("{now} looks at the last two samples only, so that a single scrape decides"),
                )
                .help(format!("write {instead}"))
                .fix(format!("write {instead}"), place, instead);
        });
    }
}
