//! Objectives at work: batches go in, transitions of burn-rate alerts come out.
//!
//! The engine passes what happens on to the ledger and asks for alerts to be looked at (`alerting`) when something
//! has become known further, when time has passed and when objectives have changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Batch, Labels, Origin, TimeDelta, Timestamp};

use crate::alert::state::{AlertKey, AlertName, AlertState, RESEND_EVERY, Turn};
use crate::composite::by_member;
use crate::correction::list::Corrections;
use crate::definition::Slo;
use crate::event::{Effect, Event};
use crate::known_metrics::KnownMetrics;
use crate::ledger::{Ledger, LedgerSettings};
use crate::sampled::Sampler;
use crate::sampled::whole_threshold::WholeThresholds;

/// How long counts are kept unless said otherwise: a year, and the month after it in which one looks back at it.
pub const RETENTION_OF_COUNTS: TimeDelta = TimeDelta(400 * TimeDelta::DAY.0);

/// What another store tells of a time before this is read to catch up.
const CATCHING_UP: TimeDelta = TimeDelta(10 * TimeDelta::MINUTE.0);

/// What the engine is told from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineSettings {
    /// Length of a ledger slot; must divide a minute.
    pub slot: TimeDelta,
    /// Where pages about objectives are reached; empty for alerts without a link.
    pub generator_url: String,
    /// How long counts are kept, minute by minute; longer where the period of an objective needs it.
    pub retention: TimeDelta,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            slot: LedgerSettings::default().slot,
            generator_url: String::new(),
            retention: RETENTION_OF_COUNTS,
        }
    }
}

/// Objectives, their ledger and their alerts.
#[derive(Clone, Debug)]
pub struct SloEngine {
    pub(crate) settings: EngineSettings,
    pub(crate) slos: BTreeMap<String, Arc<Slo>>,
    /// Objectives by the key of their indicator.
    pub(crate) by_indicator: BTreeMap<String, Vec<Arc<Slo>>>,
    pub(crate) ledger: Ledger,
    pub(crate) alerts: BTreeMap<AlertKey, AlertState>,
    /// What is judged otherwise than it was measured; kept by the shell, not by the checkpoint.
    pub(crate) corrections: Corrections,
    /// Blocks already written, by stream; see `checkpoint`.
    pub(crate) blocks_written: BTreeMap<u32, u64>,
    pub(crate) blocks_len: u64,
    /// Objectives may no longer be those that the alert states speak of.
    pub(crate) has_changed: bool,
    /// Silence before this moment was our own.
    pub(crate) resumed_at: Option<Timestamp>,
    /// Nothing is due before this moment. What arrives mostly postpones what is due, so that this may be early; it
    /// is found anew by the tick it leads to, and not after every batch by asking ten thousand objectives.
    pub(crate) wake: Option<Timestamp>,
    /// What must be asked because no counter counts it.
    pub(crate) sampler: Sampler,
    /// The metrics that there are.
    pub(crate) known_metrics: KnownMetrics,
    /// Values over whole periods that must be asked for.
    pub(crate) whole_thresholds: WholeThresholds,
    /// Composites by the identity of each of their members.
    pub(crate) composites_of: BTreeMap<String, Vec<Arc<Slo>>>,
}

impl SloEngine {
    /// Objectives about which nothing is known yet. Of two with one identity the later one counts.
    pub fn new(slos: Vec<Arc<Slo>>, settings: EngineSettings) -> Self {
        let ledger = Ledger::new(LedgerSettings {
            slot: settings.slot,
            retention: settings.retention,
            ..LedgerSettings::default()
        });
        let mut engine = Self {
            settings,
            slos: BTreeMap::new(),
            by_indicator: BTreeMap::new(),
            ledger,
            alerts: BTreeMap::new(),
            corrections: Corrections::default(),
            blocks_written: BTreeMap::new(),
            blocks_len: 0,
            has_changed: false,
            resumed_at: None,
            wake: None,
            sampler: Sampler::default(),
            whole_thresholds: WholeThresholds::default(),
            known_metrics: KnownMetrics::default(),
            composites_of: BTreeMap::new(),
        };
        engine.take_slos(slos);
        engine
    }

