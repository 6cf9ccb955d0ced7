//! Who would hear of labels, who can be told and how they do, what is configured, and who changed what.

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use bellwether_model::Labels;

use crate::api_error::ApiError;
use crate::api_params::Params;
use crate::json_answer::json_of;
use crate::{Shared, guard, url};

/// Entries of the audit log, unless it is asked for more.
const AUDIT_DEFAULT: usize = 200;
const AUDIT_MAX: usize = 10_000;

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/bellwether/v1/route", get(route))
        .route("/api/bellwether/v1/receivers", get(receivers))
        .route("/api/bellwether/v1/routing", get(routing))
        .route("/api/bellwether/v1/audit", get(audit))
        .route_layer(middleware::from_fn(guard::same_site_only))
}

/// Every parameter is a label.
async fn route(State(app): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let pairs = url::pairs(query.as_deref().unwrap_or_default());
    if pairs.iter().any(|(name, _)| name.is_empty()) {
        return ApiError::bad_data("a label needs a name; write route?alertname=DiskFull&team=web")
            .into_response();
    }
    json_of(&app.routed(&Labels::from_pairs(pairs)))
}

async fn receivers(State(app): State<Shared>) -> Response {
    json_of(&app.receivers())
}

async fn routing(State(app): State<Shared>) -> Response {
    json_of(&app.routing_config())
}

async fn audit(State(app): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let limit = match Params::of_query(query.as_deref().unwrap_or_default()).limit() {
        Ok(usize::MAX) => AUDIT_DEFAULT,
        Ok(limit) => limit.min(AUDIT_MAX),
        Err(error) => return error.into_response(),
    };
    match app.audit(limit).await {
        Ok(entries) => json_of(&entries),
        Err(why) => ApiError::unavailable(why).into_response(),
    }
}
