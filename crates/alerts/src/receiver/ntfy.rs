//! ntfy: a push to phones, from a public server or one's own. Alertmanager has no such receiver.
//!
//! Whoever knows a topic can read it, so the topic is a secret: the sender adds it.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, MapReader};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::limit::cut_bytes_with_link;
use super::needs::{api_url, missing, own_secret};
use super::{Base, Kind, Part, Said, cut_chars, plain_text, text};
use crate::connection::{AddressFields, secret_source};
use crate::fields::items;
use crate::{HttpConfig, SecretSource, Status};

/// Fields whose texts are templates.
pub(super) const TEXTS: &[&str] = &["click", "message", "priority", "title"];
/// Fields all of whose texts are templates.
pub(super) const TREES: &[&str] = &["actions", "tags"];

const URL: &str = "https://ntfy.sh";
/// A longer message becomes a file that has to be opened. https://docs.ntfy.sh/publish/#limitations
const MESSAGE_BYTES_MAX: usize = 4096;
const TITLE_CHARS_MAX: usize = 250;
/// More buttons are refused.
const ACTIONS_MAX: usize = 3;
/// By severity, loud only where somebody must get up; what is over is quiet.
const PRIORITY_DEFAULT: &str = r#"{{ template "ntfy.default.priority" . }}"#;

/// A topic of ntfy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NtfyConfig {
    /// The server.
    pub url: String,
    /// The topic.
    pub topic: SecretSource,
    /// An access token; user and password stand in `http_config`.
    pub token: Option<SecretSource>,
    /// How the server is reached.
    pub http: HttpConfig,
    /// The first line; a template.
    pub title: String,
    /// The text; a template.
    pub message: String,
    /// 1 to 5, or one of ntfy's names; a template.
    pub priority: String,
    /// Words, or names of emoji; templates.
    pub tags: Vec<String>,
    /// Where a touch leads; a template.
    pub click: String,
    /// Buttons; `None` is a button for the page with the alerts, and one for the runbook where there is one.
    pub actions: Option<Vec<NtfyAction>>,
    /// Whether the text is markdown.
    pub markdown: bool,
}

/// A button that opens an address.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NtfyAction {
    /// What stands on it; a template.
    pub label: String,
    /// Where it leads; a template.
    pub url: String,
}

impl Kind for NtfyConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        let mut body = self.start(said.expand(&self.title)?, said.noticed(said.expand(&self.message)?), said);
        let priority = said.expand(&self.priority)?;
        if let Some(number) = priority_number(priority.trim())? {
            body.insert("priority".into(), json!(number));
        }
        let tags: Result<Vec<_>, _> = self.tags.iter().map(|tag| said.expand(tag)).collect();
        let tags: Vec<_> = tags?.iter().map(|tag| tag.trim().to_owned()).filter(|t| !t.is_empty()).collect();
        body.insert("tags".into(), json!(tags));
        put(&mut body, "click", said.expand(&self.click)?);
        body.insert("actions".into(), Value::Array(self.buttons(said)?));
        Ok(vec![Part::json(Value::Object(body).to_string())])
    }

    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        let (title, facts) = plain_text(said.notification);
        let text = format!("{facts}\nplain text, because the receiver's template failed: {why}");
        let mut body = self.start(title, text, said);
        put(&mut body, "click", said.page_url());
        let priority = if said.notification.status() == Status::Firing { 4 } else { 3 };
        body.insert("priority".into(), json!(priority));
        vec![Part::json(Value::Object(body).to_string())]
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.http.secret_files_mut();
        files.extend(self.topic.file_mut());
        files.extend(self.token.as_mut().and_then(SecretSource::file_mut));
        files
    }
}

