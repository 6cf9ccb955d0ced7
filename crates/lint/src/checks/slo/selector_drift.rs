//! An alert and an indicator that select different series for the same thing.

use std::collections::BTreeMap;

use bellwether_diag::{Severity, Span};
use bellwether_model::{MatchOp, Matcher};
use bellwether_promql::{BinaryOp, ExprKind, VectorSelector, selectors};

use crate::setup::query::Query;
use crate::{Area, Burn, Check, Origin, Report, Rule, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "selector-drift",
    area: Area::Slo,
    severity: Severity::Error,
    title: "an alert and an indicator that select different series for the same thing",
    why: "The indicator says what is promised; the alert that guards it has to look at the same series. Where one asks for \
          another job, another metric or other codes, the alert stays quiet while the promise is broken, often because \
          the series it asks for do not exist at all.",
    wrong: &[(
        "slo.md",
        "- **SLI**: `sum(rate(l_total{job=\"probe\", status=\"ok\"}[5m])) / sum(rate(l_total{job=\"probe\"}[5m]))`\n- \
         **SLO**: 99.5% over a rolling 28-day window\n\n```yaml\n- alert: Logins\n  expr: \
         sum(rate(l_total{job=\"server\", status=\"bad\"}[5m])) > 3\n```\n",
    )],
    right: &[(
        "slo.md",
        "- **SLI**: `sum(rate(l_total{job=\"probe\", status=\"ok\"}[5m])) / sum(rate(l_total{job=\"probe\"}[5m]))`\n- \
         **SLO**: 99.5% over a rolling 28-day window\n\n```yaml\n- alert: Logins\n  expr: \
         sum(rate(l_total{job=\"probe\", status=\"bad\"}[5m])) > 3\n```\n",
    )],
    run,
};

/// Labels that say whose series they are, rather than which part of them.
pub(super) const WHOSE: &[&str] = &[
    "job",
    "service",
    "app",
    "application",
    "namespace",
    "cluster",
    "env",
    "environment",
    "component",
    "handler",
    "deployment",
    "container",
];

fn run(setup: &Setup, report: &mut Report) {
    let mut by_name: BTreeMap<String, Vec<Indicator>> = BTreeMap::new();
    for indicator in indicators(setup) {
        by_name.entry(indicator.name.clone()).or_default().push(indicator);
    }
    for rule in setup.alerts() {
        let Some((query, expr)) = rule.query.as_ref().and_then(|query| Some((query, query.parsed.as_ref()?)))
        else {
            continue;
        };
        for selector in selectors(expr) {
            let indicators = selector.name.as_ref().and_then(|name| by_name.get(name));
            if let Some(indicators) = indicators {
                of_other_owner(setup, rule, query, selector, indicators, report);
            }
        }
    }
    for burn in &setup.burns {
        other_codes(setup, burn, report);
    }
    names(setup, report);
    within_shares(setup, report);
    super::drift_in_objectives::run(setup, report);
}

/// A selector of an indicator.
struct Indicator {
    name: String,
    matchers: Vec<Matcher>,
    document: Option<usize>,
    span: Option<Span>,
}

/// Selectors of indicators: in objectives of the dialects, and in documents beside goals.
fn indicators(setup: &Setup) -> Vec<Indicator> {
    let mut found = Vec::new();
    for slo in &setup.slos {
        for selector in slo.indicator.selectors() {
            let Some(name) = selector.name.clone() else { continue };
            found.push(Indicator {
                name,
                matchers: selector.matchers.clone(),
                document: None,
                span: slo.span,
            });
        }
    }
    for query in &setup.queries {
        let beside_goal =
            setup.goals.iter().any(|goal| goal.section.is_some() && goal.section == query.section);
        if !beside_goal || query.origin == Origin::Dashboard {
            continue;
        }
        for selector in query.parsed.iter().flat_map(selectors) {
            let Some(name) = selector.name.clone() else { continue };
            found.push(Indicator {
                name,
                matchers: selector.matchers.clone(),
                document: query.section.map(|section| section.document),
                span: Some(query.span(&setup.sources, selector.span.clone())),
            });
        }
    }
    found
}

