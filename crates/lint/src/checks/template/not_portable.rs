//! Functions that only we have.

use bellwether_diag::Severity;

use crate::{Area, Check, Report, Setup, TemplateOf};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "not-portable",
    area: Area::Template,
    severity: Severity::Warning,
    title: "a function that Prometheus and Alertmanager do not have",
    why: "Bellwether adds arithmetic (`mul`, `div`, `add`, `sub`) to the functions of rule templates. Prometheus refuses a \
          rule file that calls one of them, and with it every alert of that file. A percentage is `$value | \
          humanizePercentage`; anything else can be computed by the query.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: budget_left < 0.1\n    for: 5m\n    annotations:\n      \
         summary: '{{ printf \"%.1f\" (mul $value 100) }}% left'\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: budget_left < 0.1\n    for: 5m\n    annotations:\n      \
         summary: '{{ $value | humanizePercentage }} left'\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for template in setup.templates.iter().filter(|it| it.of != TemplateOf::Document) {
        for (name, place) in &template.outline.functions {
            if template.functions().get(name).is_some_and(|function| !function.is_portable) {
                report
                    .find(
                        template.span(&setup.sources, place.clone()),
                        format!("{name} is a function of Bellwether alone: Prometheus refuses the file"),
                    )
                    .help("write `$value | humanizePercentage` for a share, or compute it in the query");
            }
        }
    }
}
