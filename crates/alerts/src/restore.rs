//! After a restart everything goes on: timers where they stood, messages whose outcome is not known again with the
//! same key, and alerts whose source went away meanwhile still end, and are still told to have ended. Who should know
//! of a group by now, and does not, is told at once. A changed configuration takes the same way.
//!
//! An end that a source only foresaw is not to be trusted after an absence: the source may have foreseen a later one
//! since, which is not written down, or could not tell us. It gets as much time to report again as it gave itself.
//! Why: docs/design/008-ends-after-a-restart.md.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{AlertFingerprint, TimeDelta, Timestamp};

use crate::core::{Known, Timer};
use crate::drill::Drills;
use crate::group::{Group, Pending, Tellable, Told};
use crate::inhibit::Inhibitor;
use crate::outbox::Outbox;
use crate::{
    AlertCore, AlertRow, DeliveryRow, DeliveryStatus, GroupId, GroupRow, IntegrationId, Reason, Receipt,
    ReceiverHealth, ReceiverState, Record, Restored, Setup, ToldRow,
};

/// Most time that a source is given to report again. Whoever says that an alert ends in a week reports it once.
const GRACE_MAX: TimeDelta = TimeDelta(30 * TimeDelta::MINUTE.0);
/// A message that was on its way is tried once more before somebody else is told of it.
const FALLBACK_PAUSE: TimeDelta = TimeDelta(30 * TimeDelta::SECOND.0);

/// What made it necessary to begin from rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beginning {
    /// The process is a new one, and was away before.
    Restart,
    /// Its configuration changed.
    Reconfigured,
}

impl AlertCore {
    /// A core that goes on where its records end. What this changes is recorded with the next step, and
    /// [`AlertCore::next_wake`] asks for that step at once.
    pub fn restore(setup: Setup, restored: Restored, now: Timestamp) -> Self {
        Self::begin(setup, restored, Beginning::Restart, now)
    }

    fn begin(setup: Setup, restored: Restored, beginning: Beginning, now: Timestamp) -> Self {
        let routes: BTreeMap<_, _> =
            setup.config.route.walk().into_iter().map(|r| (r.id.clone(), r)).collect();
        let mut core = Self {
            inhibitor: Inhibitor::new(setup.config.inhibit_rules.clone(), setup.precedence.clone()),
            setup,
            routes,
            alerts: BTreeMap::new(),
            silences: BTreeMap::new(),
            groups: BTreeMap::new(),
            health: BTreeMap::new(),
            open: BTreeMap::new(),
            drills: Drills::new(),
            timers: BTreeSet::new(),
            backlog: Vec::new(),
        };
        let mut out = Outbox::default();
        for row in restored.alerts {
            core.restore_alert(row, beginning, now);
        }
        for silence in restored.silences {
            core.keep_silence(silence, &mut Outbox::default());
        }
        for row in restored.groups {
            core.restore_group(row, &mut out);
        }
        for row in restored.told {
            core.restore_told(row);
        }
        for row in restored.deliveries {
            match row.delivery.notification.reason {
                Reason::Drill => out.record(Self::forget_drill(row, now)),
                _ => core.restore_delivery(row, now, &mut out),
            }
        }
        core.rejoin(now, &mut out);
        core.find_late(now);
        core.write_groups(&mut out);
        core.backlog = out.records;
        core
    }

    /// Everything that [`AlertCore::restore`] needs, as it is written down; but of what only repeats that it fires, the
    /// latest end.
    pub fn snapshot(&self) -> Restored {
        let groups = self.groups.values();
        let in_groups = groups.clone().flat_map(|g| g.pending.values().map(|p| p.row(p.delivery.decided_at)));
        Restored {
            alerts: self.alerts.values().map(|known| as_kept(known)).collect(),
            silences: self.silences.values().cloned().collect(),
            groups: groups.clone().map(Group::row).collect(),
            told: groups.flat_map(|g| g.told.keys().filter_map(|i| g.told_row(i))).collect(),
            deliveries: in_groups.chain(self.drills.values().cloned()).collect(),
        }
    }

    /// Goes on with another configuration. Groups of routes that are still there keep what was told.
    pub fn reconfigure(&mut self, setup: Setup, now: Timestamp) {
        let mut unsaid = std::mem::take(&mut self.backlog);
        // The rows that hold this meanwhile may go with their receivers.
        let unkept = self.alerts.values_mut().filter(|known| !known.told_at_kept);
        for known in unkept {
            known.told_at_kept = true;
            unsaid.push(Record::Alert(Box::new(known.row.clone())));
        }
        let (health, drills) = (std::mem::take(&mut self.health), std::mem::take(&mut self.drills));
        let snapshot = self.snapshot();
        let in_flight: BTreeSet<_> = (self.groups.values())
            .flat_map(|g| g.pending.values())
            .filter(|p| p.status == DeliveryStatus::InFlight)
            .map(|p| p.delivery.key.clone())
            .collect();
        *self = Self::begin(setup, snapshot, Beginning::Reconfigured, now);
        self.look_again(now);
        // The process lives on, so what is in flight will still report back.
        for pending in self.groups.values_mut().flat_map(|g| g.pending.values_mut()) {
            if in_flight.contains(&pending.delivery.key) {
                pending.status = DeliveryStatus::InFlight;
            }
        }
        (self.health, self.drills) = (health, drills);
        unsaid.append(&mut self.backlog);
        self.backlog = unsaid;
    }

