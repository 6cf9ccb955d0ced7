//! Alerts of rules and objectives reach every member of an existing cluster: two real Alertmanagers, one of which dies
//! and comes back with nothing; and two servers of our own that say what they are sent.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bellwether_testkit::peers;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::process::{DEADLINE, Folder, Server, client, text};
use crate::prometheus_peer::{free_port, get};

/// Rules about a queue.
pub(crate) const RULES: &str = "\
groups:
- name: shop
  interval: 1s
  rules:
  - {alert: ShopQueue, expr: 'shop_queue > 1', labels: {severity: page}, annotations: {summary: 'queue {{ $value }}'}}
  - {alert: ShopLong, expr: 'shop_queue > 5', labels: {severity: page}}
";

/// A target whose queue is as long as is said.
pub(crate) async fn target(queue: Arc<AtomicU64>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let page = move || {
        let queue = queue.load(Ordering::SeqCst);
        async move { ([("content-type", "text/plain; version=0.0.4")], format!("shop_queue {queue}\n")) }
    };
    let router = axum::Router::new().route("/metrics", axum::routing::get(page));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn config(folder: &Folder, target: &str, more: &str, alerting: &str) -> std::path::PathBuf {
    folder.write("rules.yml", RULES);
    folder.write(
        "prometheus.yml",
        &format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s, external_labels: {{site: lab}}}}\n\
             rule_files: [rules.yml]\n{alerting}\
             scrape_configs:\n- job_name: shop\n  static_configs: [{{targets: [\"{target}\"]}}]\n"
        ),
    );
    folder.write("bellwether.yml", &format!("prometheus: prometheus.yml\n{more}"))
}

/// A real Alertmanager.
pub(crate) struct Alertmanager {
    child: Child,
    /// Its address and path prefix.
    pub(crate) url: String,
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Debian's Alertmanager reads its templates from where the package would be installed, which it is not here.
const IN_ITS_PLACE: &str = "mount -t tmpfs none /usr/share && mkdir /usr/share/prometheus && \
                            mount --bind \"$1/share/prometheus\" /usr/share/prometheus && shift && exec \"$@\"";

impl Alertmanager {
    /// One that remembers nothing and tells nobody; `None`, and a line that says so, where it cannot run.
    async fn start(program: &Path, folder: &Folder, port: u16) -> Option<Self> {
        let config = "route: {receiver: none}\nreceivers: [{name: none}]\n";
        Self::start_with(program, folder, port, config).await
    }

    /// The same with a configuration.
    pub(crate) async fn start_with(program: &Path, folder: &Folder, port: u16, config: &str) -> Option<Self> {
        let config = folder.write("alertmanager.yml", config);
        let data = folder.path(&format!("alertmanager-{port}"));
        let _ = std::fs::remove_dir_all(&data);
        let usr = program.parent()?.parent()?.canonicalize().ok()?;
        let mut child = Command::new("unshare")
            .args(["--mount", "--map-root-user", "sh", "-c", IN_ITS_PLACE, "sh"])
            .arg(&usr)
            .arg(usr.join("bin/prometheus-alertmanager"))
            .arg(format!("--config.file={}", text(&config)))
            .arg(format!("--storage.path={}", text(&data)))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args(["--web.route-prefix=/am", "--cluster.listen-address="])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let url = format!("http://127.0.0.1:{port}/am");
        let http = client();
        let begun = Instant::now();
        while http.get(format!("{url}/-/ready")).send().await.is_err() {
            if child.try_wait().unwrap().is_some() {
                eprintln!("skipped: there may be no place of its own for Alertmanager's templates here");
                return None;
            }
            assert!(begun.elapsed() < DEADLINE, "Alertmanager is not ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some(Self { child, url })
    }
}

/// Waits until an Alertmanager has exactly these active alerts; gives them.
async fn until_it_has(server: &Server, http: &reqwest::Client, url: &str, names: &[&str]) -> Vec<Value> {
    let path = format!("{url}/api/v2/alerts?active=true");
    let look = async |_: &Server| {
        let (_, body) = get(http, &path).await.ok_or("no answer")?;
        let mut alerts = body.as_array().cloned().unwrap_or_default();
        alerts.sort_by_key(|alert| alert["labels"]["alertname"].to_string());
        let found: Vec<&str> =
            alerts.iter().filter_map(|alert| alert["labels"]["alertname"].as_str()).collect();
        if found == names { Ok(alerts) } else { Err(format!("{found:?}")) }
    };
    server.until(&format!("{names:?} at {url}"), look).await
}

#[tokio::test]
async fn two_real_alertmanagers_are_told_everything_and_one_that_was_gone_too() {
    let Some(program) = peers::program("prometheus-alertmanager") else { return };
    let folder = Folder::new("alertmanager-peer");
    let queue = Arc::new(AtomicU64::new(3));
    let (one_port, two_port) = (free_port().await, free_port().await);
    let Some(one) = Alertmanager::start(&program, &folder, one_port).await else { return };
    let Some(two) = Alertmanager::start(&program, &folder, two_port).await else { return };
    let alerting = format!(
        "alerting:\n  alertmanagers:\n  - path_prefix: /am\n    timeout: 2s\n    \
         static_configs: [{{targets: ['127.0.0.1:{one_port}']}}]\n"
    );
    let own = format!("alertmanagers: ['{}/']\n", two.url);
    let config = config(&folder, &target(queue.clone()).await, &own, &alerting);
    let server = Server::start(&config, &folder.path("data")).await;
    let http = client();

    for url in [&one.url, &two.url] {
        let alerts = until_it_has(&server, &http, url, &["ShopQueue"]).await;
        assert_eq!(alerts[0]["labels"]["site"], "lab", "external labels are there");
        assert_eq!(alerts[0]["annotations"]["summary"], "queue 3");
        let time = |field: &str| alerts[0][field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let lasts = time("endsAt").duration_since(time("updatedAt")).as_secs();
        assert!((230..=250).contains(&lasts), "it ends four minutes after it was told, not after {lasts} s");
    }

    let two_url = two.url.clone();
    drop(two);
    queue.store(9, Ordering::SeqCst);
    until_it_has(&server, &http, &one.url, &["ShopLong", "ShopQueue"]).await;
    let has_trouble = async |server: &Server| {
        let page = server.text("/").await;
        let sentence = format!("alerts do not reach {two_url} since");
        if page.contains(&sentence) { Ok(()) } else { Err(page.lines().take(40).collect::<String>()) }
    };
    server.until("a page that says who is not told", has_trouble).await;

    let two = Alertmanager::start(&program, &folder, two_port).await.expect("it did before");
    until_it_has(&server, &http, &two.url, &["ShopLong", "ShopQueue"]).await;
    queue.store(0, Ordering::SeqCst);
    until_it_has(&server, &http, &one.url, &[]).await;
    until_it_has(&server, &http, &two.url, &[]).await;
    bellwether_testkit::cases::ran("peers/alertmanager", 1);
}

/// What a server of our own was sent, by the credentials that came along.
type Heard = Arc<Mutex<Vec<(String, Value)>>>;

async fn listener(heard: Heard, status: u16) -> String {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let take = move |headers: axum::http::HeaderMap, body: String| {
        let credentials = headers.get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned();
        heard.lock().unwrap().push((credentials, serde_json::from_str(&body).unwrap()));
        async move { axum::http::StatusCode::from_u16(status).unwrap() }
    };
    let router = axum::Router::new().route("/api/v2/alerts", axum::routing::post(take));
    tokio::spawn(async move { axum::serve(socket, router).await });
    url
}

#[tokio::test]
async fn a_member_that_refuses_keeps_nothing_from_another_and_credentials_come_along() {
    let folder = Folder::new("alertmanager-fake");
    let (good, bad) = (Heard::default(), Heard::default());
    let (good_url, bad_url) = (listener(good.clone(), 200).await, listener(bad.clone(), 400).await);
    folder.write("token", "open sesame\n");
    let own = format!(
        "alertmanagers:\n- '{bad_url}'\n- {{url: '{good_url}', timeout: 3s, authorization: {{credentials_file: token}}}}\n"
    );
    let queue = Arc::new(AtomicU64::new(3));
    let config = config(&folder, &target(queue.clone()).await, &own, "");
    let server = Server::start(&config, &folder.path("data")).await;
    let has_ended = async |_: &Server| {
        let heard = good.lock().unwrap().clone();
        queue.store(if heard.is_empty() { 3 } else { 0 }, Ordering::SeqCst);
        let (first, last) = (heard.first().cloned(), heard.last().cloned());
        let is_over = |post: &Value| post[0]["endsAt"].as_str() <= Some(&*jiff::Timestamp::now().to_string());
        match (first, last) {
            (Some(first), Some(last)) if is_over(&last.1) => Ok((first, last)),
            _ => Err(format!("{heard:?}")),
        }
    };
    let ((credentials, first), (_, last)) = server.until("firing, then over", has_ended).await;
    assert_eq!(credentials, "Bearer open sesame");
    assert_eq!(first[0]["labels"]["alertname"], "ShopQueue");
    assert_eq!(first[0]["startsAt"], last[0]["startsAt"]);
    assert!(!bad.lock().unwrap().is_empty(), "it was told too");
    let page = server.text("/").await;
    assert!(
        page.contains(&format!("alerts do not reach {bad_url} since")) && page.contains("it answers 400"),
        "{page}"
    );
}

#[test]
fn what_would_change_alerts_on_their_way_is_refused_where_it_stands() {
    let said = |yaml: &str| -> Vec<String> {
        let loaded = bellwether::config::load_text("b.yml", yaml);
        let text = loaded.all_problems().render(&loaded.sources, bellwether_diag::Style { color: false });
        text.lines().filter(|line| line.starts_with("b.yml:")).map(str::to_owned).collect()
    };
    let check = |yaml: &str, expected: &[&str]| assert_eq!(said(yaml), expected, "{yaml}");
    let refused = "is Prometheus', but Bellwether does not honour it for Alertmanagers";
    check(
        "prometheus:\n  alerting:\n    alert_relabel_configs: []\n    alertmanagers:\n    - relabel_configs: []\n      dns_sd_configs: []\n",
        &[&format!("b.yml:6:7: error: dns_sd_configs {refused}; write the members under static_configs")],
    );
    check(
        "prometheus: {alerting: {alertmanagers: [{api_version: v1, static_configs: [{targets: ['http://a:9093']}]}]}}\n",
        &[
            "b.yml:1:55: error: no Alertmanager of today speaks \"v1\"; write v2",
            "b.yml:1:87: error: \"http://a:9093\" is not host:port; write it like alertmanager:9093; scheme and \
             path_prefix are settings of the cluster",
        ],
    );
    check(
        "alertmanagers: ['a:9093', 'http://me:secret@a:9093', 'http://a:9093/api/v2/alerts', {url: 'http://a', tiemout: 1s}]\n",
        &[
            "b.yml:1:17: error: \"a:9093\" is not a URL; write it like http://alertmanager:9093",
            "b.yml:1:27: error: a URL is shown to everybody and holds no password; write basic_auth: beside url:",
            "b.yml:1:54: error: \"http://a:9093/api/v2/alerts\" names a call; write where the server begins: http://a:9093",
            "b.yml:1:103: error: unknown field \"tiemout\"; did you mean timeout?",
        ],
    );
    check(
        "alertmanagers: ['http://a:9093', {url: 'https://b/x', timeout: 3s, tls_config: {insecure_skip_verify: true}}]\n",
        &[],
    );
}
