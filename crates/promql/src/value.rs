//! What a query gives.

use std::sync::Arc;

use bellwether_model::{Histogram, HistogramSample, Labels, Sample, Timestamp};

use crate::syntax::Span;

/// The result of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number at a moment.
    Scalar(Sample),
    /// A text.
    String(String),
    /// One value per series; in the order of the query where it sorts.
    Vector(Vec<InstantSeries>),
    /// Samples over time per series, sorted by labels.
    Matrix(Vec<RangeSeries>),
}

/// What a series has at one moment.
#[derive(Clone, Debug, PartialEq)]
pub enum SampleValue {
    /// A number.
    Float(f64),
    /// A native histogram.
    Histogram(Arc<Histogram>),
}

impl SampleValue {
    /// The number, if it is one.
    pub const fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            Self::Histogram(_) => None,
        }
    }

    /// The histogram, if it is one.
    pub const fn as_histogram(&self) -> Option<&Arc<Histogram>> {
        match self {
            Self::Float(_) => None,
            Self::Histogram(histogram) => Some(histogram),
        }
    }
}

impl From<f64> for SampleValue {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<Arc<Histogram>> for SampleValue {
    fn from(histogram: Arc<Histogram>) -> Self {
        Self::Histogram(histogram)
    }
}

impl From<Histogram> for SampleValue {
    fn from(histogram: Histogram) -> Self {
        Self::Histogram(Arc::new(histogram))
    }
}

/// A series with one value.
#[derive(Clone, Debug, PartialEq)]
pub struct InstantSeries {
    /// Its labels.
    pub labels: Labels,
    /// The moment that was asked for.
    pub at: Timestamp,
    /// Its value at that moment.
    pub value: SampleValue,
}

/// A series over time. Numbers and histograms lie apart, so that numbers stay compact; no moment has both.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeSeries {
    /// Its labels.
    pub labels: Labels,
    /// Its numbers in time order.
    pub points: Vec<Sample>,
    /// Its native histograms in time order.
    pub histograms: Vec<HistogramSample>,
}

/// Something the reader of a result should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// What it is about, in the query's text.
    pub span: Span,
    /// What it says, without a prefix.
    pub message: String,
}

impl Annotation {
    /// As Prometheus writes it behind its prefix: the message and line and column in the query.
    pub fn with_position(&self, query: &str) -> String {
        let before = query.get(..self.span.start).unwrap_or(query);
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |n| n + 1) + 1;
        format!("{} ({line}:{column})", self.message)
    }
}

/// A result and what the reader should know about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// The result.
    pub value: Value,
    /// What is probably wrong with the query or the data; sorted, each once.
    pub warnings: Vec<Annotation>,
    /// What may be surprising; sorted, each once.
    pub infos: Vec<Annotation>,
    /// Samples held at one time, at most.
    pub samples_peak: u64,
}
