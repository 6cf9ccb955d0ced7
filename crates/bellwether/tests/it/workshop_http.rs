use std::sync::Arc;
use std::time::Duration;

use bellwether::workshop::load::{LoadError, run};
use bellwether::workshop::{LoadOptions, LoadStats, MockState, MovieGuru, Phase, Sampler, System, http};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The service on a port of its own, until it is dropped.
struct Running {
    address: String,
    state: Arc<MockState>,
    client: reqwest::Client,
    _stop: oneshot::Sender<()>,
}

async fn start() -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let state = Arc::new(MockState::new(MovieGuru::new(Phase::challenge(1).unwrap()), Sampler::quota()));
    let (_stop, stopped) = oneshot::channel();
    tokio::spawn(http::serve(listener, Arc::clone(&state), async { drop(stopped.await) }));
    let _ = rustls::crypto::ring::default_provider().install_default();
    Running { address, state, client: reqwest::Client::builder().no_proxy().build().unwrap(), _stop }
}

impl Running {
    async fn send(&self, method: &str, path: &str, body: String) -> (u16, String) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, format!("{}{path}", self.address)).body(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn metric(&self, name: &str) -> f64 {
        let (_, body) = self.send("GET", "/metrics", String::new()).await;
        let line = body.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in\n{body}")).parse().unwrap()
    }
}

#[tokio::test]
async fn every_endpoint_answers_and_counts() {
    let guru = start().await;
    let calls = [
        ("POST", "/login", "movieguru_login_attempts_total"),
        ("POST", "/chat", "movieguru_chat_calls_total"),
        ("GET", "/startup", "movieguru_startup_attempts_total"),
        ("GET", "/preferences", "movieguru_prefGet_attempts_total"),
        ("POST", "/preferences", "movieguru_prefUpdate_attempts_total"),
        ("GET", "/logout", "movieguru_Logout_attempts_total"),
        ("GET", "/", "movieguru_healthcheck_attempts_total"),
        ("POST", "/no/such/page", "movieguru_healthcheck_attempts_total"),
    ];
    for (method, path, counter) in calls {
        let before = guru.metric(counter).await;
        let (status, _) = guru.send(method, path, String::new()).await;
        assert!(status == 200 || status == 500, "{method} {path}: {status}");
        assert_eq!(guru.metric(counter).await, before + 1.0, "{method} {path}");
    }
    for (method, path, want) in [("GET", "/history", 200), ("DELETE", "/history", 200), ("PUT", "/chat", 405)]
    {
        let before = guru.state.render();
        assert_eq!(guru.send(method, path, String::new()).await.0, want, "{method} {path}");
        assert_eq!(guru.state.render(), before, "{method} {path}");
    }
}

#[tokio::test]
async fn failures_come_at_their_rate() {
    let guru = start().await;
    let mut failed = 0;
    for _ in 0..40 {
        failed += u32::from(guru.send("GET", "/startup", String::new()).await.0 == 500);
    }
    assert_eq!(failed, 10);
    assert_eq!(guru.metric("movieguru_startup_success_total").await, 30.0);
}

#[tokio::test]
async fn a_phase_is_replaced_whole_or_not_at_all() {
    let guru = start().await;
    let shown = |phase: &Phase| json!({"CurrentProbMetrics": phase.to_json()});
    let parsed = |body: &str| serde_json::from_str::<Value>(body).unwrap();
    let (first, sixth) = (Phase::challenge(1).unwrap(), Phase::challenge(6).unwrap());
    let (status, body) = guru.send("GET", "/phase", String::new()).await;
    assert_eq!((status, parsed(&body)), (200, shown(&first)));

    let mut wrong = sixth.to_json();
    wrong["LoginSuccess"] = json!(99.9);
    let (status, body) = guru.send("POST", "/phase", wrong.to_string()).await;
    assert_eq!(status, 400);
    assert_eq!(parsed(&body)["errors"][0]["field"], "LoginSuccess");
    assert_eq!(guru.send("POST", "/phase", "{".to_owned()).await.0, 400);
    assert_eq!(guru.send("POST", "/phase", " ".repeat(100_000)).await.0, 413);
    assert_eq!(guru.state.phase(), first);

    let (status, body) = guru.send("POST", "/phase", sixth.to_json().to_string()).await;
    assert_eq!((status, parsed(&body)), (200, shown(&sixth)));
    assert_eq!(guru.state.phase(), sixth);
}

fn load(target: &str) -> LoadOptions {
    LoadOptions {
        system: System::S002,
        target: target.to_owned(),
        users: 4,
        spawn_rate_per_s: 1000.0,
        run_time: None,
        seed: 1,
        logins: Arc::default(),
    }
}

#[tokio::test]
async fn users_call_and_count_what_they_meet() {
    let guru = start().await;
    let stats = Arc::new(LoadStats::default());
    let options = LoadOptions { run_time: Some(Duration::from_millis(600)), ..load(&guru.address) };
    run(options, Arc::clone(&stats), std::future::pending()).await.unwrap();
    let met = stats.snapshot();
    // Each of the four did one task before its first pause.
    assert!((4..=8).contains(&met.total.requests), "{met:?}");
    assert_eq!((met.total.unanswered, met.users), (0, 0));
    assert_eq!(met.by_endpoint.values().map(|calls| calls.requests).sum::<u64>(), met.total.requests);
}

#[tokio::test]
async fn users_go_on_when_nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let stats = Arc::new(LoadStats::default());
    let watched = Arc::clone(&stats);
    let second_tasks = async move {
        while watched.snapshot().total.requests < 10 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    run(load(&address), Arc::clone(&stats), second_tasks).await.unwrap();
    let total = stats.snapshot().total;
    assert_eq!((total.failures, total.unanswered), (total.requests, total.requests));
}

#[tokio::test]
async fn a_load_that_cannot_start_says_why() {
    let check = async |options: LoadOptions, want: &str| {
        let error: LoadError = run(options, Arc::default(), std::future::pending()).await.unwrap_err();
        assert_eq!(error.to_string(), want);
    };
    let address = "is not an address to call; write one such as http://127.0.0.1:8080";
    check(load("localhost:8080"), &format!("\"localhost:8080\" {address}")).await;
    check(load("ftp://x"), &format!("\"ftp://x\" {address}")).await;
    let slow = LoadOptions { spawn_rate_per_s: 0.0, ..load("http://localhost") };
    check(slow, "spawn rate 0 starts nobody; write a number of users per second above 0, such as 0.05").await;
}
