//! The templates of a configuration: the defaults, and the files it names, which may redefine them.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use bellwether_model::{Labels, Timestamp};
use bellwether_template::{
    AlertData, AlertStatus, Context, Escape, NotificationData, TemplateError, TemplateSet, Value,
    default_templates,
};

use crate::{Notification, NotifiedAlert, Reason, Status};

/// Route labels may use one another; so many rounds settle what people write.
const ROUTE_LABEL_ROUNDS: usize = 3;

/// The template files a configuration names, parsed.
#[derive(Clone, Debug)]
pub struct Templates {
    set: TemplateSet,
    problems: Vec<TemplateError>,
}

impl Default for Templates {
    fn default() -> Self {
        Self::new(BTreeMap::new())
    }
}

impl Templates {
    /// From the texts of the files, by name. A file with a problem defines nothing; see [`Templates::problems`].
    pub fn new(sources: BTreeMap<String, String>) -> Self {
        let (mut set, mut problems) = (default_templates(), Vec::new());
        for (name, text) in &sources {
            problems.extend(set.parse(name, text).err().unwrap_or_default());
        }
        problems.extend(set.undefined());
        Self { set, problems }
    }

    /// What is wrong with the files. Receivers that need what they would define send plain text meanwhile.
    pub fn problems(&self) -> &[TemplateError] {
        &self.problems
    }

    /// Checks a text of a receiver's settings without rendering it.
    pub fn check(&self, name: &str, text: &str) -> Result<(), Vec<TemplateError>> {
        self.set.check(name, text, &[]).map(|_| ())
    }

    /// The names that can be called.
    pub fn names(&self) -> Vec<&str> {
        self.set.names().collect()
    }
}

/// Renders texts for one notification.
pub(crate) struct Renderer<'a> {
    templates: &'a Templates,
    data: NotificationData,
    /// The same as templates see it; made when the first text asks for it, which the texts of many receivers never do.
    value: OnceCell<Value>,
    world: World<'a>,
    /// The labels of the route, not rendered.
    route_labels: BTreeMap<String, String>,
}

/// Makes a text that came with an alert harmless where it is going.
pub(crate) struct Clean<'a> {
    pub(crate) label: &'a dyn Fn(&str) -> String,
    pub(crate) annotation: &'a dyn Fn(&str) -> String,
}

struct World<'a> {
    now: Timestamp,
    external_url: &'a str,
    route_labels: Labels,
}

impl Context for World<'_> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn external_url(&self) -> &str {
        self.external_url
    }

    fn route_labels(&self) -> Labels {
        self.route_labels.clone()
    }
}

impl<'a> Renderer<'a> {
    pub(crate) fn new(
        templates: &'a Templates,
        notification: &Notification,
        external_url: &'a str,
        now: Timestamp,
    ) -> Self {
        Self::of(templates, data(notification, external_url), external_url, now)
    }

    fn of(templates: &'a Templates, data: NotificationData, external_url: &'a str, now: Timestamp) -> Self {
        let world = World { now, external_url, route_labels: Labels::empty() };
        Self { templates, data, value: OnceCell::new(), world, route_labels: BTreeMap::new() }
    }

    /// For a notification that was rendered before: the labels of its route are final texts.
    pub(crate) fn again(
        templates: &'a Templates,
        notification: &Notification,
        external_url: &'a str,
        now: Timestamp,
    ) -> Self {
        let mut renderer = Self::new(templates, notification, external_url, now);
        renderer.world.route_labels = Labels::from_pairs(notification.route_labels.clone());
        renderer
    }

    /// The same, with what came with the alerts made harmless. What templates say themselves stays as it is.
    pub(crate) fn cleaned(&self, notification: &Notification, clean: &Clean<'_>) -> Result<Self, String> {
        let World { now, external_url, .. } = self.world;
        let data = cleaned(data(notification, external_url), clean);
        let mut renderer = Self::of(self.templates, data, external_url, now);
        if !self.route_labels.is_empty() {
            renderer.route_labels(&self.route_labels)?;
        }
        Ok(renderer)
    }

