//! One conversation with one receiver: alerts that are told together, what each integration has been told, and
//! what is on its way. A new group waits `group_wait` so that alerts of one outage arrive together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{AlertFingerprint, Labels, TimeDelta, Timestamp};

use crate::{
    Delivery, DeliveryRow, DeliveryStatus, GroupId, GroupRow, IntegrationId, Reason, Route, Thread, ToldRow,
    Verdict,
};

type Fingerprints = BTreeSet<AlertFingerprint>;

#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) id: GroupId,
    pub(crate) route: Arc<Route>,
    pub(crate) labels: Labels,
    pub(crate) alerts: Fingerprints,
    pub(crate) next_flush: Timestamp,
    pub(crate) flushed: bool,
    pub(crate) told: BTreeMap<IntegrationId, Told>,
    pub(crate) pending: BTreeMap<IntegrationId, Pending>,
    pub(crate) verdicts: BTreeMap<IntegrationId, (Timestamp, Verdict)>,
}

/// What an integration has been told.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) firing: Fingerprints,
    pub(crate) resolved: Fingerprints,
    pub(crate) at: Timestamp,
    pub(crate) thread: Thread,
}

/// A message on its way or waiting.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) delivery: Delivery,
    pub(crate) status: DeliveryStatus,
    pub(crate) untold: Fingerprints,
    pub(crate) tried_since: Timestamp,
    pub(crate) failures: u32,
    pub(crate) resend: Reason,
}

impl Pending {
    pub(crate) fn row(&self, now: Timestamp) -> DeliveryRow {
        DeliveryRow {
            delivery: self.delivery.clone(),
            status: self.status.clone(),
            updated_at: now,
            untold: self.untold.clone(),
            tried_since: self.tried_since,
            failures: self.failures,
        }
    }

    pub(crate) fn waits_until(&self) -> Option<Timestamp> {
        match &self.status {
            DeliveryStatus::Waiting { until, .. } => Some(*until),
            DeliveryStatus::InFlight
            | DeliveryStatus::Delivered
            | DeliveryStatus::Failed { .. }
            | DeliveryStatus::Replaced { .. }
            | DeliveryStatus::Withdrawn { .. } => None,
        }
    }
}

/// What of a group can be told at a moment: neither silenced nor inhibited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tellable {
    pub(crate) firing: Fingerprints,
    pub(crate) resolved: Fingerprints,
}

/// How an integration wants to be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    pub(crate) send_resolved: bool,
    pub(crate) repeat_interval: TimeDelta,
}

impl Group {
    pub(crate) fn new(route: Arc<Route>, labels: Labels, next_flush: Timestamp) -> Self {
        Self {
            id: route.group_id(&labels),
            route,
            labels,
            alerts: Fingerprints::new(),
            next_flush,
            flushed: false,
            told: BTreeMap::new(),
            pending: BTreeMap::new(),
            verdicts: BTreeMap::new(),
        }
    }

    pub(crate) fn row(&self) -> GroupRow {
        GroupRow {
            id: self.id.clone(),
            route: self.route.id.clone(),
            labels: self.labels.clone(),
            alerts: self.alerts.clone(),
            next_flush: self.next_flush,
            flushed: self.flushed,
        }
    }

    pub(crate) fn told_row(&self, integration: &IntegrationId) -> Option<ToldRow> {
        let told = self.told.get(integration)?;
        Some(ToldRow {
            group: self.id.clone(),
            integration: integration.clone(),
            firing: told.firing.clone(),
            resolved: told.resolved.clone(),
            at: told.at,
            thread: told.thread.clone(),
        })
    }

    /// The moment this look at the group stands for, and the next one. Looks stay on their grid when the wake-up
    /// was a little late, so that a repeat of 4 h is due after 4 h and not after 4 h 5 m.
    pub(crate) fn advance(&mut self, now: Timestamp) -> Timestamp {
        let interval = self.route.group_interval.max(TimeDelta(1));
        let at = if now - self.next_flush < interval { self.next_flush } else { now };
        self.flushed = true;
        self.next_flush = at + interval;
        at
    }

    /// Whether a resolved alert may leave: nobody who heard of it still believes that it fires.
    pub(crate) fn is_settled(&self, alert: AlertFingerprint) -> bool {
        self.flushed
            && !self.told.values().any(|t| t.firing.contains(&alert))
            && !self.pending.values().any(|p| {
                p.untold.contains(&alert)
                    || p.delivery.notification.alerts.iter().any(|a| a.alert.fingerprint() == alert)
            })
    }
}

/// Why something is to be said, if anything is.
pub(crate) fn decide(
    told: Option<&Told>,
    untold: &Fingerprints,
    now: &Tellable,
    manner: Manner,
    at: Timestamp,
) -> Option<Reason> {
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
    (at - told.at >= manner.repeat_interval).then_some(Reason::Repeat)
}
