//! Silences beyond what Alertmanager's API knows: what one would hide, many at once, and which end while they still
//! hide something. Imports and exports are in amtool's format.

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use bellwether_alerts::parse_matchers;
use bellwether_model::{Labels, Matcher, Timestamp, matches_all};
use serde::{Deserialize, Serialize};

use crate::alertmanager::silences_as_posted;
use crate::api_error::ApiError;
use crate::json_answer::json_of;
use crate::silence_import::{self, Wishes};
use crate::view::{SilenceState, SilenceView};
use crate::{Shared, body, guard, url};

/// Alerts that a preview names.
const NAMED_MAX: usize = 100;

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/bellwether/v1/silences", get(silences))
        .route("/api/bellwether/v1/silences/preview", post(preview))
        .route("/api/bellwether/v1/silences/export", get(export))
        .route("/api/bellwether/v1/silences/import", post(import))
        .route_layer(middleware::from_fn(guard::same_site_only))
}

#[derive(Serialize)]
struct SilenceJson<'a> {
    #[serde(flatten)]
    silence: &'a SilenceView,
    /// It ends soon and still hides something that fires.
    expires_soon: bool,
}

async fn silences(State(app): State<Shared>) -> Response {
    let (silences, now) = (app.silences(), app.now());
    let shown = |silence| SilenceJson { silence, expires_soon: silence.ends_soon(now) };
    json_of(&silences.iter().map(shown).collect::<Vec<_>>())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PreviewBody {
    /// As people write them: `alertname="DiskFull"`, `{team=~"a|b"}`.
    matchers: Vec<String>,
}

#[derive(Serialize)]
struct Preview {
    /// How many firing alerts it would hide.
    alerts: usize,
    /// How many of them nothing else keeps quiet.
    newly_hidden: usize,
    /// The first of them.
    hidden: Vec<Hidden>,
}

#[derive(Serialize)]
struct Hidden {
    fingerprint: String,
    labels: Labels,
    starts_at: Timestamp,
    receivers: Vec<String>,
    silenced_by: Vec<String>,
}

async fn preview(State(app): State<Shared>, body: Body) -> Response {
    let matchers = match read::<PreviewBody>(body).await.and_then(|body| matchers(&body.matchers)) {
        Ok(matchers) => matchers,
        Err(error) => return error.into_response(),
    };
    let mut alerts = app.listed_alerts(&|labels| matches_all(&matchers, labels));
    alerts.sort_unstable_by_key(|alert| alert.fingerprint);
    let newly_hidden = alerts.iter().filter(|alert| !alert.is_suppressed()).count();
    let count = alerts.len();
    let hidden = alerts.into_iter().take(NAMED_MAX).map(|alert| Hidden {
        fingerprint: alert.fingerprint.to_string(),
        labels: alert.labels,
        starts_at: alert.starts_at,
        receivers: alert.receivers,
        silenced_by: alert.silenced_by,
    });
    json_of(&Preview { alerts: count, newly_hidden, hidden: hidden.collect() })
}

fn matchers(texts: &[String]) -> Result<Vec<Matcher>, ApiError> {
    let mut all = Vec::new();
    for text in texts {
        let read = parse_matchers(text).map_err(|error| ApiError::bad_data(format!("matchers: {error}")))?;
        all.extend(read);
    }
    if all.iter().all(Matcher::matches_empty) {
        return Err(ApiError::bad_data("matchers: at least one must not match the empty text"));
    }
    Ok(all)
}

async fn read<T: for<'de> Deserialize<'de>>(from: Body) -> Result<T, ApiError> {
    let whole = body::read(from).await.map_err(|error| ApiError::bad_data(error.message()))?;
    serde_json::from_slice(&whole.bytes)
        .map_err(|why| ApiError::bad_data(format!("the body cannot be read: {why}")))
}

/// Those that are active or pending; with `expired=true` those that are over too.
async fn export(State(app): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let pairs = url::pairs(query.as_deref().unwrap_or_default());
    let with_expired = pairs.iter().any(|(name, value)| name == "expired" && value == "true");
    let mut silences = app.silences();
    silences.retain(|silence| with_expired || silence.state != SilenceState::Expired);
    json_of(&silences_as_posted(&silences))
}

#[derive(Serialize)]
struct ImportedJson {
    /// Identities, in the order of the file.
    imported: Vec<String>,
    /// Silences that are over, and were left out.
    over: usize,
    /// Those that are wrong, by their place in the file.
    refused: Vec<RefusedSilence>,
}

#[derive(Serialize)]
struct RefusedSilence {
    index: usize,
    why: String,
}

/// A silence whose identity is known here is changed, every other one is made anew, as by amtool.
async fn import(State(app): State<Shared>, body: Body) -> Response {
    let whole = match body::read(body).await {
        Ok(whole) => whole,
        Err(error) => return ApiError::bad_data(error.message()).into_response(),
    };
    let list = match silence_import::list(&whole.bytes) {
        Ok(list) => list,
        Err(why) => {
            let why = format!("the body is not a list of silences as amtool writes it: {why}");
            return ApiError::bad_data(why).into_response();
        }
    };
    let known: Vec<String> = app.silences().into_iter().map(|silence| silence.id).collect();
    let done = silence_import::import(&app, &list, Wishes { known: &known, by: "" }).await;
    let refused = done.refused.into_iter().map(|(index, why)| RefusedSilence { index, why }).collect();
    json_of(&ImportedJson { imported: done.ids, over: done.over, refused })
}
