//! Scraping: one task per target fetches on the target's own grid, turns the answer into a batch, and hands it to
//! the writer. A target that hangs or lies delays and harms nobody but itself, and says so on its own line.

pub mod cache;
pub mod classic_to_native;
pub mod counts;
pub mod created;
mod failure_kinds;
mod failure_log;
pub mod fetch;
pub mod metadata;
mod native_limits;
pub mod protocol;
mod reading;
pub mod schedule;
pub mod seen_series;
pub mod series_rules;
pub mod target;
mod target_url;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bellwether_model::{Labels, SeriesId, TimeDelta, Timestamp};
use bellwether_tsdb::{AppendError, Store};
use bellwether_web::view::{ScrapePoolView, TargetHealth, TargetMetadata, TargetView};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::clock;
use crate::config::prometheus::{ScrapeJob, TargetGroup};
use crate::exemplars::Exemplars;
use crate::health::{Health, Trouble};
use crate::http::client::Client;
use crate::target_tasks::{Stop, TargetTask, TargetTasks};
use crate::writer::WriterHandle;
use cache::{LimitKind, Scraped, TargetCache, Unresolved, Whose};
use counts::ScrapeCounts;
use failure_kinds::FailureKinds;
use fetch::{FetchError, Request};
use metadata::Metadata;
use schedule::Schedule;
use target::{Target, Targets};

/// A job, and the targets that were found for it.
#[derive(Clone, Debug)]
pub struct JobTargets {
    /// The job.
    pub job: Arc<ScrapeJob>,
    /// What was found, in order.
    pub groups: Vec<TargetGroup>,
}

/// What identifies a running task: if any of it changes, the task is replaced.
#[derive(Clone, Debug)]
struct Assignment {
    /// Its settings, with the target's own interval and timeout, and without what only matters to other targets.
    job: Arc<ScrapeJob>,
    url: String,
    labels: Labels,
    /// Connections of all targets of the job.
    http: Arc<Client>,
}

impl PartialEq for Assignment {
    fn eq(&self, other: &Self) -> bool {
        // The job says how a target is reached, so that connections need not be compared.
        self.url == other.url && self.labels == other.labels && self.job == other.job
    }
}

/// All targets that are being scraped.
pub struct ScrapePool {
    store: Arc<Store>,
    writer: WriterHandle,
    health: Arc<Health>,
    exemplars: Arc<Exemplars>,
    running: TargetTasks<Assignment, Shown, TargetCache>,
    jobs: Mutex<BTreeMap<String, Job>>,
    counts: Arc<ScrapeCounts>,
    retention_ms: Arc<AtomicI64>,
}

/// What is known of a job besides its running tasks.
struct Job {
    job: Arc<ScrapeJob>,
    http: Arc<Client>,
    /// Why none of its targets is scraped.
    refused: Arc<Mutex<Option<String>>>,
    dropped: Vec<Labels>,
    dropped_count: u64,
}

/// What is seen of a target while it is scraped.
struct Shown {
    view: Arc<Mutex<TargetView>>,
    metadata: Arc<Mutex<Metadata>>,
}

impl ScrapePool {
    /// Without targets yet.
    pub fn new(
        store: Arc<Store>,
        writer: WriterHandle,
        health: Arc<Health>,
        exemplars: Arc<Exemplars>,
    ) -> Self {
        let (running, jobs, counts) = (TargetTasks::default(), Mutex::default(), Arc::default());
        let retention_ms = Arc::new(AtomicI64::new(i64::MAX));
        Self { store, writer, health, exemplars, running, jobs, counts, retention_ms }
    }

    /// Leaves out from now on what is older than this by its own time. The store does so too, but only from its next
    /// housekeeping on.
    pub fn set_retention(&self, retention: TimeDelta) {
        self.retention_ms.store(retention.0, Ordering::Relaxed);
    }

