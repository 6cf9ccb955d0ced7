//! From the results of a recording rule's query to the samples that are stored under its name.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Labels, LabelsBuilder, METRIC_NAME, Sample, Timestamp};
use bellwether_promql::{InstantSeries, SampleValue, Value};

/// What a rule's query found: at most one value per label set. A scalar is one result without labels.
pub(crate) fn results(value: Value) -> Result<Vec<(Labels, f64)>, String> {
    match value {
        Value::Scalar(sample) => Ok(vec![(Labels::empty(), sample.value)]),
        Value::Vector(series) => series.into_iter().map(number).collect(),
        Value::String(_) => Err("the query gives a string; a rule needs a vector or a scalar".to_owned()),
        Value::Matrix(_) => {
            Err("the query gives a range vector; a rule needs a vector or a scalar".to_owned())
        }
    }
}

fn number(series: InstantSeries) -> Result<(Labels, f64), String> {
    match series.value {
        SampleValue::Float(value) => Ok((series.labels, value)),
        SampleValue::Histogram(_) => Err(format!(
            "the query gives a native histogram for {}; rules take numbers: ask for one with histogram_quantile(), \
             histogram_count() or another of its kind",
            series.labels
        )),
    }
}

/// The samples to store. Fails when two results would be one series, or when there are more than `limit`.
pub(crate) fn samples(
    name: &str,
    labels: &BTreeMap<String, String>,
    results: Vec<(Labels, f64)>,
    at: Timestamp,
    limit: Option<usize>,
) -> Result<Vec<(Labels, Sample)>, String> {
    if let Some(limit) = limit.filter(|limit| results.len() > *limit) {
        return Err(format!("{} series are more than the group's limit of {limit}", results.len()));
    }
    let rename = |(found, value): (Labels, f64)| {
        let mut builder = LabelsBuilder::from(&found);
        builder.set(METRIC_NAME, name);
        for (name, value) in labels {
            builder.set(name, value);
        }
        (builder.build(), Sample::new(at, value))
    };
    let samples: Vec<(Labels, Sample)> = results.into_iter().map(rename).collect();
    let distinct: BTreeSet<&Labels> = samples.iter().map(|(labels, _)| labels).collect();
    if distinct.len() < samples.len() {
        return Err("two results become the same series after the rule's labels are applied".to_owned());
    }
    Ok(samples)
}
