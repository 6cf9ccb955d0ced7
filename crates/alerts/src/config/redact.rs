//! What of the text of a configuration is not shown: secrets, told by the names of fields, wherever else the same text
//! stands, and comments, in which people keep yesterday's. Rather one too many than one too few: what is hidden here is
//! only hidden from a page that says what is configured.

use std::collections::BTreeSet;

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
const SECRET_FIELDS: [&str; 3] = ["key", "slack_api_url", "token_url"];
/// Fields whose every text below may be a secret.
const SECRET_FOLDERS: [&str; 3] = ["http_headers", "proxy_connect_header", "endpoint_params"];
/// Lists of which `url` is a secret: whoever knows it may post there.
const SECRET_URLS: [&str; 4] = ["webhook_configs", "webhook_outputs", "ntfy_configs", "incidentio_configs"];
/// Lists of which `api_url` is one.
const SECRET_API_URLS: [&str; 2] = ["slack_configs", "discord_configs"];

/// A text as short as this may be a secret and a word.
const WORD_CHARS_MAX: usize = 3;

/// The places of all secrets.
pub(super) fn secret_spans(document: &Node) -> Vec<Span> {
    let (mut spans, mut texts) = (Vec::new(), BTreeSet::new());
    find(document, Place { list: "", is_secret: false }, &mut spans, &mut texts);
    // What is an anchor's here is a password where its alias stands.
    texts.retain(|text| text.chars().count() > WORD_CHARS_MAX);
    find_same(document, &texts, &mut spans);
    spans
}

fn find_same(node: &Node, texts: &BTreeSet<&str>, spans: &mut Vec<Span>) {
    match &node.value {
        Value::Mapping(entries) => entries.iter().for_each(|(_, value)| find_same(value, texts, spans)),
        Value::Sequence(items) => items.iter().for_each(|item| find_same(item, texts, spans)),
        Value::Scalar(scalar) if texts.contains(scalar.text.as_str()) => spans.push(node.span),
        Value::Scalar(_) | Value::Null => {}
    }
}

/// The places of all comments: whatever begins with `#` at the start of a line or after a blank, and is part of no value.
pub(super) fn comment_spans(document: &Node, text: &str) -> Vec<Span> {
    let mut values = Vec::new();
    scalars(document, &mut values);
    values.sort_by_key(|span| span.start);
    let (mut spans, mut at) = (Vec::new(), 0);
    let mut values = values.into_iter().map(|span| span.range()).peekable();
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('#')).map(|found| at + found) {
        while values.next_if(|value| value.end <= found).is_some() {}
        if let Some(value) = values.peek().filter(|value| value.contains(&found)) {
            at = value.end.max(found + 1);
            continue;
        }
        let end = text[found..].find('\n').map_or(text.len(), |length| found + length);
        if text[..found].chars().next_back().is_none_or(char::is_whitespace) {
            spans.push(Span::new(document.span.file, found..end));
            at = end;
        } else {
            at = found + 1;
        }
    }
    spans
}

fn scalars(node: &Node, spans: &mut Vec<Span>) {
    match &node.value {
        Value::Mapping(entries) => {
            for (key, value) in entries {
                scalars(key, spans);
                scalars(value, spans);
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| scalars(item, spans)),
        Value::Scalar(_) => spans.push(node.span),
        Value::Null => {}
    }
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
        // Whoever knows a topic may post to it and read it.
        || (name == "topic" && list == "ntfy_configs")
}

fn find<'n>(node: &'n Node, place: Place<'n>, spans: &mut Vec<Span>, texts: &mut BTreeSet<&'n str>) {
    match &node.value {
        Value::Mapping(entries) => {
            for (key, value) in entries {
                let name = key.as_text().unwrap_or_default();
                // A file's name is no secret, and neither are names of files under a header.
                let is_path = name.ends_with("_file") || name == "files";
                let is_secret = !is_path && (place.is_secret || is_secret(name, place.list));
                find(value, Place { list: name, is_secret }, spans, texts);
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| find(item, place, spans, texts)),
        Value::Scalar(scalar) if place.is_secret || has_login(&scalar.text) => {
            spans.push(node.span);
            texts.insert(&scalar.text);
        }
        Value::Scalar(_) | Value::Null => {}
    }
}

/// `https://user:password@host`.
fn has_login(text: &str) -> bool {
    let authority = text.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    authority.is_some_and(|authority| authority.contains('@'))
}
