//! The one place where it is decided who hears what, when, and why. It is a value: told an event and the time, it
//! changes and answers with what to write down and what to send, in that order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{Alert, AlertFingerprint, Labels, TimeDelta, Timestamp};

use crate::group::Group;
use crate::inhibit::Inhibitor;
use crate::silence::{self, SilencePlan};
use crate::{
    AlertRow, AlertSource, Answer, AuditRow, Config, Delivery, DeliveryKey, Effect, Event, GroupId, Handled,
    IntegrationId, Precedence, ReceiverHealth, Record, Route, Silence, SilenceError, SilenceId, SilenceState,
    SilenceWish, Templates,
};

/// How long an expired silence stays visible. Alertmanager's default retention.
const SILENCE_RETENTION: TimeDelta = TimeDelta(120 * 3_600_000);

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
    /// For how long a message may fail before they are told; one that is refused for good is told at once.
    pub after: TimeDelta,
}

/// The deciding core.
#[derive(Clone, Debug)]
pub struct AlertCore {
    pub(crate) setup: Setup,
    pub(crate) routes: BTreeMap<String, Arc<Route>>,
    pub(crate) alerts: BTreeMap<AlertFingerprint, Known>,
    pub(crate) silences: BTreeMap<SilenceId, Silence>,
    pub(crate) groups: BTreeMap<GroupId, Group>,
    pub(crate) inhibitor: Inhibitor,
    pub(crate) health: BTreeMap<IntegrationId, ReceiverHealth>,
    /// Messages in flight or waiting, and where they belong.
    pub(crate) open: BTreeMap<DeliveryKey, (GroupId, IntegrationId)>,
    /// Every timer that is or was set; one that no longer agrees with its group is ignored.
    pub(crate) timers: BTreeSet<(Timestamp, Timer)>,
    /// Decided while restoring; handed out with the next step.
    pub(crate) backlog: Vec<Record>,
}

/// An alert and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) row: AlertRow,
    pub(crate) groups: BTreeSet<GroupId>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    Flush(GroupId),
    Retry(GroupId, IntegrationId),
    SilenceEnd(SilenceId),
}

/// What a step decides, kept apart so that records always come before messages.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) records: Vec<Record>,
    pub(crate) answer: Option<Answer>,
    pub(crate) deliveries: Vec<Delivery>,
}

impl Outbox {
    pub(crate) fn record(&mut self, record: Record) {
        self.records.push(record);
    }

    fn into_effects(self) -> Vec<Effect> {
        let records = self.records.into_iter().map(Effect::Record);
        let answer = self.answer.into_iter().map(Effect::Answer);
        let deliveries = self.deliveries.into_iter().map(|d| Effect::Deliver(Box::new(d)));
        records.chain(answer).chain(deliveries).collect()
    }
}

impl AlertCore {
    /// Takes in what happened, and everything that has become due by `now`.
    pub fn step(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        let mut out = Outbox { records: std::mem::take(&mut self.backlog), ..Outbox::default() };
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
            Event::Drill(_) => out.answer = Some(Answer::Drilled(Vec::new())),
            Event::Delivered { delivery, outcome } => self.delivered(&delivery, outcome, now, &mut out),
            Event::Tick => {}
        }
        self.run_timers(now, &mut out);
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

    fn is_set(&self, at: Timestamp, timer: &Timer) -> bool {
        match timer {
            Timer::Flush(group) => self.groups.get(group).is_some_and(|g| g.next_flush == at),
            Timer::Retry(group, integration) => {
                let pending = self.groups.get(group).and_then(|g| g.pending.get(integration));
                pending.and_then(|p| p.waits_until()) == Some(at)
            }
            Timer::SilenceEnd(id) => {
                self.silences.get(id).is_some_and(|s| s.ends_at.saturating_add(SILENCE_RETENTION) == at)
            }
        }
    }

    fn run_timers(&mut self, now: Timestamp, out: &mut Outbox) {
        while let Some((at, _)) = self.timers.first()
            && *at <= now
        {
            let Some((at, timer)) = self.timers.pop_first() else { return };
            if !self.is_set(at, &timer) {
                continue;
            }
            match timer {
                Timer::Flush(group) => self.flush(&group, now, out),
                Timer::Retry(group, integration) => self.retry(&group, &integration, now, out),
                Timer::SilenceEnd(id) => {
                    self.silences.remove(&id);
                    out.record(Record::SilenceGone(id));
                }
            }
        }
    }

    /// An alert arrives.
    pub(crate) fn hear(&mut self, source: AlertSource, mut alert: Alert, now: Timestamp, out: &mut Outbox) {
        let mut ends_by_timeout = false;
        if source == AlertSource::Api && alert.ends_at.is_none() {
            alert.ends_at = Some(now.saturating_add(self.setup.config.global.resolve_timeout));
            ends_by_timeout = true;
        }
        let fingerprint = alert.fingerprint();
        let row =
            AlertRow { alert, updated_at: now, ends_by_timeout, told_at: None, handled: Handled::default() };
        let row = match self.alerts.get(&fingerprint) {
            None if row.alert.is_resolved(now) => return,
            None => row,
            Some(known) => merge(&known.row, row, now),
        };
        out.record(Record::Alert(Box::new(row.clone())));
        let (labels, resolved) = (row.alert.labels.clone(), row.alert.is_resolved(now));
        let starts_at = row.alert.starts_at;
        match self.alerts.get_mut(&fingerprint) {
            Some(known) => known.row = row,
            None => {
                self.inhibitor.add(fingerprint, &labels);
                self.alerts.insert(fingerprint, Known { row, groups: BTreeSet::new() });
            }
        }
        if !resolved {
            self.join_routes(fingerprint, &labels, JoinTimes { starts_at, now }, out);
        }
    }

