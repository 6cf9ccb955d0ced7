//! One conversation with one receiver: alerts that are told together, what each integration has been told, and
//! what is on its way. A new group waits `group_wait` so that alerts of one outage arrive together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{AlertFingerprint, Labels, TimeDelta, Timestamp};

use crate::{
    Acked, Delivery, DeliveryRow, DeliveryStatus, GroupId, GroupRow, IntegrationId, Reason, Route, Status,
    Thread, ToldRow, Verdict,
};

pub(crate) type Fingerprints = BTreeSet<AlertFingerprint>;

#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Shared with its alerts.
    pub(crate) id: Arc<GroupId>,
    pub(crate) route: Arc<Route>,
    pub(crate) labels: Labels,
    pub(crate) alerts: Fingerprints,
    pub(crate) next_flush: Timestamp,
    pub(crate) flushed: bool,
    pub(crate) told: BTreeMap<IntegrationId, Told>,
    pub(crate) pending: BTreeMap<IntegrationId, Pending>,
    pub(crate) verdicts: BTreeMap<IntegrationId, (Timestamp, Verdict)>,
    /// Whom messages do not reach. Not written down: what follows from it is.
    pub(crate) unreached: BTreeMap<IntegrationId, Missed>,
}

/// What an integration has been told.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) firing: Fingerprints,
    pub(crate) resolved: Fingerprints,
    pub(crate) at: Timestamp,
    pub(crate) taken_at: Timestamp,
    pub(crate) thread: Thread,
    pub(crate) acked: Option<Acked>,
}

/// A message on its way or waiting.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) delivery: Delivery,
    /// What the message calls firing and resolved.
    pub(crate) says: Tellable,
    pub(crate) status: DeliveryStatus,
    pub(crate) untold: Fingerprints,
    pub(crate) tried_since: Timestamp,
    pub(crate) failures: u32,
    pub(crate) resend: Reason,
    /// From then on somebody else is told.
    pub(crate) unreached_at: Timestamp,
}

/// What an integration should have been told, and why it was not.
#[derive(Clone, Debug)]
pub(crate) struct Missed {
    pub(crate) says: Tellable,
    pub(crate) why: String,
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

impl Tellable {
    /// What a message says.
    pub(crate) fn of(delivery: &Delivery) -> Self {
        let notification = &delivery.notification;
        Self {
            firing: notification.fingerprints(Status::Firing),
            resolved: notification.fingerprints(Status::Resolved),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.firing.is_empty() && self.resolved.is_empty()
    }
}

impl Group {
    pub(crate) fn new(route: Arc<Route>, labels: Labels, next_flush: Timestamp) -> Self {
        Self {
            id: Arc::new(route.group_id(&labels)),
            route,
            labels,
            alerts: Fingerprints::new(),
            next_flush,
            flushed: false,
            told: BTreeMap::new(),
            pending: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            unreached: BTreeMap::new(),
        }
    }

    pub(crate) fn row(&self) -> GroupRow {
        GroupRow {
            id: self.id.as_ref().clone(),
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
            group: self.id.as_ref().clone(),
            integration: integration.clone(),
            firing: told.firing.clone(),
            resolved: told.resolved.clone(),
            at: told.at,
            taken_at: Some(told.taken_at),
            thread: told.thread.clone(),
            acked: told.acked.clone(),
        })
    }

    /// The moment this look at the group stands for, and the next one. Looks stay on their grid when the wake-up
    /// was a little late, so that a repeat of 4 h is due after 4 h and not after 4 h 5 m.
    pub(crate) fn advance(&mut self, now: Timestamp) -> Timestamp {
        let interval = self.interval();
        let at = if now - self.next_flush < interval { self.next_flush } else { now };
        self.flushed = true;
        self.next_flush = at + interval;
        at
    }

    /// How often it is looked at.
    pub(crate) fn interval(&self) -> TimeDelta {
        self.route.group_interval.max(TimeDelta(1))
    }

    /// Whether a resolved alert may leave: nobody who heard of it still believes that it fires.
    pub(crate) fn is_settled(&self, alert: AlertFingerprint) -> bool {
        self.flushed
            && !self.told.values().any(|t| t.firing.contains(&alert))
            && !self.pending.values().any(|p| {
                p.untold.contains(&alert)
                    || p.says.firing.contains(&alert)
                    || p.says.resolved.contains(&alert)
            })
    }
}