    /// Renders the labels of the route; later texts can ask for them.
    pub(crate) fn route_labels(
        &mut self,
        labels: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, String> {
        let mut rendered = labels.clone();
        self.route_labels.clone_from(labels);
        for _ in 0..ROUTE_LABEL_ROUNDS {
            let pairs: Result<Vec<_>, String> =
                labels.iter().map(|(name, text)| Ok((name.clone(), self.expand(text)?))).collect();
            rendered = pairs?.into_iter().collect();
            self.world.route_labels = Labels::from_pairs(rendered.clone());
        }
        Ok(rendered)
    }

    pub(crate) fn expand(&self, text: &str) -> Result<String, String> {
        if !text.contains("{{") {
            return Ok(text.to_owned());
        }
        self.render(Escape::None, text)
    }

    /// The same for HTML: what templates insert is escaped, what they say themselves is not.
    pub(crate) fn expand_html(&self, text: &str) -> Result<String, String> {
        self.render(Escape::Html, text)
    }

    fn render(&self, escape: Escape, text: &str) -> Result<String, String> {
        let value = self.value.get_or_init(|| self.data.to_value());
        let rendered = self.templates.set.render_text(escape, text, value, &self.world);
        rendered.map_err(|error| error.to_string())
    }
}

/// A notification as templates see it.
fn data(notification: &Notification, external_url: &str) -> NotificationData {
    NotificationData {
        receiver: notification.receiver.clone(),
        status: status(notification.status()),
        alerts: notification.alerts.iter().map(alert).collect(),
        group_labels: notification.group_labels.clone(),
        common_labels: notification.common_labels(),
        common_annotations: notification.common_annotations(),
        external_url: external_url.to_owned(),
        notification_reason: reason(notification.reason).to_owned(),
        group_key: notification.group.0.clone(),
    }
}

fn cleaned(mut data: NotificationData, clean: &Clean<'_>) -> NotificationData {
    let labels = |all: &Labels, text: &dyn Fn(&str) -> String| {
        Labels::from_pairs(all.iter().map(|(name, value)| ((clean.label)(name), text(value))))
    };
    data.group_labels = labels(&data.group_labels, clean.label);
    data.common_labels = labels(&data.common_labels, clean.label);
    data.common_annotations = labels(&data.common_annotations, clean.annotation);
    for alert in &mut data.alerts {
        alert.labels = labels(&alert.labels, clean.label);
        alert.annotations = labels(&alert.annotations, clean.annotation);
        alert.generator_url = (clean.label)(&alert.generator_url);
    }
    data
}

/// Why something is sent, in Alertmanager's words where it has some: templates and programs compare them.
pub(crate) const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::First => "first notification",
        Reason::NewAlerts => "new alerts added",
        Reason::ResolvedGrew => "some alerts resolved",
        Reason::AllResolved => "all alerts resolved",
        Reason::Repeat => "repeat interval elapsed",
        Reason::Retry => "retry",
        Reason::Collapsed => "retry after changes",
        Reason::Restart => "restart",
        Reason::Acknowledged => "acknowledged",
        Reason::Unacknowledged => "acknowledgement taken back",
        Reason::AckExpired => "acknowledgement expired",
        Reason::Fallback => "another receiver unreachable",
        Reason::Drill => "drill",
    }
}

fn alert(notified: &NotifiedAlert) -> AlertData {
    let alert = &notified.alert;
    AlertData {
        status: status(notified.status),
        labels: alert.labels.clone(),
        annotations: alert.annotations.clone(),
        starts_at: alert.starts_at,
        // One that fires may carry the time by which it would be taken as over; that is no end.
        ends_at: alert.ends_at.filter(|_| notified.status == Status::Resolved),
        generator_url: alert.generator_url.clone(),
        fingerprint: alert.fingerprint().to_string(),
    }
}

fn status(status: Status) -> AlertStatus {
    match status {
        Status::Firing => AlertStatus::Firing,
        Status::Resolved => AlertStatus::Resolved,
    }
}
