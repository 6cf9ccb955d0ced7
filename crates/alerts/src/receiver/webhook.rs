//! The generic webhook's body: Alertmanager's version 4, field for field, because programs read it.

use std::collections::BTreeMap;

use bellwether_diag::{Cx, MapReader, Spanned};
use bellwether_model::{Alert, Labels, TimeDelta, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::needs::{missing, optional_secret};
use super::{Base, Kind, Part, Said, timeout, tree};
use crate::connection::checked_url;
use crate::templates;
use crate::{Address, HttpConfig, Notification, NotifiedAlert, Secret, SecretSource, Status, Unreached};

/// Fields whose texts are templates.
pub(super) const TEXTS: &[&str] = &["url"];

/// A generic webhook.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WebhookConfig {
    /// Where to; a template, as is the text of its file.
    pub address: Address,
    /// HTTP settings.
    pub http: HttpConfig,
    /// At most so many alerts in one message; 0 means all.
    pub max_alerts: u64,
    /// How long the receiver may take.
    pub timeout: Option<TimeDelta>,
    /// What is sent instead of version 4; its texts are templates.
    pub payload: Option<Value>,
    /// What every message is signed with. Alertmanager has no such field.
    pub signing_secret: Option<SecretSource>,
}

impl Kind for WebhookConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        match &self.payload {
            None => Ok(vec![Part::json(body(said.notification, said.external_url, self.max_alerts))]),
            Some(payload) => {
                let payload = tree::render(payload, &|text| said.expand(text))?;
                Ok(vec![Part::json(payload.to_string())])
            }
        }
    }

    /// Version 4 holds no text of a template.
    fn plain(&self, said: &Said<'_>, _why: &str) -> Vec<Part> {
        vec![Part::json(body(said.notification, said.external_url, self.max_alerts))]
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.http.secret_files_mut();
        files.extend(self.address.file_mut());
        files.extend(self.signing_secret.as_mut().and_then(SecretSource::file_mut));
        files
    }
}

/// Reads an item of `webhook_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<WebhookConfig> {
    let address = address(map, cx);
    let payload = map.node("payload").filter(|node| !node.is_null());
    let payload = match payload {
        Some(node) => Some(tree::read(node, cx)?),
        None => None,
    };
    let max_alerts = map.optional("max_alerts", cx).unwrap_or(0);
    let timeout = timeout(map, cx);
    let signing_secret = optional_secret(map, "signing_secret", "signing_secret_file", cx);
    Some(WebhookConfig {
        address: address?,
        http: base.http.clone(),
        max_alerts,
        timeout,
        payload,
        signing_secret,
    })
}

/// The address, which may be a template; then what comes of it is looked at when it is sent to.
fn address(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Address> {
    let url: Option<Spanned<String>> = map.optional("url", cx);
    let url = url.filter(|url| !url.value.is_empty());
    let file: Option<String> = map.optional("url_file", cx);
    match (url, file.filter(|file| !file.is_empty())) {
        (Some(_), Some(_)) => {
            let message = "url and url_file are both written; which one counts?";
            cx.error_help(map.key_span("url_file"), message, "remove one of them");
            None
        }
        (Some(url), None) if url.value.contains("{{") => Some(Address::Url(Secret::new(url.value))),
        (Some(url), None) => checked_url(&url, "url", cx).map(Address::Url),
        (None, Some(file)) => Some(Address::File(file)),
        (None, None) => {
            // What is written but no text has been reported.
            if !map.has("url") || map.node("url").is_some_and(|node| node.as_text() == Some("")) {
                missing(map, "no webhook address", "write url or url_file", cx);
            }
            None
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    receiver: &'a str,
    status: &'static str,
    alerts: Vec<BodyAlert<'a>>,
    group_labels: &'a Labels,
    common_labels: Labels,
    common_annotations: Labels,
    #[serde(rename = "externalURL")]
    external_url: &'a str,
    version: &'static str,
    group_key: &'a str,
    truncated_alerts: u64,
    route_labels: &'a BTreeMap<String, String>,
    #[serde(rename = "notification_reason")]
    notification_reason: &'static str,
    /// Who has it; ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged_by: Option<&'a [String]>,
    /// Whom it stands in for; ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreached: Option<&'a Unreached>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BodyAlert<'a> {
    status: &'static str,
    labels: &'a Labels,
    annotations: &'a Labels,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: &'a str,
    fingerprint: String,
}

/// The body as JSON. With `max_alerts` above zero the rest is only counted.
pub(super) fn body(notification: &Notification, external_url: &str, max_alerts: u64) -> String {
    let total = notification.alerts.len();
    let shown = match usize::try_from(max_alerts) {
        Ok(0) | Err(_) => total,
        Ok(max) => max.min(total),
    };
    // What is left out is not in what is common either, so that whoever reads the body finds it whole.
    let seen = (shown < total)
        .then(|| Notification { alerts: notification.alerts[..shown].to_vec(), ..notification.clone() });
    let seen = seen.as_ref().unwrap_or(notification);
    let body = Body {
        receiver: &notification.receiver,
        status: notification.status().as_str(),
        alerts: notification.alerts[..shown].iter().map(body_alert).collect(),
        group_labels: &notification.group_labels,
        common_labels: seen.common_labels(),
        common_annotations: seen.common_annotations(),
        external_url,
        version: "4",
        group_key: &notification.group.0,
        truncated_alerts: (total - shown) as u64,
        route_labels: &notification.route_labels,
        notification_reason: templates::reason(notification.reason),
        acknowledged_by: notification.acked_by.as_ref().map(|acked| &acked.by[..]),
        unreached: notification.unreached.as_ref(),
    };
    serde_json::to_string(&body).expect("texts and numbers always serialize")
}

fn body_alert(notified: &NotifiedAlert) -> BodyAlert<'_> {
    let Alert { labels, annotations, starts_at, ends_at, generator_url } = &notified.alert;
    let ends_at = match notified.status {
        Status::Firing => None,
        Status::Resolved => *ends_at,
    };
    BodyAlert {
        status: notified.status.as_str(),
        labels,
        annotations,
        starts_at: rfc_3339(*starts_at),
        ends_at: ends_at.map_or_else(|| ZERO_TIME.to_owned(), rfc_3339),
        generator_url,
        fingerprint: notified.alert.fingerprint().to_string(),
    }
}

/// What Go writes for "no time".
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

/// A moment as Go's JSON writes it: no more digits after the point than needed.
fn rfc_3339(at: Timestamp) -> String {
    let text = at.to_string();
    let trimmed = text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
    match text.split_once('.') {
        Some((whole, _)) if trimmed.len() <= whole.len() => format!("{whole}Z"),
        Some(_) | None => format!("{trimmed}Z"),
    }
}
