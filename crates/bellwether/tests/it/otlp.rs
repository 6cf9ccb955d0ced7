//! Metrics pushed by OpenTelemetry's protocol to the real program: taken, asked for, refused in part; and sums of what
//! changed, over sudden deaths.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::process::{Answer, DEADLINE, Folder, Server, client};

const SECOND: u64 = 1_000_000_000;

pub(crate) fn now_ns() -> u64 {
    bellwether::clock::now().0 as u64 * 1_000_000
}

pub(crate) fn request(metrics: &Value) -> Value {
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let attributes = [
        attribute("service.name", "checkout"),
        attribute("service.namespace", "shop"),
        attribute("service.instance.id", "a-1"),
        attribute("host.name", "h1"),
    ];
    json!({"resourceMetrics": [
        {"resource": {"attributes": attributes}, "scopeMetrics": [{"metrics": metrics}]}
    ]})
}

async fn push(server: &Server, metrics: &Value) -> Answer {
    let headers = [("content-type", "application/json")];
    server.send(Method::POST, "/v1/metrics", &request(metrics).to_string(), &headers).await
}

fn value(result: &Value) -> Option<f64> {
    result[0]["value"][1].as_str()?.parse().ok()
}

#[tokio::test]
async fn pushed_metrics_are_asked_for_like_scraped_ones() {
    let folder = Folder::new("otlp");
    folder.write("prometheus.yml", "otlp: {promote_resource_attributes: [host.name]}\n");
    let config = folder.write("bellwether.yml", "prometheus: prometheus.yml\n");
    let server = Server::start(&config, &folder.path("data")).await;
    let now = now_ns();
    let point = |value: Value| {
        let mut point = json!({"startTimeUnixNano": now - 60 * SECOND, "timeUnixNano": now});
        point.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        point
    };
    let metrics = json!([
        {"name": "http.server.requests", "unit": "{request}", "description": "Requests.", "sum": {
            "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [point(json!({"asInt": "42"}))]}},
        {"name": "queue.size", "sum": {"aggregationTemporality": 2, "dataPoints": [point(json!({"asInt": 7}))]}},
        {"name": "http.server.duration", "unit": "s", "histogram": {"aggregationTemporality": 2, "dataPoints": [
            point(json!({"count": 3, "sum": 0.75, "explicitBounds": [0.1, 0.5], "bucketCounts": [1, 1, 1],
                "exemplars": [{"timeUnixNano": now, "asDouble": 0.3, "traceId": "0af7651916cd43dd8448eb211c80319c"}]}))]}},
        {"name": "payload", "unit": "By", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [
            point(json!({"count": "4", "sum": 9.0, "scale": 1, "zeroCount": 1,
                "positive": {"offset": 1, "bucketCounts": [2, 1]}}))]}},
        {"name": "sizes", "summary": {"dataPoints": [
            point(json!({"count": 2, "sum": 3.5, "quantileValues": [{"quantile": 0.9, "value": 2.5}]}))]}},
        {"name": "room", "unit": "1", "gauge": {"dataPoints": [point(json!({"asDouble": 0.25}))]}},
        {"name": "no.points", "gauge": {"dataPoints": []}},
    ]);
    let answer = push(&server, &metrics).await;
    let said = r#"{"partialSuccess":{"errorMessage":"metric \"no.points\" has no points","rejectedDataPoints":"0"}}"#;
    assert_eq!((answer.status, answer.body.as_str()), (200, said));
    let all = "{job=\"shop/checkout\",instance=\"a-1\",host_name=\"h1\"}";
    for (query, expected) in [
        (format!("http_server_requests_total{all}"), 42.0),
        (format!("queue_size{all}"), 7.0),
        (format!("room_ratio{all}"), 0.25),
        ("http_server_duration_seconds_count".to_owned(), 3.0),
        ("http_server_duration_seconds_bucket{le=\"0.5\"}".to_owned(), 2.0),
        ("histogram_quantile(0.5, http_server_duration_seconds_bucket)".to_owned(), 0.1 + 0.4 * 0.5),
        ("histogram_count(payload_bytes)".to_owned(), 4.0),
        ("histogram_sum(payload_bytes)".to_owned(), 9.0),
        ("sizes{quantile=\"0.9\"}".to_owned(), 2.5),
        ("target_info{job=\"shop/checkout\",instance=\"a-1\",host_name=\"h1\"}".to_owned(), 1.0),
    ] {
        assert_eq!(value(&server.query(&query).await), Some(expected), "{query}");
    }
    let metadata = server.json("/api/v1/metadata?metric=http_server_requests_total").await;
    let said = &metadata["data"]["http_server_requests_total"][0];
    assert_eq!((&said["type"], &said["help"]), (&json!("counter"), &json!("Requests.")));
    let path = format!(
        "/api/v1/query_exemplars?query=http_server_duration_seconds_bucket&start=0&end={}",
        now / SECOND + 60
    );
    let found = server.json(&path).await["data"][0].take();
    assert_eq!(found["seriesLabels"]["le"], "0.5", "{found}");
    assert_eq!(found["exemplars"][0]["labels"], json!({"trace_id": "0af7651916cd43dd8448eb211c80319c"}));

    // Some of a request is too old: the sender is told how many points, and the others are stored.
    let older = json!([
        {"name": "queue.size", "sum": {"aggregationTemporality": 2, "dataPoints": [
            {"timeUnixNano": now - 3600 * SECOND, "asInt": 1}, {"timeUnixNano": now + SECOND, "asInt": 8}]}},
        {"name": "far", "gauge": {"dataPoints": [{"timeUnixNano": now + 3600 * SECOND, "asInt": 1}]}},
    ]);
    let answer = push(&server, &older).await;
    let said: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((answer.status, &said["partialSuccess"]["rejectedDataPoints"]), (200, &json!("2")), "{said}");
    let message = said["partialSuccess"]["errorMessage"].as_str().unwrap();
    assert!(message.contains("far"), "{message}");
    assert_eq!(value(&server.query("max_over_time(queue_size[1h] offset -1m)").await), Some(8.0));
    let answer = server.send(Method::POST, "/v1/metrics", "{", &[("content-type", "application/json")]).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(
        answer.body.starts_with("{\"code\":3,\"message\":\"the body is not an OTLP request"),
        "{answer:?}"
    );
    let page = server.text("/metrics").await;
    for line in [
        "bellwether_otlp_points_rejected_total 2",
        "bellwether_otlp_requests_refused_total{reason=\"malformed\"} 1",
        "bellwether_received_pushes_total{format=\"otlp\"} 2",
    ] {
        assert!(page.contains(line), "{line} is not in\n{page}");
    }
}

fn delta(start: u64, end: u64, value: u64) -> Value {
    let times = json!({"startTimeUnixNano": start, "timeUnixNano": end});
    let point = |value: Value| {
        let mut point = times.clone();
        point.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        point
    };
    json!([
        {"name": "orders", "sum": {"aggregationTemporality": 1, "isMonotonic": true,
            "dataPoints": [point(json!({"asInt": value}))]}},
        {"name": "failures", "sum": {"aggregationTemporality": 1, "isMonotonic": true,
            "dataPoints": [point(json!({"asDouble": 0.5}))]}},
        {"name": "seconds", "histogram": {"aggregationTemporality": 1, "dataPoints": [
            point(json!({"count": value, "sum": 1.0, "explicitBounds": [1], "bucketCounts": [value - 1, 1]}))]}},
        {"name": "bytes", "exponentialHistogram": {"aggregationTemporality": 1, "dataPoints": [
            point(json!({"count": value, "sum": 1.0, "scale": 0, "positive": {"bucketCounts": [value]}}))]}},
    ])
}

const OBJECTIVE: &str = "\
slos:
  - name: orders
    service: shop
    goal: \"90%\"
    window: 1h
    indicator: {ratio: {bad: failures_total, total: orders_total}}
    alerts: []
";

/// The program dies while changes are pushed, five times; its sender sends again whatever was not acknowledged. Not one
/// change is lost or counted twice, by counters or by an objective, and no counter ever goes back.
#[tokio::test]
async fn sums_of_changes_are_exact_over_sudden_deaths() {
    let folder = Folder::new("otlp-deltas");
    let config = folder.write("bellwether.yml", OBJECTIVE);
    let begun = Instant::now();
    let (base, step) = (now_ns() - 120 * SECOND, 10_000_000);
    let http = client();
    let (mut number, mut expected, mut deaths) = (0u64, 0u64, 0);
    while deaths < 5 {
        let mut server = Server::start(&config, &folder.path("data")).await;
        let url = format!("{}/v1/metrics", server.url);
        let mut answered = 0;
        loop {
            let value = number % 7 + 1;
            let metrics = delta(base + number * step, base + (number + 1) * step, value);
            let sent = http.post(&url).json(&request(&metrics)).send();
            // Some deaths fall into a request, some between two.
            let answer = if answered == 40 + deaths * 3 {
                let (answer, ()) = tokio::join!(sent, async {
                    tokio::time::sleep(Duration::from_micros(700 * deaths)).await;
                    server.kill();
                });
                answer
            } else {
                sent.await
            };
            match answer {
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    let text = answer.text().await.unwrap_or_default();
                    assert_eq!((status, text.as_str()), (200, "{}"), "{:?}", server.stderr());
                    (number, expected, answered) = (number + 1, expected + value, answered + 1);
                }
                Err(_) => break, // it is sent again
            }
        }
        deaths += 1;
        assert!(begun.elapsed() < DEADLINE * 4);
    }
    let server = Server::start(&config, &folder.path("data")).await;
    let value_of = async |query: &str| value(&server.query(query).await);
    // The last request may have been stored without an answer; sent again, it makes no difference.
    let last = number % 7 + 1;
    let metrics = delta(base + number * step, base + (number + 1) * step, last);
    let answer =
        http.post(format!("{}/v1/metrics", server.url)).json(&request(&metrics)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let all = (expected + last) as f64;
    let expected = Some(all);
    assert_eq!(value_of("max_over_time(orders_total[10m])").await, expected);
    assert_eq!(value_of("max_over_time(seconds_count[10m])").await, expected);
    assert_eq!(value_of("max_over_time(seconds_bucket{le=\"+Inf\"}[10m])").await, expected);
    assert_eq!(value_of("max_over_time(seconds_sum[10m])").await, Some((number + 1) as f64));
    assert_eq!(value_of("histogram_count(last_over_time(bytes[10m]))").await, expected);
    for series in ["orders_total", "seconds_count", "seconds_bucket{le=\"1\"}", "seconds_sum", "bytes"] {
        assert_eq!(value_of(&format!("resets({series}[10m])")).await, Some(0.0), "{series}");
        let count = value_of(&format!("count_over_time({series}[10m])")).await;
        assert_eq!(count, Some((number + 1) as f64), "{series}");
    }
    // What an objective sees first is where it begins: the first of the points held 1 and 0.5.
    let events = (all - 1.0, number as f64 / 2.0);
    let counted = async |server: &Server| {
        let total = server.json("/api/bellwether/v1/slos").await[0]["streams"][0]["total"].take();
        let (all, good) = (total["total"].as_f64().unwrap_or(0.0), total["good"].as_f64().unwrap_or(0.0));
        if (all, all - good) == events { Ok(()) } else { Err(format!("{total} instead of {events:?}")) }
    };
    server.until("the objective has counted every event", counted).await;
    bellwether_testkit::cases::ran("otlp/deltas-over-deaths", number + 1);
}
