//! Prometheus' HTTP API, so that Grafana, promtool and everything else that speaks to Prometheus speaks to us.

mod exemplars;
mod federate;
mod metadata;
mod query;
mod remote_read;
mod remote_read_wire;
mod rules;
mod series;
mod status;
mod targets;
mod write;

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Router, middleware};
use serde::Serialize;

use crate::Shared;
use crate::api_error::ApiError;
use crate::guard;
use crate::missing::Noting;

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .merge(query_routes())
        .route("/api/v1/targets", get(targets::targets))
        .route("/api/v1/targets/metadata", get(metadata::of_targets))
        .route("/api/v1/scrape_pools", get(targets::scrape_pools))
        .route("/api/v1/alertmanagers", get(targets::alertmanagers))
        .route("/api/v1/metadata", get(metadata::of_metrics))
        .route("/api/v1/rules", get(rules::rules))
        .route("/api/v1/alerts", get(rules::alerts))
        .route("/api/v1/status/config", get(status::config))
        .route("/api/v1/status/flags", get(status::flags))
        .route("/api/v1/status/runtimeinfo", get(status::runtime_info))
        .route("/api/v1/status/buildinfo", get(status::build_info))
        .route("/api/v1/status/tsdb", get(status::tsdb))
        .route("/api/v1/status/walreplay", get(status::wal_replay))
        .route("/api/v1/features", get(status::features))
        .route("/api/v1/read", post(remote_read::read))
        .route("/api/v1/write", post(write::write).layer(middleware::from_fn(guard::same_site_only)))
        .route("/federate", get(federate::federate))
        .route("/api/v1/{*rest}", get(unknown).post(unknown).put(unknown).delete(unknown))
}

/// Everything that takes a query or a selector, which may be too long for an address.
fn query_routes() -> Router<Shared> {
    Router::new()
        .route("/api/v1/query", both(query::query))
        .route("/api/v1/query_range", both(query::query_range))
        .route("/api/v1/query_exemplars", both(exemplars::query_exemplars))
        .route("/api/v1/format_query", both(query::format_query))
        .route("/api/v1/parse_query", both(query::parse_query))
        .route("/api/v1/labels", both(series::labels))
        .route("/api/v1/label/{name}/values", get(series::label_values))
        .route("/api/v1/series", both(series::series))
}

fn both<H, T>(handler: H) -> MethodRouter<Shared>
where
    H: axum::handler::Handler<T, Shared>,
    T: 'static,
{
    get(handler.clone()).post(handler)
}

type Answer = Result<Response, ApiError>;

/// Data in the envelope that every answer has.
fn success(data: &impl Serialize) -> Answer {
    success_with(data, &[])
}

/// Data in the envelope, with warnings where there are any.
fn success_with(data: &impl Serialize, warnings: &[String]) -> Answer {
    let failed = |error: serde_json::Error| ApiError::internal(error.to_string());
    let mut body = String::from(r#"{"status":"success","data":"#);
    body.push_str(&serde_json::to_string(data).map_err(failed)?);
    if !warnings.is_empty() {
        body.push_str(r#","warnings":"#);
        body.push_str(&serde_json::to_string(warnings).map_err(failed)?);
    }
    body.push('}');
    Ok(json_text(body))
}

fn json_text(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// What a list was cut by `limit` is told with.
const TRUNCATED: &str = "results truncated due to limit";

/// Runs a look-up in the store beside the threads that answer requests.
async fn look_up<T: Send + 'static>(
    app: &Shared,
    ask: impl FnOnce(&dyn bellwether_model::SeriesSource) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    look_up_noting(app, ask).await.map(|(found, _)| found)
}

/// The same, and what is missing of what was looked at.
async fn look_up_noting<T: Send + 'static>(
    app: &Shared,
    ask: impl FnOnce(&dyn bellwether_model::SeriesSource) -> Result<T, ApiError> + Send + 'static,
) -> Result<(T, Vec<String>), ApiError> {
    let source = Noting::new(app.source());
    let answer = tokio::task::spawn_blocking(move || Ok((ask(&source)?, source.noted()))).await;
    answer.unwrap_or_else(|_| Err(ApiError::internal("the look-up failed; please report the request")))
}

async fn unknown(Path(rest): Path<String>) -> ApiError {
    ApiError::not_found(format!(
        "there is no /api/v1/{rest}, or not with this method; there are query, query_range, query_exemplars, \
         format_query, parse_query, labels, label/NAME/values, series, metadata, targets, targets/metadata, \
         scrape_pools, alertmanagers, rules, alerts, status/…, features, read and write"
    ))
}
