//! `oauth2`: where a token comes from that says who the request is from. RFC 6749, section 4.4 (client credentials).

use std::collections::BTreeMap;

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, MapReader, Spanned};
use serde::Serialize;

use super::{
    AddressFields, ProxyConfig, SecretSource, TlsConfig, checked_url, is_null, proxy, refuse_references,
    secret_source, tls_config,
};
use crate::Secret;
use crate::fields::UNSUPPORTED;

/// Where tokens come from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OAuth2 {
    /// Who asks for one.
    pub client_id: String,
    /// The password of whoever asks.
    pub client_secret: Option<SecretSource>,
    /// What the token is to be good for.
    pub scopes: Vec<String>,
    /// Where it is asked for.
    pub token_url: Secret,
    /// More to say when asking.
    pub endpoint_params: BTreeMap<String, Secret>,
    /// How the place where it is asked for is trusted.
    pub tls: TlsConfig,
    /// What stands in between there.
    pub proxy: ProxyConfig,
}

impl OAuth2 {
    /// Every file that is read at delivery.
    pub(super) fn files_mut(&mut self) -> Vec<&mut String> {
        let secret = self.client_secret.iter_mut().filter_map(SecretSource::file_mut);
        secret.chain(self.tls.files_mut()).collect()
    }
}

/// Fields of a signed request for a token. RFC 7523.
const SIGNED: [&str; 8] = [
    "client_certificate_key_id",
    "client_certificate_key",
    "client_certificate_key_file",
    "client_certificate_key_ref",
    "signature_algorithm",
    "iss",
    "audience",
    "claims",
];

pub(super) fn oauth2(node: &Node, cx: &mut Cx<'_>) -> Option<OAuth2> {
    let mut map = MapReader::open(node, cx)?;
    let client_id: Option<String> = map.required("client_id", cx);
    let token_url: Option<Spanned<String>> = map.required("token_url", cx);
    let client_secret =
        secret_source(&mut map, AddressFields { url: "client_secret", file: "client_secret_file" }, cx);
    refuse_references(&mut map, &["client_secret_ref"], cx);
    let grant: Option<Spanned<String>> = map.optional("grant_type", cx);
    if let Some(grant) = grant.filter(|grant| !["", "client_credentials"].contains(&grant.value.as_str())) {
        let message = format!("grant_type {:?} is not supported yet", grant.value);
        let diagnostic = bellwether_diag::Diagnostic::error(UNSUPPORTED, grant.span, message);
        cx.push(diagnostic.with_help("use client_credentials with a client_secret"));
    }
    // They count for the other grant only.
    map.ignore(&SIGNED);
    let params: BTreeMap<String, String> = map.optional("endpoint_params", cx).unwrap_or_default();
    let scopes = map.optional("scopes", cx).unwrap_or_default();
    let tls = map.node("tls_config").filter(|n| !is_null(n)).and_then(|n| tls_config(n, cx));
    let proxy = proxy::proxy(&mut map, cx);
    map.finish(cx);
    Some(OAuth2 {
        client_id: client_id?,
        client_secret,
        scopes,
        token_url: checked_url(&token_url?, "token_url", cx)?,
        endpoint_params: params.into_iter().map(|(name, value)| (name, Secret::new(value))).collect(),
        tls: tls.unwrap_or_default(),
        proxy,
    })
}