    /// Scrapes these jobs from now on. Targets that stay as they are keep their task; those no longer wanted say
    /// goodbye, so that their series end.
    pub fn assign(&self, jobs: &[JobTargets]) {
        let mut known = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *known);
        let (mut wanted, mut shown, mut trouble) = (BTreeMap::new(), Vec::new(), Vec::new());
        for JobTargets { job, groups } in jobs {
            let targets = Targets::of(job, groups);
            let settled = Job::settle(job, &targets, before.remove(&job.name));
            self.counts.synced(&job.name, targets.failures.len() as u64);
            trouble.extend(targets.failures.iter().map(|why| format!("a target of {}, {why}", job.name)));
            if settled.is_over_limit() {
                self.counts.exceeded_target_limit();
            }
            let settings = Arc::new(job.for_one_target(job.interval, job.timeout));
            for target in targets.active {
                let Target { url, labels, discovered, interval, timeout } = target;
                let is_usual = (interval, timeout) == (job.interval, job.timeout);
                let settings =
                    if is_usual { settings.clone() } else { Arc::new(job.for_one_target(interval, timeout)) };
                let assignment =
                    Assignment { job: settings, url, labels: labels.clone(), http: settled.http.clone() };
                shown.push((labels.clone(), discovered));
                if wanted.insert(labels.clone(), assignment).is_some() {
                    let hint = "several targets have these labels, only the last of them is scraped";
                    trouble.push(format!("{hint}; give each a label of its own: {labels}"));
                }
            }
            known.insert(job.name.clone(), settled);
        }
        let refused: BTreeMap<String, _> =
            known.iter().map(|(name, job)| (name.clone(), job.refused.clone())).collect();
        drop(known);
        match trouble.is_empty() {
            true => self.health.clear(Trouble::Targets),
            false => self.health.report(Trouble::Targets, not_scraped(&trouble)),
        }
        self.running.assign(wanted, |assignment, before| self.start(assignment, &refused, before));
        let shown: BTreeMap<Labels, Labels> = shown.into_iter().collect();
        self.running.map(|labels, seen| {
            // What else is known of a target may change while it stays the same.
            if let Some(discovered) = shown.get(labels) {
                let mut view = seen.view.lock().unwrap_or_else(PoisonError::into_inner);
                if view.discovered_labels != *discovered {
                    view.discovered_labels = discovered.clone();
                }
            }
        });
    }

    fn start(
        &self,
        assignment: Assignment,
        refused: &BTreeMap<String, Arc<Mutex<Option<String>>>>,
        before: Option<JoinHandle<TargetCache>>,
    ) -> TargetTask<Assignment, Shown, TargetCache> {
        let view = Arc::new(Mutex::new(initial_view(&assignment)));
        let metadata = Arc::<Mutex<Metadata>>::default();
        let (stop, stopped) = tokio::sync::watch::channel(Stop::No);
        let scraper = Scraper {
            store: self.store.clone(),
            writer: self.writer.clone(),
            exemplars: self.exemplars.clone(),
            counts: self.counts.clone(),
            cache: TargetCache::new(&assignment.job, assignment.labels.clone()),
            schedule: Schedule::new(&assignment.labels, assignment.job.interval),
            forgettings: 0,
            failures: FailureKinds::default(),
            retention_ms: self.retention_ms.clone(),
            accept: protocol::accept(&assignment.job.formats.protocols, assignment.job.escaping),
            body_bytes: 0,
            refused: refused.get(&assignment.job.name).cloned().unwrap_or_default(),
            assignment: assignment.clone(),
            view: view.clone(),
            metadata: metadata.clone(),
        };
        info!(target = %assignment.url, interval = %assignment.job.interval, "scraping");
        let task = tokio::spawn(async move {
            let mut scraper = scraper;
            if let Some(before) = before
                && let Ok(cache) = before.await
            {
                scraper.cache.succeed(cache);
            }
            scraper.run(stopped).await
        });
        TargetTask { assignment, shown: Shown { view, metadata }, stop, task }
    }

    /// How every target does, in order of job and labels.
    pub fn views(&self) -> Vec<TargetView> {
        let view = |shown: &Shown| shown.view.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.running.map(|_, shown| view(shown))
    }

    /// The jobs, by name. Where their targets are found is not known here.
    pub fn pools(&self) -> Vec<ScrapePoolView> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let view = |job: &Job| ScrapePoolView {
            job: job.job.name.clone(),
            dropped: job.dropped.clone(),
            dropped_count: job.dropped_count,
            discoveries: Vec::new(),
        };
        jobs.values().map(view).collect()
    }

    /// What became of scrapes that broke a limit.
    pub fn counts(&self) -> &ScrapeCounts {
        &self.counts
    }

    /// What every target says of its metrics, in order of job and labels.
    pub fn metadata(&self) -> Vec<TargetMetadata> {
        self.running.map(|labels, shown| TargetMetadata {
            target: labels.clone(),
            metrics: shown.metadata.lock().unwrap_or_else(PoisonError::into_inner).views(),
        })
    }

    /// Whether some target says that a metric is a gauge.
    pub fn is_gauge(&self, name: &str) -> bool {
        let says =
            |shown: &Shown| shown.metadata.lock().unwrap_or_else(PoisonError::into_inner).is_gauge(name);
        self.running.any(says)
    }

    /// Stops scraping. No goodbyes are said: after a restart the same targets go on.
    pub fn stop(&self) {
        self.running.stop();
    }
}

