//! The real Prometheus and the real VictoriaMetrics as sources: what the ledger counts equals a brute force over the
//! raw samples the source has, through sudden deaths of either side. Where a program is not there
//! (`cargo xtask peers` unpacks them), that is said and skipped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bellwether_testkit::peers;
use bellwether_web::url::encode;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::process::{DEADLINE, Folder, Server, text};
use crate::prometheus_peer::free_port;

/// A service with counters that somebody turns.
#[derive(Clone, Default)]
struct Shop(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Shop {
    async fn open() -> (Self, String) {
        let shop = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let page = {
            let shop = shop.clone();
            move || {
                let body = shop.exposed();
                async move { ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], body) }
            }
        };
        let router = axum::Router::new().route("/metrics", axum::routing::get(page));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (shop, address)
    }

    fn exposed(&self) -> String {
        let counts = self.0.lock().unwrap();
        let lines =
            counts.iter().map(|(code, count)| format!("shop_requests_total{{code=\"{code}\"}} {count}\n"));
        format!("# TYPE shop_requests_total counter\n{}", lines.collect::<String>())
    }

    fn serve(&self, code: &'static str, requests: u64) {
        *self.0.lock().unwrap().entry(code).or_default() += requests;
    }

    /// Starts anew: all counters are gone until they count again.
    fn restart(&self) {
        self.0.lock().unwrap().clear();
    }
}

/// A program that scrapes the shop every second.
struct Source {
    program: PathBuf,
    arguments: Vec<String>,
    child: Child,
    url: String,
}

impl Source {
    async fn prometheus(folder: &Folder, target: &str) -> Option<Self> {
        let program = peers::program("prometheus")?;
        let address = format!("127.0.0.1:{}", free_port().await);
        let arguments = vec![
            format!("--config.file={}", text(&scrape_config(folder, target))),
            format!("--storage.tsdb.path={}", text(&folder.path("prometheus"))),
            format!("--web.listen-address={address}"),
        ];
        Some(Self::start(program, arguments, &address))
    }

    async fn victoria_metrics(folder: &Folder, target: &str) -> Option<Self> {
        let program = peers::program("victoria-metrics")?;
        let address = format!("127.0.0.1:{}", free_port().await);
        let arguments = vec![
            format!("-promscrape.config={}", text(&scrape_config(folder, target))),
            format!("-storageDataPath={}", text(&folder.path("victoria"))),
            format!("-httpListenAddr={address}"),
        ];
        Some(Self::start(program, arguments, &address))
    }

    fn start(program: PathBuf, arguments: Vec<String>, address: &str) -> Self {
        let child = spawn(&program, &arguments);
        Self { program, arguments, child, url: format!("http://{address}") }
    }

    /// Asks it to stop and waits until it has: what it scraped is on its disk.
    fn stop(&mut self) {
        let sent = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status();
        assert!(sent.unwrap().success());
        self.child.wait().unwrap();
    }

    fn start_again(&mut self) {
        self.child = spawn(&self.program, &self.arguments);
    }

    /// All raw samples of a selector.
    async fn raw(&self, http: &reqwest::Client, selector: &str) -> Vec<(Value, Vec<(f64, f64)>)> {
        let url =
            format!("{}/api/v1/query?nocache=1&query={}", self.url, encode(&format!("{selector}[1h]"), ""));
        // It may be away, or still starting.
        let Ok(response) = http.get(url).send().await else { return Vec::new() };
        let Ok(body) = response.json::<Value>().await else { return Vec::new() };
        let series = body["data"]["result"].as_array().unwrap().iter().map(|series| {
            let values = series["values"].as_array().unwrap().iter();
            let point = |p: &Value| (p[0].as_f64().unwrap(), p[1].as_str().unwrap().parse().unwrap());
            (series["metric"].clone(), values.map(point).collect())
        });
        series.collect()
    }

