//! Ways of telling somebody. Each kind is one file: what may be configured, how it is read, and what is sent. Here
//! stands what they share, and the closed list of them.
//!
//! A kind turns what is to be said into [`Part`]s: plain texts without any secret, because they are recorded before
//! they are sent. Whoever sends them adds addresses and keys.

mod decode;
mod discord;
mod email;
mod global;
mod html_pieces;
mod incidentio;
mod jira;
mod kind;
mod limit;
mod mattermost;
mod msteams;
mod needs;
mod notice;
mod ntfy;
mod opsgenie;
mod pagerduty;
mod part;
mod plain;
mod pushover;
mod rocketchat;
mod said;
mod slack;
mod sns;
mod telegram;
mod tree;
mod victorops;
mod webex;
mod webhook;
mod wechat;

use std::collections::BTreeMap;

use bellwether_diag::{Cx, MapReader};
use serde::Serialize;

use crate::{HttpConfig, IntegrationId};

pub use discord::DiscordConfig;
pub use email::{EmailConfig, MailAuth, Smarthost, Threading};
pub use global::{Global, SmtpDefaults};
pub use incidentio::IncidentioConfig;
pub use jira::{JiraApiType, JiraConfig, JiraField};
pub use kind::IntegrationKind;
pub use mattermost::{MattermostAttachment, MattermostConfig, MattermostField, MattermostPriority};
pub use msteams::{MsteamsConfig, Msteamsv2Config};
pub use ntfy::{NtfyAction, NtfyConfig};
pub use opsgenie::{OpsgenieConfig, OpsgenieResponder};
pub use pagerduty::{PagerdutyConfig, PagerdutyImage, PagerdutyKey, PagerdutyLink};
pub use part::{Content, Mail, Part};
pub use pushover::PushoverConfig;
pub use rocketchat::{RocketchatAction, RocketchatConfig, RocketchatField};
pub use slack::{SlackAction, SlackConfig, SlackConfirm, SlackField, SlackWay};
pub use sns::{Sigv4, SnsConfig, SnsTarget};
pub use telegram::{ParseMode, TelegramChat, TelegramConfig};
pub use victorops::VictoropsConfig;
pub use webex::WebexConfig;
pub use webhook::WebhookConfig;
pub use wechat::{WechatConfig, WechatMessageType};

pub(crate) use decode::{receiver, text, timeout};
pub(crate) use global::read_global;
pub(crate) use plain::plain_text;
pub(crate) use said::{Said, cut_chars};

/// Someone who can be told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Receiver {
    /// The name.
    pub name: String,
    /// Labels by which it can be found; its name is not among them.
    pub labels: BTreeMap<String, String>,
    /// The ways in which they are told, in order of kind and place.
    pub integrations: Vec<Integration>,
}

impl Receiver {
    /// What its integrations are called.
    pub fn integration_ids(&self) -> Vec<IntegrationId> {
        self.integrations.iter().map(|integration| integration.id.clone()).collect()
    }
}

/// One way in which a receiver is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Integration {
    /// What it is called: `oncall/slack[0]`.
    pub id: IntegrationId,
    /// Whether people hear of the end.
    pub send_resolved: bool,
    /// Its settings.
    pub settings: Settings,
}

/// The settings of an integration, by kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // the kinds are named in `IntegrationKind`
pub enum Settings {
    Discord(Box<DiscordConfig>),
    Email(Box<EmailConfig>),
    Incidentio(Box<IncidentioConfig>),
    Jira(Box<JiraConfig>),
    Mattermost(Box<MattermostConfig>),
    Msteams(Box<MsteamsConfig>),
    Msteamsv2(Box<Msteamsv2Config>),
    Ntfy(Box<NtfyConfig>),
    Opsgenie(Box<OpsgenieConfig>),
    Pagerduty(Box<PagerdutyConfig>),
    Pushover(Box<PushoverConfig>),
    Rocketchat(Box<RocketchatConfig>),
    Slack(Box<SlackConfig>),
    Sns(Box<SnsConfig>),
    Telegram(Box<TelegramConfig>),
    Victorops(Box<VictoropsConfig>),
    Webex(Box<WebexConfig>),
    Webhook(Box<WebhookConfig>),
    Wechat(Box<WechatConfig>),
}

/// What every kind of integration can do.
pub(crate) trait Kind {
    /// What is sent. The error is that of the first template that fails.
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String>;
    /// What is sent when a template fails: the facts, and that it failed. Never nothing.
    fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part>;
    /// Names of files that are read at delivery.
    fn secret_files_mut(&mut self) -> Vec<&mut String>;
    /// Whether it is told that somebody has taken the alerts of a group.
    fn hears_acks(&self) -> bool {
        false
    }
}

