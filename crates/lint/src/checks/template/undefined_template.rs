//! A template that nobody defines.

use std::sync::LazyLock;

use bellwether_diag::{Severity, suggest};
use bellwether_template::{TemplateSet, default_templates};

use crate::{Area, Check, Report, Setup, Template, TemplateOf};

static DEFAULTS: LazyLock<TemplateSet> = LazyLock::new(default_templates);

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "undefined-template",
    area: Area::Template,
    severity: Severity::Error,
    title: "a call of a template that no file defines",
    why: "Alertmanager renders a message when it sends it. A template that is called and not defined anywhere makes that \
          fail: the receiver gets nothing, and only a log line says so. The defaults are called \
          `slack.default.title`, `pagerduty.default.description` and so on.",
    wrong: &[(
        "alertmanager.yml",
        "route: {receiver: r}\nreceivers:\n- name: r\n  slack_configs:\n  - api_url: https://example.com/x\n    channel: \
         '#a'\n    send_resolved: true\n    title: '{{ template \"slack.title\" . }}'\n    text: '{{ \
         .CommonAnnotations.summary }}'\n",
    )],
    right: &[(
        "alertmanager.yml",
        "route: {receiver: r}\nreceivers:\n- name: r\n  slack_configs:\n  - api_url: https://example.com/x\n    channel: \
         '#a'\n    send_resolved: true\n    title: '{{ template \"slack.default.title\" . }}'\n    text: '{{ \
         .CommonAnnotations.summary }}'\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    if !has_all_files(setup) {
        return;
    }
    let (own, defaults) = (setup.defined_templates(), &*DEFAULTS);
    for template in setup.templates.iter().filter(|it| may_call(it)) {
        for (name, place) in &template.outline.templates {
            if own.contains(name) || template.outline.defines.contains_key(name) {
                continue;
            }
            if template.rule().is_none() && defaults.contains(name) {
                continue;
            }
            let known: Vec<&str> = own
                .iter()
                .map(String::as_str)
                .chain(defaults.names().filter(|_| template.rule().is_none()))
                .filter(|known| !known.starts_with("__"))
                .collect();
            let found = report.find(
                template.span(&setup.sources, place.clone()),
                format!("no template {name:?} is defined"),
            );
            let near = suggest(name, known.iter().copied()).or_else(|| default_of(name, &known));
            found.problem.help = Some(match near {
                Some(near) => {
                    format!("did you mean {near:?}? otherwise define it in a file that `templates` names")
                }
                None => "define it in a file that `templates` of alertmanager.yml names".to_owned(),
            });
        }
    }
}

/// Code in the line of a document is a template of ours if it calls one with a dot.
fn may_call(template: &Template) -> bool {
    match template.of {
        TemplateOf::Document => template.outline.problems.is_empty(),
        TemplateOf::File | TemplateOf::Message(_) | TemplateOf::Label(_) | TemplateOf::Annotation(_) => true,
    }
}

/// The default that a short name stands for: `slack.title` is `slack.default.title`.
fn default_of<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let (product, rest) = name.split_once('.')?;
    known.iter().copied().find(|known| *known == format!("{product}.default.{rest}"))
}

/// Whether the template files that configurations name are among those that were read.
fn has_all_files(setup: &Setup) -> bool {
    let names = |routing: &crate::Routing| {
        routing.node.get("templates").and_then(|node| node.as_sequence()).is_some_and(|all| !all.is_empty())
    };
    let has_files = setup.templates.iter().any(|template| template.of == TemplateOf::File);
    has_files || !setup.routings.iter().any(names)
}
