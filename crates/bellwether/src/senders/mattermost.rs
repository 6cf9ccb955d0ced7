//! Mattermost: any 2xx means that it was taken.

use bellwether_alerts::{MattermostConfig, Part};

use super::address;
use super::answer::Reply;
use super::line::Line;
use super::request::Request;

pub(super) async fn send(config: &MattermostConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    let request = Request::post(address::resolve(&config.address).await?).content(&part.content)?;
    Ok(line.ask(&config.http, None, request).await?.by_status())
}
