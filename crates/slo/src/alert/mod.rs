//! Which alerts fire, and when they are told of.
//!
//! Evaluation happens on arrival, for the streams a batch made known further, with windows that end at their
//! watermark. A stream of which nothing arrives is not evaluated: its alerts keep their state, and an alert of
//! the same severities says that it is not measured, since a dead server must not silence its own page.

pub(crate) mod defaults;
pub(crate) mod facts;
pub(crate) mod meaning;
pub(crate) mod slower;
pub(crate) mod state;
pub(crate) mod template;
pub(crate) mod text;
pub(crate) mod verdict;

use std::sync::Arc;

use bellwether_model::{Alert, Labels, TimeDelta, Timestamp};

use crate::alert::state::{AlertKey, AlertName, AlertState, RESEND_EVERY, Turn};
use crate::alert::text::{AlertKind, Subject, alert_annotations, alert_labels};
use crate::burn::{budget_condition, condition};
use crate::definition::Slo;
use crate::engine::SloEngine;
use crate::event::{Effect, Recalled};
use crate::ledger::{StreamId, lag_allowed};
use crate::measure::Measure;

impl SloEngine {
    /// Evaluates every alert of a stream that has just become known further.
    pub(crate) fn evaluate(&mut self, id: StreamId, now: Timestamp, effects: &mut Vec<Effect>) {
        let Some((key, labels)) = self.ledger.stream_name(id) else { return };
        let Some(at) = self.ledger.watermark(id) else { return };
        let slos = self.by_indicator.get(key).cloned().unwrap_or_default();
        for slo in slos {
            for (alert, holds) in (Measure { engine: self, slo: &slo, stream: id }).conditions() {
                let key = AlertKey { slo: slo.id(), labels: labels.clone(), alert };
                self.turn(key, Turn { holds, at, now }, effects);
            }
            if labels.is_empty() {
                self.judge_measured(&slo, now, effects);
                self.evaluate_composites(&slo, now, effects);
            }
        }
    }

    /// Whether anything of an objective is still being measured. What was never measured raises no alert.
    pub(crate) fn judge_measured(&mut self, slo: &Slo, now: Timestamp, effects: &mut Vec<Effect>) {
        let Some(due) = self.unmeasured_from(slo, now) else { return };
        let severities = slo.alert_severities();
        if !severities.is_empty() {
            self.wake_by(due + TimeDelta(1));
        }
        let Some(silent_from) = self.silent_from(slo) else { return };
        for severity in severities {
            let alert = AlertName::NotMeasured(severity.to_owned());
            let key = AlertKey { slo: slo.id(), labels: Labels::empty(), alert };
            // A restart is no sign that what was not measured before is measured now.
            let is_silent_still = now > silent_from && self.fires(&key);
            // Nor is what is taken out unmeasured.
            let is_judged = self.taken_out_since(slo, now, now).is_none();
            let holds = is_judged && (now > due || is_silent_still);
            self.turn(key, Turn { holds, at: now, now }, effects);
        }
    }

    fn fires(&self, key: &AlertKey) -> bool {
        self.alerts.get(key).is_some_and(|state| state.is_firing)
    }

    /// The last moment at which an objective still counts as measured.
    pub(crate) fn unmeasured_from(&self, slo: &Slo, now: Timestamp) -> Option<Timestamp> {
        let silent_from = self.silent_from(slo)?;
        let everything = self.ledger.everything(&slo.indicator.key())?;
        let lag = lag_allowed(self.ledger.interval(everything));
        let resumed = self.resumed_at.map(|at| at + lag);
        let due = resumed.map_or(silent_from, |resumed| resumed.max(silent_from));
        Some(self.taken_out_since(slo, due, now).map_or(due, |end| due.max(end + lag)))
    }

