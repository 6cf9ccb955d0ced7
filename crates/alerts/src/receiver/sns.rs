//! Amazon's notification service: a message to a topic, a device or a phone number.

use std::collections::BTreeMap;

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, Diagnostic, MapReader};
use serde::Serialize;

use super::limit::cut_bytes_with_link;
use super::needs::missing;
use super::{Base, Content, Kind, Part, Said, cut_chars, plain_text, text};
use crate::connection::{AddressFields, secret_source};
use crate::delivery::key_of;
use crate::fields::UNSUPPORTED;
use crate::{HttpConfig, SecretSource};

/// Fields whose texts are templates.
pub(super) const TEXTS: &[&str] =
    &["api_url", "message", "phone_number", "subject", "target_arn", "topic_arn"];
/// Fields all of whose texts are templates.
pub(super) const TREES: &[&str] = &["attributes"];

// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const MESSAGE_BYTES_MAX: usize = 256 * 1024;
const SMS_BYTES_MAX: usize = 1600;
const SUBJECT_CHARS_MAX: usize = 100;

/// Amazon's notification service. All texts are templates.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields are Alertmanager's own
pub struct SnsConfig {
    pub api_url: String,
    pub keys: Sigv4,
    pub http: HttpConfig,
    pub target: SnsTarget,
    pub subject: String,
    pub message: String,
    pub attributes: BTreeMap<String, String>,
}

/// Who hears it; a template.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SnsTarget {
    /// Everyone who subscribes to a topic.
    Topic(String),
    /// A device.
    Device(String),
    /// A phone number.
    Phone(String),
}

/// What requests are signed with. What is not written comes from the environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields are Alertmanager's own
pub struct Sigv4 {
    pub region: String,
    pub access_key: String,
    pub secret_key: Option<SecretSource>,
}

impl Kind for SnsConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        let mut attributes = BTreeMap::new();
        for (name, template) in &self.attributes {
            attributes.insert(said.expand(name)?, said.expand(template)?);
        }
        let target = self.target(&|text| said.expand(text))?;
        let (subject, message) = (said.expand(&self.subject)?, said.noticed(said.expand(&self.message)?));
        let form = form(said, target, &subject, &message, attributes);
        Ok(vec![Part { call: said.expand(&self.api_url)?, content: Content::Form(form) }])
    }

    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        let (title, facts) = plain_text(said.notification);
        let message = format!("{title}\n{facts}\nplain text, because the receiver's template failed: {why}");
        let expand = |text: &str| Ok(said.expand(text).unwrap_or_default());
        let target = self.target(&expand).unwrap_or(("TopicArn", String::new()));
        let form = form(said, target, &title, &message, BTreeMap::new());
        let call = said.expand(&self.api_url).unwrap_or_default();
        vec![Part { call, content: Content::Form(form) }]
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.http.secret_files_mut();
        files.extend(self.keys.secret_key.as_mut().and_then(SecretSource::file_mut));
        files
    }
}

