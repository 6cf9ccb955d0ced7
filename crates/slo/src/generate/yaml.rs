//! Rules as YAML that every reader understands alike: every text in quotes or as a block.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Rule, RuleDocument, RuleGroup, RuleKind, RuleResource};
use crate::yaml_text::{is_word_of_yaml, quoted};

pub(super) fn write(documents: &[RuleDocument], note: &str) -> String {
    let mut out: String = note.lines().map(|line| format!("# {line}\n")).collect();
    let plain: Vec<&RuleGroup> =
        documents.iter().filter(|d| d.resource.is_none()).flat_map(|d| &d.groups).collect();
    let resources = documents.iter().filter_map(|d| Some((d.resource.as_ref()?, &d.groups)));
    let mut is_first = true;
    if !plain.is_empty() {
        groups(&mut out, &plain, "");
        is_first = false;
    }
    for (resource, own) in resources {
        if !is_first {
            out.push_str("---\n");
        }
        is_first = false;
        header(&mut out, resource);
        groups(&mut out, &own.iter().collect::<Vec<_>>(), "  ");
    }
    if is_first {
        out.push_str("groups: []\n");
    }
    out
}

fn header(out: &mut String, resource: &RuleResource) {
    out.push_str("apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n");
    line(out, "  ", "name", &resource.name);
    if !resource.namespace.is_empty() {
        line(out, "  ", "namespace", &resource.namespace);
    }
    texts(out, "  ", "labels", &resource.labels);
    texts(out, "  ", "annotations", &resource.annotations);
    out.push_str("spec:\n");
}

fn groups(out: &mut String, groups: &[&RuleGroup], indent: &str) {
    let _ = writeln!(out, "{indent}groups:");
    for group in groups {
        line(out, &format!("{indent}- "), "name", &group.name);
        if let Some(interval) = group.interval {
            let _ = writeln!(out, "{indent}  interval: {interval}");
        }
        let _ = writeln!(out, "{indent}  rules:");
        group.rules.iter().for_each(|one| rule(out, one, &format!("{indent}  ")));
    }
}

fn rule(out: &mut String, rule: &Rule, indent: &str) {
    let first = format!("{indent}- ");
    match &rule.kind {
        RuleKind::Record(name) => line(out, &first, "record", name),
        RuleKind::Alert(name) => line(out, &first, "alert", name),
    }
    let indent = format!("{indent}  ");
    // A block keeps no blanks at the ends of lines, and begins with none.
    let is_block = rule.expr.contains('\n')
        && !rule.expr.starts_with([' ', '\n'])
        && rule.expr.lines().all(|line| line.trim_end() == line && !line.contains('\t'));
    match is_block {
        true => {
            let _ = writeln!(out, "{indent}expr: |-");
            for text in rule.expr.trim_end().lines() {
                let _ = match text.is_empty() {
                    true => writeln!(out),
                    false => writeln!(out, "{indent}  {text}"),
                };
            }
        }
        false => line(out, &indent, "expr", &rule.expr),
    }
    texts(out, &indent, "labels", &rule.labels);
    texts(out, &indent, "annotations", &rule.annotations);
}

fn texts(out: &mut String, indent: &str, name: &str, texts: &BTreeMap<String, String>) {
    if texts.is_empty() {
        return;
    }
    let _ = writeln!(out, "{indent}{name}:");
    texts.iter().for_each(|(key, value)| line(out, &format!("{indent}  "), key, value));
}

fn line(out: &mut String, indent: &str, key: &str, value: &str) {
    let is_plain = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-'));
    let key = if is_plain && !is_word_of_yaml(key) { key.to_owned() } else { quoted(key) };
    let _ = writeln!(out, "{indent}{key}: {}", quoted(value));
}
