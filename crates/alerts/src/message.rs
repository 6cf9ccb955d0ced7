//! The form in which a receiver is told. A template that fails must not make a message empty or lose it: the facts
//! are sent plainly, and that the template failed becomes an alert of its own.

use std::collections::BTreeMap;

use bellwether_model::{Alert, Labels, Timestamp};
use serde::{Deserialize, Serialize};

use crate::outbox::Outbox;
use crate::receiver::Said;
use crate::templates::Renderer;
use crate::{AlertCore, AlertSource, IntegrationId, Notification, Part, Setup, Thread};

/// Name of the alert that says that a receiver's template fails.
pub const TEMPLATE_ALERT_NAME: &str = "NotificationTemplateFailed";

/// A rendered message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct Message {
    /// What is sent, in this order; one that was not taken holds up those behind it.
    pub parts: Vec<Part>,
    /// Why this is the plain fallback instead of what the template would have made.
    pub template_error: Option<String>,
}

/// A message as this and the first version of this program wrote it.
#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    parts: Vec<Part>,
    /// The only request of the first version.
    body: Option<String>,
    template_error: Option<String>,
}

impl From<Stored> for Message {
    fn from(stored: Stored) -> Self {
        let Stored { mut parts, body, template_error } = stored;
        parts.extend(body.map(Part::json));
        Self { parts, template_error }
    }
}

impl Message {
    /// The text of its first part.
    pub fn text(&self) -> &str {
        self.parts.first().map_or("", |part| part.content.text())
    }
}

/// The labels of the route as they are in what would be said.
pub(crate) fn route_labels(
    setup: &Setup,
    notification: &Notification,
    now: Timestamp,
) -> Result<BTreeMap<String, String>, String> {
    let mut renderer = Renderer::new(&setup.templates, notification, &setup.external_url, now);
    renderer.route_labels(&notification.route_labels)
}

/// Renders what is to be said in the form one integration wants, and the labels of the route in what is to be said.
pub fn render(
    setup: &Setup,
    integration: &IntegrationId,
    notification: &mut Notification,
    thread: &Thread,
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
    let Some(integration) = setup.config.integration(integration) else {
        return Message { parts: Vec::new(), template_error: labels_error };
    };
    let said = Said { notification, external_url: &setup.external_url, now, thread, renderer: &renderer };
    match integration.settings.render(&said) {
        Ok(parts) => Message { parts, template_error: labels_error },
        Err(why) => Message { parts: integration.settings.plain(&said, &why), template_error: Some(why) },
    }
}

/// Renders a text of an integration's settings that must not be recorded: an address or a key that is a template.
pub fn expand_secret(
    setup: &Setup,
    notification: &Notification,
    text: &str,
    now: Timestamp,
) -> Result<String, String> {
    Renderer::again(&setup.templates, notification, &setup.external_url, now).expand(text)
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
        // One that somebody ended by hand has to clear as well, or it could never fire again.
        let known = self.alerts.get(&fingerprint).map(|known| &known.row);
        let open = known.filter(|row| !row.alert.is_resolved(now) || row.held.is_some());
        let starts_at = open.map(|row| row.alert.starts_at);
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
