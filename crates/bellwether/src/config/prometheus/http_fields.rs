//! The fields that say how something is reached over HTTP, where they stand among others: in a job, in a discovery, in
//! a cluster of Alertmanagers.

use bellwether_alerts::HttpConfig;
use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Decode, MapReader};

/// Fields that say how something is reached.
const HTTP_FIELDS: [&str; 14] = [
    "basic_auth",
    "authorization",
    "bearer_token",
    "bearer_token_file",
    "oauth2",
    "tls_config",
    "proxy_url",
    "no_proxy",
    "proxy_from_environment",
    "proxy_connect_header",
    "follow_redirects",
    "enable_http2",
    "http_headers",
    "sigv4",
];

/// Reads them out of a mapping, and leaves the others to whoever reads the rest of it.
pub(in crate::config) fn http_fields(
    map: &mut MapReader<'_>,
    node: &Node,
    cx: &mut Cx<'_>,
) -> Option<HttpConfig> {
    map.ignore(&HTTP_FIELDS);
    let entries = node.as_mapping().unwrap_or(&[]).iter();
    let of_http = entries.filter(|(key, _)| key.as_text().is_some_and(|key| HTTP_FIELDS.contains(&key)));
    let http = Node { span: node.span, value: Value::Mapping(of_http.cloned().collect()) };
    HttpConfig::decode(&http, cx)
}
