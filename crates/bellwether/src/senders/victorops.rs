//! VictorOps: the key and the team stand in the address.

use bellwether_alerts::{Part, VictoropsConfig};

use super::answer::Reply;
use super::line::Line;
use super::request::Request;
use crate::http::Unsendable;

pub(super) async fn send(config: &VictoropsConfig, part: &Part, line: &Line<'_>) -> Result<Reply, Reply> {
    let key = line.secret("api_key", &config.key).await?;
    let address = address(&config.api_url, &key, &part.call)?;
    let request = Request::post(address).content(&part.content)?.hide(key);
    Ok(line.ask(&config.http, None, request).await?.by_status())
}

/// Whatever stands in key and team, they stay pieces of the path.
fn address(api_url: &str, key: &str, team: &str) -> Result<String, Unsendable> {
    let mut url =
        reqwest::Url::parse(api_url).map_err(|_| Unsendable("api_url is not an address".to_owned()))?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(key).push(team);
    }
    Ok(url.to_string())
}
