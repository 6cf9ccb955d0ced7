//! Questions and answers of the engine: due slices are asked about, and what is answered is booked and evaluated.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Labels, TimeDelta, Timestamp};

use crate::definition::Slo;
use crate::engine::SloEngine;
use crate::event::Effect;
use crate::ledger::{StreamId, lag_allowed};
use crate::period::Stretch;
use crate::question::Answer;
use crate::sampled::{AskCounts, Closed};
use crate::sampled_answer::judge;

impl SloEngine {
    /// Asks about every slice that has ended.
    pub(crate) fn ask(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let ledger = &self.ledger;
        let known_until = |key: &str| ledger.everything(key).and_then(|id| ledger.watermark(id));
        effects.extend(self.sampler.ask(now, known_until).into_iter().map(Effect::Ask));
    }

    /// Books an answer, and evaluates what it made known further. History raises no alerts.
    pub(crate) fn answer(&mut self, answer: Answer, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
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

    /// What became of questions since this process started.
    pub fn ask_counts(&self) -> AskCounts {
        self.sampler.counts
    }

    /// Objectives whose queries have no answer, each with why.
    pub fn unanswered(&self) -> Vec<(String, String)> {
        let troubles: BTreeMap<&str, &str> = self.sampler.troubles().collect();
        if troubles.is_empty() {
            return Vec::new();
        }
        let why = |slo: &Slo| troubles.get(slo.indicator.by_event().key().as_str()).copied();
        self.slos.values().filter_map(|slo| Some((slo.id(), why(slo)?.to_owned()))).collect()
    }
}
