//! Objectives at work: batches go in, transitions of burn-rate alerts come out.
//!
//! Evaluation happens on arrival, for the streams a batch made known further, with windows that end at their
//! watermark. A stream of which nothing arrives is not evaluated: its alerts keep their state, and an alert of
//! the same severities says that it is not measured, since a dead server must not silence its own page.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{Alert, Batch, Labels, Origin, SeriesId, TimeDelta, TimeRange, Timestamp};

use crate::alert_text::{AlertKind, Subject, alert_annotations, alert_labels};
use crate::burn::{AlertWindows, condition};
use crate::definition::{BurnAlert, Slo};
use crate::ledger::{Ledger, LedgerSettings, StreamId, lag_allowed};
use crate::report;
use crate::selector::Selector;
use crate::status::{HistoryPoint, SloStatus};

/// A firing alert is told of again this often, so that whoever routes it knows that it still fires.
const RESEND_EVERY: TimeDelta = TimeDelta::MINUTE;
/// History kept even when every period is shorter.
const RETENTION_MIN: TimeDelta = TimeDelta(32 * TimeDelta::DAY.0);

/// What the engine is told from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineSettings {
    /// Length of a ledger slot; must divide a minute.
    pub slot: TimeDelta,
    /// Where pages about objectives are reached; empty for alerts without a link.
    pub generator_url: String,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self { slot: LedgerSettings::default().slot, generator_url: String::new() }
    }
}

/// What may happen.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// The store numbered a new series.
    SeriesBorn {
        /// Its number.
        id: SeriesId,
        /// Its labels.
        labels: &'a Labels,
    },
    /// A series that existed before is announced; its first value is a baseline.
    SeriesKnown {
        /// Its number.
        id: SeriesId,
        /// Its labels.
        labels: &'a Labels,
    },
    /// A batch of the sample log, in log order.
    Batch(&'a Batch),
    /// A stretch of the sample log cannot be read: what was measured then is not known.
    Lost,
    /// Time has passed.
    Tick,
    /// These objectives from now on.
    Reload(Vec<Arc<Slo>>),
    /// The past of a new indicator, read from raw samples.
    Backfill(Backfill<'a>),
}

/// The past of one indicator.
#[derive(Clone, Copy, Debug)]
pub struct Backfill<'a> {
    /// The key from [`WantedBackfill`].
    pub key: &'a str,
    /// Every series that matches.
    pub series: &'a [(SeriesId, Labels)],
    /// Their samples in order of time, up to and including the last batch the engine has seen.
    pub batches: &'a [Batch],
}

/// An indicator whose past the engine has not seen.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedBackfill {
    /// Identity of the indicator.
    pub key: String,
    /// What to select.
    pub selectors: Vec<Selector>,
    /// How far back its longest period reaches.
    pub reach: TimeDelta,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Route this alert: new, still firing, or resolved.
    Alert(Alert),
}

/// Whether some objective has an alert that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recalled {
    /// It has, and says when it is over.
    Known,
    /// None has: the objective is gone, goes by another name, or knows nothing of what the alert speaks of.
    Orphaned,
}

/// Which alert of which stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AlertKey {
    pub(crate) slo: String,
    pub(crate) labels: Labels,
    pub(crate) alert: AlertName,
}

/// Which alert.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum AlertName {
    /// One of the objective's burn-rate alerts.
    Burn(String),
    /// Nothing of the objective is measured; one per severity.
    NotMeasured(String),
}

/// What an alert is doing. One that never fired has no state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AlertState {
    pub(crate) is_firing: bool,
    pub(crate) since: Timestamp,
    pub(crate) sent_at: Timestamp,
    /// Under which labels it was told of; they must be the ones that are resolved.
    pub(crate) labels: Labels,
}

