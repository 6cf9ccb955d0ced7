//! Remote write over HTTP: every refusal with its status and message, beside the real Prometheus where it is there; and
//! the real Prometheus as a sender, while we die in between.

use std::time::{Duration, Instant};

use bellwether_model::STALE_NAN;
use bellwether_testkit::remote_write::{Message, Series, one, sample, two, whole_histogram};
use bellwether_testkit::{cases, peers};
use bellwether_web::url::encode;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::process::{DEADLINE, Folder, Server};
use crate::prometheus_peer::{Prometheus, free_port, get, start_prometheus};

const ONE: &str = "application/x-protobuf";
const TWO: &str = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

/// What Prometheus answers to a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum There {
    /// The same status as we.
    Same,
    /// Another one, for a reason that stands beside it.
    Other(u16),
    /// Nothing: it breaks the connection off.
    NoAnswer,
    /// It is not asked.
    NotAsked,
}

use There::{NoAnswer, NotAsked, Other, Same};

struct Case {
    name: &'static str,
    content_type: &'static str,
    encoding: &'static str,
    body: Vec<u8>,
    status: u16,
    /// A part of our answer.
    says: &'static str,
    there: There,
}

fn packed(message: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(message).unwrap()
}

fn now() -> i64 {
    bellwether::clock::now().0
}

