//! Annotations of objectives and their alerts as templates: they see the alert's labels and the numbers that were
//! computed for it, and nothing they would have to be computed from. What a template asks for that is not there is
//! found when the file is read.

use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{Cx, Diagnostic};
use bellwether_model::{Labels, Timestamp};
use bellwether_template::{ClockOnly, Value, check_variables, expand_variables};

use crate::alert::facts::AlertFacts;
use crate::decode::parts::labels_of;

/// What a template may name.
const VARIABLES: [&str; 7] = [
    "$labels",
    "$value",
    "$burn_rate_long",
    "$burn_rate_short",
    "$budget_left",
    "$budget_ends_at",
    "$budget_ends_in",
];

/// Annotations whose templates can be rendered.
pub(crate) fn annotations(node: Option<&Node>, cx: &mut Cx<'_>) -> Option<Labels> {
    let annotations = labels_of(node, cx)?;
    let entries = node.and_then(Node::as_mapping).unwrap_or(&[]);
    let problems: Vec<Diagnostic> = entries.iter().flat_map(|(_, value)| problems(value, cx)).collect();
    let is_clear = problems.is_empty();
    problems.into_iter().for_each(|problem| cx.push(problem));
    is_clear.then_some(annotations)
}

fn problems(node: &Node, cx: &Cx<'_>) -> Vec<Diagnostic> {
    let text = node.as_text().unwrap_or_default();
    let error = |part, message: String| {
        Diagnostic::error("template", yaml::span_within(cx.sources, node, part), message)
    };
    match check_variables(text, &VARIABLES) {
        Err(problems) => problems
            .into_iter()
            .map(|problem| {
                let help = problem.help.unwrap_or_else(|| format!("there are {}", VARIABLES.join(", ")));
                error(problem.span, problem.message).with_help(help)
            })
            .collect(),
        Ok(references) => {
            let asks = references.functions.into_iter().filter(|(name, _)| name == "query");
            let help = "write what the alert's own numbers say, or an alerting rule";
            asks.map(|(_, part)| {
                error(part, "an objective's annotation cannot ask a query".to_owned()).with_help(help)
            })
            .collect()
        }
    }
}

/// An annotation's text for one alert. What fails is named in the text itself: people should see an alert with a
/// broken sentence rather than none.
pub(crate) fn render(text: &str, labels: &Labels, facts: &AlertFacts, now: Timestamp) -> String {
    if !text.contains("{{") {
        return text.to_owned();
    }
    let known = |text: &Option<String>| Value::from(text.clone().unwrap_or_default());
    let values = [
        Value::from(labels),
        facts.value.map_or(Value::Missing, Value::from),
        known(&facts.burn_rate_long),
        known(&facts.burn_rate_short),
        known(&facts.budget_left),
        known(&facts.budget_ends_at),
        known(&facts.budget_ends_in),
    ];
    let variables: Vec<(&str, Value)> = VARIABLES.into_iter().zip(values).collect();
    expand_variables(text, &variables, &ClockOnly { now })
        .unwrap_or_else(|error| format!("<error expanding template: {error}>"))
}