    /// Bad and all requests, by the definition of a counter, from what the source has.
    async fn brute_force(&self, http: &reqwest::Client) -> (f64, f64) {
        let ups = self.raw(http, "up{job=\"shop\"}").await;
        let first_good = ups.iter().flat_map(|(_, points)| points).filter(|(_, up)| *up == 1.0);
        let watched_since = first_good.map(|(at, _)| *at).fold(f64::INFINITY, f64::min);
        let (mut bad, mut total) = (0.0, 0.0);
        for (metric, points) in self.raw(http, "shop_requests_total").await {
            let is_born_later = points.first().is_some_and(|(at, _)| *at > watched_since);
            let mut before = if is_born_later { Some(0.0) } else { None };
            // VictoriaMetrics gives staleness markers as well.
            for value in points.into_iter().map(|(_, value)| value).filter(|value| !value.is_nan()) {
                let increment = match before {
                    Some(before) if value >= before => value - before,
                    Some(_) => value,
                    None => 0.0,
                };
                before = Some(value);
                total += increment;
                bad += if metric["code"] == "200" { 0.0 } else { increment };
            }
        }
        (bad, total)
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(program: &Path, arguments: &[String]) -> Child {
    Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn scrape_config(folder: &Folder, target: &str) -> PathBuf {
    folder.write(
        "scrape.yml",
        &format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: shop\n  static_configs: [{{targets: [\"{target}\"]}}]\n"
        ),
    )
}

fn config(folder: &Folder, url: &str) -> PathBuf {
    folder.write(
        "bellwether.yml",
        &format!(
            "source: {{prometheus: {{url: \"{url}\", interval: 1s, overlap: 1m, history: 1h}}}}\n\
             rules:\n- name: derived\n  interval: 1s\n  rules:\n\
             \x20 - {{record: 'job:shop_requests:sum', expr: 'sum by (job) (shop_requests_total)'}}\n\
             \x20 - {{alert: ShopIsOpen, expr: 'job:shop_requests:sum > 0 and on (job) up{{job=\"shop\"}} == 1'}}\n\
             slos:\n- name: shop\n  goal: \"99%\"\n  window: 1d\n\
             \x20 indicator: {{ratio: {{bad: 'shop_requests_total{{code!=\"200\"}}', total: shop_requests_total}}}}\n"
        ),
    )
}

async fn counted(server: &Server) -> (f64, f64) {
    let slo = server.json("/api/bellwether/v1/slos/shop").await;
    let total = &slo["streams"][0]["total"];
    let events = total["total"].as_f64().unwrap_or(-1.0);
    (events - total["good"].as_f64().unwrap_or(0.0), events)
}

/// Rules and people ask the source; what our rules record is read here, together with it.
async fn queries_are_answered(server: &Server, source: &Source, http: &reqwest::Client) {
    let theirs = source.raw(http, "up{job=\"shop\"}").await;
    assert_eq!(server.query("up{job=\"shop\"}").await[0]["metric"], theirs[0].0);
    let ratio = "job:shop_requests:sum / on (job) sum by (job) (shop_requests_total)";
    server
        .until("what a rule recorded is compared with what the source has", async |server| {
            let result = server.query(ratio).await;
            if result[0]["value"][1] == "1" { Ok(()) } else { Err(result.to_string()) }
        })
        .await;
    server
        .until("a rule over both alerts", async |server| {
            let alerts = server.json("/api/v1/alerts").await;
            let name = &alerts["data"]["alerts"][0]["labels"]["alertname"];
            if name == "ShopIsOpen" { Ok(()) } else { Err(alerts.to_string()) }
        })
        .await;
    let names = server.json("/api/v1/label/__name__/values").await.to_string();
    assert!(
        names.contains("\"shop_requests_total\"") && names.contains("\"job:shop_requests:sum\""),
        "{names}"
    );
    let series = server.json("/api/v1/series?match[]=shop_requests_total").await;
    assert!(series["data"].as_array().is_some_and(|series| series.len() > 1), "{series}");
    let range = "/api/v1/query_range?query=up&start=0&end=1&step=1";
    assert_eq!(server.json(range).await["data"]["resultType"], "matrix");
    let metrics = server.text("/metrics").await;
    assert!(metrics.contains("bellwether_source_up 1\n"), "{metrics}");
    let wrong = encode("label_replace(up, \"a\", \"b\", \"job\", \"(\")", "");
    let answer =
        server.ask(reqwest::Method::GET, &format!("/api/v1/query?query={wrong}"), None).await.unwrap();
    assert!(answer.status == 422 && answer.body.contains(&source.url), "{answer:?}");
}

async fn until_equal(server: &Server, source: &Source, http: &reqwest::Client, what: &str) -> (f64, f64) {
    server
        .until(what, async |server| {
            let (ours, theirs) = (counted(server).await, source.brute_force(http).await);
            if ours == theirs { Ok(ours) } else { Err(format!("{ours:?} counted of {theirs:?}")) }
        })
        .await
}

/// Turns the counters until a source has seen it: so many more scrapes of a good target.
async fn traffic(shop: &Shop, source: &Source, http: &reqwest::Client, code: &'static str, scrapes: usize) {
    let begun = Instant::now();
    let seen =
        async || source.raw(http, "up{job=\"shop\"}").await.iter().map(|(_, p)| p.len()).sum::<usize>();
    let before = seen().await;
    while seen().await < before + scrapes {
        shop.serve("200", 3);
        shop.serve(code, 1);
        assert!(begun.elapsed() < DEADLINE, "the source does not scrape");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn what_is_counted_equals_what_the_source_has(folder: &Folder, shop: &Shop, mut source: Source) {
    bellwether::install_tls();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    // There is a past before we are there.
    traffic(shop, &source, &http, "500", 3).await;
    let data = folder.path("data");
    let config = config(folder, &source.url);
    let mut server = Server::start(&config, &data).await;
    // A series is born while its target is watched, and the service starts anew.
    traffic(shop, &source, &http, "503", 2).await;
    shop.restart();
    traffic(shop, &source, &http, "500", 2).await;
    let (bad, total) = until_equal(&server, &source, &http, "the past and the present").await;
    assert!(bad > 0.0 && total > bad);
    queries_are_answered(&server, &source, &http).await;
    // We die, and the source goes on.
    server.kill();
    traffic(shop, &source, &http, "504", 3).await;
    let mut server = Server::start(&config, &data).await;
    until_equal(&server, &source, &http, "after a sudden death").await;
    // The source is away, which is said, and comes back with what it has.
    source.stop();
    server
        .until("the trouble is said", async |server| {
            let overview = server.json("/api/bellwether/v1/overview").await;
            let warnings = overview["warnings"].to_string();
            if warnings.contains("cannot be read since") { Ok(()) } else { Err(warnings) }
        })
        .await;
    shop.serve("500", 7);
    source.start_again();
    traffic(shop, &source, &http, "500", 3).await;
    server.kill();
    traffic(shop, &source, &http, "500", 1).await;
    let server = Server::start(&config, &data).await;
    let counted = until_equal(&server, &source, &http, "after both were away").await;
    assert!(counted.0 > bad + 7.0);
    let overview = server.json("/api/bellwether/v1/overview").await;
    assert_eq!(overview["warnings"].as_array().map(Vec::len), Some(0), "{overview:#}");
}

#[tokio::test]
async fn objectives_on_prometheus_count_what_it_has() {
    let folder = Folder::new("source-prometheus");
    let (shop, target) = Shop::open().await;
    let Some(source) = Source::prometheus(&folder, &target).await else { return };
    what_is_counted_equals_what_the_source_has(&folder, &shop, source).await;
}

#[tokio::test]
async fn objectives_on_victoria_metrics_count_what_it_has() {
    let folder = Folder::new("source-victoria");
    let (shop, target) = Shop::open().await;
    let Some(source) = Source::victoria_metrics(&folder, &target).await else { return };
    what_is_counted_equals_what_the_source_has(&folder, &shop, source).await;
}
