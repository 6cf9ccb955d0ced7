//! Where secrets stand in the text of a configuration. Told by the names of fields, and rather one too many than one
//! too few: what is hidden here is only hidden from a page that says what is configured.

use bellwether_diag::Span;
use bellwether_diag::yaml::{Node, Value};

/// What the names of fields with secrets end with, those of kinds that may come included.
const SECRET_ENDS: [&str; 14] = [
    "password",
    "secret",
    "secrets",
    "token",
    "token_id",
    "credentials",
    "api_key",
    "routing_key",
    "service_key",
    "user_key",
    "secret_key",
    "access_key",
    "certificate_key",
    "webhook_url",
];
/// Fields whose names say less.
const SECRET_FIELDS: [&str; 2] = ["key", "slack_api_url"];
/// Fields whose every text below may be a secret.
const SECRET_FOLDERS: [&str; 2] = ["http_headers", "proxy_connect_header"];
/// Lists of which `url` is a secret: whoever knows it may post there.
const SECRET_URLS: [&str; 4] = ["webhook_configs", "webhook_outputs", "ntfy_configs", "incidentio_configs"];
/// Lists of which `api_url` is one.
const SECRET_API_URLS: [&str; 2] = ["slack_configs", "discord_configs"];

/// The places of all secrets.
pub(super) fn secret_spans(document: &Node) -> Vec<Span> {
    let mut spans = Vec::new();
    find(document, Place { list: "", is_secret: false }, &mut spans);
    spans
}

/// What is known of a value from the fields it stands in.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// The field that holds it or the mapping it is in.
    list: &'a str,
    is_secret: bool,
}

fn is_secret(name: &str, list: &str) -> bool {
    SECRET_ENDS.iter().any(|end| name.ends_with(end))
        || SECRET_FIELDS.contains(&name)
        || SECRET_FOLDERS.contains(&name)
        || (name == "url" && SECRET_URLS.contains(&list))
        || (name == "api_url" && SECRET_API_URLS.contains(&list))
}

fn find(node: &Node, place: Place<'_>, spans: &mut Vec<Span>) {
    match &node.value {
        Value::Mapping(entries) => {
            for (key, value) in entries {
                let name = key.as_text().unwrap_or_default();
                // A file's name is no secret, and neither are names of files under a header.
                let is_path = name.ends_with("_file") || name == "files";
                let is_secret = !is_path && (place.is_secret || is_secret(name, place.list));
                find(value, Place { list: name, is_secret }, spans);
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| find(item, place, spans)),
        Value::Scalar(scalar) if place.is_secret || has_login(&scalar.text) => spans.push(node.span),
        Value::Scalar(_) | Value::Null => {}
    }
}

/// `https://user:password@host`.
fn has_login(text: &str) -> bool {
    let authority = text.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    authority.is_some_and(|authority| authority.contains('@'))
}
