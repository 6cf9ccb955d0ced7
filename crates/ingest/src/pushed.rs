//! What somebody pushed, in whichever format it came: series with their samples. The formats' readers make these, and
//! one way leads from here into the store.

use bellwether_model::{Exemplar, HistogramSample, Labels, Sample, Timestamp};

use crate::MetricKind;

/// One series of a push.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PushedSeries {
    /// Its name and labels.
    pub labels: Labels,
    /// Numbers, as they came.
    pub samples: Vec<PushedSample>,
    /// Native histograms, as they came.
    pub histograms: Vec<PushedHistogram>,
    /// Events that stand for what was counted.
    pub exemplars: Vec<Exemplar>,
}

/// A number, and since when it counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PushedSample {
    /// The number.
    pub sample: Sample,
    /// Since when it has been counting, if that was said.
    pub since: Option<Timestamp>,
}

/// A native histogram, and since when it counts.
#[derive(Clone, Debug, PartialEq)]
pub struct PushedHistogram {
    /// The histogram.
    pub sample: HistogramSample,
    /// Since when it has been counting, if that was said.
    pub since: Option<Timestamp>,
}

/// What a push says of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedMetadata {
    /// The metric's name.
    pub name: String,
    /// Its kind, if that was said.
    pub kind: Option<MetricKind>,
    /// What it means.
    pub help: String,
    /// What it is measured in.
    pub unit: String,
}
