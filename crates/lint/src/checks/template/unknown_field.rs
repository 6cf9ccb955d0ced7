//! A name that is not there, or that nobody fills.

use std::collections::BTreeSet;

use bellwether_diag::{Severity, suggest};
use bellwether_promql::selectors;

use super::typing::{Event, Pairs, Type, events};
use crate::{Area, Check, Report, Rule, Setup, Template, TemplateOf, labels_left};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "unknown-field",
    area: Area::Template,
    severity: Severity::Error,
    title: "a text asks for a field, label or annotation that there is not",
    why: "A field that does not exist makes the message fail. A label or annotation that no alert has reads as an empty \
          text, and a `.GroupLabels` that is not in `group_by` is always empty.",
    wrong: &[(
        "alertmanager.yml",
        "route: {receiver: r}\nreceivers:\n- name: r\n  slack_configs:\n  - api_url: https://example.com/x\n    channel: \
         '#a'\n    send_resolved: true\n    title: '{{ .CommonLabel.alertname }}'\n    text: '{{ \
         .CommonAnnotations.summary }}'\n",
    )],
    right: &[(
        "alertmanager.yml",
        "route: {receiver: r}\nreceivers:\n- name: r\n  slack_configs:\n  - api_url: https://example.com/x\n    channel: \
         '#a'\n    send_resolved: true\n    title: '{{ .CommonLabels.alertname }}'\n    text: '{{ \
         .CommonAnnotations.summary }}'\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for template in &setup.templates {
        let root = match template.of {
            TemplateOf::Label(_) | TemplateOf::Annotation(_) => Type::Rule,
            TemplateOf::Message(_) => Type::Message,
            TemplateOf::File | TemplateOf::Document => continue,
        };
        for event in events(&template.outline.root, root) {
            match event {
                Event::NoField { span, of, name } => {
                    let message = format!("{} has no field {name:?}", told(of));
                    let found = report.find(template.span(&setup.sources, span), message);
                    found.problem.help = help_for(of, name);
                }
                Event::Key { span, map, name, is_guarded: false } => {
                    let Some((message, help)) = empty(setup, template, map, name) else { continue };
                    report
                        .find(template.span(&setup.sources, span), message)
                        .help(help)
                        .severity(Severity::Warning);
                }
                Event::Key { .. } | Event::Argument { .. } | Event::Shown { .. } => {}
            }
        }
    }
}

/// What a value is called.
fn told(of: Type) -> &'static str {
    match of {
        Type::Rule => "the dot of a rule's text",
        Type::Message => "the dot of a message",
        Type::Alerts => "a list of alerts",
        Type::Alert => "an alert",
        Type::Pairs(_) | Type::SortedPairs => "a list of labels or annotations",
        Type::Pair => "a label or annotation",
        Type::Samples => "a list of samples",
        Type::Sample => "a sample",
        Type::Number => "a number",
        Type::Text => "a text",
        Type::Unknown => "this",
    }
}

fn help_for(of: Type, name: &str) -> Option<String> {
    let fields: &[&str] = match of {
        Type::Rule => &["Labels", "Value", "ExternalLabels", "ExternalURL"],
        Type::Message => &[
            "Alerts",
            "Status",
            "GroupLabels",
            "CommonLabels",
            "CommonAnnotations",
            "ExternalURL",
            "Receiver",
        ],
        Type::Alerts => &["Firing", "Resolved"],
        Type::Alert => {
            &["Status", "Labels", "Annotations", "StartsAt", "EndsAt", "GeneratorURL", "Fingerprint"]
        }
        Type::Sample => &["Labels", "Value"],
        Type::Pair => &["Name", "Value"],
        Type::Pairs(_) | Type::SortedPairs | Type::Samples | Type::Number | Type::Text | Type::Unknown => &[],
    };
    if matches!(of, Type::Message | Type::Alerts) && matches!(name, "Labels" | "Annotations") {
        return Some(format!(
            "write {{{{ range .Alerts }}}}{{{{ .{name}... }}}}{{{{ end }}}}, or .Common{name} for what all alerts share"
        ));
    }
    if let Some(near) = suggest(name, fields.iter().copied()) {
        return Some(format!("did you mean .{near}?"));
    }
    (!fields.is_empty()).then(|| format!("it has .{}", fields.join(", .")))
}

