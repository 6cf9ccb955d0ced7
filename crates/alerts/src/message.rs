//! The form in which a receiver is told. A template that fails must not make a message empty or lose it: the facts
//! are sent plainly, and that the template failed becomes an alert of its own.

use std::collections::BTreeMap;

use bellwether_model::{Alert, Labels, Timestamp};
use serde::{Deserialize, Serialize};

use crate::core::Outbox;
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

/// The template files a configuration names, read and parsed.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    sources: BTreeMap<String, String>,
}

impl Templates {
    /// From the texts of the files, by name.
    pub fn new(sources: BTreeMap<String, String>) -> Self {
        Self { sources }
    }

    fn expand(&self, text: &str) -> Result<String, String> {
        match text.contains("{{") {
            false => Ok(text.to_owned()),
            true => Err(format!("templates are not rendered yet ({} files)", self.sources.len())),
        }
    }
}

/// Renders what is to be said in the form one integration wants.
pub(crate) fn render(
    setup: &Setup,
    integration: &IntegrationId,
    notification: &Notification,
    _now: Timestamp,
) -> Message {
    match setup.config.integration(integration) {
        Some(IntegrationRef::Slack(config)) => {
            match slack::body(config, &|text| setup.templates.expand(text)) {
                Ok(body) => Message { body, template_error: None },
                Err(why) => Message {
                    body: slack::fallback_body(config, notification, &why),
                    template_error: Some(why),
                },
            }
        }
        Some(IntegrationRef::Webhook(config)) => {
            let body = webhook::body(notification, &setup.external_url, config.max_alerts);
            Message { body, template_error: None }
        }
        None => Message { body: webhook::body(notification, &setup.external_url, 0), template_error: None },
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
