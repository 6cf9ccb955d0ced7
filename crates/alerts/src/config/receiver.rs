//! Receivers and the defaults they share. Kinds that cannot be delivered to yet are refused by name: a receiver that
//! is silently skipped is a pager that never rings.

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Diagnostic, MapReader, Span, Spanned};
use bellwether_model::TimeDelta;

use super::fields::{UNSUPPORTED, items};
use super::http::{self, address};
use super::{
    Address, Global, HttpConfig, Receiver, SlackAction, SlackConfig, SlackConfirm, SlackField, WebhookConfig,
};

/// Receivers of Alertmanager that are not delivered to yet.
const UNSUPPORTED_KINDS: [&str; 16] = [
    "discord_configs",
    "email_configs",
    "incidentio_configs",
    "jira_configs",
    "mattermost_configs",
    "msteams_configs",
    "msteamsv2_configs",
    "opsgenie_configs",
    "pagerduty_configs",
    "pushover_configs",
    "rocketchat_configs",
    "sns_configs",
    "telegram_configs",
    "victorops_configs",
    "webex_configs",
    "wechat_configs",
];

/// Defaults for receivers that are not delivered to yet.
const UNUSED_GLOBALS: [&str; 34] = [
    "smtp_smarthost",
    "smtp_from",
    "smtp_hello",
    "smtp_auth_username",
    "smtp_auth_password",
    "smtp_auth_password_file",
    "smtp_auth_secret",
    "smtp_auth_secret_file",
    "smtp_auth_identity",
    "smtp_require_tls",
    "smtp_tls_config",
    "smtp_force_implicit_tls",
    "pagerduty_url",
    "opsgenie_api_url",
    "opsgenie_api_key",
    "opsgenie_api_key_file",
    "wechat_api_url",
    "wechat_api_secret",
    "wechat_api_secret_file",
    "wechat_api_corp_id",
    "victorops_api_url",
    "victorops_api_key",
    "victorops_api_key_file",
    "telegram_api_url",
    "telegram_bot_token",
    "telegram_bot_token_file",
    "webex_api_url",
    "rocketchat_api_url",
    "rocketchat_token",
    "rocketchat_token_file",
    "rocketchat_token_id",
    "rocketchat_token_id_file",
    "jira_api_url",
    "mattermost_webhook_url",
];

pub(super) fn default_global() -> Global {
    Global { resolve_timeout: TimeDelta(5 * 60_000), slack_address: None, http: HttpConfig::default() }
}

pub(super) fn global(node: &Node, cx: &mut Cx<'_>) -> Option<Global> {
    let mut map = MapReader::open(node, cx)?;
    map.ignore(&UNUSED_GLOBALS);
    map.ignore(&["mattermost_webhook_url_file", "slack_app_url"]);
    let default = default_global();
    let resolve_timeout = map.optional("resolve_timeout", cx).unwrap_or(default.resolve_timeout);
    let slack_address =
        address(&mut map, http::AddressFields { url: "slack_api_url", file: "slack_api_url_file" }, cx);
    refuse_app_tokens(&mut map, &["slack_app_token", "slack_app_token_file"], cx);
    let http = match map.node("http_config").filter(|n| !matches!(n.value, Value::Null)) {
        Some(node) => http::http_config(node, cx)?,
        None => default.http,
    };
    map.finish(cx);
    Some(Global { resolve_timeout, slack_address, http })
}

fn refuse_app_tokens(map: &mut MapReader<'_>, fields: &[&'static str], cx: &mut Cx<'_>) {
    for field in fields {
        if let Some((key, _)) = map.entry(field) {
            let message = format!("{field}: Slack app tokens are not supported yet");
            cx.push(
                Diagnostic::error(UNSUPPORTED, key.span, message)
                    .with_help("use an incoming webhook's api_url"),
            );
        }
    }
}

