//! What a Slack incoming webhook is sent: one attachment, every text a template.

use serde_json::{Map, Value, json};

use crate::{Notification, SlackAction, SlackConfig, SlackField, Status};

/// Slack cuts titles at this many characters.
const TITLE_CHARS_MAX: usize = 1024;

/// Turns a template into text, or says why it cannot.
pub(crate) type Expand<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// The body as JSON; the error is that of the first template that fails.
pub(crate) fn body(config: &SlackConfig, expand: Expand<'_>) -> Result<String, String> {
    let mut attachment = Map::new();
    let mut texts = vec![
        ("title_link", &config.title_link),
        ("pretext", &config.pretext),
        ("text", &config.text),
        ("fallback", &config.fallback),
        ("callback_id", &config.callback_id),
        ("image_url", &config.image_url),
        ("thumb_url", &config.thumb_url),
        ("footer", &config.footer),
        ("color", &config.color),
    ];
    put(&mut attachment, "title", truncate_chars(&expand(&config.title)?, TITLE_CHARS_MAX));
    for (name, template) in texts.drain(..) {
        put(&mut attachment, name, expand(template)?);
    }
    if !config.fields.is_empty() {
        let fields: Result<Vec<_>, _> = config.fields.iter().map(|f| field(f, config, expand)).collect();
        attachment.insert("fields".into(), Value::Array(fields?));
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
    put(&mut body, "text", expand(&config.message_text)?);
    body.insert("attachments".into(), json!([attachment]));
    Ok(Value::Object(body).to_string())
}

/// What is sent when a template fails: plain facts, and that the template failed. Never nothing.
pub(crate) fn fallback_body(config: &SlackConfig, notification: &Notification, why: &str) -> String {
    let mut body = Map::new();
    // A channel that is itself a template cannot be trusted to work when another template does not.
    if !config.channel.contains("{{") {
        put(&mut body, "channel", config.channel.clone());
    }
    let (title, text) = plain_text(notification);
    let color = match notification.status() {
        Status::Firing => "danger",
        Status::Resolved => "good",
    };
    body.insert(
        "attachments".into(),
        json!([{
            "title": truncate_chars(&title, TITLE_CHARS_MAX),
            "text": text,
            "fallback": title,
            "footer": format!("plain text, because the receiver's template failed: {why}"),
            "color": color,
        }]),
    );
    Value::Object(body).to_string()
}

/// A title and the facts, without any template.
fn plain_text(notification: &Notification) -> (String, String) {
    const ALERTS_SHOWN_MAX: usize = 20;
    let name = notification.common_labels().value_or_empty("alertname").to_owned();
    let firing = notification.with_status(Status::Firing).count();
    let head = match firing {
        0 => "[RESOLVED]".to_owned(),
        n => format!("[FIRING:{n}]"),
    };
    let title =
        format!("{head} {}", if name.is_empty() { notification.group_labels.to_string() } else { name });
    let line = |n: &crate::NotifiedAlert| {
        let said = ["summary", "description", "message"].iter().find_map(|key| n.alert.annotations.get(key));
        let since = n.alert.starts_at;
        let end = n.alert.ends_at.map(|end| format!(", resolved {end}")).unwrap_or_default();
        format!(
            "{} {}: {} (fired {since}{end})",
            n.status.as_str(),
            n.alert.labels,
            said.unwrap_or("no summary")
        )
    };
    let mut lines: Vec<_> = notification.alerts.iter().take(ALERTS_SHOWN_MAX).map(line).collect();
    if notification.alerts.len() > ALERTS_SHOWN_MAX {
        lines.push(format!("and {} more", notification.alerts.len() - ALERTS_SHOWN_MAX));
    }
    (title, lines.join("\n"))
}

fn field(field: &SlackField, config: &SlackConfig, expand: Expand<'_>) -> Result<Value, String> {
    Ok(json!({
        "title": expand(&field.title)?,
        "value": expand(&field.value)?,
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
fn put(map: &mut Map<String, Value>, name: &str, text: String) {
    if !text.is_empty() {
        map.insert(name.to_owned(), Value::String(text));
    }
}

/// Cuts by characters, never inside one, and shows that something was cut.
fn truncate_chars(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max - 1).chain(['…']).collect(),
    }
}