fn cases(now: i64) -> Vec<Case> {
    let named =
        |name: &str, samples: &[(i64, f64)]| Series::new(&[("__name__", name), ("job", "x")], samples);
    let of_one = |name, series: &[Series], status, says, there| Case {
        name,
        content_type: ONE,
        encoding: "snappy",
        body: packed(&one(series)),
        status,
        says,
        there,
    };
    let of_two = |name, series: &[Series], status, says, there| Case {
        content_type: TWO,
        body: packed(&two(series, None)),
        ..of_one(name, &[], status, says, there)
    };
    let of_headers = |name, content_type, encoding, status, says| Case {
        content_type,
        encoding,
        ..of_one(name, &[], status, says, Same)
    };
    let of_body =
        |name, body: Vec<u8>, status, says, there| Case { body, ..of_one(name, &[], status, says, there) };
    let pairs = |pairs: &[(&str, &str)]| [Series::new(pairs, &[(now, 1.0)])];
    let bytes = |value: &[u8]| {
        let pairs = vec![(b"__name__".to_vec(), b"a".to_vec()), (b"b".to_vec(), value.to_vec())];
        [Series { pairs, samples: vec![(now, 1.0)], ..Series::default() }]
    };
    let histogram = |name: &str, histogram| Series { histograms: vec![histogram], ..named(name, &[]) };
    let (ahead, late) = (now + 20 * 60_000, now - 60_000);
    let future = "out of bounds: timestamp is too far in the future";
    let (twice, no_name) = ("duplicated label b", "invalid metric name or labels");
    let symbol_99 = Message::default().packed(1, &[1, 99]).bytes(2, &sample(now, 1.0).0);
    let symbols = Message::default().bytes(4, b"").bytes(4, b"__name__").bytes(5, &symbol_99.0);
    let claims = [0xff, 0xff, 0xff, 0x1f, 0];
    vec![
        of_one("a push", &[named("one", &[(now, 1.0)])], 204, "", Same),
        of_one("the same again", &[named("one", &[(now, 1.0)])], 204, "", Same),
        of_one("another value", &[named("one", &[(now, 2.0)])], 400, "duplicate sample for timestamp", Same),
        of_one("an older sample", &[named("one", &[(late, 1.0)])], 400, "out of order sample", Same),
        of_one("the future", &[named("one", &[(ahead, 1.0)])], 400, future, Same),
        of_one("a staleness marker", &[named("one", &[(now + 1, STALE_NAN)])], 204, "", Same),
        of_one("an empty value", &pairs(&[("__name__", "e"), ("b", "")]), 204, "", Same),
        of_one("labels out of order", &pairs(&[("b", "c"), ("__name__", "o")]), 204, "", Same),
        of_one("no samples", &[named("nothing", &[])], 204, "", Same),
        of_one("a histogram", &[histogram("h1", whole_histogram(now, 7))], 204, "", Same),
        // The specification asks for a 400; Prometheus counts it and says nothing.
        of_one("no metric name", &pairs(&[("b", "c")]), 400, no_name, Other(204)),
        of_one("no labels", &pairs(&[]), 400, no_name, Other(204)),
        of_one("no text", &bytes(b"\xff"), 400, no_name, Other(204)),
        of_one("a label twice", &pairs(&[("__name__", "a"), ("b", "1"), ("b", "2")]), 400, twice, Other(204)),
        // A 500 would be sent again for ever.
        of_one(
            "no histogram",
            &[histogram("h2", whole_histogram(now, 3).packed(12, &[1]))],
            400,
            "invalid histogram",
            Other(500),
        ),
        of_two("a push of 2.0", &[named("two", &[(now, 1.0)])], 204, "", Same),
        of_two(
            "2.0: another value",
            &[named("two", &[(now, 2.0)])],
            400,
            "duplicate sample for timestamp",
            Same,
        ),
        of_two("2.0: an older sample", &[named("two", &[(late, 1.0)])], 400, "out of order sample", Same),
        of_two("2.0: the future", &[named("two", &[(ahead, 1.0)])], 400, future, Same),
        of_two("2.0: no metric name", &pairs(&[("b", "c")]), 400, no_name, Same),
        of_two("2.0: no text", &bytes(b"\xff"), 400, no_name, Same),
        of_two("2.0: a label twice", &pairs(&[("__name__", "a"), ("b", "1"), ("b", "2")]), 400, twice, Same),
        of_two(
            "2.0: a part",
            &[named("two", &[(now - 1, 1.0)]), named("three", &[(now, 1.0)])],
            400,
            "out of order",
            Same,
        ),
        of_one("the past", &[named("past", &[(1000, 1.0)])], 400, "out of bounds", Same),
        of_two("2.0: the past", &[named("past", &[(i64::MIN, 1.0)])], 400, "out of bounds", Same),
        of_one(
            "a histogram whose count is too large",
            &[histogram("h4", whole_histogram(now, 7).number(1, 8))],
            400,
            "invalid histogram",
            Other(500),
        ),
        of_two("2.0: a histogram", &[histogram("h3", whole_histogram(now, 7))], 204, "", Same),
        Case {
            content_type: TWO,
            ..of_body("2.0: no such symbol", packed(&symbols.0), 400, no_name, NoAnswer)
        },
        Case { content_type: TWO, ..of_body("2.0: nothing", packed(b""), 204, "", Same) },
        of_body("nothing", packed(b""), 204, "", Same),
        of_body("no body", Vec::new(), 400, "snappy", Same),
        of_body("not packed", b"hello".to_vec(), 400, "snappy", Same),
        of_body("a claim", claims.to_vec(), 400, "snappy", Same),
        of_body("no message", packed(b"<html>hello</html>"), 400, "", Same),
        of_body("cut off", packed(&one(&[named("one", &[(now, 1.0)])])[..9]), 400, "ends within", Same),
        of_body("unpacks to too much", packed(&vec![0; 65 << 20]), 413, "at most", NotAsked),
        of_body("too large", vec![0; 33 << 20], 413, "larger than 32 MiB", NotAsked),
        of_headers("neither type nor compression", "", "", 204, ""),
        of_headers(
            "the first by name",
            "application/x-protobuf;proto=prometheus.WriteRequest",
            "snappy",
            204,
            "",
        ),
        of_headers("json", "application/json", "snappy", 415, "expected application/x-protobuf"),
        of_headers(
            "another message",
            "application/x-protobuf;proto=x",
            "snappy",
            415,
            "unknown remote write",
        ),
        of_headers("a parameter without value", "application/x-protobuf;proto", "snappy", 415, "key-values"),
        of_headers("gzip", ONE, "gzip", 415, "only snappy is acceptable"),
        of_headers("zstd", ONE, "zstd", 415, "only snappy is acceptable"),
    ]
}

async fn push(http: &reqwest::Client, url: &str, case: &Case) -> Option<(u16, String, [String; 3])> {
    let mut request = http.post(format!("{url}/api/v1/write")).body(case.body.clone());
    for (name, value) in [("content-type", case.content_type), ("content-encoding", case.encoding)] {
        if !value.is_empty() {
            request = request.header(name, value);
        }
    }
    let response = request.send().await.ok()?;
    let counts = ["samples", "histograms", "exemplars"].map(|what| {
        let name = format!("x-prometheus-remote-write-{what}-written");
        let count = response.headers().get(name).and_then(|count| count.to_str().ok());
        count.unwrap_or_default().to_owned()
    });
    Some((response.status().as_u16(), response.text().await.ok()?, counts))
}

