//! Annotations and labels of alerting rules: what `{{ $labels.job }}` and `{{ $value }}` become.

use std::sync::{Arc, LazyLock};

use bellwether_model::Labels;

use crate::context::Context;
use crate::error::TemplateError;
use crate::functions::prometheus_functions;
use crate::set::{Escape, References, TemplateSet};
use crate::value::{Element, Map, Object, Value};

/// Variables every rule template has.
pub const ALERT_VARIABLES: [&str; 4] = ["$labels", "$externalLabels", "$externalURL", "$value"];

/// What a rule's templates are about.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertTemplateData {
    /// `$labels`: labels of the series that fires.
    pub labels: Labels,
    /// `$externalLabels`.
    pub external_labels: Labels,
    /// `$externalURL`.
    pub external_url: String,
    /// `$value`: the expression's value.
    pub value: AlertValue,
}

/// What `$value` is.
#[derive(Clone, Debug, PartialEq)]
pub enum AlertValue {
    /// A number.
    Number(f64),
    /// A native histogram, as text.
    Histogram(String),
}

impl From<f64> for AlertValue {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<&AlertValue> for Value {
    fn from(value: &AlertValue) -> Self {
        match value {
            AlertValue::Number(value) => Self::Float(*value),
            AlertValue::Histogram(text) => Self::from(text.as_str()),
        }
    }
}

#[derive(Debug)]
struct Data(AlertTemplateData);

impl Object for Data {
    fn type_name(&self) -> &str {
        "alert data"
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Labels", Value::from(&self.0.labels)),
            ("ExternalLabels", Value::from(&self.0.external_labels)),
            ("ExternalURL", Value::from(self.0.external_url.as_str())),
            ("Value", Value::from(&self.0.value)),
        ]
    }
}

/// Expands one annotation or label. `set` holds the templates it may call with `tmpl` or `template`; it is built
/// once with [`prometheus_functions`].
pub fn expand_with(
    set: &TemplateSet,
    text: &str,
    data: &AlertTemplateData,
    context: &dyn Context,
) -> Result<String, TemplateError> {
    if !text.contains("{{") {
        return Ok(text.to_owned());
    }
    let variables = [
        ("$labels", Value::from(&data.labels)),
        ("$externalLabels", Value::from(&data.external_labels)),
        ("$externalURL", Value::from(data.external_url.as_str())),
        ("$value", Value::from(&data.value)),
    ];
    let dot = Value::object(Data(data.clone()));
    set.render_inline("annotation", Escape::None, text, (&dot, &variables), context)
}

/// Expands one annotation or label that calls no templates of its own.
pub fn expand(text: &str, data: &AlertTemplateData, context: &dyn Context) -> Result<String, TemplateError> {
    if !text.contains("{{") {
        return Ok(text.to_owned());
    }
    expand_with(without_templates(), text, data, context)
}

/// The functions Prometheus gives to rules, and no named templates.
fn without_templates() -> &'static TemplateSet {
    static WITHOUT_TEMPLATES: LazyLock<TemplateSet> =
        LazyLock::new(|| TemplateSet::new(prometheus_functions()));
    &WITHOUT_TEMPLATES
}

/// Checks one annotation or label without rendering it; every problem is returned.
pub fn check_alert_text(set: &TemplateSet, text: &str) -> Result<References, Vec<TemplateError>> {
    set.check("annotation", text, &ALERT_VARIABLES)
}

/// Expands a text whose variables are the caller's own, such as `$budget_left`, and that calls no templates.
/// The dot is a map of the same values, without the dollar.
pub fn expand_variables(
    text: &str,
    variables: &[(&str, Value)],
    context: &dyn Context,
) -> Result<String, TemplateError> {
    if !text.contains("{{") {
        return Ok(text.to_owned());
    }
    let entries =
        variables.iter().map(|(name, value)| (name.trim_start_matches('$').to_owned(), value.clone()));
    let dot = Value::Map(Arc::new(Map { entries: entries.collect(), element: Element::Any }));
    without_templates().render_inline("annotation", Escape::None, text, (&dot, variables), context)
}

/// Checks such a text without rendering it; every problem is returned.
pub fn check_variables(text: &str, variables: &[&str]) -> Result<References, Vec<TemplateError>> {
    without_templates().check("annotation", text, variables)
}
