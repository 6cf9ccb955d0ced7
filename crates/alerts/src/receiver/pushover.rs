//! Pushover: a push to phones, which an emergency repeats until somebody has taken it.

use bellwether_diag::{Cx, MapReader};
use bellwether_model::TimeDelta;
use serde::Serialize;

use super::html_pieces::split_html;
use super::limit::cut_chars_with_link;
use super::needs::{api_url, own_secret};
use super::{Base, Content, Kind, Part, Said, cut_chars, plain_text, text};
use crate::connection::AddressFields;
use crate::{HttpConfig, SecretSource, Status};

/// Fields whose texts are templates.
pub(super) const TEXTS: &[&str] = &["device", "message", "priority", "sound", "title", "url", "url_title"];

const API_URL: &str = "https://api.pushover.net/1/messages.json";
// https://pushover.net/api#limits
const TITLE_CHARS_MAX: usize = 250;
const MESSAGE_CHARS_MAX: usize = 1024;
const URL_CHARS_MAX: usize = 512;
const URL_TITLE_CHARS_MAX: usize = 100;
/// Pushover refuses an empty message.
const NO_MESSAGE: &str = "(no details)";

/// Pushover. All texts are templates.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields are Alertmanager's own
pub struct PushoverConfig {
    /// Where messages go; ours, for a relay.
    pub api_url: String,
    pub user_key: SecretSource,
    pub token: SecretSource,
    pub http: HttpConfig,
    pub title: String,
    pub message: String,
    pub url: String,
    pub url_title: String,
    pub device: String,
    pub sound: String,
    pub priority: String,
    pub retry: TimeDelta,
    pub expire: TimeDelta,
    pub ttl: TimeDelta,
    pub html: bool,
    pub monospace: bool,
}

impl Kind for PushoverConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        let message = match self.html {
            true => cut_html(said.noticed_html(said.expand_html(&self.message)?).trim()),
            false => cut_chars_with_link(
                said.noticed(said.expand(&self.message)?).trim(),
                MESSAGE_CHARS_MAX,
                &said.page_url(),
            ),
        };
        let mut form = vec![("title", cut_chars(&said.expand(&self.title)?, TITLE_CHARS_MAX))];
        form.push(("message", if message.is_empty() { NO_MESSAGE.to_owned() } else { message }));
        form.extend(self.html.then(|| ("html", "1".to_owned())));
        form.extend(self.monospace.then(|| ("monospace", "1".to_owned())));
        form.push(("url", cut_chars(&said.expand(&self.url)?, URL_CHARS_MAX)));
        form.push(("url_title", cut_chars(&said.expand(&self.url_title)?, URL_TITLE_CHARS_MAX)));
        form.push(("priority", said.expand(&self.priority)?.trim().to_owned()));
        form.extend(self.repeats());
        form.push(("device", said.expand(&self.device)?));
        form.push(("sound", said.expand(&self.sound)?));
        Ok(vec![part(form)])
    }

    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        let (title, facts) = plain_text(said.notification);
        let message = format!("{facts}\nplain text, because the receiver's template failed: {why}");
        let priority = if said.notification.status() == Status::Firing { "2" } else { "0" };
        let mut form = vec![
            ("title", cut_chars(&title, TITLE_CHARS_MAX)),
            ("message", cut_chars_with_link(&message, MESSAGE_CHARS_MAX, &said.page_url())),
            ("url", cut_chars(&said.page_url(), URL_CHARS_MAX)),
            ("priority", priority.to_owned()),
        ];
        form.extend(self.repeats());
        vec![part(form)]
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.http.secret_files_mut();
        files.extend(self.user_key.file_mut());
        files.extend(self.token.file_mut());
        files
    }
}

impl PushoverConfig {
    /// How an emergency repeats, and how long a message is kept.
    fn repeats(&self) -> Vec<(&'static str, String)> {
        let seconds = |delta: TimeDelta| (delta.0 / 1000).to_string();
        let mut form = vec![("retry", seconds(self.retry)), ("expire", seconds(self.expire))];
        form.extend((self.ttl.0 >= 1000).then(|| ("ttl", seconds(self.ttl))));
        form
    }
}

/// As much as fits, with everything closed that is open.
fn cut_html(page: &str) -> String {
    if page.chars().nth(MESSAGE_CHARS_MAX).is_none() {
        return page.to_owned();
    }
    let mut pieces = split_html(page, MESSAGE_CHARS_MAX - 2).into_iter();
    pieces.next().map(|first| first + "…").unwrap_or_default()
}

/// Empty fields are left out; to Pushover they mean the same.
fn part(form: Vec<(&'static str, String)>) -> Part {
    let filled = form.into_iter().filter(|(_, value)| !value.is_empty());
    let fields = filled.map(|(name, value)| (name.to_owned(), value)).collect();
    Part { call: String::new(), content: Content::Form(fields) }
}

/// Reads an item of `pushover_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<PushoverConfig> {
    let user_key = own_secret(map, AddressFields { url: "user_key", file: "user_key_file" }, cx);
    let token = own_secret(map, AddressFields { url: "token", file: "token_file" }, cx);
    let html = map.optional("html", cx).unwrap_or(false);
    let monospace = map.optional("monospace", cx).unwrap_or(false);
    if html && monospace {
        let message = "a message is html or monospace, not both";
        cx.error_help(map.key_span("monospace"), message, "remove one of them");
    }
    let t = |map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>| {
        text(map, name, &format!(r#"{{{{ template "pushover.default.{name}" . }}}}"#), cx)
    };
    let config = PushoverConfig {
        api_url: api_url(map, "api_url", None, API_URL, cx),
        http: base.http.clone(),
        title: t(map, "title", cx),
        message: t(map, "message", cx),
        url: t(map, "url", cx),
        url_title: text(map, "url_title", "", cx),
        device: text(map, "device", "", cx),
        sound: text(map, "sound", "", cx),
        priority: text(map, "priority", r#"{{ if eq .Status "firing" }}2{{ else }}0{{ end }}"#, cx),
        retry: map.optional("retry", cx).unwrap_or(TimeDelta::MINUTE),
        expire: map.optional("expire", cx).unwrap_or(TimeDelta::HOUR),
        ttl: map.optional("ttl", cx).unwrap_or(TimeDelta::ZERO),
        html,
        monospace,
        user_key: user_key?,
        token: token?,
    };
    Some(config)
}
