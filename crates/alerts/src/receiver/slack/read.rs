//! Items of `slack_configs`: which of the three ways of telling Slack is meant, and the texts.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, MapReader, Spanned};

use super::{POST, SlackAction, SlackConfig, SlackConfirm, SlackField, SlackWay};
use crate::connection::{AddressFields, address, checked_url};
use crate::fields::items;
use crate::receiver::needs::{missing, optional_secret};
use crate::receiver::{Base, text, timeout};
use crate::{Address, Secret, SecretSource};

/// Where an app posts unless configured otherwise.
const APP_URL: &str = "https://slack.com/api/chat.postMessage";

/// Reads an item of `slack_configs`.
pub(in crate::receiver) fn read(
    map: &mut MapReader<'_>,
    base: &Base<'_>,
    cx: &mut Cx<'_>,
) -> Option<SlackConfig> {
    let way = way(map, base, cx);
    let update_message: Option<Spanned<bool>> = map.optional("update_message", cx);
    if let (Some(update), Some(SlackWay::Webhook(_))) = (update_message.as_ref().filter(|u| u.value), &way) {
        let help = "write app_token, or remove it";
        cx.error_help(
            update.span,
            "update_message needs an app: what a webhook has said cannot be changed",
            help,
        );
    }
    let mrkdwn_in: Option<Vec<String>> = map.optional("mrkdwn_in", cx);
    let mrkdwn_in = mrkdwn_in.filter(|names| !names.is_empty());
    let t = |map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>| {
        let default = slack_default(name);
        text(map, name, &default, cx)
    };
    let config = SlackConfig {
        way: way.clone().unwrap_or_else(|| SlackWay::Webhook(Address::File(String::new()))),
        http: base.http.clone(),
        channel: text(map, "channel", "", cx),
        username: t(map, "username", cx),
        color: t(map, "color", cx),
        title: t(map, "title", cx),
        title_link: t(map, "title_link", cx),
        pretext: t(map, "pretext", cx),
        text: t(map, "text", cx),
        message_text: text(map, "message_text", "", cx),
        fallback: t(map, "fallback", cx),
        callback_id: t(map, "callback_id", cx),
        icon_emoji: t(map, "icon_emoji", cx),
        icon_url: t(map, "icon_url", cx),
        image_url: text(map, "image_url", "", cx),
        thumb_url: text(map, "thumb_url", "", cx),
        footer: t(map, "footer", cx),
        short_fields: map.optional("short_fields", cx).unwrap_or(false),
        link_names: map.optional("link_names", cx).unwrap_or(false),
        mrkdwn_in: mrkdwn_in.unwrap_or_else(|| ["fallback", "pretext", "text"].map(str::to_owned).to_vec()),
        fields: items(map.node("fields"), cx, slack_field),
        actions: items(map.node("actions"), cx, slack_action),
        update_message: update_message.is_some_and(|update| update.value),
        timeout: timeout(map, cx),
    };
    let is_app = matches!(way, Some(SlackWay::App { .. }));
    if is_app && config.channel.is_empty() {
        cx.warning(map.span_first_line(cx), "an app posts to a channel; Slack refuses a message without one");
    }
    way.map(|_| config)
}

/// An incoming webhook, an app with a token, or an app whose token stands in the HTTP settings, as people did before
/// there was a field for it. An own setting of any of them counts before all global ones.
fn way(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<SlackWay> {
    let errors_before = cx.out.error_count();
    let has_url = map.has("api_url") || map.has("api_url_file");
    let has_token = map.has("app_token") || map.has("app_token_file");
    let own_url = address(map, AddressFields { url: "api_url", file: "api_url_file" }, cx);
    let own_token = optional_secret(map, "app_token", "app_token_file", cx);
    let app_url: Option<Spanned<String>> = map.optional("app_url", cx);
    let app_url = match app_url {
        Some(url) => Address::Url(checked_url(&url, "app_url", cx)?),
        None => {
            let global = base.global.and_then(|global| global.slack_app_url.clone());
            Address::Url(Secret::new(global.unwrap_or_else(|| APP_URL.to_owned())))
        }
    };
    if has_url && has_token {
        let at = if map.has("app_token") { "app_token" } else { "app_token_file" };
        let message = "an address of a webhook and a token of an app are both written; which one counts?";
        cx.error_help(map.key_span(at), message, "remove one of them");
    }
    if cx.out.error_count() > errors_before {
        return None;
    }
    let global = base.global;
    let inherited =
        (!has_url && base.http.auth.is_none()).then(|| global.and_then(|g| g.slack_token.clone()));
    let token = own_token.or(inherited.flatten());
    if let Some(token) = token {
        return app(map, base, app_url, token, cx);
    }
    let url = own_url.or_else(|| global.and_then(|g| g.slack_address.clone()));
    if url.is_none() && global.is_some() {
        let help = "write api_url or app_token here, or slack_api_url or slack_app_token under global";
        missing(map, "no Slack address and no token of an app", help, cx);
    }
    let url = url?;
    Some(if is_post(&url) { SlackWay::App { post: url, token: None } } else { SlackWay::Webhook(url) })
}

fn app(
    map: &MapReader<'_>,
    base: &Base<'_>,
    post: Address,
    token: SecretSource,
    cx: &mut Cx<'_>,
) -> Option<SlackWay> {
    if base.http.auth.is_some() {
        let at = if map.has("http_config") { map.key_span("http_config") } else { map.span_first_line(cx) };
        let message = "the token of an app says who we are, and so do these HTTP settings; which one counts?";
        cx.error_help(at, message, "remove authorization from http_config, or the token");
        return None;
    }
    Some(SlackWay::App { post, token: Some(token) })
}

/// Whether an address is that of the call with which apps post.
fn is_post(address: &Address) -> bool {
    match address {
        Address::Url(url) => url.expose().split(['?', '#']).next().is_some_and(|path| path.ends_with(POST)),
        Address::File(_) => false,
    }
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
    let mut action = SlackAction {
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
    if !action.url.is_empty() {
        // A button that opens a page tells Slack's server nothing.
        (action.name, action.value, action.confirm) = (String::new(), String::new(), None);
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
