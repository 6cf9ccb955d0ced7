//! Objectives, rules and queries on a store that already has the samples: Prometheus, Thanos, Mimir, VictoriaMetrics.
//!
//! What objectives count is fetched raw over the store's HTTP API and appended to the local log, from which the ledger
//! folds as it does after a scrape of our own: a crash can neither lose nor double an event.

pub mod answer;
pub mod ask_error;
pub mod client;
pub mod evaluate;
pub mod evaluator;
pub mod intake;
pub mod metadata;
pub mod metrics;
pub mod plan;
pub mod poll;
pub mod reader;
mod targets;
pub mod track;

use std::sync::{Arc, Mutex, PoisonError};

use bellwether_model::TimeDelta;
use bellwether_rules::RuleKind;
use bellwether_slo::{Events, Selector, Slo};
use bellwether_tsdb::Store;
use bellwether_web::view::TargetMetadata;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tracing::info;

use crate::clock;
use crate::config::Config;
use crate::config::source::SourceConfig;
use crate::health::{Health, Trouble};
use crate::request::Request;
use crate::writer::WriterHandle;
use client::RemoteClient;
use evaluate::LocalNames;
use poll::{Parts, Poller, SourceView};

/// History is read at least as far back as this: alerts look back three days at most unless someone says otherwise.
const HISTORY_MIN: TimeDelta = TimeDelta(3 * TimeDelta::DAY.0);

/// The source in force, if there is one, and the task that reads it.
pub struct SourceHandle {
    store: Arc<Store>,
    writer: WriterHandle,
    health: Arc<Health>,
    requests: mpsc::Sender<Request>,
    running: Mutex<Option<Running>>,
    names: Mutex<Arc<LocalNames>>,
    metadata: metadata::Shared,
}

struct Running {
    config: SourceConfig,
    selectors: Vec<Selector>,
    history: TimeDelta,
    client: Option<Arc<RemoteClient>>,
    view: Arc<Mutex<SourceView>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl SourceHandle {
    /// Nothing is read yet.
    pub fn new(
        store: Arc<Store>,
        writer: WriterHandle,
        health: Arc<Health>,
        requests: mpsc::Sender<Request>,
    ) -> Self {
        Self {
            store,
            writer,
            health,
            requests,
            running: Mutex::new(None),
            names: Mutex::default(),
            metadata: Arc::default(),
        }
    }

    /// Reads what a configuration says from now on. What has not changed goes on.
    pub fn assign(&self, config: &Config) {
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(recorded(config));
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(source) = &config.source else {
            if let Some(before) = running.take() {
                before.stop.send_replace(true);
                self.metadata.lock().unwrap_or_else(PoisonError::into_inner).clear();
                self.health.clear(Trouble::Source);
                self.health.clear(Trouble::History);
            }
            return;
        };
        let selectors = selectors(&config.slos);
        let history = source.history.unwrap_or_else(|| history(&config.slos));
        let is_same = running
            .as_ref()
            .is_some_and(|now| (&now.config, &now.selectors, now.history) == (source, &selectors, history));
        if !is_same {
            let before = running.take();
            *running = Some(self.start(source, selectors, history, before));
        }
    }

    fn start(
        &self,
        config: &SourceConfig,
        selectors: Vec<Selector>,
        history: TimeDelta,
        before: Option<Running>,
    ) -> Running {
        let view = SourceView { url: config.url.clone(), ..SourceView::default() };
        let view = Arc::new(Mutex::new(view));
        let (stop, stopped) = watch::channel(false);
        let parts = Parts {
            store: self.store.clone(),
            writer: self.writer.clone(),
            health: self.health.clone(),
            requests: self.requests.clone(),
            view: view.clone(),
        };
        let client = RemoteClient::build(config).map(Arc::new);
        let built = client.clone().ok();
        info!(url = %config.url, selectors = selectors.len(), "reading a source");
        let (wanted, health, url) = (selectors.clone(), self.health.clone(), config.url.clone());
        if let Some(client) = built.clone() {
            tokio::spawn(metadata::run(client, self.metadata.clone(), stopped.clone()));
        }
        let task = tokio::spawn(async move {
            if let Some(before) = before {
                before.stop.send_replace(true);
                let _ = before.task.await; // two at once would append the same samples
            }
            let poller = match client {
                Ok(client) => {
                    let make = move || Poller::new(parts, client, &wanted, history, clock::now());
                    tokio::task::spawn_blocking(make).await.unwrap_or_else(|error| Err(error.to_string()))
                }
                Err(error) => Err(error.to_string()),
            };
            match poller {
                Ok(poller) => poller.run(stopped).await,
                Err(why) => health.report(Trouble::Source, format!("the source {url} cannot be read: {why}")),
            }
        });
        Running { config: config.clone(), selectors, history, client: built, view, stop, task }
    }

    /// What asks the source; `None` when there is none.
    pub fn client(&self) -> Option<Arc<RemoteClient>> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.as_ref().and_then(|running| running.client.clone())
    }

    /// What lies here and not in the source.
    pub fn local_names(&self) -> Arc<LocalNames> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How reading does; `None` when there is no source.
    pub fn view(&self) -> Option<SourceView> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let view = running.as_ref().map(|running| running.view.clone());
        view.map(|view| view.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// What the source says of its metrics.
    pub fn metadata(&self) -> Vec<TargetMetadata> {
        self.metadata.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops reading.
    pub fn stop(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running.take() {
            running.stop.send_replace(true);
            running.task.abort();
        }
    }
}

/// What rules record lies here.
fn recorded(config: &Config) -> LocalNames {
    let rules = config.rules.iter().flat_map(|(_, file)| &file.groups).flat_map(|group| &group.rules);
    let recorded = rules.filter(|rule| matches!(rule.kind, RuleKind::Record));
    LocalNames::of(recorded.map(|rule| rule.name.value.clone()))
}

/// What objectives count that is not made here: results of probes are.
fn selectors(slos: &[Arc<Slo>]) -> Vec<Selector> {
    let counted = slos.iter().filter(|slo| match &slo.indicator.events {
        Events::Probe(_) => false,
        Events::Ratio(_)
        | Events::Latency(_)
        | Events::Threshold(_)
        | Events::Query(_)
        | Events::Composite(_) => true,
    });
    let mut selectors: Vec<Selector> = counted.flat_map(|slo| slo.indicator.selectors()).collect();
    selectors.sort();
    selectors.dedup();
    selectors
}

/// As far back as the longest period of an objective.
fn history(slos: &[Arc<Slo>]) -> TimeDelta {
    let longest = slos.iter().map(|slo| slo.period.length()).max().unwrap_or_default();
    longest.max(HISTORY_MIN)
}
