//! Microsoft Teams: a card to a connector (the old way) or to a workflow.

use bellwether_diag::{Cx, MapReader};
use serde::Serialize;
use serde_json::{Value, json};

use super::limit::cut_json_bytes_with_link;
use super::needs::own_address;
use super::{Base, Kind, Part, Said, cut_chars, plain_text, text};
use crate::connection::AddressFields;
use crate::{Address, HttpConfig, Status};

/// Fields of a connector whose texts are templates.
pub(super) const TEXTS: &[&str] = &["summary", "text", "title"];
/// Those of a workflow.
pub(super) const TEXTS_V2: &[&str] = &["text", "title"];

/// Teams takes no larger request. https://learn.microsoft.com/en-us/microsoftteams/limits-specifications-teams
const BODY_BYTES_MAX: usize = 28 * 1024;
/// A heading is read, not scrolled.
const TITLE_CHARS_MAX: usize = 1024;

/// A connector of Microsoft Teams.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields are Alertmanager's own
pub struct MsteamsConfig {
    pub address: Address,
    pub http: HttpConfig,
    pub title: String,
    pub summary: String,
    pub text: String,
}

/// A workflow of Microsoft Teams.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields are Alertmanager's own
pub struct Msteamsv2Config {
    pub address: Address,
    pub http: HttpConfig,
    pub title: String,
    pub text: String,
}

impl Kind for MsteamsConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        let (title, summary) = (heading(&said.expand(&self.title)?), heading(&said.expand(&self.summary)?));
        let text = said.noticed(said.expand(&self.text)?);
        Ok(vec![fitted(&text, said, |text| message_card(&title, &summary, text, said))])
    }

    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        let (title, text) = plain_card(said, why);
        vec![fitted(&text, said, |text| message_card(&title, &title, text, said))]
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.http.secret_files_mut();
        files.extend(self.address.file_mut());
        files
    }
}

impl Kind for Msteamsv2Config {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        let title = heading(&said.expand(&self.title)?);
        let text = said.noticed(said.expand(&self.text)?);
        Ok(vec![fitted(&text, said, |text| adaptive_card(&title, text, said))])
    }

    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        let (title, text) = plain_card(said, why);
        vec![fitted(&text, said, |text| adaptive_card(&title, text, said))]
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.http.secret_files_mut();
        files.extend(self.address.file_mut());
        files
    }
}

fn heading(text: &str) -> String {
    cut_chars(text, TITLE_CHARS_MAX)
}

/// In markdown a line ends where two spaces or an empty line do.
fn plain_card(said: &Said<'_>, why: &str) -> (String, String) {
    let (title, facts) = plain_text(said.notification);
    let why = format!("plain text, because the receiver's template failed: {why}");
    (heading(&title), format!("{}\n\n{why}", facts.replace('\n', "\n\n")))
}

/// The card with as much of its text as it can hold.
fn fitted(text: &str, said: &Said<'_>, card: impl Fn(&str) -> Value) -> Part {
    let room = BODY_BYTES_MAX.saturating_sub(card("").to_string().len());
    let link = format!("\n[The rest is here]({})", said.page_url());
    Part::json(card(&cut_json_bytes_with_link(text, room, &link)).to_string())
}

/// https://learn.microsoft.com/en-us/outlook/actionable-messages/message-card-reference; `type` is what Alertmanager
/// writes, and what programs between it and Teams read.
fn message_card(title: &str, summary: &str, text: &str, said: &Said<'_>) -> Value {
    let color = match said.notification.status() {
        Status::Firing => "8C1A1A",
        Status::Resolved => "2DC72D",
    };
    json!({
        "@context": "http://schema.org/extensions",
        "@type": "MessageCard",
        "type": "MessageCard",
        "title": title,
        "summary": summary,
        "text": text,
        "themeColor": color,
    })
}

/// https://adaptivecards.io/explorer/, in the message a workflow expects.
fn adaptive_card(title: &str, text: &str, said: &Said<'_>) -> Value {
    let color = match said.notification.status() {
        Status::Firing => "Attention",
        Status::Resolved => "Good",
    };
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.2",
                "body": [
                    {
                        "type": "TextBlock",
                        "text": title,
                        "weight": "Bolder",
                        "size": "Medium",
                        "wrap": true,
                        "style": "heading",
                        "color": color,
                    },
                    {"type": "TextBlock", "text": text, "wrap": true},
                ],
                "msteams": {"width": "full"},
            },
        }],
    })
}

/// Reads an item of `msteams_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<MsteamsConfig> {
    let address = own_address(map, AddressFields { url: "webhook_url", file: "webhook_url_file" }, cx);
    let config = MsteamsConfig {
        http: base.http.clone(),
        title: text(map, "title", r#"{{ template "msteams.default.title" . }}"#, cx),
        summary: text(map, "summary", r#"{{ template "msteams.default.summary" . }}"#, cx),
        text: text(map, "text", r#"{{ template "msteams.default.text" . }}"#, cx),
        address: address?,
    };
    Some(config)
}

/// Reads an item of `msteamsv2_configs`.
pub(super) fn read_v2(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<Msteamsv2Config> {
    let address = own_address(map, AddressFields { url: "webhook_url", file: "webhook_url_file" }, cx);
    let config = Msteamsv2Config {
        http: base.http.clone(),
        title: text(map, "title", r#"{{ template "msteamsv2.default.title" . }}"#, cx),
        text: text(map, "text", r#"{{ template "msteamsv2.default.text" . }}"#, cx),
        address: address?,
    };
    Some(config)
}