pub(super) fn receiver(node: &Node, global: Option<&Global>, cx: &mut Cx<'_>) -> Option<(Span, Receiver)> {
    let mut map = MapReader::open(node, cx)?;
    let name: Option<Spanned<String>> = map.required("name", cx);
    if let Some(name) = name.as_ref().filter(|n| n.value.is_empty()) {
        cx.error(name.span, "a receiver needs a name");
    }
    let slack = items(map.node("slack_configs"), cx, |item, cx| slack(item, global, cx));
    let webhook = items(map.node("webhook_configs"), cx, |item, cx| webhook(item, global, cx));
    for kind in UNSUPPORTED_KINDS {
        if let Some((key, _)) = map.entry(kind).filter(|(_, value)| !matches!(value.value, Value::Null)) {
            let message = format!("{kind} cannot be delivered to yet");
            let help = "for now use slack_configs or webhook_configs";
            cx.push(Diagnostic::error(UNSUPPORTED, key.span, message).with_help(help));
        }
    }
    map.finish(cx);
    let name = name?;
    Some((name.span, Receiver { name: name.value, slack, webhook }))
}

/// A text with a default.
fn text(map: &mut MapReader<'_>, name: &'static str, default: &str, cx: &mut Cx<'_>) -> String {
    map.optional(name, cx).unwrap_or_else(|| default.to_owned())
}

fn own_http(map: &mut MapReader<'_>, global: Option<&Global>, cx: &mut Cx<'_>) -> Option<HttpConfig> {
    match map.node("http_config").filter(|n| !matches!(n.value, Value::Null)) {
        Some(node) => http::http_config(node, cx),
        None => Some(global.map(|g| g.http.clone()).unwrap_or_default()),
    }
}

