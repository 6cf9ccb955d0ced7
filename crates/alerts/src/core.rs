//! The one place where it is decided who hears what, when, and why. It is a value: told an event and the time, it
//! changes and answers with what to write down and what to send, in that order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{AlertFingerprint, Labels, TimeDelta, Timestamp};

use crate::drill::Drills;
use crate::group::Group;
use crate::inhibit::Inhibitor;
use crate::outbox::Outbox;
use crate::{
    AlertRow, AlertSource, Answer, Config, DeliveryKey, Effect, Event, GroupId, IntegrationId, Precedence,
    ReceiverHealth, Record, Route, Silence, SilenceId, Templates,
};

/// How long an expired silence stays visible. Alertmanager's default retention.
pub(crate) const SILENCE_RETENTION: TimeDelta = TimeDelta(120 * 3_600_000);

/// Timers that one step runs. Ten thousand groups that are due in the same second are decided in parts, so that the
/// first are told while the others are still being decided, and no record is larger than what a database writes in one
/// piece.
const TIMERS_TOGETHER: usize = 512;

/// What the core is set up with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The configuration.
    pub config: Arc<Config>,
    /// The templates it names, already read.
    pub templates: Arc<Templates>,
    /// Where people find this program; ends without a slash.
    pub external_url: String,
    /// Which alerts keep which quiet without a rule of the configuration.
    pub precedence: Arc<Precedence>,
    /// Who is told when somebody cannot be reached.
    pub fallback: Option<Fallback>,
}

/// Who is told instead when a message cannot be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// A receiver of the configuration.
    pub receiver: String,
    /// For how long a message may fail before they are told; of one that is refused for good they hear at once.
    pub after: TimeDelta,
}

/// The deciding core.
#[derive(Clone, Debug)]
pub struct AlertCore {
    pub(crate) setup: Setup,
    pub(crate) routes: BTreeMap<String, Arc<Route>>,
    /// Each by itself, because a place of the map that is free would be as large as one that is taken.
    pub(crate) alerts: BTreeMap<AlertFingerprint, Box<Known>>,
    pub(crate) silences: BTreeMap<SilenceId, Silence>,
    pub(crate) groups: BTreeMap<GroupId, Group>,
    pub(crate) inhibitor: Inhibitor,
    pub(crate) health: BTreeMap<IntegrationId, ReceiverHealth>,
    /// Messages in flight or waiting, and where they belong.
    pub(crate) open: BTreeMap<DeliveryKey, (GroupId, IntegrationId)>,
    /// Test messages in flight.
    pub(crate) drills: Drills,
    /// Every timer that is or was set; one that no longer agrees with what it is about is ignored.
    pub(crate) timers: BTreeSet<(Timestamp, Timer)>,
    /// Decided while restoring; handed out with the next step.
    pub(crate) backlog: Vec<Record>,
}

/// An alert and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) row: AlertRow,
    /// In the order of their identities; mostly it is one.
    pub(crate) groups: Vec<Arc<GroupId>>,
    /// Whether `row.told_at` is written down. Until a receiver is told again its own row holds it as well, so that it
    /// need not be written for every alert.
    pub(crate) told_at_kept: bool,
}

impl Known {
    pub(crate) fn new(row: AlertRow) -> Self {
        Self { row, groups: Vec::new(), told_at_kept: true }
    }