/// The same metric, of another job.
fn of_other_owner(
    setup: &Setup,
    rule: &Rule,
    query: &Query,
    selector: &VectorSelector,
    indicators: &[Indicator],
    report: &mut Report,
) {
    let document = rule.section.map(|section| section.document);
    let same_metric: Vec<&Indicator> = indicators
        .iter()
        .filter(|indicator| {
            Some(&indicator.name) == selector.name.as_ref()
                && (indicator.document.is_none() || indicator.document == document)
        })
        .collect();
    for (matcher, span) in selector.matchers.iter().zip(&selector.matcher_spans) {
        if matcher.op != MatchOp::Equal || !WHOSE.contains(&matcher.name.as_str()) {
            continue;
        }
        let of_label = |indicator: &&Indicator| {
            indicator.matchers.iter().find(|other| other.name == matcher.name).cloned()
        };
        let asked: Vec<Matcher> = same_metric.iter().filter_map(of_label).collect();
        // One that asks for no job takes them all.
        if asked.len() < same_metric.len() || asked.iter().any(|other| other.matches_value(&matcher.value)) {
            continue;
        }
        let Some((first, other)) = same_metric.first().zip(asked.first()) else { continue };
        let name = selector.name.as_deref().unwrap_or_default();
        let finding = report.find(
            query.span(&setup.sources, span.clone()),
            format!(
                "the alert asks for {name} of {}=\"{}\", its indicator for that of {}{}\"{}\"",
                matcher.name,
                matcher.value,
                other.name,
                other.op.as_str(),
                other.value
            ),
        );
        finding.help(format!("write {}{}\"{}\"", other.name, other.op.as_str(), other.value));
        if let Some(span) = first.span {
            finding.related(span, "the indicator");
        }
    }
}

/// A burn-rate alert that counts other codes than the indicator of the goal whose budget it divides by.
fn other_codes(setup: &Setup, burn: &Burn, report: &mut Report) {
    let rule = setup.rule_of(burn);
    let Some((query, expr)) = rule.query.as_ref().and_then(|query| Some((query, query.parsed.as_ref()?)))
    else {
        return;
    };
    let goals: Vec<_> = burn
        .tiers
        .iter()
        .filter(|tier| tier.budget().is_some())
        .filter_map(|tier| setup.goal_of(burn, tier))
        .collect();
    let [goal, ..] = &goals[..] else { return };
    let of_goal: Vec<&VectorSelector> = setup
        .queries
        .iter()
        .filter(|query| goal.section.is_some() && query.section == goal.section)
        .flat_map(|query| query.parsed.iter().flat_map(selectors))
        .collect();
    for selector in selectors(expr) {
        for (matcher, span) in selector.matchers.iter().zip(&selector.matcher_spans) {
            if !matcher.matches_value("503") || matcher.matches_value("200") || matcher.name == "__name__" {
                continue;
            }
            let others = of_goal.iter().filter(|other| other.name == selector.name);
            let asked: Vec<&Matcher> =
                others.flat_map(|other| &other.matchers).filter(|other| other.name == matcher.name).collect();
            let differs = |other: &&&Matcher| {
                ["101", "200", "302", "404", "503"].iter().any(|code| {
                    // What is good for one must be bad for the other, or the same for both.
                    let is_bad = other.matches_value("503");
                    (other.matches_value(code) == is_bad) != matcher.matches_value(code)
                })
            };
            let Some(other) = asked.iter().find(differs).filter(|_| {
                asked.iter().all(|it| differs(&it)) && asked.iter().all(|it| it.matches_value("503"))
            }) else {
                continue;
            };
            report
                .find(
                    query.span(&setup.sources, span.clone()),
                    format!(
                        "the budget is that of \"{}\", which counts {}{}\"{}\", and the alert counts {}{}\"{}\"",
                        goal.name.as_deref().unwrap_or_default(), other.name, other.op.as_str(), other.value, matcher.name, matcher.op.as_str(), matcher.value
                    ),
                )
                .related(goal.span, "the goal")
                .help(format!("write {}{}\"{}\"", other.name, other.op.as_str(), other.value));
        }
    }
}

