//! What can be seen of the core, as plain data. Reasons are those the decisions carried; nothing is guessed here.

use std::collections::BTreeSet;

use bellwether_model::{Alert, AlertFingerprint, Labels, TimeDelta, Timestamp};
use serde::Serialize;

use crate::ack::Acks;
use crate::core::Known;
use crate::group::{Group, Pending, Told};
use crate::{
    Acked, AlertCore, DeliveryKey, GroupId, Handled, IntegrationId, Receipt, Silence, SilenceId,
    SilenceState, Verdict, time_interval,
};

/// Whether an alert is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// No group has been looked at since it came.
    Unprocessed,
    /// It is told.
    Active,
    /// Something keeps it quiet.
    Suppressed,
}

/// Whether an alert is told, and what keeps it from being told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertStatus {
    /// In one word.
    pub state: AlertState,
    /// Silences.
    pub silenced_by: BTreeSet<SilenceId>,
    /// Other alerts.
    pub inhibited_by: BTreeSet<AlertFingerprint>,
    /// Why, where no rule of the configuration says so, e.g. `built in: fast-burn fires`.
    pub inhibited_why: Vec<String>,
    /// Time intervals of its routes.
    pub muted_by: Vec<String>,
}

/// An alert as it can be seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertView {
    /// Identity.
    pub fingerprint: AlertFingerprint,
    /// The alert.
    pub alert: Alert,
    /// Whether it is over.
    pub resolved: bool,
    /// When it was last heard of.
    pub updated_at: Timestamp,
    /// Whether it is told.
    pub status: AlertStatus,
    /// When a receiver first took a message that calls it firing.
    pub told_at: Option<Timestamp>,
    /// What people did with it.
    pub handled: Handled,
    /// Whether somebody ended it by hand while its source still says that it fires: it cannot fire again before that
    /// has ended once.
    pub held: bool,
    /// Who hears of it.
    pub receivers: BTreeSet<String>,
    /// Its groups.
    pub groups: BTreeSet<GroupId>,
}

/// A message that is not through yet.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PendingView {
    /// The message.
    pub key: DeliveryKey,
    /// Attempts made or under way.
    pub attempts: u32,
    /// When the next one is made; `None` while one is under way.
    pub next_attempt_at: Option<Timestamp>,
    /// What became of the last one.
    pub last: Option<Receipt>,
}

/// What an integration hears of a group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IntegrationView {
    /// Which.
    pub integration: IntegrationId,
    /// When it was last told something.
    pub told_at: Option<Timestamp>,
    /// What it believes to be firing.
    pub told_firing_count: usize,
    /// Who has all that fires, as far as it was told.
    pub told_acked: Option<Acked>,
    /// When it is told again if nothing changes; `None` while nothing fires, somebody has it, or it was told nothing.
    pub next_repeat_at: Option<Timestamp>,
    /// What the last look decided, and when.
    pub verdict: Option<(Timestamp, Verdict)>,
    /// What is on its way.
    pub pending: Option<PendingView>,
}

/// A group as it can be seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupView {
    /// Identity.
    pub id: GroupId,
    /// Who hears of it.
    pub receiver: String,
    /// The labels it shares.
    pub labels: Labels,
    /// When it is looked at next.
    pub next_flush: Timestamp,
    /// Time intervals that keep it quiet now.
    pub muted_by: Vec<String>,
    /// Who has all of it that fires and is told: it is not repeated while they have it.
    pub acked_by: Option<Acked>,
    /// When somebody is told again if nothing changes; `None` while nobody is.
    pub next_repeat_at: Option<Timestamp>,
    /// Its alerts, in order of labels.
    pub alerts: Vec<AlertView>,
    /// What is told of it.
    pub integrations: Vec<IntegrationView>,
}

/// A silence as it can be seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SilenceView {
    /// The silence.
    pub silence: Silence,
    /// Where it is in its life.
    pub state: SilenceState,
    /// How many firing alerts it suppresses.
    pub suppressed_count: usize,
}

impl AlertCore {
    /// All alerts, in order of labels.
    pub fn alerts(&self, now: Timestamp) -> Vec<AlertView> {
        let mut views: Vec<_> = self.alerts.values().map(|known| self.alert_view(known, now)).collect();
        views.sort_by(|a, b| a.alert.labels.cmp(&b.alert.labels));
        views
    }

    /// How many alerts fire, silenced ones included. Cheaper than all views of them.
    pub fn firing_count(&self, now: Timestamp) -> usize {
        self.alerts.values().filter(|known| !known.row.alert.is_resolved(now)).count()
    }

    /// Which alerts are known, in order of fingerprint.
    pub fn fingerprints(&self) -> impl Iterator<Item = AlertFingerprint> {
        self.alerts.keys().copied()
    }

    /// One alert.
    pub fn alert(&self, fingerprint: AlertFingerprint, now: Timestamp) -> Option<AlertView> {
        self.alerts.get(&fingerprint).map(|known| self.alert_view(known, now))
    }

    /// All groups, in order of identity.
    pub fn groups(&self, now: Timestamp) -> Vec<GroupView> {
        self.groups.values().map(|group| self.group_view(group, now)).collect()
    }

    /// All silences, those that end first first.
    pub fn silences(&self, now: Timestamp) -> Vec<SilenceView> {
        let mut views: Vec<_> =
            self.silences.values().map(|silence| self.silence_view(silence, now)).collect();
        views.sort_by(|a, b| {
            (a.state, a.silence.ends_at, &a.silence.id).cmp(&(b.state, b.silence.ends_at, &b.silence.id))
        });
        views
    }

