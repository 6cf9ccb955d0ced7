//! Looking at a group: what of it may be told, and to whom it is news.
//!
//! Per group and integration there is at most one open message. While it is in flight nothing else is decided;
//! while it waits for another attempt, whatever changed since replaces it, so that a receiver which was away hears
//! one message with the whole story instead of a backlog.

use bellwether_model::{AlertFingerprint, TimeDelta, Timestamp};

use crate::ack::Acks;
use crate::core::Timer;
use crate::decide::{Case, Manner, decide};
use crate::group::{Fingerprints, Group, Tellable};
use crate::look::{Look, Occasion};
use crate::outbox::Outbox;
use crate::{
    AlertCore, DeliveryStatus, GroupId, IntegrationId, Reason, Record, Silence, SilenceState, Verdict,
    time_interval,
};

/// The place of an integration in a group.
#[derive(Clone, Copy)]
pub(crate) struct Seat<'a> {
    pub(crate) group: &'a GroupId,
    pub(crate) integration: &'a IntegrationId,
}

/// What can be told of a group, and who has it.
pub(crate) struct Sight {
    pub(crate) tellable: Tellable,
    pub(crate) acks: Acks,
}

static NONE: Fingerprints = Fingerprints::new();

impl AlertCore {
    pub(crate) fn flush(&mut self, id: &GroupId, now: Timestamp, out: &mut Outbox) {
        let Some(group) = self.groups.get_mut(id) else { return };
        let look = Look { now, at: group.advance(now), occasion: Occasion::Flush };
        let integrations = self.integrations_of(id);
        self.look_at(id, &integrations, look, out);
        self.stand_in(id, look, out);
        self.sweep(id, now, out);
        if let Some(group) = self.groups.get(id) {
            out.touch(id);
            self.timers.insert((group.next_flush, Timer::Flush(id.clone())));
        }
    }

    pub(crate) fn retry(
        &mut self,
        id: &GroupId,
        integration: &IntegrationId,
        now: Timestamp,
        out: &mut Outbox,
    ) {
        let look = Look { now, at: now, occasion: Occasion::Retry };
        self.look_at(id, std::slice::from_ref(integration), look, out);
        self.sweep(id, now, out);
    }

    /// Tells an integration that should have been told at an earlier look.
    pub(crate) fn catch_up(
        &mut self,
        id: &GroupId,
        integration: &IntegrationId,
        now: Timestamp,
        out: &mut Outbox,
    ) {
        let is_new = |group: &Group| {
            group.flushed && !group.told.contains_key(integration) && !group.pending.contains_key(integration)
        };
        if self.groups.get(id).is_some_and(is_new) {
            let look = Look { now, at: now, occasion: Occasion::Late };
            self.look_at(id, std::slice::from_ref(integration), look, out);
        }
    }

    pub(crate) fn integrations_of(&self, id: &GroupId) -> Vec<IntegrationId> {
        let receiver = self.groups.get(id).and_then(|g| self.setup.config.receivers.get(&g.route.receiver));
        receiver.map(|r| r.integration_ids()).unwrap_or_default()
    }

    /// Decides what each of these integrations hears of a group.
    pub(crate) fn look_at(
        &mut self,
        id: &GroupId,
        integrations: &[IntegrationId],
        look: Look,
        out: &mut Outbox,
    ) {
        self.note_ends(id, look.now, out);
        let Some(group) = self.groups.get(id) else { return };
        let sight = self.sight(group, look);
        for integration in integrations {
            let seat = Seat { group: id, integration };
            let verdict = match self.is_guest(seat) {
                true => self.guest_verdict(seat, &sight, look, out),
                false => self.verdict(seat, &sight, look, out),
            };
            if let (Some(verdict), Some(group)) = (verdict, self.groups.get_mut(id)) {
                group.verdicts.insert(integration.clone(), (look.at, verdict));
            }
        }
    }

    /// `None` leaves what the last look decided.
    fn verdict(&mut self, seat: Seat<'_>, sight: &Sight, look: Look, out: &mut Outbox) -> Option<Verdict> {
        let manner = self.manner(seat)?;
        if let Some(held_up) = self.held_up(seat, look, out) {
            return Some(held_up);
        }
        if !manner.send_resolved {
            self.forget_ended(seat, look.now, out);
        }
        let group = self.groups.get(seat.group)?;
        let (told, pending) = (group.told.get(seat.integration), group.pending.get(seat.integration));
        let untold = pending.map_or(&NONE, |p| &p.untold);
        let Sight { tellable, acks } = sight;
        let reason = decide(&Case { told, untold, tellable, acks, manner, at: look.at });
        if look.occasion == Occasion::Ack && !reason.is_some_and(Reason::is_about_acks) {
            return acked_verdict(sight).filter(|_| reason.is_none());
        }
        match reason {
            Some(reason) => {
                let notification = self.compose(group, seat.integration, reason, sight, manner);
                Some(self.tell(seat, notification, look, out))
            }
            None => Some(self.nothing_to_say(seat, sight, look, out)),
        }
    }

