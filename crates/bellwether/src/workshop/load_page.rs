//! The page of a load generator: a form that starts users, what they meet while they run, and a button that stops them.
//! It works without JavaScript; with it, the figures move.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Json, Redirect, Response};
use axum::routing::{get, post};
use bellwether_ingest::ExpositionWriter;
use bellwether_model::TimeDelta;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::load::{problems, run};
use super::load_html::{Shown, page};
use super::{LoadOptions, LoadStats, System};

/// A form has fewer bytes.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// More users are more connections than a machine has ports.
const USERS_MAX: u32 = 20_000;

/// What a form says, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// How many users at the peak.
    pub users: String,
    /// How many start each second.
    pub spawn_rate: String,
    /// Whom they call.
    pub host: String,
    /// For how long; empty: until they are stopped.
    pub run_time: String,
}

/// Starts and stops users, and knows what they meet.
#[derive(Debug)]
pub struct LoadControl {
    /// What a form begins with.
    defaults: LoadOptions,
    state: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    form: Form,
    stats: Arc<LoadStats>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
    begun: Option<Instant>,
    /// How long users ran, once they have stopped.
    lasted: Option<Duration>,
}

impl LoadControl {
    /// Nobody runs yet.
    pub fn new(defaults: LoadOptions) -> Self {
        let form = Form {
            users: defaults.users.to_string(),
            spawn_rate: defaults.spawn_rate_per_s.to_string(),
            host: defaults.target.clone(),
            run_time: defaults.run_time.map_or_else(String::new, |time| {
                TimeDelta(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)).to_string()
            }),
        };
        Self { defaults, state: Mutex::new(Running { form, ..Running::default() }) }
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose users they are.
    pub const fn system(&self) -> System {
        self.defaults.system
    }

    /// Starts users as a form says, in place of those that run; or says what is wrong with it, field by field.
    pub fn start(&self, form: Form) -> Result<(), Vec<(&'static str, String)>> {
        let options = self.options(&form)?;
        let mut state = self.lock();
        halt(&mut state);
        let stats = Arc::new(LoadStats::default());
        let (stop, stopped) = oneshot::channel();
        let watched = Arc::clone(&stats);
        // What could be wrong with the options was looked at, and a client that cannot be made runs nobody.
        let task = tokio::spawn(async move {
            let _ = run(options, watched, async { drop(stopped.await) }).await;
        });
        *state = Running {
            form,
            stats,
            stop: Some(stop),
            task: Some(task),
            begun: Some(Instant::now()),
            lasted: None,
        };
        Ok(())
    }

    /// Tells users to go home.
    pub fn stop(&self) {
        halt(&mut self.lock());
    }

    fn options(&self, form: &Form) -> Result<LoadOptions, Vec<(&'static str, String)>> {
        let mut wrong = Vec::new();
        let users = form.users.trim().parse().ok().filter(|users| (1..=USERS_MAX).contains(users));
        if users.is_none() {
            wrong.push(("users", format!("write a number of users from 1 to {USERS_MAX}")));
        }
        let rate: Option<f64> = form.spawn_rate.trim().parse().ok().filter(|rate: &f64| rate.is_finite());
        if rate.is_none() {
            wrong.push(("spawn_rate", "write how many users start each second, such as 0.05".to_owned()));
        }
        let run_time: Option<TimeDelta> = match form.run_time.trim() {
            "" => None,
            text => match text.parse().ok().filter(|time| *time > TimeDelta::ZERO) {
                Some(time) => Some(time),
                None => {
                    wrong.push(("run_time", "write a duration such as 7h or 20m, or nothing".to_owned()));
                    None
                }
            },
        };
        let options = LoadOptions {
            target: form.host.trim().to_owned(),
            users: users.unwrap_or(1),
            spawn_rate_per_s: rate.unwrap_or(1.0),
            run_time: run_time.map(TimeDelta::to_std),
            seed: crate::entropy::seed(),
            ..self.defaults.clone()
        };
        wrong.extend(problems(&options).into_iter().map(|problem| (problem.field(), problem.to_string())));
        if wrong.is_empty() { Ok(options) } else { Err(wrong) }
    }

