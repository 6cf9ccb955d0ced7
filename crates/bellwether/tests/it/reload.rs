//! A new configuration without a restart: a good one is in force when the request is answered, a bad one changes
//! nothing and everybody can see why.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::routing::get;
use reqwest::Method;
use serde_json::Value;

use crate::process::{Answer, Folder, Server};

/// A server, its files, and the address of a service whose counters grow with every scrape.
struct Running {
    server: Server,
    config: PathBuf,
    _folder: Folder,
    address: String,
}

const JOBS: &str = "
prometheus:
  global: {scrape_interval: 200ms, scrape_timeout: 200ms}
  scrape_configs:
    - {job_name: shop, static_configs: [{targets: ['ADDRESS']}]}
";

const SECOND_JOB: &str = "    - {job_name: cart, static_configs: [{targets: ['ADDRESS']}]}\n";

const SLOS: &str = r#"
slos:
  - name: answers
    goal: "99%"
    window: 1h
    indicator:
      ratio: {bad: 'requests_total{job="shop",code="500"}', total: 'requests_total{job="shop"}'}
    alerts: []
"#;

impl Running {
    async fn start(name: &str, config: &str) -> Self {
        let (folder, address) = (Folder::new(name), service().await);
        let config = folder.write("bellwether.yml", &config.replace("ADDRESS", &address));
        let server = Server::start(&config, &folder.path("data")).await;
        Self { server, config, _folder: folder, address }
    }

    fn write(&self, config: &str) {
        std::fs::write(&self.config, config.replace("ADDRESS", &self.address)).unwrap();
    }

    async fn reload(&self) -> Answer {
        self.server.ask(Method::POST, "/-/reload", None).await.unwrap()
    }

    /// Waits for more samples of a query's only series.
    async fn samples(&self, query: &str, count: usize) -> Vec<Value> {
        self.server
            .until(query, async |server| {
                let samples = values(&server.query(query).await);
                if samples.len() >= count { Ok(samples) } else { Err(format!("{} samples", samples.len())) }
            })
            .await
    }

    async fn warnings(&self) -> String {
        self.server.json("/api/bellwether/v1/overview").await["warnings"].to_string()
    }
}

fn values(result: &Value) -> Vec<Value> {
    result[0]["values"].as_array().cloned().unwrap_or_default()
}

