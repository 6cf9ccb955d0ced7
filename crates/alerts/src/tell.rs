//! Making a message and sending it, or letting it take the place of one that waits.

use std::collections::BTreeSet;
use std::sync::Arc;

use bellwether_model::Timestamp;

use crate::core::{Known, Timer};
use crate::decide::Manner;
use crate::delivery::key_of;
use crate::flush::{Seat, Sight};
use crate::group::{Group, Pending, Tellable, Told};
use crate::look::{Look, Occasion};
use crate::outbox::Outbox;
use crate::{
    AlertCore, Delivery, DeliveryKey, DeliveryStatus, IntegrationId, Notification, NotifiedAlert, Reason,
    Record, Status, Verdict, message,
};

/// Where a new message goes: its name, until when it has to wait, and the look that decided it.
struct Slot {
    key: DeliveryKey,
    until: Option<Timestamp>,
    look: Look,
}

impl AlertCore {
    pub(crate) fn compose(
        &self,
        group: &Group,
        integration: &IntegrationId,
        reason: Reason,
        sight: &Sight,
        manner: Manner,
    ) -> Notification {
        let untold = group.pending.get(integration).map(|p| &p.untold);
        let is_owed = |f: &_| untold.is_some_and(|untold: &BTreeSet<_>| untold.contains(f));
        let ended = sight.tellable.resolved.iter().filter(|f| manner.send_resolved || is_owed(f));
        let mut alerts: Vec<_> = (sight.tellable.firing.iter().map(|f| (f, Status::Firing)))
            .chain(ended.map(|f| (f, Status::Resolved)))
            .filter_map(|(f, status)| Some((self.alerts.get(f)?, status)))
            .map(|(known, status)| as_told(known, status))
            .collect();
        alerts.sort_by(|a, b| (a.status, &a.alert.labels).cmp(&(b.status, &b.alert.labels)));
        Notification {
            reason,
            group: group.id.as_ref().clone(),
            group_labels: group.labels.clone(),
            receiver: integration.receiver.clone(),
            alerts,
            route_labels: group.route.labels.clone(),
            acked_by: sight.acks.all.clone(),
            unreached: None,
        }
    }

    /// Sends a message, or lets it take the place of the one that waits.
    pub(crate) fn tell(
        &mut self,
        seat: Seat<'_>,
        notification: Notification,
        look: Look,
        out: &mut Outbox,
    ) -> Verdict {
        let Some(group) = self.groups.get(seat.group) else { return Verdict::NothingNew };
        let key = key(&notification, seat.integration, group.told.get(seat.integration));
        let is_turn = look.occasion == Occasion::Retry;
        let old = group.pending.get(seat.integration);
        if let Some(old) = old.filter(|p| p.delivery.key == key) {
            return match old.waits_until().filter(|_| !is_turn) {
                Some(until) => Verdict::Waiting { until },
                None => self.send(seat, look.now, out),
            };
        }
        let limited_until = self.health.get(seat.integration).and_then(|h| h.limited_until);
        let waits = old.map_or(limited_until, Pending::waits_until);
        let waits = waits.filter(|until| !is_turn && *until > look.now);
        let pending = self.draft(group, seat.integration, notification, Slot { key, until: waits, look });
        let template_error = pending.delivery.message.template_error.clone();
        let by = pending.delivery.key.clone();
        self.close(seat, DeliveryStatus::Replaced { by: by.clone() }, look.now, out);
        self.open.insert(by, (seat.group.clone(), seat.integration.clone()));
        if pending.unreached_at < Timestamp::MAX {
            let timer = Timer::Unreached(seat.group.clone(), seat.integration.clone());
            self.set_timer(pending.unreached_at, timer);
        }
        let row = waits.map(|_| pending.row(look.now));
        if let Some(group) = self.groups.get_mut(seat.group) {
            group.pending.insert(seat.integration.clone(), pending);
        }
        let verdict = match waits {
            Some(until) => {
                out.records.extend(row.map(Box::new).map(Record::Delivery));
                self.set_timer(until, Timer::Retry(seat.group.clone(), seat.integration.clone()));
                Verdict::Waiting { until }
            }
            None => self.send(seat, look.now, out),
        };
        self.note_template(seat.integration, template_error, look.now, out);
        verdict
    }

