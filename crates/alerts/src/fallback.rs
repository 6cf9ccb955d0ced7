//! Whom a message does not reach, somebody else hears of: once, with the reason, and then of the end.
//!
//! The integrations of the fallback receiver are guests in the group: they have places of their own in it, so that
//! what they are told is recorded, tried again and known after a restart like everything else. A guest hears only
//! what did not reach another, is not reminded of it, and nobody stands in for a guest.

use bellwether_model::{Labels, Timestamp};

use crate::ack::Acks;
use crate::core::Fallback;
use crate::decide::{Case, Manner, decide};
use crate::flush::{Seat, Sight};
use crate::group::{Fingerprints, Group, Missed, Pending, Tellable};
use crate::look::{Look, Occasion};
use crate::outbox::Outbox;
use crate::{
    AlertCore, DeliveryStatus, GroupId, IntegrationId, Notification, Reason, Receipt, Unreached, Verdict,
};

/// Annotations that say in words what is wrong; the first that an alert has is shown by most texts.
const SAID: [&str; 3] = ["summary", "description", "message"];

impl AlertCore {
    /// Who stands in for the receiver of a group.
    fn fallback_of(&self, group: &Group) -> Option<&Fallback> {
        self.setup.fallback.as_ref().filter(|fallback| fallback.receiver != group.route.receiver)
    }

    pub(crate) fn is_guest(&self, seat: Seat<'_>) -> bool {
        self.groups.get(seat.group).is_some_and(|g| g.route.receiver != seat.integration.receiver)
    }

    /// When a message of a group that has been tried since this moment has failed for long enough.
    pub(crate) fn unreached_at(&self, group: &Group, tried_since: Timestamp) -> Timestamp {
        let fallback = self.fallback_of(group);
        fallback.map_or(Timestamp::MAX, |fallback| tried_since.saturating_add(fallback.after))
    }

    /// A message has failed for as long as it may.
    pub(crate) fn unreached(
        &mut self,
        id: &GroupId,
        integration: &IntegrationId,
        now: Timestamp,
        out: &mut Outbox,
    ) {
        let seat = Seat { group: id, integration };
        let pending = self.groups.get(id).and_then(|g| g.pending.get(integration)).cloned();
        if let Some(pending) = pending {
            let waits_for = match pending.status == DeliveryStatus::InFlight {
                true => "no answer yet",
                false => "it asked to be left alone",
            };
            let why = pending.status.last_receipt().map_or_else(|| waits_for.to_owned(), Receipt::describe);
            self.missed(seat, &pending, why, now, out);
        }
    }

    /// Somebody has not heard a message, and will not, or not soon.
    pub(crate) fn missed(
        &mut self,
        seat: Seat<'_>,
        pending: &Pending,
        why: String,
        now: Timestamp,
        out: &mut Outbox,
    ) {
        // That somebody has taken it can be missed.
        let reason = pending.delivery.notification.reason;
        let is_about_acks = matches!(reason, Reason::Acknowledged | Reason::Unacknowledged);
        let Some(group) = self.groups.get_mut(seat.group) else { return };
        let is_guest = group.route.receiver != seat.integration.receiver;
        if is_about_acks || is_guest || self.setup.fallback.is_none() {
            return;
        }
        let says = pending.says.clone();
        group.unreached.insert(seat.integration.clone(), Missed { says, why });
        self.stand_in(seat.group, Look { now, at: now, occasion: Occasion::Late }, out);
    }

    /// Tells the guests of a group what is to be told to them.
    pub(crate) fn stand_in(&mut self, id: &GroupId, look: Look, out: &mut Outbox) {
        let Some(group) = self.groups.get(id) else { return };
        let Some(fallback) = self.fallback_of(group) else { return };
        let is_involved = |guest: &IntegrationId| {
            !group.unreached.is_empty() || group.told.contains_key(guest) || group.pending.contains_key(guest)
        };
        let receiver = self.setup.config.receivers.get(&fallback.receiver);
        let guests = receiver.map(|receiver| receiver.integration_ids()).unwrap_or_default();
        let guests: Vec<_> = guests.into_iter().filter(is_involved).collect();
        if !guests.is_empty() {
            self.look_at(id, &guests, look, out);
        }
    }

