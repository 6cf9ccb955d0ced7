//! How something over HTTP is reached: its address, who the request says it is, how the other side is trusted, what
//! stands in between. Secrets stand in the configuration or in files of their own.

mod address;
mod http;
mod oauth2;
mod proxy;
mod tls;

use serde::Serialize;

use crate::Secret;

pub use http::{Auth, HttpConfig};
pub use oauth2::OAuth2;
pub use proxy::{ProxyChoice, ProxyConfig};
pub use tls::{TlsConfig, TlsVersion};

pub(crate) use address::{AddressFields, address, checked_url, secret_source};
pub(crate) use http::{http_config, http_headers};
pub(crate) use tls::tls_config;

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Diagnostic, MapReader};

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
    /// A text that is written where it is used.
    pub fn inline(text: impl Into<String>) -> Self {
        Self::Inline(Secret::new(text))
    }

    /// The file that holds it, if one does.
    pub fn file_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Inline(_) => None,
            Self::File(file) => Some(file),
        }
    }
}

pub(crate) fn is_null(node: &Node) -> bool {
    matches!(node.value, Value::Null)
}

/// Names of secrets that somebody else keeps.
fn refuse_references(map: &mut MapReader<'_>, fields: &[&'static str], cx: &mut Cx<'_>) {
    for field in fields {
        if let Some((key, _)) = map.entry(field).filter(|(_, value)| !is_null(value)) {
            let message = format!("{field} names a secret of a secret manager, and there is none here");
            let help = "write the secret to a file, and name that in the _file field";
            cx.push(Diagnostic::error("invalid-value", key.span, message).with_help(help));
        }
    }
}
