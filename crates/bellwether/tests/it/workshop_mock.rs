//! The services of every system behind real ports: their metrics, faults set while they run, and calls that end as the
//! metrics say.

use std::sync::Arc;

use bellwether::scenario::definition::SetValue;
use bellwether::scenario::embedded;
use bellwether::workshop::{Mock, MockState, MovieGuru, Phase, Sampler, System, http, mock};
use bellwether_model::{TimeDelta, Timestamp};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const START: Timestamp = Timestamp::from_secs(1_767_225_600);

fn mock_of(system: System) -> Mock {
    let scenario = embedded::find(system.name()).unwrap().read().0.unwrap();
    Mock::new(&scenario.services, system.answered(), START, 1)
}

fn after(seconds: i64) -> Timestamp {
    START + TimeDelta(seconds * 1000)
}

fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{series} ")));
    line.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().unwrap()
}

#[test]
fn every_metric_of_a_document_is_exposed_and_counts_as_the_clock_goes() {
    // System, target, series, and its value after a minute.
    let cases = [
        (System::S000, 1, "loadtest_connections_total{status=\"succeeded\"}", 2997.0),
        (System::S000, 1, "loadtest_connections_total{status=\"failed_handshake\"}", 3.0),
        (System::S000, 1, "loadtest_login_latency_seconds_count", 2997.0),
        (System::S000, 1, "loadtest_login_latency_seconds_bucket{le=\"0.1\"}", 2997.0),
        (System::S001, 0, "app_active_connections", 500.0),
        (System::S001, 0, "app_messages_total", 300.0),
        (System::S001, 0, "app_connections_opened_total", 600.0),
        (System::S001, 0, "app_shutdown_duration_seconds_bucket{le=\"7.5\"}", 400.0),
        (System::S003, 0, "http_server_requests_total{status=\"200\"}", 72000.0),
        (System::S003, 0, "streaming_active_connections", 1001.0),
        (System::S004, 0, "http_requests_total{status=\"200\"}", 6000.0),
    ];
    for (system, target, series, want) in cases {
        let text = mock_of(system).expose(target, after(60)).unwrap();
        assert_eq!(value(&text, series), want, "{system:?} {series}");
    }
}

#[test]
fn a_fault_counts_from_its_moment_on_and_ends_with_a_reset() {
    let mock = mock_of(System::S001);
    let set = |path: &str, to: &str, at| mock.set(&[(path.to_owned(), SetValue::Text(to.to_owned()))], at);
    set("app.app_errors_total.rate", "50/s", after(60)).unwrap();
    assert_eq!(value(&mock.expose(0, after(70)).unwrap(), "app_errors_total"), 500.0);
    mock.reset(after(70));
    assert_eq!(value(&mock.expose(0, after(100)).unwrap(), "app_errors_total"), 500.0);
    set("app.up", "false", after(100)).unwrap();
    assert_eq!(mock.expose(0, after(101)), None);
    set("app.up", "true", after(110)).unwrap();
    // Whoever is killed forgets.
    assert_eq!(value(&mock.expose(0, after(111)).unwrap(), "app_messages_total"), 5.0);
}

#[test]
fn one_wrong_setting_leaves_all_as_they_were() {
    let mock = mock_of(System::S001);
    let text = |path: &str, value: &str| (path.to_owned(), SetValue::Text(value.to_owned()));
    let before = mock.definitions();
    let wrong = mock
        .set(&[text("app.up", "false"), text("app.app_errors.rate", "1/s"), text("ap.up", "no")], START)
        .unwrap_err();
    let expected = [("app.app_errors.rate", "no metric \"app_errors\""), ("ap.up", "did you mean app?")];
    assert_eq!(wrong.len(), expected.len(), "{wrong:?}");
    for ((path, why), (field, part)) in wrong.iter().zip(expected) {
        assert!(path == field && why.contains(part), "{path}: {why}");
    }
    assert_eq!(mock.definitions(), before);
}

struct Running {
    addresses: Vec<String>,
    client: reqwest::Client,
}

impl Running {
    async fn send(&self, port: usize, method: &str, path: &str, body: &str) -> (u16, String) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, format!("{}{path}", self.addresses[port]));
        let response = request.body(body.to_owned()).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn json(&self, method: &str, path: &str, body: &str, status: u16) -> Value {
        let (got, text) = self.send(0, method, path, body).await;
        assert_eq!(got, status, "{method} {path} {body}: {text}");
        serde_json::from_str(&text).unwrap()
    }
}

async fn open(system: System) -> Running {
    bellwether::install_tls();
    let scenario = embedded::find(system.name()).unwrap().read().0.unwrap();
    let now = bellwether::clock::now();
    let mock = Arc::new(Mock::new(&scenario.services, system.answered(), now, 1));
    let (mut listeners, mut addresses) = (Vec::new(), Vec::new());
    for _ in mock.targets() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        addresses.push(format!("http://{}", listener.local_addr().unwrap()));
        listeners.push(listener);
    }
    tokio::spawn(mock::serve(listeners, mock, std::future::pending()));
    Running { addresses, client: reqwest::Client::builder().no_proxy().build().unwrap() }
}

