//! incident.io: any 2xx means that it was taken; with too much it answers 429.

use bellwether_alerts::{IncidentioConfig, Part};

use super::address;
use super::answer::Reply;
use super::line::Line;
use super::request::Request;

pub(super) async fn send(config: &IncidentioConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    let mut request = Request::post(address::resolve(&config.address).await?).content(&part.content)?;
    if let Some(token) = &config.token {
        let token = line.secret("alert_source_token", token).await?;
        request = request.secret_header("authorization", &format!("Bearer {token}")).hide(token);
    }
    let answer = line.ask(&config.http, config.timeout, request).await?;
    if answer.is_success() {
        return Ok(answer.accepted());
    }
    let json = answer.json();
    match json["message"].as_str().or(json["error"].as_str()) {
        Some(why) => Ok(answer.refused_with(why, None)),
        None => Ok(answer.by_status()),
    }
}
