//! What stands between us and whatever is reached: nothing, a proxy that is written down, or one that the environment
//! names.

use std::collections::BTreeMap;

use bellwether_diag::yaml::Value;
use bellwether_diag::{Cx, Decode, MapReader, Spanned};
use serde::Serialize;

use crate::Secret;

/// What stands in between.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ProxyConfig {
    /// Which proxy.
    pub choice: ProxyChoice,
    /// What is said to it when a tunnel is asked for, and to nobody else.
    pub connect_headers: BTreeMap<String, Vec<Secret>>,
}

/// Which proxy.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProxyChoice {
    /// None, whatever the environment says: where alerts go must be readable in the configuration.
    #[default]
    Direct,
    /// This one.
    Url {
        /// Where it is; may hold a login.
        url: Secret,
        /// Hosts, domains, addresses and networks that are reached without it, with commas between them.
        except: String,
    },
    /// That of `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` in the server's environment.
    Environment,
}

pub(super) fn proxy(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> ProxyConfig {
    let url: Option<Spanned<String>> = map.optional("proxy_url", cx);
    let url = url.filter(|url| !url.value.is_empty());
    let except: String = map.optional("no_proxy", cx).unwrap_or_default();
    let from_environment = map.optional("proxy_from_environment", cx).unwrap_or(false);
    let connect_headers = connect_headers(map, cx);
    if from_environment && url.is_some() {
        cx.error_help(
            map.key_span("proxy_from_environment"),
            "proxy_url and proxy_from_environment are both written; which one counts?",
            "remove one of them",
        );
    }
    if from_environment && !except.is_empty() {
        cx.error_help(
            map.key_span("no_proxy"),
            "no_proxy cannot stand beside proxy_from_environment",
            "set NO_PROXY in the environment, or write proxy_url",
        );
    }
    let needs = |field: &str, is_there: bool, cx: &mut Cx<'_>| {
        if is_there && url.is_none() && !from_environment {
            cx.error_help(
                map.key_span(field),
                format!("{field} says nothing without a proxy"),
                "write proxy_url",
            );
        }
    };
    needs("no_proxy", !except.is_empty(), cx);
    needs("proxy_connect_header", !connect_headers.is_empty(), cx);
    let choice = match url.and_then(|url| checked(&url, cx)) {
        Some(url) => ProxyChoice::Url { url, except },
        None if from_environment => ProxyChoice::Environment,
        None => ProxyChoice::Direct,
    };
    ProxyConfig { choice, connect_headers }
}

/// Without a scheme it is a proxy for HTTP.
fn checked(url: &Spanned<String>, cx: &mut Cx<'_>) -> Option<Secret> {
    const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];
    let (scheme, host) = url.value.split_once("://").unwrap_or(("http", &url.value));
    let is_host = !host.is_empty() && !host.starts_with('/') && !host.contains(char::is_whitespace);
    if !SCHEMES.contains(&scheme) || !is_host {
        let help =
            "write it like http://proxy.example.org:3128; https, socks5 and socks5h are possible as well";
        cx.error_help(url.span, "proxy_url is not the address of a proxy", help);
        return None;
    }
    Some(Secret::new(format!("{scheme}://{host}")))
}

/// Headers by name; each has one value or a list.
fn connect_headers(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> BTreeMap<String, Vec<Secret>> {
    let entries = map.node("proxy_connect_header").and_then(|node| bellwether_diag::entries(node, cx));
    let mut headers = BTreeMap::new();
    for (key, value) in entries.unwrap_or(&[]) {
        let values = match &value.value {
            Value::Scalar(_) => String::decode(value, cx).map(|one| vec![one]),
            Value::Null | Value::Sequence(_) | Value::Mapping(_) => Vec::<String>::decode(value, cx),
        };
        let values = values.unwrap_or_default().into_iter().map(Secret::new).collect();
        headers.insert(key.as_text().unwrap_or_default().to_owned(), values);
    }
    headers
}
