//! The users of a system: each does one task after the other and pauses between, whatever the service answers.
//!
//! A failing or unreachable service is what they are here to meet, so nothing stops them but the end of their time.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Client, Method, Url};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::load_stats::Answer;
use super::{Call, LoadStats, LoginMeter, LoginStatus, System};

/// Who calls what, and for how long.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Whose users they are.
    pub system: System,
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
    /// Counts logins as their clients see them; for the system that has them.
    pub logins: Arc<LoginMeter>,
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

/// Nobody waits longer than this for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends users until their time is over or `shutdown` is done; then waits for the calls under way.
pub async fn run(
    options: LoadOptions,
    stats: Arc<LoadStats>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), LoadError> {
    let target = parsed_target(&options.target)?;
    let between_users = between_users(options.spawn_rate_per_s)?;
    let client = client(options.system)?;
    let (stop, stopped) = watch::channel(());
    let mut users = JoinSet::new();
    let spawn_all = async {
        for number in 0..options.users {
            if number > 0 {
                tokio::time::sleep(between_users).await;
            }
            let user = User {
                system: options.system,
                logins: Arc::clone(&options.logins),
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

/// What users cannot start with, all of it.
pub fn problems(options: &LoadOptions) -> Vec<LoadError> {
    let target = parsed_target(&options.target).err();
    target.into_iter().chain(between_users(options.spawn_rate_per_s).err()).collect()
}

fn between_users(rate_per_s: f64) -> Result<Duration, LoadError> {
    // Also refuses a rate that is not a number.
    let between = Duration::try_from_secs_f64(1.0 / rate_per_s).ok().filter(|_| rate_per_s > 0.0);
    between.ok_or(LoadError::SpawnRate(rate_per_s))
}

fn parsed_target(target: &str) -> Result<Url, LoadError> {
    let url =
        Url::parse(target).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| LoadError::Target { target: target.to_owned() })
}

fn client(system: System) -> Result<Client, reqwest::Error> {
    // Whoever installed a provider first is as good; the client only must find one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().timeout(ANSWER_TIMEOUT).no_proxy();
    // Whoever logs in to a game connects first, and that is part of what is measured.
    let builder = if system == System::S000 { builder.pool_max_idle_per_host(0) } else { builder };
    builder.build()
}

struct User {
    system: System,
    logins: Arc<LoginMeter>,
    client: Client,
    target: Url,
    rng: fastrand::Rng,
    stats: Arc<LoadStats>,
}

impl User {
    /// One task after the other; a task once begun is finished.
    async fn live(mut self, mut stopped: watch::Receiver<()>) {
        loop {
            for call in self.system.task(&mut self.rng) {
                self.call(call).await;
            }
            let pause = self.system.pause(&mut self.rng);
            tokio::select! {
                // The sender says nothing: it is dropped when everyone should stop.
                _ = stopped.changed() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn call(&self, call: Call) {
        let method = match call.method {
            "POST" => Method::POST,
            "DELETE" => Method::DELETE,
            _ => Method::GET,
        };
        let mut url = self.target.clone();
        url.set_path(call.path);
        let begun = Instant::now();
        let result = self.client.request(method, url).send().await.map(|response| response.status());
        let took = begun.elapsed();
        if self.system.is_measured(call) {
            self.logins.observe(LoginStatus::of(&result), took);
        }
        let answer = match result {
            Ok(status) if status.is_success() => Answer::Ok,
            Ok(_) => Answer::Error,
            Err(_) => Answer::None,
        };
        self.stats.count_call(call, answer, took);
    }
}
