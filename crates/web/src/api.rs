//! Our own API: the same values the pages show, as JSON, for the command line and for scripts.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde::Deserialize;
use serde_json::json;

use crate::api_error::ApiError;
use crate::json_answer::json_of;
use crate::view::{NewAction, Refused};
use crate::{Shared, api_corrections, api_outlook, forms, guard, parts};

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route(
            "/api/bellwether/v1/overview",
            get(|State(app): State<Shared>| async move { json_of(&app.overview()) }),
        )
        .route(
            "/api/bellwether/v1/slos",
            get(|State(app): State<Shared>| async move { json_of(&app.slos()) }),
        )
        .route("/api/bellwether/v1/slos/{*id}", get(slo))
        .route(
            "/api/bellwether/v1/alerts",
            get(|State(app): State<Shared>| async move { json_of(&app.alerts()) }),
        )
        .route("/api/bellwether/v1/alerts/{fingerprint}/ack", post(acknowledge))
        .route(
            "/api/bellwether/v1/groups",
            get(|State(app): State<Shared>| async move { json_of(&app.alert_groups()) }),
        )
        .route(
            "/api/bellwether/v1/rules",
            get(|State(app): State<Shared>| async move { json_of(&app.rule_groups()) }),
        )
        .route(
            "/api/bellwether/v1/targets",
            get(|State(app): State<Shared>| async move { json_of(&app.targets()) }),
        )
        .route(
            "/api/bellwether/v1/probes",
            get(|State(app): State<Shared>| async move { json_of(&app.probes()) }),
        )
        .route("/api/bellwether/v1/phase", get(phase).post(set_phase))
        .route_layer(middleware::from_fn(guard::same_site_only))
}

async fn slo(State(app): State<Shared>, Path(id): Path<String>, RawQuery(query): RawQuery) -> Response {
    let slos = app.slos();
    // An identity has slashes of its own, so that the last part of the path is told apart here.
    if let (None, Some(id)) = (parts::find_slo(&slos, &id), id.strip_suffix("/report")) {
        let report = api_corrections::report(app.as_ref(), id, query.as_deref().unwrap_or_default());
        return report.unwrap_or_else(IntoResponse::into_response);
    }
    if let (None, Some((id, what))) = (parts::find_slo(&slos, &id), api_outlook::split(&id)) {
        let answer = api_outlook::answer(&app, id, what, query.as_deref().unwrap_or_default()).await;
        return answer.unwrap_or_else(IntoResponse::into_response);
    }
    match parts::find_slo(&slos, &id) {
        Some(slo) => json_of(slo),
        None => ApiError::not_found(parts::no_such_slo(&slos, &id)).into_response(),
    }
}

fn refusal(refused: &Refused) -> Response {
    let body = json!({ "status": "error", "error": refused.message() });
    (forms::status_of(refused), Json(body)).into_response()
}

#[derive(Deserialize)]
struct AckBody {
    by: String,
}

async fn acknowledge(
    State(app): State<Shared>,
    Path(fingerprint): Path<String>,
    Json(body): Json<AckBody>,
) -> Response {
    match app.act(NewAction::take(fingerprint, body.by)).await {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(refused) => refusal(&refused),
    }
}

async fn phase(State(app): State<Shared>) -> Response {
    match app.demo() {
        Some(demo) => json_of(&demo.view()),
        None => {
            ApiError::not_found("this is not a demonstration; `bellwether demo` starts one").into_response()
        }
    }
}

#[derive(Deserialize)]
struct PhaseBody {
    phase: String,
}

async fn set_phase(State(app): State<Shared>, Json(body): Json<PhaseBody>) -> Response {
    let Some(demo) = app.demo() else {
        return refusal(&Refused::NotFound(
            "this is not a demonstration; `bellwether demo` starts one".to_owned(),
        ));
    };
    match demo.set_phase(body.phase).await {
        Ok(()) => json_of(&demo.view()),
        Err(refused) => refusal(&refused),
    }
}
