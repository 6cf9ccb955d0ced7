//! Whether one integration is to be told something of a group now, and why: the rules, without the machinery. They
//! are asked in this order, and the first that holds names the reason.

use bellwether_model::{TimeDelta, Timestamp};

use crate::Reason;
use crate::ack::Acks;
use crate::group::{Fingerprints, Tellable, Told};

/// How an integration wants to be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    pub(crate) send_resolved: bool,
    pub(crate) hears_acks: bool,
    /// `None` for who is told only once.
    pub(crate) repeat_interval: Option<TimeDelta>,
}

/// Everything that the decision rests on.
pub(crate) struct Case<'a> {
    /// What the integration knows.
    pub(crate) told: Option<&'a Told>,
    /// What it was tried to be told, and does not know.
    pub(crate) untold: &'a Fingerprints,
    /// What can be told.
    pub(crate) tellable: &'a Tellable,
    pub(crate) acks: &'a Acks,
    pub(crate) manner: Manner,
    pub(crate) at: Timestamp,
}

pub(crate) fn decide(case: &Case<'_>) -> Option<Reason> {
    let Case { told, untold, tellable: now, acks, manner, at } = case;
    if !now.resolved.is_disjoint(untold) {
        // It fired and ended while the receiver could not be reached; somebody must hear of it all the same.
        return Some(Reason::Collapsed);
    }
    let Some(told) = told else { return (!now.firing.is_empty()).then_some(Reason::First) };
    if !now.firing.is_subset(&told.firing) {
        return Some(match told.firing.is_empty() && told.resolved.is_empty() {
            true => Reason::First,
            false => Reason::NewAlerts,
        });
    }
    if now.firing.is_empty() {
        let ended = !now.resolved.is_disjoint(&told.firing);
        return (manner.send_resolved && ended).then_some(Reason::AllResolved);
    }
    if manner.send_resolved && !now.resolved.is_subset(&told.resolved) {
        return Some(Reason::ResolvedGrew);
    }
    about_acks(told, acks, *manner).or_else(|| {
        let is_due = manner.repeat_interval.is_some_and(|interval| *at - told.at >= interval);
        (is_due && acks.all.is_none()).then_some(Reason::Repeat)
    })
}

/// What is to be said of acknowledgements to who knows everything else.
fn about_acks(told: &Told, acks: &Acks, manner: Manner) -> Option<Reason> {
    // Whoever was told anything since it ended has been reminded.
    if acks.ended_at.is_some_and(|ended_at| told.at < ended_at) && manner.repeat_interval.is_some() {
        return Some(Reason::AckExpired);
    }
    if !manner.hears_acks {
        return None;
    }
    match (&told.acked, &acks.all) {
        (None, Some(_)) => Some(Reason::Acknowledged),
        // Of two who have it the earlier may be gone with an alert that ended: that is no news.
        (Some(known), Some(acked)) => (known.at < acked.at).then_some(Reason::Acknowledged),
        (Some(_), None) => Some(Reason::Unacknowledged),
        (None, None) => None,
    }
}
