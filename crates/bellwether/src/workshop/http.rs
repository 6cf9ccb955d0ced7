//! Movie Guru behind a port: its endpoints, `/phase` to change how it behaves, and `/metrics`.
//!
//! Handlers answer at once; latencies are drawn and counted, not waited for, so that a workshop on one laptop can
//! look at eight-second chats without eight-second chats.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use bellwether_ingest::ExpositionWriter;
use serde_json::json;
use tokio::net::TcpListener;

use super::mock_faults::{self, Problems};
use crate::scenario::definition::{GuruDefinition, SetValue};
use crate::workshop::{CallRates, Endpoint, MovieGuru, Phase, PhaseProblem, Reply, Sampler};

/// A phase is under a kilobyte.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// The running service, shared between its port and whoever runs it in the same process.
#[derive(Debug)]
pub struct MockState(Mutex<(MovieGuru, Sampler)>);

impl MockState {
    /// A service that goes on from what it has counted so far.
    pub fn new(guru: MovieGuru, sampler: Sampler) -> Self {
        Self(Mutex::new((guru, sampler)))
    }

    /// Counts stay usable whatever happened to another holder of the lock: each is changed in one step.
    fn lock(&self) -> MutexGuard<'_, (MovieGuru, Sampler)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it behaves at the moment.
    pub fn phase(&self) -> Phase {
        self.lock().0.phase.clone()
    }

    /// Changes how it behaves from the next call on.
    pub fn set_phase(&self, phase: Phase) {
        self.lock().0.phase = phase;
    }

    /// Sets the phase, or fields of it, by paths such as `guru.ChatSuccess`: all of them, or none and every problem with
    /// its path.
    pub fn set_faults(&self, name: &str, settings: &[(String, SetValue)]) -> Result<(), Problems> {
        let mut state = self.lock();
        let mut guru = GuruDefinition { phase: state.0.phase.clone(), rates: CallRates([0.0; 8]) };
        let mut wrong = Vec::new();
        for (path, value) in settings {
            let set = match path.split_once('.') {
                // Calls come from users here, and whoever wants the process gone stops it.
                Some((service, field)) if service == name && !field.contains('.') && field != "users" => {
                    guru.set(&[field], value)
                }
                _ => Err(format!("there is no such setting; there are {name}.phase and its fields")),
            };
            if let Err(why) = set {
                wrong.push((path.clone(), why));
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        state.0.phase = guru.phase;
        Ok(())
    }

    /// One call.
    pub fn call(&self, endpoint: Endpoint) -> Reply {
        let (guru, sampler) = &mut *self.lock();
        guru.call(endpoint, sampler)
    }

    /// What `/metrics` answers.
    pub fn render(&self) -> String {
        let mut writer = ExpositionWriter::default();
        self.lock().0.render(&mut writer);
        writer.finish()
    }

    fn health_check(&self, latency_ms: f64) {
        self.lock().0.health_check(latency_ms);
    }
}

/// Serves until `shutdown` is done and the calls then under way are answered.
pub async fn serve(
    listener: TcpListener,
    state: Arc<MockState>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(state)).with_graceful_shutdown(shutdown).await
}

/// The endpoints; whatever is not one of them is a health check.
pub fn router(state: Arc<MockState>) -> Router {
    Router::new()
        .route("/phase", get(phase_show).post(phase_replace))
        .route("/faults", get(faults_show).post(faults_set))
        .route("/metrics", get(metrics))
        .fallback(answer)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(state)
}

/// A call of a user, a known path with a method it does not have, or a health check.
async fn answer(State(state): State<Arc<MockState>>, method: Method, uri: Uri) -> StatusCode {
    let start = Instant::now();
    let on_path = || Endpoint::ALL.into_iter().filter(|endpoint| endpoint.method_and_path().1 == uri.path());
    let called = on_path().find(|endpoint| endpoint.method_and_path().0 == method.as_str());
    match called.map(|endpoint| state.call(endpoint)) {
        Some(Reply::Ok) => StatusCode::OK,
        Some(Reply::Failed) => StatusCode::INTERNAL_SERVER_ERROR,
        None if on_path().next().is_some() => StatusCode::METHOD_NOT_ALLOWED,
        None => {
            state.health_check(start.elapsed().as_secs_f64() * 1000.0);
            StatusCode::OK
        }
    }
}

async fn metrics(State(state): State<Arc<MockState>>) -> Response {
    ([(header::CONTENT_TYPE, ExpositionWriter::CONTENT_TYPE)], state.render()).into_response()
}

/// How the service is called in paths of faults, as in its scenario.
const NAME: &str = "guru";

async fn faults_show(State(state): State<Arc<MockState>>) -> Response {
    let phase = state.phase().to_json();
    let fields = phase.as_object().into_iter().flatten();
    let settings: serde_json::Map<_, _> =
        fields.map(|(field, value)| (format!("{NAME}.{field}"), value.clone())).collect();
    Json(json!({ "settings": settings })).into_response()
}

async fn faults_set(State(state): State<Arc<MockState>>, body: Bytes) -> Response {
    match mock_faults::read(&body).and_then(|settings| state.set_faults(NAME, &settings)) {
        Ok(()) => faults_show(State(state)).await,
        Err(wrong) => mock_faults::refusal(&wrong),
    }
}

async fn phase_show(State(state): State<Arc<MockState>>) -> Response {
    phase_answer(&state.phase())
}

async fn phase_replace(State(state): State<Arc<MockState>>, body: Bytes) -> Response {
    match Phase::from_json(&body) {
        Ok(phase) => {
            let answer = phase_answer(&phase);
            state.set_phase(phase);
            answer
        }
        Err(problems) => refusal(&problems),
    }
}

fn phase_answer(phase: &Phase) -> Response {
    Json(json!({ "CurrentProbMetrics": phase.to_json() })).into_response()
}

fn refusal(problems: &[PhaseProblem]) -> Response {
    let errors: Vec<_> = problems
        .iter()
        .map(|problem| json!({ "field": problem.field(), "message": problem.to_string() }))
        .collect();
    let answer = json!({ "message": "the phase stays as it was", "errors": errors });
    (StatusCode::BAD_REQUEST, Json(answer)).into_response()
}