    /// A message that has not been sent yet, going on where the one it replaces stood.
    fn draft(
        &self,
        group: &Group,
        integration: &IntegrationId,
        mut notification: Notification,
        slot: Slot,
    ) -> Pending {
        let Slot { key, until, look } = slot;
        let told = group.told.get(integration);
        let thread = told.map(|told| told.thread.clone()).unwrap_or_default();
        let message = message::render(&self.setup, integration, &mut notification, &thread, look.now);
        let old = group.pending.get(integration);
        let resend = if old.is_some() { Reason::Collapsed } else { notification.reason };
        let delivery = Delivery {
            key,
            integration: integration.clone(),
            reason: resend,
            attempt: old.map_or(0, |p| p.delivery.attempt),
            decided_at: look.at,
            notification: Arc::new(notification),
            message: Arc::new(message),
            parts_accepted: 0,
            thread,
        };
        let says = Tellable::of(&delivery);
        let mut untold = says.firing.clone();
        untold.retain(|f| told.is_none_or(|told| !told.firing.contains(f)));
        untold.extend(old.iter().flat_map(|p| &p.untold));
        let status = DeliveryStatus::Waiting {
            until: until.unwrap_or(look.now),
            last: old.and_then(|p| p.status.last_receipt()).cloned(),
        };
        let tried_since = old.map_or(look.now, |p| p.tried_since);
        Pending {
            delivery,
            says,
            status,
            untold,
            tried_since,
            failures: old.map_or(0, |p| p.failures),
            resend,
            unreached_at: old.map_or_else(|| self.unreached_at(group, tried_since), |p| p.unreached_at),
        }
    }

    /// The open message goes out.
    fn send(&mut self, seat: Seat<'_>, now: Timestamp, out: &mut Outbox) -> Verdict {
        let group = self.groups.get_mut(seat.group);
        let Some(pending) = group.and_then(|g| g.pending.get_mut(seat.integration)) else {
            return Verdict::NothingNew;
        };
        pending.status = DeliveryStatus::InFlight;
        pending.delivery.attempt += 1;
        pending.delivery.reason = pending.resend;
        let reason = pending.resend;
        out.record(Record::Delivery(Box::new(pending.row(now))));
        out.deliveries.push(pending.delivery.clone());
        Verdict::Sent { reason }
    }

    /// The open message is over, one way or another.
    pub(crate) fn close(
        &mut self,
        seat: Seat<'_>,
        status: DeliveryStatus,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Option<Pending> {
        let mut pending = self.groups.get_mut(seat.group)?.pending.remove(seat.integration)?;
        pending.status = status;
        self.open.remove(&pending.delivery.key);
        out.record(Record::Delivery(Box::new(pending.row(now))));
        Some(pending)
    }
}

pub(crate) fn as_told(known: &Known, status: Status) -> NotifiedAlert {
    let mut alert = known.row.alert.clone();
    if status == Status::Firing {
        alert.ends_at = None;
    }
    NotifiedAlert { alert, status }
}

/// The key says what is said. What says the same alerts once more differs by what made it say them again.
fn key(notification: &Notification, integration: &IntegrationId, told: Option<&Told>) -> DeliveryKey {
    let told_at = || told.map(|told| told.at.0.to_string()).unwrap_or_default();
    let again = match notification.reason {
        Reason::Repeat => told_at(),
        Reason::AckExpired => format!("ack expired {}", told_at()),
        Reason::Acknowledged => {
            let acked = notification.acked_by.as_ref();
            acked.map(|acked| format!("acked {} {}", acked.at.0, acked.by.join(","))).unwrap_or_default()
        }
        Reason::Unacknowledged => {
            let known = told.and_then(|told| told.acked.as_ref()).map(|acked| acked.at.0);
            format!("given back {}", known.unwrap_or_default())
        }
        Reason::First
        | Reason::NewAlerts
        | Reason::ResolvedGrew
        | Reason::AllResolved
        | Reason::Retry
        | Reason::Collapsed
        | Reason::Restart
        | Reason::Fallback
        | Reason::Drill => String::new(),
    };
    let mut parts = vec![notification.group.0.clone(), integration.to_string(), again];
    for NotifiedAlert { alert, status } in &notification.alerts {
        let end = alert.ends_at.map(|t| t.0.to_string()).unwrap_or_default();
        parts.push(format!("{} {} {} {end}", alert.fingerprint(), status.as_str(), alert.starts_at.0));
    }
    key_of(&parts.iter().map(String::as_str).collect::<Vec<_>>())
}
