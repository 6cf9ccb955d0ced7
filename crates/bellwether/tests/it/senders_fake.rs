//! A receiver on loopback that answers what a test says and keeps what it was sent.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use bellwether::senders::Senders;
use bellwether_alerts::{
    Acked, Delivery, DeliveryKey, Notification, Outcome, Reason, Receipt, Setup, render_message,
};
use bellwether_model::{Alert, Labels, TimeDelta, Timestamp};
use serde_json::Value;

use crate::told;

/// What a fake was sent.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// What a fake answers.
#[derive(Clone, Debug)]
pub(crate) struct Says {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

pub(crate) fn says(status: u16, body: impl Into<String>) -> Says {
    Says { status, headers: Vec::new(), body: body.into() }
}

impl Says {
    pub(crate) fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    answers: Arc<Mutex<VecDeque<Says>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        bellwether::install_tls();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fake = Self { address, answers: Arc::default(), seen: Arc::default() };
        let app = Router::new().fallback(answer).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        fake
    }

    /// It answers these, one after another, and then 200 with `ok`, or what Slack answers an app.
    pub(crate) fn will_say(&self, answers: impl IntoIterator<Item = Says>) {
        self.answers.lock().unwrap().extend(answers);
    }

    /// All that it was sent since it was asked last.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

async fn answer(
    State(fake): State<Fake>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<String> {
    let body = String::from_utf8(body.to_vec()).unwrap();
    fake.seen.lock().unwrap().push(Seen { method, uri: uri.clone(), headers, body });
    let usual = match uri.path().contains("/chat.") {
        true => says(200, "{\"ok\":true,\"ts\":\"1.5\",\"channel\":\"C1\"}")
            .with("content-type", "application/json"),
        false => says(200, "ok"),
    };
    let says = fake.answers.lock().unwrap().pop_front().unwrap_or(usual);
    let mut response = Response::new(says.body);
    *response.status_mut() = StatusCode::from_u16(says.status).unwrap();
    for (name, value) in says.headers {
        response.headers_mut().insert(name, HeaderValue::from_str(&value).unwrap());
    }
    response
}

/// A server with one receiver, `a`, that has this integration.
pub(crate) fn setup(integration: &str) -> Setup {
    let yaml = format!(
        "route: {{receiver: a, group_by: [job], group_wait: 0s}}\nreceivers:\n  - name: a\n    {integration}\n"
    );
    told::setup_of(&yaml)
}

/// The delivery of a first alert.
pub(crate) fn delivery(setup: &Setup) -> Delivery {
    let alert = Alert {
        labels: Labels::from_pairs([("alertname", "SlowLogin"), ("job", "login")]),
        annotations: Labels::from_pairs([("summary", "logins are slow")]),
        starts_at: Timestamp(0),
        ends_at: None,
        generator_url: String::new(),
    };
    told::delivery(setup, alert)
}

/// What follows it in the same conversation.
pub(crate) fn next(setup: &Setup, before: &Delivery, outcome: &Outcome, reason: Reason) -> Delivery {
    let acked = Acked { by: vec!["ann".to_owned()], note: "mine".to_owned(), at: Timestamp(0), until: None };
    let mut said = Notification { reason, ..(*before.notification).clone() };
    said.acked_by = (reason == Reason::Acknowledged).then_some(acked);
    if reason == Reason::AllResolved {
        for notified in &mut said.alerts {
            notified.status = bellwether_alerts::Status::Resolved;
            notified.alert.ends_at = Some(Timestamp::from_secs(60));
        }
    }
    let message =
        render_message(setup, &before.integration, &mut said, &outcome.thread, Timestamp::from_secs(60));
    Delivery {
        key: DeliveryKey(format!("{}-{}", before.key, reason.as_str())),
        reason,
        notification: Arc::new(said),
        message: Arc::new(message),
        parts_accepted: 0,
        thread: outcome.thread.clone(),
        ..before.clone()
    }
}

/// Sends a first message with these settings.
pub(crate) async fn send(integration: &str) -> Outcome {
    let setup = setup(integration);
    let delivery = delivery(&setup);
    Senders::new(setup).send(delivery).await
}

pub(crate) fn refused(status: u16, body: &str, retry_after_s: Option<i64>) -> Receipt {
    Receipt::Refused { status, body: body.to_owned(), retry_after: retry_after_s.map(TimeDelta::from_secs) }
}
