//! A yes or no that is a value or nothing.

use bellwether_diag::Severity;

use crate::checks::shape::comparison;
use crate::setup::query::Query;
use crate::{Area, Check, Origin, Report, RuleKind, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "filter-comparison",
    area: Area::Promql,
    severity: Severity::Warning,
    title: "a comparison without `bool` where 0 or 1 is meant",
    why: "A comparison filters: it gives the value on its left where it holds and nothing where it does not. A panel or a \
          recording of whether a goal is met then shows a number while all is well and \"no data\" when it is not, and \
          averages over time leave the bad times out. `> bool` gives 1 and 0.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - record: job:latency:ok\n    expr: job:latency:p95 < 0.3\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - record: job:latency:ok\n    expr: job:latency:p95 < bool 0.3\n",
    )],
    run,
};

/// Words of names that ask a question.
const QUESTIONS: &[&str] = &[
    "compliance",
    "compliant",
    "ok",
    "healthy",
    "health",
    "met",
    "status",
    "breach",
    "breached",
    "violated",
    "violation",
    "violations",
    "is",
    "within",
    "good",
    "bad",
    "up",
    "available",
    "success",
    "failing",
    "conformance",
    "achieved",
];

fn run(setup: &Setup, report: &mut Report) {
    let records = setup.rules.iter().filter(|rule| rule.kind == RuleKind::Record);
    let records = records.filter_map(|rule| Some((rule.name.value.clone(), rule.query.as_ref()?, true)));
    let others =
        setup.queries.iter().filter(|query| matches!(query.origin, Origin::Block | Origin::Dashboard));
    let others = others.map(|query| (meant_as(query), query, false));
    for (name, query, is_record) in records.chain(others) {
        let asks = words(&name).any(|word| QUESTIONS.contains(&word.as_str()));
        let Some(found) = query.parsed.as_ref().and_then(comparison).filter(|found| !found.is_bool) else {
            continue;
        };
        // Recordings leave zeros out with `> 0` on purpose.
        let is_filter = is_record && found.bound != 0.0;
        if !(asks || is_filter) {
            continue;
        }
        report
            .find(
                query.span(&setup.sources, found.span.clone()),
                "this gives a value or nothing, not 1 or 0: where it does not hold there is no data",
            )
            .help(format!("write {} bool {}", found.op.as_str(), found.bound));
    }
}

fn meant_as(query: &Query) -> String {
    format!("{} {}", query.name.as_deref().unwrap_or_default(), query.comment.as_deref().unwrap_or_default())
}

fn words(name: &str) -> impl Iterator<Item = String> + '_ {
    name.split(|c: char| !c.is_alphanumeric()).map(str::to_ascii_lowercase)
}
