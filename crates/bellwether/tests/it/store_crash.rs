//! Sudden death under load, for the store alone: senders push known values and note what is acknowledged, a target is
//! scraped, the process is killed again and again. Nothing acknowledged may be missing, nothing may be wrong.
//!
//! `BELLWETHER_CRASH_CYCLES` sets how often it dies (25), `BELLWETHER_SEED` repeats a run's decisions.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use serde_json::Value;

use crate::process::{Folder, Server};

const CYCLES: usize = 25;
const SENDERS: usize = 4;
const SERIES: usize = 20;
/// What is stored is looked at after so many deaths, and at the end.
const LOOK_EVERY: usize = 100;

/// What a sender has sent: the time of each request, in order; all but the last are acknowledged.
struct Sent {
    times: Vec<i64>,
    acknowledged: usize,
}

/// The value of a series in a request: another one for each.
fn value(sender: usize, series: usize, request: usize) -> f64 {
    (request * 1000 + sender * SERIES + series) as f64
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn field(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    varint(out, number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// One sample of each series, as `prometheus.WriteRequest` in Snappy's block format.
fn write_request(sender: usize, request: usize, at: i64) -> Vec<u8> {
    let mut message = Vec::new();
    for series in 0..SERIES {
        let mut timeseries = Vec::new();
        let (sender_text, series_text) = (sender.to_string(), series.to_string());
        let labels = [
            ("__name__", "pushed_total"),
            ("job", "push"),
            ("sender", &sender_text),
            ("series", &series_text),
        ];
        for (name, text) in labels {
            let mut label = Vec::new();
            field(&mut label, 1, name.as_bytes());
            field(&mut label, 2, text.as_bytes());
            field(&mut timeseries, 1, &label);
        }
        let mut sample = vec![1 << 3 | 1];
        sample.extend_from_slice(&value(sender, series, request).to_le_bytes());
        sample.push(2 << 3);
        varint(&mut sample, at as u64);
        field(&mut timeseries, 2, &sample);
        field(&mut message, 1, &timeseries);
    }
    in_snappy(&message)
}

/// Snappy's block format without compression: the length, then literals of at most 60 bytes.
fn in_snappy(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(&mut out, bytes.len() as u64);
    for part in bytes.chunks(60) {
        out.push(((part.len() - 1) << 2) as u8);
        out.extend_from_slice(part);
    }
    out
}

fn now_ms() -> i64 {
    bellwether::clock::now().0
}

/// Pushes one request after the other until told to end. One that was not answered is pushed again as it was.
async fn push(url: String, sender: usize, sent: Arc<Mutex<Vec<Sent>>>, ends: Arc<AtomicBool>) {
    let http = reqwest::Client::new();
    while !ends.load(Ordering::Relaxed) {
        let (request, at) = {
            let mut sent = sent.lock().unwrap();
            let Sent { times, acknowledged } = &mut sent[sender];
            if times.len() == *acknowledged {
                let last = times.last().copied().unwrap_or(0);
                times.push(now_ms().max(last + 1));
            }
            (*acknowledged, times[*acknowledged])
        };
        let pushed = http
            .post(format!("{url}/api/v1/write"))
            .header("content-type", "application/x-protobuf")
            .header("content-encoding", "snappy")
            .header("x-prometheus-remote-write-version", "0.1.0")
            .body(write_request(sender, request, at))
            .send()
            .await;
        let Ok(answer) = pushed else { return }; // it is dead
        let status = answer.status();
        assert!(status.is_success(), "{status}: {:?}", answer.text().await);
        sent.lock().unwrap()[sender].acknowledged += 1;
    }
}

async fn scraped_target() -> String {
    let exposed = Arc::new(AtomicU64::new(0));
    let router = Router::new().route(
        "/metrics",
        get(move || {
            let number = exposed.fetch_add(1, Ordering::Relaxed) + 1;
            async move { format!("first_total {number}\nsecond_total {}\n", number * 7) }
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address.to_string()
}

fn config(target: &str) -> String {
    format!(
        "prometheus:
  global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}
  scrape_configs:
    - job_name: scraped
      static_configs: [{{targets: ['{target}']}}]
"
    )
}

/// Samples of one series: moment in milliseconds, value.
fn points(series: &Value) -> BTreeMap<i64, f64> {
    let point = |point: &Value| {
        let at = (point[0].as_f64().unwrap() * 1000.0).round() as i64;
        (at, point[1].as_str().unwrap().parse().unwrap())
    };
    series["values"].as_array().unwrap().iter().map(point).collect()
}

/// Compares all that is stored with all that was sent; gives how many acknowledged samples there are.
async fn check(server: &Server, sent: &Mutex<Vec<Sent>>) -> usize {
    let mut count = 0;
    for sender in 0..SENDERS {
        let found = server.query(&format!("pushed_total{{sender=\"{sender}\"}}[1d]")).await;
        let found = found.as_array().unwrap();
        let sent = &sent.lock().unwrap()[sender];
        assert_eq!(
            found.len(),
            if sent.acknowledged > 0 { SERIES } else { found.len() },
            "series of {sender}"
        );
        for series in found {
            let number: usize = series["metric"]["series"].as_str().unwrap().parse().unwrap();
            let stored = points(series);
            let wanted: BTreeMap<i64, f64> =
                sent.times.iter().enumerate().map(|(n, at)| (*at, value(sender, number, n))).collect();
            for at in &sent.times[..sent.acknowledged] {
                assert!(stored.contains_key(at), "acknowledged and missing: sender {sender}, {number}, {at}");
            }
            for (at, value) in &stored {
                assert_eq!(
                    wanted.get(at),
                    Some(value),
                    "stored and never sent: sender {sender}, {number}, {at}"
                );
            }
            count += sent.acknowledged;
        }
    }
    // In one query: between two another scrape may be stored.
    let found = server.query(r#"{__name__=~"first_total|second_total"}[1d]"#).await;
    let named = |name: &str| found.as_array()?.iter().find(|series| series["metric"]["__name__"] == name);
    if let (Some(first), Some(second)) = (named("first_total"), named("second_total")) {
        let (first, second) = (points(first), points(second));
        assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>(), "half a scrape");
        assert!(first.values().zip(second.values()).all(|(first, second)| first * 7.0 == *second));
        let values: Vec<f64> = first.into_values().collect();
        assert!(values.windows(2).all(|pair| pair[0] < pair[1]), "each scrape is stored once, in order");
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_after_every_sudden_death() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let cycles = number("BELLWETHER_CRASH_CYCLES").map_or(CYCLES, |cycles| cycles as usize);
    let seed = number("BELLWETHER_SEED").unwrap_or_else(|| fastrand::u64(..));
    eprintln!("BELLWETHER_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = Folder::new("store-crash");
    let path = folder.write("bellwether.yml", &config(&scraped_target().await));
    let data = folder.path("data");
    let none = || Sent { times: Vec::new(), acknowledged: 0 };
    let sent = Arc::new(Mutex::new((0..SENDERS).map(|_| none()).collect::<Vec<_>>()));
    let mut recoveries = Vec::new();
    for cycle in 1..=cycles {
        let begun = Instant::now();
        let mut server = Server::spawn(&path, &data);
        if random.u32(..10) == 0 {
            tokio::time::sleep(Duration::from_millis(random.u64(..300))).await; // dies while it starts
            server.kill();
            continue;
        }
        server.ready().await;
        recoveries.push(begun.elapsed());
        if cycle % LOOK_EVERY == 0 {
            check(&server, &sent).await;
        }
        let ends = Arc::new(AtomicBool::new(false));
        let pushing: Vec<_> = (0..SENDERS)
            .map(|sender| tokio::spawn(push(server.url.clone(), sender, sent.clone(), ends.clone())))
            .collect();
        tokio::time::sleep(Duration::from_millis(random.u64(10..250))).await;
        server.kill();
        for pushing in pushing {
            pushing.await.unwrap();
        }
        ends.store(true, Ordering::Relaxed);
    }
    let begun = Instant::now();
    let server = Server::start(&path, &data).await;
    recoveries.push(begun.elapsed());
    let count = check(&server, &sent).await;
    assert!(count > cycles * SERIES, "only {count} samples were acknowledged");
    recoveries.sort_unstable();
    let (median, longest) = (recoveries[recoveries.len() / 2], recoveries[recoveries.len() - 1]);
    eprintln!(
        "{cycles} deaths: {count} acknowledged samples, 0 missing, 0 wrong; ready again after {} ms (median), {} ms (longest)",
        median.as_millis(),
        longest.as_millis()
    );
}
