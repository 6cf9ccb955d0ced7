//! What we ask of others over HTTP, as `http_config` says: connections, encryption, proxies, tokens and credentials.
//! Receivers of alerts, targets and discoveries are reached in the same way, so that a setting means the same for all.

pub(crate) mod authenticate;
pub(crate) mod client;
mod pool;
mod proxy;
pub(crate) mod redact;
pub(crate) mod tls;
mod token;

/// Why a request could not be made, in words without secrets.
#[derive(Debug)]
pub(crate) struct Unsendable(pub(crate) String);

/// A secret that stands in a file of its own. It is read at every use, so that a rotated one needs no restart.
pub(crate) async fn read_secret_file(path: &str) -> Result<String, Unsendable> {
    match tokio::fs::read_to_string(path).await {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) => Err(Unsendable(format!("{path} cannot be read: {error}"))),
    }
}