    /// The clock was set back by so much: looks and attempts that wait for a moment of the time it showed are made after
    /// as much time as was left until then. Ends that people named stay where they are.
    pub fn clock_set_back(&mut self, by: TimeDelta, now: Timestamp) {
        let back = |at: Timestamp| Timestamp(at.0.saturating_sub(by.0.max(0))).max(now);
        let mut timers = Vec::new();
        for group in self.groups.values_mut().filter(|group| group.next_flush > now) {
            group.next_flush = back(group.next_flush);
            timers.push((group.next_flush, Timer::Flush(GroupId::clone(&group.id))));
        }
        for group in self.groups.values_mut() {
            for (integration, pending) in &mut group.pending {
                if let DeliveryStatus::Waiting { until, .. } = &mut pending.status
                    && *until > now
                {
                    *until = back(*until);
                    timers.push((*until, Timer::Retry(GroupId::clone(&group.id), integration.clone())));
                }
            }
        }
        timers.into_iter().for_each(|(at, timer)| self.set_timer(at, timer));
    }

    /// What another configuration means for a group is seen at once, and its looks go on from there, as when
    /// Alertmanager begins anew with one. A group that has not been looked at yet still waits its `group_wait`.
    fn look_again(&mut self, now: Timestamp) {
        let mut looks = Vec::new();
        for group in self.groups.values_mut().filter(|group| group.flushed && group.next_flush > now) {
            group.next_flush = now;
            looks.push(Timer::Flush(GroupId::clone(&group.id)));
        }
        looks.into_iter().for_each(|look| self.set_timer(now, look));
    }

    fn restore_alert(&mut self, mut row: AlertRow, beginning: Beginning, now: Timestamp) {
        if beginning == Beginning::Restart {
            row.allow_for_absence(self.setup.config.global.resolve_timeout, now);
        }
        let fingerprint = row.alert.fingerprint();
        self.inhibitor.add(fingerprint, &row.alert.labels);
        if let Some(until) = row.handled.ack.as_ref().and_then(|ack| ack.until) {
            self.set_timer(until, Timer::AckEnd(fingerprint));
        }
        if let Some(at) = row.held.as_ref().and_then(|held| held.ends_at) {
            self.set_timer(at, Timer::HoldEnd(fingerprint));
        }
        self.alerts.insert(fingerprint, Box::new(Known::new(row)));
    }

    fn restore_group(&mut self, row: GroupRow, out: &mut Outbox) {
        let known_route = self.routes.get(&row.route).map(Arc::clone);
        let route =
            known_route.filter(|route| route.group_id(&row.labels) == row.id && self.fits(route, &row));
        let Some(route) = route else {
            out.record(Record::GroupGone(row.id));
            return;
        };
        let mut group = Group::new(route, row.labels, row.next_flush);
        group.flushed = row.flushed;
        for fingerprint in row.alerts {
            if let Some(known) = self.alerts.get_mut(&fingerprint) {
                known.join(&group.id);
                group.alerts.insert(fingerprint);
            }
        }
        self.set_timer(group.next_flush, Timer::Flush(row.id.clone()));
        self.groups.insert(row.id, group);
    }

    /// Whether the route would still make this group: its `group_by` may have changed.
    fn fits(&self, route: &crate::Route, row: &GroupRow) -> bool {
        row.alerts
            .iter()
            .filter_map(|f| self.alerts.get(f))
            .all(|k| route.group_labels(&k.row.alert.labels) == row.labels)
    }

    /// Whether a group would still tell this integration anything.
    fn belongs(&self, group: &Group, integration: &IntegrationId) -> bool {
        let fallback = self.setup.fallback.as_ref().map(|fallback| &fallback.receiver);
        self.setup.config.integration(integration).is_some()
            && (group.route.receiver == integration.receiver || fallback == Some(&integration.receiver))
    }

    fn restore_told(&mut self, row: ToldRow) {
        if self.groups.get(&row.group).is_none_or(|group| !self.belongs(group, &row.integration)) {
            return;
        }
        let ToldRow { group, integration, firing, resolved, at, taken_at, thread, acked } = row;
        let taken_at = taken_at.unwrap_or(at);
        for fingerprint in &firing {
            if let Some(known) = self.alerts.get_mut(fingerprint)
                && (known.row.told_at.is_none() || !known.told_at_kept)
            {
                known.row.told_at = Some(known.row.told_at.map_or(taken_at, |at| at.min(taken_at)));
                known.told_at_kept = false;
            }
        }
        if let Some(group) = self.groups.get_mut(&group) {
            group.told.insert(integration, Told { firing, resolved, at, taken_at, thread, acked });
        }
    }