/// Objectives, their ledger and their alerts.
#[derive(Clone, Debug)]
pub struct SloEngine {
    pub(crate) settings: EngineSettings,
    pub(crate) slos: BTreeMap<String, Arc<Slo>>,
    /// Objectives by the key of their indicator.
    by_indicator: BTreeMap<String, Vec<Arc<Slo>>>,
    pub(crate) ledger: Ledger,
    pub(crate) alerts: BTreeMap<AlertKey, AlertState>,
    /// Blocks already written, by stream; see `checkpoint`.
    pub(crate) blocks_written: BTreeMap<u32, u64>,
    pub(crate) blocks_len: u64,
    /// Objectives may no longer be those that the alert states speak of.
    pub(crate) has_changed: bool,
    /// Silence before this moment was our own.
    resumed_at: Option<Timestamp>,
    /// Nothing is due before this moment. What arrives mostly postpones what is due, so that this may be early; it
    /// is found anew by the tick it leads to, and not after every batch by asking ten thousand objectives.
    wake: Option<Timestamp>,
}

impl SloEngine {
    /// Objectives about which nothing is known yet. Of two with one identity the later one counts.
    pub fn new(slos: Vec<Arc<Slo>>, settings: EngineSettings) -> Self {
        let ledger = Ledger::new(LedgerSettings {
            slot: settings.slot,
            retention: retention(&slos),
            ..LedgerSettings::default()
        });
        let mut engine = Self {
            settings,
            slos: BTreeMap::new(),
            by_indicator: BTreeMap::new(),
            ledger,
            alerts: BTreeMap::new(),
            blocks_written: BTreeMap::new(),
            blocks_len: 0,
            has_changed: false,
            resumed_at: None,
            wake: None,
        };
        engine.take_slos(slos);
        engine
    }

    pub(crate) fn take_slos(&mut self, slos: Vec<Arc<Slo>>) {
        self.ledger.retain_for(retention(&slos));
        self.slos = slos.into_iter().map(|slo| (slo.id(), slo)).collect();
        self.ledger.set_indicators(self.slos.values().map(|slo| &slo.indicator));
        self.by_indicator.clear();
        for slo in self.slos.values() {
            self.by_indicator.entry(slo.indicator.key()).or_default().push(Arc::clone(slo));
        }
    }

    /// Nothing was listened to until now: silence before this moment says nothing of what is measured. To be called
    /// after a restart, once the log has been folded.
    pub fn resume(&mut self, now: Timestamp) {
        self.resumed_at = Some(now);
    }

    /// What has happened, and what is to be done about it. On replay of the log, `now` is the time of the batch.
    /// Only batches, ticks and reloads have effects.
    pub fn step(&mut self, event: Event<'_>, now: Timestamp) -> Vec<Effect> {
        match event {
            Event::SeriesBorn { id, labels } => {
                self.ledger.series_born(id, labels);
                Vec::new()
            }
            Event::SeriesKnown { id, labels } => {
                self.ledger.series_known(id, labels);
                Vec::new()
            }
            Event::Batch(batch) => {
                let mut effects = self.settle(now);
                effects.append(&mut self.batch(batch, now));
                effects
            }
            Event::Lost => {
                self.ledger.lose();
                Vec::new()
            }
            Event::Tick => {
                let mut effects = self.settle(now);
                effects.append(&mut self.tick(now));
                effects
            }
            Event::Reload(slos) => {
                self.take_slos(slos);
                self.has_changed = true;
                self.settle(now)
            }
            Event::Backfill(backfill) => {
                self.backfill(backfill);
                Vec::new()
            }
        }
    }

    fn batch(&mut self, batch: &Batch, now: Timestamp) -> Vec<Effect> {
        let touched = self.ledger.apply(batch);
        match batch.origin {
            // History raises no alerts: whom would it help to be told of last week?
            Origin::Backfill => Vec::new(),
            Origin::Scrape { .. } | Origin::Rules => {
                let mut effects = Vec::new();
                for stream in touched {
                    self.evaluate(stream, now, &mut effects);
                }
                effects
            }
        }
    }

    /// Evaluates every alert of a stream that has just become known further.
    fn evaluate(&mut self, id: StreamId, now: Timestamp, effects: &mut Vec<Effect>) {
        let Some((key, labels)) = self.ledger.stream_name(id) else { return };
        let Some(at) = self.ledger.watermark(id) else { return };
        let slos = self.by_indicator.get(key).cloned().unwrap_or_default();
        for slo in slos {
            for alert in &slo.alerts {
                let Some(windows) = alert_windows(&self.ledger, id, alert) else { continue };
                let Some(holds) = condition(alert, slo.goal, &windows) else { continue };
                let name = AlertName::Burn(alert.name.clone());
                let key = AlertKey { slo: slo.id(), labels: labels.clone(), alert: name };
                self.turn(key, Turn { holds, at, now }, effects);
            }
            if labels.is_empty() {
                self.judge_measured(&slo, now, effects);
            }
        }
    }

