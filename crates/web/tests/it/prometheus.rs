//! Prometheus' API beyond single answers: limits, turns, cancellation, paging, metadata, federation, remote read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use bellwether_model::{Labels, Matcher, SeriesSource, SeriesView, SourceError, TimeRange};
use bellwether_web::{Queries, QuerySettings};
use serde_json::{Value, json};

use crate::ask::{get, send};
use crate::fake::{Fake, Mood};

async fn ask(path: &str) -> (u16, Value) {
    let answer = get(Mood::Burning, path).await;
    (answer.status.as_u16(), answer.json())
}

#[tokio::test]
async fn an_error_says_where_in_the_query_it_is() {
    let (status, body) = ask("/api/v1/query?query=sum(%0A%20rate(up))").await;
    assert_eq!((status, &body["errorType"]), (400, &json!("bad_data")));
    assert_eq!(body["position"], json!({"line": 2, "column": 7, "length": 2}));
    assert!(body["error"].as_str().unwrap().contains("2:7: parse error: "), "{body}");
    assert!(body["help"].is_string(), "{body}");
}

#[tokio::test]
async fn a_result_is_cut_at_the_limit_and_says_so() {
    let (_, body) = ask("/api/v1/query?query=chat_calls_total&limit=1").await;
    assert_eq!(body["data"]["result"].as_array().unwrap().len(), 1);
    assert_eq!(body["warnings"], json!(["results truncated due to limit"]));
    let (_, body) = ask("/api/v1/query?query=chat_calls_total&limit=2").await;
    assert_eq!(body["warnings"], Value::Null);
}

#[tokio::test]
async fn an_answer_from_which_samples_are_missing_says_so() {
    let warned = json!(["samples may be missing: a file is damaged"]);
    let selector = "%7Bjob=%22damaged%22%7D";
    let (status, body) = ask(&format!("/api/v1/query?query=rate({selector}%5B2h%5D)")).await;
    assert_eq!((status, &body["warnings"]), (200, &warned));
    let (_, body) = ask(&format!("/api/v1/query?query={selector}")).await;
    assert_eq!(body["warnings"], Value::Null, "what is missing is older than what is read");
    let beginning = ask("/api/v1/query?query=time()-7200").await.1["data"]["result"][1].clone();
    let range = format!("start={}&end={}", beginning.as_str().unwrap(), "4102444800");
    let (_, body) = ask(&format!("/api/v1/query_range?query={selector}&{range}&step=1000000")).await;
    assert_eq!(body["warnings"], warned);
    for list in ["series", "labels", "label/job/values"] {
        let (status, body) = ask(&format!("/api/v1/{list}?match[]={selector}&{range}")).await;
        assert_eq!((status, &body["warnings"]), (200, &warned), "{list}");
        assert_eq!(ask(&format!("/api/v1/{list}?match[]=up&{range}")).await.1["warnings"], Value::Null);
    }
    let (status, body) = ask(&format!("/api/v1/query?query={selector}&stats=all")).await;
    assert_eq!((status, &body["warnings"]), (200, &Value::Null));
}

#[tokio::test]
async fn parameters_change_how_a_query_is_answered() {
    let count = async |path: &str| ask(path).await.1["data"]["result"].as_array().unwrap().len();
    // The newest sample before that moment is 7 s old.
    assert_eq!(count("/api/v1/query?query=up&time=1795227900").await, 1);
    assert_eq!(count("/api/v1/query?query=up&time=1795227900&lookback_delta=5s").await, 0);
    let (_, body) = ask("/api/v1/query?query=rate(chat_calls_total%5B5m%5D)&stats=all").await;
    let stats = &body["data"]["stats"];
    assert!(stats["timings"]["evalTotalTime"].as_f64().unwrap() > 0.0, "{stats}");
    assert!(stats["samples"]["totalQueryableSamples"].as_u64().unwrap() > 0, "{stats}");
    assert!(stats["samples"]["peakSamples"].as_u64().unwrap() > 0, "{stats}");
    let bad = async |path: &str| ask(path).await.0;
    assert_eq!(bad("/api/v1/query?query=up&limit=-1").await, 400);
    assert_eq!(bad("/api/v1/query?query=up&lookback_delta=x").await, 400);
    assert_eq!(bad("/api/v1/query_range?query=up%5B5m%5D&start=0&end=1&step=1").await, 400);
}

