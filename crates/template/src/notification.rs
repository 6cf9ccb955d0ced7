//! What notification templates are about: a group of alerts on its way to one receiver.

use std::sync::Arc;

use bellwether_model::{Labels, Timestamp};

use crate::moment::Moment;
use crate::value::{Element, Map, Object, Value};

/// One alert of a notification.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertData {
    /// Firing or resolved.
    pub status: AlertStatus,
    /// What it is.
    pub labels: Labels,
    /// What people read.
    pub annotations: Labels,
    /// Since when.
    pub starts_at: Timestamp,
    /// Until when; `None` shows as Go's zero time.
    pub ends_at: Option<Timestamp>,
    /// Where its cause can be looked at.
    pub generator_url: String,
    /// Sixteen hexadecimal digits.
    pub fingerprint: String,
}

/// Whether something is still wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertStatus {
    /// It is.
    Firing,
    /// It was.
    Resolved,
}

impl AlertStatus {
    /// As it is written: `firing` or `resolved`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// A group of alerts on its way to one receiver.
#[derive(Clone, Debug, PartialEq)]
pub struct NotificationData {
    /// The receiver's name.
    pub receiver: String,
    /// Firing as long as one of the alerts is.
    pub status: AlertStatus,
    /// The alerts in the order they are shown.
    pub alerts: Vec<AlertData>,
    /// Labels the group was made by.
    pub group_labels: Labels,
    /// Labels all alerts share.
    pub common_labels: Labels,
    /// Annotations all alerts share.
    pub common_annotations: Labels,
    /// Where people find this Bellwether.
    pub external_url: String,
    /// Why this is sent now, in words.
    pub notification_reason: String,
    /// Identity of the group; the same in all messages about it.
    pub group_key: String,
}

impl NotificationData {
    /// Data of a group whose status and common labels follow from its alerts.
    pub fn of_alerts(
        receiver: &str,
        alerts: Vec<AlertData>,
        group_labels: Labels,
        external_url: &str,
    ) -> Self {
        let is_firing = alerts.iter().any(|alert| alert.status == AlertStatus::Firing);
        Self {
            receiver: receiver.to_owned(),
            status: if is_firing { AlertStatus::Firing } else { AlertStatus::Resolved },
            common_labels: common(alerts.iter().map(|alert| &alert.labels)),
            common_annotations: common(alerts.iter().map(|alert| &alert.annotations)),
            alerts,
            group_labels,
            external_url: external_url.to_owned(),
            notification_reason: String::new(),
            group_key: String::new(),
        }
    }

    /// As the dot of a template. Values are made once, so that a text over many alerts copies none of them.
    pub fn to_value(&self) -> Value {
        let fields = vec![
            ("Receiver", Value::from(self.receiver.as_str())),
            ("Status", Value::from(self.status.as_str())),
            ("Alerts", Value::object(Alerts(self.alerts.iter().map(one_alert).collect()))),
            ("GroupLabels", kv(&self.group_labels)),
            ("CommonLabels", kv(&self.common_labels)),
            ("CommonAnnotations", kv(&self.common_annotations)),
            ("ExternalURL", Value::from(self.external_url.as_str())),
            ("NotificationReason", Value::from(self.notification_reason.as_str())),
            ("GroupKey", Value::from(self.group_key.as_str())),
        ];
        Value::object(Record { type_name: "notification data", fields })
    }
}

/// The pairs that all sets share.
fn common<'a>(mut sets: impl Iterator<Item = &'a Labels>) -> Labels {
    let Some(first) = sets.next() else { return Labels::empty() };
    let rest: Vec<&Labels> = sets.collect();
    first.iter().filter(|(name, value)| rest.iter().all(|set| set.get(name) == Some(value))).collect()
}

impl From<&NotificationData> for Value {
    fn from(data: &NotificationData) -> Self {
        data.to_value()
    }
}

/// Named values that do not change any more.
#[derive(Debug)]
struct Record {
    type_name: &'static str,
    fields: Vec<(&'static str, Value)>,
}

impl Object for Record {
    fn type_name(&self) -> &str {
        self.type_name
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        self.fields.clone()
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }
}

/// A list of alerts that can be narrowed to those that fire or are over.
#[derive(Debug)]
struct Alerts(Vec<(AlertStatus, Value)>);

impl Object for Alerts {
    fn type_name(&self) -> &str {
        "list of alerts"
    }

