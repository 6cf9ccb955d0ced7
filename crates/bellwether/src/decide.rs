//! The task that owns decisions: it feeds the pipeline what happens, in order, and carries out what the pipeline says.
//! Records are committed before anything is sent. Nothing here waits for a query or for a receiver: both run on
//! their own and report back as events. What waits is decided in rounds, each with one commit; what receivers and
//! queries report comes before what others ask, so that a flood of alerts cannot hold back who is told of them.

use std::sync::{Arc, PoisonError, RwLock};

use bellwether_alerts::{Delivery, Event, Post};
use bellwether_model::{LogPosition, SeriesId, TimeDelta, Timestamp};
use bellwether_tsdb::Store;
use tokio::sync::{mpsc, watch};
use tracing::{debug, warn};

use crate::checkpoint::{Checkpoints, durable_series};
use crate::clock;
use crate::failpoint::{self, Step};
use crate::health::{Health, Trouble};
use crate::lanes::Lanes;
use crate::pipeline::{Input, Lookup, Outcome, Pipeline};
use crate::recorder::Recorder;
use crate::request::{Change, Request};
use crate::round::{Asked, Round};
use crate::rule_worker::RuleWorker;
use crate::senders::Senders;
use crate::slo_asker::SloAsker;
use crate::state::StateDb;
use crate::writer::Committed;

/// All that rules remember is written down at most this often; what a restart must know of a single rule is recorded
/// with the decision that follows from it.
const RULES_SAVED_EVERY: TimeDelta = TimeDelta::MINUTE;
/// How often the ledger is written down. A restart folds at most this much of the log, and a little.
const CHECKPOINT_EVERY: TimeDelta = TimeDelta::MINUTE;
/// How long a round goes on taking in what waits. Whoever asks waits for a round and a commit at most.
const ROUND_MAX: TimeDelta = TimeDelta::from_millis(10);
/// Reports and batches that one round takes before it looks at what others ask.
const REPORTS_TOGETHER: usize = 1024;
/// Nothing sleeps longer than this, so that a clock that was set back cannot put the task to sleep for a year.
const SLEEP_MAX: TimeDelta = TimeDelta(10 * TimeDelta::SECOND.0);
/// Who did not get to look for so long was not there.
const ABSENCE: TimeDelta = TimeDelta(3 * SLEEP_MAX.0);
/// Open pages are told of changes at most this often.
const SHOWN_EVERY: TimeDelta = TimeDelta::from_millis(250);

/// The store finds the labels of series.
#[derive(Clone)]
pub struct StoreLookup(pub Arc<Store>);

impl std::fmt::Debug for StoreLookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreLookup")
    }
}

impl Lookup for StoreLookup {
    fn labels(&self, id: SeriesId) -> Option<bellwether_model::Labels> {
        self.0.labels(id)
    }

    fn was_refused(&self, id: SeriesId) -> bool {
        self.0.was_refused(id)
    }
}

/// Everything the task works with.
pub struct Decider {
    /// What decides; pages read it.
    pub pipeline: Arc<RwLock<Pipeline>>,
    /// The store, for labels.
    pub store: Arc<Store>,
    /// Batches that have become durable.
    pub committed: mpsc::Receiver<Committed>,
    /// What others ask.
    pub requests: mpsc::Receiver<Request>,
    /// What deliveries and queries report.
    pub reported: mpsc::Receiver<Request>,
    /// For such reports.
    pub reports: mpsc::Sender<Request>,
    /// Where the state of rules is kept.
    pub state: Arc<StateDb>,
    /// Records decisions.
    pub recorder: Recorder,
    /// What sends.
    pub senders: Arc<Senders>,
    /// How many messages are sent at once.
    pub lanes: Lanes,
    /// What evaluates rules.
    pub rules: RuleWorker,
    /// What answers the questions of objectives.
    pub asker: SloAsker,
    /// Where the ledger is written down.
    pub checkpoints: Checkpoints,
    /// Where the ledger stands in the log.
    pub position: LogPosition,
    /// Whether what rules remember has changed since it was written down.
    pub rules_changed: bool,
    /// When it was last written down.
    pub rules_saved_at: Timestamp,
    /// What keeps alerts from people.
    pub health: Arc<Health>,
    /// Counts changes, for pages that are open.
    pub changes: watch::Sender<u64>,
    /// Whether open pages have been told of the last change.
    pub shown: Shown,
    /// When they were last told.
    pub shown_at: Timestamp,
}

/// Whether open pages show what is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// They do.
    Fresh,
    /// Something changed since they were told.
    Stale,
}

