//! What the outcome of an attempt changes: who knows what from now on, and when it is tried again.

use bellwether_model::{TimeDelta, Timestamp};

use crate::core::Timer;
use crate::delivery::{RETRY_HORIZON, backoff};
use crate::flush::Seat;
use crate::group::{Pending, Told};
use crate::look::{Look, Occasion};
use crate::outbox::Outbox;
use crate::{
    AlertCore, AttemptRow, DeliveryKey, DeliveryStatus, Next, Outcome, Reason, Receipt, ReceiverState, Record,
};

struct Pause {
    receipt: Receipt,
    after: Option<TimeDelta>,
}

impl AlertCore {
    /// An attempt has ended.
    pub(crate) fn delivered(
        &mut self,
        key: &DeliveryKey,
        outcome: Outcome,
        now: Timestamp,
        out: &mut Outbox,
    ) {
        let Some((id, integration)) = self.open.get(key).cloned() else {
            self.drilled(key, outcome, now, out);
            return;
        };
        let seat = Seat { group: &id, integration: &integration };
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
            Next::Done => self.heard(seat, &receipt, now, out),
            Next::Again { after } if !given_up => self.wait(seat, Pause { receipt, after }, now, out),
            Next::Again { .. } | Next::Final => self.fail(seat, receipt, now, out),
        }
    }

    fn heard(&mut self, seat: Seat<'_>, receipt: &Receipt, now: Timestamp, out: &mut Outbox) {
        self.health_of(seat.integration).succeeded(receipt, now);
        let Some(pending) = self.close(seat, DeliveryStatus::Delivered, now, out) else { return };
        self.note_told(seat, &pending, now, out);
        let Some(group) = self.groups.get_mut(seat.group) else { return };
        group.unreached.remove(seat.integration);
        let told =
            told_after(&pending, group.told.get(seat.integration), now, group.route.group_interval, |f| {
                group.alerts.contains(&f)
            });
        group.told.insert(seat.integration.clone(), told);
        out.records.extend(group.told_row(seat.integration).map(Record::Told));
        if self.may_be_taken(seat) {
            let look = Look { now, at: now, occasion: Occasion::Ack };
            self.look_at(seat.group, std::slice::from_ref(seat.integration), look, out);
        }
        self.sweep(seat.group, now, out);
    }

    /// Whether somebody may have taken or given back alerts of the group while the message was on its way.
    fn may_be_taken(&self, seat: Seat<'_>) -> bool {
        let has_ack = |f| self.alerts.get(f).is_some_and(|known| known.row.handled.ack.is_some());
        self.groups.get(seat.group).is_some_and(|group| {
            let told = group.told.get(seat.integration);
            told.is_some_and(|told| told.acked.is_some()) || group.alerts.iter().any(has_ack)
        })
    }

    /// When a receiver first took a message that calls an alert firing. What it is told first need not be written with
    /// each alert: until it is told again, its own row says when that was.
    fn note_told(&mut self, seat: Seat<'_>, pending: &Pending, now: Timestamp, out: &mut Outbox) {
        for fingerprint in &pending.says.firing {
            if let Some(known) = self.alerts.get_mut(fingerprint)
                && known.row.told_at.is_none()
            {
                (known.row.told_at, known.told_at_kept) = (Some(now), false);
            }
        }
        let group = self.groups.get(seat.group);
        let Some(before) = group.and_then(|g| g.told.get(seat.integration)) else { return };
        let unkept = |f: &_| self.alerts.get(f).is_some_and(|known| !known.told_at_kept);
        let kept_nowhere_else: Vec<_> = before.firing.iter().copied().filter(unkept).collect();
        for fingerprint in kept_nowhere_else {
            self.keep(fingerprint, out);
        }
    }

    fn wait(&mut self, seat: Seat<'_>, pause: Pause, now: Timestamp, out: &mut Outbox) {
        let Pause { receipt, after } = pause;
        let health = self.health_of(seat.integration);
        health.failed(&receipt, ReceiverState::Retrying, now);
        if let Some(after) = after {
            health.limited_until = Some(now + after);
        }
        let group = self.groups.get_mut(seat.group);
        let Some(pending) = group.and_then(|g| g.pending.get_mut(seat.integration)) else { return };
        pending.failures += 1;
        let until = now + after.unwrap_or(TimeDelta::ZERO).max(backoff(pending.failures));
        pending.status = DeliveryStatus::Waiting { until, last: Some(receipt) };
        // The row says why the next attempt is made: after a restart a message that was not sent yet is no retry.
        (pending.resend, pending.delivery.reason) = (Reason::Retry, Reason::Retry);
        let is_late = pending.unreached_at <= now;
        out.record(Record::Delivery(Box::new(pending.row(now))));
        self.set_timer(until, Timer::Retry(seat.group.clone(), seat.integration.clone()));
        if is_late {
            self.unreached(seat.group, seat.integration, now, out);
        }
    }

    /// Nobody heard it and nobody will hear this message. What fires is decided anew at the next look; what is over
    /// is let go, or the group would never end.
    fn fail(&mut self, seat: Seat<'_>, last: Receipt, now: Timestamp, out: &mut Outbox) {
        self.health_of(seat.integration).failed(&last, ReceiverState::Failing, now);
        let why = last.describe();
        let Some(pending) = self.close(seat, DeliveryStatus::Failed { last }, now, out) else { return };
        let Some(group) = self.groups.get_mut(seat.group) else { return };
        if let Some(told) = group.told.get_mut(seat.integration) {
            told.firing.retain(|f| !pending.says.resolved.contains(f));
            // Nobody is woken by it, so that it is not tried for ever.
            if pending.delivery.notification.reason == Reason::Acknowledged {
                told.acked = pending.delivery.notification.acked_by.clone();
            }
            out.records.extend(group.told_row(seat.integration).map(Record::Told));
        }
        self.missed(seat, &pending, why, now, out);
        self.sweep(seat.group, now, out);
    }
}

/// What an integration knows after a message that it took.
fn told_after(
    pending: &Pending,
    old: Option<&Told>,
    now: Timestamp,
    interval: TimeDelta,
    is_member: impl Fn(bellwether_model::AlertFingerprint) -> bool,
) -> Told {
    let (mut firing, mut resolved) = (pending.says.firing.clone(), pending.says.resolved.clone());
    if let Some(old) = old {
        // What is suppressed by now was not in the message, and is still believed to fire.
        firing.extend(old.firing.iter().filter(|f| is_member(**f) && !resolved.contains(f)));
        resolved.extend(old.resolved.iter().filter(|f| is_member(**f) && !firing.contains(f)));
    }
    let Pending { delivery, .. } = pending;
    let decided_at = delivery.decided_at;
    let acked = match &delivery.notification.acked_by {
        Some(acked) if delivery.notification.reason == Reason::Acknowledged => Some(acked.clone()),
        Some(_) => old.and_then(|old| old.acked.clone()),
        None => None,
    };
    Told {
        firing,
        resolved,
        at: if now - decided_at < interval { decided_at } else { now },
        taken_at: now,
        thread: delivery.thread.clone(),
        acked,
    }
}