fn timeout(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<TimeDelta> {
    map.optional::<TimeDelta>("timeout", cx).filter(|t| t.0 > 0)
}

fn slack(node: &Node, global: Option<&Global>, cx: &mut Cx<'_>) -> Option<SlackConfig> {
    let mut map = MapReader::open(node, cx)?;
    let own = address(&mut map, http::AddressFields { url: "api_url", file: "api_url_file" }, cx);
    let has_own = map.has("api_url") || map.has("api_url_file");
    refuse_app_tokens(&mut map, &["app_token", "app_token_file", "app_url"], cx);
    if let Some((key, _)) = map.entry("update_message") {
        let message = "update_message needs a Slack app token, which is not supported yet";
        cx.push(Diagnostic::error(UNSUPPORTED, key.span, message).with_help("remove it"));
    }
    let address = own.or_else(|| global.and_then(|g| g.slack_address.clone()));
    if address.is_none() && !has_own && global.is_some() {
        let at = Span { end: map.span.start + 1, ..map.span };
        cx.error_help(at, "no Slack address", "write api_url here, or slack_api_url under global");
    }
    let http = own_http(&mut map, global, cx);
    let mrkdwn_in: Option<Vec<String>> = map.optional("mrkdwn_in", cx);
    let t = |map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>| {
        let default = slack_default(name);
        text(map, name, &default, cx)
    };
    let config = SlackConfig {
        send_resolved: map.optional("send_resolved", cx).unwrap_or(false),
        address: address.clone().unwrap_or_else(|| Address::File(String::new())),
        http: http.clone().unwrap_or_default(),
        channel: text(&mut map, "channel", "", cx),
        username: t(&mut map, "username", cx),
        color: text(&mut map, "color", r#"{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}"#, cx),
        title: t(&mut map, "title", cx),
        title_link: t(&mut map, "title_link", cx),
        pretext: t(&mut map, "pretext", cx),
        text: t(&mut map, "text", cx),
        message_text: text(&mut map, "message_text", "", cx),
        fallback: t(&mut map, "fallback", cx),
        callback_id: t(&mut map, "callback_id", cx),
        icon_emoji: t(&mut map, "icon_emoji", cx),
        icon_url: t(&mut map, "icon_url", cx),
        image_url: text(&mut map, "image_url", "", cx),
        thumb_url: text(&mut map, "thumb_url", "", cx),
        footer: t(&mut map, "footer", cx),
        short_fields: map.optional("short_fields", cx).unwrap_or(false),
        link_names: map.optional("link_names", cx).unwrap_or(false),
        mrkdwn_in: mrkdwn_in.unwrap_or_else(|| ["fallback", "pretext", "text"].map(str::to_owned).to_vec()),
        fields: items(map.node("fields"), cx, slack_field),
        actions: items(map.node("actions"), cx, slack_action),
        timeout: timeout(&mut map, cx),
    };
    map.finish(cx);
    address.and(http).map(|_| config)
}

/// Alertmanager's default for a field: the template of that name.
fn slack_default(field: &str) -> String {
    let name = match field {
        "title_link" => "titlelink",
        "callback_id" => "callbackid",
        "icon_emoji" => "iconemoji",
        "icon_url" => "iconurl",
        other => other,
    };
    format!(r#"{{{{ template "slack.default.{name}" . }}}}"#)
}

fn slack_field(node: &Node, cx: &mut Cx<'_>) -> Option<SlackField> {
    let mut map = MapReader::open(node, cx)?;
    let (title, value) = (map.required("title", cx), map.required("value", cx));
    let short = map.optional("short", cx);
    map.finish(cx);
    Some(SlackField { title: title?, value: value?, short })
}

fn slack_action(node: &Node, cx: &mut Cx<'_>) -> Option<SlackAction> {
    let mut map = MapReader::open(node, cx)?;
    let (kind, label) = (map.required("type", cx), map.required("text", cx));
    let action = SlackAction {
        kind: kind.unwrap_or_default(),
        text: label.unwrap_or_default(),
        url: text(&mut map, "url", "", cx),
        style: text(&mut map, "style", "", cx),
        name: text(&mut map, "name", "", cx),
        value: text(&mut map, "value", "", cx),
        confirm: map.node("confirm").and_then(|node| slack_confirm(node, cx)),
    };
    if action.url.is_empty() && action.name.is_empty() {
        cx.error(map.span, "an action needs a url or a name");
    }
    map.finish(cx);
    Some(action)
}

fn slack_confirm(node: &Node, cx: &mut Cx<'_>) -> Option<SlackConfirm> {
    let mut map = MapReader::open(node, cx)?;
    let question: Option<String> = map.required("text", cx);
    let confirm = SlackConfirm {
        text: question?,
        title: text(&mut map, "title", "", cx),
        ok_text: text(&mut map, "ok_text", "", cx),
        dismiss_text: text(&mut map, "dismiss_text", "", cx),
    };
    map.finish(cx);
    Some(confirm)
}

fn webhook(node: &Node, global: Option<&Global>, cx: &mut Cx<'_>) -> Option<WebhookConfig> {
    let mut map = MapReader::open(node, cx)?;
    let address = address(&mut map, http::AddressFields { url: "url", file: "url_file" }, cx);
    if address.is_none() && !map.has("url") && !map.has("url_file") {
        let at = Span { end: map.span.start + 1, ..map.span };
        cx.error_help(at, "no webhook address", "write url or url_file");
    }
    if let Some((key, _)) = map.entry("payload") {
        let message = "payload: a payload of one's own is not supported yet";
        cx.push(Diagnostic::error(UNSUPPORTED, key.span, message).with_help("remove it"));
    }
    let http = own_http(&mut map, global, cx);
    let send_resolved = map.optional("send_resolved", cx).unwrap_or(true);
    let max_alerts = map.optional("max_alerts", cx).unwrap_or(0);
    let timeout = timeout(&mut map, cx);
    map.finish(cx);
    Some(WebhookConfig { send_resolved, address: address?, http: http?, max_alerts, timeout })
}
