//! Scraping: one task per target fetches on the target's own grid, turns the answer into a batch, and hands it to
//! the writer. A target that hangs or lies delays and harms nobody but itself, and says so on its own line.

pub mod cache;
pub mod classic_to_native;
pub mod created;
pub mod fetch;
pub mod metadata;
pub mod protocol;
mod reading;
pub mod schedule;
pub mod seen_series;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bellwether_model::{Labels, LabelsBuilder, SeriesId, TimeDelta, Timestamp};
use bellwether_tsdb::{AppendError, Store};
use bellwether_web::view::{TargetHealth, TargetMetadata, TargetView};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::clock;
use crate::config::prometheus::{ScrapeJob, Target};
use crate::exemplars::Exemplars;
use crate::health::{Health, Trouble};
use crate::target_tasks::{Stop, TargetTask, TargetTasks};
use crate::writer::WriterHandle;
use cache::{Scraped, TargetCache, Unresolved, Whose};
use fetch::Request;
use metadata::Metadata;
use protocol::ScrapeProtocol;
use schedule::Schedule;

/// What identifies a running task: if any of it changes, the task is replaced.
#[derive(Clone, Debug, PartialEq)]
struct Assignment {
    job: Arc<ScrapeJob>,
    target: Target,
}

/// All targets that are being scraped.
pub struct ScrapePool {
    http: reqwest::Client,
    store: Arc<Store>,
    writer: WriterHandle,
    health: Arc<Health>,
    exemplars: Arc<Exemplars>,
    running: TargetTasks<Assignment, Shown, TargetCache>,
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
    ) -> Result<Self, reqwest::Error> {
        let running = TargetTasks::default();
        Ok(Self { http: fetch::client()?, store, writer, health, exemplars, running })
    }

    /// Scrapes these jobs from now on. Targets that stay as they are keep their task; those no longer wanted say
    /// goodbye, so that their series end.
    pub fn assign(&self, jobs: &[ScrapeJob]) {
        let (mut wanted, mut twice) = (BTreeMap::new(), Vec::new());
        for job in jobs {
            // The targets do not belong to a task's own settings: adding one must not restart the others.
            let settings = Arc::new(ScrapeJob { targets: Vec::new(), ..job.clone() });
            for target in &job.targets {
                let assignment = Assignment { job: settings.clone(), target: target.clone() };
                if wanted.insert(target.labels.clone(), assignment).is_some() {
                    twice.push(target.labels.to_string());
                }
            }
        }
        self.tell_twice(&twice);
        self.running.assign(wanted, |assignment, before| self.start(assignment, before));
    }

    fn tell_twice(&self, twice: &[String]) {
        match twice {
            [] => self.health.clear(Trouble::Targets),
            labels => self.health.report(
                Trouble::Targets,
                format!(
                    "several targets have the same labels, only the last of them is scraped; give each a label of its own: {}",
                    labels.join(", ")
                ),
            ),
        }
    }

    fn start(
        &self,
        assignment: Assignment,
        before: Option<JoinHandle<TargetCache>>,
    ) -> TargetTask<Assignment, Shown, TargetCache> {
        let view = Arc::new(Mutex::new(initial_view(&assignment)));
        let metadata = Arc::<Mutex<Metadata>>::default();
        let (stop, stopped) = tokio::sync::watch::channel(Stop::No);
        let scraper = Scraper {
            http: self.http.clone(),
            store: self.store.clone(),
            writer: self.writer.clone(),
            exemplars: self.exemplars.clone(),
            cache: TargetCache::new(&assignment.job, assignment.target.labels.clone()),
            schedule: Schedule::new(&assignment.target.labels, assignment.job.interval),
            accept: protocol::accept(&ScrapeProtocol::DEFAULT),
            assignment: assignment.clone(),
            view: view.clone(),
            metadata: metadata.clone(),
        };
        info!(target = %assignment.target.url, interval = %assignment.job.interval, "scraping");
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

fn initial_view(assignment: &Assignment) -> TargetView {
    TargetView {
        job: assignment.job.name.clone(),
        url: assignment.target.url.clone(),
        labels: assignment.target.labels.clone(),
        discovered_labels: discovered(assignment),
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

/// What was known of a target before it got its labels, by the names Prometheus gives it.
fn discovered(assignment: &Assignment) -> Labels {
    let Assignment { job, target } = assignment;
    let (scheme, rest) = target.url.split_once("://").unwrap_or(("http", &target.url));
    let (address, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let path = path.split('?').next().unwrap_or(path);
    let mut labels = LabelsBuilder::from(&target.labels);
    if target.labels.get("instance") == Some(address) {
        labels.set("instance", "");
    }
    labels
        .set("__address__", address)
        .set("__metrics_path__", path)
        .set("__scheme__", scheme)
        .set("__scrape_interval__", job.interval.to_string())
        .set("__scrape_timeout__", job.timeout.to_string());
    labels.build()
}

/// The task of one target.
struct Scraper {
    http: reqwest::Client,
    store: Arc<Store>,
    writer: WriterHandle,
    exemplars: Arc<Exemplars>,
    cache: TargetCache,
    schedule: Schedule,
    /// The formats it is asked for.
    accept: String,
    assignment: Assignment,
    view: Arc<Mutex<TargetView>>,
    metadata: Arc<Mutex<Metadata>>,
}

impl Scraper {
    async fn run(mut self, mut stopped: tokio::sync::watch::Receiver<Stop>) -> TargetCache {
        let mut due = self.schedule.next_after(clock::now());
        loop {
            tokio::select! {
                () = clock::sleep_until(due) => self.scrape(due).await,
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
        let request = Request {
            url: &self.assignment.target.url,
            accept: &self.accept,
            timeout: self.assignment.job.timeout,
            body_bytes_max: self.assignment.job.body_bytes_max,
        };
        let fetched = fetch::fetch(&self.http, request).await;
        let took = clock::now() - started;
        let scraped = Scraped {
            at,
            took,
            body: fetched.as_ref().ok().map(|fetched| fetched.body.as_slice()),
            content_type: fetched.as_ref().ok().and_then(|fetched| fetched.content_type.as_deref()),
            framed: fetched.as_ref().is_ok_and(|fetched| fetched.framed),
        };
        let store = &self.store;
        let mut resolve = |labels: &Labels, whose| resolve(store, labels, whose);
        let mut note = None;
        let mut error = fetched.as_ref().err().map(ToString::to_string);
        let mut samples = 0;
        match self.cache.take(scraped, &mut resolve) {
            Ok(outcome) => {
                (error, note) = (error.or(outcome.error), outcome.left_out.note());
                samples = outcome.samples;
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

    fn report(
        &self,
        at: Timestamp,
        took: TimeDelta,
        samples: u64,
        error: Option<String>,
        note: Option<String>,
    ) {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        let error = error.unwrap_or_default();
        if !error.is_empty() && view.last_error != error {
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
