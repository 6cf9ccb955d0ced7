//! History that an import hands to a running server: frames of chunks, as remote read sends them, in requests that are
//! stored before they are answered. Off unless the process was started with the admin API: what is taken here may be as
//! old as retention allows, and no limit on late samples applies.

use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde::Deserialize;
use serde_json::json;

use crate::forms::status_of;
use crate::view::Refused;
use crate::{Shared, body, guard};

/// Bytes of one request.
const BYTES_MAX: usize = 64 << 20;

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/bellwether/v1/import", get(begun).post(take))
        .route_layer(middleware::from_fn(guard::same_site_only))
}

#[derive(Deserialize)]
struct Ask {
    /// What is imported, as the journal of imports knows it.
    source: String,
    /// The part of it that is done with this request.
    part: Option<String>,
}

async fn begun(State(app): State<Shared>, Query(ask): Query<Ask>) -> Response {
    answer(app.import_begun(ask.source).await)
}

async fn take(State(app): State<Shared>, Query(ask): Query<Ask>, request: Request) -> Response {
    if !app.takes_imports() {
        return begun(State(app), Query(ask)).await; // which says why, before anything large is read
    }
    match body::read_at_most(request.into_body(), BYTES_MAX).await {
        Ok(body) => answer(app.import(ask.source, ask.part, body.bytes.clone()).await),
        Err(error) => (error.status(), Json(json!({ "error": error.message() }))).into_response(),
    }
}

fn answer(answer: Result<impl serde::Serialize, Refused>) -> Response {
    match answer {
        Ok(answer) => Json(answer).into_response(),
        Err(refused) => (status_of(&refused), Json(json!({ "error": refused.message() }))).into_response(),
    }
}