    /// What keeps anything from being decided now: a mute time, or a message whose outcome is still open.
    pub(crate) fn held_up(&mut self, seat: Seat<'_>, look: Look, out: &mut Outbox) -> Option<Verdict> {
        let group = self.groups.get(seat.group)?;
        let muted = time_interval::muted_by(&group.route, &self.setup.config.time_intervals, look.at);
        if !muted.is_empty() {
            self.postpone(seat, look, out);
            return Some(Verdict::Muted { by: muted });
        }
        let pending = group.pending.get(seat.integration);
        pending.is_some_and(|p| p.status == DeliveryStatus::InFlight).then_some(Verdict::InFlight)
    }

    pub(crate) fn nothing_to_say(
        &mut self,
        seat: Seat<'_>,
        sight: &Sight,
        look: Look,
        out: &mut Outbox,
    ) -> Verdict {
        let Some(group) = self.groups.get(seat.group) else { return Verdict::NothingNew };
        if group.pending.contains_key(seat.integration) {
            let why = "nothing is left to say: its alerts are suppressed, or everyone knows".to_owned();
            self.close(seat, DeliveryStatus::Withdrawn { why }, look.now, out);
            return Verdict::Withdrawn;
        }
        if sight.tellable.is_empty() && !group.alerts.is_empty() {
            return Verdict::Suppressed;
        }
        acked_verdict(sight).unwrap_or(Verdict::NothingNew)
    }

    fn manner(&self, seat: Seat<'_>) -> Option<Manner> {
        let integration = self.setup.config.integration(seat.integration)?;
        Some(Manner {
            send_resolved: integration.send_resolved,
            hears_acks: integration.settings.hears_acks(),
            repeat_interval: Some(self.groups.get(seat.group)?.route.repeat_interval),
        })
    }

    /// A muted route keeps its waiting message until the group is looked at again.
    fn postpone(&mut self, seat: Seat<'_>, look: Look, out: &mut Outbox) {
        let Some(group) = self.groups.get_mut(seat.group) else { return };
        let next_flush = group.next_flush;
        let Some(pending) = group.pending.get_mut(seat.integration) else { return };
        if let (Occasion::Retry, DeliveryStatus::Waiting { until, .. }) = (look.occasion, &mut pending.status)
        {
            *until = next_flush.max(look.now + TimeDelta::SECOND);
            let (until, row) = (*until, pending.row(look.now));
            out.record(Record::Delivery(Box::new(row)));
            self.set_timer(until, Timer::Retry(seat.group.clone(), seat.integration.clone()));
        }
    }

    /// Who does not want to hear of the end simply no longer believes that it fires.
    pub(crate) fn forget_ended(&mut self, seat: Seat<'_>, now: Timestamp, out: &mut Outbox) {
        let Some(group) = self.groups.get_mut(seat.group) else { return };
        let Some(told) = group.told.get_mut(seat.integration) else { return };
        let before = told.firing.len();
        let alerts = &self.alerts;
        told.firing.retain(|f| alerts.get(f).is_some_and(|k| !k.row.alert.is_resolved(now)));
        if told.firing.len() != before {
            out.records.extend(group.told_row(seat.integration).map(Record::Told));
        }
    }

    pub(crate) fn sight(&self, group: &Group, look: Look) -> Sight {
        let silences: Vec<&Silence> =
            self.silences.values().filter(|s| s.state(look.now) == SilenceState::Active).collect();
        let mut tellable = Tellable::default();
        let mut acks = Vec::new();
        for (fingerprint, known) in group.alerts.iter().filter_map(|f| Some((*f, self.alerts.get(f)?))) {
            let alert = &known.row.alert;
            let quiet = silences.iter().any(|s| s.suppresses(&alert.labels, look.now))
                || !self.inhibited_by(&alert.labels, look.now).is_empty();
            match (quiet, alert.is_resolved(look.now)) {
                (true, _) => {}
                (false, true) => _ = tellable.resolved.insert(fingerprint),
                (false, false) => {
                    acks.push(known.row.handled.ack.as_deref());
                    tellable.firing.insert(fingerprint);
                }
            }
        }
        Sight { tellable, acks: Acks::of(acks.into_iter(), look.at) }
    }

    /// Ends that were foreseen and have come are written down before anything is made of them: a restart gives an end
    /// that is only foreseen some more time, and must not bring back what somebody was told to be over.
    fn note_ends(&mut self, id: &GroupId, now: Timestamp, out: &mut Outbox) {
        let Some(group) = self.groups.get(id) else { return };
        let is_news = |f: &AlertFingerprint| {
            self.alerts.get(f).is_some_and(|k| k.row.alert.is_resolved(now) && !k.row.end_is_known())
        };
        let ended: Vec<_> = group.alerts.iter().copied().filter(is_news).collect();
        for fingerprint in ended {
            if let Some(known) = self.alerts.get_mut(&fingerprint) {
                known.row.ended = true;
            }
            self.keep(fingerprint, out);
        }
    }
}

/// Not repeated, because somebody has it.
fn acked_verdict(sight: &Sight) -> Option<Verdict> {
    sight.acks.all.as_ref().map(|acked| Verdict::Acknowledged { by: acked.by.clone() })
}
