//! Why somebody was or was not told, what people do with alerts, what became of messages, and how well both served:
//! the same values the pages show, for the command line and for scripts.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use bellwether_model::{TimeDelta, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api_error::ApiError;
use crate::json_answer::json_of;
use crate::view::{DeliveryFilter, DeliveryOutcome, NewAction, Refused};
use crate::{Shared, forms, guard};

/// What statistics are of unless it is asked otherwise.
const SINCE_DEFAULT: TimeDelta = TimeDelta(30 * TimeDelta::DAY.0);

/// Messages in a list, unless it is asked for more.
const DELIVERIES_DEFAULT: usize = 200;
const DELIVERIES_MAX: usize = 10_000;

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/bellwether/v1/explain", get(explain))
        .route("/api/bellwether/v1/actions", post(act))
        .route("/api/bellwether/v1/deliveries", get(deliveries))
        .route("/api/bellwether/v1/deliveries/{id}", get(delivery))
        .route("/api/bellwether/v1/drills", post(drill))
        .route("/api/bellwether/v1/statistics", get(statistics))
        .route_layer(middleware::from_fn(guard::same_site_only))
}

#[derive(Deserialize)]
struct ExplainAsk {
    /// A name, a fingerprint, the beginning of one, or labels in braces.
    alert: String,
}

async fn explain(State(app): State<Shared>, Query(ask): Query<ExplainAsk>) -> Response {
    answer(app.explain(ask.alert).await)
}

async fn act(State(app): State<Shared>, Json(action): Json<NewAction>) -> Response {
    answer(app.act(action).await)
}

/// Which messages; what is not named does not narrow the list.
#[derive(Deserialize)]
struct DeliveriesAsk {
    receiver: Option<String>,
    /// `pending`, `retrying`, `delivered`, `failed` or `superseded`.
    outcome: Option<DeliveryOutcome>,
    /// A fingerprint.
    alert: Option<String>,
    group: Option<String>,
    /// How far back, as a length of time.
    since: Option<String>,
    /// The moment at which the last one of the page before was decided, in milliseconds.
    before: Option<i64>,
    limit: Option<usize>,
}

async fn deliveries(State(app): State<Shared>, Query(ask): Query<DeliveriesAsk>) -> Response {
    let said = |text: Option<String>| text.filter(|text| !text.is_empty());
    let since = match said(ask.since).map(|text| length(&text)).transpose() {
        Ok(since) => since.map(|since| before(app.now(), since)),
        Err(refused) => return answer::<()>(Err(refused)),
    };
    let filter = DeliveryFilter {
        receiver: said(ask.receiver),
        outcome: ask.outcome,
        alert: said(ask.alert),
        group: said(ask.group),
        since,
        before: ask.before.map(Timestamp),
        limit: ask.limit.unwrap_or(DELIVERIES_DEFAULT).min(DELIVERIES_MAX),
    };
    match app.deliveries(filter).await {
        Ok(rows) => json_of(&rows),
        Err(why) => ApiError::unavailable(why).into_response(),
    }
}

fn length(text: &str) -> Result<TimeDelta, Refused> {
    match text.parse::<TimeDelta>() {
        Ok(length) if length.0 > 0 => Ok(length),
        Ok(_) | Err(_) => {
            Err(Refused::Invalid(format!("since={text:?} is no length of time; write it like 30d or 12h")))
        }
    }
}

fn before(now: Timestamp, length: TimeDelta) -> Timestamp {
    Timestamp(now.0.saturating_sub(length.0))
}

async fn delivery(State(app): State<Shared>, Path(id): Path<String>) -> Response {
    answer(app.delivery(id).await)
}

#[derive(Deserialize)]
struct DrillBody {
    /// Of whom; without it, of all.
    receiver: Option<String>,
    by: String,
}

async fn drill(State(app): State<Shared>, Json(body): Json<DrillBody>) -> Response {
    answer(app.drill(body.receiver, body.by).await)
}

#[derive(Deserialize)]
struct StatisticsAsk {
    /// A length of time before now, such as `30d`.
    since: Option<String>,
}

async fn statistics(State(app): State<Shared>, Query(ask): Query<StatisticsAsk>) -> Response {
    let since = match ask.since.filter(|text| !text.is_empty()).map(|text| length(&text)).transpose() {
        Ok(since) => since.unwrap_or(SINCE_DEFAULT),
        Err(refused) => return answer::<()>(Err(refused)),
    };
    let from = before(app.now(), since);
    match app.statistics(from).await {
        Ok(view) => json_of(&view),
        Err(why) => ApiError::unavailable(why).into_response(),
    }
}

fn answer<T: Serialize>(result: Result<T, Refused>) -> Response {
    match result {
        Ok(value) => json_of(&value),
        Err(refused) => {
            let body = json!({ "status": "error", "error": refused.message() });
            (forms::status_of(&refused), Json(body)).into_response()
        }
    }
}
