//! Objectives that must be asked, in a running server: a threshold and a query, over a kill, and a query that fails.

use bellwether_model::TimeDelta;
use serde_json::Value;

use crate::process::{Folder, Server, run};

const CONFIG: &str = "
prometheus: {global: {evaluation_interval: 200ms}}
rules: ['rules.yml']
slos:
  - {name: depth, goal: '90%', window: 1h, indicator: {threshold: {query: depth, below: 10, slice: 1s}}, alerts: []}
  - {name: orders, goal: '90%', window: 1h, group_by: [shop], alerts: [], indicator: {query: {bad: failed, total: placed, slice: 1s}}}
  - {name: level, window: 1h, indicator: {threshold: {query: depth, op: '>=', bound: 6, slice: 15s}}, alerts: [{name: low}]}
  - {name: journey, goal: '50%', window: 1h, alerts: [], indicator: {composite: {serial: [depth, orders]}}}
";

const RULES: &str = "
groups:
- name: g
  rules:
  - {record: depth, expr: vector(5)}
  - {record: placed, expr: vector(10), labels: {shop: north}}
  - {record: placed, expr: vector(30), labels: {shop: south}}
  - {record: failed, expr: vector(1), labels: {shop: south}}
";

async fn objective(server: &Server, id: &str) -> Value {
    let all = server.json("/api/bellwether/v1/slos").await;
    let is_it = |slo: &&Value| slo["id"] == id;
    all.as_array().unwrap().iter().find(is_it).cloned().unwrap_or_default()
}

/// Bad and all events of a stream's period.
fn counts(slo: &Value, stream: usize) -> (f64, f64) {
    let number = |name: &str| slo["streams"][stream]["total"][name].as_f64().unwrap_or_default();
    (number("total") - number("good"), number("total"))
}

async fn slices_at_least(server: &Server, least: f64) -> Value {
    let counted = async |server: &Server| {
        let slo = objective(server, "depth").await;
        if counts(&slo, 0).1 >= least { Ok(slo) } else { Err(slo.to_string()) }
    };
    server.until("slices are answered", counted).await
}

/// A slice a second: as many as there were seconds, each once, whatever became of the process.
fn every_second_once(slo: &Value) {
    let watched: TimeDelta = serde_json::from_value(slo["streams"][0]["watched"].clone()).unwrap();
    let watched = watched.as_secs_f64();
    let slices = counts(slo, 0).1;
    // Time is watched by slots of fifteen seconds, of which the first and the last are not full.
    assert!((watched - slices).abs() <= 15.0, "{slices} slices in {watched} s: {slo}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slices_are_asked_about_once_also_over_a_kill() {
    let folder = Folder::new("sampled-process");
    let config = folder.write("bellwether.yml", CONFIG);
    folder.write("rules.yml", RULES);
    let mut server = Server::start(&config, &folder.path("data")).await;
    let before = slices_at_least(&server, 4.0).await;
    assert_eq!(counts(&before, 0).0, 0.0, "{before}");
    every_second_once(&before);
    server.kill();

    let server = Server::start(&config, &folder.path("data")).await;
    let after = slices_at_least(&server, counts(&before, 0).1 + 3.0).await;
    every_second_once(&after);

    let placed = async |server: &Server| {
        let slo = objective(server, "orders").await;
        if counts(&slo, 0).1 >= 160.0 { Ok(slo) } else { Err(slo.to_string()) }
    };
    let orders = server.until("orders are counted", placed).await;
    let streams = orders["streams"].as_array().unwrap();
    assert_eq!(streams.len(), 3, "{orders}");
    let ((_, north), (south_bad, south)) = (counts(&orders, 1), counts(&orders, 2));
    assert_eq!((south_bad * 30.0, north * 3.0), (south, south), "{orders}");
    let notes = orders["notes"].to_string();
    assert!(notes.contains("sampled: its queries are asked once per 1s"), "{notes}");

    let failing = async |server: &Server| {
        let slo = objective(server, "level").await;
        if slo["threshold"]["alerts"][0]["state"] == "firing" { Ok(slo) } else { Err(slo.to_string()) }
    };
    let level = server.until("the level is too low", failing).await;
    assert_eq!((&level["threshold"]["value"], &level["threshold"]["passes"]), (&5.0.into(), &false.into()));

    let journey = objective(&server, "journey").await;
    let ratio = journey["streams"][0]["total"]["sli_ratio"].as_f64().unwrap();
    assert!((ratio - (1.0 - 1.0 / 40.0)).abs() < 1e-6, "{journey}");
    let status = run(&["slo", "status", "--server", &server.url]);
    assert_eq!(status.code, Some(0), "{status:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_fails_is_said_and_delays_no_other() {
    let folder = Folder::new("sampled-fails");
    let fails = "  - {name: twice, goal: '90%', window: 1h, indicator: {threshold: {query: 'placed * on () placed', below: 10, slice: 1s}}}\n";
    let config = folder.write("bellwether.yml", &format!("{CONFIG}{fails}"));
    folder.write("rules.yml", RULES);
    let server = Server::start(&config, &folder.path("data")).await;
    slices_at_least(&server, 3.0).await;
    let said = async |server: &Server| {
        let warnings = server.json("/api/bellwether/v1/overview").await["warnings"].to_string();
        match warnings.contains("queries of objective twice have no answer: ") {
            true => Ok(()),
            false => Err(warnings),
        }
    };
    server.until("the failure is said", said).await;
    let notes = objective(&server, "twice").await["notes"].to_string();
    assert!(notes.contains("its queries have no answer: "), "{notes}");
    let metrics = server.text("/metrics").await;
    assert!(metrics.contains("bellwether_trouble{kind=\"objectives\"} 1"), "{metrics}");
    assert!(metrics.contains("bellwether_slo_questions_total{outcome=\"answered\"}"), "{metrics}");
}