impl NtfyConfig {
    fn start(&self, title: String, message: String, said: &Said<'_>) -> Map<String, Value> {
        let mut body = Map::new();
        put(&mut body, "title", cut_chars(title.trim(), TITLE_CHARS_MAX));
        put(
            &mut body,
            "message",
            cut_bytes_with_link(message.trim_end(), MESSAGE_BYTES_MAX, &said.page_url()),
        );
        if self.markdown {
            body.insert("markdown".into(), json!(true));
        }
        body
    }

    fn buttons(&self, said: &Said<'_>) -> Result<Vec<Value>, String> {
        let button = |label: &str, url: &str| json!({"action": "view", "label": label, "url": url});
        let Some(actions) = &self.actions else {
            let runbook = said.notification.common_annotations();
            let runbook = runbook.get("runbook_url").filter(|url| url.starts_with("http"));
            let first = match said.notification.status() {
                Status::Firing => "Acknowledge",
                Status::Resolved => "Open",
            };
            let runbook = runbook.map(|url| button("Runbook", url));
            return Ok([button(first, &said.page_url())].into_iter().chain(runbook).collect());
        };
        let mut buttons = Vec::new();
        for action in actions {
            let (label, url) = (said.expand(&action.label)?, said.expand(&action.url)?);
            if !url.trim().is_empty() {
                buttons.push(button(label.trim(), url.trim()));
            }
        }
        Ok(buttons)
    }
}

/// Empty leaves it to the server.
fn priority_number(text: &str) -> Result<Option<u8>, String> {
    Ok(Some(match text.to_ascii_lowercase().as_str() {
        "" => return Ok(None),
        "1" | "min" => 1,
        "2" | "low" => 2,
        "3" | "default" => 3,
        "4" | "high" => 4,
        "5" | "max" | "urgent" => 5,
        other => {
            return Err(format!("priority {other:?} is not one of 1 to 5, min, low, default, high, max"));
        }
    }))
}

fn put(body: &mut Map<String, Value>, name: &str, text: String) {
    if !text.is_empty() {
        body.insert(name.to_owned(), Value::String(text));
    }
}

/// Reads an item of `ntfy_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<NtfyConfig> {
    let topic = own_secret(map, AddressFields { url: "topic", file: "topic_file" }, cx);
    let has_actions = map.has("actions");
    let actions = items(map.node("actions"), cx, action);
    if actions.len() > ACTIONS_MAX {
        let message = format!("{} actions, but ntfy shows at most {ACTIONS_MAX}", actions.len());
        cx.error_help(map.key_span("actions"), message, "remove the least useful");
    }
    let tags: Option<Vec<String>> = map.optional("tags", cx);
    let tags_default = || vec![r#"{{ template "ntfy.default.tags" . }}"#.to_owned()];
    let token = secret_source(map, AddressFields { url: "token", file: "token_file" }, cx);
    if token.is_some() && base.http.auth.is_some() && map.has("http_config") {
        missing(map, "both token and http_config say who we are", "keep one of them", cx);
    }
    let config = NtfyConfig {
        url: api_url(map, "url", None, URL, cx).trim_end_matches('/').to_owned(),
        token,
        http: base.http.clone(),
        title: text(map, "title", r#"{{ template "ntfy.default.title" . }}"#, cx),
        message: text(map, "message", r#"{{ template "ntfy.default.message" . }}"#, cx),
        priority: text(map, "priority", PRIORITY_DEFAULT, cx),
        tags: tags.unwrap_or_else(tags_default),
        click: text(map, "click", r#"{{ template "ntfy.default.click" . }}"#, cx),
        actions: has_actions.then_some(actions),
        markdown: map.optional("markdown", cx).unwrap_or(false),
        topic: topic?,
    };
    Some(config)
}

fn action(node: &Node, cx: &mut Cx<'_>) -> Option<NtfyAction> {
    let mut map = MapReader::open(node, cx)?;
    let (label, url) = (map.required("label", cx), map.required("url", cx));
    map.finish(cx);
    Some(NtfyAction { label: label?, url: url? })
}
