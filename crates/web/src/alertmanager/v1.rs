//! Alertmanager's API v1, which the real program had until 0.26. Old scripts and boards speak it: `{"status":
//! "success", "data": …}` around everything, plain names of receivers, no demand for a content type.

use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;
use axum::{Router, middleware};
use bellwether_alerts::parse_matchers;
use bellwether_model::{AlertFingerprint, Labels};
use serde::Serialize;
use serde_json::json;

use super::answer::{Refusal, json_answer};
use super::intake;
use super::listing::{self, StatusJson};
use super::params::Params;
use super::silences::{self, SilenceJson};
use super::status::VersionInfo;
use super::time::Rfc3339;
use crate::view::{ListedAlert, ListedGroup, ListedRoute};
use crate::{Shared, body, guard};

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/v1/status", get(status))
        .route("/api/v1/receivers", get(receivers))
        .route("/api/v1/alerts", get(alerts).post(post_alerts))
        .route("/api/v1/alerts/groups", get(groups))
        .route("/api/v1/silences", get(all_silences).post(add_silence))
        .route("/api/v1/silence/{id}", get(silence).delete(expire_silence))
        .method_not_allowed_fallback(not_with_this_method)
        .route_layer(middleware::from_fn(guard::same_site_only))
}

fn success<T: Serialize + ?Sized>(data: &T) -> Response {
    json_answer(StatusCode::OK, &json!({ "status": "success", "data": data }))
}

/// What changes something says no more than that it did.
fn done() -> Response {
    json_answer(StatusCode::OK, &json!({ "status": "success" }))
}

fn failure(status: StatusCode, message: &str) -> Response {
    let kind = if status.is_server_error() { "server_error" } else { "bad_data" };
    json_answer(status, &json!({ "status": "error", "errorType": kind, "error": message }))
}

/// What v2 answers with 422 was a 400 then.
fn refused(refusal: &Refusal) -> Response {
    let status = match refusal.status() {
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        other => other,
    };
    failure(status, refusal.message())
}

async fn not_with_this_method(method: Method, uri: Uri) -> Response {
    failure(StatusCode::METHOD_NOT_ALLOWED, &format!("method {method} is not allowed for {}", uri.path()))
}

pub(super) fn no_such_path(path: &str) -> Response {
    failure(StatusCode::NOT_FOUND, &format!("path {path} was not found"))
}

/// The parameters as v2 has them: one `filter` there holds all matchers, and a switch is `true` or `false`.
fn params(query: Option<&str>) -> Result<Params, Refusal> {
    let params = Params::of(query);
    for name in ["active", "silenced", "inhibited", "unprocessed"] {
        if let Some(given) = params.get(name)
            && !matches!(given, "true" | "false")
        {
            let why = format!("parameter {name:?} can either be 'true' or 'false', not '{given}'");
            return Err(Refusal::bad(why));
        }
    }
    let wrong = |why: String| Refusal::bad(format!("failed to parse filter param: {why}"));
    params.split("filter", |text| {
        let matchers = parse_matchers(text).map_err(|error| wrong(error.to_string()))?;
        Ok(matchers.iter().map(ToString::to_string).collect())
    })
}

async fn status(State(app): State<Shared>) -> Response {
    success(&json!({
        "configYAML": app.routing_config().text,
        "versionInfo": VersionInfo::of(&app),
        "uptime": Rfc3339(app.overview().started_at),
        "clusterStatus": null,
    }))
}

async fn receivers(State(app): State<Shared>) -> Response {
    let names: Vec<String> =
        app.routing_config().receivers.into_iter().map(|receiver| receiver.name).collect();
    success(&names)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertJson<'a> {
    labels: &'a Labels,
    annotations: &'a Labels,
    starts_at: Rfc3339,
    ends_at: Rfc3339,
    #[serde(rename = "generatorURL")]
    generator_url: &'a str,
    status: StatusJson<'a>,
    receivers: &'a [String],
    fingerprint: AlertFingerprint,
}

