//! A template that cannot be read.

use bellwether_diag::Severity;

use crate::{Area, Check, Report, Setup, TemplateOf};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "template",
    area: Area::Template,
    severity: Severity::Error,
    title: "a template that cannot be read",
    why: "Prometheus refuses the rule file, and Alertmanager fails to send the message at the moment it is needed. \
          What is meant are braces that are not closed, a `range` without `end`, a variable that nobody declared, \
          a function with too few arguments.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    for: 5m\n    annotations:\n      summary: \"{{ \
         if $labels.job }}{{ $lables.job }} is down\"\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    for: 5m\n    annotations:\n      summary: \"{{ \
         if $labels.job }}{{ $labels.job }} is down{{ end }}\"\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    // Code in the line of a document is often a piece of a template, or of another language with the same braces.
    for template in setup.templates.iter().filter(|it| it.of != TemplateOf::Document) {
        let unknown = |name: &str| template.functions().get(name).is_none();
        for problem in &template.outline.problems {
            let is_unknown_function = template
                .outline
                .functions
                .iter()
                .any(|(name, place)| *place == problem.span && unknown(name));
            if is_unknown_function {
                continue;
            }
            let found =
                report.find(template.span(&setup.sources, problem.span.clone()), problem.message.clone());
            found.problem.help.clone_from(&problem.help);
        }
    }
}
