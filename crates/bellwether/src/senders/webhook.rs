//! A generic webhook: any 2xx means that it was taken.

use bellwether_alerts::{Part, WebhookConfig};

use super::address;
use super::answer::Reply;
use super::line::Line;
use super::request::Request;

pub(super) async fn send(config: &WebhookConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    let request = Request::post(address::resolve(&config.address).await?).content(&part.content)?;
    Ok(line.ask(&config.http, config.timeout, request).await?.by_status())
}
