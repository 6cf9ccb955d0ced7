//! After a restart everything goes on: timers where they stood, messages whose outcome is not known again with the
//! same key, and alerts whose source went away meanwhile still end, and are still told to have ended.
//! A changed configuration takes the same way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::Timestamp;

use crate::core::{JoinTimes, Known, Outbox, Timer};
use crate::group::{Group, Pending, Told};
use crate::inhibit::Inhibitor;
use crate::{
    AlertCore, DeliveryRow, DeliveryStatus, GroupRow, Reason, Receipt, ReceiverHealth, ReceiverState, Record,
    Restored, Setup, ToldRow,
};

impl AlertCore {
    /// A core that goes on where its records end. What this changes is recorded with the next step, and
    /// [`AlertCore::next_wake`] asks for that step at once.
    pub fn restore(setup: Setup, restored: Restored, now: Timestamp) -> Self {
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
            timers: BTreeSet::new(),
            backlog: Vec::new(),
        };
        let mut out = Outbox::default();
        for row in restored.alerts {
            let fingerprint = row.alert.fingerprint();
            core.inhibitor.add(fingerprint, &row.alert.labels);
            core.alerts.insert(fingerprint, Known { row, groups: BTreeSet::new() });
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
            core.restore_delivery(row, now, &mut out);
        }
        core.rejoin(now, &mut out);
        core.backlog = out.records;
        core
    }

    /// Everything that [`AlertCore::restore`] needs, as it stands.
    pub fn snapshot(&self) -> Restored {
        let groups = self.groups.values();
        Restored {
            alerts: self.alerts.values().map(|k| k.row.clone()).collect(),
            silences: self.silences.values().cloned().collect(),
            groups: groups.clone().map(Group::row).collect(),
            told: groups.clone().flat_map(|g| g.told.keys().filter_map(|i| g.told_row(i))).collect(),
            deliveries: groups
                .flat_map(|g| g.pending.values().map(|p| p.row(p.delivery.decided_at)))
                .collect(),
        }
    }

    /// Goes on with another configuration. Groups of routes that are still there keep their timers and what was told.
    pub fn reconfigure(&mut self, setup: Setup, now: Timestamp) {
        let mut unsaid = std::mem::take(&mut self.backlog);
        let (snapshot, health) = (self.snapshot(), std::mem::take(&mut self.health));
        let in_flight: BTreeSet<_> = (self.groups.values())
            .flat_map(|g| g.pending.values())
            .filter(|p| p.status == DeliveryStatus::InFlight)
            .map(|p| p.delivery.key.clone())
            .collect();
        *self = Self::restore(setup, snapshot, now);
        // The process lives on, so what is in flight will still report back.
        for pending in self.groups.values_mut().flat_map(|g| g.pending.values_mut()) {
            if in_flight.contains(&pending.delivery.key) {
                pending.status = DeliveryStatus::InFlight;
            }
        }
        self.health = health;
        unsaid.append(&mut self.backlog);
        self.backlog = unsaid;
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
                known.groups.insert(row.id.clone());
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

    fn restore_told(&mut self, row: ToldRow) {
        let known = self.setup.config.integration(&row.integration).is_some();
        if let Some(group) =
            self.groups.get_mut(&row.group).filter(|g| known && g.route.receiver == row.integration.receiver)
        {
            let told = Told { firing: row.firing, resolved: row.resolved, at: row.at, thread: row.thread };
            group.told.insert(row.integration, told);
        }
    }

    fn restore_delivery(&mut self, row: DeliveryRow, now: Timestamp, out: &mut Outbox) {
        let DeliveryRow { delivery, status, untold, tried_since, failures, updated_at: row_at } = row;
        let (id, integration) = (delivery.notification.group.clone(), delivery.integration.clone());
        let known = self.setup.config.integration(&integration).is_some();
        let group = self.groups.get_mut(&id).filter(|g| known && g.route.receiver == integration.receiver);
        let (until, last, resend) = match status {
            DeliveryStatus::InFlight => (now, None, Reason::Restart),
            DeliveryStatus::Waiting { until, last } => {
                let resend = if last.is_some() { Reason::Retry } else { delivery.reason };
                (until, last, resend)
            }
            DeliveryStatus::Delivered
            | DeliveryStatus::Failed { .. }
            | DeliveryStatus::Replaced { .. }
            | DeliveryStatus::Withdrawn { .. } => return,
        };
        let status = DeliveryStatus::Waiting { until, last };
        let mut pending = Pending { delivery, status, untold, tried_since, failures, resend };
        let Some(group) = group else {
            let why = "its receiver or its route is no longer configured".to_owned();
            pending.status = DeliveryStatus::Withdrawn { why };
            out.record(Record::Delivery(Box::new(pending.row(now))));
            return;
        };
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
        group.pending.insert(integration.clone(), pending);
        self.set_timer(until, Timer::Retry(id, integration));
    }

    /// Alerts that fire join the groups of today's routes; alerts that are over and in no group are let go.
    fn rejoin(&mut self, now: Timestamp, out: &mut Outbox) {
        let rows: Vec<_> = self.alerts.values().map(|k| (k.row.clone(), k.groups.is_empty())).collect();
        for (row, is_homeless) in rows {
            if !row.alert.is_resolved(now) {
                let times = JoinTimes { starts_at: row.alert.starts_at, now };
                self.join_routes(row.alert.fingerprint(), &row.alert.labels, times, out);
            } else if is_homeless {
                let fingerprint = row.alert.fingerprint();
                self.inhibitor.remove(fingerprint, &row.alert.labels);
                self.alerts.remove(&fingerprint);
                out.record(Record::AlertGone(fingerprint));
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
}
