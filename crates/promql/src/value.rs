//! What a query gives.

use bellwether_model::{Labels, Sample};

use crate::syntax::Span;

/// The result of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number at a moment.
    Scalar(Sample),
    /// A text.
    String(String),
    /// At most one sample per series; in the order of the query where it sorts.
    Vector(Vec<InstantSeries>),
    /// Samples over time per series, sorted by labels.
    Matrix(Vec<RangeSeries>),
}

/// A series with one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct InstantSeries {
    /// Its labels.
    pub labels: Labels,
    /// Its sample.
    pub sample: Sample,
}

/// A series with samples over time.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeSeries {
    /// Its labels.
    pub labels: Labels,
    /// Its samples in time order.
    pub points: Vec<Sample>,
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
}
