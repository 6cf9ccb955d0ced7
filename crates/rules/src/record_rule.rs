//! From the results of a recording rule's query to the samples that are stored under its name.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{HistogramSample, Labels, LabelsBuilder, METRIC_NAME, Sample, Timestamp};
use bellwether_promql::{SampleValue, Value};

use crate::Written;

/// What a rule's query found: at most one value per label set. A scalar is one result without labels.
pub(crate) fn results(value: Value) -> Result<Vec<(Labels, SampleValue)>, String> {
    match value {
        Value::Scalar(sample) => Ok(vec![(Labels::empty(), SampleValue::Float(sample.value))]),
        Value::Vector(series) => Ok(series.into_iter().map(|one| (one.labels, one.value)).collect()),
        Value::String(_) => Err("the query gives a string; a rule needs a vector or a scalar".to_owned()),
        Value::Matrix(_) => {
            Err("the query gives a range vector; a rule needs a vector or a scalar".to_owned())
        }
    }
}

/// The samples to store. Fails when two results would be one series, or when there are more than `limit`.
pub(crate) fn samples(
    name: &str,
    labels: &BTreeMap<String, String>,
    results: Vec<(Labels, SampleValue)>,
    at: Timestamp,
    limit: Option<usize>,
) -> Result<Written, String> {
    if let Some(limit) = limit.filter(|limit| results.len() > *limit) {
        return Err(format!("{} series are more than the group's limit of {limit}", results.len()));
    }
    let renamed = |found: &Labels| {
        let mut builder = LabelsBuilder::from(found);
        builder.set(METRIC_NAME, name);
        for (name, value) in labels {
            builder.set(name, value);
        }
        builder.build()
    };
    let (mut written, mut distinct) = (Written::default(), BTreeSet::new());
    for (found, value) in results {
        let labels = renamed(&found);
        if !distinct.insert(labels.clone()) {
            return Err("two results become the same series after the rule's labels are applied".to_owned());
        }
        match value {
            SampleValue::Float(value) => written.samples.push((labels, Sample::new(at, value))),
            SampleValue::Histogram(histogram) => {
                written.histograms.push((labels, HistogramSample::new(at, histogram)));
            }
        }
    }
    Ok(written)
}
