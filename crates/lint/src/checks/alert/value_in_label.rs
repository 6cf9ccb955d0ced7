//! A label that holds the measured value makes another alert of every evaluation.

use bellwether_diag::Severity;
use bellwether_template::ast::{Command, Node, Pipe, Word, WordKind};

use crate::{Area, Check, Report, Setup, TemplateOf};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "value-in-label",
    area: Area::Alert,
    severity: Severity::Error,
    title: "the measured value in a label",
    why: "Labels are the identity of an alert. With `{{ $value }}` in one, every evaluation sees another alert: none \
          of them lasts as long as `for` asks, and without `for` each is told as a new one.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: queue_length > 10\n    for: 5m\n    labels:\n      \
         length: \"{{ $value }}\"\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: queue_length > 10\n    for: 5m\n    annotations:\n      \
         length: \"{{ $value }}\"\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for template in setup.templates.iter().filter(|it| matches!(it.of, TemplateOf::Label(_))) {
        // What is only asked of the value, as `{{ if gt $value 90.0 }}critical{{ end }}`, is a matter of a step or two.
        let shown = template.outline.root.iter().find_map(|node| match node {
            Node::Action(pipe) if pipe.variables.is_empty() => value_in(pipe),
            _ => None,
        });
        if let Some(word) = shown {
            report
                .find(
                    template.span(&setup.sources, word.span.clone()),
                    format!(
                        "the label {} is another at every evaluation: the alert never lasts",
                        template.field
                    ),
                )
                .help("show the value in an annotation");
        }
    }
}

fn value_in(pipe: &Pipe) -> Option<&Word> {
    pipe.commands.iter().flat_map(|Command { words, .. }| words).find_map(|word| match &word.kind {
        WordKind::Variable(name, path) => {
            (name == "$value" || (name == "$" && is_value(path))).then_some(word)
        }
        WordKind::Field(path) => is_value(path).then_some(word),
        WordKind::Parens(inner) => value_in(inner),
        WordKind::Chain(..)
        | WordKind::Dot
        | WordKind::Nil
        | WordKind::Literal(_)
        | WordKind::Function(_) => None,
    })
}

fn is_value(path: &[String]) -> bool {
    path.len() == 1 && path[0] == "Value"
}
