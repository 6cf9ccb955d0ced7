//! Mattermost: attachments to an incoming webhook, in the shape Slack made common.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, MapReader};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::limit::cut_chars_with_link;
use super::needs::missing;
use super::{Base, Kind, Part, Said, cut_chars, plain_text, text};
use crate::connection::{AddressFields, address};
use crate::fields::items;
use crate::{Address, HttpConfig, Status};

/// Fields whose texts are templates.
pub(super) const TEXTS: &[&str] = &[
    "author_icon",
    "author_link",
    "author_name",
    "channel",
    "color",
    "fallback",
    "footer",
    "footer_icon",
    "icon_emoji",
    "icon_url",
    "image_url",
    "pretext",
    "text",
    "thumb_url",
    "title",
    "title_link",
    "type",
    "username",
];
/// Fields all of whose texts are templates.
pub(super) const TREES: &[&str] = &["attachments", "fields", "priority", "props"];

/// https://docs.mattermost.com/configure/: the longest post.
const TEXT_CHARS_MAX: usize = 16_383;
const TITLE_CHARS_MAX: usize = 1024;

/// A Mattermost webhook. All texts are templates.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields are Alertmanager's own
pub struct MattermostConfig {
    pub address: Address,
    pub http: HttpConfig,
    pub channel: String,
    pub username: String,
    pub icon_url: String,
    pub icon_emoji: String,
    pub kind: String,
    /// What stands in the only attachment where none are written, else above them.
    pub main: MattermostAttachment,
    pub attachments: Vec<MattermostAttachment>,
    pub card: String,
    pub priority: Option<MattermostPriority>,
}

/// An attachment. All texts are templates.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields are Mattermost's own
pub struct MattermostAttachment {
    pub fallback: String,
    pub color: String,
    pub pretext: String,
    pub text: String,
    pub author_name: String,
    pub author_link: String,
    pub author_icon: String,
    pub title: String,
    pub title_link: String,
    pub fields: Vec<MattermostField>,
    pub thumb_url: String,
    pub footer: String,
    pub footer_icon: String,
    pub image_url: String,
}

/// A field of an attachment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct MattermostField {
    pub title: String,
    pub value: String,
    pub short: Option<bool>,
}

/// How loud a message is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct MattermostPriority {
    pub priority: String,
    pub requested_ack: bool,
    pub persistent_notifications: bool,
}

impl Kind for MattermostConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        let mut body = Map::new();
        for (name, template) in [
            ("channel", &self.channel),
            ("username", &self.username),
            ("icon_url", &self.icon_url),
            ("icon_emoji", &self.icon_emoji),
            ("type", &self.kind),
        ] {
            put(&mut body, name, said.expand(template)?);
        }
        let attachments = match self.attachments.is_empty() {
            true => vec![self.main.render(said)?],
            false => {
                let text = said.expand(&self.main.text)?;
                put(&mut body, "text", cut_chars_with_link(&text, TEXT_CHARS_MAX, &said.page_url()));
                self.attachments.iter().map(|a| a.render(said)).collect::<Result<_, _>>()?
            }
        };
        body.insert("attachments".into(), Value::Array(attachments));
        let card = said.expand(&self.card)?;
        if !card.is_empty() {
            body.insert("props".into(), json!({"card": card}));
        }
        if let Some(priority) = &self.priority {
            body.insert("priority".into(), priority.render(said)?);
        }
        Ok(vec![Part::json(Value::Object(body).to_string())])
    }

    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        let (title, facts) = plain_text(said.notification);
        let color = match said.notification.status() {
            Status::Firing => "danger",
            Status::Resolved => "good",
        };
        let mut body = Map::new();
        put(&mut body, "channel", said.expand(&self.channel).unwrap_or_default());
        body.insert(
            "attachments".into(),
            json!([{
                "title": cut_chars(&title, TITLE_CHARS_MAX),
                "text": cut_chars_with_link(&facts, TEXT_CHARS_MAX, &said.page_url()),
                "fallback": title,
                "footer": format!("plain text, because the receiver's template failed: {why}"),
                "color": color,
            }]),
        );
        vec![Part::json(Value::Object(body).to_string())]
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.http.secret_files_mut();
        files.extend(self.address.file_mut());
        files
    }
}

impl MattermostAttachment {
    fn render(&self, said: &Said<'_>) -> Result<Value, String> {
        let mut out = Map::new();
        for (name, template) in [
            ("fallback", &self.fallback),
            ("color", &self.color),
            ("pretext", &self.pretext),
            ("author_name", &self.author_name),
            ("author_link", &self.author_link),
            ("author_icon", &self.author_icon),
            ("title_link", &self.title_link),
            ("thumb_url", &self.thumb_url),
            ("footer", &self.footer),
            ("footer_icon", &self.footer_icon),
            ("image_url", &self.image_url),
        ] {
            put(&mut out, name, said.expand(template)?);
        }
        put(&mut out, "title", cut_chars(&said.expand(&self.title)?, TITLE_CHARS_MAX));
        let text = said.noticed(said.expand(&self.text)?);
        put(&mut out, "text", cut_chars_with_link(&text, TEXT_CHARS_MAX, &said.page_url()));
        let mut fields = Vec::new();
        for field in &self.fields {
            let mut one = Map::new();
            put(&mut one, "title", said.expand(&field.title)?);
            put(&mut one, "value", said.expand(&field.value)?);
            if let Some(short) = field.short {
                one.insert("short".into(), json!(short));
            }
            fields.push(Value::Object(one));
        }
        if !fields.is_empty() {
            out.insert("fields".into(), Value::Array(fields));
        }
        Ok(Value::Object(out))
    }
}