/// A server that scrapes nothing.
async fn server(folder: &Folder) -> Server {
    folder.write("prometheus.yml", "global: {scrape_interval: 15s}\n");
    let config = folder.write("bellwether.yml", "prometheus: prometheus.yml\n");
    Server::start(&config, &folder.path("data")).await
}

async fn receiving_prometheus(folder: &Folder) -> Option<Prometheus> {
    let program = peers::program("prometheus")?;
    folder.write("receiver.yml", "global: {scrape_interval: 15s}\n");
    let flags = ["--web.enable-remote-write-receiver", "--enable-feature=native-histograms"];
    let prometheus = start_prometheus(&program, folder, "receiver.yml", &flags).await;
    until(&format!("{} is not ready", prometheus.url), async || {
        reqwest::get(format!("{}/-/ready", prometheus.url)).await.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
    Some(prometheus)
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < DEADLINE, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn every_refusal_has_the_status_of_prometheus_or_a_reason_why_not() {
    let folder = Folder::new("remote-write-refusals");
    let server = server(&folder).await;
    let prometheus = receiving_prometheus(&folder).await;
    let http = crate::process::client();
    let cases = cases(now());
    let mut wrong = Vec::new();
    for case in &cases {
        let (status, text, counts) = push(&http, &server.url, case).await.unwrap();
        if status != case.status || !text.contains(case.says) {
            wrong.push(format!("{}: {status} {text:?}, expected {} {:?}", case.name, case.status, case.says));
        }
        if case.name == "2.0: a part" && counts != ["1", "0", "0"] {
            wrong.push(format!("{}: {counts:?}", case.name));
        }
        let Some(prometheus) = prometheus.as_ref().filter(|_| case.there != NotAsked) else { continue };
        let there = push(&http, &prometheus.url, case).await;
        let expected = match case.there {
            Same => Some(case.status),
            Other(status) => Some(status),
            NoAnswer | NotAsked => None,
        };
        if there.as_ref().map(|there| there.0) != expected {
            wrong.push(format!("{}: Prometheus answers {there:?}", case.name));
        }
        if let Some((.., counts_there)) = there
            && case.there == Same
            && (status == 204 || case.name == "2.0: a part")
            && counts != counts_there
        {
            wrong.push(format!("{}: we count {counts:?}, Prometheus {counts_there:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(server.query("two").await[0]["value"][1], "1");
    let metrics = server.text("/metrics").await;
    let counted = |metric: &str, reason: &str| {
        let line = format!("{metric}{{reason=\"{reason}\"}} ");
        let value = metrics.lines().find_map(|metric| metric.strip_prefix(line.as_str())).unwrap();
        value.parse::<f64>().unwrap()
    };
    for (reason, at_least) in [
        ("invalid_labels", 7.0),
        ("out_of_order", 3.0),
        ("duplicate", 2.0),
        ("future", 2.0),
        ("invalid_histogram", 1.0),
    ] {
        let refused = counted("bellwether_received_samples_refused_total", reason);
        assert!(refused >= at_least, "{reason}: {refused}");
    }
    for (reason, requests) in [
        ("broken", 3.0),
        ("malformed", 2.0),
        ("content_type", 3.0),
        ("content_encoding", 2.0),
        ("too_large", 2.0),
    ] {
        assert_eq!(counted("bellwether_remote_write_requests_refused_total", reason), requests, "{reason}");
    }
    cases::ran("remote-write", cases.len() as u64);
}

/// A target whose counters grow with every scrape, classic and native.
async fn growing_target() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let scrapes = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let page = move || async move {
        let n = scrapes.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        let mut text =
            String::from("# HELP shop_requests_total Requests.\n# TYPE shop_requests_total counter\n");
        for code in ["200", "404", "500"] {
            text += &format!("shop_requests_total{{code=\"{code}\"}} {}\n", n * code.len() as u64);
        }
        text += &format!("# TYPE shop_queue gauge\nshop_queue {}\nshop_odd NaN\n", n as f64 / 7.0);
        // A series that comes and goes.
        if !n.is_multiple_of(4) {
            text += &format!("shop_sometimes {n}\n");
        }
        ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], text)
    };
    let router = axum::Router::new().route("/metrics", axum::routing::get(page));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// What both are asked at a moment of the past; lists are sorted, as vectors have no order.
async fn asked(http: &reqwest::Client, url: &str, query: &str, range: (i64, i64)) -> Option<Value> {
    let query = encode(query, "");
    let (start, end) = range;
    let path = format!("{url}/api/v1/query_range?query={query}&start={start}&end={end}&step=1");
    let mut answer = get(http, &path).await?.1["data"]["result"].take();
    answer.as_array_mut()?.sort_by_key(|series| series["metric"].to_string());
    Some(answer)
}

const QUERIES: &[&str] = &[
    "shop_requests_total",
    "sum by (code) (increase(shop_requests_total[10s]))",
    "shop_queue",
    "shop_sometimes",
    "count_over_time(shop_sometimes[5s])",
    "shop_odd",
    "up",
    "scrape_samples_scraped",
];

async fn prometheus_sends_to_us_and_both_answer_the_same(message: &str, seconds: u64) {
    let Some(program) = peers::program("prometheus") else { return };
    let folder = Folder::new(&format!("sending-{}", message.len()));
    folder.write("nothing.yml", "global: {scrape_interval: 15s}\n");
    let config = folder.write("bellwether.yml", "prometheus: nothing.yml\n");
    let port = free_port().await;
    let address = format!("127.0.0.1:{port}");
    let start = async || {
        let mut server = Server::spawn_on(&address, &config, &folder.path("data"), &[], &[]);
        server.ready().await;
        server
    };
    let mut server = start().await;
    folder.write(
        "prometheus.yml",
        &format!(
            "global: {{scrape_interval: 500ms, external_labels: {{}}}}\n\
             scrape_configs:\n- job_name: shop\n  static_configs: [{{targets: [\"{}\"]}}]\n\
             remote_write:\n- url: \"http://{address}/api/v1/write\"\n  protobuf_message: {message}\n  send_exemplars: true\n\
             \x20 send_native_histograms: true\n  queue_config: {{batch_send_deadline: 200ms, max_backoff: 500ms}}\n\
             \x20 metadata_config: {{send_interval: 1s}}\n",
            growing_target().await,
        ),
    );
    let flags = ["--enable-feature=metadata-wal-records"];
    let prometheus = start_prometheus(&program, &folder, "prometheus.yml", &flags).await;
    let http = crate::process::client();
    until("nothing is sent to us", async || {
        !server.query("shop_requests_total").await.as_array().unwrap().is_empty()
    })
    .await;
    let began = now() / 1000;
    let half = Duration::from_secs(seconds) / 2;
    let begun = Instant::now();
    until("time does not pass", async || begun.elapsed() >= half.min(DEADLINE / 3)).await;
    server.kill();
    let server = start().await;
    let until_second = now() / 1000 + (seconds as i64) / 2;
    let begun = Instant::now();
    while now() / 1000 < until_second + 2 && begun.elapsed() < Duration::from_secs(seconds + 60) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let range = (began, until_second);
    let mut differences = Vec::new();
    for query in QUERIES {
        let begun = Instant::now();
        loop {
            let there = asked(&http, &prometheus.url, query, range).await;
            let here = asked(&http, &server.url, query, range).await;
            if here == there
                && there.as_ref().is_some_and(|all| all.as_array().is_some_and(|all| !all.is_empty()))
            {
                break;
            }
            // What was not acknowledged before the death is sent again.
            if begun.elapsed() > DEADLINE / 2 {
                differences.push(format!("{query}\n  there {there:?}\n  here  {here:?}"));
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    // Of the first message it comes apart from samples, and is not kept over a death.
    until("nothing is said of metrics", async || {
        let metadata = server.json("/api/v1/metadata?metric=shop_requests_total").await;
        metadata["data"]["shop_requests_total"][0]["type"] == "counter"
    })
    .await;
}

/// For how long it sends; a whole minute when asked for.
fn seconds() -> u64 {
    std::env::var("BELLWETHER_REMOTE_WRITE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(6)
}

#[tokio::test]
async fn prometheus_sends_the_first_message_and_we_die_in_between() {
    prometheus_sends_to_us_and_both_answer_the_same("prometheus.WriteRequest", seconds()).await;
}

#[tokio::test]
async fn prometheus_sends_the_second_message_and_we_die_in_between() {
    prometheus_sends_to_us_and_both_answer_the_same("io.prometheus.write.v2.Request", seconds()).await;
}
