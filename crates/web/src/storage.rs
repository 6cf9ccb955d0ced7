//! The store seen from outside: what it is made of, and a copy of it on request. Making one is off unless the process
//! was started with it, as Prometheus' admin API is.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde::Deserialize;
use serde_json::json;

use crate::api_error::ApiError;
use crate::view::Refused;
use crate::{Shared, guard};

/// Entries of each list unless it is asked for more.
const LIMIT_DEFAULT: usize = 10;
const LIMIT_MAX: usize = 10_000;

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/bellwether/v1/storage", get(storage))
        .route("/api/v1/admin/tsdb/snapshot", post(snapshot).put(snapshot))
        .route_layer(middleware::from_fn(guard::same_site_only))
}

#[derive(Deserialize)]
struct StorageAsk {
    limit: Option<usize>,
}

async fn storage(State(app): State<Shared>, Query(ask): Query<StorageAsk>) -> Response {
    let limit = ask.limit.unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX);
    match app.storage(limit).await {
        Ok(seen) => Json(seen).into_response(),
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "error": why }))).into_response(),
    }
}

/// Prometheus' answer, and beside the name where it lies.
async fn snapshot(State(app): State<Shared>) -> Response {
    match app.snapshot().await {
        Ok(made) => {
            let data = json!({ "name": made.name, "path": made.path, "missing": made.missing });
            Json(json!({ "status": "success", "data": data })).into_response()
        }
        Err(Refused::Unavailable(why)) => ApiError::unavailable(why).into_response(),
        Err(Refused::Invalid(why) | Refused::NotFound(why) | Refused::Conflict(why)) => {
            ApiError::internal(why).into_response()
        }
    }
}
