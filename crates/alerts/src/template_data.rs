//! A notification as templates see it: Alertmanager's names, so that people's templates work unchanged.

use bellwether_model::Labels;
use bellwether_template::{Moment, Object, Value};

use crate::{Notification, NotifiedAlert, Status};

/// The value of the dot.
pub(crate) fn data(notification: &Notification, external_url: &str) -> Value {
    Value::object(Data(vec![
        ("Receiver", Value::text(notification.receiver.as_str())),
        ("Status", Value::text(notification.status().as_str())),
        ("Alerts", Value::object(Alerts(notification.alerts.clone()))),
        ("GroupLabels", pairs(&notification.group_labels)),
        ("CommonLabels", pairs(&notification.common_labels())),
        ("CommonAnnotations", pairs(&notification.common_annotations())),
        ("ExternalURL", Value::text(external_url)),
        ("NotificationReason", Value::text(notification.reason.as_str())),
        ("GroupKey", Value::text(notification.group.0.as_str())),
    ]))
}

/// The whole.
#[derive(Debug)]
struct Data(Vec<(&'static str, Value)>);

impl Object for Data {
    fn type_name(&self) -> &str {
        "notification"
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        self.0.clone()
    }
}

/// A list of alerts that can be narrowed to those that fire or are over.
#[derive(Debug)]
struct Alerts(Vec<NotifiedAlert>);

impl Alerts {
    fn with_status(&self, status: Status) -> Value {
        Value::object(Self(self.0.iter().filter(|a| a.status == status).cloned().collect()))
    }
}

impl Object for Alerts {
    fn type_name(&self) -> &str {
        "alerts"
    }

    fn methods(&self) -> &'static [&'static str] {
        &["Firing", "Resolved"]
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String> {
        match (name, args) {
            ("Firing", []) => Ok(self.with_status(Status::Firing)),
            ("Resolved", []) => Ok(self.with_status(Status::Resolved)),
            ("Firing" | "Resolved", _) => Err("takes no arguments".to_owned()),
            (other, _) => Err(format!("alerts have no method {other}")),
        }
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::list(self.0.iter().map(alert)))
    }
}

fn alert(notified: &NotifiedAlert) -> Value {
    let alert = &notified.alert;
    let end = match notified.status {
        Status::Firing => None,
        Status::Resolved => alert.ends_at,
    };
    Value::object(Data(vec![
        ("Status", Value::text(notified.status.as_str())),
        ("Labels", pairs(&alert.labels)),
        ("Annotations", pairs(&alert.annotations)),
        ("StartsAt", Value::Time(Moment::utc(alert.starts_at))),
        ("EndsAt", Value::Time(end.map_or_else(Moment::zero, Moment::utc))),
        ("GeneratorURL", Value::text(alert.generator_url.as_str())),
        ("Fingerprint", Value::text(alert.fingerprint().to_string())),
    ]))
}

fn pairs(labels: &Labels) -> Value {
    Value::object(Pairs(labels.clone()))
}

/// Labels or annotations: a map with a few methods.
#[derive(Debug)]
struct Pairs(Labels);

impl Pairs {
    /// In order of names, but the alert's name first.
    fn sorted(&self) -> Vec<(String, String)> {
        let mut all: Vec<_> = self.0.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        all.sort_by_key(|(name, _)| name != "alertname");
        all
    }
}

impl Object for Pairs {
    fn type_name(&self) -> &str {
        "labels"
    }

    fn methods(&self) -> &'static [&'static str] {
        &["SortedPairs", "Names", "Values", "Remove"]
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String> {
        match (name, args) {
            ("SortedPairs", []) => Ok(Value::object(PairList(self.sorted()))),
            ("Names", []) => Ok(names(&self.sorted())),
            ("Values", []) => Ok(values(&self.sorted())),
            ("Remove", [keys]) => {
                Ok(pairs(&self.0.without(&texts(keys)?.iter().map(String::as_str).collect::<Vec<_>>())))
            }
            ("Remove", _) => Err("takes one argument, such as (stringSlice \"job\")".to_owned()),
            ("SortedPairs" | "Names" | "Values", _) => Err("takes no arguments".to_owned()),
            (other, _) => Err(format!("labels have no method {other}")),
        }
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::from(&self.0))
    }
}

/// Pairs in order.
#[derive(Debug)]
struct PairList(Vec<(String, String)>);

impl Object for PairList {
    fn type_name(&self) -> &str {
        "pairs"
    }

    fn methods(&self) -> &'static [&'static str] {
        &["Names", "Values"]
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String> {
        match (name, args) {
            ("Names", []) => Ok(names(&self.0)),
            ("Values", []) => Ok(values(&self.0)),
            ("Names" | "Values", _) => Err("takes no arguments".to_owned()),
            (other, _) => Err(format!("pairs have no method {other}")),
        }
    }

    fn underlying(&self) -> Option<Value> {
        let pair = |(name, value): &(String, String)| {
            Value::object(Data(vec![
                ("Name", Value::text(name.as_str())),
                ("Value", Value::text(value.as_str())),
            ]))
        };
        Some(Value::list(self.0.iter().map(pair)))
    }
}

fn names(pairs: &[(String, String)]) -> Value {
    Value::list(pairs.iter().map(|(name, _)| Value::text(name.as_str())))
}

fn values(pairs: &[(String, String)]) -> Value {
    Value::list(pairs.iter().map(|(_, value)| Value::text(value.as_str())))
}

fn texts(value: &Value) -> Result<Vec<String>, String> {
    let Value::List(items) = value else { return Err("takes a list of names".to_owned()) };
    let text =
        |item: &Value| item.as_text().map(str::to_owned).ok_or_else(|| "takes a list of names".to_owned());
    items.iter().map(text).collect()
}
