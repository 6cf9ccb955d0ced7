//! One HTTP client per integration, built from its settings.

use std::time::Duration;

use bellwether_alerts::HttpConfig;
use reqwest::redirect::{Attempt, Policy};

use super::Unsendable;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often an answer may point elsewhere.
const REDIRECTS_MAX: usize = 5;

pub(super) async fn build(http: &HttpConfig) -> Result<reqwest::Client, Unsendable> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("Bellwether/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(if http.follow_redirects { Policy::custom(follow) } else { Policy::none() })
        .tls_danger_accept_invalid_certs(http.tls.insecure_skip_verify);
    builder = match &http.proxy_url {
        Some(url) => {
            let proxy =
                reqwest::Proxy::all(url).map_err(|_| Unsendable("proxy_url is not an address".to_owned()))?;
            builder.proxy(proxy)
        }
        // The environment is not consulted: where alerts go must be readable in the configuration.
        None => builder.no_proxy(),
    };
    if let Some(path) = &http.tls.ca_file {
        let text = tokio::fs::read(path).await;
        let text = text.map_err(|error| Unsendable(format!("ca_file {path} cannot be read: {error}")))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&text);
        let certificates =
            certificates.map_err(|_| Unsendable(format!("ca_file {path} holds no certificate")))?;
        builder = builder.tls_certs_only(certificates);
    }
    builder
        .build()
        .map_err(|error| Unsendable(format!("the HTTP client cannot be built: {}", error.without_url())))
}

/// Only 307 and 308 repeat the message at the new place. Any other redirect would turn it into a GET without a body,
/// and the new place's 200 would be taken for "heard".
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let repeats_body = matches!(attempt.status().as_u16(), 307 | 308);
    let downgrades = attempt.previous().last().is_some_and(|from| from.scheme() == "https")
        && attempt.url().scheme() != "https";
    match repeats_body && !downgrades && attempt.previous().len() <= REDIRECTS_MAX {
        true => attempt.follow(),
        false => attempt.stop(),
    }
}
