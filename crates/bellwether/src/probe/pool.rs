//! One task per target of a probe, each on a grid of its own that follows from its labels. An attempt that hangs holds
//! up nobody: its time is bounded, and so is how many are under way at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bellwether_model::{Batch, Labels, Timestamp};
use bellwether_tsdb::Store;
use bellwether_web::view::{CheckVerdict, CheckView, PhaseView, ProbeView, TargetHealth};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::attempt::{Attempt, Check, Outcome, Verdict, delta};
use super::definition::{Probe, Target};
use super::run::run;
use super::series::ProbeSeries;
use crate::clock;
use crate::scrape::schedule::Schedule;
use crate::target_tasks::{Stop, TargetTask, TargetTasks};
use crate::writer::WriterHandle;

/// Attempts under way at once; more wait for their turn.
const CONCURRENCY_MAX: usize = 512;

/// All probes that are being tried.
pub struct ProbePool {
    store: Arc<Store>,
    writer: WriterHandle,
    turns: Arc<Semaphore>,
    running: TargetTasks<Assignment, Shown, ProbeSeries>,
}

/// What identifies a running task: if any of it changes, the task is replaced.
#[derive(Clone, Debug, PartialEq)]
struct Assignment {
    /// Without its targets: adding one must not restart the others.
    probe: Arc<Probe>,
    target: Target,
}

type Shown = Arc<Mutex<ProbeView>>;

impl ProbePool {
    /// Without probes yet.
    pub fn new(store: Arc<Store>, writer: WriterHandle) -> Self {
        let turns = Arc::new(Semaphore::new(CONCURRENCY_MAX));
        Self { store, writer, turns, running: TargetTasks::default() }
    }

    /// Tries these from now on. What stays as it is keeps its task; what is no longer wanted says goodbye.
    pub fn assign(&self, probes: &[Probe]) {
        let mut wanted = BTreeMap::new();
        for probe in probes {
            let settings = Arc::new(Probe { targets: Vec::new(), span: None, ..probe.clone() });
            for target in &probe.targets {
                let assignment = Assignment { probe: settings.clone(), target: target.clone() };
                wanted.insert(target.labels.clone(), assignment);
            }
        }
        self.running.assign(wanted, |assignment, before| self.start(assignment, before));
    }

    fn start(
        &self,
        assignment: Assignment,
        before: Option<JoinHandle<ProbeSeries>>,
    ) -> TargetTask<Assignment, Shown, ProbeSeries> {
        let view = Arc::new(Mutex::new(initial_view(&assignment)));
        let (stop, stopped) = watch::channel(Stop::No);
        let Assignment { probe, target } = &assignment;
        let prober = Prober {
            store: self.store.clone(),
            writer: self.writer.clone(),
            turns: self.turns.clone(),
            series: ProbeSeries::new(target.labels.clone(), probe.interval),
            forgettings: 0,
            schedule: Schedule::new(&target.labels, probe.interval),
            assignment: assignment.clone(),
            view: view.clone(),
        };
        info!(probe = %probe.name, target = %target.address, interval = %probe.interval, "probing");
        let task = tokio::spawn(async move {
            let mut prober = prober;
            if let Some(before) = before
                && let Ok(series) = before.await
            {
                prober.series.succeed(series);
            }
            prober.run(stopped).await
        });
        TargetTask { assignment, shown: view, stop, task }
    }

    /// How every target of every probe does, in order of their labels.
    pub fn views(&self) -> Vec<ProbeView> {
        let view = |view: &Shown| view.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut views = self.running.map(|_, shown| view(shown));
        views.sort_by(|a, b| (&a.probe, &a.instance).cmp(&(&b.probe, &b.instance)));
        views
    }

    /// Stops. No goodbyes are said: after a restart the same probes go on.
    pub fn stop(&self) {
        self.running.stop();
    }
}

fn initial_view(assignment: &Assignment) -> ProbeView {
    let Assignment { probe, target } = assignment;
    ProbeView {
        probe: probe.name.clone(),
        kind: probe.ask.as_str().to_owned(),
        target: target.address.clone(),
        instance: target.labels.value_or_empty("instance").to_owned(),
        labels: target.labels.clone(),
        health: TargetHealth::Unknown,
        last_at: None,
        last_duration: None,
        last_error: String::new(),
        reason: String::new(),
        attempts: 0,
        failures: 0,
        phases: Vec::new(),
        checks: Vec::new(),
        certificate_ends_at: None,
        interval: probe.interval,
        timeout: probe.timeout,
    }
}

