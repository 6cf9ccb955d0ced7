//! The real Prometheus (≥ 3) and its promtool beside us, over the same target and rules: answers have the same status
//! and the same shape. Where the programs are not there (`cargo xtask peers` unpacks them), that is said and skipped.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bellwether_testkit::peers;
use bellwether_web::url::encode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::process::{DEADLINE, Folder, Server, text};

const METRICS: &str = "\
# HELP shop_requests_total Requests answered, by code.
# TYPE shop_requests_total counter
shop_requests_total{code=\"200\"} 10
shop_requests_total{code=\"500\"} 1
# HELP shop_queue Waiting orders.
# TYPE shop_queue gauge
shop_queue 3.5
# TYPE shop_seconds histogram
shop_seconds_bucket{le=\"0.1\"} 5
shop_seconds_bucket{le=\"+Inf\"} 10
shop_seconds_sum 3.25
shop_seconds_count 10
# TYPE shop_odd gauge
shop_odd NaN
# TYPE \"shop.dotted\" gauge
{\"shop.dotted\",\"label.dot\"=\"a b\"} +Inf
";

const RULES: &str = "\
groups:
- name: shop
  interval: 1s
  rules:
  - {record: 'job:shop_requests:sum', expr: 'sum by (job) (shop_requests_total)', labels: {kind: derived}}
  - {alert: ShopQueue, expr: 'shop_queue > 1', labels: {severity: page}, annotations: {summary: 'queue {{ $value }}'}}
  - {alert: ShopNever, expr: 'shop_queue > 100'}
- name: second
  interval: 1s
  rules:
  - {record: 'a:b', expr: 'vector(1)'}
";

/// What is asked of both. `NOW` stands for the moment of the test in seconds.
const PATHS: &[&str] = &[
    "query?query=up",
    "query?query=up&stats=all",
    "query?query=1",
    "query?query=\"x\"",
    "query?query=up[5s]",
    "query?query=shop_odd",
    "query?query={\"shop.dotted\"}",
    "query_range?query=up&start=NOW&end=NOW&step=1",
    "query?query=rate(shop_queue[30s])",
    "query?query=shop_requests_total&limit=1",
    "query?query=sum(",
    "query?query=rate(up)",
    "query",
    "query?query=up&time=x",
    "query?query=up&timeout=x",
    "query?query=up&limit=-1",
    "query?query=up&limit=x",
    "query?query=up&lookback_delta=x",
    "query_range?query=up&start=1&end=0&step=1",
    "query_range?query=up&start=0&end=20000&step=1",
    "query_range?query=up&start=0&end=20000",
    "query_range?query=up",
    "query_range?query=up[5m]&start=0&end=20&step=1",
    "query_range?query=\"x\"&start=0&end=20&step=1",
    "query_range?query=up&start=0&end=20&step=0",
    "query?query=shop_requests_total/on(job)shop_requests_total",
    "query?query=label_replace(up,\"a\",\"b\",\"c\",\"(\")",
    "series",
    "series?match[]=",
    "series?match[]={}",
    "series?match[]=up",
    "series?match[]=shop_requests_total&limit=1",
    "labels",
    "labels?limit=2",
    "labels?match[]=1",
    "labels?match[]=up&start=0&end=1",
    "label/U__label_2e_dot/values",
    "label/label.dot/values",
    "label/foo-bar/values",
    "label/job/values",
    "label/__name__/values?match[]={job=\"shop\"}",
    "format_query?query=sum(up)by(job)",
    "format_query?query=sum(",
    "parse_query?query=sum(rate(up[5m])) / on(a) group_left b",
    "parse_query?query=topk(3, -a{b!~\"c\"} offset 5m @ start())",
    "parse_query?query=max_over_time(a[1h:5m] @ 5)",
    "parse_query?query=(",
    "rules",
    "rules?type=x",
    "rules?type=alert",
    "rules?exclude_alerts=x",
    "rules?group_limit=x",
    "rules?group_limit=0",
    "rules?group_limit=1",
    "rules?group_next_token=x",
    "rules?group_limit=1&group_next_token=x",
    "rules?match[]={severity=\"page\"}",
    "rules?file[]=nope",
    "rules?rule_name[]=ShopQueue",
    "alerts",
    "targets",
    "targets?state=dropped",
    "targets?state=active",
    "targets?scrapePool=nope",
    "scrape_pools",
    "alertmanagers",
    "metadata",
    "metadata?limit=0",
    "metadata?limit=x",
    "metadata?metric=shop_queue",
    "metadata?metric=nope",
    "targets/metadata",
    "targets/metadata?limit=x",
    "targets/metadata?match_target={job=\"shop\"}&metric=shop_queue",
    "targets/metadata?match_target=(",
    "status/config",
    "status/runtimeinfo",
    "status/buildinfo",
    "status/tsdb",
    "status/tsdb?limit=0",
    "status/walreplay",
    "query_exemplars?query=up&start=0&end=1",
    "query_exemplars?query=(&start=0&end=1",
    "query_exemplars?query=up&start=2&end=1",
];

/// Fields that we have in addition: the place of a mistake, and what later versions of Prometheus say as well.
const OURS: [&str; 12] = [
    "position",
    "help",
    "application",
    "applicationVersion",
    "evaluationsMissed",
    "comments",
    "anchored",
    "smoothed",
    "offsetExpr",
    "rangeExpr",
    "stepExpr",
    "fillValues",
];

/// A real Prometheus.
pub(crate) struct Prometheus {
    child: Child,
    /// Its address.
    pub(crate) url: String,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

async fn target() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let page = || async { ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], METRICS) };
    let router = axum::Router::new().route("/metrics", axum::routing::get(page));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn config(folder: &Folder, target: &str) -> PathBuf {
    folder.write("rules.yml", RULES);
    folder.write(
        "prometheus.yml",
        &format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s, external_labels: {{site: lab}}}}\n\
             rule_files: [rules.yml]\n\
             scrape_configs:\n- job_name: shop\n  static_configs: [{{targets: [\"{target}\"]}}]\n"
        ),
    );
    folder.write("bellwether.yml", "prometheus: prometheus.yml\n")
}

pub(crate) async fn start_prometheus(
    program: &Path,
    folder: &Folder,
    config: &str,
    more: &[&str],
) -> Prometheus {
    let url = format!("http://127.0.0.1:{}", free_port().await);
    let child = Command::new(program)
        .arg(format!("--config.file={}", text(&folder.path(config))))
        .arg(format!("--storage.tsdb.path={}", text(&folder.path(&format!("{config}-data")))))
        .arg(format!("--web.listen-address={}", url.trim_start_matches("http://")))
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Prometheus { child, url }
}

pub(crate) async fn get(http: &reqwest::Client, url: &str) -> Option<(u16, Value)> {
    let response = http.get(url).send().await.ok()?;
    let status = response.status().as_u16();
    Some((status, response.json().await.ok()?))
}

/// Waits until a server has scraped twice and evaluated.
async fn until_it_alerts(http: &reqwest::Client, url: &str) {
    let begun = Instant::now();
    loop {
        let alerts = get(http, &format!("{url}/api/v1/alerts")).await;
        let scrapes =
            get(http, &format!("{url}/api/v1/query?query=count_over_time(shop_queue[1m])%3E1")).await;
        let alerts = alerts.is_some_and(|(_, body)| body["data"]["alerts"][0]["state"] == "firing");
        if alerts && scrapes.is_some_and(|(_, body)| body["data"]["result"][0].is_object()) {
            return;
        }
        assert!(begun.elapsed() < DEADLINE, "{url} does not alert");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What an answer looks like: names and kinds, of a list its first element. Labels are compared by nobody here.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => json!("null"),
        Value::Bool(_) => json!("bool"),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("text"),
        Value::Array(items) => json!(items.iter().take(1).map(shape).collect::<Vec<_>>()),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let is_labels = ["metric", "labels", "target"].contains(&name.as_str()) && value.is_object();
                (name.clone(), if is_labels { json!("labels") } else { shape(value) })
            })
            .collect(),
    }
}

/// Takes out of our answer what only we say.
fn without_ours(ours: &mut Value, theirs: &Value) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.retain(|name, _| theirs.contains_key(name) || !OURS.contains(&name.as_str()));
            for (name, value) in ours {
                without_ours(value, theirs.get(name).unwrap_or(&Value::Null));
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            for (ours, theirs) in ours.iter_mut().zip(theirs) {
                without_ours(ours, theirs);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn answers_have_the_status_and_the_shape_of_prometheus() {
    let Some(program) = peers::program("prometheus") else { return };
    let folder = Folder::new("prometheus-peer");
    let config = config(&folder, &target().await);
    let prometheus = start_prometheus(&program, &folder, "prometheus.yml", &[]).await;
    let server = Server::start(&config, &folder.path("data")).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    until_it_alerts(&http, &prometheus.url).await;
    until_it_alerts(&http, &server.url).await;
    let now = get(&http, &format!("{}/api/v1/query?query=time()", server.url)).await.unwrap().1;
    let now = now["data"]["result"][0].as_f64().unwrap().floor().to_string();
    let mut differences = Vec::new();
    for path in PATHS {
        let path = encode(&path.replace("NOW", &now), "/?&=[]");
        let ask = async |url: &str| get(&http, &format!("{url}/api/v1/{path}")).await;
        let ((their_status, theirs), (our_status, ours)) =
            (ask(&prometheus.url).await.unwrap(), ask(&server.url).await.unwrap());
        let (their_shape, mut our_shape) = (shape(&theirs), shape(&ours));
        without_ours(&mut our_shape, &their_shape);
        let said =
            |body: &Value| (body["errorType"].clone(), body["warnings"].clone(), body["infos"].clone());
        if (their_status, &their_shape, said(&theirs)) != (our_status, &our_shape, said(&ours)) {
            differences.push(format!(
                "{path}\n  Prometheus {their_status} {theirs}\n  we         {our_status} {ours}"
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    bellwether_testkit::cases::ran("peers/prometheus-api", PATHS.len() as u64);
}

#[tokio::test]
async fn prometheus_reads_from_us_and_federates_us() {
    let Some(program) = peers::program("prometheus") else { return };
    let folder = Folder::new("reading-peer");
    let config = config(&folder, &target().await);
    let server = Server::start(&config, &folder.path("data")).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    until_it_alerts(&http, &server.url).await;
    let address = server.url.trim_start_matches("http://");
    folder.write(
        "reader.yml",
        &format!(
            "remote_read: [{{url: \"{}/api/v1/read\", read_recent: true}}]\n\
             scrape_configs:\n- job_name: federation\n  scrape_interval: 1s\n  honor_labels: true\n  metrics_path: /federate\n\
             \x20 params: {{'match[]': ['{{job=\"shop\"}}']}}\n  static_configs: [{{targets: [\"{address}\"]}}]\n",
            server.url
        ),
    );
    let reader = start_prometheus(&program, &folder, "reader.yml", &[]).await;
    let value = async |query: &str| {
        let path = format!("{}/api/v1/query?query={}", reader.url, encode(query, ""));
        get(&http, &path)
            .await
            .and_then(|(_, body)| Some(body["data"]["result"][0]["value"][1].as_str()?.to_owned()))
    };
    // Samples of before the reader was there can only come from us; so does the label that we add.
    let begun = Instant::now();
    while value("shop_queue{site=\"lab\"}").await.as_deref() != Some("3.5") {
        assert!(begun.elapsed() < DEADLINE, "nothing is read from us");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(value("{\"shop.dotted\",site=\"lab\"}").await.as_deref(), Some("+Inf"));
    // What we federate is text that its scraper reads.
    while value("scrape_samples_scraped{job=\"federation\"}").await.is_none_or(|n| n == "0") {
        assert!(begun.elapsed() < DEADLINE, "we are not federated");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(value("up{job=\"federation\"}").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn promtool_takes_us_for_prometheus() {
    let Some(promtool) = peers::program("promtool") else { return };
    let folder = Folder::new("promtool-peer");
    let config = config(&folder, &target().await);
    let server = Server::start(&config, &folder.path("data")).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    until_it_alerts(&http, &server.url).await;
    let url = server.url.as_str();
    let check = async |arguments: &[&str], code: i32, part: &str| {
        let (program, arguments) =
            (promtool.clone(), arguments.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>());
        let run = move || Command::new(program).args(arguments).output().unwrap();
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(part), "{part:?} is not in {said}");
    };
    check(&["check", "healthy", &format!("--url={url}")], 0, "SUCCESS").await;
    check(&["check", "ready", &format!("--url={url}")], 0, "SUCCESS").await;
    check(&["query", "instant", url, "shop_queue"], 0, "=> 3.5 @[").await;
    check(&["query", "range", url, "shop_queue", "--step=1s"], 0, "3.5 @[").await;
    check(&["query", "series", url, "--match=shop_queue"], 0, "__name__=\"shop_queue\"").await;
    check(&["query", "labels", url, "job"], 0, "shop").await;
    check(&["query", "instant", url, "sum("], 1, "bad_data: invalid parameter \"query\": 1:").await;
}
