//! Slack: one attachment to an incoming webhook, every text a template.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Diagnostic, MapReader, Span};
use bellwether_model::TimeDelta;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Base, Global, Kind, Part, Said, cut_chars, plain_text, text, timeout};
use crate::connection::{AddressFields, address};
use crate::fields::{UNSUPPORTED, items};
use crate::{Address, HttpConfig, Notification, Status};

/// Slack cuts titles at this many characters.
const TITLE_CHARS_MAX: usize = 1024;

/// Fields whose texts are templates.
pub(super) const TEXTS: &[&str] = &[
    "callback_id",
    "channel",
    "color",
    "fallback",
    "footer",
    "icon_emoji",
    "icon_url",
    "image_url",
    "message_text",
    "pretext",
    "text",
    "thumb_url",
    "title",
    "title_link",
    "username",
];

/// A Slack incoming webhook. All texts are templates.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields are Slack's own
pub struct SlackConfig {
    pub address: Address,
    pub http: HttpConfig,
    pub channel: String,
    pub username: String,
    pub color: String,
    pub title: String,
    pub title_link: String,
    pub pretext: String,
    pub text: String,
    pub message_text: String,
    pub fallback: String,
    pub callback_id: String,
    pub icon_emoji: String,
    pub icon_url: String,
    pub image_url: String,
    pub thumb_url: String,
    pub footer: String,
    pub short_fields: bool,
    pub link_names: bool,
    pub mrkdwn_in: Vec<String>,
    pub fields: Vec<SlackField>,
    pub actions: Vec<SlackAction>,
    pub timeout: Option<TimeDelta>,
}

/// A field of an attachment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct SlackField {
    pub title: String,
    pub value: String,
    pub short: Option<bool>,
}

/// A button of an attachment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct SlackAction {
    pub kind: String,
    pub text: String,
    pub url: String,
    pub style: String,
    pub name: String,
    pub value: String,
    pub confirm: Option<SlackConfirm>,
}

/// The question asked before a button acts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct SlackConfirm {
    pub text: String,
    pub title: String,
    pub ok_text: String,
    pub dismiss_text: String,
}

impl Kind for SlackConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        Ok(vec![Part::json(body(self, &|text| said.expand(text))?)])
    }

    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        vec![Part::json(fallback_body(self, said.notification, why))]
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.http.secret_files_mut();
        files.extend(self.address.file_mut());
        files
    }
}

/// Turns a template into text, or says why it cannot.
type Expand<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// An incoming webhook and an app's token are two ways of telling. That the address is that of the token's own call is
/// how people used tokens before there was a field for them.
fn is_doubtful(global: &Global) -> bool {
    let is_call = |address: &Address| match address {
        Address::Url(url) => url.expose().contains("/api/chat.postMessage"),
        Address::File(_) => false,
    };
    global.slack_token.is_some() && global.slack_address.as_ref().is_some_and(|address| !is_call(address))
}

