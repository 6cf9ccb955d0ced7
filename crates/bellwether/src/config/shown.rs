//! A configuration as others may see it: the same structure, with everything secret replaced.
//!
//! A secret is told by the name of its field. Better one too many than one too few: what is hidden here is only hidden
//! from a page that says what is configured.

use std::collections::BTreeSet;

use bellwether_diag::Span;
use bellwether_diag::yaml::{Node, Value};

/// What stands in the place of a secret.
pub(super) const HIDDEN: &str = "<secret>";

/// Parts of names of fields that hold secrets.
const SECRET_PARTS: [&str; 13] = [
    "password",
    "secret",
    "token",
    "credential",
    "bearer",
    "api_key",
    "service_key",
    "routing_key",
    "user_key",
    "private_key",
    "api_url",
    "webhook_url",
    "authorization",
];

/// Fields whose every value may be a secret.
const SECRET_FIELDS: [&str; 6] = ["key", "headers", "http_headers", "params", "body", "send"];

/// As YAML, without secrets.
pub(super) fn yaml(node: &Node) -> String {
    Writer::default().text_of(node)
}

/// Texts that are a secret wherever they stand. Short ones are words like any other.
pub(super) fn secrets(node: &Node) -> impl Iterator<Item = String> {
    let mut writer = Writer::default();
    writer.find_secrets(node, Place::default());
    writer.secrets.into_iter().filter(|text| text.len() > 3).map(str::to_owned)
}

/// As YAML, without what is known to be secret; whatever else there is stays as it is, so that other programs can
/// read it as a configuration.
pub(super) fn yaml_without(secrets: &[Span], node: &Node) -> String {
    Writer { known: Some(secrets), ..Writer::default() }.text_of(node)
}

/// What is known of a value from the fields it stands in.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Every value below is hidden.
    is_secret: bool,
    /// Below `receivers` every address is one that whoever knows it may post to.
    is_receiver: bool,
}

impl Place {
    fn field(self, name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let is_path = name.ends_with("_file") || name.ends_with("_files");
        let is_named = SECRET_PARTS.iter().any(|part| name.contains(part))
            || SECRET_FIELDS.contains(&name.as_str())
            || (self.is_receiver && name.contains("url") && name != "title_link");
        Self {
            is_secret: self.is_secret || (is_named && !is_path),
            is_receiver: self.is_receiver || name == "receivers",
        }
    }
}

#[derive(Default)]
struct Writer<'a> {
    out: String,
    /// Where secrets stand, if that is known; otherwise the names of fields tell.
    known: Option<&'a [Span]>,
    /// Texts that are a secret somewhere: what is an anchor's here is a password where its alias stands.
    secrets: BTreeSet<&'a str>,
}

impl<'a> Writer<'a> {
    fn text_of(mut self, node: &'a Node) -> String {
        self.find_secrets(node, Place::default());
        self.write(node, 0, Place::default());
        let text = self.out.trim_start_matches('\n');
        if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
    }

    fn is_secret(&self, node: &Node, place: Place) -> bool {
        let (file, here) = (node.span.file, node.span.range());
        match self.known {
            Some(spans) => spans.iter().any(|span| {
                let there = span.range();
                span.file == file && here.start < there.end && there.start < here.end
            }),
            None => place.is_secret,
        }
    }

    fn find_secrets(&mut self, node: &'a Node, place: Place) {
        match &node.value {
            Value::Null => {}
            Value::Scalar(scalar) => {
                if self.is_secret(node, place) && !scalar.text.is_empty() {
                    self.secrets.insert(&scalar.text);
                }
            }
            Value::Sequence(items) => items.iter().for_each(|item| self.find_secrets(item, place)),
            Value::Mapping(entries) => {
                for (key, value) in entries {
                    self.find_secrets(value, place.field(key.as_text().unwrap_or_default()));
                }
            }
        }
    }

