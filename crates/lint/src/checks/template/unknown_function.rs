//! A function that these templates do not have.

use bellwether_diag::Severity;

use crate::{Area, Check, Report, Setup, TemplateOf};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "unknown-function",
    area: Area::Template,
    severity: Severity::Error,
    title: "a template calls a function that does not exist",
    why: "The functions of Prometheus, of Alertmanager and of tools such as Helm are three different sets. Prometheus \
          refuses a rule file that calls an unknown one, all of it; Alertmanager sends nothing.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    for: 5m\n    annotations:\n      summary: \"{{ \
         $labels.job | upper }} is down\"\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    for: 5m\n    annotations:\n      summary: \"{{ \
         $labels.job | toUpper }} is down\"\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for template in setup.templates.iter().filter(|it| it.of != TemplateOf::Document) {
        for (name, place) in &template.outline.functions {
            if template.functions().get(name).is_some() {
                continue;
            }
            let span = template.span(&setup.sources, place.clone());
            let found = report.find(span, format!("there is no function {name:?} in these templates"));
            let problem = template.outline.problems.iter().find(|problem| problem.span == *place);
            found.problem.help = problem.and_then(|problem| problem.help.clone());
        }
    }
}