#[tokio::test]
async fn rules_are_filtered_and_paged() {
    let names = async |path: &str| -> Vec<String> {
        let (_, body) = ask(path).await;
        let groups = body["data"]["groups"].as_array().unwrap().iter();
        let rules = groups.flat_map(|group| group["rules"].as_array().unwrap().clone());
        rules.map(|rule| rule["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("/api/v1/rules").await, ["job:up:sum", "TargetDown"]);
    assert_eq!(names("/api/v1/rules?type=ALERT").await, ["TargetDown"]);
    assert_eq!(names("/api/v1/rules?rule_name[]=job:up:sum").await, ["job:up:sum"]);
    assert_eq!(names("/api/v1/rules?file[]=other.yml").await, [""; 0]);
    assert_eq!(names("/api/v1/rules?match[]={severity=%22page%22}").await, ["job:up:sum", "TargetDown"]);
    assert_eq!(names("/api/v1/rules?match[]={severity=%22none%22}").await, [""; 0]);
    let (_, hidden) = ask("/api/v1/rules?exclude_alerts=true").await;
    assert_eq!(hidden["data"]["groups"][0]["rules"][1]["alerts"], json!([]));
    for bad in [
        "exclude_alerts=perhaps",
        "group_limit=0",
        "group_limit=x",
        "group_next_token=x",
        "group_limit=1&group_next_token=x",
    ] {
        assert_eq!(ask(&format!("/api/v1/rules?{bad}")).await.0, 400, "{bad}");
    }
    let (_, page) = ask("/api/v1/rules?group_limit=1").await;
    assert_eq!(page["data"].get("groupNextToken"), None, "there is one group only");
}

#[tokio::test]
async fn metadata_is_what_targets_say() {
    let (_, all) = ask("/api/v1/metadata").await;
    assert_eq!(
        all["data"]["chat_calls_total"].as_array().unwrap().len(),
        2,
        "two targets say different things"
    );
    let (_, one) = ask("/api/v1/metadata?metric=chat_calls_total&limit_per_metric=1").await;
    assert_eq!(
        one["data"],
        json!({"chat_calls_total": [{"type": "counter", "unit": "", "help": "Chats that were answered."}]})
    );
    assert_eq!(ask("/api/v1/metadata?limit=1").await.1["data"].as_object().unwrap().len(), 1);
    assert_eq!(ask("/api/v1/metadata?limit=x").await.0, 400);
    let (_, of) = ask("/api/v1/targets/metadata?match_target={instance=%22b:1%22}&metric=chat_open").await;
    assert_eq!(
        of["data"],
        json!([{"target": {"job": "movieguru", "instance": "b:1"}, "type": "gauge", "unit": "", "help": ""}])
    );
}

#[tokio::test]
async fn the_process_tells_its_settings_and_its_state() {
    let check = async |path: &str, pointer: &str, expected: Value| {
        let (status, body) = ask(path).await;
        assert_eq!((status, body.pointer(pointer)), (200, Some(&expected)), "{path}: {body}");
    };
    check("/api/v1/status/config", "/data/yaml", json!("scrape_configs: []\n")).await;
    check("/api/v1/status/flags", "/data/query.timeout", json!("2m")).await;
    check("/api/v1/status/runtimeinfo", "/data/reloadConfigSuccess", json!(true)).await;
    check("/api/v1/status/walreplay", "/data/current", json!(0)).await;
    check(
        "/api/v1/status/tsdb?limit=1",
        "/data/seriesCountByMetricName",
        json!([{"name": "chat_calls_total", "value": 2}]),
    )
    .await;
    check("/api/v1/status/tsdb", "/data/headStats/numSeries", json!(3)).await;
    check("/api/v1/features", "/data/promql_functions/rate", json!(true)).await;
    check("/api/v1/scrape_pools", "/data/scrapePools", json!(["movieguru"])).await;
    check("/api/v1/alertmanagers", "/data/activeAlertmanagers", json!([])).await;
    check("/api/v1/query_exemplars?query=up", "/data", json!([])).await;
    check("/api/v1/parse_query?query=up", "/data/matchers/0/value", json!("up")).await;
    assert_eq!(ask("/api/v1/status/tsdb?limit=0").await.0, 400);
}

#[tokio::test]
async fn federation_writes_the_newest_samples_with_our_labels() {
    let text = get(Mood::Burning, "/federate?match[]=up").await.text();
    let expected = "# TYPE up untyped\nup{instance=\"a:1\",job=\"movieguru\",site=\"lab\"} 1 1795227908000\n";
    assert_eq!(text, expected);
    assert_eq!(get(Mood::Burning, "/federate").await.text(), "");
    assert_eq!(get(Mood::Burning, "/federate?match[]=(").await.status.as_u16(), 400);
}

#[tokio::test]
async fn what_another_site_sends_is_not_stored_and_methods_are_named() {
    let push = |name: &str, value: &str| {
        Request::post("/api/v1/write").header(name, value).body(Body::from("x")).unwrap()
    };
    // A browser that another site's page sent here; a content type that is none; and a fake that stores nothing.
    for (request, status) in [
        (push("sec-fetch-site", "cross-site"), 403),
        (push("content-type", "application/json"), 415),
        (push("content-type", "application/x-protobuf"), 503),
    ] {
        assert_eq!(send(&Fake::new(Mood::Burning), request).await.status.as_u16(), status);
    }
    let request = Request::delete("/api/v1/query").body(Body::empty()).unwrap();
    assert_eq!(send(&Fake::new(Mood::Burning), request).await.status.as_u16(), 405);
}

#[tokio::test]
async fn another_server_reads_samples() {
    // ReadRequest { queries: [{ start 1795227890000, end 1795227908000, matchers: [__name__ = up] }] }
    let mut query = vec![0x08];
    varint(&mut query, 1_795_227_890_000);
    query.push(0x10);
    varint(&mut query, 1_795_227_908_000);
    let matcher = [&[0x12, 8][..], b"__name__", &[0x1a, 2], b"up"].concat();
    query.extend([&[0x1a, matcher.len() as u8][..], &matcher].concat());
    let message = [&[0x0a, query.len() as u8][..], &query].concat();
    let packed = snap::raw::Encoder::new().compress_vec(&message).unwrap();
    let request = Request::post("/api/v1/read").body(Body::from(packed)).unwrap();
    let answer = send(&Fake::new(Mood::Burning), request).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text());
    assert_eq!(answer.headers["content-encoding"], "snappy");
    let bytes = snap::raw::Decoder::new().decompress_vec(&answer.bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    for part in ["__name__", "up", "site", "lab", "a:1"] {
        assert!(text.contains(part), "{part} is missing from {text:?}");
    }
    // Two samples of value 1 lie in those 18 s.
    let one = 1f64.to_le_bytes();
    assert_eq!(bytes.windows(8).filter(|bytes| **bytes == one).count(), 2);
    for bad in [&b"not snappy"[..], &[0xff, 0xff, 0xff, 0xff, 0x0f]] {
        let request = Request::post("/api/v1/read").body(Body::from(bad.to_vec())).unwrap();
        assert_eq!(send(&Fake::new(Mood::Burning), request).await.status.as_u16(), 400);
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A source that answers only once it is let go, and says when it was asked.
struct Slow {
    is_asked: AtomicBool,
    may_answer: AtomicBool,
}

impl SeriesSource for Slow {
    fn select(&self, _: &[Matcher], _: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        self.is_asked.store(true, Ordering::SeqCst);
        while !self.may_answer.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        Ok(Vec::new())
    }
    fn series(&self, _: &[Matcher], _: TimeRange) -> Result<Vec<Labels>, SourceError> {
        Ok(Vec::new())
    }
}

fn slow() -> Arc<Slow> {
    Arc::new(Slow { is_asked: AtomicBool::new(false), may_answer: AtomicBool::new(false) })
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        tokio::task::yield_now().await;
    }
}

fn one_at_a_time() -> Queries {
    Queries::new(QuerySettings { concurrency: 1, ..QuerySettings::default() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_nobody_waits_for_is_given_up() {
    let source = slow();
    let app = Fake::with(one_at_a_time(), Some(source.clone()));
    let request = || Request::get("/api/v1/query?query=up%2Bup").body(Body::empty()).unwrap();
    let asking = tokio::spawn({
        let (app, request) = (app.clone(), request());
        async move { send(&app, request).await.status }
    });
    until("it is asked", || source.is_asked.load(Ordering::SeqCst)).await;
    asking.abort();
    until("the client is gone", || app.queries.counts().abandoned == 1).await;
    assert_eq!(app.queries.counts().running, 1, "its slot is taken until the worker notices");
    source.may_answer.store(true, Ordering::SeqCst);
    until("the worker ended", || app.queries.counts().running == 0).await;
    assert_eq!(app.queries.counts().answered, 0);
    // The slot is free again.
    assert_eq!(send(&app, request()).await.status.as_u16(), 200);
    assert_eq!(app.queries.counts().answered, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_wait_for_their_turn_and_give_up_when_their_time_is_over() {
    let source = slow();
    let app = Fake::with(one_at_a_time(), Some(source.clone()));
    let ask = |path: &'static str| {
        let app = app.clone();
        tokio::spawn(async move {
            let answer = send(&app, Request::get(path).body(Body::empty()).unwrap()).await;
            (answer.status.as_u16(), answer.json())
        })
    };
    let first = ask("/api/v1/query?query=up");
    until("the first runs", || app.queries.counts().running == 1).await;
    let second = ask("/api/v1/query?query=up");
    until("the second waits", || app.queries.counts().waiting == 1).await;
    let (status, body) = ask("/api/v1/query?query=up&timeout=10ms").await.unwrap();
    assert_eq!((status, &body["errorType"]), (503, &json!("timeout")), "{body}");
    source.may_answer.store(true, Ordering::SeqCst);
    assert_eq!((first.await.unwrap().0, second.await.unwrap().0), (200, 200));
    let counts = app.queries.counts();
    assert_eq!((counts.answered, counts.timed_out, counts.running, counts.waiting), (2, 1, 0, 0));
    assert!(counts.waiting_seconds > 0.0);
}

#[tokio::test]
async fn a_query_that_needs_too_much_is_refused() {
    let limits = bellwether_promql::Limits { samples: 10, ..Default::default() };
    let app = Fake::with(Queries::new(QuerySettings { limits, ..QuerySettings::default() }), None);
    let path = "/api/v1/query_range?query=chat_calls_total&start=1795227000&end=1795227900&step=15";
    let answer = send(&app, Request::get(path).body(Body::empty()).unwrap()).await;
    let (status, body) = (answer.status.as_u16(), answer.json());
    assert_eq!((status, &body["errorType"]), (422, &json!("execution")), "{body}");
    assert_eq!(app.queries.counts().failed, 1);
}
