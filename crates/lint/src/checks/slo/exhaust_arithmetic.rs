//! A text that says when a budget is gone, and is wrong.

use bellwether_diag::{Severity, Span, yaml};
use bellwether_model::TimeDelta;

use super::period;
use crate::setup::amounts::{durations, factors, numbers, short_number, spoken};
use crate::{Area, Burn, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "exhaust-arithmetic",
    area: Area::Slo,
    severity: Severity::Warning,
    title: "a text that says when the budget is gone, and is wrong",
    why: "At a burn rate of b a whole budget lasts period / b: at 14.4 one of 30 days lasts 50 hours, not two. A text that \
          says two makes whoever is woken give up too early, or learn to ignore it. Better than any fixed text is one \
          that is computed from what is left.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: FastBurn\n    expr: a:burn_rate:5m > 14.4 and a:burn_rate:1h > 14.4\n    \
         annotations:\n      description: the error budget will be exhausted in ~2 hours\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: FastBurn\n    expr: a:burn_rate:5m > 14.4 and a:burn_rate:1h > 14.4\n    \
         annotations:\n      description: the error budget will be exhausted in ~50 hours\n",
    )],
    run,
};

/// What a text claims.
struct Claim {
    length: TimeDelta,
    is_at_most: bool,
    start: usize,
    end: usize,
}

fn run(setup: &Setup, report: &mut Report) {
    for burn in &setup.burns {
        for field in &setup.rule_of(burn).annotations {
            let text = field.text();
            for claim in claims(text) {
                let span = yaml::span_within(&setup.sources, &field.value, claim.start..claim.end);
                of_rule(setup, burn, &claim, span, report);
            }
        }
    }
    in_tables(setup, report);
}

fn of_rule(setup: &Setup, burn: &Burn, claim: &Claim, span: Span, report: &mut Report) {
    let [tier] = &burn.tiers[..] else { return };
    let factor = tier.factor();
    let period = period::of_tier(setup, burn, tier);
    let lasts = lasting(period.length, factor);
    if !fits(claim, lasts) {
        report
            .find(
                span,
                format!(
                    "at a burn rate of {} a budget of {} lasts {}, not {}",
                    short_number(factor),
                    period.text(),
                    spoken(lasts),
                    spoken(claim.length)
                ),
            )
            .help(format!("write {}, or compute it from what is left of the budget", spoken(lasts)));
        return;
    }
    let spent = tier
        .long()
        .and_then(|term| term.window)
        .map_or(0.0, |long| factor * long.as_secs_f64() / period.length.as_secs_f64());
    if spent > 1.0 + 1e-9 {
        report
            .find(
                span,
                format!(
                    "when this fires {} % of the budget are spent: there is nothing left to last {}",
                    short_number((spent * 100.0).round()),
                    spoken(claim.length)
                ),
            )
            .help("take windows and a factor that fire while something is left");
        return;
    }
    // True of this goal's window; where others of the document are longer, the text has to say which it means.
    let near = setup.goals_near(setup.rule_of(burn)).filter_map(|goal| goal.window).max();
    if let Some(longest) = near.filter(|longest| *longest > period.length * 2) {
        ambiguous(report, span, factor, period.length, longest);
    }
}

fn ambiguous(report: &mut Report, span: Span, factor: f64, short: TimeDelta, long: TimeDelta) {
    report
        .find(
            span,
            format!(
                "this is right for a window of {} only: at a burn rate of {} a budget of {} lasts {}",
                spoken(short),
                short_number(factor),
                spoken(long),
                spoken(lasting(long, factor))
            ),
        )
        .severity(Severity::Note)
        .help("say which objective's budget is meant");
}

/// Tables with a column of burn rates and one of times.
fn in_tables(setup: &Setup, report: &mut Report) {
    for (index, document) in setup.documents.iter().enumerate() {
        for table in &document.tables {
            let column = |words: &[&str]| {
                let has = |text: &str| words.iter().any(|word| text.to_ascii_lowercase().contains(word));
                table.header.iter().position(|(text, _)| has(text))
            };
            let (Some(rate), Some(time)) =
                (column(&["burn rate", "burn-rate"]), column(&["exhaust", "depleted", "gone"]))
            else {
                continue;
            };
            let whole = period::of_document(setup, index);
            let windows: Vec<TimeDelta> = setup
                .goals
                .iter()
                .filter(|goal| goal.section.is_some_and(|section| section.document == index))
                .filter_map(|goal| goal.window)
                .collect();
            for row in &table.rows {
                let (Some((rate, _)), Some((said, span))) = (row.get(rate), row.get(time)) else { continue };
                let factor = factors(rate)
                    .first()
                    .map(|it| it.value)
                    .or_else(|| numbers(rate).first().map(|it| it.value));
                let (Some(factor), Some(claim)) = (factor.filter(|it| *it > 0.0), claim_of(said, 0)) else {
                    continue;
                };
                if fits(&claim, lasting(whole, factor)) {
                    continue;
                }
                match windows.iter().find(|window| fits(&claim, lasting(**window, factor))) {
                    Some(window) => ambiguous(report, *span, factor, *window, whole),
                    None => {
                        let lasts = spoken(lasting(whole, factor));
                        report
                            .find(
                                *span,
                                format!(
                                    "at a burn rate of {} a budget of {} lasts {lasts}",
                                    short_number(factor),
                                    spoken(whole)
                                ),
                            )
                            .help(format!("write {lasts}"));
                    }
                }
            }
        }
    }
}

fn lasting(period: TimeDelta, factor: f64) -> TimeDelta {
    TimeDelta::from_secs_f64(period.as_secs_f64() / factor)
}

fn fits(claim: &Claim, lasts: TimeDelta) -> bool {
    let ratio = claim.length.as_secs_f64() / lasts.as_secs_f64();
    if claim.is_at_most { (0.95..=3.0).contains(&ratio) } else { (0.75..=1.34).contains(&ratio) }
}

/// `exhausted in less than 2 hours`, `budget gone within ~5 days`.
fn claims(text: &str) -> Vec<Claim> {
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    for word in ["exhaust", "deplet", "used up", "be gone", "run out", "runs out", "be spent"] {
        for (at, _) in lower.match_indices(word) {
            let sentence_end = lower[at..].find(['\n', '!']).map_or(lower.len(), |end| at + end);
            let sentence = &text[at..sentence_end];
            // Only what follows closely: a window may be named later.
            let before_budget = lower[..at].rfind('\n').unwrap_or(0);
            let speaks = lower[before_budget..sentence_end].contains("budget");
            if let Some(claim) = claim_of(sentence, at).filter(|claim| speaks && claim.start - at < 40) {
                found.push(claim);
            }
        }
    }
    found
}

fn claim_of(text: &str, offset: usize) -> Option<Claim> {
    let amount = durations(text).into_iter().next()?;
    let before = text[..amount.range.start].trim_end();
    let lower = before.to_ascii_lowercase();
    let is_at_most =
        ["less than", "<", "under", "within", "≤", "at most"].iter().any(|words| lower.ends_with(words));
    Some(Claim {
        length: amount.value,
        is_at_most,
        start: offset + amount.range.start,
        end: offset + amount.range.end,
    })
}
