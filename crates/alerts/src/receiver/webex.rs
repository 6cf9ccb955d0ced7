//! Webex: a bot's message to a room.

use bellwether_diag::{Cx, MapReader, Spanned};
use serde::Serialize;
use serde_json::json;

use super::limit::cut_bytes_with_link;
use super::needs::{api_url, missing};
use super::{Base, Kind, Part, Said, plain_text, text};
use crate::{Auth, HttpConfig};

/// Fields whose texts are templates.
pub(super) const TEXTS: &[&str] = &["message", "room_id"];

const API_URL: &str = "https://webexapis.com/v1/messages";
/// The longest message before encryption. https://developer.webex.com/docs/api/v1/messages/create-a-message
const MESSAGE_BYTES_MAX: usize = 7439;

/// Webex. The bot's token stands in `http_config`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields are Alertmanager's own
pub struct WebexConfig {
    pub api_url: String,
    pub http: HttpConfig,
    pub message: String,
    pub room_id: String,
}

impl Kind for WebexConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        Ok(vec![part(&said.noticed(said.expand(&self.message)?), &said.expand(&self.room_id)?, said)])
    }

    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        let (title, facts) = plain_text(said.notification);
        let text = format!("{title}\n\n{facts}\n\nplain text, because the receiver's template failed: {why}");
        vec![part(&text, &said.expand(&self.room_id).unwrap_or_default(), said)]
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        self.http.secret_files_mut()
    }
}

fn part(markdown: &str, room: &str, said: &Said<'_>) -> Part {
    let markdown = cut_bytes_with_link(markdown, MESSAGE_BYTES_MAX, &said.page_url());
    Part::json(json!({"markdown": markdown, "roomId": room}).to_string())
}

/// Reads an item of `webex_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<WebexConfig> {
    let global_url = base.global.and_then(|g| g.webex_url.as_ref());
    let api_url = api_url(map, "api_url", global_url, API_URL, cx);
    let room_id: Option<Spanned<String>> = map.optional("room_id", cx);
    let room_id = room_id.map(|room| room.value).filter(|room| !room.is_empty());
    if room_id.is_none() {
        missing(map, "room_id is missing", "write the id of the room", cx);
    }
    let http = base.http.clone();
    if !matches!(http.auth, Some(Auth::Authorization { .. })) && base.global.is_some() {
        let help = "write http_config: {authorization: {credentials_file: FILE}}";
        missing(map, "no token of a bot", help, cx);
    }
    let message = text(map, "message", r#"{{ template "webex.default.message" . }}"#, cx);
    Some(WebexConfig { api_url, http, message, room_id: room_id? })
}
