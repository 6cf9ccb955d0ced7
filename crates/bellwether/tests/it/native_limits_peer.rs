//! Limits on the buckets of native histograms, beside the real Prometheus: the same histograms are kept, and the same
//! scrapes fail.

use std::time::{Duration, Instant};

use bellwether_testkit::remote_write::Message;
use bellwether_testkit::{cases, peers};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::import::sorted;
use crate::process::{DEADLINE, Folder, Server, client};
use crate::prometheus_peer::{get, start_prometheus};

/// A message behind its length: a histogram of fifteen buckets, two of them empty, of schema 3.
fn body() -> Vec<u8> {
    let span = |offset, length| Message::default().signed(1, offset).number(2, length).0;
    let zigzag = |deltas: &[i64]| -> Vec<u64> {
        deltas.iter().map(|delta| ((delta << 1) ^ (delta >> 63)) as u64).collect()
    };
    let histogram = Message::default()
        .number(1, 23)
        .double(2, 8.5)
        .signed(5, 3)
        .double(6, 0.001)
        .number(7, 1)
        .bytes(9, &span(2, 3))
        .packed(10, &zigzag(&[2, 0, 0]))
        .bytes(12, &span(-5, 6))
        .bytes(12, &span(3, 6))
        .packed(13, &zigzag(&[1, 1, -2, 0, 3, 1, -3, 0, 0, 0, 0, 0]));
    let metric = Message::default().bytes(7, &histogram.0);
    let family = Message::default().bytes(1, b"h").number(3, 4).bytes(4, &metric.0).0;
    let mut body = vec![family.len() as u8 | 0x80, (family.len() >> 7) as u8];
    if family.len() < 0x80 {
        body = vec![family.len() as u8];
    }
    body.extend(family);
    body
}

async fn target() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let kind = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    let page = move || async move { ([("content-type", kind)], body()) };
    let router = axum::Router::new().route("/metrics", axum::routing::get(page));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// What a job says of its histograms.
const LIMITS: [&str; 12] = [
    "native_histogram_bucket_limit: 0",
    "native_histogram_bucket_limit: 13",
    "native_histogram_bucket_limit: 12",
    "native_histogram_bucket_limit: 2",
    "native_histogram_bucket_limit: 4",
    "native_histogram_bucket_limit: 3",
    "native_histogram_bucket_limit: 1",
    "native_histogram_min_bucket_factor: 1.0",
    "native_histogram_min_bucket_factor: 1.09",
    "native_histogram_min_bucket_factor: 1.2",
    "native_histogram_min_bucket_factor: 5",
    "native_histogram_min_bucket_factor: 1.2, native_histogram_bucket_limit: 5",
];

fn config(target: &str, global: &str) -> String {
    let job = |(number, limit): (usize, &&str)| {
        format!("- {{job_name: j{number}, {limit}, static_configs: [{{targets: [\"{target}\"]}}]}}\n")
    };
    let jobs: String = LIMITS.iter().enumerate().map(job).collect();
    format!("global: {{scrape_interval: 1s{global}}}\nscrape_configs:\n{jobs}")
}

/// Histograms and health of all jobs, once each was scraped; the histograms of a time when all were.
async fn seen(http: &reqwest::Client, url: &str) -> Option<(Vec<String>, Vec<String>)> {
    let (_, targets) = get(http, &format!("{url}/api/v1/targets")).await?;
    let targets = targets["data"]["activeTargets"].as_array()?;
    let told = |target: &Value| {
        let error = target["lastError"].as_str().unwrap_or_default();
        format!("{} {} {error}", target["labels"]["job"], target["health"])
    };
    let mut health: Vec<String> = targets.iter().map(told).collect();
    health.sort();
    let is_ready = health.len() == LIMITS.len() && !health.iter().any(|line| line.contains("unknown"));
    let (_, mut body) = get(http, &format!("{url}/api/v1/query?query=h")).await?;
    for one in body["data"]["result"].as_array_mut()? {
        one["histogram"][0].take(); // the moment
    }
    is_ready.then(|| (sorted(&body), health))
}

#[tokio::test]
async fn the_same_histograms_are_kept_and_the_same_scrapes_fail() {
    let program = peers::program("prometheus");
    let folder = Folder::new("native-limits");
    let target = target().await;
    folder.write("ours.yml", &config(&target, ", scrape_native_histograms: true"));
    let config_path = folder.write("bellwether.yml", "prometheus: ours.yml\n");
    let server = Server::start(&config_path, &folder.path("data")).await;
    let theirs = match &program {
        Some(program) => {
            folder.write("theirs.yml", &config(&target, ""));
            let more = ["--enable-feature=native-histograms"];
            Some(start_prometheus(program, &folder, "theirs.yml", &more).await)
        }
        None => None,
    };
    let http = client();
    let settled = async |url: &str| {
        let begun = Instant::now();
        let mut last = None;
        loop {
            let seen = seen(&http, url).await;
            // Targets are scraped one after the other: what is seen twice is all.
            if seen.as_ref().is_some_and(|seen| seen.0.len() == 10) && seen == last {
                return seen.unwrap();
            }
            last = seen;
            assert!(begun.elapsed() < DEADLINE, "{url}: {last:#?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let (histograms, health) = settled(&server.url).await;
    let failed: Vec<&String> = health.iter().filter(|line| line.contains("down")).collect();
    assert_eq!(failed.len(), 2, "{health:#?}");
    for line in failed {
        assert!(line.ends_with("histogram bucket limit exceeded"), "{line}");
    }
    let counter = "prometheus_target_scrapes_exceeded_native_histogram_bucket_limit_total";
    let metrics = server.text("/metrics").await;
    let counted = metrics.lines().find_map(|line| line.strip_prefix(counter)?.trim().parse::<f64>().ok());
    assert!(counted.is_some_and(|count| count >= 2.0), "{counted:?}");
    if let Some(theirs) = &theirs {
        assert_eq!((histograms, health), settled(&theirs.url).await);
    }
    cases::ran("scrape: limits on buckets", LIMITS.len() as u64);
}
