//! What is served at an address where an Alertmanager is expected, by default port 9093: its API in both versions, its
//! process endpoints, and the way to our own pages. On the main address `/api/v1/alerts` is Prometheus'.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Router, middleware};
use tower_http::compression::CompressionLayer;

use super::{no_such_path, routes, v1};
use crate::{App, Shared, guard, process};

/// Everything at such an address.
pub fn router(app: Arc<dyn App>) -> Router {
    Router::new()
        .merge(routes())
        .merge(v1::routes())
        .merge(process::routes())
        .route("/", get(to_the_pages))
        .fallback(nothing_here)
        .layer(middleware::from_fn(guard::security_headers))
        .layer(CompressionLayer::new())
        .with_state(app)
}

/// Who opens Alertmanager's page finds the alerts.
async fn to_the_pages(State(app): State<Shared>) -> Redirect {
    Redirect::temporary(&format!("{}/alerts", app.external_url()))
}

async fn nothing_here(State(app): State<Shared>, uri: Uri) -> Response {
    let path = uri.path();
    if path.starts_with("/api/v2/") {
        return no_such_path(path);
    }
    if path.starts_with("/api/v1/") {
        return v1::no_such_path(path);
    }
    let why =
        format!("nothing is at {path}; here is Alertmanager's API, pages are at {}\n", app.external_url());
    (StatusCode::NOT_FOUND, why).into_response()
}
