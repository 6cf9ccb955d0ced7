//! `alertmanager.yml`, decoded once: inside, every name is defined, every route complete, every matcher compiled.

mod decode;
mod fields;
mod files;
mod http;
mod matchers;
mod receiver;
mod route;
mod texts;
mod time;

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_diag::{Diagnostics, FileId, Sources, Span};
use bellwether_model::TimeDelta;
use serde::Serialize;

use crate::{InhibitRule, IntegrationId, IntegrationKind, Route, Secret, TimeInterval};

pub use matchers::{MatcherSyntaxError, parse_matcher, parse_matchers};
pub use texts::{MessageTexts, TemplateFiles};

/// A valid configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config {
    /// Defaults.
    pub global: Global,
    /// Who is told what.
    pub route: Arc<Route>,
    /// What keeps what quiet.
    pub inhibit_rules: Vec<InhibitRule>,
    /// Who can be told, by name.
    pub receivers: BTreeMap<String, Receiver>,
    /// When, by name.
    pub time_intervals: BTreeMap<String, TimeInterval>,
    /// Patterns of template files, to be read by whoever may read files.
    pub templates: Vec<String>,
    /// Where secrets stand in the text.
    #[serde(skip)]
    pub secret_spans: Vec<Span>,
}

impl Config {
    /// Reads a file. `None` when there is any error; all of them are in `out`.
    pub fn read(sources: &Sources, file: FileId, out: &mut Diagnostics) -> Option<Self> {
        decode::read(sources, file, out)
    }

    /// What holds where no configuration is given: alerts are grouped and shown, and nobody is told.
    pub fn nobody() -> Self {
        let (name, global) = ("nobody".to_owned(), receiver::default_global());
        let receiver = Receiver { name: name.clone(), slack: Vec::new(), webhook: Vec::new() };
        Self {
            global,
            route: Arc::new(Route { receiver: name.clone(), ..route::unconditional() }),
            inhibit_rules: Vec::new(),
            receivers: BTreeMap::from([(name, receiver)]),
            time_intervals: BTreeMap::new(),
            templates: Vec::new(),
            secret_spans: Vec::new(),
        }
    }

    /// The text of the file with every secret replaced, for `/api/v2/status` and the UI.
    pub fn redacted_text(&self, sources: &Sources, file: FileId) -> String {
        let mut text = sources.text(file).to_owned();
        let mut spans: Vec<_> =
            self.secret_spans.iter().filter(|s| s.file == file).map(|s| s.range()).collect();
        spans.sort_by_key(|r| std::cmp::Reverse(r.start));
        spans.dedup();
        for range in spans {
            text.replace_range(range, crate::secret::REDACTED);
        }
        text
    }

    /// The settings of one integration.
    pub fn integration(&self, id: &IntegrationId) -> Option<IntegrationRef<'_>> {
        let receiver = self.receivers.get(&id.receiver)?;
        match id.kind {
            IntegrationKind::Slack => receiver.slack.get(id.index).map(IntegrationRef::Slack),
            IntegrationKind::Webhook => receiver.webhook.get(id.index).map(IntegrationRef::Webhook),
        }
    }

    /// All integrations of all receivers.
    pub fn integrations(&self) -> Vec<IntegrationId> {
        self.receivers.values().flat_map(Receiver::integrations).collect()
    }
}

impl bellwether_diag::Decode for HttpConfig {
    fn decode(node: &bellwether_diag::yaml::Node, cx: &mut bellwether_diag::Cx<'_>) -> Option<Self> {
        http::http_config(node, cx)
    }
}

/// Defaults for everything below.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Global {
    /// After how long an alert from outside is over unless heard of again.
    pub resolve_timeout: TimeDelta,
    /// Slack's address for receivers that state none.
    pub slack_address: Option<Address>,
    /// HTTP settings for receivers that state none.
    pub http: HttpConfig,
}

/// Where something is sent: written in the file, or in a file of its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    /// The URL.
    Url(Secret),
    /// A file that holds the URL, read at every delivery.
    File(String),
}

/// A secret written in the file, or in a file of its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// The secret.
    Inline(Secret),
    /// A file that holds it, read at every delivery.
    File(String),
}

/// Who a request says it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// User and password.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: Option<SecretSource>,
    },
    /// A scheme and credentials, `Bearer` by default.
    Authorization {
        /// The scheme.
        scheme: String,
        /// The credentials.
        credentials: Option<SecretSource>,
    },
}

/// Part of Prometheus' common HTTP settings that is honoured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HttpConfig {
    /// Who the request says it is.
    pub auth: Option<Auth>,
    /// A proxy for all requests.
    pub proxy_url: Option<String>,
    /// Whether answers that point elsewhere are followed.
    pub follow_redirects: bool,
    /// Headers to add.
    pub headers: BTreeMap<String, Vec<Secret>>,
    /// Encryption.
    pub tls: TlsConfig,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            auth: None,
            proxy_url: None,
            follow_redirects: true,
            headers: BTreeMap::new(),
            tls: TlsConfig::default(),
        }
    }
}

/// How a server is trusted.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TlsConfig {
    /// A file with certificates to trust.
    pub ca_file: Option<String>,
    /// Trust anything.
    pub insecure_skip_verify: bool,
}

/// Someone who can be told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Receiver {
    /// The name.
    pub name: String,
    /// Slack channels.
    pub slack: Vec<SlackConfig>,
    /// Webhooks.
    pub webhook: Vec<WebhookConfig>,
}

impl Receiver {
    /// Its integrations in a fixed order.
    pub fn integrations(&self) -> Vec<IntegrationId> {
        let of = |kind, count: usize| {
            (0..count).map(move |index| IntegrationId { receiver: self.name.clone(), kind, index })
        };
        of(IntegrationKind::Slack, self.slack.len())
            .chain(of(IntegrationKind::Webhook, self.webhook.len()))
            .collect()
    }
}

/// The settings of an integration, by kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum IntegrationRef<'a> {
    /// Slack.
    Slack(&'a SlackConfig),
    /// Webhook.
    Webhook(&'a WebhookConfig),
}

impl IntegrationRef<'_> {
    /// Whether people hear of the end.
    pub fn send_resolved(&self) -> bool {
        match self {
            Self::Slack(c) => c.send_resolved,
            Self::Webhook(c) => c.send_resolved,
        }
    }
}

/// A Slack incoming webhook. All texts are templates.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the fields are Slack's own
pub struct SlackConfig {
    pub send_resolved: bool,
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

/// A generic webhook.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WebhookConfig {
    /// Whether the end is sent too.
    pub send_resolved: bool,
    /// Where to.
    pub address: Address,
    /// HTTP settings.
    pub http: HttpConfig,
    /// At most so many alerts in one message; 0 means all.
    pub max_alerts: u64,
    /// How long the receiver may take.
    pub timeout: Option<TimeDelta>,
}
