//! Discord: 204 is taken; how long to wait after too much stands in the body, in seconds with a fraction.

use bellwether_alerts::{DiscordConfig, Part};

use super::address;
use super::answer::Reply;
use super::line::Line;
use super::request::Request;
use super::retry_after::seconds;

pub(super) async fn send(config: &DiscordConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    let request = Request::post(address::resolve(&config.address).await?).content(&part.content)?;
    let answer = line.ask(&config.http, None, request).await?;
    if answer.is_success() {
        return Ok(answer.accepted());
    }
    // https://discord.com/developers/docs/topics/rate-limits#exceeding-a-rate-limit-rate-limit-response-structure
    let json = answer.json();
    let after = json["retry_after"].as_f64().and_then(|after| seconds(&after.to_string()));
    match after {
        Some(_) => Ok(answer.refused_with(json["message"].as_str().unwrap_or(&answer.body), after)),
        None => Ok(answer.by_status()),
    }
}