/// One more bad and nine more good requests with every scrape.
async fn service() -> String {
    let scrapes = Arc::new(AtomicU64::new(0));
    let metrics = move || {
        let scrapes = scrapes.fetch_add(1, Ordering::Relaxed);
        let text = format!(
            "requests_total{{code=\"200\"}} {}\nrequests_total{{code=\"500\"}} {scrapes}\n",
            9 * scrapes
        );
        async move { text }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let router = Router::new().route("/metrics", get(metrics));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn numbers(sample: &Value) -> f64 {
    sample[1].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_objective_added_by_a_reload_knows_its_past() {
    let running = Running::start("reload-slo", JOBS).await;
    let query = "requests_total{code=\"500\"}[1h]";
    let before = running.samples(query, 10).await;
    running.write(&format!("{JOBS}{SLOS}"));
    assert_eq!(running.reload().await.status, 200);

    // The first value is the baseline; everything since then counts, from before the objective was there.
    let past = numbers(before.last().unwrap()) - numbers(&before[0]);
    let slos = running.server.json("/api/bellwether/v1/slos/answers").await;
    let total = slos["streams"][0]["total"].clone();
    let (good, all) = (total["good"].as_f64().unwrap(), total["total"].as_f64().unwrap());
    assert!(all - good >= past && past >= 9.0, "{past} bad requests in the past, counted {total}");
    assert_eq!((good, all), (9.0 * (all - good), 10.0 * (all - good)));

    // It goes on counting, and agrees with the samples when nothing more arrives.
    running.write(&format!("{}{SLOS}", JOBS.lines().take(4).collect::<Vec<_>>().join("\n") + " []\n"));
    assert_eq!(running.reload().await.status, 200);
    let (server, mut last) = (&running.server, None);
    let counted = server
        .until("no more events", async |server| {
            let slo = server.json("/api/bellwether/v1/slos/answers").await;
            let samples = values(&server.query(query).await);
            let now = (slo["streams"][0]["total"]["total"].as_f64(), samples.last().cloned());
            let is_same = last.replace(now.clone()) == Some(now.clone());
            let bad = samples.last().map_or(0.0, numbers) - samples.first().map_or(0.0, numbers);
            let is_right = is_same && now.0 == Some(10.0 * bad);
            if is_right { Ok(bad) } else { Err(format!("{now:?}, expected {}", 10.0 * bad)) }
        })
        .await;
    assert!(counted >= past);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_adds_a_target_and_the_others_go_on() {
    let running = Running::start("reload-hup", JOBS).await;
    running.samples("up{job=\"shop\"}[1h]", 3).await;
    running.write(&format!("{JOBS}{SECOND_JOB}"));
    running.server.signal("HUP");
    running.samples("up{job=\"cart\"}[1h]", 3).await;
    let targets = running.server.json("/api/bellwether/v1/targets").await;
    let jobs: Vec<&str> =
        targets.as_array().unwrap().iter().map(|target| target["job"].as_str().unwrap()).collect();
    assert_eq!(jobs, ["cart", "shop"]);
    let resets = running.server.query("resets(requests_total{job=\"shop\",code=\"200\"}[1h])").await;
    assert_eq!(resets[0]["value"][1], "0", "{resets}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_configuration_changes_nothing_and_is_seen_by_all() {
    let running = Running::start("reload-bad", &format!("{JOBS}{SLOS}")).await;
    running.samples("up{job=\"shop\"}[1h]", 1).await;
    assert_eq!(running.warnings().await, "[]");
    let bad = format!("{JOBS}{SLOS}").replace("\"99%\"", "99").replace("job_name", "job_nam");
    running.write(&bad);
    let answer = running.reload().await;
    assert_eq!(answer.status, 500, "{}", answer.body);
    for part in ["bellwether.yml:5:", "did you mean job_name", "goal 99 has no unit"] {
        assert!(answer.body.contains(part), "{part}: {}", answer.body);
    }
    let warnings = running.warnings().await;
    assert!(warnings.contains("reload refused") && warnings.contains("job_nam"), "{warnings}");
    assert!(running.server.text("/").await.contains("reload refused"));
    assert!(running.server.text("/metrics").await.contains("bellwether_trouble{kind=\"reload\"} 1"));

    let seen = running.samples("up{job=\"shop\"}[1h]", 1).await.len();
    running.samples("up{job=\"shop\"}[1h]", seen + 3).await; // the old configuration runs
    running.server.json("/api/bellwether/v1/slos/answers").await;

    running.write(&format!("{JOBS}{SLOS}"));
    assert_eq!(running.reload().await.status, 200);
    assert_eq!(running.warnings().await, "[]");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_series_of_a_target_that_is_removed_end_at_once() {
    let running = Running::start("reload-remove", &format!("{JOBS}{SECOND_JOB}")).await;
    running.samples("requests_total{job=\"cart\",code=\"200\"}[1h]", 3).await;
    running.write(JOBS);
    assert_eq!(running.reload().await.status, 200);
    // Five minutes of looking back would show them still, if nobody had said that they ended.
    for query in ["requests_total{job=\"cart\"}", "up{job=\"cart\"}"] {
        running
            .server
            .until(query, async |server| {
                let series = server.query(query).await;
                if series.as_array().unwrap().is_empty() { Ok(()) } else { Err(series.to_string()) }
            })
            .await;
    }
    let past = running.server.query("requests_total{job=\"cart\",code=\"200\"}[1h]").await;
    assert!(values(&past).len() >= 3, "its past is still there: {past}");
    running.samples("up{job=\"shop\"}[1h]", 3).await;
}

#[tokio::test]
async fn the_configuration_in_force_is_shown_without_its_secrets() {
    let routing = "
alertmanager:
  route: {receiver: team}
  receivers:
    - {name: team, slack_configs: [{api_url: 'http://127.0.0.1:9/hunter2', channel: '#ops'}]}
";
    let running = Running::start("reload-shown", &[JOBS, routing].concat()).await;
    let shown = async || {
        let config = running.server.json("/api/v1/status/config").await;
        config["data"]["yaml"].as_str().unwrap().to_owned()
    };
    let before = shown().await;
    assert!(before.contains("job_name: shop") && before.contains("api_url: <secret>"), "{before}");
    assert!(!before.contains("hunter2"), "{before}");
    running.write(&[JOBS, SECOND_JOB, routing].concat());
    assert_eq!(running.reload().await.status, 200);
    assert!(shown().await.contains("job_name: cart"));
    running.write("slos: 5\n");
    assert_eq!(running.reload().await.status, 500);
    assert!(shown().await.contains("job_name: cart"), "what is in force is shown, not what was refused");
    let info = running.server.json("/api/v1/status/runtimeinfo").await;
    assert_eq!(info["data"]["reloadConfigSuccess"], false);
}