impl SnsConfig {
    fn target(
        &self,
        expand: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<(&'static str, String), String> {
        Ok(match &self.target {
            SnsTarget::Topic(template) => ("TopicArn", expand(template)?),
            SnsTarget::Device(template) => ("TargetArn", expand(template)?),
            SnsTarget::Phone(template) => ("PhoneNumber", expand(template)?),
        })
    }
}

fn form(
    said: &Said<'_>,
    (kind, target): (&'static str, String),
    subject: &str,
    message: &str,
    mut attributes: BTreeMap<String, String>,
) -> Vec<(String, String)> {
    let max = if kind == "PhoneNumber" { SMS_BYTES_MAX } else { MESSAGE_BYTES_MAX };
    let cut = cut_bytes_with_link(message, max, &said.page_url());
    if cut != message {
        attributes.insert("truncated".to_owned(), "true".to_owned());
    }
    let mut form =
        vec![("Action".to_owned(), "Publish".to_owned()), ("Version".to_owned(), "2010-03-31".to_owned())];
    let mut put = |name: &str, value: String| form.push((name.to_owned(), value));
    // A topic of this kind keeps the order within a group and drops what comes twice within five minutes; what comes
    // twice is the same message, not the same group.
    if target.ends_with(".fifo") {
        let group = &said.notification.group.0;
        put("MessageGroupId", said.alias());
        put("MessageDeduplicationId", key_of(&[group, &cut, &said.now.to_string()]).0);
    }
    put(kind, target);
    let subject = one_ascii_line(subject);
    if !subject.is_empty() {
        put("Subject", subject);
    }
    put("Message", cut);
    for (index, (name, value)) in attributes.into_iter().enumerate() {
        let entry = format!("MessageAttributes.entry.{}", index + 1);
        put(&format!("{entry}.Name"), name);
        put(&format!("{entry}.Value.DataType"), "String".to_owned());
        put(&format!("{entry}.Value.StringValue"), value);
    }
    form
}

/// Nothing else is taken as a subject.
fn one_ascii_line(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if c.is_ascii() && !c.is_ascii_control() => c,
            _ => '?',
        })
        .collect();
    cut_chars(line.trim(), SUBJECT_CHARS_MAX).replace('…', "~")
}

/// Reads an item of `sns_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<SnsConfig> {
    let mut targets = Vec::new();
    for (name, make) in [
        ("topic_arn", SnsTarget::Topic as fn(String) -> SnsTarget),
        ("target_arn", SnsTarget::Device),
        ("phone_number", SnsTarget::Phone),
    ] {
        let written: Option<String> = map.optional(name, cx);
        targets.extend(written.filter(|text| !text.is_empty()).map(make));
    }
    if targets.len() != 1 {
        let message = match targets.len() {
            0 => "nobody to tell",
            _ => "more than one target",
        };
        missing(map, message, "write exactly one of topic_arn, target_arn, phone_number", cx);
    }
    let keys = match map.node("sigv4").filter(|node| !node.is_null()) {
        Some(node) => sigv4(node, cx),
        None => Some(Sigv4::default()),
    };
    // It chooses between two clients of Amazon's own library.
    map.ignore(&["use_aws_http_client"]);
    let attributes = attributes(map.node("attributes"), cx);
    let config = SnsConfig {
        api_url: text(map, "api_url", "", cx),
        http: base.http.clone(),
        subject: text(map, "subject", r#"{{ template "sns.default.subject" . }}"#, cx),
        message: text(map, "message", r#"{{ template "sns.default.message" . }}"#, cx),
        attributes,
        keys: keys?,
        target: targets.pop()?,
    };
    Some(config)
}

fn attributes(node: Option<&Node>, cx: &mut Cx<'_>) -> BTreeMap<String, String> {
    let Some(node) = node.filter(|node| !node.is_null()) else { return BTreeMap::new() };
    BTreeMap::<String, String>::decode(node, cx).unwrap_or_default()
}

fn sigv4(node: &Node, cx: &mut Cx<'_>) -> Option<Sigv4> {
    let mut map = MapReader::open(node, cx)?;
    for name in [
        "profile",
        "role_arn",
        "external_id",
        "session_name",
        "tags",
        "use_fips_sts_endpoint",
        "service_name",
    ] {
        let written =
            map.entry(name).filter(|(_, value)| !value.is_null() && value.as_text() != Some("false"));
        if let Some((key, _)) = written {
            let message = format!("{name}: roles and profiles are not supported yet");
            let help = "write access_key and secret_key, or give keys of the role in AWS_ACCESS_KEY_ID, \
                        AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN";
            cx.push(Diagnostic::error(UNSUPPORTED, key.span, message).with_help(help));
        }
    }
    let keys = Sigv4 {
        region: text(&mut map, "region", "", cx),
        access_key: text(&mut map, "access_key", "", cx),
        secret_key: secret_source(&mut map, AddressFields { url: "secret_key", file: "secret_key_file" }, cx),
    };
    if keys.access_key.is_empty() != keys.secret_key.is_none() {
        missing(&map, "a key without its other half", "write both access_key and secret_key, or neither", cx);
    }
    map.finish(cx);
    Some(keys)
}
