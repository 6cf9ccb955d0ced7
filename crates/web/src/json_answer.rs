//! A value as the JSON body of an answer.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::api_error::ApiError;

/// A value that cannot be written is a fault of ours, and said so.
pub(crate) fn json_of<T: Serialize + ?Sized>(value: &T) -> Response {
    match serde_json::to_string(value) {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => ApiError::unavailable(error.to_string()).into_response(),
    }
}
