//! A raw floating-point number in a sentence.

use bellwether_diag::Severity;
use bellwether_promql::{BinaryOp, Expr, ExprKind, Function};

use super::typing::{Event, Type, events};
use crate::{Area, Check, Report, Setup, TemplateOf};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "humanize",
    area: Area::Template,
    severity: Severity::Note,
    title: "a raw number with a unit behind it",
    why: "`{{ $value }}` shows a quotient, rate or quantile with all its digits: `0.24250000000000002s`, \
          `1.2345678901e+06`. Prometheus brings `humanize`, `humanizePercentage` (of a share from 0 to 1), \
          `humanizeDuration` (of seconds), `humanize1024` and `printf \"%.1f\"`.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: rate(a_seconds_sum[5m]) / rate(a_seconds_count[5m]) > 1\n    \
         for: 5m\n    annotations:\n      summary: 'it takes {{ $value }}s'\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: rate(a_seconds_sum[5m]) / rate(a_seconds_count[5m]) > 1\n    \
         for: 5m\n    annotations:\n      summary: 'it takes {{ $value | humanizeDuration }}'\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for template in &setup.templates {
        let TemplateOf::Annotation(rule) = template.of else { continue };
        let query = setup.rules.get(rule).and_then(|rule| rule.query.as_ref());
        let Some(expr) = query.and_then(|query| query.parsed.as_ref()) else { continue };
        let has_digits = has_many_digits(expr);
        for event in events(&template.outline.root, Type::Rule) {
            let Event::Shown { span, is: Type::Number, behind } = event else { continue };
            let Some((unit, help)) = unit_of(behind).filter(|_| has_digits) else { continue };
            report
                .find(
                    template.span(&setup.sources, span),
                    format!("this shows every digit of the number before {unit:?}"),
                )
                .help(help);
        }
    }
}

/// The unit behind a number, and what to write for it.
fn unit_of(behind: &str) -> Option<(&str, &'static str)> {
    let is_word = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    for (unit, help) in [
        ("%", "write `printf \"%.1f\" $value`, or `$value | humanizePercentage` for a share from 0 to 1"),
        ("ms", "write `printf \"%.0f\" $value`"),
        ("s", "write `$value | humanizeDuration` and no unit"),
        ("x", "write `printf \"%.1f\" $value`"),
    ] {
        if behind.strip_prefix(unit).is_some_and(is_word) {
            return Some((unit, help));
        }
    }
    let trimmed = behind.strip_prefix(' ')?;
    let end = trimmed.find(['.', ',', '\n', '(', ';']).unwrap_or(trimmed.len());
    let phrase = trimmed[..end].trim_end();
    let lower = phrase.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.starts_with(word));
    if has(&["percent"]) {
        return Some((
            phrase,
            "write `printf \"%.1f\" $value`, or `$value | humanizePercentage` for a share",
        ));
    }
    if has(&["seconds", "second ", "sec "]) {
        return Some((phrase, "write `$value | humanizeDuration` and no unit"));
    }
    let is_rate = lower.contains(" per ") || lower.contains("/s") || lower.contains("/min");
    is_rate.then_some((phrase, "write `$value | humanize`"))
}

/// Whether a query's values have as many digits as fit: they are divided, averaged or interpolated, or they are recorded
/// under a name that says so. What is rounded has none.
fn has_many_digits(expr: &Expr) -> bool {
    use Function::{AvgOverTime, Ceil, Deriv, Floor, HistogramQuantile, Irate, Rate, Round};
    match &expr.kind {
        ExprKind::Binary(binary) if binary.op == BinaryOp::Divide => return true,
        ExprKind::Call(call) if matches!(call.function, Round | Ceil | Floor) => return false,
        ExprKind::Call(call)
            if matches!(call.function, Rate | Irate | HistogramQuantile | AvgOverTime | Deriv) =>
        {
            return true;
        }
        ExprKind::Selector(selector) => return selector.name.as_ref().is_some_and(|name| name.contains(':')),
        _ => {}
    }
    let mut found = false;
    expr.for_each_child(|child| found |= has_many_digits(child));
    found
}
