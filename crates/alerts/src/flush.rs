//! Looking at a group: what of it may be told, to whom it is news, and what the outcome of an attempt changes.
//!
//! Per group and integration there is at most one open message. While it is in flight nothing else is decided;
//! while it waits for another attempt, whatever changed since replaces it, so that a receiver which was away hears
//! one message with the whole story instead of a backlog.

use std::collections::BTreeSet;
use std::sync::Arc;

use bellwether_model::{AlertFingerprint, TimeDelta, Timestamp};

use crate::core::{Known, Outbox, Timer};
use crate::delivery::{RETRY_HORIZON, backoff, key_of};
use crate::group::{Group, Manner, Pending, Tellable, Told, decide};
use crate::{
    AlertCore, AttemptRow, Delivery, DeliveryKey, DeliveryStatus, GroupId, IntegrationId, Next, Notification,
    NotifiedAlert, Outcome, Reason, Receipt, ReceiverHealth, ReceiverState, Record, Status, Verdict, message,
    time_interval,
};

/// The moment of a look at a group: what time it is, and which moment on the group's grid it stands for.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    now: Timestamp,
    at: Timestamp,
}

/// Whether a message that was waiting may go out now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Its pause is over.
    Now,
    /// Its pause still runs.
    Later,
}

impl AlertCore {
    pub(crate) fn flush(&mut self, id: &GroupId, now: Timestamp, out: &mut Outbox) {
        let Some(group) = self.groups.get_mut(id) else { return };
        let look = Look { now, at: group.advance(now) };
        for integration in self.integrations_of(id) {
            self.settle(id, &integration, look, Turn::Later, out);
        }
        self.sweep(id, now, out);
        if let Some(group) = self.groups.get(id) {
            let (next, row) = (group.next_flush, group.row());
            out.record(Record::Group(row));
            self.set_timer(next, Timer::Flush(id.clone()));
        }
    }

    pub(crate) fn retry(
        &mut self,
        id: &GroupId,
        integration: &IntegrationId,
        now: Timestamp,
        out: &mut Outbox,
    ) {
        self.settle(id, integration, Look { now, at: now }, Turn::Now, out);
        self.sweep(id, now, out);
    }

    fn integrations_of(&self, id: &GroupId) -> Vec<IntegrationId> {
        let receiver = self.groups.get(id).and_then(|g| self.setup.config.receivers.get(&g.route.receiver));
        receiver.map(|r| r.integration_ids()).unwrap_or_default()
    }

    /// Decides what one integration hears of one group.
    fn settle(
        &mut self,
        id: &GroupId,
        integration: &IntegrationId,
        look: Look,
        turn: Turn,
        out: &mut Outbox,
    ) {
        let verdict = self.verdict(id, integration, look, turn, out);
        if let Some(group) = self.groups.get_mut(id) {
            group.verdicts.insert(integration.clone(), (look.at, verdict));
        }
    }

    fn verdict(
        &mut self,
        id: &GroupId,
        integration: &IntegrationId,
        look: Look,
        turn: Turn,
        out: &mut Outbox,
    ) -> Verdict {
        let Some(manner) = self.manner(id, integration) else { return Verdict::NothingNew };
        let Some(group) = self.groups.get(id) else { return Verdict::NothingNew };
        let muted = time_interval::muted_by(&group.route, &self.setup.config.time_intervals, look.at);
        if !muted.is_empty() {
            self.postpone(id, integration, look.now, turn, out);
            return Verdict::Muted { by: muted };
        }
        if group.pending.get(integration).is_some_and(|p| p.status == DeliveryStatus::InFlight) {
            return Verdict::InFlight;
        }
        if !manner.send_resolved {
            self.forget_ended(id, integration, look.now, out);
        }
        let Some(group) = self.groups.get(id) else { return Verdict::NothingNew };
        let tellable = self.tellable(group, look.now);
        let untold = group.pending.get(integration).map(|p| p.untold.clone()).unwrap_or_default();
        match decide(group.told.get(integration), &untold, &tellable, manner, look.at) {
            Some(reason) => {
                let notification = self.compose(group, integration, reason, &tellable, &untold, manner);
                self.tell(id, integration, notification, look, turn, out)
            }
            None if group.pending.contains_key(integration) => {
                let why = "nothing is left to say: its alerts are suppressed, or everyone knows".to_owned();
                self.close(id, integration, DeliveryStatus::Withdrawn { why }, look.now, out);
                Verdict::Withdrawn
            }
            None if tellable == Tellable::default() && !group.alerts.is_empty() => Verdict::Suppressed,
            None => Verdict::NothingNew,
        }
    }

