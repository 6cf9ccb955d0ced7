//! A text that says another bound than the rule.

use bellwether_diag::Severity;
use bellwether_promql::{Expr, ExprKind};

use super::condition::{comparisons, constant, metrics, shown, speaks_of};
use super::told::{Number, behind_words, number_after, seconds_of, texts};
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "threshold-vs-text",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "a text says a bound, and the rule compares with another",
    why: "\"Above 90%\" beside `> 80` means that one of the two was changed and the other forgotten. Who reads the \
          message believes the text.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: disk_used_ratio > 0.8\n    for: 5m\n    annotations: \
         {summary: the disk is more than 90% full}\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: disk_used_ratio > 0.9\n    for: 5m\n    annotations: \
         {summary: the disk is more than 90% full}\n",
    )],
    run,
};

/// Words before a bound.
const BOUND: [&str; 21] = [
    "exceeds ",
    "exceeding ",
    "exceeded ",
    "above ",
    "below ",
    "more than ",
    "less than ",
    "greater than ",
    "higher than ",
    "lower than ",
    "fewer than ",
    "under ",
    "over ",
    "drops to ",
    "> ",
    "< ",
    ">= ",
    "<= ",
    THRESHOLD,
    "threshold: ",
    "threshold is ",
];

/// What is called a threshold is one, also without a unit.
const THRESHOLD: &str = "threshold of ";

fn run(setup: &Setup, report: &mut Report) {
    for rule in setup.alerts() {
        let Some(query) = &rule.query else { continue };
        let Some(expr) = &query.parsed else { continue };
        let found = comparisons(expr);
        let [comparison] = found.as_slice() else { continue };
        if !comparison.is_above() && !comparison.is_below() || comparison.threshold == 0.0 {
            continue;
        }
        let hold = rule.hold.as_ref().map(|hold| hold.value.as_secs_f64());
        for told in texts(setup, rule).iter().filter(|told| !told.is_prose()) {
            for (at, word) in behind_words(told.text, &BOUND) {
                let is_sure =
                    |number: &Number| word.starts_with("threshold") || has_unit(number, comparison.measured);
                let Some(number) = number_after(told.text, at).filter(is_sure) else { continue };
                let is_time = seconds_of(&number.unit).map(|unit| unit * number.value);
                if is_time.is_some_and(|time| hold == Some(time))
                    || is_known(&number, comparison.threshold, expr)
                {
                    continue;
                }
                let said = &told.text[number.place.clone()];
                let bound = shown(comparison.threshold);
                report
                    .find(
                        told.span(setup, number.place.clone()),
                        format!("the text says {said}, and the rule compares with {bound}"),
                    )
                    .help("make the text and the query say the same")
                    .related(query.span_of(&setup.sources, comparison.expr), "the rule compares here");
            }
        }
    }
}

/// A number without a unit may be anything, and a time may be part of what is counted.
fn has_unit(number: &Number, measured: &Expr) -> bool {
    const TIMES: [&str; 10] =
        ["second", "millisecond", "ms", "latency", "duration", "time", "age", "lag", "delay", "microsecond"];
    let is_time =
        || !metrics(measured).is_empty() && metrics(measured).iter().all(|name| speaks_of(name, &TIMES));
    match number.unit.as_str() {
        "%" | "percent" | "x" | "rps" => true,
        "ms" => is_time(),
        unit => seconds_of(unit).is_some() && is_time(),
    }
}

/// Every number a query is made of; the lengths of ranges where a time is looked for.
fn constants(expr: &Expr, with_ranges: bool) -> Vec<f64> {
    let mut found = Vec::new();
    expr.walk(&mut |node| {
        found.extend(constant(node));
        let range = match &node.kind {
            ExprKind::Range(range) => &range.range,
            ExprKind::Subquery(subquery) => &subquery.range,
            _ => return,
        };
        found.extend(range.constant().filter(|_| with_ranges).map(|range| range.as_secs_f64()));
    });
    found
}

/// Whether a query has a number in one of the units it may be kept in: a share or its rest, a percentage, parts of a second.
fn is_known(number: &Number, threshold: f64, expr: &Expr) -> bool {
    let time = seconds_of(&number.unit);
    let is_share = matches!(number.unit.as_str(), "%" | "percent");
    // What only turns one unit into another is no bound, unless it is the bound itself.
    let is_unit = |value: f64| [1.0, 10.0, 100.0, 1000.0].contains(&value) && value != threshold;
    let mut known = constants(expr, time.is_some());
    known.retain(|value| !is_unit(*value));
    let scales: &[f64] =
        if is_share { &[1.0, 10.0, 100.0] } else { &[1.0, 100.0, 1e3, 1e6, 1e9, 60.0, 3600.0, 86_400.0] };
    let written = [number.value * time.unwrap_or(1.0), number.value, 100.0 - number.value];
    // The rest of a share is as good as the share: 0.995 and 0.5%.
    let written = &written[..if is_share { 3 } else { 2 }];
    let is_same = |a: f64, b: f64| (a - b).abs() <= 1e-6 * a.abs().max(b.abs());
    known.iter().any(|known| {
        let alike =
            |value: &f64| scales.iter().any(|by| is_same(known * by, *value) || is_same(known / by, *value));
        written.iter().any(alike)
    })
}
