//! A local stand-in for whoever is told of alerts: it takes what would be posted to Slack, PagerDuty or a ticket system,
//! answers as they do, and lists what arrived. What comes by mail ([`super::mail_sink`]) goes into the same list.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bellwether_model::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::clock;

/// How many messages are remembered.
const MESSAGES_MAX: usize = 1000;
pub(super) const BODY_BYTES_MAX: usize = 1 << 20;
const PATH_CHARS_MAX: usize = 200;

/// A message that arrived.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// When it arrived, in milliseconds since the epoch.
    pub received_at: Timestamp,
    /// The same moment for people.
    pub received_at_text: String,
    /// Whom it was meant for, by the address it was sent to.
    pub kind: Kind,
    /// The address's path; of a mail, who it is to.
    pub path: String,
    /// Names the delivery, so that a repeated attempt can be told from a second message.
    pub idempotency_key: Option<String>,
    /// What was posted.
    pub body: Value,
}

/// Whom a message was meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Slack's incoming webhooks, or its API.
    Slack,
    /// PagerDuty's Events API v2.
    PagerDuty,
    /// A mail server.
    Mail,
    /// Anything that takes JSON, such as a ticket system.
    Webhook,
}

impl Kind {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::PagerDuty => "pagerduty",
            Self::Mail => "mail",
            Self::Webhook => "webhook",
        }
    }

    /// By the path that was posted to.
    fn of(path: &str) -> Self {
        let has = |part: &str| path.contains(part);
        match () {
            () if has("pagerduty") || path.ends_with("/v2/enqueue") => Self::PagerDuty,
            () if has("slack") || path.starts_with("/services/") || path.starts_with("/api/chat.") => {
                Self::Slack
            }
            () => Self::Webhook,
        }
    }
}

impl Message {
    /// Something that arrived just now.
    pub(super) fn now(kind: Kind, path: &str, idempotency_key: Option<String>, body: Value) -> Self {
        let received_at = clock::now();
        let path = path.chars().take(PATH_CHARS_MAX).collect();
        Self { received_at, received_at_text: received_at.to_string(), kind, path, idempotency_key, body }
    }

    /// Whether a text is anywhere in it, as it is read and not as JSON writes it.
    pub fn says(&self, text: &str) -> bool {
        fn any(value: &Value, text: &str) -> bool {
            match value {
                Value::String(own) => own.contains(text),
                Value::Array(all) => all.iter().any(|one| any(one, text)),
                Value::Object(all) => all.values().any(|one| any(one, text)),
                Value::Null | Value::Bool(_) | Value::Number(_) => false,
            }
        }
        any(&self.body, text)
    }

    /// What it says in a few lines: the title and the text of a Slack message, the summary of an event, the subject of a
    /// mail, the alerts of a webhook's, or all of it.
    pub fn summary(&self) -> String {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match self.kind {
            Kind::PagerDuty => {
                let action = text(&self.body["event_action"]).unwrap_or_default();
                let what = text(&self.body["payload"]["summary"]).or_else(|| text(&self.body["dedup_key"]));
                return format!("[{action}] {}", what.unwrap_or_default());
            }
            Kind::Mail => {
                let subject = text(&self.body["subject"]).unwrap_or_default();
                return format!("mail to {}: {subject}", self.path);
            }
            Kind::Slack | Kind::Webhook => {}
        }
        let attachment = &self.body["attachments"][0];
        if let Some(title) = text(&attachment["title"]).or_else(|| text(&self.body["text"])) {
            return [Some(title), text(&attachment["text"])]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join("\n");
        }
        let alerts = self.body["alerts"].as_array().into_iter().flatten();
        let line = |alert: &Value| {
            let status = text(&alert["status"]).unwrap_or_default();
            let name = text(&alert["labels"]["alertname"]).unwrap_or_default();
            let summary =
                text(&alert["annotations"]["summary"]).or_else(|| text(&alert["annotations"]["description"]));
            format!("[{status}] {name}: {}", summary.unwrap_or_default())
        };
        let lines: Vec<String> = alerts.map(line).collect();
        if lines.is_empty() { self.body.to_string() } else { lines.join("\n") }
    }
}

/// What has arrived so far, and who is told of each message.
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    messages: Arc<Mutex<VecDeque<Message>>>,
    on_message: Option<fn(&Message)>,
}

impl Inbox {
    /// One that hands on each message as it arrives.
    pub fn telling(on_message: fn(&Message)) -> Self {
        Self { on_message: Some(on_message), ..Self::default() }
    }

    /// Oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(super) fn push(&self, message: Message) {
        if let Some(tell) = self.on_message {
            tell(&message);
        }
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        if messages.len() == MESSAGES_MAX {
            messages.pop_front();
        }
        messages.push_back(message);
    }
}

/// Listens until the process ends.
pub async fn serve(listener: TcpListener, inbox: Inbox) -> std::io::Result<()> {
    let router = Router::new()
        .route("/messages", get(list))
        .fallback(post(accept))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(inbox);
    axum::serve(listener, router).await
}

async fn list(State(inbox): State<Inbox>) -> Json<Vec<Message>> {
    Json(inbox.messages())
}

/// Answers as whoever it was meant for does.
async fn accept(State(inbox): State<Inbox>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let kind = Kind::of(uri.path());
    let body = match serde_json::from_slice::<Value>(&body) {
        Ok(body) => body,
        Err(_) => return refusal(kind, "invalid_payload"),
    };
    if let Err(why) = examined(kind, &body) {
        return refusal(kind, why);
    }
    let answer = answer(kind, uri.path(), &body);
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    inbox.push(Message::now(kind, uri.path(), key, body));
    answer
}

/// What each of them refuses.
fn examined(kind: Kind, body: &Value) -> Result<(), &'static str> {
    match kind {
        Kind::Slack if ["text", "attachments", "blocks"].iter().all(|part| body[part].is_null()) => {
            Err("no_text")
        }
        Kind::PagerDuty if body["routing_key"].as_str().is_none_or(str::is_empty) => {
            Err("'routing_key' is missing or blank")
        }
        Kind::PagerDuty
            if !matches!(body["event_action"].as_str(), Some("trigger" | "acknowledge" | "resolve")) =>
        {
            Err("'event_action' is missing or invalid")
        }
        Kind::Slack | Kind::PagerDuty | Kind::Mail | Kind::Webhook => Ok(()),
    }
}

fn answer(kind: Kind, path: &str, body: &Value) -> Response {
    match kind {
        // The API names the message, so that it can be changed later.
        Kind::Slack if path.contains("/chat.") => {
            let now = clock::now().0;
            let ts = format!("{}.{:03}000", now / 1000, now.rem_euclid(1000));
            Json(json!({ "ok": true, "channel": body["channel"], "ts": ts })).into_response()
        }
        Kind::PagerDuty => {
            let answer = json!({
                "status": "success", "message": "Event processed", "dedup_key": body["dedup_key"],
            });
            (StatusCode::ACCEPTED, Json(answer)).into_response()
        }
        Kind::Slack | Kind::Mail | Kind::Webhook => "ok".into_response(),
    }
}

fn refusal(kind: Kind, why: &'static str) -> Response {
    match kind {
        Kind::PagerDuty => {
            let answer =
                json!({ "status": "invalid event", "message": "Event object is invalid", "errors": [why] });
            (StatusCode::BAD_REQUEST, Json(answer)).into_response()
        }
        Kind::Slack | Kind::Mail | Kind::Webhook => (StatusCode::BAD_REQUEST, why).into_response(),
    }
}
