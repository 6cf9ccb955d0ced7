//! Alertmanager's API v2, so that amtool, Grafana, karma-like boards, and every Prometheus can read, silence and post;
//! and the old v1, which is served only where an Alertmanager is expected.
//!
//! Shapes, order and statuses are those of the real program; what is better here is said in `docs/api.md`.

mod answer;
pub mod bodies;
mod intake;
mod listener;
mod listing;
mod params;
mod posted;
mod silences;
mod status;
mod time;
mod v1;

use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};

use self::answer::Refusal;
use crate::{Shared, guard};

pub use listener::router;
pub(crate) use silences::{PostedSilence, as_posted as silences_as_posted};

/// The API v2.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/v2/status", get(status::status))
        .route("/api/v2/receivers", get(status::receivers))
        .route("/api/v2/silences", get(silences::silences).post(silences::add))
        .route("/api/v2/silence/{id}", get(silences::silence).delete(silences::expire))
        .route("/api/v2/alerts", get(listing::alerts).post(intake::post_alerts))
        .route("/api/v2/alerts/groups", get(listing::groups))
        .method_not_allowed_fallback(not_with_this_method)
        .route_layer(middleware::from_fn(guard::same_site_only))
}

async fn not_with_this_method(method: Method, uri: Uri) -> Response {
    Refusal::Coded(405, format!("method {method} is not allowed for {}", uri.path())).into_response()
}

/// A path that is none of the API v2.
pub(crate) fn no_such_path(path: &str) -> Response {
    Refusal::Coded(404, format!("path {path} was not found")).into_response()
}
