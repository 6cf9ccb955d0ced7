//! The users of Movie Guru: each does one task after the other and pauses between, whatever the service answers.
//!
//! A failing or unreachable service is what they are here to meet, so nothing stops them but the end of their time.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Client, Method, Url};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::workshop::load_mix::pause;
use crate::workshop::{Endpoint, Task};

/// Who calls what, and for how long.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Base address of the service, such as `http://127.0.0.1:8080`.
    pub target: String,
    /// How many users at the peak.
    pub users: u32,
    /// How many users start per second.
    pub spawn_rate_per_s: f64,
    /// How long they stay; without it, until they are told to stop.
    pub run_time: Option<Duration>,
    /// Seed of what they choose to do.
    pub seed: u64,
}

/// Why users cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The target is not an address.
    #[error("{target:?} is not an address to call; write one such as http://127.0.0.1:8080")]
    Target {
        /// What was given.
        target: String,
    },
    /// Users have to start at some pace.
    #[error("spawn rate {0} starts nobody; write a number of users per second above 0, such as 0.05")]
    SpawnRate(f64),
    /// No HTTP client can be made.
    #[error("cannot prepare an HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// What was called at one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallStats {
    /// Calls made.
    pub requests: u64,
    /// Calls answered with an error, or not at all.
    pub failures: u64,
    /// Of these, calls that got no answer.
    pub unanswered: u64,
}

/// What was called so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadSnapshot {
    /// Users at work.
    pub users: u32,
    /// All calls together.
    pub total: CallStats,
    /// Calls per second over the last ten seconds.
    pub requests_per_s: f64,
    /// Calls by endpoint; one that was not called yet is not there.
    pub by_endpoint: BTreeMap<Endpoint, CallStats>,
}

/// Counts of a running load, readable while it runs.
#[derive(Debug, Default)]
pub struct LoadStats(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    users: u32,
    started: Option<Instant>,
    by_endpoint: BTreeMap<Endpoint, CallStats>,
    /// When the calls of the last ten seconds ended, oldest first.
    recent: VecDeque<Instant>,
}

const RECENT: Duration = Duration::from_secs(10);

impl LoadStats {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counts at this moment.
    pub fn snapshot(&self) -> LoadSnapshot {
        let mut counts = self.lock();
        let now = Instant::now();
        forget_old(&mut counts.recent, now);
        let watched = counts.started.map_or(Duration::ZERO, |start| (now - start).min(RECENT));
        let requests_per_s = counts.recent.len() as f64 / watched.as_secs_f64().max(1.0);
        let total = counts.by_endpoint.values().fold(CallStats::default(), |sum, one| CallStats {
            requests: sum.requests + one.requests,
            failures: sum.failures + one.failures,
            unanswered: sum.unanswered + one.unanswered,
        });
        LoadSnapshot { users: counts.users, total, requests_per_s, by_endpoint: counts.by_endpoint.clone() }
    }

    fn count_call(&self, endpoint: Endpoint, answer: Answer) {
        let (mut counts, now) = (self.lock(), Instant::now());
        let call = counts.by_endpoint.entry(endpoint).or_default();
        call.requests += 1;
        call.failures += u64::from(answer != Answer::Ok);
        call.unanswered += u64::from(answer == Answer::None);
        counts.recent.push_back(now);
        forget_old(&mut counts.recent, now);
    }

    fn count_user(&self) {
        let mut counts = self.lock();
        counts.users += 1;
        counts.started.get_or_insert_with(Instant::now);
    }

    fn forget_users(&self) {
        self.lock().users = 0;
    }
}

fn forget_old(recent: &mut VecDeque<Instant>, now: Instant) {
    while recent.front().is_some_and(|at| now.duration_since(*at) > RECENT) {
        recent.pop_front();
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Ok,
    Error,
    None,
}

/// Nobody waits longer than this for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends users until their time is over or `shutdown` is done; then waits for the calls under way.
pub async fn run(
    options: LoadOptions,
    stats: Arc<LoadStats>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), LoadError> {
    let target = parsed_target(&options.target)?;
    // Also refuses a rate that is not a number.
    let rate_ok = options.spawn_rate_per_s > 0.0;
    let between_users = Duration::try_from_secs_f64(1.0 / options.spawn_rate_per_s).ok().filter(|_| rate_ok);
    let Some(between_users) = between_users else {
        return Err(LoadError::SpawnRate(options.spawn_rate_per_s));
    };
    let client = client()?;
    let (stop, stopped) = watch::channel(());
    let mut users = JoinSet::new();
    let spawn_all = async {
        for number in 0..options.users {
            if number > 0 {
                tokio::time::sleep(between_users).await;
            }
            let user = User {
                client: client.clone(),
                target: target.clone(),
                rng: fastrand::Rng::with_seed(options.seed.wrapping_add(u64::from(number))),
                stats: Arc::clone(&stats),
            };
            stats.count_user();
            users.spawn(user.live(stopped.clone()));
        }
        std::future::pending::<()>().await;
    };
    let time_over = async {
        match options.run_time {
            Some(run_time) => tokio::time::sleep(run_time).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = spawn_all => {}
        () = time_over => {}
        () = shutdown => {}
    }
    drop(stop);
    while users.join_next().await.is_some() {}
    stats.forget_users();
    Ok(())
}

fn parsed_target(target: &str) -> Result<Url, LoadError> {
    let url =
        Url::parse(target).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| LoadError::Target { target: target.to_owned() })
}

fn client() -> Result<Client, reqwest::Error> {
    // Whoever installed a provider first is as good; the client only must find one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(ANSWER_TIMEOUT).no_proxy().build()
}

struct User {
    client: Client,
    target: Url,
    rng: fastrand::Rng,
    stats: Arc<LoadStats>,
}

impl User {
    /// One task after the other; a task once begun is finished.
    async fn live(mut self, mut stopped: watch::Receiver<()>) {
        loop {
            for endpoint in Task::draw(&mut self.rng).calls() {
                let answer = self.call(*endpoint).await;
                self.stats.count_call(*endpoint, answer);
            }
            tokio::select! {
                // The sender says nothing: it is dropped when everyone should stop.
                _ = stopped.changed() => return,
                () = tokio::time::sleep(pause(&mut self.rng)) => {}
            }
        }
    }

    async fn call(&self, endpoint: Endpoint) -> Answer {
        let (method, path) = match endpoint.method_and_path() {
            ("POST", path) => (Method::POST, path),
            ("DELETE", path) => (Method::DELETE, path),
            (_, path) => (Method::GET, path),
        };
        let mut url = self.target.clone();
        url.set_path(path);
        match self.client.request(method, url).send().await {
            Ok(response) if response.status().is_success() => Answer::Ok,
            Ok(_) => Answer::Error,
            Err(_) => Answer::None,
        }
    }
}
