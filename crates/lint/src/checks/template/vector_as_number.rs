//! A query in a template gives a list, also when there is one result.

use bellwether_diag::Severity;

use super::typing::{Event, Type, events};
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "vector-as-number",
    area: Area::Template,
    severity: Severity::Error,
    title: "the result of `query` is used as if it were a number",
    why: "`query` gives a list of samples. `printf \"%.2f\"` shows `%!f([...])` for it, and functions such as `humanize` \
          fail, so that the alert arrives with an error instead of a text. Take the first sample and its value, and \
          mind that there may be none: `{{ with query \"...\" }}{{ . | first | value | humanize }}{{ end }}`.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    for: 5m\n    annotations:\n      summary: '{{ \
         printf \"%.2f\" (query \"sum(up)\") }} are up'\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    for: 5m\n    annotations:\n      summary: '{{ \
         with query \"sum(up)\" }}{{ . | first | value | printf \"%.2f\" }}{{ end }} are up'\n",
    )],
    run,
};

/// Functions that take a number.
const OF_NUMBERS: [&str; 11] = [
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "toTime",
    "toDuration",
    "mul",
    "div",
    "add",
    "sub",
];

fn run(setup: &Setup, report: &mut Report) {
    for template in setup.templates.iter().filter(|it| it.rule().is_some() && it.text.contains("query")) {
        for event in events(&template.outline.root, Type::Rule) {
            let (span, message) = match event {
                Event::Argument { span, function, index, is: Type::Samples, format } => {
                    let takes_number = OF_NUMBERS.contains(&function)
                        || (function == "printf"
                            && is_number_at(format.as_deref().unwrap_or_default(), index));
                    if function == "value" {
                        (span, "value takes one sample, and query gives a list of them".to_owned())
                    } else if takes_number {
                        (span, format!("{function} takes a number, and query gives a list of samples"))
                    } else {
                        continue;
                    }
                }
                Event::Shown { span, is: Type::Samples, .. } => {
                    (span, "query gives a list of samples, which is shown as [...]".to_owned())
                }
                _ => continue,
            };
            report
                .find(template.span(&setup.sources, span), message)
                .help("take one: `query \"...\" | first | value`, inside `{{ with query \"...\" }}` if there may be none");
        }
    }
}

/// Whether the verb for an argument of `printf` shows a number; the format itself is argument 0.
fn is_number_at(format: &str, index: usize) -> bool {
    let mut verbs = Vec::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c == '%' {
            verbs.extend(chars.by_ref().find(|c| c.is_ascii_alphabetic() || *c == '%').filter(|c| *c != '%'));
        }
    }
    index.checked_sub(1).and_then(|index| verbs.get(index)).is_some_and(|verb| "fFeEgGdboxX".contains(*verb))
}
