//! The document that describes the API to programs. A test holds it against the routes.

use axum::Router;
use axum::http::header;
use axum::routing::get;

use crate::Shared;

const DOCUMENT: &str = include_str!("openapi.json");

pub(crate) fn routes() -> Router<Shared> {
    let answer = || async { ([(header::CONTENT_TYPE, "application/json")], DOCUMENT) };
    Router::new().route("/api/openapi.json", get(answer))
}
