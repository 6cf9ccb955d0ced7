//! HTTP, JSON and HTML: the only crate that knows them.
//!
//! [`router`] turns an [`App`], which the shell implements, into a service. A page is a pure function from view
//! structs to HTML; it decides nothing and computes no budget, burn rate or time left.

mod alertmanager;
mod alerts;
mod api;
mod api_corrections;
mod api_error;
mod api_explain;
mod api_json;
mod api_outlook;
mod api_params;
mod api_routing;
mod api_silences;
mod app;
mod assets;
mod body;
mod box_future;
mod config;
mod correction_wish;
mod corrections;
mod dashboards;
mod deliveries;
pub mod digits;
mod elsewhere;
mod events;
mod explore;
mod forms;
mod go_time;
mod google;
mod guard;
mod history;
mod holder;
mod json_answer;
mod loud;
mod matcher_text;
mod missing;
mod now;
mod now_alerts;
mod openapi;
mod otlp;
mod page;
mod pager;
mod parts;
mod process;
mod prometheus;
mod queries;
mod query_stats;
mod receivers;
mod routing_text;
pub mod scenario;
mod sent;
mod silence_import;
mod silences;
mod slo;
mod slos;
mod statistics;
mod storage;
mod svg;
mod targets;
mod targets_probed;
mod targets_pushed;
pub mod url;
pub mod view;
mod view_config;
mod view_dashboard;
mod view_delivery;
mod view_import;
mod view_listing;
mod view_probe;
mod view_routing;
mod view_server;
mod view_write;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use tower_http::compression::CompressionLayer;

pub use alertmanager::bodies as posted;
pub use alertmanager::router as alertmanager_router;
pub use app::{App, Demo, GoogleResources};
pub use box_future::BoxFuture;
pub use elsewhere::{Elsewhere, ElsewhereError, ElsewhereQuery, ElsewhereWhen};
pub use otlp::{OtlpOutcome, OtlpPush};
pub use queries::{Queries, QueryCounts, QuerySettings};

/// What every handler shares.
type Shared = Arc<dyn App>;

/// All of the product's HTTP surface: pages, Prometheus' and Alertmanager's APIs, our own, and the process' own.
pub fn router(app: Arc<dyn App>) -> Router {
    Router::new()
        .merge(pages())
        .merge(alerts::routes())
        .merge(silences::routes())
        .merge(deliveries::routes())
        .merge(receivers::routes())
        .merge(dashboards::routes())
        .merge(explore::routes())
        .merge(forms::routes())
        .merge(process::routes())
        .merge(prometheus::routes())
        .merge(otlp::routes())
        .merge(alertmanager::routes())
        .merge(api::routes())
        .merge(openapi::routes())
        .merge(api_routing::routes())
        .merge(api_silences::routes())
        .merge(api_corrections::routes())
        .merge(api_explain::routes())
        .merge(storage::routes())
        .merge(history::routes())
        .merge(corrections::routes())
        .merge(google::routes())
        .merge(assets::routes())
        .fallback(no_such_page)
        .layer(middleware::from_fn(guard::security_headers))
        .layer(CompressionLayer::new())
        .with_state(app)
}

fn pages() -> Router<Shared> {
    Router::new()
        .route("/", get(now::now))
        .route("/slos", get(slos::slos))
        .route("/slos/{*id}", get(slo::slo))
        .route("/statistics", get(statistics::statistics))
        .route("/targets", get(targets::targets))
        .route("/config", get(config::config))
        .route("/events", get(events::events))
}

/// Programs are told in JSON, people in a page.
async fn no_such_page(State(app): State<Shared>, uri: Uri) -> Response {
    let what = format!("Nothing is at {}.", uri.path());
    if uri.path().starts_with("/v3/") {
        return google::error(StatusCode::NOT_FOUND, "NOT_FOUND", &what);
    }
    if uri.path().starts_with("/api/v2/") {
        return alertmanager::no_such_path(uri.path());
    }
    if uri.path().starts_with("/api/") {
        return api_error::ApiError::not_found(what).into_response();
    }
    page::not_found(app.as_ref(), &what)
}