    /// A firing alert joins the groups of all routes that take it.
    pub(crate) fn join_routes(
        &mut self,
        fingerprint: AlertFingerprint,
        labels: &Labels,
        times: JoinTimes,
        out: &mut Outbox,
    ) {
        for route in self.setup.config.route.matching(labels) {
            self.join(fingerprint, labels, route, times, out);
        }
    }

    /// A firing alert joins its group on a route.
    fn join(
        &mut self,
        fingerprint: AlertFingerprint,
        labels: &Labels,
        route: Arc<Route>,
        times: JoinTimes,
        out: &mut Outbox,
    ) {
        let group_labels = route.group_labels(labels);
        let id = route.group_id(&group_labels);
        // An alert that has fired for longer than `group_wait` elsewhere has waited enough.
        let overdue = times.starts_at.saturating_add(route.group_wait) < times.now;
        let first_flush = if overdue { times.now } else { times.now.saturating_add(route.group_wait) };
        let is_new = !self.groups.contains_key(&id);
        let group =
            self.groups.entry(id.clone()).or_insert_with(|| Group::new(route, group_labels, first_flush));
        let joined = group.alerts.insert(fingerprint);
        let hurry = !group.flushed && overdue && group.next_flush > times.now;
        if hurry {
            group.next_flush = times.now;
        }
        let (next_flush, row) = (group.next_flush, group.row());
        if is_new || joined || hurry {
            out.record(Record::Group(row));
            self.set_timer(next_flush, Timer::Flush(id.clone()));
        }
        if let Some(known) = self.alerts.get_mut(&fingerprint) {
            known.groups.insert(id);
        }
    }

    fn set_silence(
        &mut self,
        wish: SilenceWish,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<SilenceId, SilenceError> {
        let existing = wish.id.as_ref().and_then(|id| self.silences.get(id));
        let (who, detail) = (wish.created_by.clone(), wish.comment.clone());
        let SilencePlan { id, rows } = silence::plan(existing, wish, now)?;
        for row in rows {
            self.keep_silence(row, out);
        }
        let action = "silence.set".to_owned();
        out.record(Record::Audit(AuditRow { at: now, who, action, subject: id.to_string(), detail }));
        Ok(id)
    }

    fn expire_silence(
        &mut self,
        id: SilenceId,
        who: String,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Result<SilenceId, SilenceError> {
        let silence = self.silences.get(&id).ok_or_else(|| SilenceError::NotFound(id.clone()))?;
        if silence.state(now) == SilenceState::Expired {
            return Err(SilenceError::AlreadyExpired(id));
        }
        let row = silence::expired(silence, now);
        let detail = row.comment.clone();
        self.keep_silence(row, out);
        let action = "silence.expire".to_owned();
        out.record(Record::Audit(AuditRow { at: now, who, action, subject: id.to_string(), detail }));
        Ok(id)
    }

    pub(crate) fn keep_silence(&mut self, silence: Silence, out: &mut Outbox) {
        let gone_at = silence.ends_at.saturating_add(SILENCE_RETENTION);
        self.set_timer(gone_at, Timer::SilenceEnd(silence.id.clone()));
        out.record(Record::Silence(silence.clone()));
        self.silences.insert(silence.id.clone(), silence);
    }
}

#[derive(Clone, Copy)]
pub(crate) struct JoinTimes {
    pub(crate) starts_at: Timestamp,
    pub(crate) now: Timestamp,
}

/// Two sources of one alert, or two reports of one source. Overlapping reports are one life: it began when the
/// earlier began, and an end that someone stated outlasts one that is only a timeout.
fn merge(old: &AlertRow, mut new: AlertRow, now: Timestamp) -> AlertRow {
    let (old_end, new_end) = (end_of(&old.alert), end_of(&new.alert));
    let starts_inside = new.alert.starts_at >= old.alert.starts_at && new.alert.starts_at < old_end;
    let ends_inside = new_end > old.alert.starts_at && new_end <= old_end;
    // A report that began after the old life was over begins a new one.
    if !(starts_inside || ends_inside) {
        return new;
    }
    (new.told_at, new.handled) = (old.told_at, old.handled.clone());
    new.alert.starts_at = new.alert.starts_at.min(old.alert.starts_at);
    let keeps_old_end = match (old.alert.is_resolved(now), new.alert.is_resolved(now)) {
        (true, true) => old_end > new_end,
        (_, false) => old_end > new_end && !old.ends_by_timeout,
        (false, true) => false,
    };
    if keeps_old_end {
        new.alert.ends_at = old.alert.ends_at;
        new.ends_by_timeout = old.ends_by_timeout;
    }
    new
}

fn end_of(alert: &Alert) -> Timestamp {
    alert.ends_at.unwrap_or(Timestamp::MAX)
}
