//! A label that the query's results do not have any more.

use bellwether_diag::Severity;

use super::typing::{Event, Pairs, Type, events};
use crate::{Area, Check, Report, Setup, labels_left};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "label-lost",
    area: Area::Template,
    severity: Severity::Error,
    title: "a text shows a label that the query aggregates away",
    why: "`$labels` holds the labels of the query's result, nothing else. What `sum by (...)` drops, and what the rule \
          itself sets under `labels`, reads as an empty text: \"instance  is slow\".",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: sum by (job) (rate(errors_total[5m])) > 1\n    for: 5m\n    \
         annotations:\n      summary: '{{ $labels.instance }} has errors'\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: sum by (job, instance) (rate(errors_total[5m])) > 1\n    \
         for: 5m\n    annotations:\n      summary: '{{ $labels.instance }} has errors'\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for template in &setup.templates {
        let Some(rule) = template.rule().and_then(|rule| setup.rules.get(rule)) else { continue };
        let Some(expr) = rule.query.as_ref().and_then(|query| query.parsed.as_ref()) else { continue };
        let left = labels_left(expr);
        for event in events(&template.outline.root, Type::Rule) {
            let Event::Key { span, map: Pairs::Series, name, is_guarded: false } = event else { continue };
            if left.may_have(name) {
                continue;
            }
            let (message, help) = if rule.label(name).is_some() || name == "alertname" {
                let message = format!(
                    "{name} is a label of the alert, and $labels has those of the query's result only"
                );
                (message, format!("write the value itself, or add {name} to the query's labels"))
            } else {
                let message = format!("the query's result has no label {name}: this shows nothing");
                (message, format!("add {name} to by (...), or leave it out of the text"))
            };
            report.find(template.span(&setup.sources, span), message).help(help);
        }
    }
}
