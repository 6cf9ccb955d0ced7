//! Alertmanager's API v2 for alerts and silences, so that amtool, Grafana and karma-like boards can read and silence.
//! Errors are bare JSON strings, as there.

mod answer;
mod intake;
mod posted;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use bellwether_model::{MatchOp, Matcher, TimeDelta, Timestamp, matches_all};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::view::{AlertState, AlertView, NewSilence, Refused, SilenceState, SilenceView};
use crate::{Shared, forms, guard, matcher_text, parts, url};

/// How long Alertmanager holds an alert that nobody repeats; shown as the end of an alert that has none.
const RESOLVE_TIMEOUT: TimeDelta = TimeDelta(5 * TimeDelta::MINUTE.0);

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/v2/silences", get(silences).post(add_silence))
        .route("/api/v2/silence/{id}", get(silence).delete(expire_silence))
        .route("/api/v2/alerts", get(alerts).post(intake::post_alerts))
        .route("/api/v2/alerts/groups", get(groups))
        .route_layer(middleware::from_fn(guard::same_site_only))
}

fn json_answer(status: StatusCode, body: &Json) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn error(status: StatusCode, message: impl Into<String>) -> Response {
    json_answer(status, &Json::String(message.into()))
}

/// The parameters of a listing: matchers and switches that are on unless turned off.
struct Listing {
    filter: Vec<Matcher>,
    pairs: Vec<(String, String)>,
}

impl Listing {
    fn of(query: Option<String>) -> Result<Self, String> {
        let pairs = url::pairs(query.as_deref().unwrap_or_default());
        let mut filter = Vec::new();
        for (_, text) in pairs.iter().filter(|(name, value)| name == "filter" && !value.is_empty()) {
            filter.extend(matcher_text::read(text)?);
        }
        Ok(Self { filter, pairs })
    }

    fn wants(&self, name: &str) -> bool {
        self.pairs.iter().rev().find(|(n, _)| n == name).is_none_or(|(_, value)| value != "false")
    }

    fn receiver(&self) -> Result<Option<Matcher>, String> {
        let pattern = self.pairs.iter().find(|(name, value)| name == "receiver" && !value.is_empty());
        let matcher = pattern.map(|(_, value)| Matcher::new(MatchOp::Regex, "receiver", value.as_str()));
        matcher.transpose().map_err(|error| error.to_string())
    }

    fn passes(&self, alert: &AlertView, receiver: Option<&Matcher>) -> bool {
        alert.state == AlertState::Firing
            && matches_all(&self.filter, &alert.labels)
            && receiver.is_none_or(|matcher| alert.receivers.iter().any(|name| matcher.matches_value(name)))
            && (self.wants("active") || !parts::is_loud(alert))
            && (self.wants("silenced") || alert.silenced_by.is_empty())
            && (self.wants("inhibited") || alert.inhibited_by.is_empty())
            && (self.wants("muted") || alert.muted_by.is_empty())
    }
}

async fn alerts(State(app): State<Shared>, RawQuery(query): RawQuery) -> Response {
    match Listing::of(query).and_then(|listing| Ok((listing.receiver()?, listing))) {
        Err(reason) => error(StatusCode::BAD_REQUEST, reason),
        Ok((receiver, listing)) => {
            let alerts = app.alerts();
            let shown = alerts.iter().filter(|alert| listing.passes(alert, receiver.as_ref()));
            json_answer(StatusCode::OK, &shown.map(alert_json).collect())
        }
    }
}

async fn groups(State(app): State<Shared>, RawQuery(query): RawQuery) -> Response {
    match Listing::of(query).and_then(|listing| Ok((listing.receiver()?, listing))) {
        Err(reason) => error(StatusCode::BAD_REQUEST, reason),
        Ok((receiver, listing)) => {
            let mut out = Vec::new();
            for group in app.alert_groups() {
                let named = receiver.as_ref().is_none_or(|matcher| matcher.matches_value(&group.receiver));
                let alerts: Vec<Json> =
                    group.alerts.iter().filter(|a| listing.passes(a, None)).map(alert_json).collect();
                if named && !alerts.is_empty() {
                    out.push(json!({ "labels": group.labels, "receiver": { "name": group.receiver }, "alerts": alerts }));
                }
            }
            json_answer(StatusCode::OK, &Json::Array(out))
        }
    }
}

fn alert_json(alert: &AlertView) -> Json {
    let state = if parts::is_loud(alert) { "active" } else { "suppressed" };
    let receivers: Vec<Json> = alert.receivers.iter().map(|name| json!({ "name": name })).collect();
    json!({
        "labels": alert.labels, "annotations": alert.annotations, "fingerprint": alert.fingerprint,
        "startsAt": alert.starts_at.to_string(), "updatedAt": alert.updated_at.to_string(),
        "endsAt": alert.ends_at.unwrap_or(alert.updated_at + RESOLVE_TIMEOUT).to_string(),
        "generatorURL": alert.generator_url, "receivers": receivers,
        "status": {
            "state": state, "silencedBy": alert.silenced_by, "inhibitedBy": alert.inhibited_by, "mutedBy": alert.muted_by,
        },
    })
}

