//! Telegram: whether a message was taken stands in the body, and so does how long to wait.

use bellwether_alerts::{Content, Part, TelegramChat, TelegramConfig};
use bellwether_model::TimeDelta;
use serde_json::Value;

use super::answer::{Answer, Reply};
use super::line::Line;
use super::request::Request;
use crate::http::Unsendable;
use crate::http::read_secret_file;

pub(super) async fn send(config: &TelegramConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    let token = line.secret("bot_token", &config.token).await?;
    let address = format!("{}/bot{token}/{}", config.api_url, part.call);
    let content = match &config.chat {
        TelegramChat::Id(_) => part.content.clone(),
        TelegramChat::File(path) => with_chat(&part.content, path).await?,
    };
    let request = Request::post(address).content(&content)?.hide(token);
    Ok(judge(&line.ask(&config.http, None, request).await?.whole()?))
}

/// The chat is a number, which the recorded message does not have.
async fn with_chat(content: &Content, path: &str) -> Result<Content, Unsendable> {
    let text = read_secret_file(path).await?;
    let id: i64 = text.parse().map_err(|_| Unsendable(format!("{path} holds no number of a chat")))?;
    let mut body: Value = serde_json::from_str(content.text()).unwrap_or_default();
    let object = body.as_object_mut();
    let object = object.ok_or_else(|| Unsendable("the recorded message is no JSON object".to_owned()))?;
    object.insert("chat_id".to_owned(), id.into());
    Ok(Content::Json(body.to_string()))
}

/// https://core.telegram.org/bots/api#making-requests
fn judge(answer: &Answer) -> Reply {
    let json = answer.json();
    if answer.is_success() && json["ok"] == true {
        return answer.accepted();
    }
    let after = json["parameters"]["retry_after"].as_i64().filter(|s| (0..=86_400).contains(s));
    let after = after.map(TimeDelta::from_secs);
    let why = json["description"].as_str().unwrap_or(&answer.body);
    let status = json["error_code"].as_u64().and_then(|code| u16::try_from(code).ok());
    match status.filter(|_| answer.is_success()) {
        Some(status) => answer.refused_as(status, why, after),
        // A page of some proxy in place of Telegram's answer: it may be gone next time.
        None if answer.is_success() => answer.refused_as(502, why, after),
        None => answer.refused_with(why, after),
    }
}
