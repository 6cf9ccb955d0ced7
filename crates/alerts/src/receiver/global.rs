//! Defaults that all receivers share.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, MapReader, Spanned};
use bellwether_model::TimeDelta;
use serde::Serialize;

use crate::connection::{
    AddressFields, address, checked_url, http_config, is_null, secret_source, tls_config,
};
use crate::{Address, HttpConfig, SecretSource, TlsConfig};

/// Defaults for everything below. What is `None` was not written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Global {
    /// After how long an alert from outside is over unless heard of again.
    pub resolve_timeout: TimeDelta,
    /// HTTP settings for receivers that state none.
    pub http: HttpConfig,
    /// How mail is sent.
    pub smtp: SmtpDefaults,
    /// Slack's incoming webhook.
    pub slack_address: Option<Address>,
    /// Token of a Slack app.
    pub slack_token: Option<SecretSource>,
    /// Where the calls of a Slack app go.
    pub slack_app_url: Option<String>,
    /// PagerDuty's interface.
    pub pagerduty_url: Option<String>,
    /// Opsgenie's interface.
    pub opsgenie_url: Option<String>,
    /// Its key.
    pub opsgenie_key: Option<SecretSource>,
    /// WeChat's interface.
    pub wechat_url: Option<String>,
    /// Its secret.
    pub wechat_secret: Option<SecretSource>,
    /// Who we are there.
    pub wechat_corp_id: Option<String>,
    /// VictorOps' interface.
    pub victorops_url: Option<String>,
    /// Its key.
    pub victorops_key: Option<SecretSource>,
    /// Telegram's interface.
    pub telegram_url: Option<String>,
    /// Token of the bot.
    pub telegram_token: Option<SecretSource>,
    /// Webex' interface.
    pub webex_url: Option<String>,
    /// Rocket.Chat's interface.
    pub rocketchat_url: Option<String>,
    /// Its token.
    pub rocketchat_token: Option<SecretSource>,
    /// Whose token it is.
    pub rocketchat_token_id: Option<SecretSource>,
    /// Jira's interface.
    pub jira_url: Option<String>,
    /// Mattermost's incoming webhook.
    pub mattermost_address: Option<Address>,
}

/// How mail is sent when a receiver does not say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SmtpDefaults {
    /// Who sends it.
    pub from: Option<String>,
    /// What we call ourselves.
    pub hello: String,
    /// `host:port` of the server.
    pub smarthost: Option<String>,
    /// Who we are there.
    pub auth_username: Option<String>,
    /// The password.
    pub auth_password: Option<SecretSource>,
    /// The shared secret of CRAM-MD5.
    pub auth_secret: Option<SecretSource>,
    /// The identity of PLAIN.
    pub auth_identity: Option<String>,
    /// Whether nothing is sent without encryption.
    pub require_tls: bool,
    /// Whether the connection is encrypted from its first byte; `None` goes by the port.
    pub implicit_tls: Option<bool>,
    /// How the server is trusted.
    pub tls: TlsConfig,
}

impl Default for SmtpDefaults {
    fn default() -> Self {
        Self {
            from: None,
            hello: "localhost".to_owned(),
            smarthost: None,
            auth_username: None,
            auth_password: None,
            auth_secret: None,
            auth_identity: None,
            require_tls: true,
            implicit_tls: None,
            tls: TlsConfig::default(),
        }
    }
}

impl Default for Global {
    fn default() -> Self {
        Self {
            resolve_timeout: TimeDelta(5 * TimeDelta::MINUTE.0),
            http: HttpConfig::default(),
            smtp: SmtpDefaults::default(),
            slack_address: None,
            slack_token: None,
            slack_app_url: None,
            pagerduty_url: None,
            opsgenie_url: None,
            opsgenie_key: None,
            wechat_url: None,
            wechat_secret: None,
            wechat_corp_id: None,
            victorops_url: None,
            victorops_key: None,
            telegram_url: None,
            telegram_token: None,
            webex_url: None,
            rocketchat_url: None,
            rocketchat_token: None,
            rocketchat_token_id: None,
            jira_url: None,
            mattermost_address: None,
        }
    }
}

impl Global {
    /// Every file name that is read at delivery.
    pub(crate) fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let secrets = [
            &mut self.smtp.auth_password,
            &mut self.smtp.auth_secret,
            &mut self.slack_token,
            &mut self.opsgenie_key,
            &mut self.wechat_secret,
            &mut self.victorops_key,
            &mut self.telegram_token,
            &mut self.rocketchat_token,
            &mut self.rocketchat_token_id,
        ];
        let addresses = [&mut self.slack_address, &mut self.mattermost_address];
        let mut files = self.http.secret_files_mut();
        files.extend(self.smtp.tls.files_mut());
        files.extend(secrets.into_iter().flatten().filter_map(SecretSource::file_mut));
        files.extend(addresses.into_iter().flatten().filter_map(Address::file_mut));
        files
    }
}

