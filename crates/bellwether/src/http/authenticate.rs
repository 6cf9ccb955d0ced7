//! Who a request says it is. A file with a secret is read at every request, so that a rotated one needs no restart.

use bellwether_alerts::{Auth, SecretSource};

use super::redact::Hidden;
use super::{Unsendable, read_secret_file};
use crate::base64;

/// What the header `Authorization` says. The secret in it is added to what is hidden.
pub(crate) async fn credentials(
    auth: Option<&Auth>,
    hidden: &mut Hidden,
) -> Result<Option<String>, Unsendable> {
    match auth {
        None => Ok(None),
        Some(Auth::Basic { username, password }) => {
            let (username, password) = (optional(username).await?, optional(password).await?);
            let header = basic(&username, &password);
            hidden.add(&password);
            hidden.add(header.trim_start_matches("Basic "));
            Ok(Some(header))
        }
        Some(Auth::Authorization { scheme, credentials }) => {
            let credentials = optional(credentials).await?;
            hidden.add(&credentials);
            Ok(Some(format!("{scheme} {credentials}").trim().to_owned()))
        }
    }
}

/// User and password as a header says them. RFC 7617.
pub(crate) fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", base64::encode(format!("{username}:{password}").as_bytes()))
}

async fn optional(source: &Option<SecretSource>) -> Result<String, Unsendable> {
    match source {
        None => Ok(String::new()),
        Some(source) => secret(source).await,
    }
}

/// The secret itself, for the request that needs it.
pub(crate) async fn secret(source: &SecretSource) -> Result<String, Unsendable> {
    match source {
        SecretSource::Inline(secret) => Ok(secret.expose().to_owned()),
        SecretSource::File(path) => read_secret_file(path).await,
    }
}