    /// Whether anything of an objective is still being measured. What was never measured raises no alert.
    fn judge_measured(&mut self, slo: &Slo, now: Timestamp, effects: &mut Vec<Effect>) {
        let Some(due) = self.unmeasured_from(slo) else { return };
        if !slo.alerts.is_empty() {
            self.wake_by(due + TimeDelta(1));
        }
        let Some(silent_from) = self.silent_from(slo) else { return };
        let severities: BTreeSet<&str> = slo.alerts.iter().map(|alert| alert.severity.as_str()).collect();
        for severity in severities {
            let alert = AlertName::NotMeasured(severity.to_owned());
            let key = AlertKey { slo: slo.id(), labels: Labels::empty(), alert };
            // A restart is no sign that what was not measured before is measured now.
            let is_silent_still = now > silent_from && self.fires(&key);
            self.turn(key, Turn { holds: now > due || is_silent_still, at: now, now }, effects);
        }
    }

    fn fires(&self, key: &AlertKey) -> bool {
        self.alerts.get(key).is_some_and(|state| state.is_firing)
    }

    /// The last moment at which an objective still counts as measured.
    fn unmeasured_from(&self, slo: &Slo) -> Option<Timestamp> {
        let silent_from = self.silent_from(slo)?;
        let everything = self.ledger.everything(&slo.indicator.key())?;
        let resumed = self.resumed_at.map(|at| at + lag_allowed(self.ledger.interval(everything)));
        Some(resumed.map_or(silent_from, |resumed| resumed.max(silent_from)))
    }

    /// As [`Self::unmeasured_from`], whether or not anybody was there to listen.
    fn silent_from(&self, slo: &Slo) -> Option<Timestamp> {
        let everything = self.ledger.everything(&slo.indicator.key())?;
        let watermark = self.ledger.watermark(everything)?;
        Some(watermark + lag_allowed(self.ledger.interval(everything)))
    }

    /// Whoever routes alerts remembers this one as firing. If an objective has it, it fires until its condition is
    /// next looked at. To be called after a restart, once the log has been folded: a fold brings back what follows
    /// from samples, but not that there were none. Tells whose it is.
    pub fn recall(&mut self, alert: &Alert, now: Timestamp) -> Recalled {
        let Some(key) = self.key_of(alert) else {
            // What fires here under labels that the objective no longer gives ends with the next step.
            let is_ending = self.alerts.values().any(|s| s.is_firing && s.labels == alert.labels);
            return if is_ending { Recalled::Known } else { Recalled::Orphaned };
        };
        if !self.fires(&key) {
            let (since, labels) = (alert.starts_at, alert.labels.clone());
            self.alerts.insert(key, AlertState { is_firing: true, since, sent_at: now, labels });
            self.wake_by(now + RESEND_EVERY);
        }
        Recalled::Known
    }

    /// Which of ours an alert is, by its labels.
    fn key_of(&self, alert: &Alert) -> Option<AlertKey> {
        let is_named = |slo: &&Arc<Slo>| alert.labels.get("slo") == Some(&slo.name);
        for slo in self.slos.values().filter(is_named) {
            let group_by: Vec<&str> = slo.indicator.group_by.iter().map(String::as_str).collect();
            let stream = alert.labels.keep(&group_by);
            let burns = slo.alerts.iter().flat_map(|burn| {
                [&stream, &Labels::empty()].map(|labels| (labels.clone(), AlertName::Burn(burn.name.clone())))
            });
            let not_measured = slo
                .alerts
                .iter()
                .map(|burn| (Labels::empty(), AlertName::NotMeasured(burn.severity.clone())));
            let keys = burns.chain(not_measured);
            let mut keys = keys.map(|(labels, alert)| AlertKey { slo: slo.id(), labels, alert });
            let is_it = |key: &AlertKey| {
                self.alert(key, alert.starts_at, None).is_some_and(|ours| ours.labels == alert.labels)
            };
            if let Some(key) = keys.find(is_it) {
                return Some(key);
            }
        }
        None
    }

