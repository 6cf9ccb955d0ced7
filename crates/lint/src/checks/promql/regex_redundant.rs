//! A regular expression where a plain comparison says the same.

use bellwether_diag::Severity;
use bellwether_model::MatchOp;
use bellwether_promql::selectors;

use crate::{Area, Check, Origin, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "regex-redundant",
    area: Area::Promql,
    severity: Severity::Note,
    title: "a regular expression without anything regular in it",
    why: "`=~` is for patterns. With a plain value it reads as if more were selected than is, and `^` and `$` around a \
          pattern change nothing, since it always has to match the whole value.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Errors\n    expr: rate(errors_total{job=~\"api\"}[5m]) > 1\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Errors\n    expr: rate(errors_total{job=\"api\"}[5m]) > 1\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for query in setup.all_queries().filter(|query| query.origin != Origin::Dashboard) {
        let Some(expr) = &query.parsed else { continue };
        for selector in selectors(expr) {
            for (matcher, span) in selector.matchers.iter().zip(&selector.matcher_spans) {
                let plain = match matcher.op {
                    MatchOp::Regex => "=",
                    MatchOp::NotRegex => "!=",
                    MatchOp::Equal | MatchOp::NotEqual => continue,
                };
                let value = &matcher.value;
                if value.contains("{{") || value.starts_with('$') {
                    continue;
                }
                let place = query.span(&setup.sources, span.clone());
                let has_meta = |text: &str| {
                    text.contains(['.', '*', '+', '?', '|', '(', ')', '[', ']', '{', '}', '\\', '^', '$'])
                };
                let bare = value.strip_prefix('^').unwrap_or(value);
                let bare = bare.strip_suffix('$').filter(|inner| !inner.ends_with('\\')).unwrap_or(bare);
                if !has_meta(value) && !value.is_empty() {
                    let instead = format!("{}{plain}\"{value}\"", matcher.name);
                    report
                        .find(
                            place,
                            format!(
                                "{value:?} holds no pattern: {} and {plain} are the same here",
                                matcher.op.as_str()
                            ),
                        )
                        .help(format!("write {instead}"));
                } else if bare != value && !bare.is_empty() && !bare.contains('|') {
                    report
                        .find(place, "a pattern always has to match the whole value: ^ and $ change nothing")
                        .help(format!("write {}{}\"{bare}\"", matcher.name, matcher.op.as_str()));
                }
            }
        }
    }
}
