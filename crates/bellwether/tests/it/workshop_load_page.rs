//! The page of a load generator: its form, what is wrong with one, figures that move, and what clients of a login measure
//! on their own side.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bellwether::workshop::{LoadControl, LoadOptions, System, load_page};
use serde_json::Value;
use tokio::net::TcpListener;

struct Page {
    address: String,
    client: reqwest::Client,
}

async fn open(system: System, target: &str) -> Page {
    bellwether::install_tls();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let options = LoadOptions {
        system,
        target: target.to_owned(),
        users: 3,
        spawn_rate_per_s: 0.05,
        run_time: Some(Duration::from_secs(7 * 3600)),
        seed: 1,
        logins: Arc::default(),
    };
    tokio::spawn(load_page::serve(listener, Arc::new(LoadControl::new(options)), std::future::pending()));
    Page { address, client: reqwest::Client::builder().no_proxy().build().unwrap() }
}

impl Page {
    async fn get(&self, path: &str) -> (u16, String) {
        let response = self.client.get(format!("{}{path}", self.address)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn post(&self, path: &str, form: &str) -> (u16, String) {
        let request = self.client.post(format!("{}{path}", self.address)).body(form.to_owned());
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// The figures, once they are as wanted.
    async fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let now: Value = serde_json::from_str(&self.get("/stats").await.1).unwrap();
            if wanted(&now) {
                return now;
            }
            assert!(Instant::now() < deadline, "{now}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn metric(&self, line_start: &str) -> f64 {
        let (_, text) = self.get("/metrics").await;
        let line = text.lines().find_map(|line| line.strip_prefix(line_start));
        line.unwrap_or_else(|| panic!("no {line_start} in\n{text}")).trim().parse().unwrap()
    }
}

/// A login server that takes its time, in milliseconds; every fifth login is refused.
async fn login_server(delay_ms: Arc<AtomicU64>) -> String {
    let count = Arc::new(AtomicU64::new(0));
    let login = move || {
        let (delay, n) = (Arc::clone(&delay_ms), count.fetch_add(1, Ordering::Relaxed));
        async move {
            tokio::time::sleep(Duration::from_millis(delay.load(Ordering::Relaxed))).await;
            if n % 5 == 4 { axum::http::StatusCode::FORBIDDEN } else { axum::http::StatusCode::OK }
        }
    };
    let router = axum::Router::new().route("/login", axum::routing::post(login)).fallback(async || "ok");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn all(stats: &Value) -> &Value {
    stats["calls"].as_array().unwrap().last().unwrap()
}

#[tokio::test]
async fn a_form_starts_users_and_a_button_stops_them() {
    let server = login_server(Arc::default()).await;
    let page = open(System::S003, &server).await;
    let (status, html) = page.get("/").await;
    assert_eq!(status, 200);
    // The form begins as the workshop's does.
    for part in ["value=\"3\"", "value=\"0.05\"", "value=\"7h\"", "action=\"start\"", server.as_str()] {
        assert!(html.contains(part), "no {part} in {html}");
    }
    assert!(!html.contains("action=\"stop\""), "{html}");

    let host = server.replace(':', "%3A").replace('/', "%2F");
    let form = format!("users=4&spawn_rate=1000&host={host}&run_time=");
    // The client follows to the page, as a browser does.
    let (status, html) = page.post("/start", &form).await;
    assert_eq!(status, 200);
    assert!(html.contains("action=\"stop\"") && html.contains("until they are stopped"), "{html}");
    let met = page.until(|now| all(now)["requests"].as_u64() > Some(20)).await;
    assert_eq!((met["users"].as_u64(), met["running"].as_bool()), (Some(4), Some(true)));
    assert!(met["requests_per_second"].as_f64() > Some(0.0), "{met}");
    assert!(page.get("/").await.1.contains("POST /tools/execute"));

    page.post("/stop", "").await;
    page.until(|now| now["running"] == false && now["users"] == 0).await;
    assert!(page.get("/").await.1.contains("Start again"));
    assert_eq!(page.get("/metrics").await.0, 404);
}

#[tokio::test]
async fn every_mistake_in_a_form_is_named_at_its_field_and_nobody_starts() {
    let page = open(System::S002, "http://127.0.0.1:1").await;
    let cases = [
        ("users=0&spawn_rate=1&host=http://a&run_time=", "write a number of users from 1 to"),
        ("users=many&spawn_rate=1&host=http://a&run_time=", "write a number of users from 1 to"),
        ("users=3&spawn_rate=0&host=http://a&run_time=", "spawn rate 0 starts nobody"),
        ("users=3&spawn_rate=1&host=a<b&run_time=", "&quot;a&lt;b&quot; is not an address to call"),
        ("users=3&spawn_rate=1&host=http://a&run_time=7+hours", "write a duration such as 7h"),
        ("users=3&spawn_rate=x&host=http://a&run_time=", "write how many users start each second"),
        ("", "is not an address to call"),
    ];
    for (form, part) in cases {
        let (status, html) = page.post("/start", form).await;
        assert_eq!(status, 400, "{form}");
        assert!(html.contains(part) && html.contains("aria-invalid=\"true\""), "{form}: {html}");
    }
    let (_, html) = page.post("/start", "users=0&spawn_rate=x&host=y&run_time=z").await;
    assert_eq!(html.matches("aria-invalid=\"true\"").count(), 4, "{html}");
    let foreign = page.client.post(format!("{}/start", page.address)).header("origin", "http://evil.example");
    assert_eq!(foreign.body("users=1&spawn_rate=1&host=http://a").send().await.unwrap().status(), 403);
    assert_eq!(page.until(|_| true).await["running"], false);
}

#[tokio::test]
async fn a_slow_server_moves_what_clients_of_a_login_measure() {
    let delay = Arc::new(AtomicU64::new(0));
    let server = login_server(Arc::clone(&delay)).await;
    let page = open(System::S000, &server).await;
    page.post("/start", &format!("users=10&spawn_rate=1000&host={server}&run_time=")).await;
    let count = "loadtest_login_latency_seconds_count ";
    let fast = "loadtest_login_latency_seconds_bucket{le=\"0.1\"} ";
    page.until(|now| all(now)["requests"].as_u64() > Some(20)).await;
    let succeeded = page.metric("loadtest_connections_total{status=\"succeeded\"} ").await;
    let refused = page.metric("loadtest_connections_total{status=\"failed_handshake\"} ").await;
    assert!(succeeded > 0.0 && refused > 0.0, "{succeeded} {refused}");
    assert_eq!(page.metric("loadtest_connections_total{status=\"failed_resolve\"} ").await, 0.0);

    delay.store(200, Ordering::Relaxed);
    let before = (page.metric(fast).await, page.metric(count).await);
    let deadline = Instant::now() + Duration::from_secs(20);
    // Those under way when the server became slow may still be fast: ten users.
    while page.metric(count).await < before.1 + 40.0 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let after = (page.metric(fast).await, page.metric(count).await);
    assert!(after.0 - before.0 <= 10.0, "{before:?} {after:?}");
    assert!(page.metric("loadtest_login_latency_seconds_bucket{le=\"0.25\"} ").await >= after.0);
}

#[tokio::test]
async fn a_login_that_cannot_be_tried_is_counted_by_its_reason() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    for (host, status) in [(nobody.as_str(), "failed_connect"), ("http://nobody.invalid", "failed_resolve")] {
        let page = open(System::S000, host).await;
        page.post("/start", &format!("users=1&spawn_rate=1&host={host}&run_time=")).await;
        page.until(|now| all(now)["unanswered"].as_u64() > Some(0)).await;
        let counted = page.metric(&format!("loadtest_connections_total{{status=\"{status}\"}} ")).await;
        assert!(counted > 0.0, "{host}");
        assert_eq!(page.metric("loadtest_login_latency_seconds_count ").await, 0.0);
    }
}