/// Reads `global`.
pub(crate) fn read_global(node: &Node, cx: &mut Cx<'_>) -> Option<Global> {
    let mut reader = MapReader::open(node, cx)?;
    let map = &mut reader;
    let http = match map.node("http_config").filter(|n| !is_null(n)) {
        Some(node) => http_config(node, cx)?,
        None => HttpConfig::default(),
    };
    let timeout = map.optional("resolve_timeout", cx);
    let global = Global {
        resolve_timeout: timeout.unwrap_or_else(|| Global::default().resolve_timeout),
        http,
        smtp: smtp(map, cx),
        slack_address: address(map, AddressFields { url: "slack_api_url", file: "slack_api_url_file" }, cx),
        slack_token: secret(map, "slack_app_token", "slack_app_token_file", cx),
        slack_app_url: url(map, "slack_app_url", cx),
        pagerduty_url: url(map, "pagerduty_url", cx),
        opsgenie_url: url(map, "opsgenie_api_url", cx),
        opsgenie_key: secret(map, "opsgenie_api_key", "opsgenie_api_key_file", cx),
        wechat_url: url(map, "wechat_api_url", cx),
        wechat_secret: secret(map, "wechat_api_secret", "wechat_api_secret_file", cx),
        wechat_corp_id: map.optional("wechat_api_corp_id", cx),
        victorops_url: url(map, "victorops_api_url", cx),
        victorops_key: secret(map, "victorops_api_key", "victorops_api_key_file", cx),
        telegram_url: url(map, "telegram_api_url", cx),
        telegram_token: secret(map, "telegram_bot_token", "telegram_bot_token_file", cx),
        webex_url: url(map, "webex_api_url", cx),
        rocketchat_url: url(map, "rocketchat_api_url", cx),
        rocketchat_token: secret(map, "rocketchat_token", "rocketchat_token_file", cx),
        rocketchat_token_id: secret(map, "rocketchat_token_id", "rocketchat_token_id_file", cx),
        jira_url: url(map, "jira_api_url", cx),
        mattermost_address: address(
            map,
            AddressFields { url: "mattermost_webhook_url", file: "mattermost_webhook_url_file" },
            cx,
        ),
    };
    one_way_to_slack(&reader, &global, cx);
    reader.finish(cx);
    Some(global)
}

/// A token and a webhook are two ways to Slack. Both may be written only where the address is that of the app's calls:
/// so it was done before there was a field for the token.
fn one_way_to_slack(map: &MapReader<'_>, global: &Global, cx: &mut Cx<'_>) {
    let (Some(_), Some(address)) = (&global.slack_token, &global.slack_address) else { return };
    let calls = global.slack_app_url.as_deref().unwrap_or("https://slack.com/api/chat.postMessage");
    let is_same = match address {
        Address::Url(url) => url.expose() == calls,
        Address::File(_) => false,
    };
    if !is_same {
        let field = ["slack_api_url", "slack_api_url_file"].into_iter().find(|field| map.has(field));
        let message = "an app's token and a webhook's address are both written; which one counts?";
        cx.error_help(map.key_span(field.unwrap_or("slack_api_url")), message, "remove one of them");
    }
}

/// `host:port`, as servers of mail are written.
pub(crate) fn host_and_port(map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>) -> Option<String> {
    let text: Spanned<String> = map.optional(name, cx)?;
    if text.value.is_empty() {
        return None;
    }
    let parts = text.value.rsplit_once(':');
    let is_right = parts.is_some_and(|(host, port)| {
        let host_is_right = !host.contains(':') || (host.starts_with('[') && host.ends_with(']'));
        host_is_right && !port.is_empty() && !port.contains(']')
    });
    if !is_right {
        let help = "write host and port, such as mail.example.org:587; an IPv6 address in brackets";
        cx.error_help(text.span, format!("{:?} is not host:port", text.value), help);
        return None;
    }
    Some(text.value)
}

fn smtp(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> SmtpDefaults {
    let default = SmtpDefaults::default();
    let tls = map.node("smtp_tls_config").filter(|n| !is_null(n)).and_then(|n| tls_config(n, cx));
    SmtpDefaults {
        from: map.optional("smtp_from", cx),
        hello: map.optional("smtp_hello", cx).unwrap_or(default.hello),
        smarthost: host_and_port(map, "smtp_smarthost", cx),
        auth_username: map.optional("smtp_auth_username", cx),
        auth_password: secret(map, "smtp_auth_password", "smtp_auth_password_file", cx),
        auth_secret: secret(map, "smtp_auth_secret", "smtp_auth_secret_file", cx),
        auth_identity: map.optional("smtp_auth_identity", cx),
        require_tls: map.optional("smtp_require_tls", cx).unwrap_or(true),
        implicit_tls: map.optional("smtp_force_implicit_tls", cx),
        tls: tls.unwrap_or_default(),
    }
}

fn secret(
    map: &mut MapReader<'_>,
    inline: &'static str,
    file: &'static str,
    cx: &mut Cx<'_>,
) -> Option<SecretSource> {
    secret_source(map, AddressFields { url: inline, file }, cx)
}

fn url(map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>) -> Option<String> {
    let url: Option<Spanned<String>> = map.optional(name, cx);
    checked_url(&url?, name, cx).map(|url| url.expose().to_owned())
}
