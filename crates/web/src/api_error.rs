//! Errors of the Prometheus API: its types, its status codes, its JSON.

use std::fmt;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bellwether_model::SourceError;
use bellwether_promql::EvalError;
use serde_json::json;

use crate::query::QueryError;

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
}

impl ApiError {
    pub(crate) fn bad_data(message: impl Into<String>) -> Self {
        Self { kind: Kind::BadData, message: message.into() }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self { kind: Kind::NotFound, message: message.into() }
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self { kind: Kind::Unavailable, message: message.into() }
    }
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
        Self { kind, message: error.to_string() }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Syntax(errors) => Self::bad_data(syntax_message(&errors)),
            QueryError::Evaluation(EvalError::Source(error)) => error.into(),
            QueryError::Evaluation(error @ (EvalError::BadRange(_) | EvalError::TooManySteps { .. })) => {
                Self::bad_data(error.to_string())
            }
            QueryError::Evaluation(error) => Self { kind: Kind::Execution, message: error.to_string() },
            QueryError::Timeout(after) => {
                let message = format!(
                    "query timed out after {} s; narrow its selectors or its range",
                    after.as_secs_f64()
                );
                Self { kind: Kind::Timeout, message }
            }
            QueryError::Broken => Self {
                kind: Kind::Internal,
                message: "the evaluator failed; please report the query".to_owned(),
            },
        }
    }
}

fn syntax_message(errors: &[bellwether_promql::ParseError]) -> String {
    let at = errors.first().map(|e| format!("1:{}: ", e.span.start + 1)).unwrap_or_default();
    format!("invalid parameter \"query\": {at}parse error: {}", first_message(errors))
}

pub(crate) fn first_message(errors: &[bellwether_promql::ParseError]) -> String {
    errors.first().map_or_else(|| "it cannot be read".to_owned(), |e| e.message.clone())
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (error_type, status) = self.kind.wire();
        let body = json!({ "status": "error", "errorType": error_type, "error": self.message });
        (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
    }
}
