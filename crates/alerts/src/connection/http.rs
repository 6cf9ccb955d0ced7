//! `http_config`: the settings that Prometheus and Alertmanager share for whatever they reach over HTTP.

use std::collections::BTreeMap;

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, Diagnostic, MapReader, Spanned};
use serde::Serialize;

use super::{
    AddressFields, OAuth2, ProxyChoice, ProxyConfig, SecretSource, TlsConfig, is_null, oauth2, proxy,
    refuse_references, secret_source, tls_config,
};
use crate::fields::UNSUPPORTED;

/// Who a request says it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// User and password.
    Basic {
        /// The user.
        username: Option<SecretSource>,
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

impl Auth {
    /// Every file that is read at delivery.
    pub fn files_mut(&mut self) -> Vec<&mut String> {
        let sources = match self {
            Self::Basic { username, password } => [username.as_mut(), password.as_mut()],
            Self::Authorization { credentials, .. } => [credentials.as_mut(), None],
        };
        sources.into_iter().flatten().filter_map(SecretSource::file_mut).collect()
    }
}

/// How something is reached over HTTP.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HttpConfig {
    /// Who the request says it is.
    pub auth: Option<Auth>,
    /// Where it gets a token that says so. Invariant: not both this and `auth`.
    pub oauth2: Option<Box<OAuth2>>,
    /// What stands in between.
    pub proxy: ProxyConfig,
    /// Whether answers that point elsewhere are followed.
    pub follow_redirects: bool,
    /// Headers to add.
    pub headers: BTreeMap<String, Vec<SecretSource>>,
    /// Encryption.
    pub tls: TlsConfig,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            auth: None,
            oauth2: None,
            proxy: ProxyConfig::default(),
            follow_redirects: true,
            headers: BTreeMap::new(),
            tls: TlsConfig::default(),
        }
    }
}

impl HttpConfig {
    /// Every file name that is read at delivery, for making them independent of the working directory.
    pub fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.tls.files_mut();
        files.extend(self.auth.iter_mut().flat_map(Auth::files_mut));
        files.extend(self.oauth2.iter_mut().flat_map(|oauth2| oauth2.files_mut()));
        files.extend(self.headers.values_mut().flatten().filter_map(SecretSource::file_mut));
        files
    }
}

impl Decode for HttpConfig {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        http_config(node, cx)
    }
}

/// Headers that describe the message or the connection, which are not for a configuration to say. Those of AWS'
/// signatures are among them.
const RESERVED_HEADERS: [&str; 15] = [
    "authorization",
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "accept-encoding",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-content-sha256",
];

/// Reads `http_config`.
pub(crate) fn http_config(node: &Node, cx: &mut Cx<'_>) -> Option<HttpConfig> {
    let mut map = MapReader::open(node, cx)?;
    let default = HttpConfig::default();
    let basic = map.node("basic_auth").filter(|n| !is_null(n)).and_then(|n| basic_auth(n, cx));
    let authorization = map.node("authorization").filter(|n| !is_null(n)).and_then(|n| authorization(n, cx));
    let bearer =
        secret_source(&mut map, AddressFields { url: "bearer_token", file: "bearer_token_file" }, cx);
    let bearer =
        bearer.map(|token| Auth::Authorization { scheme: "Bearer".to_owned(), credentials: Some(token) });
    let oauth2 = map.node("oauth2").filter(|n| !is_null(n)).and_then(|n| oauth2::oauth2(n, cx));
    let mut ways: Vec<_> = [basic, authorization, bearer].into_iter().flatten().collect();
    if ways.len() + usize::from(oauth2.is_some()) > 1 {
        cx.error_help(
            map.span_first_line(cx),
            "more than one way to authenticate",
            "keep one of basic_auth, authorization, oauth2, bearer_token",
        );
    }
    let tls = map.node("tls_config").filter(|n| !is_null(n)).and_then(|n| tls_config(n, cx));
    // Which version of HTTP carries a message changes nothing about it.
    let _: Option<bool> = map.optional("enable_http2", cx);
    let headers = map.node("http_headers").map(|n| http_headers(n, cx)).unwrap_or_default();
    let config = HttpConfig {
        auth: ways.pop(),
        oauth2: oauth2.map(Box::new),
        proxy: proxy::proxy(&mut map, cx),
        follow_redirects: map.optional("follow_redirects", cx).unwrap_or(default.follow_redirects),
        headers,
        tls: tls.unwrap_or_default(),
    };
    if config.tls.server_name.is_some() && config.proxy.choice != ProxyChoice::Direct {
        let message =
            "server_name is not supported through a proxy yet: the proxy would be asked for that name";
        let diagnostic = Diagnostic::error(UNSUPPORTED, map.key_span("tls_config"), message);
        cx.push(diagnostic.with_help("use the certificate's name in the address, or no proxy"));
    }
    map.finish(cx);
    Some(config)
}

fn basic_auth(node: &Node, cx: &mut Cx<'_>) -> Option<Auth> {
    let mut map = MapReader::open(node, cx)?;
    let username = secret_source(&mut map, AddressFields { url: "username", file: "username_file" }, cx);
    let password = secret_source(&mut map, AddressFields { url: "password", file: "password_file" }, cx);
    refuse_references(&mut map, &["username_ref", "password_ref"], cx);
    map.finish(cx);
    Some(Auth::Basic { username, password })
}

fn authorization(node: &Node, cx: &mut Cx<'_>) -> Option<Auth> {
    let mut map = MapReader::open(node, cx)?;
    let scheme: Option<Spanned<String>> = map.optional("type", cx);
    let credentials =
        secret_source(&mut map, AddressFields { url: "credentials", file: "credentials_file" }, cx);
    refuse_references(&mut map, &["credentials_ref"], cx);
    let name = scheme.as_ref().map_or("", |scheme| scheme.value.trim());
    if let Some(scheme) = scheme.as_ref().filter(|_| name.eq_ignore_ascii_case("basic")) {
        cx.error_help(scheme.span, "authorization cannot be basic", "use basic_auth");
    }
    map.finish(cx);
    let scheme = if name.is_empty() { "Bearer" } else { name }.to_owned();
    Some(Auth::Authorization { scheme, credentials })
}

/// Headers by name, each with plain values, secrets, and files that hold secrets.
pub(crate) fn http_headers(node: &Node, cx: &mut Cx<'_>) -> BTreeMap<String, Vec<SecretSource>> {
    let mut all = BTreeMap::new();
    for (key, value) in bellwether_diag::entries(node, cx).unwrap_or_default() {
        let name = key.as_text().unwrap_or_default();
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(is_token) {
            cx.error(key.span, format!("{name:?} cannot be the name of a header"));
        } else if RESERVED_HEADERS.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
            let help = match name.eq_ignore_ascii_case("authorization") {
                true => "write it as authorization: {type, credentials}",
                false => "remove it; it is set with every request",
            };
            cx.error_help(key.span, format!("the header {name} cannot be set here"), help);
        }
        let Some(mut map) = MapReader::open(value, cx) else { continue };
        let mut values: Vec<String> = map.optional("values", cx).unwrap_or_default();
        values.extend(map.optional::<Vec<String>>("secrets", cx).unwrap_or_default());
        let files: Vec<String> = map.optional("files", cx).unwrap_or_default();
        map.finish(cx);
        let inline = values.into_iter().map(SecretSource::inline);
        all.insert(name.to_owned(), inline.chain(files.into_iter().map(SecretSource::File)).collect());
    }
    all
}
