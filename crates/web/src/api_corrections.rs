//! Corrections and reports in our own API.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use bellwether_model::Timestamp;
use bellwether_slo::{
    Correction, CorrectionEvent, CorrectionScope, CorrectionState, ReportRequest, ReportSpan, Stretch,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api_error::ApiError;
use crate::api_params::Params;
use crate::correction_wish::PostedCorrection;
use crate::view::Refused;
use crate::{App, Shared, forms, guard, parts};

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/bellwether/v1/corrections", get(list).post(add))
        .route("/api/bellwether/v1/corrections/{id}/revoke", post(revoke))
        .route_layer(middleware::from_fn(guard::same_site_only))
}

/// A correction and where it is in its life.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    correction: Arc<Correction>,
    state: CorrectionState,
}

impl Shown {
    fn of(correction: Arc<Correction>, now: Timestamp) -> Self {
        Self { state: correction.state(now), correction }
    }
}

/// The corrections of an objective, or of none in particular, the latest first.
pub(crate) fn corrections_of(app: &dyn App, slo_id: Option<&str>) -> Vec<Arc<Correction>> {
    let slos = app.slos();
    let service = slo_id.and_then(|id| Some(parts::find_slo(&slos, id)?.service.clone()));
    let is_its = |correction: &Arc<Correction>| {
        slo_id.is_none_or(|id| match &service {
            Some(service) => correction.scope.covers(id, service),
            // An objective that is gone has left its corrections.
            None => matches!(&correction.scope, CorrectionScope::Slo(its) if its == id),
        })
    };
    app.corrections().into_iter().filter(is_its).collect()
}

async fn list(State(app): State<Shared>, request: Request) -> Response {
    let params = match Params::of(request).await {
        Ok(params) => params,
        Err(error) => return error.into_response(),
    };
    let is_wanted =
        |correction: &Arc<Correction>| params.get("all").is_some() || correction.revoked.is_none();
    let found = corrections_of(app.as_ref(), params.get("slo"));
    let shown: Vec<Shown> = found.into_iter().filter(is_wanted).map(|c| Shown::of(c, app.now())).collect();
    Json(shown).into_response()
}

async fn add(State(app): State<Shared>, Json(posted): Json<PostedCorrection>) -> Response {
    match posted.into_wish() {
        Ok(wish) => answer(app.as_ref(), app.correct(CorrectionEvent::Add(wish)).await),
        Err(problems) => refusal(&Refused::Invalid(problems)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RevokeBody {
    by: String,
    reason: String,
}

async fn revoke(State(app): State<Shared>, Path(id): Path<String>, Json(body): Json<RevokeBody>) -> Response {
    let event = CorrectionEvent::Revoke { id, by: body.by, reason: body.reason };
    answer(app.as_ref(), app.correct(event).await)
}

fn answer(app: &dyn App, done: Result<Correction, Refused>) -> Response {
    match done {
        Ok(correction) => (StatusCode::OK, Json(Shown::of(Arc::new(correction), app.now()))).into_response(),
        Err(refused) => refusal(&refused),
    }
}

fn refusal(refused: &Refused) -> Response {
    let body = json!({ "status": "error", "error": refused.message() });
    (forms::status_of(refused), Json(body)).into_response()
}

/// An objective's report: of the period at `at`, or `from` one moment `to` another; with the corrections known at
/// `known`.
pub(crate) fn report(app: &dyn App, slo_id: &str, query: &str) -> Result<Response, ApiError> {
    let params = Params::of_query(query);
    let (at, from, to) = (params.moment("at")?, params.moment("from")?, params.moment("to")?);
    let over = match (at, from, to) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
            return Err(ApiError::bad_data("at names a period, from and to any stretch: keep one of them"));
        }
        (None, None, Some(_)) => return Err(ApiError::bad_data("to needs from")),
        (None, Some(begin), to) => ReportSpan::Between(Stretch { begin, end: to.unwrap_or(app.now()) }),
        (at, None, None) => ReportSpan::PeriodAt(at.unwrap_or(app.now())),
    };
    if let ReportSpan::Between(Stretch { begin, end }) = over
        && end <= begin
    {
        return Err(ApiError::bad_data(format!("the report ends at {end}, not after {begin}")));
    }
    let request = ReportRequest { over, known: params.moment("known")? };
    match app.slo_report(slo_id, &request) {
        Some(report) => Ok(Json(report).into_response()),
        None => Err(ApiError::not_found(parts::no_such_slo(&app.slos(), slo_id))),
    }
}
