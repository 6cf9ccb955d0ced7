//! Labels and annotations of alerts as templates.
//!
//! A template may ask queries of its own. Since nothing here can wait for an answer, expanding it collects the
//! queries that have none yet; when they are answered it is expanded again, until nothing is wanted any more.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use bellwether_model::{Labels, Timestamp};
use bellwether_promql::SampleValue;
use bellwether_template::{
    AlertTemplateData, AlertValue, Context, QuerySample, TemplateError, TemplateSet, check_alert_text,
    expand_with, prometheus_functions,
};

use crate::{EngineOptions, TemplateOf, TemplatePlace, template_place};

/// Answers to the queries that templates ask, by query text.
pub(crate) type Answers = BTreeMap<String, Result<Vec<(Labels, SampleValue)>, String>>;

/// The functions Prometheus gives to rules; there are no named templates.
static FUNCTIONS: LazyLock<TemplateSet> = LazyLock::new(|| TemplateSet::new(prometheus_functions()));

/// Expands the templates of one rule at one moment.
pub(crate) struct Expander<'a> {
    at: Timestamp,
    options: &'a EngineOptions,
    answers: &'a Answers,
    places: &'a BTreeMap<TemplateOf, TemplatePlace>,
    wanted: RefCell<BTreeSet<String>>,
    error: RefCell<Option<String>>,
}

/// What came up while expanding.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expanded {
    /// Queries without an answer yet.
    pub(crate) wanted: BTreeSet<String>,
    /// The first failure.
    pub(crate) error: Option<String>,
}

impl<'a> Expander<'a> {
    pub(crate) fn new(
        at: Timestamp,
        options: &'a EngineOptions,
        answers: &'a Answers,
        places: &'a BTreeMap<TemplateOf, TemplatePlace>,
    ) -> Self {
        Self { at, options, answers, places, wanted: RefCell::default(), error: RefCell::default() }
    }

    /// What templates see of one result.
    pub(crate) fn data(&self, labels: &Labels, value: &SampleValue) -> AlertTemplateData {
        AlertTemplateData {
            labels: labels.clone(),
            external_labels: self.options.external_labels.clone(),
            external_url: self.options.external_url.clone(),
            value: match value {
                SampleValue::Float(value) => AlertValue::Number(*value),
                SampleValue::Histogram(histogram) => AlertValue::Histogram(histogram.to_string()),
            },
        }
    }

    /// A template's text for one alert. What fails is named in the text itself, as Prometheus does: people should
    /// see an alert with a broken sentence rather than none.
    pub(crate) fn expand(&self, of: TemplateOf, text: &str, data: &AlertTemplateData) -> String {
        expand_with(&FUNCTIONS, text, data, self).unwrap_or_else(|error| {
            let error = template_place::sentence(&of, &error, self.places);
            let failed = format!("<error expanding template: {error}>");
            self.error.borrow_mut().get_or_insert(error);
            failed
        })
    }

    pub(crate) fn finish(self) -> Expanded {
        Expanded { wanted: self.wanted.into_inner(), error: self.error.into_inner() }
    }
}

impl Context for Expander<'_> {
    fn now(&self) -> Timestamp {
        self.at
    }

    fn query(&self, expr: &str) -> Result<Vec<QuerySample>, String> {
        let Some(answer) = self.answers.get(expr) else {
            // Nothing is made of this round's text, so an empty result lets it go on to the next query.
            self.wanted.borrow_mut().insert(expr.to_owned());
            return Ok(Vec::new());
        };
        let samples = answer.clone()?;
        let sample = |(labels, value): (Labels, SampleValue)| QuerySample { labels, value: number(&value) };
        Ok(samples.into_iter().map(sample).collect())
    }

    fn external_url(&self) -> &str {
        &self.options.external_url
    }
}

/// The number that stands for a value where only numbers can. As in Prometheus that of a native histogram is 0.
pub(crate) fn number(value: &SampleValue) -> f64 {
    value.as_float().unwrap_or_default()
}

/// What is wrong with a template's text, as far as that can be told without expanding it.
pub(crate) fn check(text: &str) -> Vec<TemplateError> {
    check_alert_text(&FUNCTIONS, text).err().unwrap_or_default()
}
