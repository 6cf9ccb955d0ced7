//! What one round of decisions comes to. All that waits is decided together and recorded with one commit, because a
//! commit costs as much as thousands of decisions; only then is anybody answered and anything sent.

use std::sync::{PoisonError, RwLock};

use bellwether_alerts::{Answer, Delivery, Event, Post};
use bellwether_model::Timestamp;
use bellwether_slo::Question;
use tokio::sync::oneshot;

use crate::pipeline::{Input, Outcome, Pipeline, Work};
use crate::request::Corrected;
use crate::state::Decided;

/// What follows from a round, in this order: commit, answer, then everything else.
#[derive(Debug, Default)]
pub struct Round {
    /// Whether anything was decided at all.
    pub has_decided: bool,
    /// What is to be written down.
    pub decided: Decided,
    /// Who waits for an answer.
    pub asked: Vec<Asked>,
    /// Messages to send.
    pub deliveries: Vec<Delivery>,
    /// Requests to Alertmanagers.
    pub posts: Vec<Post>,
    /// What rules ask for, each group's on its own.
    pub work: Vec<Work>,
    /// What objectives ask.
    pub questions: Vec<Question>,
    /// Whether what rules remember may have changed.
    pub rules_changed: bool,
    /// Whether a question of an objective was answered.
    pub questions_answered: bool,
    /// Whether an Alertmanager took something or refused it.
    pub posts_answered: bool,
}

/// Somebody waits, and will be told this once it is recorded.
#[derive(Debug)]
pub enum Asked {
    /// For an answer of the alerts.
    Alerts(oneshot::Sender<Result<Answer, String>>, Result<Answer, String>),
    /// For what became of a correction.
    Correction(oneshot::Sender<Result<Corrected, String>>, Corrected),
}

impl Round {
    /// What follows for groups that are due. The other cores stay as they are, so that what is written down of them
    /// does not run ahead of the records.
    pub fn of_due_groups(pipeline: &RwLock<Pipeline>, now: Timestamp) -> Self {
        let mut round = Self::default();
        let wake = pipeline.read().unwrap_or_else(PoisonError::into_inner).alerts.next_wake();
        if wake.is_some_and(|wake| wake <= now) {
            let mut pipeline = pipeline.write().unwrap_or_else(PoisonError::into_inner);
            round.add(pipeline.step(Input::Alerts(Event::Tick), now));
        }
        round
    }

    /// Adds what follows from one step; gives its answer.
    pub fn add(&mut self, outcome: Outcome) -> Option<Answer> {
        let Outcome {
            records,
            rule_changes,
            corrections,
            answer,
            deliveries,
            posts,
            rule_work,
            rules_changed,
            questions,
        } = outcome;
        self.has_decided = true;
        self.decided.append(Decided { records, rules: rule_changes, corrections });
        self.deliveries.extend(deliveries);
        self.posts.extend(posts);
        if !(rule_work.results.is_empty() && rule_work.queries.is_empty()) {
            self.work.push(rule_work);
        }
        self.questions.extend(questions);
        self.rules_changed |= rules_changed;
        answer
    }
}

impl Asked {
    /// Tells whoever waits. What could not be recorded is not said to be done.
    pub fn tell(self, recorded: &Result<(), String>) {
        // Whoever went away meanwhile needs no answer.
        match self {
            Self::Alerts(asked, answer) => _ = asked.send(recorded.clone().and(answer)),
            Self::Correction(asked, corrected) => _ = asked.send(recorded.clone().map(|()| corrected)),
        }
    }
}
