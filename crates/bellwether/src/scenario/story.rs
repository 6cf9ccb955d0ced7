//! What happened in a run: lives of alerts, messages, measured numbers, and what was done. Everything that is shown and
//! everything that is expected is looked up here.

use bellwether_alerts::{Delivery, IntegrationId, Reason, Status};
use bellwether_model::{Labels, TimeDelta, Timestamp};
use bellwether_rules::GroupKey;
use serde_json::Value;

use super::quantity::Moment;

/// One life of an alert. Moments are counted from the start.
#[derive(Clone, Debug, PartialEq)]
pub struct Life {
    /// The alert's labels.
    pub labels: Labels,
    /// When it was first seen.
    pub pending: Option<Moment>,
    /// When it fired.
    pub fired: Option<Moment>,
    /// When it was over.
    pub ended: Option<Moment>,
    /// The rule it waits for, of which there may be several with one name.
    rule: Option<RulePlace>,
}

/// A rule: its group, and its place in it.
pub type RulePlace = (GroupKey, usize);

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// When it was sent.
    pub at: Moment,
    /// To whom.
    pub to: IntegrationId,
    /// Why.
    pub reason: Reason,
    /// Which attempt.
    pub attempt: u32,
    /// Whether it was taken, or what was answered.
    pub outcome: Result<(), String>,
    /// Whether something of it fires.
    pub status: Status,
    /// How many alerts it speaks of.
    pub alerts: usize,
    /// Its title, as far as the kind has one.
    pub title: String,
    /// All that was sent, as text.
    pub text: String,
    /// Why it is plain instead of what its template would have made.
    pub template_error: Option<String>,
}

/// Something that was done, or that changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    /// When.
    pub at: Moment,
    /// What, in words.
    pub what: String,
    /// Whether it went wrong.
    pub failed: bool,
}

/// A line over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// What it shows.
    pub what: TrackOf,
    /// Of what: an objective or a query.
    pub name: String,
    /// A level worth seeing beside it.
    pub level: Option<f64>,
    /// Its points.
    pub points: Vec<(Moment, Option<f64>)>,
}

/// What a line shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrackOf {
    /// Share of good events of the last minutes.
    Sli,
    /// Burn rate of the last minutes.
    Burn,
    /// What is left of the budget.
    Budget,
    /// The value of a query.
    Query,
}

/// What happened in a run.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// Lives of alerts, in the order in which they began.
    pub lives: Vec<Life>,
    /// Messages in the order in which they were sent.
    pub told: Vec<Told>,
    /// What was done.
    pub deeds: Vec<Deed>,
    /// Lines for charts.
    pub tracks: Vec<Track>,
}

impl Story {
    /// The last life of an alert that has not ended.
    fn open(&mut self, labels: &Labels) -> Option<&mut Life> {
        self.lives.iter_mut().rev().find(|life| life.ended.is_none() && life.labels == *labels)
    }

    fn open_or_new(&mut self, labels: &Labels) -> &mut Life {
        let place = self.lives.iter().rposition(|life| life.ended.is_none() && life.labels == *labels);
        let place = place.unwrap_or_else(|| {
            let labels = labels.clone();
            self.lives.push(Life { labels, pending: None, fired: None, ended: None, rule: None });
            self.lives.len() - 1
        });
        &mut self.lives[place]
    }

    /// Something was done.
    pub fn note(&mut self, at: Moment, what: String, failed: bool) {
        self.deeds.push(Deed { at, what, failed });
    }

    /// An alert waits for its `for`.
    pub fn is_pending(&mut self, rule: &RulePlace, labels: &Labels, at: Moment) {
        let life = self.open_or_new(labels);
        life.pending = life.pending.or(Some(at));
        life.rule = Some(rule.clone());
    }

    /// An alert fires.
    pub fn fires(&mut self, labels: &Labels, at: Moment) {
        let life = self.open_or_new(labels);
        life.fired = life.fired.or(Some(at));
    }

    /// An alert is over.
    pub fn ended(&mut self, labels: &Labels, at: Moment) {
        if let Some(life) = self.open(labels) {
            life.ended = Some(at);
        }
    }