    /// Moves an alert to where its condition says, and tells of it when it is news or time to repeat it.
    fn turn(&mut self, key: AlertKey, turn: Turn, effects: &mut Vec<Effect>) {
        let before = self.alerts.get(&key);
        let firing = before.filter(|state| state.is_firing);
        let starts_at = match (firing, turn.holds) {
            (None, false) => return,
            (Some(state), true) if turn.now - state.sent_at < RESEND_EVERY => return,
            (Some(state), _) => state.since,
            (None, true) => turn.at,
        };
        let since = if turn.holds { starts_at } else { turn.at };
        let ends_at = (!turn.holds).then_some(turn.at.max(starts_at));
        let Some(alert) = self.alert(&key, starts_at, ends_at) else { return };
        let state =
            AlertState { is_firing: turn.holds, since, sent_at: turn.now, labels: alert.labels.clone() };
        if state.is_firing {
            self.wake_by(state.sent_at + RESEND_EVERY);
        }
        effects.push(Effect::Alert(alert));
        self.alerts.insert(key, state);
    }

    fn wake_by(&mut self, due: Timestamp) {
        self.wake = Some(self.wake.map_or(due, |wake| wake.min(due)));
    }

    /// After a change of objectives: resolves alerts that are no longer defined, or now have other labels.
    fn settle(&mut self, now: Timestamp) -> Vec<Effect> {
        if !std::mem::take(&mut self.has_changed) {
            return Vec::new();
        }
        self.wake = Some(now);
        let mut effects = Vec::new();
        for (key, mut state) in std::mem::take(&mut self.alerts) {
            let after = self.alert(&key, state.since, None);
            let is_same = after.as_ref().is_some_and(|after| after.labels == state.labels);
            if state.is_firing && !is_same {
                effects.push(Effect::Alert(Alert {
                    labels: state.labels.clone(),
                    annotations: Labels::from_pairs([("summary", "the objective has changed")]),
                    starts_at: state.since,
                    ends_at: Some(now.max(state.since)),
                    generator_url: String::new(),
                }));
            }
            let Some(after) = after else { continue };
            state.labels = after.labels.clone();
            if state.is_firing && !is_same {
                state.sent_at = now;
                effects.push(Effect::Alert(after));
            }
            self.alerts.insert(key, state);
        }
        effects
    }

    /// An alert as it is told.
    fn alert(&self, key: &AlertKey, starts_at: Timestamp, ends_at: Option<Timestamp>) -> Option<Alert> {
        let slo = self.slos.get(&key.slo)?;
        let kind = match &key.alert {
            AlertName::Burn(name) => AlertKind::Burn(slo.alerts.iter().find(|a| a.name == *name)?),
            AlertName::NotMeasured(severity) => {
                slo.alerts.iter().find(|a| a.severity == *severity)?;
                AlertKind::NotMeasured { severity }
            }
        };
        let stream = self.ledger.stream_of(&slo.indicator.key(), &key.labels)?;
        let subject = Subject { slo, labels: &key.labels, kind };
        let generator_url = match self.settings.generator_url.trim_end_matches('/') {
            "" => String::new(),
            base => format!("{base}/slos/{}", slo.id()),
        };
        Some(Alert {
            labels: alert_labels(&subject),
            annotations: alert_annotations(&subject, &self.ledger, stream),
            starts_at,
            ends_at,
            generator_url,
        })
    }

    fn tick(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.wake.is_none_or(|wake| now < wake) {
            return Vec::new();
        }
        let mut effects = Vec::new();
        let slos: Vec<Arc<Slo>> = self.slos.values().cloned().collect();
        for slo in slos {
            self.judge_measured(&slo, now, &mut effects);
        }
        let due: Vec<(AlertKey, Timestamp)> = self
            .alerts
            .iter()
            .filter(|(_, state)| state.is_firing && now - state.sent_at >= RESEND_EVERY)
            .map(|(key, state)| (key.clone(), state.since))
            .collect();
        for (key, since) in due {
            self.turn(key, Turn { holds: true, at: since, now }, &mut effects);
        }
        self.wake = self.due_first();
        effects
    }