/// A change of the pipeline, and who waits for it.
type Asking = (Change, tokio::sync::oneshot::Sender<()>);

impl Decider {
    /// Runs until all senders of batches and requests are gone or `stop` changes; then writes the ledger down.
    pub async fn run(mut self, backlog: Outcome, mut stop: watch::Receiver<bool>) {
        let mut round = Round::default();
        round.add(backlog);
        self.carry_out(round).await;
        self.rules_changed = true;
        self.save_rules(TimeDelta::ZERO).await;
        let mut checkpoint_due = clock::now() + CHECKPOINT_EVERY;
        let mut looked_at = clock::now();
        let mut ahead = Round::default();
        loop {
            let now = clock::now();
            if now - looked_at > ABSENCE {
                // The machine slept, or the clock jumped: nothing was scraped, which is not the targets' fault.
                let mut pipeline = self.pipeline.write().unwrap_or_else(PoisonError::into_inner);
                pipeline.slo.resume(now);
            }
            if looked_at - now > ABSENCE {
                let mut pipeline = self.pipeline.write().unwrap_or_else(PoisonError::into_inner);
                pipeline.clock_set_back(looked_at - now, now);
            }
            looked_at = now;
            let mut round = std::mem::take(&mut ahead);
            let is_ahead = round.has_decided;
            // What is due of groups was decided already, or a part of it, which is enough for one round.
            let wake = self.read(|pipeline| match is_ahead {
                true => pipeline.next_wake_of_sources(),
                false => pipeline.next_wake(),
            });
            let wake = wake.unwrap_or(Timestamp::MAX);
            if wake <= now {
                // Before more input, so that a flood of it cannot hold back a notification.
                round.add(self.step(Input::Tick));
            }
            let shown_due =
                if self.shown == Shown::Stale { self.shown_at + SHOWN_EVERY } else { Timestamp::MAX };
            let sleep_until = match round.has_decided {
                true => now,
                false => wake.min(shown_due).clamp(now, checkpoint_due.min(now + SLEEP_MAX).max(now)),
            };
            let (mut change, mut ends) = (None, false);
            tokio::select! {
                biased;
                _ = stop.changed() => ends = true,
                report = self.reported.recv() => change = report.and_then(|r| self.take_in(r, &mut round)),
                committed = self.committed.recv() => match committed {
                    Some(committed) => self.take(&committed, &mut round),
                    None => ends = true,
                },
                request = self.requests.recv() => match request {
                    Some(request) => change = self.take_in(request, &mut round),
                    None => ends = true,
                },
                () = clock::sleep_until(sleep_until) => {}
            }
            if change.is_none() && !ends {
                change = self.take_waiting(&mut round);
            }
            let checkpoint_in = checkpoint_due - clock::now();
            // Also when the clock was set back: the next one is never further away than its interval.
            let is_checkpoint_due = checkpoint_in <= TimeDelta::ZERO || checkpoint_in > CHECKPOINT_EVERY;
            // A change and what is written down of the other cores come when everything decided is recorded.
            match change.is_some() || ends || is_checkpoint_due {
                true => self.carry_out(round).await,
                false => ahead = self.carry_out_and_go_on(round).await,
            }
            if ends {
                break;
            }
            if let Some((change, done)) = change {
                self.change(change).await;
                let _ = done.send(());
            }
            self.show_changes();
            self.recorder.again().await;
            self.save_rules(RULES_SAVED_EVERY).await;
            if is_checkpoint_due {
                self.checkpoint().await;
                checkpoint_due = clock::now() + CHECKPOINT_EVERY;
            }
        }
        self.drain().await;
        self.recorder.finish().await;
        self.save_rules(TimeDelta::ZERO).await;
        self.checkpoint().await;
    }

    /// Writes down what the rules remember, unless that was done less than `pause` ago.
    async fn save_rules(&mut self, pause: TimeDelta) {
        let now = clock::now();
        let since = now - self.rules_saved_at;
        // Records that still wait would otherwise be taken for newer than what is written down here.
        let is_early = (TimeDelta::ZERO..pause).contains(&since) || !self.recorder.is_well();
        if !self.rules_changed || is_early {
            return;
        }
        self.rules_saved_at = now;
        let rules = self.read(|pipeline| pipeline.rules.snapshot());
        match self.state.save_rules(&rules).await {
            Ok(()) => {
                self.rules_changed = false;
                self.health.clear(Trouble::State);
            }
            Err(why) => {
                self.health.report(Trouble::State, format!("the state of rules cannot be recorded: {why}"))
            }
        }
    }