impl MattermostPriority {
    /// Mattermost refuses what does not go together: only what is urgent repeats, only what is not standard is asked
    /// to be acknowledged.
    fn render(&self, said: &Said<'_>) -> Result<Value, String> {
        let written = said.expand(&self.priority)?.trim().to_lowercase();
        let priority = match written.as_str() {
            known @ ("urgent" | "important") => known,
            _ => "standard",
        };
        let mut out = Map::from_iter([("priority".to_owned(), json!(priority))]);
        if self.requested_ack && priority != "standard" {
            out.insert("requested_ack".into(), json!(true));
        }
        if self.persistent_notifications && priority == "urgent" {
            out.insert("persistent_notifications".into(), json!(true));
        }
        Ok(Value::Object(out))
    }
}

/// Empty texts are left out, as Alertmanager does.
fn put(map: &mut Map<String, Value>, name: &str, text: String) {
    if !text.is_empty() {
        map.insert(name.to_owned(), Value::String(text));
    }
}

/// Reads an item of `mattermost_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<MattermostConfig> {
    let has_own = map.has("webhook_url") || map.has("webhook_url_file");
    let own = address(map, AddressFields { url: "webhook_url", file: "webhook_url_file" }, cx);
    let address = own.or_else(|| base.global.and_then(|g| g.mattermost_address.clone()));
    if !has_own && address.is_none() && base.global.is_some() {
        let help = "write webhook_url here, or mattermost_webhook_url under global";
        missing(map, "no address: webhook_url is missing", help, cx);
    }
    let card = match map.node("props").filter(|node| !node.is_null()) {
        Some(node) => props(node, cx).unwrap_or_default(),
        None => String::new(),
    };
    let priority = map.node("priority").filter(|node| !node.is_null()).and_then(|node| priority(node, cx));
    let config = MattermostConfig {
        http: base.http.clone(),
        channel: text(map, "channel", "", cx),
        username: default(map, "username", cx),
        icon_url: text(map, "icon_url", "", cx),
        icon_emoji: text(map, "icon_emoji", "", cx),
        kind: text(map, "type", "", cx),
        main: fields_of(map, default, cx),
        attachments: items(map.node("attachments"), cx, attachment),
        card,
        priority: priority.filter(|p| !p.priority.is_empty()),
        address: address?,
    };
    Some(config)
}

/// Fields with a default template, under its usual name.
fn default(map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>) -> String {
    let template = match name {
        "title_link" => "titlelink",
        "color" | "fallback" | "text" | "title" | "username" => name,
        _ => return text(map, name, "", cx),
    };
    text(map, name, &format!(r#"{{{{ template "mattermost.default.{template}" . }}}}"#), cx)
}

fn fields_of(
    map: &mut MapReader<'_>,
    read: fn(&mut MapReader<'_>, &'static str, &mut Cx<'_>) -> String,
    cx: &mut Cx<'_>,
) -> MattermostAttachment {
    MattermostAttachment {
        fallback: read(map, "fallback", cx),
        color: read(map, "color", cx),
        pretext: read(map, "pretext", cx),
        text: read(map, "text", cx),
        author_name: read(map, "author_name", cx),
        author_link: read(map, "author_link", cx),
        author_icon: read(map, "author_icon", cx),
        title: read(map, "title", cx),
        title_link: read(map, "title_link", cx),
        fields: items(map.node("fields"), cx, field),
        thumb_url: read(map, "thumb_url", cx),
        footer: read(map, "footer", cx),
        footer_icon: read(map, "footer_icon", cx),
        image_url: read(map, "image_url", cx),
    }
}

fn attachment(node: &Node, cx: &mut Cx<'_>) -> Option<MattermostAttachment> {
    let mut map = MapReader::open(node, cx)?;
    let attachment = fields_of(&mut map, |map, name, cx| text(map, name, "", cx), cx);
    map.finish(cx);
    Some(attachment)
}

fn field(node: &Node, cx: &mut Cx<'_>) -> Option<MattermostField> {
    let mut map = MapReader::open(node, cx)?;
    let (title, value) = (map.required("title", cx), map.required("value", cx));
    let short = map.optional("short", cx);
    map.finish(cx);
    Some(MattermostField { title: title?, value: value?, short })
}

fn props(node: &Node, cx: &mut Cx<'_>) -> Option<String> {
    let mut map = MapReader::open(node, cx)?;
    let card = text(&mut map, "card", "", cx);
    map.finish(cx);
    Some(card)
}

fn priority(node: &Node, cx: &mut Cx<'_>) -> Option<MattermostPriority> {
    let mut map = MapReader::open(node, cx)?;
    let priority = MattermostPriority {
        priority: text(&mut map, "priority", "", cx),
        requested_ack: map.optional("requested_ack", cx).unwrap_or(false),
        persistent_notifications: map.optional("persistent_notifications", cx).unwrap_or(false),
    };
    map.finish(cx);
    Some(priority)
}