    /// One silence.
    pub fn silence(&self, id: &SilenceId, now: Timestamp) -> Option<SilenceView> {
        self.silences.get(id).map(|silence| self.silence_view(silence, now))
    }

    fn silence_view(&self, silence: &Silence, now: Timestamp) -> SilenceView {
        let alerts = self.alerts.values().map(|k| &k.row.alert).filter(|a| !a.is_resolved(now));
        SilenceView {
            state: silence.state(now),
            suppressed_count: alerts.filter(|a| silence.suppresses(&a.labels, now)).count(),
            silence: silence.clone(),
        }
    }

    fn alert_view(&self, known: &Known, now: Timestamp) -> AlertView {
        let alert = &known.row.alert;
        let groups: Vec<_> = known.groups.iter().filter_map(|id| self.groups.get(id)).collect();
        let silenced_by = self.silenced_by(&alert.labels, now);
        let inhibited_by = self.inhibited_by(&alert.labels, now);
        let muted_by: BTreeSet<_> = groups.iter().flat_map(|g| self.muted_by(g, now)).collect();
        let state = if !silenced_by.is_empty() || !inhibited_by.is_empty() || !muted_by.is_empty() {
            AlertState::Suppressed
        } else if groups.iter().any(|g| g.flushed) {
            AlertState::Active
        } else {
            AlertState::Unprocessed
        };
        AlertView {
            fingerprint: alert.fingerprint(),
            resolved: alert.is_resolved(now),
            alert: alert.clone(),
            updated_at: known.row.updated_at,
            status: AlertStatus {
                state,
                silenced_by,
                inhibited_by,
                inhibited_why: self.inhibited_why(&alert.labels, now),
                muted_by: muted_by.into_iter().collect(),
            },
            told_at: known.row.told_at,
            handled: known.row.handled.clone(),
            held: known.row.held.as_ref().is_some_and(|held| held.lasts(now)),
            receivers: groups.iter().map(|g| g.route.receiver.clone()).collect(),
            groups: known.groups.iter().map(|id| id.as_ref().clone()).collect(),
        }
    }

    fn muted_by(&self, group: &Group, now: Timestamp) -> Vec<String> {
        time_interval::muted_by(&group.route, &self.setup.config.time_intervals, now)
    }

    fn group_view(&self, group: &Group, now: Timestamp) -> GroupView {
        let mut alerts: Vec<_> =
            group.alerts.iter().filter_map(|f| self.alerts.get(f)).map(|k| self.alert_view(k, now)).collect();
        alerts.sort_by(|a, b| a.alert.labels.cmp(&b.alert.labels));
        let receiver = self.setup.config.receivers.get(&group.route.receiver);
        let own = receiver.map(|r| r.integration_ids()).unwrap_or_default();
        // Those who stand in for others come last.
        let mut involved: Vec<_> = group.told.keys().chain(group.pending.keys()).collect();
        involved.retain(|id| id.receiver != group.route.receiver);
        involved.sort();
        involved.dedup();
        let told: Vec<_> = alerts.iter().filter(|view| is_told(view)).collect();
        let acks = Acks::of(told.iter().map(|view| view.handled.ack.as_deref()), now);
        let repeats = !told.is_empty() && acks.all.is_none();
        let integrations: Vec<_> =
            own.iter().chain(involved).map(|id| integration_view(group, id, repeats)).collect();
        GroupView {
            id: group.id.as_ref().clone(),
            receiver: group.route.receiver.clone(),
            labels: group.labels.clone(),
            next_flush: group.next_flush,
            muted_by: self.muted_by(group, now),
            acked_by: acks.all,
            next_repeat_at: integrations.iter().filter_map(|view| view.next_repeat_at).min(),
            alerts,
            integrations,
        }
    }
}

/// Whether it fires and nothing of its own keeps it quiet.
fn is_told(view: &AlertView) -> bool {
    !view.resolved && view.status.silenced_by.is_empty() && view.status.inhibited_by.is_empty()
}

/// The first look at a group at which an unchanged one is told again.
fn next_repeat_at(group: &Group, told: &Told) -> Timestamp {
    let due = told.at.saturating_add(group.route.repeat_interval);
    let interval = group.interval().0;
    let looks = (due - group.next_flush).0.max(0);
    let looks = looks / interval + i64::from(looks % interval > 0);
    group.next_flush.saturating_add(TimeDelta(looks.saturating_mul(interval)))
}

fn integration_view(group: &Group, integration: &IntegrationId, repeats: bool) -> IntegrationView {
    let told = group.told.get(integration);
    let is_guest = integration.receiver != group.route.receiver;
    let pending = group.pending.get(integration).map(pending_view);
    IntegrationView {
        told_at: told.map(|t| t.at),
        told_firing_count: told.map_or(0, |t| t.firing.len()),
        told_acked: told.and_then(|t| t.acked.clone()),
        next_repeat_at: told.filter(|_| repeats && !is_guest).map(|told| next_repeat_at(group, told)),
        verdict: group.verdicts.get(integration).cloned(),
        pending,
        integration: integration.clone(),
    }
}

pub(crate) fn pending_view(pending: &Pending) -> PendingView {
    PendingView {
        key: pending.delivery.key.clone(),
        attempts: pending.delivery.attempt,
        next_attempt_at: pending.waits_until(),
        last: pending.status.last_receipt().cloned(),
    }
}
