//! Who a request says it is. A file with a secret is read at every request, so that a rotated one needs no restart.

use bellwether_alerts::{Auth, HttpConfig, SecretSource};

use super::{Unsendable, address};

pub(super) async fn authenticate(
    request: reqwest::RequestBuilder,
    http: &HttpConfig,
) -> Result<reqwest::RequestBuilder, Unsendable> {
    match &http.auth {
        None => Ok(request),
        Some(Auth::Basic { username, password }) => {
            Ok(request.basic_auth(username, optional_secret(password).await?))
        }
        Some(Auth::Authorization { scheme, credentials }) => {
            let credentials = optional_secret(credentials).await?.unwrap_or_default();
            Ok(request.header("authorization", format!("{scheme} {credentials}").trim()))
        }
    }
}

async fn optional_secret(source: &Option<SecretSource>) -> Result<Option<String>, Unsendable> {
    match source {
        None => Ok(None),
        Some(source) => secret(source).await.map(Some),
    }
}

/// The secret itself, for the request that needs it.
pub(super) async fn secret(source: &SecretSource) -> Result<String, Unsendable> {
    match source {
        SecretSource::Inline(secret) => Ok(secret.expose().to_owned()),
        SecretSource::File(path) => address::read_secret_file(path).await,
    }
}
