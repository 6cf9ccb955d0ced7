//! Silences: listed, made, changed and ended as in Alertmanager. A silence is on disk before the answer that names it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use axum::extract::{Path, RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bellwether_model::{MatchOp, Matcher, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::answer::{MISSING, Refusal, TOO_FEW, WRONG_FORMAT, demand_json, json_answer};
use super::params::Params;
use super::time::Rfc3339;
use crate::go_time::GoTime;
use crate::view::{NewSilence, Refused, SilenceState, SilenceView};
use crate::{Shared, body};

pub(super) async fn silences(State(app): State<Shared>, RawQuery(query): RawQuery) -> Response {
    match chosen(&app, &Params::of(query.as_deref())) {
        Ok(silences) => {
            let shown: Vec<_> = silences.iter().map(SilenceJson::of).collect();
            json_answer(StatusCode::OK, &shown)
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// The silences that parameters ask for: active ones that end first, then pending ones that start first, then expired
/// ones that ended last.
pub(super) fn chosen(app: &Shared, params: &Params) -> Result<Vec<SilenceView>, Refusal> {
    let filter = params.matchers("filter")?;
    let mut silences = app.silences();
    // A filter asks for silences that have these very matchers.
    silences.retain(|silence| {
        params.switch(state_word(silence.state)) && filter.iter().all(|ask| silence.matchers.contains(ask))
    });
    silences.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| a.id.cmp(&b.id)));
    Ok(silences)
}

fn order(silence: &SilenceView) -> (u8, Timestamp, Reverse<Timestamp>) {
    let none = Timestamp::MIN;
    match silence.state {
        SilenceState::Active => (1, silence.ends_at, Reverse(none)),
        SilenceState::Pending => (2, silence.starts_at, Reverse(none)),
        SilenceState::Expired => (3, none, Reverse(silence.ends_at)),
    }
}

const fn state_word(state: SilenceState) -> &'static str {
    match state {
        SilenceState::Active => "active",
        SilenceState::Pending => "pending",
        SilenceState::Expired => "expired",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SilenceJson<'a> {
    id: &'a str,
    status: StateJson,
    updated_at: Rfc3339,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
    comment: &'a str,
    created_by: &'a str,
    ends_at: Rfc3339,
    matchers: Vec<MatcherJson<'a>>,
    starts_at: Rfc3339,
}

#[derive(Serialize)]
struct StateJson {
    state: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MatcherJson<'a> {
    is_equal: bool,
    is_regex: bool,
    name: &'a str,
    value: &'a str,
}

impl<'a> SilenceJson<'a> {
    pub(super) fn of(silence: &'a SilenceView) -> Self {
        Self {
            id: &silence.id,
            status: StateJson { state: state_word(silence.state) },
            updated_at: Rfc3339(silence.updated_at),
            annotations: &silence.annotations,
            comment: &silence.comment,
            created_by: &silence.created_by,
            ends_at: Rfc3339(silence.ends_at),
            matchers: silence.matchers.iter().map(MatcherJson::of).collect(),
            starts_at: Rfc3339(silence.starts_at),
        }
    }
}

impl<'a> MatcherJson<'a> {
    fn of(matcher: &'a Matcher) -> Self {
        let (is_equal, is_regex) = match matcher.op {
            MatchOp::Equal => (true, false),
            MatchOp::NotEqual => (false, false),
            MatchOp::Regex => (true, true),
            MatchOp::NotRegex => (false, true),
        };
        Self { is_equal, is_regex, name: &matcher.name, value: &matcher.value }
    }
}

/// Silences as `amtool silence query -o json` writes them and `amtool silence import` reads them.
pub(crate) fn as_posted(silences: &[SilenceView]) -> impl Serialize {
    silences.iter().map(SilenceJson::of).collect::<Vec<_>>()
}

/// A silence by its identity.
pub(super) fn find(app: &Shared, id: &str) -> Option<SilenceView> {
    app.silences().into_iter().find(|silence| silence.id == id)
}

/// Thirty-two hexadecimal digits, with or without dashes.
fn demand_uuid(id: &str) -> Result<(), Refusal> {
    let digits: Vec<usize> = id.split('-').map(str::len).collect();
    let is_uuid = (digits == [8, 4, 4, 4, 12] || digits == [32])
        && id.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    match is_uuid {
        true => Ok(()),
        false => Err(Refusal::Coded(WRONG_FORMAT, format!("silenceID in path must be of type uuid: {id:?}"))),
    }
}

pub(super) async fn silence(State(app): State<Shared>, Path(id): Path<String>) -> Response {
    match (demand_uuid(&id), find(&app, &id)) {
        (Err(refusal), _) => refusal.into_response(),
        (Ok(()), Some(silence)) => json_answer(StatusCode::OK, &SilenceJson::of(&silence)),
        (Ok(()), None) => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(super) async fn expire(State(app): State<Shared>, Path(id): Path<String>) -> Response {
    if let Err(refusal) = demand_uuid(&id) {
        return refusal.into_response();
    }
    match expire_if_needed(&app, id).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(Refused::NotFound(_)) => StatusCode::NOT_FOUND.into_response(),
        Err(refused) => Refusal::from(refused).into_response(),
    }
}

/// Ends a silence; one that is over stays so.
pub(super) async fn expire_if_needed(app: &Shared, id: String) -> Result<(), Refused> {
    if find(app, &id).is_some_and(|silence| silence.state == SilenceState::Expired) {
        return Ok(());
    }
    app.expire_silence(id).await
}

/// A silence as clients post it. Unknown fields are skipped, as Alertmanager skips them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PostedSilence {
    id: Option<String>,
    matchers: Option<Vec<PostedMatcher>>,
    #[serde(default)]
    starts_at: Option<GoTime>,
    #[serde(default)]
    ends_at: Option<GoTime>,
    created_by: Option<String>,
    comment: Option<String>,
    /// A value that is null is the empty text, as Go reads it.
    annotations: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostedMatcher {
    name: Option<String>,
    value: Option<String>,
    is_regex: Option<bool>,
    is_equal: Option<bool>,
}

pub(super) async fn add(State(app): State<Shared>, request: Request) -> Response {
    match take(&app, request).await {
        Ok(id) => json_answer(StatusCode::OK, &json!({ "silenceID": id })),
        Err(refusal) => refusal.into_response(),
    }
}

async fn take(app: &Shared, request: Request) -> Result<String, Refusal> {
    demand_json(request.headers())?;
    let whole = body::read(request.into_body()).await?;
    let silence = new_silence(&whole.bytes, app.now())?;
    Ok(app.add_silence(silence).await?)
}

/// The silence that a body asks for, if nothing is missing in it.
pub(super) fn new_silence(body: &[u8], now: Timestamp) -> Result<NewSilence, Refusal> {
    let posted = read(body)?;
    posted.demand_fields()?;
    posted.into_new(now)
}

/// Reads a body.
pub(super) fn read(body: &[u8]) -> Result<PostedSilence, Refusal> {
    serde_json::from_slice(body)
        .map_err(|why| Refusal::Coded(400, format!("the body is not a silence: {why}")))
}

impl PostedSilence {
    /// Everything that must be there; the names are looked at in the order in which Alertmanager does.
    fn demand_fields(&self) -> Result<(), Refusal> {
        let required = |field: &str| Err(Refusal::Coded(MISSING, format!("{field} in body is required")));
        match self {
            Self { comment: None, .. } => required("comment"),
            Self { created_by: None, .. } => required("createdBy"),
            Self { ends_at: None, .. } => required("endsAt"),
            Self { matchers: None, .. } => required("matchers"),
            Self { matchers: Some(matchers), .. } if matchers.is_empty() => {
                Err(Refusal::Coded(TOO_FEW, "matchers in body should have at least 1 items".to_owned()))
            }
            Self { matchers: Some(matchers), starts_at, .. } => {
                for (index, matcher) in matchers.iter().enumerate() {
                    let missing = matcher.missing_field().map(|name| format!("matchers.{index}.{name}"));
                    missing.map_or(Ok(()), |field| required(&field))?;
                }
                if starts_at.is_none() { required("startsAt") } else { Ok(()) }
            }
        }
    }

    /// Whether it has ended already.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.ends_at.and_then(|at| at.0).is_some_and(|end| end <= now)
    }

    /// The silence that is asked for. A start that is missing is now.
    pub(crate) fn into_new(self, now: Timestamp) -> Result<NewSilence, Refusal> {
        let matchers: Result<Vec<_>, _> = self
            .matchers
            .unwrap_or_default()
            .into_iter()
            .enumerate()
            .map(PostedMatcher::into_matcher)
            .collect();
        let starts_at = self.starts_at.and_then(|at| at.0).unwrap_or(now);
        let ends_at = self.ends_at.and_then(|at| at.0).unwrap_or(Timestamp::MIN);
        let refuse = |why: &str| Err(Refusal::bad(format!("failed to create silence: {why}")));
        if ends_at <= starts_at {
            return refuse("start time must be before end time");
        }
        if ends_at < now {
            return refuse("end time can't be in the past");
        }
        let annotations = self.annotations.unwrap_or_default().into_iter();
        Ok(NewSilence {
            id: self.id.filter(|id| !id.is_empty()),
            matchers: matchers?,
            starts_at,
            ends_at,
            created_by: self.created_by.unwrap_or_default(),
            comment: self.comment.unwrap_or_default(),
            annotations: annotations.map(|(name, value)| (name, value.unwrap_or_default())).collect(),
        })
    }
}

impl PostedMatcher {
    fn missing_field(&self) -> Option<&'static str> {
        match self {
            Self { is_regex: None, .. } => Some("isRegex"),
            Self { name: None, .. } => Some("name"),
            Self { value: None, .. } => Some("value"),
            Self { is_equal: _, name: Some(_), value: Some(_), is_regex: Some(_) } => None,
        }
    }

    fn into_matcher((index, posted): (usize, Self)) -> Result<Matcher, Refusal> {
        let op = match (posted.is_regex.unwrap_or(false), posted.is_equal.unwrap_or(true)) {
            (false, true) => MatchOp::Equal,
            (false, false) => MatchOp::NotEqual,
            (true, true) => MatchOp::Regex,
            (true, false) => MatchOp::NotRegex,
        };
        let refuse =
            |why: String| Refusal::bad(format!("invalid silence: invalid label matcher {index}: {why}"));
        match posted.name.filter(|name| !name.is_empty()) {
            None => Err(refuse("invalid label name \"\"".to_owned())),
            Some(name) => Matcher::new(op, name, posted.value.unwrap_or_default())
                .map_err(|error| refuse(error.to_string())),
        }
    }
}
