//! Webex: any 2xx means that it was taken; the token stands in `http_config`.

use bellwether_alerts::{Part, WebexConfig};

use super::answer::Reply;
use super::line::Line;
use super::request::Request;

pub(super) async fn send(config: &WebexConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    let request = Request::post(&config.api_url).content(&part.content)?;
    Ok(line.ask(&config.http, None, request).await?.by_status())
}
