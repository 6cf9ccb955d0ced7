//! Good and bad events that do not add up to all of them.

use std::collections::BTreeMap;

use bellwether_diag::Severity;
use bellwether_model::{MatchOp, Matcher};
use bellwether_promql::{BinaryOp, ExprKind, VectorSelector, selectors};

use crate::setup::query::Query;
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "good-bad-not-complement",
    area: Area::Slo,
    severity: Severity::Warning,
    title: "good and bad events that do not add up to all",
    why: "Where one query counts 2xx as good and another 5xx as bad, redirects and refused requests are neither. What is \
          left of the budget then differs from what the objective says, and an alert on the bad ones stays quiet while \
          the objective is missed. Count bad ones as all that are not good: `status!~\"2..\"`.",
    wrong: &[(
        "slo.md",
        "```promql\n# Success rate\nsum(rate(r_total{status=~\"2..\"}[1h])) / sum(rate(r_total[1h]))\n\n# Burn\n\
         sum(rate(r_total{status=~\"5..\"}[1h])) / sum(rate(r_total[1h])) / 0.001\n```\n",
    )],
    right: &[(
        "slo.md",
        "```promql\n# Success rate\nsum(rate(r_total{status!~\"5..\"}[1h])) / sum(rate(r_total[1h]))\n\n# Burn\n\
         sum(rate(r_total{status=~\"5..\"}[1h])) / sum(rate(r_total[1h])) / 0.001\n```\n",
    )],
    run,
};

/// Codes of HTTP that stand for their hundreds.
const CODES: [&str; 5] = ["101", "200", "302", "404", "503"];

/// The part of a share: what is selected of all.
struct Part<'a> {
    query: &'a Query,
    selector: &'a VectorSelector,
    matcher: &'a Matcher,
    /// Which of the codes it takes.
    takes: [bool; 5],
}

impl Part<'_> {
    /// What two of them must share to speak of the same events.
    fn key(&self) -> (Option<&str>, &str, Option<usize>) {
        let document = self.query.section.map(|section| section.document);
        (self.selector.name.as_deref(), &self.matcher.name, document)
    }
}

fn run(setup: &Setup, report: &mut Report) {
    let mut asked = BTreeMap::new();
    let parts: Vec<Part<'_>> = setup.all_queries().flat_map(|query| parts(query, &mut asked)).collect();
    // One of each kind is enough: fifty thousand rules ask for few metrics in few ways.
    let mut goods_of: BTreeMap<_, Vec<&Part<'_>>> = BTreeMap::new();
    for good in parts.iter().filter(|part| part.takes[1] && !part.takes[4]) {
        let known = goods_of.entry(good.key()).or_default();
        if known.iter().all(|other| other.takes != good.takes) {
            known.push(good);
        }
    }
    for bad in parts.iter().filter(|part| part.takes[4] && !part.takes[1]) {
        let goods = goods_of.get(&bad.key()).map_or(&[][..], Vec::as_slice);
        let neither = |good: &Part<'_>| -> Vec<String> {
            let codes =
                CODES.iter().enumerate().filter(|(index, _)| !good.takes[*index] && !bad.takes[*index]);
            codes.map(|(_, code)| format!("{}xx", &code[..1])).collect()
        };
        let (Some(good), true) = (goods.first(), goods.iter().all(|good| !neither(good).is_empty())) else {
            continue;
        };
        let place = bad.selector.matchers.iter().position(|matcher| std::ptr::eq(matcher, bad.matcher));
        let place =
            place.map_or(bad.selector.span.clone(), |index| bad.selector.matcher_spans[index].clone());
        let good_text =
            format!("{}{}\"{}\"", good.matcher.name, good.matcher.op.as_str(), good.matcher.value);
        report
            .find(
                bad.query.span(&setup.sources, place),
                format!(
                    "good is {good_text} elsewhere, so that {} are neither good nor bad",
                    neither(good).join(", ")
                ),
            )
            .related(good.query.span(&setup.sources, good.selector.span.clone()), "what counts as good")
            .help(format!("count as bad what is not good: {}", negated(good.matcher)));
    }
}

fn negated(matcher: &Matcher) -> String {
    let op = match matcher.op {
        MatchOp::Equal => "!=",
        MatchOp::NotEqual => "=",
        MatchOp::Regex => "!~",
        MatchOp::NotRegex => "=~",
    };
    format!("{}{op}\"{}\"", matcher.name, matcher.value)
}

/// Divisions of a part of a metric, selected by codes of HTTP, by all of it.
fn parts<'a>(query: &'a Query, asked: &mut BTreeMap<String, [bool; 5]>) -> Vec<Part<'a>> {
    let mut found = Vec::new();
    let Some(expr) = &query.parsed else { return found };
    expr.walk(&mut |node| {
        let ExprKind::Binary(binary) = &node.kind else { return };
        if binary.op != BinaryOp::Divide {
            return;
        }
        let (left, right) = (selectors(&binary.left), selectors(&binary.right));
        let ([part], [all]) = (&left[..], &right[..]) else { return };
        if part.name.is_none() || part.name != all.name {
            return;
        }
        for matcher in &part.matchers {
            if matcher.name == "__name__" || all.matchers.iter().any(|other| other.name == matcher.name) {
                continue;
            }
            // Patterns are few and asked for often.
            let key = format!("{}{}", matcher.op.as_str(), matcher.value);
            let takes = *asked.entry(key).or_insert_with(|| CODES.map(|code| matcher.matches_value(code)));
            let is_split = takes.iter().any(|it| *it) && takes.iter().any(|it| !*it);
            if is_split {
                found.push(Part { query, selector: part, matcher, takes });
            }
        }
    });
    found
}
