//! A snapshot of a server under load is a data directory of its own, whole and of one moment.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::routing::get;
use bellwether_model::{Batch, Labels, Origin, Sample, Timestamp};
use bellwether_tsdb::{Options, RealDisk, Store};
use reqwest::Method;
use serde_json::{Value, json};

use crate::process::{Folder, Server, run};

async fn target() -> String {
    let number = Arc::new(AtomicU64::new(0));
    let body = move || {
        let number = number.fetch_add(1, Ordering::Relaxed);
        async move { format!("first_total {number}\nsecond_total {number}\n") }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/metrics", get(body))).await });
    address
}

fn config(address: &str) -> String {
    format!(
        "prometheus:
  global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}
  scrape_configs:
    - job_name: api
      static_configs: [{{targets: ['{address}']}}]
slos:
  - name: seconds
    service: api
    goal: \"90%\"
    window: 30d
    indicator: {{ratio: {{bad: 'first_total', total: 'second_total'}}}}
"
    )
}

async fn samples(server: &Server, name: &str) -> Vec<Value> {
    let found = server.query(&format!("{name}[1h]")).await;
    found[0]["values"].as_array().cloned().unwrap_or_default()
}

async fn silence(server: &Server) {
    let wish = json!({
        "matchers": [{"name": "nobody", "value": "x", "isRegex": false, "isEqual": true}],
        "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "tester", "comment": "must be in it",
    });
    assert_eq!(server.ask(Method::POST, "/api/v2/silences", Some(&wish)).await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_starts_on_a_snapshot_of_another_that_goes_on() {
    let folder = Folder::new("backup");
    let path = folder.write("bellwether.yml", &config(&target().await));
    let quiet = folder.write("quiet.yml", "{}");
    let (data, copy) = (folder.path("data"), folder.path("copy"));
    let mut server = Server::spawn_with(&path, &data, &["--enable-admin-api"], &[]);
    server.ready().await;
    silence(&server).await;
    server
        .until("samples", async |server| match samples(server, "first_total").await.len() {
            10.. => Ok(()),
            count => Err(count.to_string()),
        })
        .await;
    let before = samples(&server, "first_total").await;
    let counted = server.json("/api/bellwether/v1/slos").await[0]["streams"][0]["total"]["total"].as_f64();
    let copy_text = copy.to_str().unwrap();
    let said = server.run_text(&["snapshot", copy_text]);
    assert!(said.contains("read back whole"), "{said}");
    let after = samples(&server, "first_total").await;
    // It cannot be made without asking the server, and not where something is.
    let refused =
        run(&["snapshot", "--data", data.to_str().unwrap(), folder.path("other").to_str().unwrap()]);
    assert!(refused.code == Some(1) && refused.stderr.contains("--server URL"), "{refused:#?}");
    let refused = server.run(&["snapshot", copy_text]);
    assert!(refused.code == Some(2) && refused.stderr.contains("is there already"), "{refused:#?}");
    // Looked at while the server has it.
    inspected(data.to_str().unwrap());
    inspected(&server.url);
    server.stop().await;

    let mut copied = Server::start(&quiet, &copy).await;
    let found = samples(&copied, "first_total").await;
    assert!(
        found.starts_with(&before) && after.starts_with(&found),
        "{} {} {}",
        before.len(),
        found.len(),
        after.len()
    );
    assert_eq!(samples(&copied, "second_total").await, found, "no scrape is torn");
    assert_eq!(copied.json("/api/v2/silences").await[0]["comment"], "must be in it");
    copied.stop().await;
    let mut again = Server::start(&path, &copy).await;
    let total = again.json("/api/bellwether/v1/slos").await[0]["streams"][0]["total"]["total"].as_f64();
    assert!(total >= counted, "{total:?} {counted:?}");
    again.stop().await;

    // Of a folder that nobody has.
    let third = folder.path("third");
    let made = run(&["snapshot", "--data", copy_text, third.to_str().unwrap()]);
    assert_eq!(made.code, Some(0), "{made:#?}");
    assert!(third.join("metrics/series.bws").exists() && third.join("ledger/head").exists());
    assert!(Path::new(&third).join("state.db").exists());
}

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// Rows of an objective that is no longer counted: of a hundred days, one an hour, some in a segment and some in the
/// log. Nothing else in the data directory has them.
fn old_rows(data: &Path, now: i64) -> Vec<(i64, f64)> {
    let rows = Store::open(&data.join("ledger-rows"), Options::default(), Arc::new(RealDisk)).unwrap().0;
    let labels = [("__name__", "bellwether_sli_events_total"), ("service", "old"), ("slo", "gone")];
    let id = rows.own_series(&Labels::from_pairs(labels)).unwrap();
    let first = (now - 130 * DAY) / MINUTE * MINUTE;
    let written: Vec<_> = (0..2400i64).map(|n| (first + n * 60 * MINUTE, (n * 7) as f64)).collect();
    for (at, value) in &written {
        let sample = (id, Sample::new(Timestamp(*at), *value));
        rows.append(&Batch::floats(Origin::Rules, Timestamp(*at), vec![sample])).unwrap();
    }
    rows.seal(Timestamp(first + 50 * DAY)).unwrap();
    rows.sync().unwrap();
    written
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_has_what_objectives_counted_long_ago_and_is_restored_with_it() {
    let folder = Folder::new("backup-rows");
    let path = folder.write("bellwether.yml", "{}");
    let (data, copy) = (folder.path("data"), folder.path("copy"));
    let now = bellwether::clock::now().0;
    let written = old_rows(&data, now);
    std::fs::write(data.join("import.journal"), "{\"source\":\"x\",\"part\":\"1\"}\n").unwrap();
    let query = format!("bellwether_sli_events_total{{slo=\"gone\"}}[131d] @ {}", now / 1000);
    let mut server = Server::spawn_with(&path, &data, &["--enable-admin-api"], &[]);
    server.ready().await;
    let before = server.query(&query).await;
    assert_eq!(before[0]["values"].as_array().unwrap().len(), written.len());
    let said = server.run_text(&["snapshot", copy.to_str().unwrap()]);
    assert!(said.contains(", 2400 values in rows of objectives, read back whole"), "{said}");
    server.stop().await;
    // What the page on backups says: the snapshot takes the place of the data directory.
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::rename(&copy, &data).unwrap();
    let mut restored = Server::start(&path, &data).await;
    assert_eq!(restored.query(&query).await, before);
    restored.stop().await;
    assert!(data.join("import.journal").is_file());
    // Of a folder that nobody has; what is damaged in it is said.
    let (whole, damaged) = (folder.path("whole"), folder.path("damaged"));
    let snapshot =
        |target: &Path| run(&["snapshot", "--data", data.to_str().unwrap(), target.to_str().unwrap()]);
    let made = snapshot(&whole);
    assert!(made.code == Some(0) && made.stdout.contains("2400 values"), "{made:#?}");
    let segment = std::fs::read_dir(data.join("ledger-rows")).unwrap().map(|entry| entry.unwrap().path());
    let segment =
        segment.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "bwg")).unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[30] ^= 1; // inside the first chunk, which nobody reads at a start
    std::fs::write(&segment, bytes).unwrap();
    let made = snapshot(&damaged);
    assert!(made.code == Some(1) && made.stderr.contains("is not whole"), "{made:#?}");
}

/// Text within a terminal, and the same as JSON.
fn inspected(place: &str) {
    let text = run(&["tsdb", "inspect", place]);
    assert_eq!(text.code, Some(0), "{text:#?}");
    assert!(text.stdout.lines().all(|line| line.chars().count() <= 80), "{}", text.stdout);
    assert!(text.stdout.contains("first_total"), "{}", text.stdout);
    eprintln!("{}", text.stdout);
    let json = run(&["tsdb", "inspect", place, "--json"]).json();
    assert_eq!(json["series"], 7, "{json:#}");
    assert!(json["top_metrics_by_series"][0]["samples"].as_u64().unwrap() > 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_makes_no_snapshot_unless_it_was_started_for_it() {
    let folder = Folder::new("no-backup");
    let path = folder.write("bellwether.yml", "{}");
    let server = Server::start(&path, &folder.path("data")).await;
    let answer = server.ask(Method::POST, "/api/v1/admin/tsdb/snapshot", None).await.unwrap();
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((answer.status, &body["error"]), (503, &json!("admin APIs disabled")), "{body}");
    assert_eq!(body["errorType"], "unavailable");
    // The command says what to do about it.
    let refused = server.run(&["snapshot", folder.path("copy").to_str().unwrap()]);
    assert!(
        refused.code == Some(1) && refused.stderr.contains("start it with --enable-admin-api"),
        "{refused:#?}"
    );
}

#[test]
fn a_place_without_a_store_is_said() {
    let folder = Folder::new("no-store");
    let ended = run(&["tsdb", "inspect", folder.path("").to_str().unwrap()]);
    assert!(ended.code == Some(2) && ended.stderr.contains("there is no store in"), "{ended:#?}");
    let ended =
        run(&["snapshot", "--data", folder.path("x").to_str().unwrap(), folder.path("y").to_str().unwrap()]);
    assert!(ended.code == Some(2) && ended.stderr.contains("is no data directory"), "{ended:#?}");
}
