//! Questions and answers of the engine: due slices are asked about, and what is answered is booked and evaluated.

use std::collections::BTreeSet;

use bellwether_model::{Labels, TimeDelta, Timestamp};

use crate::alert::state::{AlertKey, AlertName, Turn};
use crate::definition::Slo;
use crate::engine::SloEngine;
use crate::event::Effect;
use crate::goal::Counts;
use crate::ledger::{StreamId, lag_allowed};
use crate::period::Stretch;
use crate::sampled::answer::judge;
use crate::sampled::question::Answer;
use crate::sampled::whole_threshold::step;
use crate::sampled::{AskCounts, Closed};

impl SloEngine {
    /// Asks about every slice that has ended.
    pub(crate) fn ask(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let ledger = &self.ledger;
        let known_until = |key: &str| ledger.everything(key).and_then(|id| ledger.watermark(id));
        let slices = self.sampler.ask(now, known_until);
        let periods = self.whole_thresholds.ask(now);
        effects.extend(slices.into_iter().chain(periods).map(Effect::Ask));
    }

    /// Books an answer, and evaluates what it made known further. History raises no alerts.
    pub(crate) fn answer(&mut self, answer: Answer, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(slo) = self.whole_thresholds.answered(answer.id, &answer.result, now) {
            self.judge_threshold(&slo, now, &mut effects);
        }
        match answer.result {
            Err(error) => self.sampler.failed(answer.id, &error, now),
            Ok(series) => {
                if let Some(closed) = self.sampler.answered(answer.id, now) {
                    let touched = self.book_slices(&closed, &series);
                    let is_present =
                        now - closed.question.last <= lag_allowed(closed.question.step) + TimeDelta::MINUTE;
                    for id in touched.into_iter().filter(|_| is_present) {
                        self.evaluate(id, now, &mut effects);
                    }
                }
            }
        }
        self.ask(now, &mut effects);
        effects
    }

    fn book_slices(
        &mut self,
        closed: &Closed,
        series: &[Vec<bellwether_promql::RangeSeries>],
    ) -> BTreeSet<StreamId> {
        let Closed { key, indicator, question } = closed;
        let measured = judge(&indicator.events, &indicator.group_by, series);
        let mut touched = BTreeSet::new();
        let mut end = question.first;
        while end <= question.last {
            let slice = Stretch { begin: end - question.step, end };
            match measured.get(&end) {
                Some(groups) => {
                    for (labels, counts) in groups {
                        touched.extend(self.ledger.book(key, labels, slice, Some(*counts)));
                    }
                }
                None => {
                    self.ledger.book(key, &Labels::empty(), slice, None);
                }
            }
            end += question.step;
        }
        touched
    }

    /// Fires or ends the alerts of a threshold without a goal. That a value was seen is booked as time measured
    /// without events, so that silence is noticed as with any other objective.
    fn judge_threshold(&mut self, slo: &Slo, now: Timestamp, effects: &mut Vec<Effect>) {
        let Some(seen) = self.whole_thresholds.seen(&slo.id()).filter(|seen| seen.value.is_some()) else {
            return;
        };
        let key = slo.indicator.key();
        if !self.sampler.asks(&key) {
            let stretch = Stretch { begin: seen.at - step(slo), end: seen.at };
            self.ledger.book(&key, &Labels::empty(), stretch, Some(Counts::default()));
        }
        for alert in &slo.threshold_alerts {
            let holds = seen.failing_since.is_some_and(|since| seen.at - since >= alert.hold);
            let alert = AlertName::Threshold(alert.name.clone());
            let key = AlertKey { slo: slo.id(), labels: Labels::empty(), alert };
            self.turn(key, Turn { holds, at: seen.at, now }, effects);
        }
        self.judge_measured(slo, now, effects);
    }

    /// What became of questions since this process started.
    pub fn ask_counts(&self) -> AskCounts {
        self.sampler.counts
    }

    /// Objectives whose queries have no answer, each with why.
    pub fn unanswered(&self) -> Vec<(String, String)> {
        if self.sampler.is_well() && self.whole_thresholds.is_well() {
            return Vec::new();
        }
        let why = |slo: &Slo| match slo.goal {
            Some(_) => self.sampler.trouble(slo),
            None => self.whole_thresholds.trouble(&slo.id()),
        };
        self.slos.values().filter_map(|slo| Some((slo.id(), why(slo)?.to_owned()))).collect()
    }
}
