//! What Go's reader of YAML accepts and others do not.

use bellwether_diag::{Severity, Span};

use super::scalars::{Entry, entries};
use crate::{Area, Check, Form, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "not-yaml-1.2",
    area: Area::Yaml,
    severity: Severity::Warning,
    title: "YAML that other readers refuse or read as something else",
    why: "Prometheus and Alertmanager read YAML as libyaml does, which accepts more than the standard: lines of a quoted \
          text that are not indented below their field, and words such as `yes` and `off` as truth values. Editors, \
          formatters, Helm and other checkers read YAML 1.2: they refuse the first, and the second is a text.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    for: 5m\n    annotations:\n      summary: \
         \"the target\nis down\"\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    for: 5m\n    annotations:\n      summary: \
         \"the target\n        is down\"\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    let ours = [
        Form::Alertmanager,
        Form::Rules,
        Form::Prometheus,
        Form::Bellwether,
        Form::Objectives,
        Form::Described,
    ];
    for tree in setup.trees.iter().filter(|tree| ours.contains(&tree.form)) {
        for entry in entries(&tree.node) {
            if let Some(span) = too_far_left(setup, &entry) {
                report
                    .find(span, "a line of a quoted text must be indented further than its field")
                    .help("indent it, or write the text after `|`");
            }
            if let Some(meant) = word_for_truth(&entry) {
                report
                    .find(
                        entry.node.span,
                        format!("{} is {meant} only in YAML 1.1; in 1.2 it is a text", entry.scalar.text),
                    )
                    .help(format!("write {meant}, or put it in quotes if the text is meant"))
                    .severity(Severity::Note);
            }
        }
    }
}

/// The first line of a quoted text that stands no further right than the field it belongs to.
fn too_far_left(setup: &Setup, entry: &Entry<'_>) -> Option<Span> {
    let raw = setup.sources.slice(entry.node.span);
    if !raw.starts_with(['"', '\'']) || !raw.contains('\n') || entry.key.span.file != entry.node.span.file {
        return None;
    }
    let text = setup.sources.text(entry.key.span.file);
    let start = entry.key.span.start as usize;
    // A value through an alias stands elsewhere.
    if entry.node.span.start < entry.key.span.start {
        return None;
    }
    let column = text.get(..start)?.rsplit('\n').next()?.chars().count();
    let mut at = entry.node.span.start as usize;
    for (index, line) in raw.split_inclusive('\n').enumerate() {
        let content = line.trim_start();
        let indent = line.len() - content.len();
        // Inside braces or brackets of JSON the indentation is that of the whole.
        if index > 0 && !content.trim().is_empty() && indent <= column && !is_in_flow(text, start) {
            return Some(Span::new(entry.node.span.file, at + indent..at + line.trim_end().len()));
        }
        at += line.len();
    }
    None
}

/// Whether a field stands behind a brace on its line.
fn is_in_flow(text: &str, start: usize) -> bool {
    let line = text[..start].rsplit('\n').next().unwrap_or_default();
    line.contains('{') || line.contains('[')
}

/// What a word means as a truth value of YAML 1.1, where a truth value is wanted.
fn word_for_truth(entry: &Entry<'_>) -> Option<&'static str> {
    const TRUTH: [&str; 12] = [
        "send_resolved",
        "continue",
        "require_tls",
        "insecure_skip_verify",
        "follow_redirects",
        "enable_http2",
        "short",
        "html",
        "honor_labels",
        "honor_timestamps",
        "enable_compression",
        "short_fields",
    ];
    if entry.scalar.quoted || !entry.key.as_text().is_some_and(|key| TRUTH.contains(&key)) {
        return None;
    }
    match entry.scalar.text.to_ascii_lowercase().as_str() {
        "yes" | "on" | "y" => Some("true"),
        "no" | "off" | "n" => Some("false"),
        _ => None,
    }
}