    /// Writes a value behind its key or dash; lists and mappings begin on a line of their own.
    fn write(&mut self, node: &Node, indent: usize, place: Place) {
        match &node.value {
            Value::Null => self.out.push_str(" null"),
            Value::Scalar(scalar) => {
                self.out.push(' ');
                let is_secret = self.is_secret(node, place) || self.secrets.contains(scalar.text.as_str());
                let text = if is_secret {
                    HIDDEN.to_owned()
                } else {
                    scalar_text(&without_login(&scalar.text), scalar.quoted)
                };
                self.out.push_str(&text);
            }
            Value::Sequence(items) if items.is_empty() => self.out.push_str(" []"),
            Value::Mapping(entries) if entries.is_empty() => self.out.push_str(" {}"),
            Value::Sequence(items) => {
                for item in items {
                    self.line(indent);
                    self.out.push('-');
                    self.write_item(item, indent + 2, place);
                }
            }
            Value::Mapping(entries) => {
                for entry in entries {
                    self.line(indent);
                    self.write_entry(entry, indent, place);
                }
            }
        }
    }

    fn write_entry(&mut self, (key, value): &(Node, Node), indent: usize, place: Place) {
        let name = key.as_text().unwrap_or_default();
        self.out.push_str(&scalar_text(name, false));
        self.out.push(':');
        self.write(value, indent + 2, place.field(name));
    }

    /// The first entry of a mapping stands behind the dash of its list.
    fn write_item(&mut self, item: &Node, indent: usize, place: Place) {
        let Some((first, rest)) = item.as_mapping().and_then(|entries| entries.split_first()) else {
            return self.write(item, indent, place);
        };
        self.out.push(' ');
        self.write_entry(first, indent, place);
        for entry in rest {
            self.line(indent);
            self.write_entry(entry, indent, place);
        }
    }

    fn line(&mut self, indent: usize) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', indent));
    }
}

/// Plain where that reads back as the same text, otherwise in double quotes, whose escapes are those of JSON.
fn scalar_text(text: &str, quoted: bool) -> String {
    let is_plain_char = |c: char| c.is_alphanumeric() || "_./()=+@-".contains(c);
    let starts_plain = text.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '/');
    if !quoted && starts_plain && text.chars().all(is_plain_char) {
        return text.to_owned();
    }
    serde_json::to_string(text).unwrap_or_default()
}

/// `https://user:password@host` without what stands before the host.
fn without_login(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{HIDDEN}@{host}{}", &rest[end..]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use bellwether_diag::{Diagnostics, Sources};

    use super::yaml;

    fn shown(text: &str) -> String {
        let mut sources = Sources::new();
        let file = sources.add("test.yml", text);
        let documents = bellwether_diag::yaml::parse(&sources, file, &mut Diagnostics::new());
        yaml(&documents[0])
    }

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        for text in [
            "basic_auth: {username: u, password: hunter2}",
            "authorization: {credentials: hunter2}",
            "a: &x hunter2\nb: {c: [{bearer_token: *x}]}\na: 1",
            "receivers: [{name: n, webhook_configs: [{url: 'http://h/hunter2'}]}]",
            "receivers: [{slack_configs: [{api_url: 'https://hooks/hunter2'}]}]",
            "receivers: [{pagerduty_configs: [{routing_key: hunter2}]}]",
            "global: {slack_api_url: hunter2, smtp_auth_password: hunter2}",
            "params: {token: [hunter2]}",
            "tls_config: {key: hunter2}",
            "http_headers: {X-Key: {values: [hunter2]}}",
            "oauth2: {client_secret: hunter2}",
            "url: http://me:hunter2@host/path",
            "probes: [{http: {headers: {Cookie: hunter2}}}]",
            "probes: [{http: {body: 'password=hunter2'}}]",
            "probes: [{tcp: {send: 'AUTH hunter2'}}]",
        ] {
            let shown = shown(text);
            assert!(!shown.contains("hunter2"), "{text}\n{shown}");
            assert!(shown.contains("<secret>"), "{text}\n{shown}");
        }
    }

    #[test]
    fn everything_else_reads_back_as_it_was() {
        let text = "global:\n  scrape_interval: 15s\n  external_labels: {}\nscrape_configs:\n  - job_name: \"a b\"\n    \
                    password_file: secret.txt\n    static_configs:\n      - targets:\n          - \"127.0.0.1:1\"\n        labels:\n          \
                    a: \"yes\"\n  - job_name: c\nrule_files: []\n";
        assert_eq!(shown(text), text);
    }
}
