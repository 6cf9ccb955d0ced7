//! Telegram: a bot's message. One that is too long becomes several, each valid by itself; Alertmanager replaces it by
//! a sentence that says nothing about the outage.

use bellwether_diag::{Cx, MapReader, Spanned};
use serde::Serialize;
use serde_json::{Map, json};

use super::html_pieces::split_html;
use super::limit::split_at_lines;
use super::needs::{api_url, missing, secret_or_global};
use super::{Base, Kind, Part, Said, plain_text, text};
use crate::connection::AddressFields;
use crate::{HttpConfig, SecretSource};

/// Fields whose texts are templates.
pub(super) const TEXTS: &[&str] = &["message"];

/// The longest message, after which a text is split; counted in UTF-16 units, which is never less than characters.
const MESSAGE_UTF16_MAX: usize = 4096;
/// More messages at once are noise; what is left is behind the link.
const MESSAGES_MAX: usize = 10;
const API_URL: &str = "https://api.telegram.org";

/// A Telegram bot.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TelegramConfig {
    /// The interface, without the bot's path.
    pub api_url: String,
    /// The bot's token.
    pub token: SecretSource,
    /// Who hears it.
    pub chat: TelegramChat,
    /// A topic of the chat; 0 is none.
    pub message_thread_id: i64,
    /// The text; a template.
    pub message: String,
    /// Whether phones stay silent.
    pub disable_notifications: bool,
    /// How the text is read.
    pub parse_mode: ParseMode,
    /// How the interface is reached.
    pub http: HttpConfig,
}

/// A chat.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TelegramChat {
    /// By its number.
    Id(i64),
    /// By a file that holds the number, read at every delivery.
    File(String),
}

/// How Telegram reads a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ParseMode {
    /// As it is.
    #[serde(rename = "")]
    Plain,
    /// A few tags.
    #[serde(rename = "HTML")]
    Html,
    /// The old markdown.
    Markdown,
    /// The new markdown.
    MarkdownV2,
}

impl ParseMode {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Html => "HTML",
            Self::Markdown => "Markdown",
            Self::MarkdownV2 => "MarkdownV2",
        }
    }
}

impl Kind for TelegramConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        let messages = match self.parse_mode {
            ParseMode::Html => split_html(
                said.noticed_html(said.expand_html(&self.message)?).trim_matches('\n'),
                MESSAGE_UTF16_MAX,
            ),
            ParseMode::Plain | ParseMode::Markdown | ParseMode::MarkdownV2 => split_at_lines(
                said.noticed(said.expand(&self.message)?).trim_matches('\n'),
                MESSAGE_UTF16_MAX,
            ),
        };
        match messages.is_empty() {
            true => Err("the message is empty".to_owned()),
            false => Ok(self.parts(messages, self.parse_mode, said)),
        }
    }

    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        let (title, facts) = plain_text(said.notification);
        let text = format!(
            "{title}\n{facts}\n{}\nplain text, because the receiver's template failed: {why}",
            said.page_url()
        );
        self.parts(split_at_lines(&text, MESSAGE_UTF16_MAX), ParseMode::Plain, said)
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.http.secret_files_mut();
        files.extend(self.token.file_mut());
        if let TelegramChat::File(file) = &mut self.chat {
            files.push(file);
        }
        files
    }
}

impl TelegramConfig {
    fn parts(&self, mut messages: Vec<String>, mode: ParseMode, said: &Said<'_>) -> Vec<Part> {
        if messages.len() > MESSAGES_MAX {
            messages.truncate(MESSAGES_MAX - 1);
            let rest = format!("… and more: {}", said.page_url());
            messages.push(rest);
        }
        let last = messages.len() - 1;
        let of = |(index, text): (usize, String)| {
            // The sentence about the rest is nobody's markup.
            let is_note = index == last && text.starts_with("… and more: ");
            let mode = if is_note { ParseMode::Plain } else { mode };
            Part::json_to("sendMessage", self.body(&text, mode))
        };
        messages.into_iter().enumerate().map(of).collect()
    }

    fn body(&self, text: &str, mode: ParseMode) -> String {
        let mut body = Map::new();
        if let TelegramChat::Id(id) = self.chat {
            body.insert("chat_id".into(), json!(id));
        }
        if self.message_thread_id != 0 {
            body.insert("message_thread_id".into(), json!(self.message_thread_id));
        }
        body.insert("text".into(), json!(text));
        if mode != ParseMode::Plain {
            body.insert("parse_mode".into(), json!(mode.as_str()));
        }
        body.insert("link_preview_options".into(), json!({"is_disabled": true}));
        if self.disable_notifications {
            body.insert("disable_notification".into(), json!(true));
        }
        serde_json::Value::Object(body).to_string()
    }
}

/// Reads an item of `telegram_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<TelegramConfig> {
    let global_url = base.global.and_then(|g| g.telegram_url.as_ref());
    let api_url = api_url(map, "api_url", global_url, API_URL, cx);
    let fields = AddressFields { url: "bot_token", file: "bot_token_file" };
    let global_token = ("telegram_bot_token", |g: &super::Global| g.telegram_token.clone());
    let token = secret_or_global(map, fields, global_token, base, cx);
    let chat = chat(map, cx);
    let config = TelegramConfig {
        api_url: api_url.trim_end_matches('/').to_owned(),
        message_thread_id: map.optional("message_thread_id", cx).unwrap_or(0),
        message: text(map, "message", r#"{{ template "telegram.default.message" . }}"#, cx),
        disable_notifications: map.optional("disable_notifications", cx).unwrap_or(false),
        parse_mode: parse_mode(map, cx),
        http: base.http.clone(),
        token: token?,
        chat: chat?,
    };
    Some(config)
}

fn chat(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<TelegramChat> {
    let had_id = map.has("chat_id");
    let id: Option<i64> = map.optional("chat_id", cx);
    let file: Option<String> = map.optional("chat_id_file", cx);
    match (id.filter(|id| *id != 0), file.filter(|file| !file.is_empty())) {
        (Some(_), Some(_)) => {
            let message = "chat_id and chat_id_file are both written; which one counts?";
            cx.error_help(map.key_span("chat_id_file"), message, "remove one of them");
            None
        }
        (Some(id), None) => Some(TelegramChat::Id(id)),
        (None, Some(file)) => Some(TelegramChat::File(file)),
        (None, None) => {
            if !had_id || id == Some(0) {
                missing(map, "chat_id is missing", "write chat_id or chat_id_file", cx);
            }
            None
        }
    }
}

fn parse_mode(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> ParseMode {
    let written: Option<Spanned<String>> = map.optional("parse_mode", cx);
    let Some(written) = written else { return ParseMode::Html };
    match written.value.as_str() {
        "" => ParseMode::Plain,
        "HTML" => ParseMode::Html,
        "Markdown" => ParseMode::Markdown,
        "MarkdownV2" => ParseMode::MarkdownV2,
        other => {
            let message = format!("unknown parse_mode {other:?}");
            cx.error_help(written.span, message, "write HTML, Markdown, MarkdownV2 or \"\"");
            ParseMode::Html
        }
    }
}
