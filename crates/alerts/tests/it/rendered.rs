//! What one integration is sent for a notification, without a core around it.

use std::collections::BTreeMap;

use bellwether_alerts::{
    Acked, GroupId, IntegrationId, IntegrationKind, Message, Notification, NotifiedAlert, Reason, Status,
    Thread, render_message,
};
use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_model::{Alert, Labels, Timestamp};
use serde_json::Value;

/// A configuration with one receiver, `oncall`, and this list of integrations.
pub(crate) fn yaml(integrations: &str) -> String {
    format!("route: {{receiver: oncall}}\nreceivers:\n  - name: oncall\n    {integrations}\n")
}

/// An alert as it stands in a notification; it fired a minute into the epoch, and ended three minutes later if it did.
pub(crate) fn told(
    status: Status,
    name: &str,
    labels: &[(&str, &str)],
    annotations: &[(&str, &str)],
) -> NotifiedAlert {
    let ends_at = match status {
        Status::Firing => None,
        Status::Resolved => Some(Timestamp::from_secs(240)),
    };
    let labels = std::iter::once(("alertname", name)).chain(labels.iter().copied());
    NotifiedAlert {
        alert: Alert {
            labels: Labels::from_pairs(labels),
            annotations: Labels::from_pairs(annotations.iter().copied()),
            starts_at: Timestamp::from_secs(60),
            ends_at,
            generator_url: "http://prom.example/graph".to_owned(),
        },
        status,
    }
}

pub(crate) fn notification(reason: Reason, alerts: Vec<NotifiedAlert>) -> Notification {
    Notification {
        reason,
        group: GroupId("{}:{job=\"login\"}".to_owned()),
        group_labels: Labels::from_pairs([("job", "login")]),
        receiver: "oncall".to_owned(),
        alerts,
        route_labels: BTreeMap::new(),
        acked_by: None,
        unreached: None,
    }
}

/// The same when somebody has it.
pub(crate) fn acked(alerts: Vec<NotifiedAlert>) -> Notification {
    let acked = Acked {
        by: vec!["ann".to_owned(), "bob".to_owned()],
        note: "looking at the pool".to_owned(),
        at: Timestamp::from_secs(90),
        until: None,
    };
    Notification { acked_by: Some(acked), ..notification(Reason::Acknowledged, alerts) }
}

pub(crate) fn slow(status: Status) -> NotifiedAlert {
    told(
        status,
        "SlowLogin",
        &[("job", "login"), ("severity", "critical")],
        &[("summary", "logins are slow")],
    )
}

pub(crate) fn message_in(yaml: &str, kind: IntegrationKind, said: &Notification, thread: &Thread) -> Message {
    let id = IntegrationId { receiver: "oncall".to_owned(), kind, index: 0 };
    let setup = crate::script::setup(yaml);
    render_message(&setup, &id, &mut said.clone(), thread, Timestamp::from_secs(120))
}

pub(crate) fn message(integrations: &str, kind: IntegrationKind, said: &Notification) -> Message {
    message_in(&yaml(integrations), kind, said, &Thread::new())
}

/// The calls and bodies of a message.
pub(crate) fn parts(message: &Message) -> Vec<(String, Value)> {
    let body = |text: &str| serde_json::from_str(text).unwrap();
    message.parts.iter().map(|part| (part.call.clone(), body(part.content.text()))).collect()
}

/// The problems of a configuration, each in a line.
pub(crate) fn problems(yaml: &str) -> Vec<String> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("a.yml", yaml);
    bellwether_alerts::Config::read(&sources, file, &mut out);
    let text = out.render(&sources, Style { color: false });
    text.lines().filter(|line| line.starts_with("a.yml:")).map(str::to_owned).collect()
}