/// Why a label or annotation of a message is always, or sometimes, empty.
fn empty(setup: &Setup, template: &Template, map: Pairs, name: &str) -> Option<(String, String)> {
    let TemplateOf::Message(routing) = template.of else { return None };
    let rules: Vec<&Rule> = setup.alerts().collect();
    match map {
        Pairs::Group => {
            let grouped = grouped_by(setup, routing, template)?;
            (!grouped.contains(name) && !grouped.contains("...")).then(|| {
                let message = format!("{name} is not in group_by, so .GroupLabels never has it");
                (message, format!("add {name} to group_by, or write .CommonLabels.{name}"))
            })
        }
        Pairs::Annotations | Pairs::CommonAnnotations => {
            let of = |rule: &&Rule| rule.annotation(name).is_some();
            (!rules.is_empty() && !rules.iter().any(of)).then(|| {
                let message = format!("no alert of this setup has the annotation {name}: this shows nothing");
                let as_label = rules.iter().any(|rule| rule.label(name).is_some());
                let near = suggest(
                    name,
                    rules.iter().flat_map(|rule| &rule.annotations).map(|it| it.name.value.as_str()),
                );
                let help = match (as_label, near) {
                    (true, _) => format!("{name} is a label: make it an annotation, or write .Labels.{name}"),
                    (false, Some(near)) => format!("did you mean {near}?"),
                    (false, None) => format!("add {name} to the annotations, or leave it out"),
                };
                (message, help)
            })
        }
        Pairs::Labels => {
            let lacks = |rule: &&&Rule| rule.label(name).is_none() && !may_bring(rule, name);
            let message = if rules.iter().any(|rule| rule.label(name).is_some()) {
                let first = rules.iter().find(lacks)?;
                format!("{} has no label {name}: this is empty there", first.name.value)
            } else {
                let is_nowhere =
                    !rules.is_empty() && !is_of_targets(name) && rules.iter().all(|it| lacks(&it));
                is_nowhere
                    .then(|| format!("no alert of this setup has the label {name}: this shows nothing"))?
            };
            let as_annotation = rules.iter().any(|rule| rule.annotation(name).is_some());
            let help = match as_annotation {
                true => format!("{name} is an annotation: write .Annotations.{name}"),
                false => format!("ask first: {{{{ with .Labels.{name} }}}}...{{{{ end }}}}"),
            };
            Some((message, help))
        }
        Pairs::Common | Pairs::Series | Pairs::External | Pairs::OfResult => None,
    }
}

/// Whether a rule's results may have a label: they keep it, and nothing tells that the setup itself makes it.
fn may_bring(rule: &Rule, name: &str) -> bool {
    let Some(expr) = rule.query.as_ref().and_then(|query| query.parsed.as_ref()) else { return true };
    let is_asked = selectors(expr).iter().any(|selector| selector.matchers.iter().any(|it| it.name == name));
    let is_for_people =
        ["runbook", "playbook", "summary", "description"].iter().any(|word| name.contains(word));
    is_asked || (labels_left(expr).may_have(name) && !is_for_people)
}

/// Labels that may be added when alerts leave Prometheus.
fn is_of_targets(name: &str) -> bool {
    matches!(
        name,
        "cluster" | "region" | "env" | "environment" | "prometheus" | "replica" | "datacenter" | "dc"
    )
}

/// What the routes that lead to a text's receiver group by; `None` if nothing tells.
fn grouped_by(setup: &Setup, routing: usize, template: &Template) -> Option<BTreeSet<String>> {
    let routing = setup.routings.get(routing)?;
    let place = setup.sources.whole(template.span(&setup.sources, 0..0));
    let holds = |receiver: &&crate::Receiver| {
        let span = setup.sources.whole(receiver.node.span);
        span.file == place.file && span.start <= place.start && place.start < span.end
    };
    let receiver = routing.receivers.iter().find(holds)?;
    let mut found = BTreeSet::new();
    let mut leads = false;
    let mut open = vec![(routing.route.as_ref()?, Vec::new(), None)];
    while let Some((route, inherited, above)) = open.pop() {
        let own = route.group_by.as_ref().map(|all| all.iter().map(|it| it.value.clone()).collect());
        let group_by: Vec<String> = own.unwrap_or(inherited);
        let name = route.receiver.as_ref().map(|it| it.value.as_str()).or(above);
        if name == Some(receiver.name.value.as_str()) {
            leads = true;
            found.extend(group_by.iter().cloned());
        }
        open.extend(route.routes.iter().map(|below| (below, group_by.clone(), name)));
    }
    leads.then_some(found)
}
