//! A value per second that a text calls per minute.

use bellwether_diag::{Severity, Span, yaml};
use bellwether_model::TimeDelta;
use bellwether_promql::{Expr, ExprKind, Function};

use crate::checks::shape::{comparisons, share};
use crate::setup::amounts::{numbers, short_number, spoken};
use crate::setup::burn::constant;
use crate::setup::query::Query;
use crate::{Area, Check, Report, Rule, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "rate-vs-text",
    area: Area::Unit,
    severity: Severity::Warning,
    title: "a value per second that a text calls per minute",
    why: "`rate` gives a number per second whatever its range, `increase` one per range. A text that names another unit \
          is wrong by its factor: who reads \"12 errors per minute\" at 12 errors per second looks for a trifle. Multiply \
          by 60, or correct the text; the threshold is meant in the unit of the query.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Errors\n    expr: sum(rate(errors_total[5m])) > 10\n    \
         annotations:\n      description: \"{{ $value }} errors per minute\"\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Errors\n    expr: sum(rate(errors_total[5m])) * 60 > 10\n    \
         annotations:\n      description: \"{{ $value }} errors per minute\"\n",
    )],
    run,
};

const PER: &[(&str, f64)] = &[
    ("per minute", 60.0),
    ("/minute", 60.0),
    ("/min", 60.0),
    ("a minute", 60.0),
    ("per hour", 3600.0),
    ("/hour", 3600.0),
    ("per second", 1.0),
    ("/second", 1.0),
    ("/sec", 1.0),
    ("per day", 86_400.0),
];

fn run(setup: &Setup, report: &mut Report) {
    for rule in setup.alerts() {
        let Some((query, expr)) = rule.query.as_ref().and_then(|query| Some((query, query.parsed.as_ref()?)))
        else {
            continue;
        };
        let all = comparisons(expr);
        let [comparison] = &all[..] else { continue };
        let Some(unit) = unit_of(comparison.value) else { continue };
        let place = query.span_of(&setup.sources, comparison.value);
        for field in &rule.annotations {
            let text = field.text();
            let found = said_of_value(text).or_else(|| said_of_bound(text, comparison.bound));
            let Some((said, at, length)) = found else { continue };
            if !same(said, unit) {
                let span = yaml::span_within(&setup.sources, &field.value, at..at + length);
                explain(report, span, said, unit, place);
            }
        }
        in_section(setup, rule, query, comparison.bound, unit, report);
    }
}

/// Sentences beside a rule in a document that name its threshold.
fn in_section(setup: &Setup, rule: &Rule, query: &Query, bound: f64, unit: f64, report: &mut Report) {
    let Some(section) = rule.section else { return };
    for line in setup.prose_of(section) {
        let lower = line.text.to_ascii_lowercase();
        for number in numbers(&line.text).iter().filter(|number| same(number.value, bound)) {
            // The unit follows the number within a few words: `10 errors per minute`.
            let rest = &lower[number.range.end..];
            let near: String = rest.split_inclusive(' ').take(5).collect();
            let Some((said, at, length)) = per(&near) else { continue };
            if !same(said, unit) {
                let start = line.span.start as usize + number.range.start;
                let end = line.span.start as usize + number.range.end + at + length;
                explain(
                    report,
                    Span::new(line.span.file, start..end),
                    said,
                    unit,
                    query.whole(&setup.sources),
                );
            }
        }
    }
}

fn explain(report: &mut Report, span: Span, said: f64, unit: f64, query: Span) {
    let name = |seconds: f64| match seconds {
        1.0 => "per second".to_owned(),
        60.0 => "per minute".to_owned(),
        3600.0 => "per hour".to_owned(),
        other => format!("per {}", spoken(TimeDelta::from_secs_f64(other))),
    };
    report
        .find(span, format!("this says {}, and the query gives a value {}", name(said), name(unit)))
        .help(format!(
            "write {}, or multiply the query and its threshold by {}",
            name(unit),
            short_number(said / unit)
        ))
        .related(query, format!("the value, {}", name(unit)));
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-6 * a.abs().max(b.abs()).max(1e-9)
}

/// What a text says right after it prints the value.
fn said_of_value(text: &str) -> Option<(f64, usize, usize)> {
    let at = text.find("$value")?;
    let after = at + text[at..].find("}}")? + 2;
    let lower = text[after..].to_ascii_lowercase();
    let near: String = lower.split_inclusive(' ').take(5).collect();
    let sentence = near.split(['.', '\n', ';']).next().unwrap_or_default();
    let (said, begins, length) = per(sentence)?;
    Some((said, after + begins, length))
}

/// What a text says right after it names the threshold: `more than 10 errors per minute`.
fn said_of_bound(text: &str, bound: f64) -> Option<(f64, usize, usize)> {
    numbers(text).into_iter().filter(|number| same(number.value, bound)).find_map(|number| {
        let lower = text[number.range.end..].to_ascii_lowercase();
        let near: String = lower.split_inclusive(' ').take(5).collect();
        let (said, begins, length) = per(near.split(['.', '\n', ';', ',']).next().unwrap_or_default())?;
        Some((said, number.range.end + begins, length))
    })
}

fn per(text: &str) -> Option<(f64, usize, usize)> {
    let found = PER.iter().filter_map(|(words, seconds)| Some((*seconds, text.find(words)?, words.len())));
    found.min_by_key(|(_, at, _)| *at)
}

/// In how many seconds the value is counted: 1 for a rate, 60 for a rate times 60, 300 for `increase(x[5m])`.
fn unit_of(expr: &Expr) -> Option<f64> {
    let expr = expr.unwrapped();
    if share(expr).is_some() {
        return None; // one rate by another is no rate
    }
    match &expr.kind {
        ExprKind::Call(call) => match call.function {
            Function::Rate | Function::Irate | Function::Deriv => Some(1.0),
            Function::Increase | Function::Delta => {
                let ExprKind::Range(range) = &call.arguments.first()?.unwrapped().kind else { return None };
                Some(range.range.constant()?.as_secs_f64())
            }
            Function::Round | Function::Ceil | Function::Floor | Function::Abs => {
                unit_of(call.arguments.first()?)
            }
            _ => None,
        },
        ExprKind::Aggregate(aggregation) => unit_of(&aggregation.inner),
        ExprKind::Binary(binary) => {
            use bellwether_promql::BinaryOp;
            match (binary.op, constant(&binary.left), constant(&binary.right)) {
                (BinaryOp::Multiply, None, Some(by)) => Some(unit_of(&binary.left)? * by),
                (BinaryOp::Multiply, Some(by), None) => Some(unit_of(&binary.right)? * by),
                // Divided by a number of seconds an increase becomes a rate; by another number it changes what is counted.
                (BinaryOp::Divide, None, Some(by)) => {
                    Some(unit_of(&binary.left)? / by).filter(|unit| *unit >= 1.0)
                }
                _ => None,
            }
        }
        _ => None,
    }
}
