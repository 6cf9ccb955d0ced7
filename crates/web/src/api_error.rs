//! Errors of the Prometheus API: its types, its status codes, its JSON.

use std::fmt;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bellwether_model::SourceError;
use bellwether_promql::{EvalError, ParseError, Span};
use serde::Serialize;

use crate::elsewhere::ElsewhereError;
use crate::queries::QueryError;

/// What kind of error: the `errorType` of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    BadData,
    Execution,
    Timeout,
    Internal,
    Unavailable,
    NotFound,
}

impl Kind {
    const fn wire(self) -> (&'static str, StatusCode) {
        match self {
            Self::BadData => ("bad_data", StatusCode::BAD_REQUEST),
            Self::Execution => ("execution", StatusCode::UNPROCESSABLE_ENTITY),
            Self::Timeout => ("timeout", StatusCode::SERVICE_UNAVAILABLE),
            Self::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR),
            Self::Unavailable => ("unavailable", StatusCode::SERVICE_UNAVAILABLE),
            Self::NotFound => ("not_found", StatusCode::NOT_FOUND),
        }
    }
}

/// An error on its way to a client of the API.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    kind: Kind,
    message: String,
    /// Where in the query, for clients that underline. Prometheus has no such field, and its clients skip it.
    place: Option<Place>,
}

/// A place in a query, and what to write there instead.
#[derive(Clone, Debug, Serialize)]
struct Place {
    position: Position,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

/// Counted in characters, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) length: usize,
}

impl Position {
    pub(crate) fn of(text: &str, span: &Span) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            length: text.get(span.clone()).map_or(0, |part| part.chars().count()),
        }
    }
}

impl ApiError {
    const fn new(kind: Kind, message: String) -> Self {
        Self { kind, message, place: None }
    }

    pub(crate) fn bad_data(message: impl Into<String>) -> Self {
        Self::new(Kind::BadData, message.into())
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message.into())
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, message.into())
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message.into())
    }

    /// Why a query has no answer.
    pub(crate) fn of_query(error: QueryError, text: &str) -> Self {
        match error {
            QueryError::Syntax(errors) => syntax("query", text, &errors),
            QueryError::NotPerStep(kind) => Self::bad_data(format!(
                "invalid parameter \"query\": invalid expression type {:?} for range query, must be scalar or instant vector",
                kind.as_str()
            )),
            QueryError::Evaluation(EvalError::Source(error)) => error.into(),
            QueryError::Evaluation(error @ EvalError::BadRange(_)) => Self::bad_data(error.to_string()),
            QueryError::Evaluation(error) => Self::of_evaluation(&error, text),
            QueryError::Elsewhere(ElsewhereError::Refused(why)) => Self::new(Kind::Execution, why),
            QueryError::Elsewhere(ElsewhereError::Unavailable(why)) => Self::unavailable(why),
            QueryError::Timeout(after) => {
                let seconds = after.as_secs_f64();
                Self::new(
                    Kind::Timeout,
                    format!("query timed out after {seconds} s; narrow its selectors or its range"),
                )
            }
            QueryError::Broken => Self::internal("the evaluator failed; please report the query"),
        }
    }

    fn of_evaluation(error: &EvalError, text: &str) -> Self {
        let span = match error {
            EvalError::Parameter { span, .. } | EvalError::Unsupported { span, .. } => Some(span),
            EvalError::Source(_)
            | EvalError::TooManySamples { .. }
            | EvalError::TooMuchMemory { .. }
            | EvalError::TimedOut
            | EvalError::TooManySteps { .. }
            | EvalError::BadRange(_)
            | EvalError::Cancelled
            | EvalError::SameLabels { .. }
            | EvalError::Matching(_) => None,
        };
        let place = span.map(|span| Place { position: Position::of(text, span), help: None });
        Self { place, ..Self::new(Kind::Execution, error.to_string()) }
    }

    /// As plain text, for what answers in plain text.
    pub(crate) fn plain(self) -> Response {
        let (_, status) = self.kind.wire();
        (status, self.message + "\n").into_response()
    }
}

/// What is wrong with a parameter that holds a query.
pub(crate) fn syntax(parameter: &str, text: &str, errors: &[ParseError]) -> ApiError {
    let Some(first) = errors.first() else {
        return ApiError::bad_data(format!("invalid parameter {parameter:?}: it cannot be read"));
    };
    let position = Position::of(text, &first.span);
    let Position { line, column, .. } = position;
    let message = format!("invalid parameter {parameter:?}: {line}:{column}: parse error: {}", first.message);
    let place = Place { position, help: first.help.clone() };
    ApiError { place: Some(place), ..ApiError::bad_data(message) }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<SourceError> for ApiError {
    fn from(error: SourceError) -> Self {
        let kind = match error {
            SourceError::Damaged(_) => Kind::Internal,
            SourceError::Unavailable(_) => Kind::Unavailable,
        };
        Self::new(kind, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (error_type, status) = self.kind.wire();
        let body = Body { status: "error", error_type, error: self.message, place: self.place };
        let text = serde_json::to_string(&body).unwrap_or_default();
        (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
    }
}

/// The body of an answer that is an error.
#[derive(Serialize)]
struct Body {
    status: &'static str,
    #[serde(rename = "errorType")]
    error_type: &'static str,
    error: String,
    #[serde(flatten)]
    place: Option<Place>,
}