    /// Pending alerts of a rule that are no longer seen never fired.
    pub fn forget_pending(&mut self, rule: &RulePlace, seen: &[Labels], at: Moment) {
        let of_rule = |life: &&mut Life| {
            life.ended.is_none() && life.fired.is_none() && life.rule.as_ref() == Some(rule)
        };
        for life in self.lives.iter_mut().filter(of_rule).filter(|life| !seen.contains(&life.labels)) {
            life.ended = Some(at);
        }
    }
}

impl Life {
    /// Whether the alert has all of these labels.
    pub fn has(&self, labels: &Labels) -> bool {
        labels.iter().all(|(name, value)| self.labels.value_or_empty(name) == value)
    }

    /// When it began.
    pub fn begin(&self) -> Moment {
        self.pending.or(self.fired).unwrap_or_default()
    }

    /// What people call it: its name, and of an objective's alert whose and which.
    pub fn title(&self) -> String {
        let value = |name| self.labels.value_or_empty(name);
        match (value("slo"), value("alert")) {
            ("", _) | (_, "") => value("alertname").to_owned(),
            (slo, alert) => format!("{} ({slo}, {alert})", value("alertname")),
        }
    }
}

impl Told {
    /// What is kept of a message on its way.
    pub fn of(delivery: &Delivery, at: Moment, outcome: Result<(), String>) -> Self {
        let texts: Vec<String> = delivery.message.parts.iter().map(|part| text_of(&part.content)).collect();
        let title = delivery.message.parts.first().map(|part| title_of(&part.content)).unwrap_or_default();
        Self {
            at,
            to: delivery.integration.clone(),
            reason: delivery.reason,
            attempt: delivery.attempt,
            outcome,
            status: delivery.notification.status(),
            alerts: delivery.notification.alerts.len(),
            title,
            text: texts.join("\n"),
            template_error: delivery.message.template_error.clone(),
        }
    }

    /// Whether it went to a receiver, or to one of its integrations.
    pub fn went_to(&self, receiver: &str) -> bool {
        let kind = format!("{}/{}", self.to.receiver, self.to.kind.as_str());
        receiver == self.to.receiver || receiver == kind || receiver == self.to.to_string()
    }
}

fn text_of(content: &bellwether_alerts::Content) -> String {
    match content {
        bellwether_alerts::Content::Json(text) => match serde_json::from_str(text) {
            Ok(value) => strings_of(&value).join("\n"),
            Err(_) => text.clone(),
        },
        bellwether_alerts::Content::Text { body, .. } => body.clone(),
        bellwether_alerts::Content::Form(fields) => {
            fields.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
        }
        bellwether_alerts::Content::Mail(mail) => format!("{}\n{}\n{}", mail.subject, mail.text, mail.html),
    }
}

/// All texts in a JSON value.
fn strings_of(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(strings_of).collect(),
        Value::Object(fields) => fields.values().flat_map(strings_of).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// Where the kinds of receivers have what people read first.
const TITLES: [&str; 8] = [
    "/attachments/0/title",
    "/payload/summary",
    "/embeds/0/title",
    "/attachments/0/content/body/0/text",
    "/message",
    "/title",
    "/fields/summary",
    "/entity_display_name",
];

fn title_of(content: &bellwether_alerts::Content) -> String {
    match content {
        bellwether_alerts::Content::Json(text) => {
            let value: Value = serde_json::from_str(text).unwrap_or_default();
            let found = TITLES.iter().find_map(|place| value.pointer(place)?.as_str());
            let first = || strings_of(&value).into_iter().next().unwrap_or_default();
            found.map_or_else(first, str::to_owned)
        }
        bellwether_alerts::Content::Mail(mail) => mail.subject.clone(),
        bellwether_alerts::Content::Text { body, headers } => {
            let title = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("title"));
            title.map_or_else(
                || body.lines().next().unwrap_or_default().to_owned(),
                |(_, title)| title.clone(),
            )
        }
        bellwether_alerts::Content::Form(fields) => {
            let named =
                |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            named("title").or_else(|| named("message")).or_else(|| named("text")).unwrap_or_default()
        }
    }
}

impl Moment {
    /// A moment of the clock as one counted from the start.
    pub fn since(start: Timestamp, at: Timestamp) -> Self {
        Self(at - start)
    }

    /// The moment of the clock.
    pub fn after(self, start: Timestamp) -> Timestamp {
        start.saturating_add(self.0)
    }

    /// How far apart two moments are.
    pub fn distance(self, other: Self) -> TimeDelta {
        TimeDelta((self.0 - other.0).0.abs())
    }
}
