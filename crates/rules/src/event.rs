//! What the engine is told and what it says: queries leave as effects, and their answers come back as events.

use std::sync::Arc;

use bellwether_model::{Alert, HistogramSample, Labels, Sample, TimeDelta, Timestamp};
use bellwether_promql::{Expr, Value};

/// Number of a query; never used twice by one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueryId(pub u64);

/// A query, parsed once when its rule was loaded.
#[derive(Clone, Debug)]
pub struct RuleQuery {
    /// As it was written.
    pub text: String,
    /// What it means.
    pub parsed: Expr,
}

impl PartialEq for RuleQuery {
    /// The same text means the same.
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// The answer to a query, or why there is none.
pub type QueryResult = Result<Value, String>;

/// A query's answer and how long it took.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryAnswer {
    /// The answer.
    pub result: QueryResult,
    /// How long it took, measured by whoever asked.
    pub duration: TimeDelta,
}

/// What the engine is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// It is time to look whether something is due.
    Wake,
    /// A query is answered. Every query must be, with an error if need be; until then its group stands still.
    QueryDone {
        /// Which one.
        id: QueryId,
        /// The answer.
        answer: QueryAnswer,
    },
}

/// What rules write.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    /// Numbers, and the stale markers of series that vanished.
    pub samples: Vec<(Labels, Sample)>,
    /// Native histograms.
    pub histograms: Vec<(Labels, HistogramSample)>,
}

impl Written {
    /// Numbers only.
    pub const fn samples(samples: Vec<(Labels, Sample)>) -> Self {
        Self { samples, histograms: Vec::new() }
    }

    /// Whether there is nothing.
    pub const fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.histograms.is_empty()
    }

    /// The series that are written to.
    pub fn series(&self) -> impl Iterator<Item = &Labels> {
        let histograms = self.histograms.iter().map(|(labels, _)| labels);
        self.samples.iter().map(|(labels, _)| labels).chain(histograms)
    }

    /// Adds what else is written.
    pub fn append(&mut self, other: Self) {
        self.samples.extend(other.samples);
        self.histograms.extend(other.histograms);
    }
}

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Evaluate a query at a moment and report with [`Event::QueryDone`].
    Query {
        /// Its number.
        id: QueryId,
        /// What to evaluate.
        expr: Arc<RuleQuery>,
        /// The moment.
        at: Timestamp,
    },
    /// Store samples: recorded results, `ALERTS`, `ALERTS_FOR_STATE`, and stale markers of series that vanished.
    Append(Written),
    /// Hand on alerts that fire or are over.
    Alerts(Vec<Alert>),
}