    /// Indicators whose past has still to be read, with what to read. Answer with [`Event::Backfill`], also when
    /// nothing was found.
    pub fn wanted_backfill(&self) -> Vec<WantedBackfill> {
        let new = self.ledger.slis.iter().flatten().filter(|sli| sli.is_new);
        new.map(|sli| {
            let slos = self.by_indicator.get(&sli.key).into_iter().flatten();
            WantedBackfill {
                key: sli.key.clone(),
                selectors: sli.indicator.selectors(),
                reach: slos.map(|slo| slo.period.length()).max().unwrap_or_default(),
            }
        })
        .collect()
    }

    /// Says that every indicator's past has been counted: the engine was folded over the whole log.
    pub fn past_is_counted(&mut self) {
        self.ledger.slis.iter_mut().flatten().for_each(|sli| sli.is_new = false);
    }

    fn backfill(&mut self, backfill: Backfill<'_>) {
        let Some(sli) = self.ledger.sli(backfill.key).filter(|sli| sli.is_new) else { return };
        let mut past = Ledger::new(self.ledger.settings);
        past.set_indicators([&sli.indicator]);
        for (id, labels) in backfill.series {
            past.series_born(*id, labels);
        }
        for batch in backfill.batches {
            past.apply(&Batch { origin: Origin::Backfill, ..batch.clone() });
        }
        self.ledger.adopt(past, backfill.key);
    }

    /// When to call with [`Event::Tick`] at the latest.
    pub fn next_wake(&self) -> Option<Timestamp> {
        if self.has_changed { Some(Timestamp::MIN) } else { self.wake }
    }

    /// When the first of all alerts has something to say if nothing more arrives.
    fn due_first(&self) -> Option<Timestamp> {
        let resend = self.alerts.values().filter(|s| s.is_firing).map(|s| s.sent_at + RESEND_EVERY);
        let unmeasured = self.slos.values().filter(|slo| !slo.alerts.is_empty()).filter_map(|slo| {
            let is_told = slo.alerts.iter().any(|alert| {
                let alert = AlertName::NotMeasured(alert.severity.clone());
                let key = AlertKey { slo: slo.id(), labels: Labels::empty(), alert };
                self.alerts.get(&key).is_some_and(|state| state.is_firing)
            });
            self.unmeasured_from(slo).filter(|_| !is_told).map(|due| due + TimeDelta(1))
        });
        resend.chain(unmeasured).min()
    }

    /// What is known of every objective, in order of identity.
    pub fn status(&self, now: Timestamp) -> Vec<SloStatus> {
        report::status(self, now)
    }

    /// The history of one stream, for charts: one point per step whose end lies in the range.
    pub fn history(
        &self,
        slo_id: &str,
        labels: &Labels,
        range: TimeRange,
        step: TimeDelta,
    ) -> Vec<HistoryPoint> {
        report::history(self, slo_id, labels, range, step)
    }

    /// The objective of an identity.
    pub fn slo(&self, id: &str) -> Option<&Arc<Slo>> {
        self.slos.get(id)
    }

    /// The ledger, for reading.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

/// Where an alert's condition puts it, and when.
struct Turn {
    holds: bool,
    /// The moment of which the condition speaks.
    at: Timestamp,
    now: Timestamp,
}

/// The windows an alert looks at; `None` before anything is known.
pub(crate) fn alert_windows(ledger: &Ledger, id: StreamId, alert: &BurnAlert) -> Option<AlertWindows> {
    let long = ledger.window(id, alert.long)?;
    let short = match alert.short {
        Some(short) => Some(ledger.window(id, short)?),
        None => None,
    };
    Some(AlertWindows { long, short })
}

fn retention(slos: &[Arc<Slo>]) -> TimeDelta {
    let longest = slos.iter().map(|slo| slo.period.length()).max().unwrap_or_default();
    RETENTION_MIN.max(longest + TimeDelta::DAY)
}