/// Reads an item of `slack_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<SlackConfig> {
    let own = address(map, AddressFields { url: "api_url", file: "api_url_file" }, cx);
    let has_own = map.has("api_url") || map.has("api_url_file");
    refuse_app_tokens(map, &["app_token", "app_token_file", "app_url"], cx);
    if let Some((key, _)) = map.entry("update_message") {
        let message = "update_message needs a Slack app token, which is not supported yet";
        cx.push(Diagnostic::error(UNSUPPORTED, key.span, message).with_help("remove it"));
    }
    if !has_own && base.global.is_some_and(is_doubtful) {
        let at = Span { end: map.span.start + 1, ..map.span };
        let message = "global has both slack_api_url and slack_app_token; which one counts here?";
        cx.error_help(at, message, "write api_url here, or remove one of them");
    }
    let address = own.or_else(|| base.global.and_then(|g| g.slack_address.clone()));
    if address.is_none() && !has_own && base.global.is_some() {
        let at = Span { end: map.span.start + 1, ..map.span };
        cx.error_help(at, "no Slack address", "write api_url here, or slack_api_url under global");
    }
    let mrkdwn_in: Option<Vec<String>> = map.optional("mrkdwn_in", cx);
    let t = |map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>| {
        let default = slack_default(name);
        text(map, name, &default, cx)
    };
    let config = SlackConfig {
        address: address.clone().unwrap_or_else(|| Address::File(String::new())),
        http: base.http.clone(),
        channel: text(map, "channel", "", cx),
        username: t(map, "username", cx),
        color: text(map, "color", r#"{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}"#, cx),
        title: t(map, "title", cx),
        title_link: t(map, "title_link", cx),
        pretext: t(map, "pretext", cx),
        text: t(map, "text", cx),
        message_text: text(map, "message_text", "", cx),
        fallback: t(map, "fallback", cx),
        callback_id: t(map, "callback_id", cx),
        icon_emoji: t(map, "icon_emoji", cx),
        icon_url: t(map, "icon_url", cx),
        image_url: text(map, "image_url", "", cx),
        thumb_url: text(map, "thumb_url", "", cx),
        footer: t(map, "footer", cx),
        short_fields: map.optional("short_fields", cx).unwrap_or(false),
        link_names: map.optional("link_names", cx).unwrap_or(false),
        mrkdwn_in: mrkdwn_in.unwrap_or_else(|| ["fallback", "pretext", "text"].map(str::to_owned).to_vec()),
        fields: items(map.node("fields"), cx, slack_field),
        actions: items(map.node("actions"), cx, slack_action),
        timeout: timeout(map, cx),
    };
    address.map(|_| config)
}

/// Alertmanager's default for a field: the template of that name.
fn slack_default(field: &str) -> String {
    let name = match field {
        "title_link" => "titlelink",
        "callback_id" => "callbackid",
        "icon_emoji" => "iconemoji",
        "icon_url" => "iconurl",
        other => other,
    };
    format!(r#"{{{{ template "slack.default.{name}" . }}}}"#)
}

fn slack_field(node: &Node, cx: &mut Cx<'_>) -> Option<SlackField> {
    let mut map = MapReader::open(node, cx)?;
    let (title, value) = (map.required("title", cx), map.required("value", cx));
    let short = map.optional("short", cx);
    map.finish(cx);
    Some(SlackField { title: title?, value: value?, short })
}

fn slack_action(node: &Node, cx: &mut Cx<'_>) -> Option<SlackAction> {
    let mut map = MapReader::open(node, cx)?;
    let (kind, label) = (map.required("type", cx), map.required("text", cx));
    let action = SlackAction {
        kind: kind.unwrap_or_default(),
        text: label.unwrap_or_default(),
        url: text(&mut map, "url", "", cx),
        style: text(&mut map, "style", "", cx),
        name: text(&mut map, "name", "", cx),
        value: text(&mut map, "value", "", cx),
        confirm: map.node("confirm").and_then(|node| slack_confirm(node, cx)),
    };
    if action.url.is_empty() && action.name.is_empty() {
        cx.error(map.span, "an action needs a url or a name");
    }
    map.finish(cx);
    Some(action)
}

fn slack_confirm(node: &Node, cx: &mut Cx<'_>) -> Option<SlackConfirm> {
    let mut map = MapReader::open(node, cx)?;
    let question: Option<String> = map.required("text", cx);
    let confirm = SlackConfirm {
        text: question?,
        title: text(&mut map, "title", "", cx),
        ok_text: text(&mut map, "ok_text", "", cx),
        dismiss_text: text(&mut map, "dismiss_text", "", cx),
    };
    map.finish(cx);
    Some(confirm)
}

fn refuse_app_tokens(map: &mut MapReader<'_>, fields: &[&'static str], cx: &mut Cx<'_>) {
    for field in fields {
        if let Some((key, _)) = map.entry(field) {
            let message = format!("{field}: Slack app tokens are not supported yet");
            cx.push(
                Diagnostic::error(UNSUPPORTED, key.span, message)
                    .with_help("use an incoming webhook's api_url"),
            );
        }
    }
}

