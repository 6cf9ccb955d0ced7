//! A local stand-in for Slack: it accepts what would be posted there and lists what arrived.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use bellwether_model::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::clock;

/// How many messages are remembered.
const MESSAGES_MAX: usize = 1000;
const BODY_BYTES_MAX: usize = 1 << 20;

/// A message that arrived.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// When it arrived, in milliseconds since the epoch.
    pub received_at: Timestamp,
    /// The same moment for people.
    pub received_at_text: String,
    /// Names the delivery, so that a repeated attempt can be told from a second message.
    pub idempotency_key: Option<String>,
    /// What was posted.
    pub body: Value,
}

impl Message {
    /// What it says in a few lines: the title and the text of a Slack message, the alerts of a webhook's, or all of it.
    pub fn summary(&self) -> String {
        let text = |value: &Value| value.as_str().map(str::to_owned);
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
#[derive(Clone, Default)]
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

    fn push(&self, message: Message) {
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
        .route("/slack", post(accept))
        .fallback(post(accept))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(inbox);
    axum::serve(listener, router).await
}

async fn list(State(inbox): State<Inbox>) -> Json<Vec<Message>> {
    Json(inbox.messages())
}

/// Answers as Slack's incoming webhooks do: the text `ok`, or a 400 that says why.
async fn accept(State(inbox): State<Inbox>, headers: HeaderMap, body: Bytes) -> (StatusCode, &'static str) {
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return (StatusCode::BAD_REQUEST, "invalid_payload");
    };
    let received_at = clock::now();
    inbox.push(Message {
        received_at,
        received_at_text: received_at.to_string(),
        idempotency_key: headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned),
        body,
    });
    (StatusCode::OK, "ok")
}