    fn restore_delivery(&mut self, row: DeliveryRow, now: Timestamp, out: &mut Outbox) {
        let DeliveryRow { delivery, status, untold, tried_since, failures, updated_at: row_at } = row;
        let (id, integration) = (delivery.notification.group.clone(), delivery.integration.clone());
        let belongs = self.groups.get(&id).is_some_and(|group| self.belongs(group, &integration));
        let (until, last, resend) = match status {
            DeliveryStatus::InFlight => (now, None, Reason::Restart),
            DeliveryStatus::Waiting { until, last } => (until, last, delivery.reason),
            DeliveryStatus::Delivered
            | DeliveryStatus::Failed { .. }
            | DeliveryStatus::Replaced { .. }
            | DeliveryStatus::Withdrawn { .. } => return,
        };
        let status = DeliveryStatus::Waiting { until, last };
        let says = Tellable::of(&delivery);
        let unreached_at = self.groups.get(&id).map_or(Timestamp::MAX, |g| self.unreached_at(g, tried_since));
        let unreached_at = unreached_at.max(now.saturating_add(FALLBACK_PAUSE));
        let mut pending =
            Pending { delivery, says, status, untold, tried_since, failures, resend, unreached_at };
        if !belongs {
            let why = "its receiver or its route is no longer configured".to_owned();
            pending.status = DeliveryStatus::Withdrawn { why };
            out.record(Record::Delivery(Box::new(pending.row(now))));
            return;
        }
        if let DeliveryStatus::Waiting { until, last: Some(last) } = &pending.status {
            let health = self
                .health
                .entry(integration.clone())
                .or_insert_with(|| ReceiverHealth::new(integration.clone()));
            health.failed(last, ReceiverState::Retrying, row_at);
            if matches!(last, Receipt::Refused { retry_after: Some(_), .. }) {
                health.limited_until = Some(*until).max(health.limited_until);
            }
        }
        self.open.insert(pending.delivery.key.clone(), (id.clone(), integration.clone()));
        if let Some(group) = self.groups.get_mut(&id) {
            group.pending.insert(integration.clone(), pending);
        }
        if unreached_at < Timestamp::MAX {
            self.set_timer(unreached_at, Timer::Unreached(id.clone(), integration.clone()));
        }
        self.set_timer(until, Timer::Retry(id, integration));
    }

    /// Alerts that fire join the groups of today's routes; alerts that are over and in no group are let go.
    fn rejoin(&mut self, now: Timestamp, out: &mut Outbox) {
        let all: Vec<AlertFingerprint> = self.alerts.keys().copied().collect();
        for fingerprint in all {
            let Some(known) = self.alerts.get(&fingerprint) else { continue };
            if !known.row.alert.is_resolved(now) {
                self.join_routes(fingerprint, now, out);
            } else if known.groups.is_empty() && known.row.held.is_none() {
                self.let_go(fingerprint, now, out);
            }
        }
        let empty: Vec<_> = (self.groups.iter())
            .filter(|(_, g)| g.alerts.is_empty() && g.pending.is_empty())
            .map(|(id, _)| id.clone())
            .collect();
        for id in empty {
            self.groups.remove(&id);
            out.record(Record::GroupGone(id));
        }
    }

    /// Whoever should have been told of a group already, and was not, does not wait for the group's next look: their
    /// message was refused for good before, or went to a receiver that has another name now.
    fn find_late(&mut self, now: Timestamp) {
        let mut late = Vec::new();
        for group in self.groups.values().filter(|group| group.flushed) {
            for integration in self.integrations_of(&group.id) {
                if !group.told.contains_key(&integration) && !group.pending.contains_key(&integration) {
                    late.push(Timer::Late(group.id.as_ref().clone(), integration));
                }
            }
        }
        for timer in late {
            self.set_timer(now, timer);
        }
    }
}

/// The row as the database has it.
fn as_kept(known: &Known) -> AlertRow {
    let told_at = known.row.told_at.filter(|_| known.told_at_kept);
    AlertRow { told_at, ..known.row.clone() }
}

impl AlertRow {
    /// Gives whoever foresaw an end the time to report again.
    fn allow_for_absence(&mut self, resolve_timeout: TimeDelta, now: Timestamp) {
        let updated_at = self.updated_at;
        let later = |end: Timestamp, by_timeout: bool| {
            let grace = if by_timeout {
                resolve_timeout
            } else {
                TimeDelta(end.0.saturating_sub(updated_at.0)).min(GRACE_MAX)
            };
            end.max(now.saturating_add(grace))
        };
        if let Some(end) = self.alert.ends_at.filter(|_| !self.end_is_known()) {
            self.alert.ends_at = Some(later(end, self.ends_by_timeout));
        }
        if let Some(held) = &mut self.held {
            held.ends_at = held.ends_at.map(|end| later(end, held.ends_by_timeout));
        }
    }
}