/// The body as JSON; the error is that of the first template that fails.
fn body(config: &SlackConfig, expand: Expand<'_>) -> Result<String, String> {
    let mut attachment = Map::new();
    let mut texts = vec![
        ("title_link", &config.title_link),
        ("pretext", &config.pretext),
        ("text", &config.text),
        ("fallback", &config.fallback),
        ("callback_id", &config.callback_id),
        ("image_url", &config.image_url),
        ("thumb_url", &config.thumb_url),
        ("footer", &config.footer),
        ("color", &config.color),
    ];
    put(&mut attachment, "title", cut_chars(&expand(&config.title)?, TITLE_CHARS_MAX));
    for (name, template) in texts.drain(..) {
        put(&mut attachment, name, expand(template)?);
    }
    if !config.fields.is_empty() {
        let fields: Result<Vec<_>, _> = config.fields.iter().map(|f| field(f, config, expand)).collect();
        attachment.insert("fields".into(), Value::Array(fields?));
    }
    if !config.actions.is_empty() {
        let actions: Result<Vec<_>, _> = config.actions.iter().map(|a| action(a, expand)).collect();
        attachment.insert("actions".into(), Value::Array(actions?));
    }
    attachment.insert("mrkdwn_in".into(), json!(config.mrkdwn_in));
    let mut body = Map::new();
    put(&mut body, "channel", expand(&config.channel)?);
    put(&mut body, "username", expand(&config.username)?);
    put(&mut body, "icon_emoji", expand(&config.icon_emoji)?);
    put(&mut body, "icon_url", expand(&config.icon_url)?);
    if config.link_names {
        body.insert("link_names".into(), json!(true));
    }
    put(&mut body, "text", expand(&config.message_text)?);
    body.insert("attachments".into(), json!([attachment]));
    Ok(Value::Object(body).to_string())
}

/// What is sent when a template fails: plain facts, and that the template failed. Never nothing.
fn fallback_body(config: &SlackConfig, notification: &Notification, why: &str) -> String {
    let mut body = Map::new();
    // A channel that is itself a template cannot be trusted to work when another template does not.
    if !config.channel.contains("{{") {
        put(&mut body, "channel", config.channel.clone());
    }
    let (title, text) = plain_text(notification);
    let color = match notification.status() {
        Status::Firing => "danger",
        Status::Resolved => "good",
    };
    body.insert(
        "attachments".into(),
        json!([{
            "title": cut_chars(&title, TITLE_CHARS_MAX),
            "text": text,
            "fallback": title,
            "footer": format!("plain text, because the receiver's template failed: {why}"),
            "color": color,
        }]),
    );
    Value::Object(body).to_string()
}

fn field(field: &SlackField, config: &SlackConfig, expand: Expand<'_>) -> Result<Value, String> {
    Ok(json!({
        "title": expand(&field.title)?,
        "value": expand(&field.value)?,
        "short": field.short.unwrap_or(config.short_fields),
    }))
}

fn action(action: &SlackAction, expand: Expand<'_>) -> Result<Value, String> {
    let mut out = Map::new();
    for (name, template) in [
        ("type", &action.kind),
        ("text", &action.text),
        ("url", &action.url),
        ("style", &action.style),
        ("name", &action.name),
        ("value", &action.value),
    ] {
        put(&mut out, name, expand(template)?);
    }
    if let Some(confirm) = &action.confirm {
        let mut question = Map::new();
        put(&mut question, "text", expand(&confirm.text)?);
        put(&mut question, "title", expand(&confirm.title)?);
        put(&mut question, "ok_text", expand(&confirm.ok_text)?);
        put(&mut question, "dismiss_text", expand(&confirm.dismiss_text)?);
        out.insert("confirm".into(), Value::Object(question));
    }
    Ok(Value::Object(out))
}

/// Empty texts are left out, as Alertmanager does.
fn put(map: &mut Map<String, Value>, name: &str, text: String) {
    if !text.is_empty() {
        map.insert(name.to_owned(), Value::String(text));
    }
}