/// Reasons that a sentence lists; there may be one for each of thousands of targets.
const REASONS_MAX: usize = 5;

fn not_scraped(trouble: &[String]) -> String {
    let more = trouble.len().saturating_sub(REASONS_MAX);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let listed = &trouble[..trouble.len().min(REASONS_MAX)];
    format!("some targets are not scraped: {}{more}", listed.join("; "))
}

impl Job {
    /// With what is found of a job now; connections are kept while nothing about them changes.
    fn settle(job: &Arc<ScrapeJob>, targets: &Targets, before: Option<Self>) -> Self {
        let (http, refused) = match before {
            Some(before) if before.job.http == job.http => (before.http, before.refused),
            Some(before) => (Arc::new(Client::for_reading(job.http.clone())), before.refused),
            None => (Arc::new(Client::for_reading(job.http.clone())), Arc::default()),
        };
        let (found, limit) = (targets.active.len() as u64, job.limits.targets);
        let why = (limit > 0 && found > limit)
            .then(|| format!("target_limit exceeded (number of targets: {found}, limit: {limit})"));
        *refused.lock().unwrap_or_else(PoisonError::into_inner) = why;
        Self {
            job: job.clone(),
            http,
            refused,
            dropped: targets.dropped.clone(),
            dropped_count: targets.dropped_count,
        }
    }

