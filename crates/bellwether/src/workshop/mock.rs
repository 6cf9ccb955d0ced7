//! The services of a scenario behind real ports: one for each target, as a scraper expects them. They count as the clock
//! goes, by the very model that plays them in virtual time, and misbehave as they are told at `/faults`.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bellwether_ingest::ExpositionWriter;
use bellwether_model::{Labels, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Answered;
use super::mock_answer::{Reply, reply};
use super::mock_faults::{self, Problems};
use crate::clock;
use crate::scenario::definition::{ServiceDefinition, SetValue};
use crate::scenario::services::Services;

/// Faults are a few lines.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;

/// Services at work, shared by their ports.
#[derive(Debug)]
pub struct Mock {
    /// Calls that are answered as the metrics say.
    answered: &'static [Answered],
    /// As they were at the beginning.
    healthy: Vec<ServiceDefinition>,
    world: Mutex<World>,
}

#[derive(Debug)]
struct World {
    services: Services,
    definitions: Vec<ServiceDefinition>,
    rng: fastrand::Rng,
}

impl Mock {
    /// Services that have counted nothing yet.
    pub fn new(
        definitions: &[ServiceDefinition],
        answered: &'static [Answered],
        now: Timestamp,
        seed: u64,
    ) -> Self {
        let world = World {
            services: Services::new(definitions, now),
            definitions: definitions.to_vec(),
            rng: fastrand::Rng::with_seed(seed),
        };
        Self { answered, healthy: definitions.to_vec(), world: Mutex::new(world) }
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The services as they behave now.
    pub fn definitions(&self) -> Vec<ServiceDefinition> {
        self.lock().definitions.clone()
    }

    /// The labels of every target; each wants a port of its own.
    pub fn targets(&self) -> Vec<Labels> {
        self.lock().services.targets()
    }

    /// What a scrape of a target finds at a moment; nothing when it does not answer.
    pub fn expose(&self, target: usize, now: Timestamp) -> Option<String> {
        let mut world = self.lock();
        world.services.advance(now);
        world.services.expose(target)
    }

    /// Changes settings from a moment on: all of them, or none and every problem with its path.
    pub fn set(&self, settings: &[(String, SetValue)], now: Timestamp) -> Result<(), Problems> {
        let mut world = self.lock();
        let mut definitions = world.definitions.clone();
        let mut wrong = Vec::new();
        for (path, value) in settings {
            if let Err(why) = set(&mut definitions, path, value) {
                wrong.push((path.clone(), why));
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        world.services.advance(now);
        world.services.define(&definitions);
        world.definitions = definitions;
        Ok(())
    }

    /// Everything is as at the beginning, from a moment on. What was counted stays.
    pub fn reset(&self, now: Timestamp) {
        let mut world = self.lock();
        world.services.advance(now);
        world.services.define(&self.healthy);
        world.definitions.clone_from(&self.healthy);
    }

    /// How a call ends, and after how long.
    fn call(&self, method: &str, path: &str) -> Reply {
        let mut world = self.lock();
        let World { definitions, rng, .. } = &mut *world;
        let on_path = || self.answered.iter().filter(|one| one.call.path == path);
        match on_path().find(|one| one.call.method == method) {
            Some(one) => reply(one, definitions, rng),
            None if on_path().next().is_some() => Reply { status: 405, after: Duration::ZERO },
            None => Reply { status: if path == "/" { 200 } else { 404 }, after: Duration::ZERO },
        }
    }
}

/// Sets what a path such as `shop.carts` names.
fn set(definitions: &mut [ServiceDefinition], path: &str, value: &SetValue) -> Result<(), String> {
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    let names: Vec<String> = definitions.iter().map(|service| service.name.clone()).collect();
    match definitions.iter_mut().find(|service| service.name == name) {
        Some(service) => service.set(rest, value),
        None => {
            let near = bellwether_diag::suggest(name, names.iter().map(String::as_str));
            let hint = near.map_or_else(|| names.join(", "), |near| format!("did you mean {near}?"));
            Err(format!("there is no service {name:?}; {hint}"))
        }
    }
}

/// A port of a target.
#[derive(Clone)]
struct Port {
    mock: Arc<Mock>,
    target: usize,
}

/// Serves every target at its listener, in the order of [`Mock::targets`], until `shutdown` is done.
pub async fn serve(
    listeners: Vec<TcpListener>,
    mock: Arc<Mock>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (stop, stopped) = watch::channel(());
    let mut ports = tokio::task::JoinSet::new();
    for (target, listener) in listeners.into_iter().enumerate() {
        let mut stopped = stopped.clone();
        let router = router(Port { mock: Arc::clone(&mock), target });
        // The sender says nothing: it is dropped when everyone should stop.
        let stopped = async move { drop(stopped.changed().await) };
        ports.spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stopped).await });
    }
    shutdown.await;
    drop(stop);
    while let Some(ended) = ports.join_next().await {
        ended.unwrap_or_else(|error| Err(std::io::Error::other(error)))?;
    }
    Ok(())
}

fn router(port: Port) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/faults", get(faults).post(change).delete(reset))
        .fallback(answer)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(port)
}

async fn metrics(State(port): State<Port>) -> Response {
    match port.mock.expose(port.target, clock::now()) {
        Some(text) => ([(header::CONTENT_TYPE, ExpositionWriter::CONTENT_TYPE)], text).into_response(),
        // The port itself stays: there must be a way to bring the service back.
        None => (StatusCode::SERVICE_UNAVAILABLE, "not up; see GET /faults\n").into_response(),
    }
}

async fn faults(State(port): State<Port>) -> Response {
    mock_faults::shown(&port.mock.definitions(), &port.mock.healthy)
}

async fn change(State(port): State<Port>, body: Bytes) -> Response {
    let changed = mock_faults::read(&body).and_then(|settings| port.mock.set(&settings, clock::now()));
    match changed {
        Ok(()) => faults(State(port)).await,
        Err(wrong) => mock_faults::refusal(&wrong),
    }
}

async fn reset(State(port): State<Port>) -> Response {
    port.mock.reset(clock::now());
    faults(State(port)).await
}

async fn answer(State(port): State<Port>, method: Method, uri: Uri) -> StatusCode {
    let reply = port.mock.call(method.as_str(), uri.path());
    tokio::time::sleep(reply.after).await;
    StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