    /// As [`Self::unmeasured_from`], whether or not anybody was there to listen.
    fn silent_from(&self, slo: &Slo) -> Option<Timestamp> {
        let key = slo.indicator.key();
        if self.sampler.is_catching_up(slo) {
            return None; // its past is being asked for; nobody knows of the present yet
        }
        let everything = self.ledger.everything(&key)?;
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
            let burns = slo.alerts.iter().map(|alert| AlertName::Burn(alert.name.clone()));
            let budgets = slo.budget_alerts.iter().map(|alert| AlertName::Budget(alert.name.clone()));
            let thresholds =
                slo.threshold_alerts.iter().map(|alert| AlertName::Threshold(alert.name.clone()));
            let of_streams = burns
                .chain(budgets)
                .chain(thresholds)
                .flat_map(|name| [&stream, &Labels::empty()].map(|labels| (labels.clone(), name.clone())));
            let not_measured = slo
                .alert_severities()
                .into_iter()
                .map(|severity| (Labels::empty(), AlertName::NotMeasured(severity.to_owned())));
            let keys = of_streams.chain(not_measured);
            let mut keys = keys.map(|(labels, alert)| AlertKey { slo: slo.id(), labels, alert });
            let is_it = |key: &AlertKey| {
                self.subject(key).is_some_and(|(subject, _)| alert_labels(&subject) == alert.labels)
            };
            if let Some(key) = keys.find(is_it) {
                return Some(key);
            }
        }
        None
    }

    /// Moves an alert to where its condition says, and tells of it when it is news or time to repeat it.
    pub(crate) fn turn(&mut self, key: AlertKey, turn: Turn, effects: &mut Vec<Effect>) {
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
    pub(crate) fn settle(&mut self, now: Timestamp) -> Vec<Effect> {
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

    /// What an alert is about, and the stream it speaks of; `None` when no objective has it.
    fn subject<'a>(&'a self, key: &'a AlertKey) -> Option<(Subject<'a>, StreamId)> {
        let slo = self.slos.get(&key.slo)?;
        let kind = match &key.alert {
            AlertName::Burn(name) => AlertKind::Burn(slo.alerts.iter().find(|a| a.name == *name)?),
            AlertName::Budget(name) => AlertKind::Budget(slo.budget_alerts.iter().find(|a| a.name == *name)?),
            AlertName::Threshold(name) => {
                AlertKind::Threshold(slo.threshold_alerts.iter().find(|a| a.name == *name)?)
            }
            AlertName::NotMeasured(severity) => {
                AlertKind::NotMeasured { severity: slo.alert_severities().get(severity.as_str()).copied()? }
            }
        };
        let stream = self.ledger.stream_of(&slo.indicator.key(), &key.labels)?;
        Some((Subject { slo, labels: &key.labels, kind }, stream))
    }

    /// An alert as it is told.
    fn alert(&self, key: &AlertKey, starts_at: Timestamp, ends_at: Option<Timestamp>) -> Option<Alert> {
        let (subject, stream) = self.subject(key)?;
        let slo = subject.slo;
        let generator_url = match self.settings.generator_url.trim_end_matches('/') {
            "" => String::new(),
            base => format!("{base}/slos/{}", slo.id()),
        };
        let labels = alert_labels(&subject);
        let annotations = alert_annotations(&subject, &labels, &Measure { engine: self, slo, stream });
        Some(Alert { labels, annotations, starts_at, ends_at, generator_url })
    }
}

impl Measure<'_> {
    /// Which of the objective's alerts hold for this stream; without those of which nothing can be said.
    fn conditions(&self) -> Vec<(AlertName, bool)> {
        let Some(goal) = self.slo.goal else { return Vec::new() };
        let burns = self.slo.alerts.iter().filter_map(|alert| {
            let holds = condition(alert, goal, &self.alert_windows(alert)?)?;
            Some((AlertName::Burn(alert.name.clone()), holds))
        });
        // Most objectives have no such alert, and their whole period need not be looked at.
        let period = self.slo.budget_alerts.first().and_then(|_| self.period_expected());
        let budgets = self.slo.budget_alerts.iter().filter_map(|alert| {
            let holds = budget_condition(alert, goal, period.as_ref()?)?;
            Some((AlertName::Budget(alert.name.clone()), holds))
        });
        burns.chain(budgets).collect()
    }
}
