//! The kinds of integration.

use serde::{Deserialize, Serialize};

/// The kinds of integration, in the order in which a receiver lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationKind {
    /// A Discord webhook.
    Discord,
    /// Mail.
    Email,
    /// incident.io.
    Incidentio,
    /// Issues in Jira.
    Jira,
    /// A Mattermost webhook.
    Mattermost,
    /// A connector of Microsoft Teams.
    Msteams,
    /// A workflow of Microsoft Teams.
    Msteamsv2,
    /// A topic of ntfy. Alertmanager has no such receiver.
    Ntfy,
    /// Opsgenie, or Jira Service Management.
    Opsgenie,
    /// PagerDuty, both versions of its events.
    Pagerduty,
    /// Pushover.
    Pushover,
    /// Rocket.Chat.
    Rocketchat,
    /// Slack: an incoming webhook, or an app's token.
    Slack,
    /// Amazon's notification service.
    Sns,
    /// A Telegram bot.
    Telegram,
    /// VictorOps, or Splunk On-Call.
    Victorops,
    /// Webex.
    Webex,
    /// A generic webhook in Alertmanager's format, version 4.
    Webhook,
    /// WeChat.
    Wechat,
}

impl IntegrationKind {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Discord,
        Self::Email,
        Self::Incidentio,
        Self::Jira,
        Self::Mattermost,
        Self::Msteams,
        Self::Msteamsv2,
        Self::Ntfy,
        Self::Opsgenie,
        Self::Pagerduty,
        Self::Pushover,
        Self::Rocketchat,
        Self::Slack,
        Self::Sns,
        Self::Telegram,
        Self::Victorops,
        Self::Webex,
        Self::Webhook,
        Self::Wechat,
    ];

    /// The kind as it is written in logs and names.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Discord => "discord",
            Self::Email => "email",
            Self::Incidentio => "incidentio",
            Self::Jira => "jira",
            Self::Mattermost => "mattermost",
            Self::Msteams => "msteams",
            Self::Msteamsv2 => "msteamsv2",
            Self::Ntfy => "ntfy",
            Self::Opsgenie => "opsgenie",
            Self::Pagerduty => "pagerduty",
            Self::Pushover => "pushover",
            Self::Rocketchat => "rocketchat",
            Self::Slack => "slack",
            Self::Sns => "sns",
            Self::Telegram => "telegram",
            Self::Victorops => "victorops",
            Self::Webex => "webex",
            Self::Webhook => "webhook",
            Self::Wechat => "wechat",
        }
    }

    /// The field of a receiver that lists integrations of this kind.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Discord => "discord_configs",
            Self::Email => "email_configs",
            Self::Incidentio => "incidentio_configs",
            Self::Jira => "jira_configs",
            Self::Mattermost => "mattermost_configs",
            Self::Msteams => "msteams_configs",
            Self::Msteamsv2 => "msteamsv2_configs",
            Self::Ntfy => "ntfy_configs",
            Self::Opsgenie => "opsgenie_configs",
            Self::Pagerduty => "pagerduty_configs",
            Self::Pushover => "pushover_configs",
            Self::Rocketchat => "rocketchat_configs",
            Self::Slack => "slack_configs",
            Self::Sns => "sns_configs",
            Self::Telegram => "telegram_configs",
            Self::Victorops => "victorops_configs",
            Self::Webex => "webex_configs",
            Self::Webhook => "webhook_configs",
            Self::Wechat => "wechat_configs",
        }
    }

    /// Whether people hear of the end when the configuration does not say. Alertmanager's defaults.
    pub const fn sends_resolved(self) -> bool {
        !matches!(self, Self::Email | Self::Rocketchat | Self::Slack | Self::Wechat)
    }

    /// Fields of an integration whose texts are templates.
    pub(crate) const fn template_fields(self) -> &'static [&'static str] {
        match self {
            Self::Discord => super::discord::TEXTS,
            Self::Email => super::email::TEXTS,
            Self::Jira => super::jira::TEXTS,
            Self::Mattermost => super::mattermost::TEXTS,
            Self::Msteams => super::msteams::TEXTS,
            Self::Msteamsv2 => super::msteams::TEXTS_V2,
            Self::Ntfy => super::ntfy::TEXTS,
            Self::Opsgenie => super::opsgenie::TEXTS,
            Self::Pagerduty => super::pagerduty::TEXTS,
            Self::Pushover => super::pushover::TEXTS,
            Self::Rocketchat => super::rocketchat::TEXTS,
            Self::Slack => super::slack::TEXTS,
            Self::Sns => super::sns::TEXTS,
            Self::Telegram => super::telegram::TEXTS,
            Self::Victorops => super::victorops::TEXTS,
            Self::Webex => super::webex::TEXTS,
            Self::Webhook => super::webhook::TEXTS,
            Self::Wechat => super::wechat::TEXTS,
            Self::Incidentio => &[],
        }
    }

    /// Fields of an integration all of whose texts are templates, however deep they stand.
    pub(crate) const fn template_trees(self) -> &'static [&'static str] {
        match self {
            Self::Email => super::email::TREES,
            Self::Jira => super::jira::TREES,
            Self::Mattermost => super::mattermost::TREES,
            Self::Ntfy => super::ntfy::TREES,
            Self::Opsgenie => &["details", "responders"],
            Self::Pagerduty => &["details", "images", "links"],
            Self::Rocketchat => super::rocketchat::TREES,
            Self::Slack => &["actions", "fields"],
            Self::Sns => super::sns::TREES,
            Self::Victorops => super::victorops::TREES,
            Self::Webhook => &["payload"],
            Self::Discord
            | Self::Incidentio
            | Self::Msteams
            | Self::Msteamsv2
            | Self::Pushover
            | Self::Telegram
            | Self::Webex
            | Self::Wechat => &[],
        }
    }
}
