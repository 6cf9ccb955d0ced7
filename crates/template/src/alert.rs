//! Annotations and labels of alerting rules: what `{{ $labels.job }}` and `{{ $value }}` become.

use std::sync::LazyLock;

use bellwether_model::Labels;

use crate::context::Context;
use crate::error::TemplateError;
use crate::functions::prometheus_functions;
use crate::set::{Escape, References, TemplateSet};
use crate::value::{Object, Value};

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
    static WITHOUT_TEMPLATES: LazyLock<TemplateSet> =
        LazyLock::new(|| TemplateSet::new(prometheus_functions()));
    expand_with(&WITHOUT_TEMPLATES, text, data, context)
}

/// Checks one annotation or label without rendering it; every problem is returned.
pub fn check_alert_text(set: &TemplateSet, text: &str) -> Result<References, Vec<TemplateError>> {
    set.check("annotation", text, &ALERT_VARIABLES)
}
