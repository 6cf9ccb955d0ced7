//! A text that says another time than the rule.

use bellwether_diag::Severity;
use bellwether_promql::{DurationExpr, Expr, ExprKind};

use super::condition::constant;
use super::told::{behind_words, number_after, seconds_of, texts};
use crate::{Area, Check, Report, Rule, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "for-vs-text",
    area: Area::Alert,
    severity: Severity::Warning,
    title: "a text says for how long, and the rule says another time",
    why: "\"Down for more than 15 minutes\" tells whoever reads it how much time has passed already. When the rule waits \
          five, or not at all, that is wrong from the first message on. Usually one of the two was changed and the other \
          forgotten.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    for: 5m\n    annotations: {summary: down for \
         more than 15 minutes}\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    for: 15m\n    annotations: {summary: down for \
         more than 15 minutes}\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for rule in setup.alerts() {
        let Some(expr) = rule.query.as_ref().and_then(|query| query.parsed.as_ref()) else { continue };
        let known = times(rule, expr);
        let hold = rule.hold.as_ref().map_or(0.0, |hold| hold.value.as_secs_f64());
        for told in texts(setup, rule) {
            if told.is_prose() && !states_a_condition(told.text) {
                continue;
            }
            for (at, _) in behind_words(told.text, &["for "]) {
                let Some(number) = number_after(told.text, at) else { continue };
                let Some(seconds) = seconds_of(&number.unit).map(|unit| unit * number.value) else {
                    continue;
                };
                if known.iter().any(|time| (time - seconds).abs() < 0.5) {
                    continue;
                }
                let said = &told.text[number.place.clone()];
                let message = match hold {
                    0.0 => format!("the text says {said}, and the rule fires at once: it has no `for`"),
                    _ => format!(
                        "the text says {said}, and the rule waits {}",
                        rule.hold.as_ref().map(|hold| hold.value.to_string()).unwrap_or_default()
                    ),
                };
                let found = report.find(told.span(setup, number.place.clone()), message);
                found.help("make the text and `for` say the same");
                if let Some(hold) = &rule.hold {
                    found.related(hold.span, "the rule waits this long");
                }
            }
        }
    }
}

/// Whether a line of a document says when the alert fires.
fn states_a_condition(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    [
        "exceed",
        "above",
        "below",
        "over ",
        "under ",
        "more than",
        "less than",
        "no ",
        "greater",
        "drops",
        "higher",
        "lower",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

/// All times that a rule speaks of, in seconds: `for`, ranges, sums of both, and numbers it compares with.
fn times(rule: &Rule, expr: &Expr) -> Vec<f64> {
    let keeps = rule.node.get("keep_firing_for").and_then(crate::setup::rule::duration);
    let holds = [rule.hold.as_ref(), keeps.as_ref()].into_iter().flatten();
    let mut found: Vec<f64> = holds.map(|hold| hold.value.as_secs_f64()).collect();
    let mut ranges = Vec::new();
    let seconds = |range: &DurationExpr| range.constant().map(|range| range.as_secs_f64());
    expr.walk(&mut |node| match &node.kind {
        ExprKind::Range(range) => {
            ranges.extend(seconds(&range.range));
            ranges.extend(range.selector.shift.offset.as_ref().and_then(seconds));
        }
        ExprKind::Selector(selector) => ranges.extend(selector.shift.offset.as_ref().and_then(seconds)),
        ExprKind::Subquery(subquery) => ranges.extend(seconds(&subquery.range)),
        ExprKind::Number { .. } | ExprKind::Binary(_) => {
            ranges.extend(
                constant(node)
                    .into_iter()
                    .flat_map(|it| [it, it / 1000.0, it * 60.0, it * 3600.0, it * 86_400.0]),
            );
        }
        _ => {}
    });
    // A recorded series may say its range in its name: `burn_rate:1h`.
    for name in super::condition::metrics(expr) {
        ranges.extend(name.split([':', '_']).filter_map(|part| {
            let digits = part.trim_start_matches(|c: char| c.is_ascii_alphabetic());
            digits.parse::<bellwether_model::TimeDelta>().ok().map(|time| time.as_secs_f64())
        }));
    }
    let sums: Vec<f64> = ranges.iter().flat_map(|range| found.iter().map(move |hold| range + hold)).collect();
    found.extend(ranges);
    found.extend(sums);
    found
}
