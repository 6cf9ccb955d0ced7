//! The form in which a receiver is told. A template that fails must not make a message empty or lose it: the facts
//! are sent plainly, and that the template failed becomes an alert of its own.

use std::collections::BTreeMap;

use bellwether_model::{Alert, Labels, Timestamp};
use serde::{Deserialize, Serialize};

use crate::core::Outbox;
use crate::templates::Renderer;
use crate::{AlertCore, AlertSource, IntegrationId, IntegrationRef, Notification, Setup, slack, webhook};

/// Name of the alert that says that a receiver's template fails.
pub const TEMPLATE_ALERT_NAME: &str = "NotificationTemplateFailed";

/// A rendered message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The request's body, JSON.
    pub body: String,
    /// Why this is the plain fallback instead of what the template would have made.
    pub template_error: Option<String>,
}

/// Renders what is to be said in the form one integration wants.
pub(crate) fn render(
    setup: &Setup,
    integration: &IntegrationId,
    notification: &mut Notification,
    now: Timestamp,
) -> Message {
    let mut renderer = Renderer::new(&setup.templates, notification, &setup.external_url, now);
    let route_labels = match notification.route_labels.is_empty() {
        true => Ok(BTreeMap::new()),
        false => renderer.route_labels(&notification.route_labels),
    };
    let labels_error = match route_labels {
        Ok(labels) => {
            notification.route_labels = labels;
            None
        }
        Err(why) => Some(format!("route labels: {why}")),
    };
    match setup.config.integration(integration) {
        Some(IntegrationRef::Slack(config)) => match slack::body(config, &|text| renderer.expand(text)) {
            Ok(body) => Message { body, template_error: labels_error },
            Err(why) => {
                Message { body: slack::fallback_body(config, notification, &why), template_error: Some(why) }
            }
        },
        Some(IntegrationRef::Webhook(config)) => {
            let body = webhook::body(notification, &setup.external_url, config.max_alerts);
            Message { body, template_error: labels_error }
        }
        None => Message {
            body: webhook::body(notification, &setup.external_url, 0),
            template_error: labels_error,
        },
    }
}

impl AlertCore {
    /// Raises the alert about a receiver's template, or ends it.
    pub(crate) fn note_template(
        &mut self,
        integration: &IntegrationId,
        error: Option<String>,
        now: Timestamp,
        out: &mut Outbox,
    ) {
        self.health_of(integration).template_error = error.clone();
        let labels = Labels::from_pairs([
            ("alertname", TEMPLATE_ALERT_NAME.to_owned()),
            ("receiver", integration.receiver.clone()),
            ("integration", format!("{}[{}]", integration.kind.as_str(), integration.index)),
            ("severity", "warning".to_owned()),
        ]);
        let fingerprint = bellwether_model::AlertFingerprint(labels.fingerprint());
        let known = self.alerts.get(&fingerprint).map(|k| &k.row.alert).filter(|a| !a.is_resolved(now));
        let starts_at = known.map(|a| a.starts_at);
        let annotations = |why: &str| {
            Labels::from_pairs([
                (
                    "summary",
                    format!(
                        "the template of receiver {integration} fails; its messages are sent as plain text"
                    ),
                ),
                ("description", why.to_owned()),
            ])
        };
        let alert = match (error, starts_at) {
            (None, None) => return,
            (Some(why), starts_at) => Alert {
                labels,
                annotations: annotations(&why),
                starts_at: starts_at.unwrap_or(now),
                ends_at: None,
                generator_url: String::new(),
            },
            (None, Some(starts_at)) => Alert {
                labels,
                annotations: annotations("it works again"),
                starts_at,
                ends_at: Some(now),
                generator_url: String::new(),
            },
        };
        self.hear(AlertSource::Rules, alert, now, out);
    }
}
