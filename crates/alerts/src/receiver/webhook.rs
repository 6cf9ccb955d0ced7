//! The generic webhook's body: Alertmanager's version 4, field for field, because programs read it.

use std::collections::BTreeMap;

use bellwether_diag::{Cx, Diagnostic, MapReader, Span};
use bellwether_model::{Alert, Labels, TimeDelta, Timestamp};
use serde::Serialize;

use super::{Base, Kind, Part, Said, timeout};
use crate::connection::{AddressFields, address};
use crate::fields::UNSUPPORTED;
use crate::{Address, HttpConfig, Notification, NotifiedAlert, Status};

/// A generic webhook.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WebhookConfig {
    /// Where to.
    pub address: Address,
    /// HTTP settings.
    pub http: HttpConfig,
    /// At most so many alerts in one message; 0 means all.
    pub max_alerts: u64,
    /// How long the receiver may take.
    pub timeout: Option<TimeDelta>,
}

impl Kind for WebhookConfig {
    fn render(&self, said: &Said<'_>) -> Result<Vec<Part>, String> {
        Ok(vec![Part::json(body(said.notification, said.external_url, self.max_alerts))])
    }

    /// The body holds no text of a template.
    fn plain(&self, said: &Said<'_>, _why: &str) -> Vec<Part> {
        vec![Part::json(body(said.notification, said.external_url, self.max_alerts))]
    }

    fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.http.secret_files_mut();
        files.extend(self.address.file_mut());
        files
    }
}

/// Reads an item of `webhook_configs`.
pub(super) fn read(map: &mut MapReader<'_>, base: &Base<'_>, cx: &mut Cx<'_>) -> Option<WebhookConfig> {
    let address = address(map, AddressFields { url: "url", file: "url_file" }, cx);
    if address.is_none() && !map.has("url") && !map.has("url_file") {
        let at = Span { end: map.span.start + 1, ..map.span };
        cx.error_help(at, "no webhook address", "write url or url_file");
    }
    if let Some((key, _)) = map.entry("payload") {
        let message = "payload: a payload of one's own is not supported yet";
        cx.push(Diagnostic::error(UNSUPPORTED, key.span, message).with_help("remove it"));
    }
    let max_alerts = map.optional("max_alerts", cx).unwrap_or(0);
    let timeout = timeout(map, cx);
    Some(WebhookConfig { address: address?, http: base.http.clone(), max_alerts, timeout })
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
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    route_labels: &'a BTreeMap<String, String>,
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
fn body(notification: &Notification, external_url: &str, max_alerts: u64) -> String {
    let total = notification.alerts.len();
    let shown = match usize::try_from(max_alerts) {
        Ok(0) | Err(_) => total,
        Ok(max) => max.min(total),
    };
    let body = Body {
        receiver: &notification.receiver,
        status: notification.status().as_str(),
        alerts: notification.alerts[..shown].iter().map(body_alert).collect(),
        group_labels: &notification.group_labels,
        common_labels: notification.common_labels(),
        common_annotations: notification.common_annotations(),
        external_url,
        version: "4",
        group_key: &notification.group.0,
        truncated_alerts: (total - shown) as u64,
        route_labels: &notification.route_labels,
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