    /// What the page shows.
    pub fn shown(&self) -> Shown {
        let mut state = self.lock();
        let is_running = state.task.as_ref().is_some_and(|task| !task.is_finished());
        if !is_running && state.lasted.is_none() {
            state.lasted = state.begun.map(|begun| begun.elapsed());
        }
        let ran = state.lasted.or_else(|| state.begun.map(|begun| begun.elapsed()));
        Shown {
            system: self.system(),
            is_running,
            was_started: state.begun.is_some(),
            ran_s: ran.map_or(0, |ran| ran.as_secs()),
            form: state.form.clone(),
            met: state.stats.snapshot(),
        }
    }
}

fn halt(state: &mut Running) {
    if state.lasted.is_none() {
        state.lasted = state.begun.map(|begun| begun.elapsed());
    }
    // Nobody may listen any more.
    state.stop.take().map(|stop| stop.send(()).ok());
}

/// Serves until `shutdown` is done: `/`, `POST /start`, `POST /stop`, `/stats`, and `/metrics` of what users measure.
pub async fn serve(
    listener: TcpListener,
    control: Arc<LoadControl>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/", get(show))
        .route("/start", post(start))
        .route("/stop", post(stop))
        .route("/stats", get(stats))
        .route("/metrics", get(metrics))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(control);
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}

async fn show(State(control): State<Arc<LoadControl>>) -> Html<String> {
    Html(page(&control.shown(), &[]))
}

async fn start(State(control): State<Arc<LoadControl>>, headers: HeaderMap, body: String) -> Response {
    if is_foreign(&headers) {
        return (StatusCode::FORBIDDEN, "another site's page cannot start users\n").into_response();
    }
    let form = Form::read(&body);
    match control.start(form.clone()) {
        Ok(()) => Redirect::to("/").into_response(),
        Err(wrong) => {
            let shown = Shown { form, ..control.shown() };
            (StatusCode::BAD_REQUEST, Html(page(&shown, &wrong))).into_response()
        }
    }
}

async fn stop(State(control): State<Arc<LoadControl>>, headers: HeaderMap) -> Response {
    if is_foreign(&headers) {
        return (StatusCode::FORBIDDEN, "another site's page cannot stop users\n").into_response();
    }
    control.stop();
    Redirect::to("/").into_response()
}

async fn stats(State(control): State<Arc<LoadControl>>) -> Json<Value> {
    Json(control.shown().to_json())
}

async fn metrics(State(control): State<Arc<LoadControl>>) -> Response {
    if control.system() != System::S000 {
        return (StatusCode::NOT_FOUND, "the users of this system measure nothing of their own\n")
            .into_response();
    }
    let body = control.defaults.logins.render();
    ([(header::CONTENT_TYPE, ExpositionWriter::CONTENT_TYPE)], body).into_response()
}

/// Whether a page of another site sends this: a browser says which.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_none_or(|(_, from)| from != host),
        (Some(_), None) => true,
        (None, _) => false,
    }
}

impl Form {
    /// As a browser sends it. Fields that are not there are empty, and refused where something is needed.
    fn read(body: &str) -> Self {
        let mut form = Self::default();
        for (name, value) in reqwest::Url::parse(&format!("form:?{body}")).iter().flat_map(|url| {
            url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect::<Vec<_>>()
        }) {
            match name.as_str() {
                "users" => form.users = value,
                "spawn_rate" => form.spawn_rate = value,
                "host" => form.host = value,
                "run_time" => form.run_time = value,
                _ => {}
            }
        }
        form
    }
}

impl Shown {
    fn to_json(&self) -> Value {
        let calls: Vec<Value> = self
            .rows()
            .into_iter()
            .map(|(name, calls)| {
                json!({
                    "name": name, "requests": calls.requests, "failures": calls.failures,
                    "unanswered": calls.unanswered, "p50_ms": calls.p50_ms, "p95_ms": calls.p95_ms,
                })
            })
            .collect();
        json!({
            "system": self.system.name(),
            "running": self.is_running,
            "users": self.met.users,
            "seconds": self.ran_s,
            "requests_per_second": self.met.requests_per_s,
            "calls": calls,
        })
    }
}
