//! Rocket.Chat: a 200 may be a refusal; what happened stands in the body.

use bellwether_alerts::{Part, RocketchatConfig};

use super::answer::{Answer, Reply};
use super::line::Line;
use super::request::Request;

pub(super) async fn send(config: &RocketchatConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    let request = Request::post(format!("{}{}", config.api_url, part.call))
        .content(&part.content)?
        .secret_header("x-auth-token", &line.secret("token", &config.token).await?)
        .secret_header("x-user-id", &line.secret("token_id", &config.token_id).await?);
    Ok(judge(&line.ask(&config.http, None, request).await?.whole()?))
}

fn judge(answer: &Answer) -> Reply {
    let json = answer.json();
    if answer.is_success() && json["success"] == true {
        return answer.accepted();
    }
    let why = json["error"].as_str().or(json["message"].as_str()).unwrap_or(&answer.body);
    let is_limited = [why, json["errorType"].as_str().unwrap_or_default()]
        .iter()
        .any(|text| text.contains("too-many-requests"));
    match answer.is_success() {
        true if is_limited => answer.refused_as(429, why, None),
        // A page of some proxy in place of the answer may be gone next time.
        true if json.is_null() => answer.refused_as(502, why, None),
        true => answer.refused_as(400, why, None),
        false => answer.refused_with(why, None),
    }
}