impl<'a> AlertJson<'a> {
    fn of(alert: &'a ListedAlert) -> Self {
        Self {
            labels: &alert.labels,
            annotations: &alert.annotations,
            starts_at: Rfc3339(alert.starts_at),
            ends_at: Rfc3339(alert.ends_at),
            generator_url: &alert.generator_url,
            status: StatusJson::of(alert, None),
            receivers: &alert.receivers,
            fingerprint: alert.fingerprint,
        }
    }
}

async fn alerts(State(app): State<Shared>, RawQuery(query): RawQuery) -> Response {
    match params(query.as_deref()).and_then(|params| listing::chosen_alerts(&app, &params)) {
        Ok(alerts) => success(&alerts.iter().map(AlertJson::of).collect::<Vec<_>>()),
        Err(refusal) => refused(&refusal),
    }
}

async fn post_alerts(State(app): State<Shared>, request: Request) -> Response {
    match intake::take_in(&app, request.into_body()).await {
        Ok(()) => done(),
        Err(refusal) => refused(&refusal),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupJson<'a> {
    labels: &'a Labels,
    group_key: &'a str,
    blocks: [BlockJson<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlockJson<'a> {
    route_opts: RouteJson<'a>,
    alerts: Vec<AlertJson<'a>>,
}

/// Lengths are in nanoseconds, as Go writes them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RouteJson<'a> {
    receiver: &'a str,
    group_by: &'a [String],
    group_by_all: bool,
    group_wait: i64,
    group_interval: i64,
    repeat_interval: i64,
}

impl<'a> RouteJson<'a> {
    fn of(route: &'a ListedRoute) -> Self {
        let nanoseconds = |length: bellwether_model::TimeDelta| length.as_millis().saturating_mul(1_000_000);
        Self {
            receiver: &route.receiver,
            group_by: route.group_by.as_deref().unwrap_or_default(),
            group_by_all: route.group_by.is_none(),
            group_wait: nanoseconds(route.group_wait),
            group_interval: nanoseconds(route.group_interval),
            repeat_interval: nanoseconds(route.repeat_interval),
        }
    }
}

impl<'a> GroupJson<'a> {
    fn of(group: &'a ListedGroup) -> Self {
        let alerts = group.alerts.iter().map(AlertJson::of).collect();
        let block = BlockJson { route_opts: RouteJson::of(&group.route), alerts };
        Self { labels: &group.labels, group_key: &group.key, blocks: [block] }
    }
}

async fn groups(State(app): State<Shared>, RawQuery(query): RawQuery) -> Response {
    match params(query.as_deref()).and_then(|params| listing::chosen_groups(&app, &params)) {
        Ok(groups) => success(&groups.iter().map(GroupJson::of).collect::<Vec<_>>()),
        Err(refusal) => refused(&refusal),
    }
}

async fn all_silences(State(app): State<Shared>, RawQuery(query): RawQuery) -> Response {
    match params(query.as_deref()).and_then(|params| silences::chosen(&app, &params)) {
        Ok(silences) => success(&silences.iter().map(SilenceJson::of).collect::<Vec<_>>()),
        Err(refusal) => refused(&refusal),
    }
}

async fn add_silence(State(app): State<Shared>, request: Request) -> Response {
    match take_silence(&app, request).await {
        Ok(id) => success(&json!({ "silenceId": id })),
        Err(refusal) => refused(&refusal),
    }
}

async fn take_silence(app: &Shared, request: Request) -> Result<String, Refusal> {
    let whole = body::read(request.into_body()).await?;
    let silence = silences::read(&whole.bytes)?.into_new(app.now())?;
    Ok(app.add_silence(silence).await?)
}

async fn silence(State(app): State<Shared>, Path(id): Path<String>) -> Response {
    match silences::find(&app, &id) {
        Some(silence) => success(&SilenceJson::of(&silence)),
        None => failure(StatusCode::NOT_FOUND, "silence not found"),
    }
}

async fn expire_silence(State(app): State<Shared>, Path(id): Path<String>) -> Response {
    match silences::expire_if_needed(&app, id).await {
        Ok(()) => done(),
        Err(error) => refused(&Refusal::from(error)),
    }
}