#[tokio::test]
async fn faults_are_listed_set_and_refused_by_their_path() {
    let app = open(System::S001).await;
    let shown = app.json("GET", "/faults", "", 200).await;
    assert_eq!(shown["settings"]["app.up"], "true");
    assert_eq!(shown["settings"]["app.app_messages_total.rate"], "5/s");
    assert_eq!(shown["settings"]["node.node_cpu_seconds_total.split.mode.idle"], "90%");
    assert_eq!(shown["changed"], json!({}));

    let body = json!({ "app.app_active_connections": 0, "app.app_shutdown_duration_seconds.values": {"0.2": "rest", "6": "6%"} });
    let shown = app.json("POST", "/faults", &body.to_string(), 200).await;
    let changed = json!({ "app.app_active_connections": "0", "app.app_shutdown_duration_seconds.values": "{0.2: 94%, 6: 6%}" });
    assert_eq!(shown["changed"], changed);
    assert!(app.send(0, "GET", "/metrics", "").await.1.contains("\napp_active_connections 0\n"));
    assert!(app.send(1, "GET", "/metrics", "").await.1.contains("node_filesystem_avail_bytes"));

    let cases = [
        ("{\"app.app_messages_total.rate\": \"fast\"}", "app.app_messages_total.rate", "is not a rate"),
        ("{\"app.up\": [1]}", "app.up", "write a number, a text"),
        ("{\"nobody.up\": true}", "nobody.up", "there is no service"),
        ("{}", "", "nothing is set"),
        ("[]", "", "write an object"),
        ("{", "", "no JSON"),
    ];
    for (body, field, part) in cases {
        let refused = app.json("POST", "/faults", body, 400).await;
        assert_eq!(refused["errors"][0]["field"], field, "{body}");
        assert!(refused["errors"][0]["message"].as_str().unwrap().contains(part), "{body}: {refused}");
    }
    assert_eq!(app.json("GET", "/faults", "", 200).await["changed"], changed);
    assert_eq!(app.json("DELETE", "/faults", "", 200).await["changed"], json!({}));

    app.json("POST", "/faults", "{\"app.up\": false}", 200).await;
    assert_eq!(app.send(0, "GET", "/metrics", "").await.0, 503);
    assert_eq!(app.send(0, "POST", "/ws/message", "").await.0, 503);
}

#[tokio::test]
async fn calls_end_as_often_well_and_take_as_long_as_the_metrics_say() {
    let game = open(System::S000).await;
    let cases = [("POST", "/move", 200), ("GET", "/login", 405), ("GET", "/", 200), ("GET", "/nothing", 404)];
    for (method, path, status) in cases {
        assert_eq!(game.send(0, method, path, "").await.0, status, "{method} {path}");
    }
    let slow = json!({ "loadtest.loadtest_login_latency_seconds.values": "0.2",
        "loadtest.loadtest_connections_total.split.status.failed_handshake": "100%" });
    game.json("POST", "/faults", &slow.to_string(), 200).await;
    let begun = std::time::Instant::now();
    assert_eq!(game.send(0, "POST", "/login", "").await.0, 500);
    assert!(begun.elapsed() >= std::time::Duration::from_millis(200));

    let gateway = open(System::S004).await;
    let fails = "{\"inference-gateway.http_requests_total.split.status.503\": \"100%\"}";
    gateway.json("POST", "/faults", fails, 200).await;
    assert_eq!(gateway.send(0, "POST", "/v1/completions", "").await.0, 503);
}

#[tokio::test]
async fn the_workshop_s_service_takes_faults_beside_its_phase() {
    bellwether::install_tls();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addresses = vec![format!("http://{}", listener.local_addr().unwrap())];
    let phase = Phase::challenge(5).unwrap();
    let state = Arc::new(MockState::new(MovieGuru::new(phase), Sampler::quota()));
    tokio::spawn(http::serve(listener, Arc::clone(&state), std::future::pending()));
    let guru = Running { addresses, client: reqwest::Client::builder().no_proxy().build().unwrap() };
    assert_eq!(guru.json("GET", "/faults", "", 200).await["settings"]["guru.ChatSuccess"], 0.95);
    guru.json("POST", "/faults", "{\"guru.phase\": 6}", 200).await;
    assert_eq!(state.phase(), Phase::challenge(6).unwrap());
    guru.json("POST", "/faults", "{\"guru.ChatSuccess\": 0.5}", 200).await;
    for (body, field) in [
        ("{\"guru.ChatSuccess\": 2}", "guru.ChatSuccess"),
        ("{\"guru.users\": 9}", "guru.users"),
        ("{\"app.up\": false}", "app.up"),
    ] {
        let refused = guru.json("POST", "/faults", body, 400).await;
        assert_eq!(refused["errors"][0]["field"], field, "{body}");
    }
    assert_eq!(guru.json("GET", "/faults", "", 200).await["settings"]["guru.ChatSuccess"], 0.5);
}
