//! The workshop's frontend (challenge 7): two instances behind one address, each with a page that tells browsers which
//! backend to call. When v2 names a wrong one, half of all page loads are broken, and no backend notices: only someone
//! who loads the page does.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;

/// An address has fewer bytes.
const BODY_BYTES_MAX: usize = 2048;

/// The backend that does not exist, which v2 is deployed with in challenge 7. The name is reserved: RFC 2606.
pub const WRONG_BACKEND: &str = "http://backend.invalid";

/// An instance of the frontend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instance {
    /// The older one.
    V1,
    /// The newer one.
    V2,
}

/// Both instances, and the turn of the next page load.
#[derive(Debug)]
pub struct Frontend(Mutex<Deployed>);

#[derive(Debug)]
struct Deployed {
    backends: [String; 2],
    next: Instance,
}

impl Frontend {
    /// Both instances name the same backend.
    pub fn new(backend: &str) -> Self {
        let backends = [backend.to_owned(), backend.to_owned()];
        Self(Mutex::new(Deployed { backends, next: Instance::V1 }))
    }

    /// Deploys an instance that names this backend.
    pub fn deploy(&self, instance: Instance, backend: &str) {
        self.lock().backends[instance as usize] = backend.to_owned();
    }

    /// The backend an instance names.
    pub fn backend(&self, instance: Instance) -> String {
        self.lock().backends[instance as usize].clone()
    }

    /// The page of an instance; without one, of whichever's turn it is.
    pub fn page(&self, instance: Option<Instance>) -> String {
        let mut deployed = self.lock();
        let instance = instance.unwrap_or(deployed.next);
        deployed.next = match instance {
            Instance::V1 => Instance::V2,
            Instance::V2 => Instance::V1,
        };
        let version = match instance {
            Instance::V1 => "v1",
            Instance::V2 => "v2",
        };
        let backend = escaped(&deployed.backends[instance as usize]);
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><title>Movie Guru</title>\n<meta name=\"version\" content=\"{version}\">\n\
             <meta name=\"backend\" content=\"{backend}\"></head>\n<body><h1>Movie Guru</h1></body></html>\n"
        )
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Deployed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// Serves until `shutdown` is done: `/` of either instance in turn, `/v1` and `/v2` of one, and `/v2/backend` to see
/// and change what v2 is deployed with.
pub async fn serve(
    listener: TcpListener,
    frontend: Arc<Frontend>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(frontend)).with_graceful_shutdown(shutdown).await
}

fn router(frontend: Arc<Frontend>) -> Router {
    let page = |instance| get(async move |State(f): State<Arc<Frontend>>| Html(f.page(instance)));
    Router::new()
        .route("/", page(None))
        .route("/v1", page(Some(Instance::V1)))
        .route("/v2", page(Some(Instance::V2)))
        .route("/v2/backend", get(shown).post(deployed))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(frontend)
}

async fn shown(State(frontend): State<Arc<Frontend>>) -> String {
    frontend.backend(Instance::V2) + "\n"
}

async fn deployed(State(frontend): State<Arc<Frontend>>, body: String) -> (StatusCode, String) {
    let backend = body.trim();
    if crate::probe::http::url_of(backend).is_err() {
        let answer = "write the backend's address, such as http://127.0.0.1:9998\n";
        return (StatusCode::BAD_REQUEST, answer.to_owned());
    }
    frontend.deploy(Instance::V2, backend);
    (StatusCode::OK, format!("v2 names {backend}\n"))
}
