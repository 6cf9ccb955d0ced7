//! The real Prometheus beside us with the same `prometheus.yml`: the same targets with the same labels before and after
//! relabelling, the same reasons, and the same series with the same values. Skipped where the program is not there.

use std::collections::BTreeSet;
use std::time::Instant;

use bellwether_testkit::peers;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::process::{DEADLINE, Folder, Server, client};
use crate::prometheus_peer::{get, start_prometheus};

const METRICS: &str = "\
# TYPE shop_requests_total counter
shop_requests_total{code=\"200\",path=\"/A\",job=\"own\"} 10
shop_requests_total{code=\"500\",path=\"/b\",instance=\"own:1\",exported_job=\"x\"} 1
# TYPE shop_seconds histogram
shop_seconds_bucket{le=\"1\"} 5
shop_seconds_bucket{le=\"+Inf\"} 10
shop_seconds_sum 3.25
shop_seconds_count 10
# TYPE noise gauge
noise_a{n=\"1\"} 1
noise_b{n=\"2\"} 2
old 7 1000
";

const JOBS: &str = r#"
- job_name: plain
  params: {m: [x y, z], n: [""]}
  static_configs: [{targets: ["TARGET"], labels: {env: prod, __meta_own: "1", __hidden: h}}]
- job_name: honoured
  honor_labels: true
  honor_timestamps: false
  static_configs: [{targets: ["TARGET"]}]
- job_name: relabelled
  static_configs:
  - {targets: ["TARGET", "drop.example:1", "127.0.0.1:9/path"], labels: {team: Shop}}
  file_sd_configs: [{files: [targets/*.json, targets/*.yml]}]
  relabel_configs:
  - {source_labels: [__address__], regex: 'drop\..*', action: drop}
  - {source_labels: [__address__], regex: '([^:]+):(\d+).*', target_label: 'part_$2', replacement: '${1}'}
  - {source_labels: [__meta_filepath], regex: '.*/([^/]+)', target_label: file}
  - {source_labels: [team], target_label: team, action: lowercase}
  - {source_labels: [team, env], target_label: __tmp, separator: '-'}
  - {source_labels: [__tmp], target_label: both}
  - {source_labels: [both], modulus: 7, target_label: shard, action: hashmod}
  - {regex: 'meta_(.+)', replacement: 'm_$1', action: labelmap}
  - {regex: 'meta_.+', action: labeldrop}
  - {target_label: __scrape_interval__, replacement: 2s}
  - {target_label: __scrape_timeout__, replacement: 1s}
  - {source_labels: [env], target_label: __param_env}
  - {target_label: __metrics_path__, replacement: /metrics/deep er}
  - {source_labels: [team, upper], target_label: upper, action: uppercase}
- job_name: metrics
  static_configs: [{targets: ["TARGET"]}]
  sample_limit: 100
  metric_relabel_configs:
  - {source_labels: [__name__], regex: 'noise_.*', action: drop}
  - {source_labels: [path], target_label: path, action: lowercase}
  - {source_labels: [code], regex: '(\d)..', target_label: class, replacement: '${1}xx'}
  - {regex: 'exported_job', action: labeldrop}
  - {source_labels: [__name__, le], regex: 'shop_seconds_bucket;1.0', target_label: bound, replacement: one}
- {job_name: too_many_samples, sample_limit: 3, static_configs: [{targets: ["TARGET"]}]}
- {job_name: too_many_labels, label_limit: 4, static_configs: [{targets: ["TARGET"]}]}
- {job_name: long_names, label_name_length_limit: 10, static_configs: [{targets: ["TARGET"]}]}
- {job_name: too_large, body_size_limit: 100B, static_configs: [{targets: ["TARGET"]}]}
- {job_name: too_many_targets, target_limit: 1, static_configs: [{targets: ["TARGET", "127.0.0.1:1"]}]}
- {job_name: missing, metrics_path: /nothing, static_configs: [{targets: ["TARGET"]}]}
- {job_name: empty}
"#;

async fn target() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let page = || async { ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], METRICS) };
    let router = axum::Router::new()
        .route("/metrics", axum::routing::get(page))
        .route("/metrics/{name}", axum::routing::get(page));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// What is compared of a server's targets.
async fn targets(http: &reqwest::Client, url: &str) -> Option<(Vec<Value>, Vec<Value>, Value)> {
    let (_, mut body) = get(http, &format!("{url}/api/v1/targets")).await?;
    let data = body["data"].take();
    let active = data["activeTargets"].as_array()?.iter().map(|target| {
        let fields = [
            "discoveredLabels",
            "labels",
            "scrapePool",
            "scrapeUrl",
            "health",
            "scrapeInterval",
            "scrapeTimeout",
        ];
        let mut told: serde_json::Map<String, Value> =
            fields.iter().map(|name| ((*name).to_owned(), target[*name].clone())).collect();
        // Ours goes on where Prometheus' reason ends, with the numbers.
        let error = target["lastError"].as_str().unwrap_or("");
        told.insert(
            "lastError".to_owned(),
            error.split(" (body").next()?.split(" (number of samples").next()?.into(),
        );
        Some(Value::Object(told))
    });
    let mut active = active.collect::<Option<Vec<Value>>>()?;
    active.sort_by_key(|target| (target["scrapePool"].to_string(), target["labels"].to_string()));
    let mut dropped = data["droppedTargets"].as_array()?.clone();
    dropped.sort_by_key(Value::to_string);
    Some((active, dropped, data["droppedTargetCounts"].clone()))
}

/// Series with their values, but for those that tell how long something took.
async fn series(http: &reqwest::Client, url: &str) -> BTreeSet<String> {
    let query = "%7Bjob%3D~%22.%2B%22%2C__name__!%3D%22scrape_duration_seconds%22%7D";
    let Some((_, body)) = get(http, &format!("{url}/api/v1/query?query={query}")).await else {
        return BTreeSet::new();
    };
    let all = body["data"]["result"].as_array().cloned().unwrap_or_default();
    all.iter().map(|one| json!([one["metric"], one["value"][1]]).to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_configuration_scrapes_the_same_targets_and_series() {
    let Some(program) = peers::program("prometheus") else { return };
    let folder = Folder::new("scrape-peer");
    let target = target().await;
    std::fs::create_dir(folder.path("targets")).unwrap();
    let json = format!(
        "[{{\"targets\": [\"{target}\"], \"labels\": {{\"env\": \"File\", \"meta_zone\": \"eu\"}}}}]"
    );
    folder.write("targets/a.json", &json);
    folder.write("targets/b.yml", &format!("- targets: ['{target}']\n  labels: {{env: yaml, team: Öl}}\n"));
    let jobs = JOBS.replace("TARGET", &target);
    folder.write(
        "prometheus.yml",
        &format!("global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:{jobs}"),
    );
    let config =
        folder.write("bellwether.yml", &format!("prometheus: {}\n", folder.path("prometheus.yml").display()));
    let prometheus = start_prometheus(&program, &folder, "prometheus.yml", &[]).await;
    let server = Server::start(&config, &folder.path("data")).await;
    let http = client();
    let begun = Instant::now();
    loop {
        let (theirs, ours) = (targets(&http, &prometheus.url).await, targets(&http, &server.url).await);
        let (their_series, our_series) =
            (series(&http, &prometheus.url).await, series(&http, &server.url).await);
        let is_settled = theirs.as_ref().is_some_and(|(active, ..)| {
            active.len() >= 12 && active.iter().all(|target| target["health"] != "unknown")
        });
        // `scrape_series_added` falls to nothing with the second scrape.
        if is_settled && theirs == ours && their_series == our_series {
            assert!(their_series.len() > 60, "{their_series:?}");
            bellwether_testkit::cases::ran("peers/scrape", their_series.len() as u64);
            return;
        }
        if begun.elapsed() > DEADLINE {
            let lines = |told| format!("{told:#?}").lines().map(str::to_owned).collect::<Vec<_>>();
            let differing: Vec<_> = lines(&ours)
                .into_iter()
                .zip(lines(&theirs))
                .filter(|(ours, theirs)| ours != theirs)
                .collect();
            assert!(differing.is_empty(), "targets, ours and theirs: {differing:#?}");
            let only =
                |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
            panic!(
                "series\nonly theirs: {:#?}\nonly ours: {:#?}",
                only(&their_series, &our_series),
                only(&our_series, &their_series)
            );
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
