//! Labels and annotations of alerts as templates: for now texts with `{{ $value }}` and `{{ $labels.name }}`; anything else
//! is named as failed in the text until the template engine is there.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Labels, Timestamp};

use crate::EngineOptions;

/// Answers to the queries that templates ask, by query text.
pub(crate) type Answers = BTreeMap<String, Result<Vec<(Labels, f64)>, String>>;

/// What a template is expanded with.
#[expect(dead_code, reason = "the template engine reads the rest")]
pub(crate) struct TemplateData<'a> {
    pub(crate) at: Timestamp,
    pub(crate) labels: &'a Labels,
    pub(crate) value: f64,
    pub(crate) options: &'a EngineOptions,
    pub(crate) answers: &'a Answers,
}

/// What came up while expanding.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expanded {
    /// Queries without an answer yet.
    pub(crate) wanted: BTreeSet<String>,
    /// The first failure.
    pub(crate) error: Option<String>,
}

/// A problem in a template's text.
pub(crate) struct Problem {
    pub(crate) span: std::ops::Range<usize>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// A template's text for one alert. What fails is named in the text itself, as Prometheus does: people should see
/// an alert with a broken sentence rather than none.
pub(crate) fn expand(text: &str, data: &TemplateData<'_>, notes: &mut Expanded) -> String {
    if !text.contains("{{") {
        return text.to_owned();
    }
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, action)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((action, after)) = action.split_once("}}") else { return failed("unclosed action", notes) };
        match variable(action.trim(), data) {
            Some(value) => out.push_str(&value),
            None => return failed(&format!("cannot expand {action:?}"), notes),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn variable(action: &str, data: &TemplateData<'_>) -> Option<String> {
    match action.strip_prefix("$labels.").or(action.strip_prefix("$.labels.")) {
        Some(name) => Some(data.labels.value_or_empty(name).to_owned()),
        None if action == "$value" => Some(data.value.to_string()),
        None => None,
    }
}

fn failed(reason: &str, notes: &mut Expanded) -> String {
    notes.error.get_or_insert_with(|| reason.to_owned());
    format!("<error expanding template: {reason}>")
}

/// What is wrong with a template's text.
pub(crate) fn check(_text: &str) -> Vec<Problem> {
    Vec::new()
}
