//! A service under watch and a receiver of messages, in the test's own process: everything they exposed and received
//! is known exactly. Replicas of the service restart now and then, counters are born, and messages are refused.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use serde_json::Value;

/// Replicas of the service.
pub(crate) const TARGETS: usize = 3;
/// Requests and latencies by route: 30 routes have 210 counters.
const ROUTES: u32 = 30;

/// What one scrape was answered: values by name and labels, as the text format writes them.
pub(crate) type Exposed = BTreeMap<String, u64>;

/// One replica of the service.
#[derive(Default)]
pub(crate) struct Replica {
    pub(crate) counters: Exposed,
    pub(crate) routes: u32,
    /// Every answer ever given, by its number.
    pub(crate) answers: Vec<Exposed>,
}

/// The service, its replicas, and how it does.
pub(crate) struct Shop {
    pub(crate) random: fastrand::Rng,
    pub(crate) replicas: Vec<Replica>,
    /// Events per counter and scrape; grows when the weather changes, so that a minute's window turns at once.
    pub(crate) scale: u64,
    pub(crate) bad_percent: u64,
    /// No more events: what is read last can be compared at leisure.
    pub(crate) is_closed: bool,
    /// Nothing answers but errors.
    pub(crate) is_down: bool,
}

impl Shop {
    fn new(seed: u64) -> Self {
        let replica = || Replica { routes: ROUTES, ..Replica::default() };
        let replicas = (0..TARGETS).map(|_| replica()).collect();
        let random = fastrand::Rng::with_seed(seed);
        Self { random, replicas, scale: 10, bad_percent: 1, is_closed: false, is_down: false }
    }

    pub(crate) fn change_weather(&mut self, bad_percent: u64) {
        (self.bad_percent, self.scale) = (bad_percent, self.scale * 40);
    }

    /// Answers a scrape. The first replica never restarts; the others lose their counters now and then.
    fn expose(&mut self, replica: usize) -> String {
        if !self.is_closed {
            self.happen(replica);
        }
        let replica = &mut self.replicas[replica];
        let mut text = format!("exposition_number {}\n", replica.answers.len());
        for (series, value) in &replica.counters {
            writeln!(text, "{series} {value}").unwrap();
        }
        replica.answers.push(replica.counters.clone());
        text
    }

    /// Everything that happens between two scrapes.
    fn happen(&mut self, replica: usize) {
        let (random, is_steady) = (&mut self.random, replica == 0);
        let replica = &mut self.replicas[replica];
        if !is_steady && random.u32(..15) == 0 {
            replica.counters.clear();
        }
        if random.u32(..4) == 0 {
            replica.routes += 1; // its counters are born with what has just happened to them
        }
        for route in 0..replica.routes {
            let events = random.u64(1..=self.scale);
            let bad = events * self.bad_percent / 100 + u64::from(random.u32(..50) == 0);
            let slow = random.u64(..=events) * self.bad_percent / 100;
            let route = format!("route=\"r{route}\",zone=\"z{}\"", route % 3);
            let mut add = |series: String, more: u64| *replica.counters.entry(series).or_default() += more;
            add(format!("requests_total{{{route},code=\"200\"}}"), events - bad.min(events));
            add(format!("requests_total{{{route},code=\"500\"}}"), bad.min(events));
            add(format!("latency_seconds_bucket{{{route},le=\"0.5\"}}"), events - slow);
            add(format!("latency_seconds_bucket{{{route},le=\"2\"}}"), events - slow / 2);
            add(format!("latency_seconds_bucket{{{route},le=\"+Inf\"}}"), events);
            add(format!("latency_seconds_sum{{{route}}}"), events);
            add(format!("latency_seconds_count{{{route}}}"), events);
        }
    }
}

/// A message as it came in, and what it was answered.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) path: String,
    pub(crate) key: String,
    pub(crate) body: Value,
    pub(crate) accepted: bool,
}

/// Everything outside of the program.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) shop: Arc<Mutex<Shop>>,
    pub(crate) messages: Arc<Mutex<Vec<Message>>>,
}

impl World {
    /// Opens its port; gives its address.
    pub(crate) async fn open(seed: u64) -> (Self, String) {
        let world = Self { shop: Arc::new(Mutex::new(Shop::new(seed))), messages: Arc::default() };
        let router = Router::new()
            .route("/metrics/{replica}", get(metrics))
            .route("/receive/{path}", post(receive))
            .with_state(world.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (world, address)
    }

    pub(crate) fn shop(&self) -> std::sync::MutexGuard<'_, Shop> {
        self.shop.lock().unwrap()
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        self.messages.lock().unwrap().clone()
    }
}

async fn metrics(State(world): State<World>, Path(replica): Path<usize>) -> (StatusCode, String) {
    let mut shop = world.shop();
    if shop.is_down {
        return (StatusCode::SERVICE_UNAVAILABLE, String::new());
    }
    (StatusCode::OK, shop.expose(replica))
}

/// Takes most messages; some it refuses, as overloaded or limited, when they come for the first time.
async fn receive(
    State(world): State<World>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, [(&'static str, &'static str); 1], &'static str) {
    let header = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
    let key = header("idempotency-key");
    // A message that was tried often, also by processes that died over it, would wait for minutes.
    let is_early =
        ["1", "2"].iter().any(|attempt| header("x-bellwether-delivery") == format!("{key}-{attempt}"));
    let mut messages = world.messages.lock().unwrap();
    let may_refuse = is_early && messages.iter().all(|message| message.key != key);
    let status = match world.shop().random.u32(..5) {
        0 if may_refuse => StatusCode::INTERNAL_SERVER_ERROR,
        1 if may_refuse => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::OK,
    };
    let body = serde_json::from_str(&body).unwrap();
    messages.push(Message { path, key, body, accepted: status == StatusCode::OK });
    (status, [("retry-after", "1")], if status == StatusCode::OK { "ok" } else { "not now" })
}
