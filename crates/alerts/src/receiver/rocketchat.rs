//! Rocket.Chat: a message with one attachment, posted as a user.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, MapReader};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::limit::cut_chars_with_link;
use super::needs::{api_url, secret_or_global};
use super::{Base, Global, Kind, Part, Said, cut_chars, plain_text, text};
use crate::connection::AddressFields;
use crate::fields::items;
use crate::{HttpConfig, SecretSource, Status};

/// Fields whose texts are templates.
pub(super) const TEXTS: &[&str] =
    &["channel", "color", "emoji", "icon_url", "image_url", "text", "thumb_url", "title", "title_link"];
/// Fields all of whose texts are templates.
pub(super) const TREES: &[&str] = &["actions", "fields"];

const API_URL: &str = "https://open.rocket.chat/";
const TITLE_CHARS_MAX: usize = 1024;
/// What a workspace takes unless its owners say otherwise (`Message_MaxAllowedSize`).
const TEXT_CHARS_MAX: usize = 5000;

/// Rocket.Chat. All texts are templates.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields are Alertmanager's own
pub struct RocketchatConfig {
    pub api_url: String,
    pub token: SecretSource,
    pub token_id: SecretSource,
    pub http: HttpConfig,
    pub channel: String,
    pub color: String,
    pub title: String,
    pub title_link: String,
    pub text: String,
    pub emoji: String,
    pub icon_url: String,
    pub image_url: String,
    pub thumb_url: String,
    pub short_fields: bool,
    pub link_names: bool,
    pub fields: Vec<RocketchatField>,
    pub actions: Vec<RocketchatAction>,
}

/// A field of the attachment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct RocketchatField {
    pub title: String,
    pub value: String,
    pub short: Option<bool>,
}

/// A button of the attachment; Rocket.Chat knows no other kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct RocketchatAction {
    pub text: String,
    pub url: String,
    pub msg: String,
}

impl Kind for RocketchatConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        let mut attachment = Map::new();
        put(&mut attachment, "title", cut_chars(&said.expand(&self.title)?, TITLE_CHARS_MAX));
        let text = said.noticed(said.expand(&self.text)?);
        put(&mut attachment, "text", cut_chars_with_link(&text, TEXT_CHARS_MAX, &said.page_url()));
        for (name, template) in [
            ("title_link", &self.title_link),
            ("image_url", &self.image_url),
            ("thumb_url", &self.thumb_url),
            ("color", &self.color),
        ] {
            put(&mut attachment, name, said.expand(template)?);
        }
        let field = |field: &RocketchatField| {
            let short = field.short.unwrap_or(self.short_fields);
            Ok(
                json!({"title": said.expand(&field.title)?, "value": said.expand(&field.value)?, "short": short}),
            )
        };
        let fields: Vec<Value> = self.fields.iter().map(field).collect::<Result<_, String>>()?;
        let action = |action: &RocketchatAction| {
            let mut out = Map::from_iter([("type".to_owned(), json!("button"))]);
            put(&mut out, "text", said.expand(&action.text)?);
            put(&mut out, "url", said.expand(&action.url)?);
            put(&mut out, "msg", said.expand(&action.msg)?);
            Ok(Value::Object(out))
        };
        let actions: Vec<Value> = self.actions.iter().map(action).collect::<Result<_, String>>()?;
        for (name, list) in [("fields", fields), ("actions", actions)] {
            if !list.is_empty() {
                attachment.insert(name.into(), Value::Array(list));
            }
        }
        let mut body = Map::new();
        put(&mut body, "channel", said.expand(&self.channel)?);
        put(&mut body, "emoji", said.expand(&self.emoji)?);
        put(&mut body, "avatar", said.expand(&self.icon_url)?);
        Ok(vec![part(body, Value::Object(attachment))])
    }

    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        let (title, facts) = plain_text(said.notification);
        let text = format!("{facts}\nplain text, because the receiver's template failed: {why}");
        let color = match said.notification.status() {
            Status::Firing => "red",
            Status::Resolved => "green",
        };
        let mut body = Map::new();
        put(&mut body, "channel", said.expand(&self.channel).unwrap_or_default());
        let attachment = json!({
            "title": cut_chars(&title, TITLE_CHARS_MAX),
            "text": cut_chars_with_link(&text, TEXT_CHARS_MAX, &said.page_url()),
            "color": color,
        });
        vec![part(body, attachment)]
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.http.secret_files_mut();
        files.extend(self.token.file_mut());
        files.extend(self.token_id.file_mut());
        files
    }
}