    fn is_over_limit(&self) -> bool {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

fn initial_view(assignment: &Assignment) -> TargetView {
    TargetView {
        job: assignment.job.name.clone(),
        url: assignment.url.clone(),
        labels: assignment.labels.clone(),
        discovered_labels: Labels::empty(),
        health: TargetHealth::Unknown,
        last_scrape_at: None,
        last_duration: None,
        last_samples: None,
        last_error: String::new(),
        note: String::new(),
        interval: assignment.job.interval,
        timeout: assignment.job.timeout,
    }
}

/// The task of one target.
struct Scraper {
    store: Arc<Store>,
    writer: WriterHandle,
    exemplars: Arc<Exemplars>,
    counts: Arc<ScrapeCounts>,
    cache: TargetCache,
    schedule: Schedule,
    /// How often the store had forgotten series when it was asked last.
    forgettings: u64,
    /// What was logged of it since it was last scraped.
    failures: FailureKinds,
    retention_ms: Arc<AtomicI64>,
    /// The formats it is asked for.
    accept: String,
    /// Size of its last body.
    body_bytes: usize,
    /// Why it is not scraped, if it is not.
    refused: Arc<Mutex<Option<String>>>,
    assignment: Assignment,
    view: Arc<Mutex<TargetView>>,
    metadata: Arc<Mutex<Metadata>>,
}

impl Scraper {
    async fn run(mut self, mut stopped: tokio::sync::watch::Receiver<Stop>) -> TargetCache {
        let mut due = self.schedule.next_after(clock::now());
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.schedule.wait(due, clock::now()).to_std()) => self.scrape(due).await,
                _ = stopped.changed() => break,
            }
            due = self.schedule.next(due, clock::now());
        }
        let is_last = *stopped.borrow() != Stop::HandOver;
        if is_last && let Some(batch) = self.cache.farewell(clock::now()) {
            let _ = self.writer.append(batch).await;
        }
        self.cache
    }

    async fn scrape(&mut self, due: Timestamp) {
        let started = clock::now();
        let at = self.schedule.stamp(due, started);
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let fetched = match refused {
            Some(why) => Err(FetchError::Unsendable(why)),
            None => fetch::fetch(&self.assignment.http, self.request()).await,
        };
        let took = clock::now() - started;
        match &fetched {
            Ok(fetched) => self.body_bytes = fetched.body.len(),
            Err(FetchError::TooLarge { .. }) => self.counts.exceeded_body_size_limit(),
            Err(_) => {}
        }
        if let (Err(why), Some(path)) = (&fetched, &self.assignment.job.failure_log) {
            let failure = failure_log::Failure {
                job: &self.assignment.job.name,
                target: &self.assignment.url,
                why: why.to_string(),
            };
            failure_log::write(path, &failure, started).await;
        }
        let scraped = Scraped {
            at,
            took,
            body: fetched.as_ref().ok().map(|fetched| fetched.body.as_slice()),
            content_type: fetched.as_ref().ok().and_then(|fetched| fetched.content_type.as_deref()),
            framed: fetched.as_ref().is_ok_and(|fetched| fetched.framed),
            is_too_large: matches!(fetched, Err(FetchError::TooLarge { .. })),
        };
        self.let_go_of_forgotten();
        let retention = TimeDelta(self.retention_ms.load(Ordering::Relaxed));
        self.cache.set_oldest((started - retention).max(self.store.floor()));
        let store = &self.store;
        let mut resolve = |labels: &Labels, whose| resolve(store, labels, whose);
        let mut note = None;
        let mut error = fetched.as_ref().err().map(ToString::to_string);
        let mut samples = 0;
        match self.cache.take(scraped, &mut resolve) {
            Ok(outcome) => {
                (error, note) = (error.or(outcome.error), outcome.left_out.note());
                samples = outcome.samples;
                self.counts.out_of_bounds(outcome.left_out.out_of_bounds);
                match outcome.breached {
                    Some(LimitKind::Samples) => self.counts.exceeded_sample_limit(),
                    Some(LimitKind::Labels) => self.counts.exceeded_label_limits(),
                    Some(LimitKind::Buckets) => self.counts.exceeded_bucket_limit(),
                    None => {}
                }
                match self.writer.append(outcome.batch).await {
                    Ok(_) => {
                        self.exemplars.add_all(outcome.exemplars, at);
                    }
                    Err(refused) => error = Some(format!("scraped, but not stored: {refused}")),
                }
            }
            Err(why) => error = Some(format!("scraped, but not stored: {why}")),
        }
        let mut metadata = self.metadata.lock().unwrap_or_else(PoisonError::into_inner);
        if *metadata != *self.cache.metadata() {
            metadata.clone_from(self.cache.metadata());
        }
        drop(metadata);
        self.report(at, took, samples, error, note);
    }

    /// Series that the store has forgotten since, because they had no sample for longer than it keeps them, have other
    /// numbers when they come back.
    fn let_go_of_forgotten(&mut self) {
        let forgettings = self.store.forgettings();
        if forgettings != self.forgettings {
            self.forgettings = forgettings;
            let store = &self.store;
            self.cache.let_go(&mut |ids| store.forgotten_of(ids));
        }
    }

    fn request(&self) -> Request<'_> {
        let job = &self.assignment.job;
        Request {
            url: &self.assignment.url,
            accept: &self.accept,
            compression: job.compression,
            timeout: job.timeout,
            body_bytes_max: job.limits.body_bytes,
            // A little more than last time: a body that grows must not be moved at its end.
            body_bytes_expected: self.body_bytes + self.body_bytes / 16,
        }
    }

    fn report(
        &mut self,
        at: Timestamp,
        took: TimeDelta,
        samples: u64,
        error: Option<String>,
        note: Option<String>,
    ) {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        let error = error.unwrap_or_default();
        if error.is_empty() {
            if self.failures.end() {
                info!(target = %view.url, "scraped again");
            }
        } else if self.failures.is_new(&error) {
            warn!(target = %view.url, %error, "scrape failed");
        }
        view.health = if error.is_empty() { TargetHealth::Up } else { TargetHealth::Down };
        view.last_scrape_at = Some(at);
        view.last_duration = Some(took);
        view.last_samples = Some(samples);
        view.last_error = error;
        view.note = note.unwrap_or_default();
    }
}

/// Finds or makes a series; of what the target exposes there may be too many.
fn resolve(store: &Store, labels: &Labels, whose: Whose) -> Result<SeriesId, Unresolved> {
    let found = match whose {
        Whose::Exposed => store.series(labels),
        Whose::Report => store.own_series(labels),
    };
    found.map_err(|error| match error {
        AppendError::SeriesLimit(reached) => Unresolved::Limit(reached.to_string()),
        AppendError::Log(_)
        | AppendError::BatchTooLarge { .. }
        | AppendError::LabelsTooLarge { .. }
        | AppendError::SeriesExhausted => Unresolved::Failed(error.to_string()),
    })
}