    /// What has become durable but was not yet counted when the order to stop came.
    async fn drain(&mut self) {
        let mut round = Round::default();
        while let Ok(committed) = self.committed.try_recv() {
            self.take(&committed, &mut round);
        }
        self.carry_out(round).await;
    }

    fn read<T>(&self, look: impl FnOnce(&Pipeline) -> T) -> T {
        look(&self.pipeline.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn step(&self, input: Input<'_>) -> Outcome {
        self.pipeline.write().unwrap_or_else(PoisonError::into_inner).step(input, clock::now())
    }

    /// Takes in what waits by now: reports and batches first, then what others ask, for as long as a round may take.
    /// A change of the pipeline ends the round: it is made between two.
    fn take_waiting(&mut self, round: &mut Round) -> Option<Asking> {
        let began = clock::now();
        for _ in 0..REPORTS_TOGETHER {
            let Ok(report) = self.reported.try_recv() else { break };
            if let Some(change) = self.take_in(report, round) {
                return Some(change);
            }
        }
        for _ in 0..REPORTS_TOGETHER {
            let Ok(committed) = self.committed.try_recv() else { break };
            self.take(&committed, round);
        }
        // Also when the clock was set back.
        while (TimeDelta::ZERO..ROUND_MAX).contains(&(clock::now() - began)) {
            let Ok(request) = self.requests.try_recv() else { break };
            if let Some(change) = self.take_in(request, round) {
                return Some(change);
            }
        }
        None
    }

    fn take(&mut self, committed: &Committed, round: &mut Round) {
        let labels = StoreLookup(self.store.clone());
        round.add(self.step(Input::Batch { batch: &committed.batch, labels: &labels }));
        self.position = committed.position;
    }

    /// Decides what follows from one request; gives it back if it asks for a change of the pipeline itself.
    fn take_in(&mut self, request: Request, round: &mut Round) -> Option<Asking> {
        match request {
            Request::Alerts(event, asked) => {
                let answer = round.add(self.step(Input::Alerts(event)));
                let answer = answer.ok_or_else(|| "no answer".to_owned());
                round.asked.extend(asked.map(|asked| Asked::Alerts(asked, answer)));
            }
            Request::Rules(event) => _ = round.add(self.step(Input::Rules(event))),
            Request::Answer(answer) => {
                round.add(self.step(Input::Answer(answer)));
                round.questions_answered = true;
            }
            Request::Posted(id, what) => {
                round.add(self.step(Input::Posted(id, what)));
                round.posts_answered = true;
            }
            Request::Correct(event, asked) => {
                let (corrected, outcome) = {
                    let mut pipeline = self.pipeline.write().unwrap_or_else(PoisonError::into_inner);
                    pipeline.correct(event, clock::now())
                };
                round.add(outcome);
                round.asked.push(Asked::Correction(asked, corrected));
            }
            Request::Change(change, done) => return Some((change, done)),
        }
        None
    }

    /// Changes the pipeline itself: a new configuration.
    async fn change(&mut self, change: Change) {
        let mut round = Round::default();
        round.add({
            let mut pipeline = self.pipeline.write().unwrap_or_else(PoisonError::into_inner);
            (change.0)(&mut pipeline, clock::now())
        });
        self.judge_hand_over();
        self.carry_out(round).await;
        // Changes are recorded by a rule's place, which is another one now.
        self.rules_changed = true;
        self.save_rules(TimeDelta::ZERO).await;
        self.checkpoint().await;
        // Whoever asked for it sees it when answered.
        self.shown_at = Timestamp::default();
        self.show_changes();
        self.tell_unanswered(); // whoever had none may be gone
    }

    /// Says whose questions have no answer: such an objective cannot page anyone.
    fn tell_unanswered(&self) {
        let unanswered = self.read(|pipeline| pipeline.slo.unanswered());
        match unanswered.first() {
            None => self.health.clear(Trouble::Objectives),
            Some((slo, why)) => {
                let others = match unanswered.len() {
                    1 => String::new(),
                    all => format!(" (and {} others)", all - 1),
                };
                let sentence = format!("queries of objective {slo}{others} have no answer: {why}");
                self.health.report(Trouble::Objectives, sentence);
            }
        }
    }

    /// Record, answer, then everything else.
    async fn carry_out(&mut self, mut round: Round) {
        if round.has_decided {
            failpoint::here(Step::Decided);
            let recorded = self.recorder.record(std::mem::take(&mut round.decided)).await;
            self.follow(round, &recorded);
        }
    }

    /// The same. While it is being recorded it is decided on the next of the groups that are due: the beginning of the
    /// next round.
    async fn carry_out_and_go_on(&mut self, mut round: Round) -> Round {
        if !round.has_decided {
            return Round::default();
        }
        failpoint::here(Step::Decided);
        let Self { recorder, pipeline, .. } = &mut *self;
        let next = async {
            // Recording begins first.
            tokio::task::yield_now().await;
            Round::of_due_groups(pipeline, clock::now())
        };
        let (recorded, next) = tokio::join!(recorder.record(std::mem::take(&mut round.decided)), next);
        self.follow(round, &recorded);
        next
    }

    /// What follows from a round once it is recorded, or could not be.
    fn follow(&mut self, round: Round, recorded: &Result<(), String>) {
        failpoint::here(Step::Recorded);
        for asked in round.asked {
            asked.tell(recorded);
            failpoint::here(Step::Answered);
        }
        if let Err(why) = recorded
            && !round.deliveries.is_empty()
        {
            // Telling people twice after a crash is better than not telling them at all.
            warn!(deliveries = round.deliveries.len(), %why, "sending without a record");
        }
        for delivery in round.deliveries {
            self.send(delivery);
        }
        for post in round.posts {
            self.hand_over(post);
        }
        for work in round.work {
            self.rules.start(work, self.reports.clone());
        }
        self.asker.start(round.questions, &self.reports);
        self.rules_changed |= round.rules_changed;
        if round.questions_answered {
            self.tell_unanswered();
        }
        if round.posts_answered {
            self.judge_hand_over();
        }
        self.shown = Shown::Stale;
    }

    /// Tells open pages that something changed, but not more often than a person can look.
    fn show_changes(&mut self) {
        let now = clock::now();
        if self.shown == Shown::Stale && now - self.shown_at >= SHOWN_EVERY {
            self.changes.send_modify(|number| *number += 1);
            (self.shown, self.shown_at) = (Shown::Fresh, now);
        }
    }

    fn send(&mut self, delivery: Delivery) {
        let (senders, reports) = (self.senders.clone(), self.reports.clone());
        let lane = self.lanes.of(&delivery.integration);
        // Every one of them is in the ledger; a log line for each would cost as much as sending it.
        debug!(
            key = %delivery.key,
            to = %delivery.integration,
            group = %delivery.notification.group,
            reason = delivery.reason.as_str(),
            attempt = delivery.attempt,
            "delivering"
        );
        tokio::spawn(async move {
            let _turn = lane.acquire_owned().await; // lanes are never closed
            let key = delivery.key.clone();
            failpoint::here(Step::Sending);
            let outcome = senders.send(delivery).await;
            failpoint::here(Step::Heard);
            let _ = reports.send(Request::Alerts(Event::Delivered { delivery: key, outcome }, None)).await;
            failpoint::here(Step::Reported);
        });
    }

    /// Whoever is not told of alerts is seen on every page.
    fn judge_hand_over(&self) {
        match self.read(|pipeline| pipeline.hand_over.trouble()) {
            Some(trouble) => self.health.report(Trouble::HandOver, trouble),
            None => self.health.clear(Trouble::HandOver),
        }
    }

    fn hand_over(&self, post: Post) {
        let (senders, reports) = (self.senders.clone(), self.reports.clone());
        tokio::spawn(async move {
            let what = senders.cluster.post(&post).await;
            let _ = reports.send(Request::Posted(post.id, what)).await;
        });
    }

    /// Writes the ledger down. It is encoded under the lock; nobody but this task waits for the disk.
    async fn checkpoint(&mut self) {
        let store = self.store.clone();
        let durable = blocking(move || Ok(durable_series(&store))).await.unwrap_or_default();
        let draft = {
            let mut pipeline = self.pipeline.write().unwrap_or_else(PoisonError::into_inner);
            pipeline.announce_born(durable, &StoreLookup(self.store.clone()));
            self.checkpoints.draft(&mut pipeline.slo, self.position)
        };
        match blocking(move || draft.write().map(|()| draft)).await {
            Ok(draft) => {
                self.checkpoints.written(&draft);
                self.store.release(self.position);
                self.health.clear(Trouble::Checkpoint);
            }
            Err(error) => {
                self.health.report(Trouble::Checkpoint, format!("the ledger cannot be written down: {error}"))
            }
        }
    }
}

/// Runs what waits for the disk where it holds up no other task.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}
