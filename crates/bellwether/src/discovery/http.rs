//! `http_sd_configs`: targets that a server names. One that cannot be reached, or says what nobody understands, keeps
//! the targets it named before.

use bellwether_ingest::TargetGroup;
use bellwether_model::TimeDelta;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request, StatusCode, Url};

use super::core::{Found, Part};
use super::{TARGETS_BYTES_MAX, with_place};
use crate::config::prometheus::HttpDiscovery;
use crate::http::Unsendable;
use crate::http::client::{Client, NoAnswer};
use crate::http::redact::{Hidden, describe};

/// Which address a target was named by.
const URL: &str = "__meta_url";
/// How often the server is asked.
const REFRESH_INTERVAL: &str = "x-prometheus-refresh-interval-seconds";
/// The longest an answer may take.
const TIMEOUT_MAX: TimeDelta = TimeDelta::MINUTE;

/// Asks the server.
pub(crate) async fn ask(discovery: &HttpDiscovery, client: &Client) -> Vec<Part> {
    let timeout = discovery.refresh_interval.min(TIMEOUT_MAX);
    let asked = tokio::time::timeout(timeout.to_std(), fetch(discovery, client)).await;
    let asked = asked.unwrap_or_else(|_| Err(format!("no complete answer within {timeout}")));
    let found = match asked.and_then(|bytes| TargetGroup::list_json(&bytes)) {
        Ok(groups) => Found::Groups(with_place(groups, URL, &discovery.url), None),
        Err(why) => Found::Failed(why),
    };
    vec![Part { name: discovery.url.clone(), found }]
}

async fn fetch(discovery: &HttpDiscovery, client: &Client) -> Result<Vec<u8>, String> {
    let mut hidden = Hidden::default();
    let url = Url::parse(&discovery.url).map_err(|_| "the address is none".to_owned())?;
    let mut request = Request::new(Method::GET, url);
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    let seconds = HeaderValue::from_str(&discovery.refresh_interval.as_secs_f64().to_string());
    request.headers_mut().insert(REFRESH_INTERVAL, seconds.map_err(|error| error.to_string())?);
    let mut response = client.send(request, &mut hidden).await.map_err(|why| match why {
        NoAnswer::Unsendable(Unsendable(why)) => hidden.line(&why),
        NoAnswer::Broken(error) => describe(error, &hidden),
    })?;
    if response.status() != StatusCode::OK {
        return Err(format!("server returned HTTP status {}", response.status()));
    }
    let content_type = response.headers().get(CONTENT_TYPE).map(|value| value.as_bytes().to_vec());
    let content_type = String::from_utf8_lossy(&content_type.unwrap_or_default()).into_owned();
    if !is_json(&content_type) {
        return Err(format!("unsupported content type {content_type:?}"));
    }
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| describe(error, &hidden))? {
        if bytes.len() as u64 + piece.len() as u64 > TARGETS_BYTES_MAX {
            return Err(format!("the answer is larger than {TARGETS_BYTES_MAX} bytes"));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// JSON, in UTF-8 if it says.
fn is_json(content_type: &str) -> bool {
    let lower = content_type.trim().to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("application/json") else { return false };
    let parameter = rest.strip_prefix(';').map(str::trim_start);
    rest.is_empty() || matches!(parameter, Some("charset=utf-8" | "charset=\"utf-8\""))
}