fn part(mut body: Map<String, Value>, attachment: Value) -> Part {
    body.insert("attachments".into(), json!([attachment]));
    Part::json_to("api/v1/chat.postMessage", Value::Object(body).to_string())
}

/// Empty texts are left out, as Alertmanager does.
fn put(map: &mut Map<String, Value>, name: &str, text: String) {
    if !text.is_empty() {
        map.insert(name.to_owned(), Value::String(text));
    }
}

/// Reads an item of `rocketchat_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<RocketchatConfig> {
    let global_url = base.global.and_then(|g| g.rocketchat_url.as_ref());
    let api_url = api_url(map, "api_url", global_url, API_URL, cx);
    let fields = AddressFields { url: "token", file: "token_file" };
    let token = secret_or_global(
        map,
        fields,
        ("rocketchat_token", |g: &Global| g.rocketchat_token.clone()),
        base,
        cx,
    );
    let fields = AddressFields { url: "token_id", file: "token_id_file" };
    let global = ("rocketchat_token_id", |g: &Global| g.rocketchat_token_id.clone());
    let token_id = secret_or_global(map, fields, global, base, cx);
    let t = |map: &mut MapReader<'_>, name: &'static str, template: &str, cx: &mut Cx<'_>| {
        text(map, name, &format!(r#"{{{{ template "rocketchat.default.{template}" . }}}}"#), cx)
    };
    let color = r#"{{ if eq .Status "firing" }}red{{ else }}green{{ end }}"#;
    let config = RocketchatConfig {
        api_url: format!("{}/", api_url.trim_end_matches('/')),
        http: base.http.clone(),
        channel: text(map, "channel", "", cx),
        color: text(map, "color", color, cx),
        title: t(map, "title", "title", cx),
        title_link: t(map, "title_link", "titlelink", cx),
        text: t(map, "text", "text", cx),
        emoji: t(map, "emoji", "emoji", cx),
        icon_url: t(map, "icon_url", "iconurl", cx),
        image_url: text(map, "image_url", "", cx),
        thumb_url: text(map, "thumb_url", "", cx),
        short_fields: map.optional("short_fields", cx).unwrap_or(false),
        link_names: map.optional("link_names", cx).unwrap_or(false),
        fields: items(map.node("fields"), cx, field),
        actions: items(map.node("actions"), cx, action),
        token: token?,
        token_id: token_id?,
    };
    Some(config)
}

fn field(node: &Node, cx: &mut Cx<'_>) -> Option<RocketchatField> {
    let mut map = MapReader::open(node, cx)?;
    let field = RocketchatField {
        title: text(&mut map, "title", "", cx),
        value: text(&mut map, "value", "", cx),
        short: map.optional("short", cx),
    };
    map.finish(cx);
    Some(field)
}

fn action(node: &Node, cx: &mut Cx<'_>) -> Option<RocketchatAction> {
    let mut map = MapReader::open(node, cx)?;
    // Known to Alertmanager, which never sends them.
    map.ignore(&[
        "image_url",
        "is_webview",
        "msg_in_chat_window",
        "msg_processing_type",
        "type",
        "webview_height_ratio",
    ]);
    let action = RocketchatAction {
        text: text(&mut map, "text", "", cx),
        url: text(&mut map, "url", "", cx),
        msg: text(&mut map, "msg", "", cx),
    };
    map.finish(cx);
    Some(action)
}
