//! Addresses and HTTP settings. What is known but not honoured is refused: a request sent without the certificate it
//! was configured with is either refused there or worse.

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Diagnostic, MapReader, Spanned};

use super::{Address, Auth, HttpConfig, SecretSource, TlsConfig};
use crate::Secret;
use crate::fields::UNSUPPORTED;

/// The two ways to write an address.
pub(crate) struct AddressFields {
    pub(crate) url: &'static str,
    pub(crate) file: &'static str,
}

/// An address, if one is there and right. Never shows it in a message.
pub(crate) fn address(map: &mut MapReader<'_>, fields: AddressFields, cx: &mut Cx<'_>) -> Option<Address> {
    let url: Option<Spanned<String>> = map.optional(fields.url, cx);
    let file: Option<String> = map.optional(fields.file, cx);
    match (url, file.filter(|f| !f.is_empty())) {
        (Some(_), Some(_)) => {
            let message = format!("{} and {} are both written; which one counts?", fields.url, fields.file);
            cx.error_help(map.key_span(fields.file), message, "remove one of them");
            None
        }
        (Some(url), None) => checked_url(&url, fields.url, cx).map(Address::Url),
        (None, Some(file)) => Some(Address::File(file)),
        (None, None) => None,
    }
}

pub(crate) fn checked_url(url: &Spanned<String>, field: &str, cx: &mut Cx<'_>) -> Option<Secret> {
    let after = url.value.strip_prefix("http://").or_else(|| url.value.strip_prefix("https://"));
    let has_host = after.is_some_and(|rest| !rest.starts_with(['/', '?', '#']) && !rest.is_empty());
    if has_host && !url.value.contains(char::is_whitespace) {
        return Some(Secret::new(&url.value));
    }
    let upper =
        !url.value.is_empty() && url.value.chars().all(|c| c.is_ascii_uppercase() || "_-".contains(c));
    let help = match upper || url.value.contains(['<', '$']) {
        true => {
            "this looks like a placeholder; put the real address in its place, or its file in the _file field"
        }
        false => "write a whole address, beginning with https:// or http://",
    };
    cx.error_help(url.span, format!("{field} is not a web address"), help);
    None
}

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
    let mut ways: Vec<_> = [basic, authorization, bearer].into_iter().flatten().collect();
    if ways.len() > 1 {
        cx.error_help(
            map.span,
            "more than one way to authenticate",
            "keep one of basic_auth, authorization, bearer_token",
        );
    }
    refuse(&mut map, &["oauth2", "proxy_connect_header", "proxy_from_environment", "no_proxy"], cx);
    let tls = map.node("tls_config").filter(|n| !is_null(n)).and_then(|n| tls_config(n, cx));
    map.ignore(&["enable_http2"]);
    let headers = map.node("http_headers").map(|n| headers(n, cx)).unwrap_or_default();
    let config = HttpConfig {
        auth: ways.pop(),
        proxy_url: map.optional("proxy_url", cx),
        follow_redirects: map.optional("follow_redirects", cx).unwrap_or(default.follow_redirects),
        headers,
        tls: tls.unwrap_or_default(),
    };
    map.finish(cx);
    Some(config)
}

pub(crate) fn is_null(node: &Node) -> bool {
    matches!(node.value, Value::Null)
}

fn refuse(map: &mut MapReader<'_>, fields: &[&'static str], cx: &mut Cx<'_>) {
    for field in fields {
        if let Some((key, value)) = map.entry(field).filter(|(_, v)| !is_null(v)) {
            let off = value.as_text() == Some("false");
            if !off {
                cx.push(Diagnostic::error(UNSUPPORTED, key.span, format!("{field} is not supported yet")));
            }
        }
    }
}

pub(crate) fn secret_source(
    map: &mut MapReader<'_>,
    fields: AddressFields,
    cx: &mut Cx<'_>,
) -> Option<SecretSource> {
    let inline: Option<String> = map.optional(fields.url, cx);
    let file: Option<String> = map.optional(fields.file, cx);
    match (inline, file) {
        (Some(_), Some(_)) => {
            let message = format!("{} and {} are both written; which one counts?", fields.url, fields.file);
            cx.error_help(map.key_span(fields.file), message, "remove one of them");
            None
        }
        (Some(text), None) => Some(SecretSource::Inline(Secret::new(text))),
        (None, Some(file)) => Some(SecretSource::File(file)),
        (None, None) => None,
    }
}

fn basic_auth(node: &Node, cx: &mut Cx<'_>) -> Option<Auth> {
    let mut map = MapReader::open(node, cx)?;
    let username = map.optional("username", cx).unwrap_or_default();
    let password = secret_source(&mut map, AddressFields { url: "password", file: "password_file" }, cx);
    refuse(&mut map, &["username_file", "username_ref", "password_ref"], cx);
    map.finish(cx);
    Some(Auth::Basic { username, password })
}

fn authorization(node: &Node, cx: &mut Cx<'_>) -> Option<Auth> {
    let mut map = MapReader::open(node, cx)?;
    let scheme: Option<Spanned<String>> = map.optional("type", cx);
    let credentials =
        secret_source(&mut map, AddressFields { url: "credentials", file: "credentials_file" }, cx);
    refuse(&mut map, &["credentials_ref"], cx);
    if let Some(scheme) = scheme.as_ref().filter(|s| s.value.eq_ignore_ascii_case("basic")) {
        cx.error_help(scheme.span, "authorization cannot be basic", "use basic_auth");
    }
    map.finish(cx);
    Some(Auth::Authorization { scheme: scheme.map_or_else(|| "Bearer".to_owned(), |s| s.value), credentials })
}

pub(crate) fn tls_config(node: &Node, cx: &mut Cx<'_>) -> Option<TlsConfig> {
    let mut map = MapReader::open(node, cx)?;
    refuse(
        &mut map,
        &[
            "ca",
            "ca_ref",
            "cert",
            "cert_file",
            "cert_ref",
            "key",
            "key_file",
            "key_ref",
            "server_name",
            "min_version",
            "max_version",
        ],
        cx,
    );
    let tls = TlsConfig {
        ca_file: map.optional("ca_file", cx),
        insecure_skip_verify: map.optional("insecure_skip_verify", cx).unwrap_or(false),
    };
    map.finish(cx);
    Some(tls)
}

fn headers(node: &Node, cx: &mut Cx<'_>) -> std::collections::BTreeMap<String, Vec<Secret>> {
    let mut all = std::collections::BTreeMap::new();
    for (key, value) in bellwether_diag::entries(node, cx).unwrap_or_default() {
        let name = key.as_text().unwrap_or_default().to_owned();
        let Some(mut map) = MapReader::open(value, cx) else { continue };
        let mut values: Vec<String> = map.optional("values", cx).unwrap_or_default();
        values.extend(map.optional::<Vec<String>>("secrets", cx).unwrap_or_default());
        refuse(&mut map, &["files"], cx);
        map.finish(cx);
        all.insert(name, values.into_iter().map(Secret::new).collect());
    }
    all
}