    fn manner(&self, id: &GroupId, integration: &IntegrationId) -> Option<Manner> {
        let send_resolved = self.setup.config.integration(integration)?.send_resolved;
        let repeat_interval = self.groups.get(id)?.route.repeat_interval;
        Some(Manner { send_resolved, repeat_interval })
    }

    /// A muted route keeps its waiting message until the group is looked at again.
    fn postpone(
        &mut self,
        id: &GroupId,
        integration: &IntegrationId,
        now: Timestamp,
        turn: Turn,
        out: &mut Outbox,
    ) {
        let Some(group) = self.groups.get_mut(id) else { return };
        let next_flush = group.next_flush;
        let Some(pending) = group.pending.get_mut(integration) else { return };
        if let (Turn::Now, DeliveryStatus::Waiting { until, .. }) = (turn, &mut pending.status) {
            *until = next_flush.max(now + TimeDelta::SECOND);
            let (until, row) = (*until, pending.row(now));
            out.record(Record::Delivery(Box::new(row)));
            self.set_timer(until, Timer::Retry(id.clone(), integration.clone()));
        }
    }

    /// Who does not want to hear of the end simply no longer believes that it fires.
    fn forget_ended(&mut self, id: &GroupId, integration: &IntegrationId, now: Timestamp, out: &mut Outbox) {
        let Some(group) = self.groups.get_mut(id) else { return };
        let Some(told) = group.told.get_mut(integration) else { return };
        let before = told.firing.len();
        let alerts = &self.alerts;
        told.firing.retain(|f| alerts.get(f).is_some_and(|k| !k.row.alert.is_resolved(now)));
        if told.firing.len() != before {
            out.records.extend(group.told_row(integration).map(Record::Told));
        }
    }

    fn tellable(&self, group: &Group, now: Timestamp) -> Tellable {
        let mut tellable = Tellable::default();
        for (fingerprint, known) in group.alerts.iter().filter_map(|f| Some((*f, self.alerts.get(f)?))) {
            let alert = &known.row.alert;
            let quiet = self.silences.values().any(|s| s.suppresses(&alert.labels, now))
                || !self.inhibited_by(&alert.labels, now).is_empty();
            match (quiet, alert.is_resolved(now)) {
                (true, _) => {}
                (false, true) => _ = tellable.resolved.insert(fingerprint),
                (false, false) => _ = tellable.firing.insert(fingerprint),
            }
        }
        tellable
    }

    fn compose(
        &self,
        group: &Group,
        integration: &IntegrationId,
        reason: Reason,
        tellable: &Tellable,
        untold: &BTreeSet<AlertFingerprint>,
        manner: Manner,
    ) -> Notification {
        let ended = tellable.resolved.iter().filter(|f| manner.send_resolved || untold.contains(f));
        let mut alerts: Vec<_> = (tellable.firing.iter().map(|f| (f, Status::Firing)))
            .chain(ended.map(|f| (f, Status::Resolved)))
            .filter_map(|(f, status)| Some((self.alerts.get(f)?, status)))
            .map(|(known, status)| as_told(known, status))
            .collect();
        alerts.sort_by(|a, b| (a.status, &a.alert.labels).cmp(&(b.status, &b.alert.labels)));
        Notification {
            reason,
            group: group.id.clone(),
            group_labels: group.labels.clone(),
            receiver: integration.receiver.clone(),
            alerts,
            route_labels: group.route.labels.clone(),
            acked_by: None,
            unreached: None,
        }
    }

    /// Sends a message, or lets it take the place of the one that waits.
    fn tell(
        &mut self,
        id: &GroupId,
        integration: &IntegrationId,
        notification: Notification,
        look: Look,
        turn: Turn,
        out: &mut Outbox,
    ) -> Verdict {
        let Some(group) = self.groups.get(id) else { return Verdict::NothingNew };
        let key = key(&notification, integration, group.told.get(integration));
        let old = group.pending.get(integration);
        if let Some(old) = old.filter(|p| p.delivery.key == key) {
            return match (turn, old.waits_until()) {
                (Turn::Later, Some(until)) => Verdict::Waiting { until },
                (Turn::Now, _) | (Turn::Later, None) => self.send(id, integration, look.now, out),
            };
        }
        let limited_until = self.health.get(integration).and_then(|h| h.limited_until);
        let waits = old.map_or(limited_until, Pending::waits_until);
        let waits = waits.filter(|until| turn == Turn::Later && *until > look.now);
        let pending = self.draft(group, integration, notification, Slot { key, until: waits, look });
        let template_error = pending.delivery.message.template_error.clone();
        let by = pending.delivery.key.clone();
        self.close(id, integration, DeliveryStatus::Replaced { by: by.clone() }, look.now, out);
        self.open.insert(by, (id.clone(), integration.clone()));
        let row = pending.row(look.now);
        if let Some(group) = self.groups.get_mut(id) {
            group.pending.insert(integration.clone(), pending);
        }
        let verdict = match waits {
            Some(until) => {
                out.record(Record::Delivery(Box::new(row)));
                self.set_timer(until, Timer::Retry(id.clone(), integration.clone()));
                Verdict::Waiting { until }
            }
            None => self.send(id, integration, look.now, out),
        };
        self.note_template(integration, template_error, look.now, out);
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
        let mut untold = notification.fingerprints(Status::Firing);
        if let Some(told) = group.told.get(integration) {
            untold.retain(|f| !told.firing.contains(f));
        }
        let old = group.pending.get(integration);
        untold.extend(old.iter().flat_map(|p| &p.untold));
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
        let status = DeliveryStatus::Waiting {
            until: until.unwrap_or(look.now),
            last: old.and_then(|p| p.status.last_receipt()).cloned(),
        };
        Pending {
            delivery,
            status,
            untold,
            tried_since: old.map_or(look.now, |p| p.tried_since),
            failures: old.map_or(0, |p| p.failures),
            resend,
        }
    }

