//! The body of a message: one attachment as Alertmanager fills it, within Slack's limits.

use serde_json::{Map, Value, json};

use super::mrkdwn::{cut, cut_with_link};
use super::{SlackAction, SlackConfig, SlackField, TEXT_CHARS_MAX, TITLE_CHARS_MAX};
use crate::receiver::Said;

/// Turns a template into text, or says why it cannot.
type Expand<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// The body; the error is that of the first template that fails.
pub(super) fn body(
    config: &SlackConfig,
    said: &Said<'_>,
    expand: Expand<'_>,
) -> Result<Map<String, Value>, String> {
    let page = said.page_url();
    let long = |text: &str| Ok::<_, String>(cut_with_link(&expand(text)?, TEXT_CHARS_MAX, &page));
    let short = |text: &str| Ok::<_, String>(cut(&expand(text)?, TITLE_CHARS_MAX));
    let mut attachment = Map::new();
    put(&mut attachment, "title", short(&config.title)?);
    put(&mut attachment, "title_link", expand(&config.title_link)?);
    let pretext = long(&config.pretext)?;
    put(&mut attachment, "pretext", with_notice(pretext, said));
    // Slack, and what speaks its language, wants these even if they are empty.
    attachment.insert("text".into(), long(&config.text)?.into());
    attachment.insert("fallback".into(), short(&config.fallback)?.into());
    attachment.insert("callback_id".into(), expand(&config.callback_id)?.into());
    attachment.insert("footer".into(), expand(&config.footer)?.into());
    put(&mut attachment, "image_url", expand(&config.image_url)?);
    put(&mut attachment, "thumb_url", expand(&config.thumb_url)?);
    put(&mut attachment, "color", expand(&config.color)?);
    let fields: Result<Vec<_>, _> = config.fields.iter().map(|f| field(f, config, expand)).collect();
    let mut fields = fields?;
    fields.extend(taken_by(config, said));
    if !fields.is_empty() {
        attachment.insert("fields".into(), Value::Array(fields));
    }
    if !config.actions.is_empty() {
        let actions: Result<Vec<_>, _> = config.actions.iter().map(|a| action(a, expand)).collect();
        attachment.insert("actions".into(), Value::Array(actions?));
    }
    attachment.insert("mrkdwn_in".into(), json!(config.mrkdwn_in));
    let mut body = Map::new();
    put(&mut body, "channel", expand(&config.channel)?);
    put(&mut body, "username", expand(&config.username)?);
    put(&mut body, "icon_emoji", expand(&config.icon_emoji)?);
    put(&mut body, "icon_url", expand(&config.icon_url)?);
    if config.link_names {
        body.insert("link_names".into(), json!(true));
    }
    put(&mut body, "text", long(&config.message_text)?);
    body.insert("attachments".into(), json!([attachment]));
    Ok(body)
}

/// Whom the message stands in for, before anything else.
fn with_notice(pretext: String, said: &Said<'_>) -> String {
    match said.notice() {
        None => pretext,
        Some(notice) => {
            let notice = super::mrkdwn::label(&notice, false);
            if pretext.is_empty() { notice } else { format!("{notice}\n{pretext}") }
        }
    }
}

/// Who has it, in a message that is kept current.
fn taken_by(config: &SlackConfig, said: &Said<'_>) -> Option<Value> {
    let acked = said.notification.acked_by.as_ref().filter(|_| config.update_message)?;
    let by = super::mrkdwn::label(&acked.by.join(", "), config.link_names);
    let note = super::mrkdwn::label(&acked.note, config.link_names);
    let value = if note.is_empty() { by } else { format!("{by}: {note}") };
    Some(json!({ "title": "Taken by", "value": cut(&value, TITLE_CHARS_MAX), "short": false }))
}

fn field(field: &SlackField, config: &SlackConfig, expand: Expand<'_>) -> Result<Value, String> {
    Ok(json!({
        "title": cut(&expand(&field.title)?, TITLE_CHARS_MAX),
        "value": cut(&expand(&field.value)?, TEXT_CHARS_MAX),
        "short": field.short.unwrap_or(config.short_fields),
    }))
}

fn action(action: &SlackAction, expand: Expand<'_>) -> Result<Value, String> {
    let mut out = Map::new();
    for (name, template) in [
        ("type", &action.kind),
        ("text", &action.text),
        ("url", &action.url),
        ("style", &action.style),
        ("name", &action.name),
        ("value", &action.value),
    ] {
        put(&mut out, name, expand(template)?);
    }
    if let Some(confirm) = &action.confirm {
        let mut question = Map::new();
        put(&mut question, "text", expand(&confirm.text)?);
        put(&mut question, "title", expand(&confirm.title)?);
        put(&mut question, "ok_text", expand(&confirm.ok_text)?);
        put(&mut question, "dismiss_text", expand(&confirm.dismiss_text)?);
        out.insert("confirm".into(), Value::Object(question));
    }
    Ok(Value::Object(out))
}

/// Empty texts are left out, as Alertmanager does.
pub(super) fn put(map: &mut Map<String, Value>, name: &str, text: String) {
    if !text.is_empty() {
        map.insert(name.to_owned(), Value::String(text));
    }
}
