//! Opsgenie and Jira Service Management: the call stands in the part, the key in a header.

use bellwether_alerts::{OpsgenieConfig, Part};
use reqwest::Method;

use super::answer::Reply;
use super::line::Line;
use super::request::Request;

pub(super) async fn send(config: &OpsgenieConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    let key = line.secret("api_key", &config.key).await?;
    let request = Request::new(method(&part.call), format!("{}{}", config.url, part.call))
        .content(&part.content)?
        .hide(&key)
        .header("authorization", &format!("GenieKey {key}"));
    Ok(line.ask(&config.http, None, request).await?.by_status())
}

/// A field of an alert is put, everything else is posted.
fn method(call: &str) -> Method {
    let path = call.split('?').next().unwrap_or_default();
    match path.rsplit('/').next() {
        Some("message" | "description") => Method::PUT,
        Some(_) | None => Method::POST,
    }
}
