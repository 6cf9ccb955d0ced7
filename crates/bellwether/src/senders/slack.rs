//! Slack: whether a message was taken stands in the body, whatever the status says. An app's message can be changed while
//! it is there; one that somebody has deleted is posted anew.

use bellwether_alerts::{Content, Part, SecretSource, SlackConfig, SlackWay, Status, Thread};
use serde_json::{Map, Value};

use super::address;
use super::answer::{Answer, Reply};
use super::line::Line;
use super::request::Request;
use crate::http::Unsendable;

const POST: &str = "chat.postMessage";
const UPDATE: &str = "chat.update";
/// Of more alerts it is not kept which ones were told of; the thread then counts them only.
const FIRING_KEPT_MAX: usize = 100;
/// What Slack says when it has too much to do.
const LIMITED: [&str; 3] = ["ratelimited", "rate_limited", "message_limit_exceeded"];
/// What it says when something of its own is wrong, which passes.
const TROUBLED: [&str; 6] = [
    "internal_error",
    "service_unavailable",
    "fatal_error",
    "request_timeout",
    "server_error",
    "rollup_error",
];
/// What it says when there is no message to change any more, or none that may be changed.
const GONE: [&str; 4] =
    ["message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"];

pub(super) async fn send(config: &SlackConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    match &config.way {
        SlackWay::Webhook(address) => {
            let request = Request::post(address::resolve(address).await?).content(&part.content)?;
            Ok(judge(&line.ask(&config.http, config.timeout, request).await?.whole()?))
        }
        SlackWay::App { post, token } => {
            let app = App { config, post: address::resolve(post).await?, token: token.as_ref(), line };
            app.send(part).await
        }
    }
}

/// An incoming webhook answers `ok`, or why not in a word; compatible servers answer JSON. Anything else does not come
/// from Slack, but from something in between that may be gone next time.
fn judge(answer: &Answer) -> Reply {
    if !answer.is_success() {
        return answer.refused();
    }
    let json = answer.json();
    let body = answer.body.trim();
    match (body, &json) {
        ("ok", _) => answer.accepted(),
        (_, Value::Object(said)) => judge_error(answer, said),
        _ if !body.is_empty() && body.chars().all(|c| c.is_ascii_alphanumeric() || "_ -.".contains(c)) => {
            refused_word(answer, body)
        }
        _ => answer.refused_as(502, body, None),
    }
}

fn judge_error(answer: &Answer, said: &Map<String, Value>) -> Reply {
    match said.get("ok").and_then(Value::as_bool) {
        Some(true) => answer.accepted(),
        Some(false) => refused_word(answer, said.get("error").and_then(Value::as_str).unwrap_or("no reason")),
        None => answer.refused_as(502, &answer.body, None),
    }
}

fn refused_word(answer: &Answer, word: &str) -> Reply {
    match word {
        word if LIMITED.contains(&word) => answer.refused_as(429, word, None),
        word if TROUBLED.contains(&word) => answer.refused_as(503, word, None),
        word => answer.refused_with(word, None),
    }
}

/// An app, and what it is about to say.
struct App<'a> {
    config: &'a SlackConfig,
    /// The address of the call that posts.
    post: String,
    token: Option<&'a SecretSource>,
    line: &'a Line<'a>,
}

impl App<'_> {
    async fn send(&self, part: &Part) -> Result<Reply, Reply> {
        let mut body = object(&part.content)?;
        if body.contains_key("thread_ts") {
            // The message may have been posted anew since this was written down.
            for (field, name) in [("thread_ts", "ts"), ("channel", "channel")] {
                body.extend(
                    self.line.thread.get(name).map(|value| (field.to_owned(), value.as_str().into())),
                );
            }
            return Ok(self.reply(&self.call(POST, &body).await?));
        }
        if part.call == UPDATE {
            let answer = self.call(UPDATE, &body).await?;
            let error = answer.json()["error"].as_str().map(str::to_owned).unwrap_or_default();
            if !GONE.contains(&error.as_str()) {
                return Ok(self.told(&answer, &body));
            }
            body.remove("ts");
            if let Some(asked) = self.line.thread.get("asked").filter(|asked| !asked.is_empty()) {
                body.insert("channel".into(), asked.as_str().into());
            }
        }
        let answer = self.call(POST, &body).await?;
        Ok(self.told(&answer, &body))
    }

    async fn call(&self, call: &str, body: &Map<String, Value>) -> Result<Answer, Reply> {
        let text = Value::Object(body.clone()).to_string();
        let mut request =
            Request::post(call_url(&self.post, call)).body("application/json; charset=utf-8", text);
        if let Some(token) = self.token {
            let token = self.line.secret("app_token", token).await?;
            request = request.hide(&token).header("authorization", &format!("Bearer {token}"));
        }
        self.line.ask(&self.config.http, self.config.timeout, request).await?.whole()
    }

    /// Of a message: where it stands is kept, so that it can be changed.
    fn told(&self, answer: &Answer, body: &Map<String, Value>) -> Reply {
        let reply = self.reply(answer);
        let json = answer.json();
        let is_taken = answer.is_success() && json["ok"] == true;
        if !is_taken || !self.config.update_message {
            return reply;
        }
        let mut thread = Thread::new();
        for name in ["ts", "channel"] {
            thread.extend(json[name].as_str().map(|value| (name.to_owned(), value.to_owned())));
        }
        if !body.contains_key("ts") {
            let asked = body.get("channel").and_then(Value::as_str).unwrap_or_default();
            thread.insert("asked".to_owned(), asked.to_owned());
        }
        thread.insert("firing".to_owned(), self.firing());
        Reply { thread, ..reply }
    }

    fn reply(&self, answer: &Answer) -> Reply {
        match answer.json() {
            _ if !answer.is_success() => answer.refused(),
            Value::Object(said) => judge_error(answer, &said),
            _ => answer.refused_as(502, &answer.body, None),
        }
    }

    /// What fires in this message, by fingerprint; a star when it is too much to keep.
    fn firing(&self) -> String {
        let firing = self.line.delivery.notification.with_status(Status::Firing);
        let firing: Vec<String> = firing.map(|alert| alert.fingerprint().to_string()).collect();
        if firing.len() > FIRING_KEPT_MAX { "*".to_owned() } else { firing.join(" ") }
    }
}

fn object(content: &Content) -> Result<Map<String, Value>, Unsendable> {
    let parsed = match content {
        Content::Json(text) => serde_json::from_str(text).ok(),
        Content::Text { .. } | Content::Form(_) | Content::Mail(_) => None,
    };
    match parsed {
        Some(Value::Object(body)) => Ok(body),
        Some(_) | None => Err(Unsendable("the recorded message is no JSON object".to_owned())),
    }
}

/// A call beside the one that posts; servers of one's own may have that one at any address.
fn call_url(post: &str, call: &str) -> String {
    if call == POST {
        return post.to_owned();
    }
    let beside = post.split(['?', '#']).next().unwrap_or_default();
    let beside = beside.strip_suffix(POST).unwrap_or(beside);
    format!("{}/{call}", beside.trim_end_matches('/'))
}
