//! Slack: one attachment, every text a template. An incoming webhook gets message after message. An app can do better: with
//! `update_message` a group has one message, which is kept current, and its thread says what happened when.

mod attachment;
mod mrkdwn;
mod read;
mod timeline;

use bellwether_model::TimeDelta;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Kind, Part, Said, plain_text};
use crate::templates::{Clean, Renderer};
use crate::{Address, HttpConfig, Notification, Reason, SecretSource, Status};
use attachment::{body, put};

pub(super) use read::read;

/// The call that posts a message.
const POST: &str = "chat.postMessage";
/// The call that changes one.
const UPDATE: &str = "chat.update";
/// Slack cuts titles at this many characters.
const TITLE_CHARS_MAX: usize = 1024;
/// Longer texts make Slack refuse or cut what it is sent; nobody reads so much there.
const TEXT_CHARS_MAX: usize = 7500;

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

/// A channel of Slack. All texts are templates.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields are Slack's own
pub struct SlackConfig {
    pub way: SlackWay,
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
    /// One message per group, kept current, with what happened in its thread.
    pub update_message: bool,
    pub timeout: Option<TimeDelta>,
}

/// How Slack is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SlackWay {
    /// An incoming webhook, whose address is all it takes.
    Webhook(Address),
    /// An app, whose messages can be changed later.
    App {
        /// Its call that posts; the others stand beside it.
        post: Address,
        /// Its token; without one the HTTP settings hold it, as before there was a field for it.
        token: Option<SecretSource>,
    },
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
        let cleaned = match needs_cleaning(said.notification) {
            true => Some(self.cleaned(said)?),
            false => None,
        };
        let renderer = cleaned.as_ref().unwrap_or(said.renderer);
        let body = body(self, said, &|text| renderer.expand(text))?;
        let channel = renderer.expand(&self.channel)?;
        Ok(self.parts(body, &channel, said))
    }

    /// Plain facts, and that the template failed. Never nothing.
    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        let channel = self.plain_channel(said);
        let (title, text) = plain_text(said.notification);
        let color = match said.notification.status() {
            Status::Firing => "danger",
            Status::Resolved => "good",
        };
        let title = mrkdwn::cut(&mrkdwn::label(&title, self.link_names), TITLE_CHARS_MAX);
        let text = mrkdwn::label(&text, self.link_names);
        let footer = format!("plain text, because the receiver's template failed: {why}");
        let attachment = json!({
            "fallback": title.clone(),
            "title": title,
            "text": mrkdwn::cut_with_link(&text, TEXT_CHARS_MAX, &said.page_url()),
            "footer": mrkdwn::label(&footer, self.link_names),
            "color": color,
        });
        let mut body = Map::new();
        put(&mut body, "channel", channel.clone());
        body.insert("attachments".into(), json!([attachment]));
        self.parts(body, &channel, said)
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.http.secret_files_mut();
        match &mut self.way {
            SlackWay::Webhook(address) => files.extend(address.file_mut()),
            SlackWay::App { post, token } => {
                files.extend(post.file_mut());
                files.extend(token.as_mut().and_then(SecretSource::file_mut));
            }
        }
        files
    }

    fn hears_acks(&self) -> bool {
        self.update_message
    }
}

impl SlackConfig {
    /// What came with the alerts can name nobody and no channel; what the templates say themselves can.
    fn cleaned<'r>(&self, said: &Said<'r>) -> Result<Renderer<'r>, String> {
        let label = |text: &str| mrkdwn::label(text, self.link_names);
        let annotation = |text: &str| mrkdwn::annotation(text, self.link_names);
        said.renderer.cleaned(said.notification, &Clean { label: &label, annotation: &annotation })
    }

    /// A webhook has a channel of its own, and one that is itself a template cannot be trusted to work when another
    /// template does not. An app is refused without one.
    fn plain_channel(&self, said: &Said<'_>) -> String {
        match &self.way {
            SlackWay::Webhook(_) if self.channel.contains("{{") => String::new(),
            SlackWay::Webhook(_) => self.channel.clone(),
            SlackWay::App { .. } => said.expand(&self.channel).unwrap_or_default(),
        }
    }

    /// A message, or the change of one and a line in its thread.
    fn parts(&self, mut body: Map<String, Value>, channel: &str, said: &Said<'_>) -> Vec<Part> {
        if matches!(self.way, SlackWay::Webhook(_)) {
            return vec![Part::json(Value::Object(body).to_string())];
        }
        let Some(conversation) = self.conversation(channel, said) else {
            return vec![Part::json_to(POST, Value::Object(body).to_string())];
        };
        let names = ["username", "icon_emoji", "icon_url"];
        let looks = names.iter().filter_map(|name| Some(((*name).to_owned(), body.get(*name)?.clone())));
        let mut reply: Map<String, Value> = looks.collect();
        reply.insert("channel".into(), conversation.channel.into());
        reply.insert("thread_ts".into(), conversation.ts.into());
        reply.insert("text".into(), timeline::text(self, said).into());
        reply.insert("unfurl_links".into(), json!(false));
        if timeline::is_for_the_channel(said.notification.reason) {
            reply.insert("reply_broadcast".into(), json!(true));
        }
        body.insert("channel".into(), conversation.channel.into());
        body.insert("ts".into(), conversation.ts.into());
        vec![
            Part::json_to(UPDATE, Value::Object(body).to_string()),
            Part::json_to(POST, Value::Object(reply).to_string()),
        ]
    }

    /// The message that is kept current, unless another one is called for: the end was told and something fires anew,
    /// which people would not notice in an old message, or the channel is another one by now.
    fn conversation<'s>(&self, channel: &str, said: &'s Said<'_>) -> Option<Conversation<'s>> {
        if !self.update_message || matches!(said.notification.reason, Reason::First | Reason::Drill) {
            return None;
        }
        let found = Conversation { channel: said.thread.get("channel")?, ts: said.thread.get("ts")? };
        let is_elsewhere = said.thread.get("asked").is_some_and(|asked| asked != channel);
        let was_over = said.thread.get("firing").is_some_and(String::is_empty);
        let fires_anew = was_over && said.notification.status() == Status::Firing;
        (!is_elsewhere && !fires_anew).then_some(found)
    }
}

/// Where a message of ours stands.
struct Conversation<'s> {
    channel: &'s str,
    ts: &'s str,
}

/// Whether there is anything at all that Slack could take for more than text.
fn needs_cleaning(notification: &Notification) -> bool {
    let is_special = |text: &str| text.contains(['<', '>', '@']);
    let labels = |labels: &bellwether_model::Labels| {
        labels.iter().any(|(name, value)| is_special(name) || is_special(value))
    };
    labels(&notification.group_labels)
        || notification.alerts.iter().any(|told| {
            labels(&told.alert.labels)
                || labels(&told.alert.annotations)
                || is_special(&told.alert.generator_url)
        })
}
