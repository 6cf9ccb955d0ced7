//! Answers what objectives ask of PromQL, away from the task that decides: each question has a thread of its own, so
//! that one that is slow or fails delays only itself.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bellwether_promql::{EvalError, EvalOptions, RangeSeries, RangeSpec, Value};
use bellwether_slo::{Answer, AskError, Question};
use tokio::sync::mpsc;

use crate::request::Request;
use crate::source::ask_error as source;
use crate::source::evaluator::{EvaluateError, Evaluator};

/// Evaluates over the store.
#[derive(Clone)]
pub struct SloAsker {
    /// What evaluates.
    pub evaluator: Evaluator,
}

impl SloAsker {
    /// Answers questions in the background and reports each.
    pub fn start(&self, questions: Vec<Question>, reports: &mpsc::Sender<Request>) {
        for question in questions {
            let (asker, reports) = (self.clone(), reports.clone());
            tokio::task::spawn_blocking(move || {
                let answer = Answer { id: question.id, result: asker.evaluate(&question) };
                // Whoever stops needs no answer.
                let _ = reports.blocking_send(Request::Answer(answer));
            });
        }
    }

    fn evaluate(&self, question: &Question) -> Result<Vec<Vec<RangeSeries>>, AskError> {
        let range = RangeSpec { start: question.first, end: question.last, step: question.step };
        let options = EvalOptions::default();
        let evaluate = |query: &bellwether_slo::SampledQuery| {
            let value = self.evaluator.range(&query.text, &query.parsed, range, &options);
            match value.map_err(why)? {
                Value::Matrix(series) => Ok(series),
                Value::Scalar(_) | Value::String(_) | Value::Vector(_) => {
                    Err(AskError::Refused("the query gives no series".to_owned()))
                }
            }
        };
        // A query that brings the evaluator down must not take the question with it.
        let answers = catch_unwind(AssertUnwindSafe(|| {
            question.queries.iter().map(|query| evaluate(query)).collect::<Result<Vec<_>, AskError>>()
        }));
        let died = || Err(AskError::Refused("the evaluation ended without an answer".to_owned()));
        answers.unwrap_or_else(|_| died())
    }
}

/// Whether it helps to ask again: a source that refuses a query will refuse it again.
fn why(error: EvaluateError) -> AskError {
    match error {
        EvaluateError::Here(error) => ask_error(error),
        EvaluateError::There(source::AskError::Refused { .. } | source::AskError::DownSampled(_)) => {
            AskError::Refused(error.to_string())
        }
        EvaluateError::There(_) => AskError::Unreachable(error.to_string()),
    }
}

/// Whether it helps to ask again: a store that could not be read may be readable later, everything else stays as it is.
fn ask_error(error: EvalError) -> AskError {
    match error {
        EvalError::Source(_) | EvalError::TimedOut | EvalError::Cancelled => {
            AskError::Unreachable(error.to_string())
        }
        EvalError::TooManySamples { .. }
        | EvalError::TooMuchMemory { .. }
        | EvalError::TooManySteps { .. }
        | EvalError::BadRange(_)
        | EvalError::SameLabels { .. }
        | EvalError::Matching(_)
        | EvalError::Parameter { .. }
        | EvalError::Unsupported { .. } => AskError::Refused(error.to_string()),
    }
}
