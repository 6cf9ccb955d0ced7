//! The process' own endpoints, under the paths that probes and Prometheus' tooling expect.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};

use crate::{Shared, guard};

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/-/healthy", get(|| async { "bellwether is healthy\n" }))
        .route("/-/ready", get(ready))
        .route("/-/reload", post(reload).put(reload).route_layer(middleware::from_fn(guard::same_site_only)))
        .route("/metrics", get(metrics))
}

async fn ready(State(app): State<Shared>) -> (StatusCode, &'static str) {
    if app.ready() {
        (StatusCode::OK, "bellwether is ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "bellwether is still loading its data; ask again in a moment\n")
    }
}

/// A configuration that does not load leaves the old one in place and answers with every reason.
async fn reload(State(app): State<Shared>) -> Response {
    match app.reload().await {
        Ok(()) => "configuration reloaded\n".into_response(),
        Err(reasons) => {
            let body = format!("the configuration does not load; the old one stays in place\n{reasons}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
        }
    }
}

async fn metrics(State(app): State<Shared>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics()).into_response()
}
