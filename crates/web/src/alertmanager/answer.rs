//! Answers in the two shapes of Alertmanager's API v2: what its own checks refuse is a bare JSON string, what the
//! frame around it refuses (a missing field, a wrong type, an unknown path) has a code and a message.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use crate::body::BodyError;
use crate::forms;
use crate::view::Refused;

/// The code of a field whose text is not of the kind it should be; such codes say more than a status.
pub(super) const WRONG_FORMAT: u16 = 601;
/// The code of a field that must be there and is not.
pub(super) const MISSING: u16 = 602;

/// The code of a list that needs more items.
pub(super) const TOO_FEW: u16 = 612;

/// Why a request is refused, in either shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A bare string.
    Bare(StatusCode, String),
    /// A code and a message; the status follows from the code.
    Coded(u16, String),
}

impl Refusal {
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::Bare(StatusCode::BAD_REQUEST, message.into())
    }

    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Bare(_, message) | Self::Coded(_, message) => message,
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Bare(status, _) => *status,
            // Codes from 600 on are the frame's own: what it can read and does not accept.
            Self::Coded(600.., _) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Coded(code, _) => StatusCode::from_u16(*code).unwrap_or(StatusCode::BAD_REQUEST),
        }
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        Self::Coded(error.status().as_u16(), error.message())
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self::Bare(forms::status_of(&refused), refused.message().to_owned())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        match self {
            Self::Bare(_, message) => json_answer(status, &message),
            Self::Coded(code, message) => json_answer(status, &json!({ "code": code, "message": message })),
        }
    }
}

/// A value as an answer. Nobody keeps it: the next question may have another one.
pub(super) fn json_answer<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    match serde_json::to_vec(value) {
        Ok(body) => (status, headers, body).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Only JSON is taken. This is also what keeps other sites' forms out: a browser asks before it sends JSON elsewhere.
pub(super) fn demand_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let given = if kind.is_empty() { "application/octet-stream" } else { kind };
    let message = format!("content-type {given:?} is not taken; send application/json");
    Err(Refusal::Coded(StatusCode::UNSUPPORTED_MEDIA_TYPE.as_u16(), message))
}
