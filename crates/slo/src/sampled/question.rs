//! What indicators ask that no counter answers: a question leaves the engine as an effect, its answer comes back as an
//! event. One question covers several slices, so that months of history are a few range queries.

use std::sync::Arc;

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_promql::RangeSeries;

use crate::sampled::query::SampledQuery;

/// The number of a question; never given twice by one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionId(pub u64);

/// Queries to evaluate at every moment from `first` to `last`.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Its number.
    pub id: QuestionId,
    /// What to evaluate; all of it over the same samples.
    pub queries: Vec<Arc<SampledQuery>>,
    /// First moment: the end of a slice.
    pub first: Timestamp,
    /// Last moment, a whole number of steps later.
    pub last: Timestamp,
    /// Length of a slice.
    pub step: TimeDelta,
}

/// What became of a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The question.
    pub id: QuestionId,
    /// The series of every query, in the order of the queries; their points lie on the moments asked for.
    pub result: Result<Vec<Vec<RangeSeries>>, AskError>,
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The same question would be refused again: the query makes no sense over these samples, or needs too much.
    #[error("{0}")]
    Refused(String),
    /// Nobody was there to answer; asked again until somebody is.
    #[error("{0}")]
    Unreachable(String),
}