/// The task of one target.
struct Prober {
    store: Arc<Store>,
    writer: WriterHandle,
    turns: Arc<Semaphore>,
    series: ProbeSeries,
    /// How often the store had forgotten series when it was asked last.
    forgettings: u64,
    schedule: Schedule,
    assignment: Assignment,
    view: Shown,
}

impl Prober {
    async fn run(mut self, mut stopped: watch::Receiver<Stop>) -> ProbeSeries {
        let begun = clock::now();
        let first = self.resolved(|series, resolve| series.begin(begun, resolve));
        if let Some(trouble) = self.write(first).await {
            self.report(begun, None, trouble);
        }
        let mut due = self.schedule.next_after(begun);
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.schedule.wait(due, clock::now()).to_std()) => self.attempt(due).await,
                _ = stopped.changed() => break,
            }
            due = self.schedule.next(due, clock::now());
        }
        if *stopped.borrow() != Stop::HandOver {
            let at = clock::now();
            let last = self.resolved(|series, resolve| series.farewell(at, resolve));
            self.write(last).await;
        }
        self.series
    }

    async fn attempt(&mut self, due: Timestamp) {
        let turns = self.turns.clone();
        let _turn = turns.acquire().await;
        let at = self.schedule.stamp(due, clock::now());
        let Assignment { probe, target } = self.assignment.clone();
        match run(&probe, &target).await {
            Outcome::Tried(attempt) => {
                let batch = self.resolved(|series, resolve| series.take(at, &probe.ask, &attempt, resolve));
                let trouble = self.write(batch).await;
                let why = trouble.unwrap_or_else(|| attempt.why());
                self.report(at, Some(&attempt), why);
            }
            Outcome::NotTried(why) => {
                let batch = self.resolved(|series, resolve| series.miss(at, resolve));
                self.write(batch).await;
                self.report(at, None, format!("not tried: {why}"));
            }
        }
    }

    fn resolved(
        &mut self,
        make: impl FnOnce(&mut ProbeSeries, &mut super::series::Resolve<'_>) -> Result<Batch, String>,
    ) -> Result<Batch, String> {
        let forgettings = self.store.forgettings();
        if forgettings != self.forgettings {
            self.forgettings = forgettings;
            self.series.ask_anew();
        }
        let store = &self.store;
        let mut resolve = |labels: &Labels| store.own_series(labels).map_err(|error| error.to_string());
        make(&mut self.series, &mut resolve)
    }

    /// Says why it could not be stored, if so.
    async fn write(&self, batch: Result<Batch, String>) -> Option<String> {
        let written = match batch {
            Ok(batch) => self.writer.append(batch).await.map(|_| ()),
            Err(why) => Err(why),
        };
        written.err().map(|why| format!("tried, but not stored: {why}"))
    }

    fn report(&self, at: Timestamp, attempt: Option<&Attempt>, why: String) {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        if !why.is_empty() && view.last_error != why {
            warn!(probe = %view.probe, target = %view.target, %why, "probe failed");
        }
        view.health = match attempt {
            Some(_) if why.is_empty() => TargetHealth::Up,
            Some(_) => TargetHealth::Down,
            None => TargetHealth::Unknown,
        };
        view.reason =
            attempt.and_then(Attempt::reason).map_or_else(String::new, |reason| reason.as_str().to_owned());
        view.last_at = Some(at);
        view.last_duration = attempt.map(|attempt| delta(attempt.took));
        view.last_error = why;
        (view.attempts, view.failures) = (self.series.attempts(), self.series.failures());
        view.phases = attempt.map(phase_views).unwrap_or_default();
        view.checks = attempt.map(check_views).unwrap_or_default();
        view.certificate_ends_at = attempt.and_then(|attempt| attempt.facts.certificate_ends);
    }
}

fn phase_views(attempt: &Attempt) -> Vec<PhaseView> {
    let view = |(phase, took): &(super::Phase, std::time::Duration)| PhaseView {
        phase: phase.as_str().to_owned(),
        seconds: took.as_secs_f64(),
    };
    attempt.phases.iter().map(view).collect()
}

/// What was expected and found, as pages and the command line show it.
pub fn check_views(attempt: &Attempt) -> Vec<CheckView> {
    let view = |check: &Check| CheckView {
        expected: check.expected.clone(),
        found: check.found.clone(),
        verdict: match check.verdict {
            Verdict::Met => CheckVerdict::Met,
            Verdict::Unmet(_) => CheckVerdict::Unmet,
            Verdict::NotReached => CheckVerdict::NotReached,
        },
    };
    attempt.checks.iter().map(view).collect()
}
