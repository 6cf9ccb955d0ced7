//! Discord: one embed to a webhook.

use bellwether_diag::{Cx, MapReader};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::limit::cut_chars_with_link;
use super::needs::own_address;
use super::{Base, Kind, Part, Said, cut_chars, plain_text, text};
use crate::connection::AddressFields;
use crate::{Address, HttpConfig, Status};

/// Fields whose texts are templates.
pub(super) const TEXTS: &[&str] = &["content", "message", "title"];

// https://discord.com/developers/docs/resources/message#embed-object-embed-limits; all of them together stay below
// the 6000 characters of a message's embeds.
const TITLE_CHARS_MAX: usize = 256;
const DESCRIPTION_CHARS_MAX: usize = 4096;
const CONTENT_CHARS_MAX: usize = 2000;
const FOOTER_CHARS_MAX: usize = 1024;

/// A Discord webhook.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields are Alertmanager's own
pub struct DiscordConfig {
    pub address: Address,
    pub http: HttpConfig,
    pub content: String,
    pub title: String,
    pub message: String,
    pub username: String,
    pub avatar_url: String,
}

impl Kind for DiscordConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        let content = cut_chars(&said.expand(&self.content)?, CONTENT_CHARS_MAX);
        let embed = json!({
            "title": cut_chars(&said.expand(&self.title)?, TITLE_CHARS_MAX),
            "description": cut_chars_with_link(&said.noticed(said.expand(&self.message)?), DESCRIPTION_CHARS_MAX, &said.page_url()),
            "color": color(said),
        });
        Ok(vec![self.part(&content, embed)])
    }

    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        let (title, facts) = plain_text(said.notification);
        let footer = format!("plain text, because the receiver's template failed: {why}");
        let embed = json!({
            "title": cut_chars(&title, TITLE_CHARS_MAX),
            "description": cut_chars_with_link(&facts, DESCRIPTION_CHARS_MAX, &said.page_url()),
            "color": color(said),
            "footer": {"text": cut_chars(&footer, FOOTER_CHARS_MAX)},
        });
        vec![self.part("", embed)]
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.http.secret_files_mut();
        files.extend(self.address.file_mut());
        files
    }
}

impl DiscordConfig {
    fn part(&self, content: &str, embed: Value) -> Part {
        let mut body = Map::new();
        body.insert("content".into(), json!(content));
        body.insert("embeds".into(), json!([embed]));
        if let Some(mentions) = mentions(&self.content) {
            body.insert("allowed_mentions".into(), mentions);
        }
        for (name, value) in [("username", &self.username), ("avatar_url", &self.avatar_url)] {
            if !value.is_empty() {
                body.insert(name.into(), json!(value));
            }
        }
        Part::json(Value::Object(body).to_string())
    }
}

/// Whom a content may call: those whom its own text calls, nobody who stands in a label. `None` where that is not known,
/// because the text calls a template, and where there is none. Embeds call nobody.
/// https://discord.com/developers/docs/resources/message#allowed-mentions-object
fn mentions(content: &str) -> Option<Value> {
    if content.is_empty() || content.contains("{{") && content.contains("template ") {
        return None;
    }
    let is_loud = ["@everyone", "@here"].iter().any(|word| content.contains(word));
    let ids = |mark: &str| {
        let of = |rest: &str| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            (!digits.is_empty() && rest[digits.len()..].starts_with('>')).then_some(digits)
        };
        content.split(mark).skip(1).filter_map(of).collect::<Vec<_>>()
    };
    let users: Vec<String> = ids("<@").into_iter().chain(ids("<@!")).collect();
    let parse = if is_loud { vec!["everyone"] } else { Vec::new() };
    Some(json!({"parse": parse, "roles": ids("<@&"), "users": users}))
}

/// Alertmanager's colours, which people know.
fn color(said: &Said<'_>) -> u32 {
    match said.notification.status() {
        Status::Firing => 0x99_2D22,
        Status::Resolved => 0x2E_CC71,
    }
}

/// Reads an item of `discord_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<DiscordConfig> {
    let address = own_address(map, AddressFields { url: "webhook_url", file: "webhook_url_file" }, cx);
    let config = DiscordConfig {
        http: base.http.clone(),
        content: text(map, "content", "", cx),
        title: text(map, "title", r#"{{ template "discord.default.title" . }}"#, cx),
        message: text(map, "message", r#"{{ template "discord.default.message" . }}"#, cx),
        username: text(map, "username", "", cx),
        avatar_url: text(map, "avatar_url", "", cx),
        address: address?,
    };
    Some(config)
}
