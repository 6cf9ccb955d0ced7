//! How something over HTTP is reached: its address, who the request says it is, how the other side is trusted. Secrets
//! stand in the configuration or in files of their own.

mod decode;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Secret;

pub(crate) use decode::{
    AddressFields, address, checked_url, http_config, is_null, secret_source, tls_config,
};

impl bellwether_diag::Decode for HttpConfig {
    fn decode(node: &bellwether_diag::yaml::Node, cx: &mut bellwether_diag::Cx<'_>) -> Option<Self> {
        decode::http_config(node, cx)
    }
}

/// Where something is sent: written in the file, or in a file of its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    /// The URL.
    Url(Secret),
    /// A file that holds the URL, read at every delivery.
    File(String),
}

/// A secret written in the file, or in a file of its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// The secret.
    Inline(Secret),
    /// A file that holds it, read at every delivery.
    File(String),
}

/// Who a request says it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// User and password.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: Option<SecretSource>,
    },
    /// A scheme and credentials, `Bearer` by default.
    Authorization {
        /// The scheme.
        scheme: String,
        /// The credentials.
        credentials: Option<SecretSource>,
    },
}

/// Part of Prometheus' common HTTP settings that is honoured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HttpConfig {
    /// Who the request says it is.
    pub auth: Option<Auth>,
    /// A proxy for all requests.
    pub proxy_url: Option<String>,
    /// Whether answers that point elsewhere are followed.
    pub follow_redirects: bool,
    /// Headers to add.
    pub headers: BTreeMap<String, Vec<Secret>>,
    /// Encryption.
    pub tls: TlsConfig,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            auth: None,
            proxy_url: None,
            follow_redirects: true,
            headers: BTreeMap::new(),
            tls: TlsConfig::default(),
        }
    }
}

/// How a server is trusted.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TlsConfig {
    /// A file with certificates to trust.
    pub ca_file: Option<String>,
    /// Trust anything.
    pub insecure_skip_verify: bool,
}

impl Address {
    /// The file that holds it, if one does.
    pub(crate) fn file_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Url(_) => None,
            Self::File(file) => Some(file),
        }
    }
}

impl SecretSource {
    /// The file that holds it, if one does.
    pub(crate) fn file_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Inline(_) => None,
            Self::File(file) => Some(file),
        }
    }
}

impl TlsConfig {
    /// The files it names.
    pub(crate) fn files_mut(&mut self) -> Vec<&mut String> {
        self.ca_file.as_mut().into_iter().collect()
    }
}

impl HttpConfig {
    /// Every file name that is read at delivery, for making them independent of the working directory.
    pub fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let secret = match &mut self.auth {
            Some(Auth::Basic { password: secret, .. } | Auth::Authorization { credentials: secret, .. }) => {
                secret.as_mut()
            }
            None => None,
        };
        let secret_file = secret.and_then(SecretSource::file_mut);
        secret_file.into_iter().chain(self.tls.files_mut()).collect()
    }
}
