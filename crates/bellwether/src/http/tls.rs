//! Certificates and keys of `tls_config`, read with every use, so that a renewed one needs no restart.

use bellwether_alerts::{SecretSource, TlsConfig};

use super::Unsendable;

/// What the settings hold or name, in PEM.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pem {
    /// Whom to trust instead of the system's authorities.
    pub(crate) ca: Option<Vec<u8>>,
    /// Our own certificate and its key.
    pub(crate) own: Option<(Vec<u8>, Vec<u8>)>,
}

impl std::fmt::Debug for Pem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pem").field("ca", &self.ca.is_some()).field("own", &self.own.is_some()).finish()
    }
}

impl Pem {
    pub(crate) async fn read(tls: &TlsConfig) -> Result<Self, Unsendable> {
        let ca = match &tls.ca {
            Some(source) => Some(bytes("ca_file", source).await?),
            None => None,
        };
        let own = match (&tls.cert, &tls.key) {
            (Some(cert), Some(key)) => Some((bytes("cert_file", cert).await?, bytes("key_file", key).await?)),
            (Some(_) | None, _) => None,
        };
        Ok(Self { ca, own })
    }

    /// For the HTTP client.
    pub(crate) fn certificates(&self) -> Result<Option<Vec<reqwest::Certificate>>, Unsendable> {
        let Some(pem) = &self.ca else { return Ok(None) };
        let certificates = reqwest::Certificate::from_pem_bundle(pem).ok().filter(|all| !all.is_empty());
        certificates.map(Some).ok_or_else(|| Unsendable("tls_config: ca holds no certificate".to_owned()))
    }

    /// For the HTTP client.
    pub(crate) fn identity(&self) -> Result<Option<reqwest::Identity>, Unsendable> {
        let Some((cert, key)) = &self.own else { return Ok(None) };
        let both = [cert.as_slice(), b"\n", key.as_slice()].concat();
        reqwest::Identity::from_pem(&both)
            .map(Some)
            .map_err(|_| Unsendable("tls_config: cert and key are not a certificate and its key".to_owned()))
    }
}

async fn bytes(field: &str, source: &SecretSource) -> Result<Vec<u8>, Unsendable> {
    match source {
        SecretSource::Inline(text) => Ok(text.expose().as_bytes().to_vec()),
        SecretSource::File(path) => tokio::fs::read(path)
            .await
            .map_err(|error| Unsendable(format!("{field} {path} cannot be read: {error}"))),
    }
}