    /// The open message goes out.
    fn send(
        &mut self,
        id: &GroupId,
        integration: &IntegrationId,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Verdict {
        let group = self.groups.get_mut(id);
        let Some(pending) = group.and_then(|g| g.pending.get_mut(integration)) else {
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
    fn close(
        &mut self,
        id: &GroupId,
        integration: &IntegrationId,
        status: DeliveryStatus,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Option<Pending> {
        let mut pending = self.groups.get_mut(id)?.pending.remove(integration)?;
        pending.status = status;
        self.open.remove(&pending.delivery.key);
        out.record(Record::Delivery(Box::new(pending.row(now))));
        Some(pending)
    }

    /// An attempt has ended.
    pub(crate) fn delivered(
        &mut self,
        key: &DeliveryKey,
        outcome: Outcome,
        now: Timestamp,
        out: &mut Outbox,
    ) {
        let Some((id, integration)) = self.open.get(key).cloned() else { return };
        let group = self.groups.get_mut(&id);
        let Some(pending) = group.and_then(|g| g.pending.get_mut(&integration)) else { return };
        if pending.status != DeliveryStatus::InFlight {
            return;
        }
        let Outcome { receipt, parts_accepted, thread } = outcome;
        pending.delivery.parts_accepted = parts_accepted;
        if !thread.is_empty() {
            pending.delivery.thread = thread;
        }
        out.record(Record::Attempt(AttemptRow {
            delivery: key.clone(),
            attempt: pending.delivery.attempt,
            at: now,
            reason: pending.delivery.reason,
            receipt: receipt.clone(),
        }));
        let given_up = now - pending.tried_since >= RETRY_HORIZON;
        match receipt.next() {
            Next::Done => self.heard(&id, &integration, now, out),
            Next::Again { after } if !given_up => {
                self.wait(&id, &integration, Pause { receipt, after }, now, out)
            }
            Next::Again { .. } | Next::Final => self.fail(&id, &integration, receipt, now, out),
        }
    }

    fn heard(&mut self, id: &GroupId, integration: &IntegrationId, now: Timestamp, out: &mut Outbox) {
        self.health_of(integration).succeeded(now);
        let Some(pending) = self.close(id, integration, DeliveryStatus::Delivered, now, out) else { return };
        let Some(group) = self.groups.get_mut(id) else { return };
        let notification = &pending.delivery.notification;
        let (mut firing, mut resolved) =
            (notification.fingerprints(Status::Firing), notification.fingerprints(Status::Resolved));
        if let Some(old) = group.told.get(integration) {
            // What is suppressed by now was not in the message, and is still believed to fire.
            firing.extend(old.firing.iter().filter(|f| group.alerts.contains(f) && !resolved.contains(f)));
            resolved.extend(old.resolved.iter().filter(|f| group.alerts.contains(f) && !firing.contains(f)));
        }
        let decided_at = pending.delivery.decided_at;
        let at = if now - decided_at < group.route.group_interval { decided_at } else { now };
        let thread = pending.delivery.thread.clone();
        group.told.insert(integration.clone(), Told { firing, resolved, at, thread });
        out.records.extend(group.told_row(integration).map(Record::Told));
        self.sweep(id, now, out);
    }

    fn wait(
        &mut self,
        id: &GroupId,
        integration: &IntegrationId,
        pause: Pause,
        now: Timestamp,
        out: &mut Outbox,
    ) {
        let Pause { receipt, after } = pause;
        let health = self.health_of(integration);
        health.failed(&receipt, ReceiverState::Retrying, now);
        if let Some(after) = after {
            health.limited_until = Some(now + after);
        }
        let group = self.groups.get_mut(id);
        let Some(pending) = group.and_then(|g| g.pending.get_mut(integration)) else { return };
        pending.failures += 1;
        let until = now + after.unwrap_or(TimeDelta::ZERO).max(backoff(pending.failures));
        pending.status = DeliveryStatus::Waiting { until, last: Some(receipt) };
        pending.resend = Reason::Retry;
        out.record(Record::Delivery(Box::new(pending.row(now))));
        self.set_timer(until, Timer::Retry(id.clone(), integration.clone()));
    }

    /// Nobody heard it and nobody will hear this message. What fires is decided anew at the next look; what is over
    /// is let go, or the group would never end.
    fn fail(
        &mut self,
        id: &GroupId,
        integration: &IntegrationId,
        last: Receipt,
        now: Timestamp,
        out: &mut Outbox,
    ) {
        self.health_of(integration).failed(&last, ReceiverState::Failing, now);
        let Some(pending) = self.close(id, integration, DeliveryStatus::Failed { last }, now, out) else {
            return;
        };
        let Some(group) = self.groups.get_mut(id) else { return };
        if let Some(told) = group.told.get_mut(integration) {
            let ended = pending.delivery.notification.fingerprints(Status::Resolved);
            told.firing.retain(|f| !ended.contains(f));
            out.records.extend(group.told_row(integration).map(Record::Told));
        }
        self.sweep(id, now, out);
    }

    pub(crate) fn health_of(&mut self, integration: &IntegrationId) -> &mut ReceiverHealth {
        self.health.entry(integration.clone()).or_insert_with(|| ReceiverHealth::new(integration.clone()))
    }

    /// Lets go of alerts that are over and known to be, and of a group that has none left.
    pub(crate) fn sweep(&mut self, id: &GroupId, now: Timestamp, out: &mut Outbox) {
        let Some(group) = self.groups.get_mut(id) else { return };
        let alerts = &self.alerts;
        let is_over = |f: &AlertFingerprint| alerts.get(f).is_none_or(|k| k.row.alert.is_resolved(now));
        let leaving: Vec<_> =
            group.alerts.iter().copied().filter(|f| is_over(f) && group.is_settled(*f)).collect();
        for fingerprint in &leaving {
            group.alerts.remove(fingerprint);
        }
        if group.alerts.is_empty() && group.pending.is_empty() {
            self.groups.remove(id);
            out.record(Record::GroupGone(id.clone()));
        } else if !leaving.is_empty() {
            out.record(Record::Group(group.row()));
        }
        for fingerprint in leaving {
            self.leave(fingerprint, id, out);
        }
    }

    fn leave(&mut self, fingerprint: AlertFingerprint, id: &GroupId, out: &mut Outbox) {
        let Some(known) = self.alerts.get_mut(&fingerprint) else { return };
        known.groups.remove(id);
        if known.groups.is_empty() {
            self.inhibitor.remove(fingerprint, &known.row.alert.labels);
            self.alerts.remove(&fingerprint);
            out.record(Record::AlertGone(fingerprint));
        }
    }
}

/// Where a new message goes: its name, until when it has to wait, and the look that decided it.
struct Slot {
    key: DeliveryKey,
    until: Option<Timestamp>,
    look: Look,
}

struct Pause {
    receipt: Receipt,
    after: Option<TimeDelta>,
}

fn as_told(known: &Known, status: Status) -> NotifiedAlert {
    let mut alert = known.row.alert.clone();
    if status == Status::Firing {
        alert.ends_at = None;
    }
    NotifiedAlert { alert, status }
}

/// The key says what is said: a repeat differs from what it repeats by the moment that was last told.
fn key(notification: &Notification, integration: &IntegrationId, told: Option<&Told>) -> DeliveryKey {
    let repeated = match notification.reason {
        Reason::Repeat => told.map(|t| t.at.0.to_string()).unwrap_or_default(),
        Reason::First
        | Reason::NewAlerts
        | Reason::ResolvedGrew
        | Reason::AllResolved
        | Reason::Retry
        | Reason::Collapsed
        | Reason::Restart
        | Reason::Acknowledged
        | Reason::Unacknowledged
        | Reason::AckExpired
        | Reason::Fallback
        | Reason::Drill => String::new(),
    };
    let mut parts = vec![notification.group.0.clone(), integration.to_string(), repeated];
    for NotifiedAlert { alert, status } in &notification.alerts {
        let end = alert.ends_at.map(|t| t.0.to_string()).unwrap_or_default();
        parts.push(format!("{} {} {} {end}", alert.fingerprint(), status.as_str(), alert.starts_at.0));
    }
    key_of(&parts.iter().map(String::as_str).collect::<Vec<_>>())
}