impl Settings {
    fn as_kind(&self) -> &dyn Kind {
        match self {
            Self::Discord(config) => config.as_ref(),
            Self::Email(config) => config.as_ref(),
            Self::Incidentio(config) => config.as_ref(),
            Self::Jira(config) => config.as_ref(),
            Self::Mattermost(config) => config.as_ref(),
            Self::Msteams(config) => config.as_ref(),
            Self::Msteamsv2(config) => config.as_ref(),
            Self::Ntfy(config) => config.as_ref(),
            Self::Opsgenie(config) => config.as_ref(),
            Self::Pagerduty(config) => config.as_ref(),
            Self::Pushover(config) => config.as_ref(),
            Self::Rocketchat(config) => config.as_ref(),
            Self::Slack(config) => config.as_ref(),
            Self::Sns(config) => config.as_ref(),
            Self::Telegram(config) => config.as_ref(),
            Self::Victorops(config) => config.as_ref(),
            Self::Webex(config) => config.as_ref(),
            Self::Webhook(config) => config.as_ref(),
            Self::Wechat(config) => config.as_ref(),
        }
    }

    fn as_kind_mut(&mut self) -> &mut dyn Kind {
        match self {
            Self::Discord(config) => config.as_mut(),
            Self::Email(config) => config.as_mut(),
            Self::Incidentio(config) => config.as_mut(),
            Self::Jira(config) => config.as_mut(),
            Self::Mattermost(config) => config.as_mut(),
            Self::Msteams(config) => config.as_mut(),
            Self::Msteamsv2(config) => config.as_mut(),
            Self::Ntfy(config) => config.as_mut(),
            Self::Opsgenie(config) => config.as_mut(),
            Self::Pagerduty(config) => config.as_mut(),
            Self::Pushover(config) => config.as_mut(),
            Self::Rocketchat(config) => config.as_mut(),
            Self::Slack(config) => config.as_mut(),
            Self::Sns(config) => config.as_mut(),
            Self::Telegram(config) => config.as_mut(),
            Self::Victorops(config) => config.as_mut(),
            Self::Webex(config) => config.as_mut(),
            Self::Webhook(config) => config.as_mut(),
            Self::Wechat(config) => config.as_mut(),
        }
    }

    /// What is sent. The error is that of the first template that fails.
    pub(crate) fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        self.as_kind().render(said)
    }

    /// What is sent when a template fails.
    pub(crate) fn plain(&self, said: &Said<'_>, why: &str) -> Vec<Part> {
        self.as_kind().plain(said, why)
    }

    /// Whether it is told that somebody has taken the alerts of a group.
    pub fn hears_acks(&self) -> bool {
        self.as_kind().hears_acks()
    }

    /// Names of files that are read at delivery.
    pub(crate) fn secret_files_mut(&mut self) -> Vec<&mut String> {
        self.as_kind_mut().secret_files_mut()
    }
}

/// What a kind is read with.
pub(crate) struct Base<'a> {
    /// Defaults; `None` when they could not be read, so that nothing is said to be missing there.
    pub(crate) global: Option<&'a Global>,
    /// How to reach it, from its own `http_config` or the global one.
    pub(crate) http: HttpConfig,
}

/// Reads the settings of one integration. `send_resolved` and `http_config` have been read by the caller, who also
/// refuses what is left over.
pub(crate) fn read_settings(
    kind: IntegrationKind,
    map: &mut MapReader<'_>,
    base: &Base<'_>,
    cx: &mut Cx<'_>,
) -> Option<Settings> {
    match kind {
        IntegrationKind::Discord => discord::read(map, base, cx).map(Box::new).map(Settings::Discord),
        IntegrationKind::Email => email::read(map, base, cx).map(Box::new).map(Settings::Email),
        IntegrationKind::Incidentio => {
            incidentio::read(map, base, cx).map(Box::new).map(Settings::Incidentio)
        }
        IntegrationKind::Jira => jira::read(map, base, cx).map(Box::new).map(Settings::Jira),
        IntegrationKind::Mattermost => {
            mattermost::read(map, base, cx).map(Box::new).map(Settings::Mattermost)
        }
        IntegrationKind::Msteams => msteams::read(map, base, cx).map(Box::new).map(Settings::Msteams),
        IntegrationKind::Msteamsv2 => msteams::read_v2(map, base, cx).map(Box::new).map(Settings::Msteamsv2),
        IntegrationKind::Ntfy => ntfy::read(map, base, cx).map(Box::new).map(Settings::Ntfy),
        IntegrationKind::Opsgenie => opsgenie::read(map, base, cx).map(Box::new).map(Settings::Opsgenie),
        IntegrationKind::Pagerduty => pagerduty::read(map, base, cx).map(Box::new).map(Settings::Pagerduty),
        IntegrationKind::Pushover => pushover::read(map, base, cx).map(Box::new).map(Settings::Pushover),
        IntegrationKind::Rocketchat => {
            rocketchat::read(map, base, cx).map(Box::new).map(Settings::Rocketchat)
        }
        IntegrationKind::Slack => slack::read(map, base, cx).map(Box::new).map(Settings::Slack),
        IntegrationKind::Sns => sns::read(map, base, cx).map(Box::new).map(Settings::Sns),
        IntegrationKind::Telegram => telegram::read(map, base, cx).map(Box::new).map(Settings::Telegram),
        IntegrationKind::Victorops => victorops::read(map, base, cx).map(Box::new).map(Settings::Victorops),
        IntegrationKind::Webex => webex::read(map, base, cx).map(Box::new).map(Settings::Webex),
        IntegrationKind::Webhook => webhook::read(map, base, cx).map(Box::new).map(Settings::Webhook),
        IntegrationKind::Wechat => wechat::read(map, base, cx).map(Box::new).map(Settings::Wechat),
    }
}