/// A share of the events of one job in those of another.
fn within_shares(setup: &Setup, report: &mut Report) {
    for query in setup.all_queries() {
        let Some(expr) = &query.parsed else { continue };
        expr.walk(&mut |node| {
            let ExprKind::Binary(binary) = &node.kind else { return };
            let (left, right) = (selectors(&binary.left), selectors(&binary.right));
            let ([part], [all]) = (&left[..], &right[..]) else { return };
            if binary.op != BinaryOp::Divide || part.name.is_none() || part.name != all.name {
                return;
            }
            for (matcher, span) in part.matchers.iter().zip(&part.matcher_spans) {
                let other = all.matchers.iter().find(|other| other.name == matcher.name);
                let Some(other) = other.filter(|other| WHOSE.contains(&other.name.as_str())) else {
                    continue;
                };
                if matcher.op == MatchOp::Equal && other.op == MatchOp::Equal && matcher.value != other.value
                {
                    report
                        .find(
                            query.span(&setup.sources, span.clone()),
                            format!(
                                "events of {0}=\"{1}\" divided by all of {0}=\"{2}\"",
                                matcher.name, matcher.value, other.value
                            ),
                        )
                        .help(format!("ask both sides for the same {}", matcher.name));
                }
            }
        });
    }
}

/// Two names for one metric in a document: `http_requests_total` and `http_server_requests_total`.
fn names(setup: &Setup, report: &mut Report) {
    for index in 0..setup.documents.len() {
        let of_document: Vec<&Query> = setup
            .all_queries()
            .filter(|query| query.section.is_some_and(|section| section.document == index))
            .collect();
        let mut uses: BTreeMap<&str, Vec<(&Query, &VectorSelector)>> = BTreeMap::new();
        for query in &of_document {
            for selector in query.parsed.iter().flat_map(selectors) {
                if let Some(name) = selector.name.as_deref() {
                    uses.entry(name).or_default().push((query, selector));
                }
            }
        }
        let share_condition = |a: &[(&Query, &VectorSelector)], b: &[(&Query, &VectorSelector)]| {
            let own = |it: &[(&Query, &VectorSelector)]| -> Vec<String> {
                it.iter().flat_map(|(_, selector)| crate::checks::shape::conditions(selector)).collect()
            };
            let (of_a, of_b) = (own(a), own(b));
            of_a.iter().any(|condition| of_b.contains(condition))
        };
        for (name, rare) in &uses {
            let twin = uses.iter().find(|(other, often)| {
                is_inside(name, other) && often.len() >= rare.len() * 2 && share_condition(rare, often)
            });
            let (Some((other, _)), Some((query, selector))) = (twin, rare.first()) else { continue };
            let span = selector.span.start..selector.span.start + name.len();
            report
                .find(
                    query.span(&setup.sources, span),
                    format!("{name} here and {other} elsewhere: two names for one metric"),
                )
                .severity(Severity::Warning)
                .help(format!("write {other}"));
        }
    }
}

/// Whether two names differ by words in the middle only.
fn is_inside(a: &str, b: &str) -> bool {
    let words = |name: &str| name.split('_').map(str::to_owned).collect::<Vec<_>>();
    let (short, long) = if a.len() < b.len() { (words(a), words(b)) } else { (words(b), words(a)) };
    let ends = short.first() == long.first()
        && short.last() == long.last()
        && short.len() > 2
        && long.len() == short.len() + 1;
    let mut rest = long.iter();
    a != b && ends && short.iter().all(|word| rest.any(|other| other == word))
}