    /// What a guest hears of a group.
    pub(crate) fn guest_verdict(
        &mut self,
        seat: Seat<'_>,
        sight: &Sight,
        look: Look,
        out: &mut Outbox,
    ) -> Option<Verdict> {
        let send_resolved = self.setup.config.integration(seat.integration)?.send_resolved;
        let manner = Manner { send_resolved, hears_acks: false, repeat_interval: None };
        if let Some(held_up) = self.held_up(seat, look, out) {
            return Some(held_up);
        }
        if !send_resolved {
            self.forget_ended(seat, look.now, out);
        }
        let group = self.groups.get(seat.group)?;
        let sight = for_guest(group, seat.integration, sight);
        match guest_reason(group, seat.integration, &sight, manner, look.at) {
            Some(reason) => {
                let notification = self.compose(group, seat.integration, reason, &sight, manner);
                let unreached = unreached(group).filter(|_| reason == Reason::Fallback);
                Some(self.tell(seat, with_remark(notification, unreached), look, out))
            }
            None => Some(self.nothing_to_say(seat, &sight, look, out)),
        }
    }
}

/// Of what can be told, what concerns a guest: what others missed, and what it was told itself.
fn for_guest(group: &Group, guest: &IntegrationId, sight: &Sight) -> Sight {
    let missed = || group.unreached.values().map(|missed| &missed.says);
    let told = group.told.get(guest);
    let was_missed = |f: &_| missed().any(|says| says.firing.contains(f) || says.resolved.contains(f));
    let was_told = |f: &_| told.is_some_and(|told| told.firing.contains(f) || told.resolved.contains(f));
    let concerns = |f: &&_| was_missed(f) || was_told(f);
    Sight {
        tellable: Tellable {
            firing: sight.tellable.firing.iter().filter(concerns).copied().collect(),
            resolved: sight.tellable.resolved.iter().filter(concerns).copied().collect(),
        },
        acks: Acks { all: sight.acks.all.clone(), ended_at: None },
    }
}

fn guest_reason(
    group: &Group,
    guest: &IntegrationId,
    sight: &Sight,
    manner: Manner,
    at: Timestamp,
) -> Option<Reason> {
    let told = group.told.get(guest);
    let knows_firing = |f: &_| told.is_some_and(|told| told.firing.contains(f));
    let knows_end = |f: &_| told.is_some_and(|told| told.firing.contains(f) || told.resolved.contains(f));
    let is_missed = !group.unreached.is_empty();
    let end_missed =
        |f: &_| group.unreached.values().any(|missed| missed.says.resolved.contains(f)) && !knows_end(f);
    let tellable = &sight.tellable;
    if is_missed
        && (tellable.firing.iter().any(|f| !knows_firing(f))
            || manner.send_resolved && tellable.resolved.iter().any(end_missed))
    {
        return Some(Reason::Fallback);
    }
    // Once nobody misses anything any more, only what the guest itself was told to fire is left to say.
    let known;
    let tellable = match is_missed {
        true => tellable,
        false => {
            let firing = tellable.firing.iter().filter(|f| knows_firing(f)).copied().collect();
            known = Tellable { firing, resolved: tellable.resolved.clone() };
            &known
        }
    };
    let none = Fingerprints::new();
    let untold = group.pending.get(guest).filter(|_| is_missed).map_or(&none, |p| &p.untold);
    decide(&Case { told, untold, tellable, acks: &sight.acks, manner, at })
}

/// The notification, saying whom it should have reached where every receiver's text shows it: in what people read of
/// each alert.
fn with_remark(mut notification: Notification, unreached: Option<Unreached>) -> Notification {
    if let Some(Unreached { integration, why }) = &unreached {
        for notified in &mut notification.alerts {
            let said = &notified.alert.annotations;
            let place = SAID.into_iter().find(|name| said.get(name).is_some()).unwrap_or(SAID[0]);
            let text = said.value_or_empty(place);
            let text = format!("{integration} could not be reached ({why}). {text}");
            let remark = [(place.to_owned(), text.trim_end().to_owned())];
            let others = said.iter().filter(|(name, _)| *name != place);
            let others = others.map(|(name, text)| (name.to_owned(), text.to_owned()));
            notified.alert.annotations = Labels::from_pairs(others.chain(remark));
        }
    }
    notification.unreached = unreached;
    notification
}

/// Who should have heard it: the first of them, when there are several.
fn unreached(group: &Group) -> Option<Unreached> {
    let (integration, missed) = group.unreached.first_key_value()?;
    Some(Unreached { integration: integration.clone(), why: missed.why.clone() })
}
