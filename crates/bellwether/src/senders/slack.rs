//! Slack: whether a message was taken stands in the body, whatever the status says.

use bellwether_alerts::{Part, SlackConfig};

use super::address;
use super::answer::{Answer, Reply};
use super::line::Line;
use super::request::Request;

pub(super) async fn send(config: &SlackConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    let request = Request::post(address::resolve(&config.address).await?).content(&part.content)?;
    Ok(judge(&line.ask(&config.http, config.timeout, request).await?.whole()?))
}

/// An incoming webhook answers `ok`; compatible servers answer JSON.
fn judge(answer: &Answer) -> Reply {
    let is_ok = answer.body.trim() == "ok" || answer.json()["ok"].as_bool().unwrap_or(false);
    if answer.is_success() && is_ok {
        return answer.accepted();
    }
    let is_limited = ["rate_limited", "ratelimited"].iter().any(|word| answer.body.contains(word));
    match is_limited && answer.is_success() {
        true => answer.refused_as(429, &answer.body, None),
        false => answer.refused(),
    }
}
