//! Finding targets: what `file_sd_configs`, `http_sd_configs` and `dns_sd_configs` say is asked in time, and the
//! scrape pool is told what there is now. What is asked when is decided in [`core`].

pub mod core;
pub mod dns;
pub mod files;
pub mod http;
pub mod metrics;
pub mod resolver;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bellwether_alerts::HttpConfig;
use bellwether_ingest::TargetGroup;
use bellwether_model::TimeDelta;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use self::core::{Ask, DiscoveryView, Effect, Event, Finder, Part, SourceId};
use crate::clock;
use crate::config::prometheus::{Discovery, ScrapeJob};
use crate::health::{Health, Trouble};
use crate::http::client::Client;
use crate::scrape::ScrapePool;

/// Largest file or answer that names targets.
pub const TARGETS_BYTES_MAX: u64 = 64 << 20;
/// Reasons that a sentence lists.
const REASONS_MAX: usize = 3;

/// Finds the targets of a running server.
pub struct Discoverer {
    finder: Mutex<Finder>,
    pool: Arc<ScrapePool>,
    health: Arc<Health>,
    /// Something may be due earlier than it was.
    changed: Notify,
    clients: Mutex<BTreeMap<SourceId, (HttpConfig, Arc<Client>)>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Discoverer {
    /// Starts without jobs.
    pub fn start(pool: Arc<ScrapePool>, health: Arc<Health>) -> Arc<Self> {
        let this = Arc::new(Self {
            finder: Mutex::default(),
            pool,
            health,
            changed: Notify::new(),
            clients: Mutex::default(),
            task: Mutex::default(),
        });
        let task = tokio::spawn(run(Arc::clone(&this)));
        *this.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        this
    }

    /// Has targets scraped so that nothing older than this is stored from now on.
    pub fn set_retention(&self, retention: TimeDelta) {
        self.pool.set_retention(retention);
    }

    /// Finds the targets of these jobs from now on.
    pub fn assign(self: &Arc<Self>, jobs: &[ScrapeJob]) {
        self.step(Event::Configured(jobs.to_vec()));
        self.changed.notify_one();
    }

    /// How each discovery does.
    pub fn views(&self) -> Vec<DiscoveryView> {
        self.finder.lock().unwrap_or_else(PoisonError::into_inner).views()
    }

    /// Finds nothing new any more.
    pub fn stop(&self) {
        if let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }

    fn step(self: &Arc<Self>, event: Event) {
        // Targets are assigned in the order in which they were decided on.
        let mut finder = self.finder.lock().unwrap_or_else(PoisonError::into_inner);
        for effect in finder.step(event, clock::now()) {
            match effect {
                Effect::Assign(jobs) => self.pool.assign(&jobs),
                Effect::Ask(ask) => {
                    let this = Arc::clone(self);
                    tokio::spawn(async move { this.ask(ask).await });
                }
            }
        }
        self.judge(&finder.views());
    }

    async fn ask(self: Arc<Self>, ask: Ask) {
        let Ask { source, number, discovery, known } = ask;
        let parts: Vec<Part> = match &discovery {
            Discovery::Static(_) => Vec::new(),
            Discovery::Files(found) => files::ask(found.clone(), known).await,
            Discovery::Http(found) => http::ask(found, &self.client(&source, &found.http)).await,
            Discovery::Dns(found) => dns::ask(found).await,
        };
        self.step(Event::Answered { source, number, parts });
        self.changed.notify_one();
    }

    /// The connection to a server; the same one while nothing about it changes.
    fn client(&self, source: &SourceId, http: &HttpConfig) -> Arc<Client> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        match clients.get(source) {
            Some((known, client)) if known == http => client.clone(),
            Some(_) | None => {
                let client = Arc::new(Client::for_reading(http.clone()));
                clients.insert(source.clone(), (http.clone(), client.clone()));
                client
            }
        }
    }

    fn judge(&self, views: &[DiscoveryView]) {
        let trouble: Vec<String> = views
            .iter()
            .flat_map(|view| {
                view.trouble.iter().map(|why| format!("{} of job {}: {why}", view.kind, view.job))
            })
            .collect();
        if trouble.is_empty() {
            self.health.clear(Trouble::Discovery);
            return;
        }
        let more = trouble.len().saturating_sub(REASONS_MAX);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let listed = trouble[..trouble.len().min(REASONS_MAX)].join("; ");
        let sentence = format!("targets cannot be found anew, those known are kept: {listed}{more}");
        self.health.report(Trouble::Discovery, sentence);
    }
}

/// Asks what is due, for ever.
async fn run(this: Arc<Discoverer>) {
    loop {
        let due = this.finder.lock().unwrap_or_else(PoisonError::into_inner).next_wake();
        // Without anything to ask, somebody has to configure it first.
        let due = due.unwrap_or(clock::now() + TimeDelta::HOUR);
        tokio::select! {
            () = clock::sleep_until(due) => this.step(Event::Tick),
            () = this.changed.notified() => {}
        }
    }
}

/// The groups with a label more, which says where they were found.
fn with_place(groups: Vec<TargetGroup>, name: &str, value: &str) -> Vec<TargetGroup> {
    let with = |group: TargetGroup| TargetGroup { labels: group.labels.with(name, value), ..group };
    groups.into_iter().map(with).collect()
}
