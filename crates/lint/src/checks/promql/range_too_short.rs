//! A range that often holds fewer than the two samples it needs.

use bellwether_diag::Severity;
use bellwether_diag::yaml::Node;
use bellwether_model::TimeDelta;
use bellwether_promql::Function;

use crate::checks::shape::range_calls;
use crate::{Area, Check, Form, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "range-too-short",
    area: Area::Promql,
    severity: Severity::Error,
    title: "a range shorter than two scrapes",
    why: "`rate` and its like need two samples. A range shorter than two scrape intervals often holds one or none, and \
          then there is no result: the alert flickers or never fires. Four intervals survive a failed scrape. Without a \
          known `scrape_interval` only ranges below 30 seconds are reported.",
    wrong: &[
        ("prometheus.yml", "global:\n  scrape_interval: 1m\nrule_files: [rules.yml]\nscrape_configs: []\n"),
        (
            "rules.yml",
            "groups:\n- name: g\n  rules:\n  - alert: Errors\n    expr: rate(errors_total[1m]) > 1\n",
        ),
    ],
    right: &[
        ("prometheus.yml", "global:\n  scrape_interval: 15s\nrule_files: [rules.yml]\nscrape_configs: []\n"),
        (
            "rules.yml",
            "groups:\n- name: g\n  rules:\n  - alert: Errors\n    expr: rate(errors_total[1m]) > 1\n",
        ),
    ],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    let known = scrape_interval(setup);
    let interval = known.unwrap_or(TimeDelta::from_secs(15));
    for query in setup.all_queries() {
        let Some(expr) = &query.parsed else { continue };
        for (function, range, _) in range_calls(expr) {
            let needs_two = matches!(
                function,
                Function::Rate
                    | Function::Irate
                    | Function::Increase
                    | Function::Delta
                    | Function::Idelta
                    | Function::Deriv
                    | Function::PredictLinear
            );
            let Some(length) = range.range.constant().filter(|_| needs_two) else { continue };
            if length >= interval * 2 || range.selector.name.as_deref().is_some_and(|name| name.contains(':'))
            {
                continue;
            }
            let said = match known {
                Some(_) => format!("every {interval}"),
                None => format!("even every {interval}"),
            };
            report
                .find(
                    query.span(&setup.sources, range.range.span.clone()),
                    format!("{length} holds fewer than two samples when they are scraped {said}"),
                )
                .help(format!("write a range of at least {}, four scrapes", interval * 4));
        }
    }
}

/// The shortest interval anything is scraped at, where a configuration says so.
fn scrape_interval(setup: &Setup) -> Option<TimeDelta> {
    let trees = setup.trees.iter().filter(|tree| tree.form == Form::Prometheus);
    let intervals = trees.flat_map(|tree| {
        let jobs = tree.node.get("scrape_configs").and_then(Node::as_sequence).unwrap_or_default();
        let global = tree.node.get("global").into_iter();
        global.chain(jobs).filter_map(|node| node.get("scrape_interval")?.as_text()?.parse().ok())
    });
    intervals.min()
}
