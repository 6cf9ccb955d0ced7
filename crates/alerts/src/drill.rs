//! Drills: a marked test message to every integration asked for, rendered, recorded and sent like a real one. It
//! belongs to no group and to no alert, it is tried once, and its outcome is what whoever asked wants to see.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Alert, Labels, Timestamp};

use crate::delivery::key_of;
use crate::outbox::Outbox;
use crate::{
    AlertCore, AttemptRow, AuditRow, Delivery, DeliveryKey, DeliveryRow, DeliveryStatus, DrillWish, GroupId,
    IntegrationId, Notification, NotifiedAlert, Outcome, Reason, Receipt, ReceiverState, Record, Status,
    Thread, message,
};

/// Name of the alert in a test message.
pub const DRILL_ALERT_NAME: &str = "BellwetherDrill";

/// Where a test message goes: its own conversation, and whom it is sent to.
struct DrillPlace {
    group: GroupId,
    integration: IntegrationId,
}

/// Test messages whose outcome is open.
pub(crate) type Drills = BTreeMap<DeliveryKey, DeliveryRow>;

impl AlertCore {
    /// Sends a test message to every integration asked for; the answer names them.
    pub(crate) fn drill(&mut self, wish: DrillWish, now: Timestamp, out: &mut Outbox) -> Vec<DeliveryKey> {
        let is_asked = |id: &IntegrationId| wish.receiver.as_ref().is_none_or(|name| *name == id.receiver);
        let asked: Vec<_> = self.setup.config.integrations().into_iter().filter(is_asked).collect();
        if asked.is_empty() {
            return Vec::new();
        }
        let subject = wish.receiver.clone().unwrap_or_else(|| "all receivers".to_owned());
        let names: Vec<String> = asked.iter().map(ToString::to_string).collect();
        let (action, detail) = ("receiver.drill".to_owned(), names.join(", "));
        out.record(Record::Audit(AuditRow { at: now, who: wish.by.clone(), action, subject, detail }));
        let alert = alert(&wish, now);
        let group = GroupId(format!("drill:{}", wish.id));
        let send = |integration| {
            let place = DrillPlace { group: group.clone(), integration };
            self.send_drill(place, alert.clone(), Thread::new(), now, out)
        };
        asked.into_iter().map(send).collect()
    }

    fn send_drill(
        &mut self,
        place: DrillPlace,
        alert: NotifiedAlert,
        thread: Thread,
        now: Timestamp,
        out: &mut Outbox,
    ) -> DeliveryKey {
        let DrillPlace { group, integration } = place;
        let key = key_of(&[&group.0, &integration.to_string(), alert.status.as_str()]);
        let mut notification = Notification {
            reason: Reason::Drill,
            group,
            group_labels: alert.alert.labels.keep(&["alertname"]),
            receiver: integration.receiver.clone(),
            alerts: vec![alert],
            route_labels: BTreeMap::new(),
            acked_by: None,
            unreached: None,
        };
        let message = message::render(&self.setup, &integration, &mut notification, &thread, now);
        let delivery = Delivery {
            key: key.clone(),
            integration,
            reason: Reason::Drill,
            attempt: 1,
            decided_at: now,
            notification: Arc::new(notification),
            message: Arc::new(message),
            parts_accepted: 0,
            thread,
        };
        let row = DeliveryRow {
            delivery: delivery.clone(),
            status: DeliveryStatus::InFlight,
            updated_at: now,
            untold: Default::default(),
            tried_since: now,
            failures: 0,
        };
        out.record(Record::Delivery(Box::new(row.clone())));
        out.deliveries.push(delivery);
        self.drills.insert(key.clone(), row);
        key
    }

    /// The outcome of a test message.
    pub(crate) fn drilled(&mut self, key: &DeliveryKey, outcome: Outcome, now: Timestamp, out: &mut Outbox) {
        let Some(mut row) = self.drills.remove(key) else { return };
        let Outcome { receipt, parts_accepted, thread } = outcome;
        let (integration, attempt) = (row.delivery.integration.clone(), row.delivery.attempt);
        out.record(Record::Attempt(AttemptRow {
            delivery: key.clone(),
            attempt,
            at: now,
            reason: Reason::Drill,
            receipt: receipt.clone(),
        }));
        (row.delivery.parts_accepted, row.delivery.thread, row.updated_at) = (parts_accepted, thread, now);
        let status = match receipt {
            taken @ (Receipt::Accepted { .. } | Receipt::AcceptedInPart { .. }) => {
                self.health_of(&integration).succeeded(&taken, now);
                self.end_drill(&row, now, out);
                DeliveryStatus::Delivered
            }
            last @ (Receipt::Refused { .. }
            | Receipt::MailRefused { .. }
            | Receipt::Unreachable { .. }
            | Receipt::Unsendable { .. }) => {
                self.health_of(&integration).failed(&last, ReceiverState::Failing, now);
                row.failures = 1;
                DeliveryStatus::Failed { last }
            }
        };
        row.status = status;
        out.record(Record::Delivery(Box::new(row)));
    }

    /// Who keeps something open until it is resolved is told that the test is over.
    fn end_drill(&mut self, row: &DeliveryRow, now: Timestamp, out: &mut Outbox) {
        let Delivery { notification, integration, thread, .. } = &row.delivery;
        let configured = self.setup.config.integration(integration);
        let keeps_open = configured.is_some_and(|i| i.send_resolved && i.settings.hears_acks());
        if !keeps_open || notification.status() == Status::Resolved {
            return;
        }
        let over = |alert: &NotifiedAlert| NotifiedAlert {
            alert: Alert { ends_at: Some(now), ..alert.alert.clone() },
            status: Status::Resolved,
        };
        if let Some(alert) = notification.alerts.first().map(over) {
            let place = DrillPlace { group: notification.group.clone(), integration: integration.clone() };
            self.send_drill(place, alert, thread.clone(), now, out);
        }
    }

    /// A test message whose outcome nobody will hear of any more: the process that sent it is gone.
    pub(crate) fn forget_drill(row: DeliveryRow, now: Timestamp) -> Record {
        let why = "the process stopped before the outcome was known".to_owned();
        let status = DeliveryStatus::Withdrawn { why };
        Record::Delivery(Box::new(DeliveryRow { status, updated_at: now, ..row }))
    }
}

/// What a test message says: that nothing is wrong, in every place somebody may look at.
fn alert(wish: &DrillWish, now: Timestamp) -> NotifiedAlert {
    let what = format!("This is a test by {}: nothing is wrong.", wish.by);
    let labels = [("alertname", DRILL_ALERT_NAME), ("drill", "true"), ("severity", "none")];
    let annotations = [
        ("summary", what.as_str()),
        ("description", "Whoever reads this would hear of a real alert as well. There is nothing to do."),
    ];
    let alert = Alert {
        labels: Labels::from_pairs(labels),
        annotations: Labels::from_pairs(annotations),
        starts_at: now,
        ends_at: None,
        generator_url: String::new(),
    };
    NotifiedAlert { alert, status: Status::Firing }
}
