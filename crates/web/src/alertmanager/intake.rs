//! `POST /api/v2/alerts`: what fires elsewhere. The alerts that are valid are recorded before the answer, also when the
//! answer is that others are not.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::answer::{Refusal, demand_json};
use super::posted::{self, Posted, Times};
use crate::{Shared, body};

/// A body larger than this is read where it holds up nobody else.
const READ_ASIDE: usize = 256 << 10;

pub(super) async fn post_alerts(State(app): State<Shared>, request: Request) -> Response {
    let taken = match demand_json(request.headers()) {
        Ok(()) => take_in(&app, request.into_body()).await,
        Err(refusal) => Err(refusal),
    };
    match taken {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// Records the valid alerts of a body; the refusal says which are not.
pub(super) async fn take_in(app: &Shared, body: Body) -> Result<(), Refusal> {
    let whole = body::read(body).await?;
    let times = Times { now: app.now(), resolve_timeout: app.resolve_timeout() };
    let Posted { alerts, faults } = if whole.bytes.len() > READ_ASIDE {
        let read = tokio::task::spawn_blocking(move || posted::read(&whole.bytes, times));
        read.await.map_err(|error| Refusal::Bare(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))??
    } else {
        posted::read(&whole.bytes, times)?
    };
    if !alerts.is_empty() {
        app.post_alerts(alerts).await?;
    }
    faults.into_refusal().map_or(Ok(()), Err)
}