async fn silences(State(app): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let listing = match Listing::of(query) {
        Ok(listing) => listing,
        Err(reason) => return error(StatusCode::BAD_REQUEST, reason),
    };
    let wanted = |silence: &&SilenceView| {
        let by_state = listing.wants(state_word(silence.state));
        // A filter selects silences whose own matchers say what it asks for.
        by_state
            && listing
                .filter
                .iter()
                .all(|ask| silence.matchers.iter().any(|m| m.name == ask.name && ask.matches_value(&m.value)))
    };
    let mut silences = app.silences();
    silences.sort_by_key(|s| (s.state, s.ends_at, s.id.clone()));
    json_answer(StatusCode::OK, &silences.iter().filter(wanted).map(silence_json).collect())
}

const fn state_word(state: SilenceState) -> &'static str {
    match state {
        SilenceState::Active => "active",
        SilenceState::Pending => "pending",
        SilenceState::Expired => "expired",
    }
}

fn silence_json(silence: &SilenceView) -> Json {
    let matchers: Vec<Json> = silence.matchers.iter().map(matcher_json).collect();
    json!({
        "id": silence.id, "status": { "state": state_word(silence.state) }, "matchers": matchers,
        "startsAt": silence.starts_at.to_string(), "endsAt": silence.ends_at.to_string(),
        "updatedAt": silence.updated_at.to_string(), "createdBy": silence.created_by, "comment": silence.comment,
    })
}

fn matcher_json(matcher: &Matcher) -> Json {
    let (is_regex, is_equal) = match matcher.op {
        MatchOp::Equal => (false, true),
        MatchOp::NotEqual => (false, false),
        MatchOp::Regex => (true, true),
        MatchOp::NotRegex => (true, false),
    };
    json!({ "name": matcher.name, "value": matcher.value, "isRegex": is_regex, "isEqual": is_equal })
}

async fn silence(State(app): State<Shared>, Path(id): Path<String>) -> Response {
    match app.silences().iter().find(|silence| silence.id == id) {
        Some(silence) => json_answer(StatusCode::OK, &silence_json(silence)),
        None => error(StatusCode::NOT_FOUND, format!("no silence has the id {id:?}")),
    }
}

async fn expire_silence(State(app): State<Shared>, Path(id): Path<String>) -> Response {
    match app.expire_silence(id).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refused) => refusal(&refused),
    }
}

fn refusal(refused: &Refused) -> Response {
    error(forms::status_of(refused), refused.message())
}

/// A silence as clients post it. Unknown fields are ignored, as Alertmanager ignores them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostedSilence {
    #[serde(default)]
    id: Option<String>,
    matchers: Vec<PostedMatcher>,
    starts_at: String,
    ends_at: String,
    created_by: String,
    comment: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostedMatcher {
    name: String,
    value: String,
    #[serde(default)]
    is_regex: bool,
    #[serde(default = "yes")]
    is_equal: bool,
}

const fn yes() -> bool {
    true
}

async fn add_silence(State(app): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_json(&headers) {
        return error(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send the silence with content-type: application/json",
        );
    }
    let posted: PostedSilence = match serde_json::from_slice(&body) {
        Ok(posted) => posted,
        Err(reason) => return error(StatusCode::BAD_REQUEST, format!("the body is not a silence: {reason}")),
    };
    match posted.into_new() {
        Err(reason) => error(StatusCode::BAD_REQUEST, reason),
        Ok(silence) => match app.add_silence(silence).await {
            Ok(id) => json_answer(StatusCode::OK, &json!({ "silenceID": id })),
            Err(refused) => refusal(&refused),
        },
    }
}

/// Also what keeps other sites' forms out: a browser asks before it sends JSON across sites.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

impl PostedSilence {
    fn into_new(self) -> Result<NewSilence, String> {
        let matchers =
            self.matchers.into_iter().map(PostedMatcher::into_matcher).collect::<Result<Vec<_>, _>>()?;
        let (starts_at, ends_at) =
            (read_time("startsAt", &self.starts_at)?, read_time("endsAt", &self.ends_at)?);
        if ends_at <= starts_at {
            return Err("a silence must end after it starts".to_owned());
        }
        if matchers.is_empty() {
            return Err("a silence needs at least one matcher".to_owned());
        }
        let id = self.id.filter(|id| !id.is_empty());
        Ok(NewSilence {
            id,
            matchers,
            starts_at,
            ends_at,
            created_by: self.created_by,
            comment: self.comment,
        })
    }
}

fn read_time(name: &str, text: &str) -> Result<Timestamp, String> {
    let read = text.parse::<jiff::Timestamp>();
    read.map(|at| Timestamp::from_millis(at.as_millisecond()))
        .map_err(|_| format!("{name}: {text:?} is not a time; write RFC 3339 such as 2026-11-21T03:04:05Z"))
}

impl PostedMatcher {
    fn into_matcher(self) -> Result<Matcher, String> {
        let op = match (self.is_regex, self.is_equal) {
            (false, true) => MatchOp::Equal,
            (false, false) => MatchOp::NotEqual,
            (true, true) => MatchOp::Regex,
            (true, false) => MatchOp::NotRegex,
        };
        if self.name.is_empty() {
            return Err("a matcher needs the name of a label".to_owned());
        }
        Matcher::new(op, self.name, self.value).map_err(|error| error.to_string())
    }
}