    fn methods(&self) -> &'static [&'static str] {
        &["Firing", "Resolved"]
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String> {
        if !args.is_empty() {
            return Err("takes no arguments".to_owned());
        }
        let status = if name == "Firing" { AlertStatus::Firing } else { AlertStatus::Resolved };
        Ok(Value::object(Self(self.0.iter().filter(|(of, _)| *of == status).cloned().collect())))
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::list(self.0.iter().map(|(_, alert)| alert.clone())))
    }
}

fn one_alert(alert: &AlertData) -> (AlertStatus, Value) {
    let fields = vec![
        ("Status", Value::from(alert.status.as_str())),
        ("Labels", kv(&alert.labels)),
        ("Annotations", kv(&alert.annotations)),
        ("StartsAt", Value::Time(Moment::utc(alert.starts_at))),
        ("EndsAt", Value::Time(alert.ends_at.map_or_else(Moment::zero, Moment::utc))),
        ("GeneratorURL", Value::from(alert.generator_url.as_str())),
        ("Fingerprint", Value::from(alert.fingerprint.as_str())),
    ];
    (alert.status, Value::object(Record { type_name: "alert", fields }))
}

/// A label set with the methods templates know.
#[derive(Debug)]
struct Kv(Arc<Map>);

/// Labels as notification templates see them.
pub(crate) fn kv(labels: &Labels) -> Value {
    Kv::of(labels.iter().map(|(name, value)| (name.to_owned(), Value::from(value))))
}

impl Object for Kv {
    fn type_name(&self) -> &str {
        "template.KV"
    }

    // A label may be called like a field; all of them are reached through the map.
    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn methods(&self) -> &'static [&'static str] {
        &["Names", "Remove", "SortedPairs", "Values"]
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String> {
        match (name, args) {
            ("Remove", [names]) => self.remove(names),
            ("Remove", _) => Err("takes one list of names, such as (stringSlice \"a\" \"b\")".to_owned()),
            (_, [_, ..]) => Err("takes no arguments".to_owned()),
            ("Names", _) => Ok(texts(self.sorted().into_iter().map(|(name, _)| Value::from(name)))),
            ("Values", _) => Ok(texts(self.sorted().into_iter().map(|(_, value)| value))),
            _ => Ok(Value::object(Pairs(self.sorted()))),
        }
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::Map(self.0.clone()))
    }
}

impl Kv {
    fn of(pairs: impl Iterator<Item = (String, Value)>) -> Value {
        Value::object(Self(Arc::new(Map { entries: pairs.collect(), element: Element::Text })))
    }

    /// In name order, but the alert's name first: it is what people look for.
    fn sorted(&self) -> Vec<(String, Value)> {
        let mut pairs: Vec<_> =
            self.0.entries.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        pairs.sort_by_key(|(name, _)| name != "alertname");
        pairs
    }

    fn remove(&self, names: &Value) -> Result<Value, String> {
        let Value::List(names) = names.plain() else {
            return Err("takes a list of names, such as (stringSlice \"a\" \"b\")".to_owned());
        };
        let gone: Vec<&str> = names.iter().filter_map(Value::as_text).collect();
        let kept = self.0.entries.iter().filter(|(name, _)| !gone.contains(&name.as_str()));
        Ok(Self::of(kept.map(|(name, value)| (name.clone(), value.clone()))))
    }
}

fn texts(items: impl Iterator<Item = Value>) -> Value {
    Value::object(Texts(items.collect()))
}

/// A list of texts.
#[derive(Debug)]
struct Texts(Vec<Value>);

impl Object for Texts {
    fn type_name(&self) -> &str {
        "[]string"
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::from(self.0.clone()))
    }
}

/// `.SortedPairs`: name and value in turn, with the names and values apart as methods.
#[derive(Debug)]
struct Pairs(Vec<(String, Value)>);

impl Object for Pairs {
    fn type_name(&self) -> &str {
        "template.Pairs"
    }

    fn methods(&self) -> &'static [&'static str] {
        &["Names", "Values"]
    }

    fn call(&self, name: &str, _: &[Value]) -> Result<Value, String> {
        Ok(match name {
            "Names" => texts(self.0.iter().map(|(name, _)| Value::from(name.as_str()))),
            _ => texts(self.0.iter().map(|(_, value)| value.clone())),
        })
    }

    fn underlying(&self) -> Option<Value> {
        let pair = |(name, value): &(String, Value)| {
            let fields = vec![("Name", Value::from(name.as_str())), ("Value", value.clone())];
            Value::object(Record { type_name: "template.Pair", fields })
        };
        Some(Value::list(self.0.iter().map(pair)))
    }
}
