//! `tls_config`: whom we trust, and what we show of ourselves.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, MapReader, Spanned};
use serde::Serialize;

use super::{AddressFields, SecretSource, refuse_references, secret_source};

/// How a connection is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TlsConfig {
    /// Certificates to trust instead of the system's, in PEM.
    pub ca: Option<SecretSource>,
    /// Our own certificate, in PEM. Invariant: there if and only if `key` is.
    pub cert: Option<SecretSource>,
    /// Its key, in PEM.
    pub key: Option<SecretSource>,
    /// The name in the other side's certificate, where it is another than that in its address.
    pub server_name: Option<String>,
    /// Trust anything.
    pub insecure_skip_verify: bool,
    /// The oldest version that is spoken.
    pub min_version: Option<TlsVersion>,
    /// The newest version that is spoken.
    pub max_version: Option<TlsVersion>,
}

/// A version of TLS. Older ones are not spoken at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // a number is a number
pub enum TlsVersion {
    Tls12,
    Tls13,
}

impl TlsConfig {
    /// The files it names.
    pub(crate) fn files_mut(&mut self) -> Vec<&mut String> {
        let sources = [&mut self.ca, &mut self.cert, &mut self.key];
        sources.into_iter().flatten().filter_map(SecretSource::file_mut).collect()
    }
}

/// Reads `tls_config`.
pub(crate) fn tls_config(node: &Node, cx: &mut Cx<'_>) -> Option<TlsConfig> {
    let mut map = MapReader::open(node, cx)?;
    let mut pem =
        |inline, file, cx: &mut Cx<'_>| secret_source(&mut map, AddressFields { url: inline, file }, cx);
    let (ca, cert, key) =
        (pem("ca", "ca_file", cx), pem("cert", "cert_file", cx), pem("key", "key_file", cx));
    refuse_references(&mut map, &["ca_ref", "cert_ref", "key_ref"], cx);
    match (&cert, &key) {
        (Some(_), None) => cx.error_help(
            map.span_first_line(cx),
            "a client certificate is nothing without its key",
            "write key or key_file as well",
        ),
        (None, Some(_)) => cx.error_help(
            map.span_first_line(cx),
            "a key is nothing without its certificate",
            "write cert or cert_file as well",
        ),
        (Some(_), Some(_)) | (None, None) => {}
    }
    let server_name: Option<String> = map.optional("server_name", cx);
    let min_version: Option<Spanned<Version>> = map.optional("min_version", cx);
    let max_version: Option<Spanned<Version>> = map.optional("max_version", cx);
    let tls = TlsConfig {
        ca,
        cert,
        key,
        server_name: server_name.filter(|name| !name.is_empty()),
        insecure_skip_verify: map.optional("insecure_skip_verify", cx).unwrap_or(false),
        min_version: min_version.as_ref().and_then(|version| version.value.0),
        max_version: max_version.as_ref().and_then(|version| version.value.0),
    };
    map.finish(cx);
    match max_version {
        Some(Spanned { value: Version(None), span }) => {
            let help = "write TLS12 or TLS13; versions before are not spoken any more";
            cx.error_help(span, "no version as old as this is spoken", help);
        }
        Some(max) if tls.max_version < tls.min_version => {
            cx.error(max.span, "max_version is older than min_version");
        }
        Some(_) | None => {}
    }
    Some(tls)
}

/// As it is written; `None` is one that is older than any we speak.
struct Version(Option<TlsVersion>);

impl Decode for Version {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        match bellwether_diag::scalar(node, "a version such as TLS12", cx)?.text.as_str() {
            "TLS13" => Some(Self(Some(TlsVersion::Tls13))),
            "TLS12" => Some(Self(Some(TlsVersion::Tls12))),
            "TLS11" | "TLS10" => Some(Self(None)),
            other => {
                cx.error_help(node.span, format!("unknown version of TLS {other:?}"), "write TLS12 or TLS13");
                None
            }
        }
    }
}
