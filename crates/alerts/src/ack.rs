//! Somebody has it: what that keeps from being repeated, who is told of it at once, and what happens when their time
//! is over.
//!
//! An acknowledgement is of an alert and ends with its life. A group is somebody's while everything of it that can be
//! told is acknowledged; then it is not repeated. Whatever is news is told all the same: a new alert, and every end.
//! That one has ended while its alert still fires is not remembered anywhere: it follows from the alert's row and from
//! when the receiver was last told, so that neither a crash nor a receiver that is away can lose the reminder.

use std::collections::BTreeSet;

use bellwether_model::{AlertFingerprint, Timestamp};

use crate::core::Timer;
use crate::look::{Look, Occasion};
use crate::outbox::Outbox;
use crate::{Ack, Acked, AlertCore, GroupId, Reason};

/// The acknowledgements of what fires and can be told of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Acks {
    /// Who has all of it.
    pub(crate) all: Option<Acked>,
    /// When the last of those ended that do not hold any more.
    pub(crate) ended_at: Option<Timestamp>,
}

impl Acks {
    /// Of those of each alert.
    pub(crate) fn of<'a>(alerts: impl Iterator<Item = Option<&'a Ack>>, at: Timestamp) -> Self {
        let (mut holding, mut is_whole) = (Vec::new(), true);
        let mut ended_at: Option<Timestamp> = None;
        for ack in alerts {
            match ack {
                Some(ack) if ack.holds(at) => holding.push(ack),
                Some(ack) => {
                    ended_at = ended_at.max(ack.until);
                    is_whole = false;
                }
                None => is_whole = false,
            }
        }
        Self { all: if is_whole { together(&holding) } else { None }, ended_at }
    }
}

/// What several acknowledgements come to.
fn together(acks: &[&Ack]) -> Option<Acked> {
    let latest = acks.iter().max_by(|a, b| (a.at, &a.by).cmp(&(b.at, &b.by)))?;
    let by: BTreeSet<&String> = acks.iter().map(|ack| &ack.by).collect();
    Some(Acked {
        by: by.into_iter().cloned().collect(),
        note: latest.note.clone(),
        at: latest.at,
        until: acks.iter().filter_map(|ack| ack.until).min(),
    })
}

impl Reason {
    /// Whether it is about an acknowledgement, which does not wait for the group's own time.
    pub(crate) const fn is_about_acks(self) -> bool {
        match self {
            Self::Acknowledged | Self::Unacknowledged | Self::AckExpired => true,
            Self::First
            | Self::NewAlerts
            | Self::ResolvedGrew
            | Self::AllResolved
            | Self::Repeat
            | Self::Retry
            | Self::Collapsed
            | Self::Restart
            | Self::Fallback
            | Self::Drill => false,
        }
    }
}

impl AlertCore {
    /// Somebody took alerts or gave them back.
    pub(crate) fn acks_changed(&mut self, alerts: &[AlertFingerprint], now: Timestamp, out: &mut Outbox) {
        for alert in alerts {
            let ack = self.alerts.get(alert).and_then(|known| known.row.handled.ack.as_ref());
            if let Some(until) = ack.and_then(|ack| ack.until) {
                self.set_timer(until, Timer::AckEnd(*alert));
            }
        }
        let groups: BTreeSet<GroupId> =
            alerts.iter().flat_map(|alert| self.groups_of(*alert)).cloned().collect();
        for group in &groups {
            self.tell_acks(group, now, out);
        }
    }

    /// The time of an acknowledgement is over.
    pub(crate) fn ack_ended(&mut self, alert: AlertFingerprint, now: Timestamp, out: &mut Outbox) {
        let groups: Vec<GroupId> = self.groups_of(alert).cloned().collect();
        for group in &groups {
            self.tell_acks(group, now, out);
        }
    }

    /// Tells at once what is to be said of acknowledgements, and nothing else.
    fn tell_acks(&mut self, group: &GroupId, now: Timestamp, out: &mut Outbox) {
        let integrations = self.integrations_of(group);
        self.look_at(group, &integrations, Look { now, at: now, occasion: Occasion::Ack }, out);
    }
}