    pub(crate) fn take_slos(&mut self, slos: Vec<Arc<Slo>>) {
        self.slos = slos.into_iter().map(|slo| (slo.id(), slo)).collect();
        self.keep_history(self.settings.retention);
        self.ledger.set_indicators(self.slos.values().map(|slo| &slo.indicator));
        self.sampler.set(self.slos.values());
        self.whole_thresholds.set(self.slos.values());
        self.known_metrics.set(self.slos.values());
        self.composites_of = by_member(self.slos.values().cloned());
        self.by_indicator.clear();
        for slo in self.slos.values() {
            self.by_indicator.entry(slo.indicator.key()).or_default().push(Arc::clone(slo));
        }
        self.sort_out_corrections();
    }

    /// Counts are kept for so long from now on, and for the longest period with a day to spare if that is more. What
    /// is older goes as time goes on.
    pub fn keep_history(&mut self, retention: TimeDelta) {
        self.settings.retention = retention;
        let longest = self.slos.values().map(|slo| slo.period.reach()).max().unwrap_or_default();
        self.ledger.retain_for(retention.max(longest + TimeDelta::DAY));
    }

    /// Nothing was listened to until now: silence before this moment says nothing of what is measured. To be called
    /// after a restart, once the log has been folded.
    pub fn resume(&mut self, now: Timestamp) {
        self.resumed_at = Some(now);
    }

    /// The clock was set back: it is looked again at once.
    pub fn clock_set_back(&mut self, now: Timestamp) {
        self.wake = self.wake.map(|wake| wake.min(now));
    }

    /// What has happened, and what is to be done about it. On replay of the log, `now` is the time of the batch.
    /// Only batches, ticks, answers and reloads have effects.
    pub fn step(&mut self, event: Event<'_>, now: Timestamp) -> Vec<Effect> {
        match event {
            Event::SeriesBorn { id, labels } => {
                self.known_metrics.hear(labels);
                self.ledger.series_born(id, labels);
                Vec::new()
            }
            Event::SeriesKnown { id, labels } => {
                self.known_metrics.hear(labels);
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
                self.ask(now, &mut effects);
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
            Event::Answer(answer) => {
                let mut effects = self.settle(now);
                effects.append(&mut self.answer(answer, now));
                effects
            }
        }
    }

    fn batch(&mut self, batch: &Batch, now: Timestamp) -> Vec<Effect> {
        let touched = self.ledger.apply(batch);
        match batch.origin {
            // History raises no alerts: whom would it help to be told of last week?
            Origin::Backfill => Vec::new(),
            // Nor is anybody told while what another store, or a sender, has kept of an outage is read: its end is told of.
            Origin::Remote { .. } | Origin::RemotePushed { .. } | Origin::Pushed
                if now - batch.at > CATCHING_UP =>
            {
                Vec::new()
            }
            Origin::Scrape { .. }
            | Origin::Rules
            | Origin::Remote { .. }
            | Origin::RemotePushed { .. }
            | Origin::Pushed => {
                let mut effects = Vec::new();
                for stream in touched {
                    self.evaluate(stream, now, &mut effects);
                }
                effects
            }
        }
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
        self.wake = self.due_first(now);
        effects
    }

    /// When to call with [`Event::Tick`] at the latest.
    pub fn next_wake(&self) -> Option<Timestamp> {
        match self.has_changed {
            true => Some(Timestamp::MIN),
            false => {
                let asked = [self.sampler.next_wake(), self.whole_thresholds.next_wake()];
                asked.into_iter().chain([self.wake]).flatten().min()
            }
        }
    }

    /// When the first of all alerts has something to say if nothing more arrives.
    fn due_first(&self, now: Timestamp) -> Option<Timestamp> {
        let resend = self.alerts.values().filter(|s| s.is_firing).map(|s| s.sent_at + RESEND_EVERY);
        let unmeasured = self.slos.values().filter_map(|slo| {
            let severities = slo.alert_severities();
            if severities.is_empty() {
                return None;
            }
            let is_told = severities.into_iter().any(|severity| {
                let alert = AlertName::NotMeasured(severity.to_owned());
                let key = AlertKey { slo: slo.id(), labels: Labels::empty(), alert };
                self.alerts.get(&key).is_some_and(|state| state.is_firing)
            });
            self.unmeasured_from(slo, now).filter(|_| !is_told).map(|due| due + TimeDelta(1))
        });
        resend.chain(unmeasured).min()
    }

    /// The objective of an identity.
    pub fn slo(&self, id: &str) -> Option<&Arc<Slo>> {
        self.slos.get(id)
    }

    /// All objectives, in order of their identities.
    pub fn objectives(&self) -> impl Iterator<Item = &Arc<Slo>> {
        self.slos.values()
    }

    /// The ledger, for reading.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}