    /// It belongs to this group, too.
    pub(crate) fn join(&mut self, group: &Arc<GroupId>) {
        if let Err(place) = self.groups.binary_search(group) {
            self.groups.reserve_exact(1);
            self.groups.insert(place, group.clone());
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A group's own time has come.
    Flush(GroupId),
    /// The pause of a waiting message is over.
    Retry(GroupId, IntegrationId),
    /// Somebody should know of a group already, and does not.
    Late(GroupId, IntegrationId),
    /// A message has failed for as long as it may before somebody else is told.
    Unreached(GroupId, IntegrationId),
    /// An acknowledgement ends.
    AckEnd(AlertFingerprint),
    /// The source of an alert that was ended by hand no longer says that it fires.
    HoldEnd(AlertFingerprint),
    /// An ended silence is forgotten.
    SilenceEnd(SilenceId),
}

impl AlertCore {
    /// Takes in what happened, and what has become due by `now`: [`TIMERS_TOGETHER`] at most, and after a receipt
    /// nothing, because many of them come at once. What is left stays due, as [`Self::next_wake`] says.
    pub fn step(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        let mut out = Outbox { records: std::mem::take(&mut self.backlog), ..Outbox::default() };
        let mut timers = TIMERS_TOGETHER;
        match event {
            Event::Alerts { source, alerts } => {
                for alert in alerts {
                    self.hear(source, alert, now, &mut out);
                }
                out.answer = (source == AlertSource::Api).then_some(Answer::Heard);
            }
            Event::SetSilence(wish) => {
                let result = self.set_silence(wish, now, &mut out);
                out.answer = Some(Answer::Silence(result));
            }
            Event::ExpireSilence { id, by } => {
                let result = self.expire_silence(id, by, now, &mut out);
                out.answer = Some(Answer::Silence(result));
            }
            Event::Act(action) => out.answer = Some(Answer::Acted(self.act(action, now, &mut out))),
            Event::SayAfterwards(life, action) => {
                out.answer = Some(Answer::Acted(Self::say_afterwards(*life, action, now, &mut out)));
            }
            Event::Drill(wish) => out.answer = Some(Answer::Drilled(self.drill(wish, now, &mut out))),
            Event::Delivered { delivery, outcome } => {
                self.delivered(&delivery, outcome, now, &mut out);
                timers = 0;
            }
            Event::Tick => {}
        }
        self.run_timers(timers, now, &mut out);
        self.write_groups(&mut out);
        out.into_effects()
    }

    /// When something becomes due; the shell sleeps until then.
    pub fn next_wake(&self) -> Option<Timestamp> {
        if !self.backlog.is_empty() {
            return Some(Timestamp::MIN);
        }
        self.timers.iter().find(|(at, timer)| self.is_set(*at, timer)).map(|(at, _)| *at)
    }

    /// The configuration in use.
    pub fn config(&self) -> &Arc<Config> {
        &self.setup.config
    }

    /// How well each receiver can be reached.
    pub fn receiver_health(&self) -> Vec<ReceiverHealth> {
        let mut health: BTreeMap<_, _> = (self.setup.config.integrations().into_iter())
            .map(|id| (id.clone(), self.health.get(&id).cloned().unwrap_or_else(|| ReceiverHealth::new(id))))
            .collect();
        for pending in self.groups.values().flat_map(|g| g.pending.values()) {
            if let (Some(_), Some(h)) = (pending.waits_until(), health.get_mut(&pending.delivery.integration))
            {
                h.waiting_deliveries += 1;
            }
        }
        health.into_values().collect()
    }

    /// Silences that suppress an alert with these labels now.
    pub fn silenced_by(&self, labels: &Labels, now: Timestamp) -> BTreeSet<SilenceId> {
        self.silences.values().filter(|s| s.suppresses(labels, now)).map(|s| s.id.clone()).collect()
    }

    /// Alerts that inhibit one with these labels now.
    pub fn inhibited_by(&self, labels: &Labels, now: Timestamp) -> BTreeSet<AlertFingerprint> {
        self.inhibitor.inhibited_by(labels, now, |f| self.alerts.get(&f).map(|k| &k.row.alert))
    }

    /// Why something built in keeps an alert with these labels quiet now, in words.
    pub fn inhibited_why(&self, labels: &Labels, now: Timestamp) -> Vec<String> {
        self.inhibitor.built_in(labels, now, |f| self.alerts.get(&f).map(|k| &k.row.alert))
    }

    pub(crate) fn set_timer(&mut self, at: Timestamp, timer: Timer) {
        self.timers.insert((at, timer));
    }

    pub(crate) fn health_of(&mut self, integration: &IntegrationId) -> &mut ReceiverHealth {
        self.health.entry(integration.clone()).or_insert_with(|| ReceiverHealth::new(integration.clone()))
    }

    fn is_set(&self, at: Timestamp, timer: &Timer) -> bool {
        let pending = |group, integration| self.groups.get(group).and_then(|g| g.pending.get(integration));
        match timer {
            Timer::Flush(group) => self.groups.get(group).is_some_and(|g| g.next_flush == at),
            Timer::Retry(group, integration) => {
                pending(group, integration).and_then(|p| p.waits_until()) == Some(at)
            }
            Timer::Late(group, _) => self.groups.contains_key(group),
            Timer::Unreached(group, integration) => {
                pending(group, integration).is_some_and(|p| p.unreached_at == at)
            }
            Timer::AckEnd(alert) => {
                let ack = self.alerts.get(alert).and_then(|k| k.row.handled.ack.as_ref());
                ack.and_then(|ack| ack.until) == Some(at)
            }
            Timer::HoldEnd(alert) => {
                let held = self.alerts.get(alert).and_then(|k| k.row.held.as_ref());
                held.and_then(|held| held.ends_at) == Some(at)
            }
            Timer::SilenceEnd(id) => {
                self.silences.get(id).is_some_and(|s| s.ends_at.saturating_add(SILENCE_RETENTION) == at)
            }
        }
    }

    fn run_timers(&mut self, most: usize, now: Timestamp, out: &mut Outbox) {
        let mut left = most;
        while left > 0
            && let Some((at, _)) = self.timers.first()
            && *at <= now
        {
            let Some((at, timer)) = self.timers.pop_first() else { return };
            if !self.is_set(at, &timer) {
                continue;
            }
            left -= 1;
            match timer {
                Timer::Flush(group) => self.flush(&group, now, out),
                Timer::Retry(group, integration) => self.retry(&group, &integration, now, out),
                Timer::Late(group, integration) => self.catch_up(&group, &integration, now, out),
                Timer::Unreached(group, integration) => self.unreached(&group, &integration, now, out),
                Timer::AckEnd(alert) => self.ack_ended(alert, now, out),
                Timer::HoldEnd(alert) => self.release(alert, now, out),
                Timer::SilenceEnd(id) => {
                    self.silences.remove(&id);
                    out.record(Record::SilenceGone(id));
                }
            }
        }
    }

    pub(crate) fn write_groups(&mut self, out: &mut Outbox) {
        for id in std::mem::take(&mut out.touched) {
            out.records.extend(self.groups.get(&id).map(|group| Record::Group(group.row())));
        }
    }
}
