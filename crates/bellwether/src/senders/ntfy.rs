//! ntfy: published as JSON to the server's root, so that the topic stands in no address and no log.

use bellwether_alerts::{NtfyConfig, Part};

use super::answer::Reply;
use super::line::Line;
use super::request::Request;

pub(super) async fn send(config: &NtfyConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    let topic = line.secret("topic", &config.topic).await?;
    let request = Request::post(format!("{}/", config.url));
    let mut request = request.json_with_secrets(&part.content, &[("topic", &topic)])?;
    if let Some(token) = &config.token {
        request =
            request.secret_header("authorization", &format!("Bearer {}", line.secret("token", token).await?));
    }
    Ok(line.ask(&config.http, None, request).await?.by_status())
}
