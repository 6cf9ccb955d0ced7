//! Remote read, answered: a real Prometheus that has nothing but what it reads from us answers as we do, an import from
//! us gives the same store however we answer it, and what cannot be answered has the status that Prometheus gives it.

use std::time::Instant;

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use bellwether_ingest::prometheus_block::Samples;
use bellwether_ingest::remote_read::{ReadQuery, next_frame, read_frame, read_samples, write_request};
use bellwether_model::{METRIC_NAME, MatchOp, Matcher, TimeRange, Timestamp};
use bellwether_testkit::{cases, peers};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::import::{directory, import, sorted};
use crate::process::{DEADLINE, Folder, Server, client, text};
use crate::prometheus_peer::{get, start_prometheus};

/// Where the history begins and ends, in seconds.
const START: i64 = 1_700_000_000;
const END: i64 = START + 2250;
/// What the question says of kinds of answers, at its end: frames, then samples.
const ACCEPTED: [u8; 4] = [0x12, 2, 1, 0];

fn packed(message: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(message).unwrap()
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Decoder::new().decompress_vec(bytes).unwrap()
}

/// The question for everything between two moments in seconds.
fn everything((start, end): (i64, i64)) -> Vec<u8> {
    let range = TimeRange::new(Timestamp(start * 1000), Timestamp(end * 1000));
    let matchers = vec![Matcher::new(MatchOp::Regex, METRIC_NAME, ".+").unwrap()];
    write_request(&ReadQuery { range, matchers })
}

/// The same question as one that knows no frames asks it.
fn without_frames(question: &[u8]) -> Vec<u8> {
    question.strip_suffix(&ACCEPTED).unwrap().to_vec()
}

/// A line per sample, in one order. What a chunk says of counters that began anew is left out.
fn lines(series: &[(String, Samples)]) -> Vec<String> {
    let mut lines = Vec::new();
    for (labels, samples) in series {
        let floats = samples.floats.iter().map(|it| format!("{} {:016x}", it.at.0, it.value.to_bits()));
        let histograms = samples.histograms.iter().map(|it| {
            let h = &it.histogram;
            let shape = (h.schema, h.zero_threshold, h.zero_count, h.count, h.sum.to_bits());
            format!("{} {shape:?} {:?} {:?} {:?}", it.at.0, h.positive, h.negative, h.custom_bounds)
        });
        lines.extend(floats.chain(histograms).map(|line| format!("{labels} {line}")));
    }
    lines.sort();
    lines
}

/// Everything that a server has of a time in seconds, asked for either way; both must be the same.
pub(crate) async fn all_of(url: &str, times: (i64, i64)) -> Vec<String> {
    let ask = async |question: Vec<u8>| {
        let answer =
            client().post(format!("{url}/api/v1/read")).body(packed(&question)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        (kind, answer.bytes().await.unwrap())
    };
    let (kind, bytes) = ask(everything(times)).await;
    assert_eq!(kind, "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse");
    let (mut in_frames, mut rest) = (Vec::new(), &bytes[..]);
    while let Some(frame) = next_frame(rest).unwrap() {
        let series = read_frame(frame.message).unwrap();
        in_frames.extend(series.into_iter().map(|series| (series.labels.to_string(), series.samples)));
        rest = &rest[frame.length..];
    }
    assert!(rest.is_empty(), "the answer ends within a frame");
    let (kind, bytes) = ask(without_frames(&everything(times))).await;
    assert_eq!(kind, "application/x-protobuf");
    let series = read_samples(&unpacked(&bytes)).unwrap();
    let series: Vec<_> =
        series.into_iter().map(|series| (series.labels.to_string(), series.samples)).collect();
    let lines_in_frames = lines(&in_frames);
    assert_eq!(lines_in_frames, lines(&series));
    lines_in_frames
}

/// A server of before there were frames: it hands questions on without what they say of them.
async fn old_server(url: &str) -> String {
    let target = format!("{url}/api/v1/read");
    let answer = move |body: Bytes| async move {
        let question = packed(&without_frames(&unpacked(&body)));
        let answer = client().post(target).body(question).send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut kept = HeaderMap::new();
        for name in ["content-type", "content-encoding"] {
            kept.insert(name, headers[name].clone());
        }
        (status, kept, answer.bytes().await.unwrap()).into_response()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().route("/api/v1/read", axum::routing::post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/api/v1/read")
}

/// A server with the history of a Prometheus: numbers, histograms of every kind, markers, counters that began anew.
async fn with_history(folder: &Folder) -> Server {
    let dir = directory(folder);
    let imported = import(&["prometheus-tsdb", text(&dir)], folder, &[]);
    assert_eq!(imported.code, Some(0), "{imported:#?}");
    Server::start(&folder.path("bellwether.yml"), &folder.path("data")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_from_us_gives_the_same_store_either_way() {
    let folder = Folder::new("read-from-us");
    let server = with_history(&folder).await;
    let expected = all_of(&server.url, (START, END)).await;
    assert_eq!(expected.len(), 1040);
    let old = old_server(&server.url).await;
    for (name, url) in [("frames", format!("{}/api/v1/read", server.url)), ("samples", old)] {
        let copy = Folder::new(&format!("read-from-us-{name}"));
        let (from, to) = (START.to_string(), END.to_string());
        let arguments = ["remote-read", &url, "--step", "10m", "--from", &from, "--to", &to];
        // The server of before frames is in this process, and has to go on.
        let copied = tokio::task::block_in_place(|| import(&arguments, &copy, &[]));
        assert_eq!(copied.code, Some(0), "{copied:#?}");
        let copied = Server::start(&copy.path("bellwether.yml"), &copy.path("data")).await;
        assert_eq!(all_of(&copied.url, (START, END)).await, expected, "{name}");
    }
}

/// Asks for a path until it is answered.
async fn answer(http: &reqwest::Client, url: &str) -> Value {
    let begun = Instant::now();
    loop {
        if let Some((200, body)) = get(http, url).await {
            return body;
        }
        assert!(begun.elapsed() < DEADLINE, "{url} is not answered");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_prometheus_that_reads_from_us_answers_as_we_do() {
    let Some(program) = peers::program("prometheus") else { return };
    let folder = Folder::new("read-peer");
    let server = with_history(&folder).await;
    folder.write("reader.yml", &format!("remote_read: [{{url: \"{}/api/v1/read\"}}]\n", server.url));
    let theirs = start_prometheus(&program, &folder, "reader.yml", &[]).await;
    let http = client();
    let queries = [
        "requests_total",
        "rate(requests_total[5m])",
        "resets(requests_total[30m])",
        "temperature",
        "sometimes",
        "count_over_time({__name__=~\"sometimes|temperature\"}[10m])",
        "floats",
        "whole",
        "gauge",
        "custom",
        "histogram_quantile(0.9, whole)",
        "histogram_quantile(0.5, rate(custom[5m]))",
        "histogram_count(increase(whole[10m]))",
        "sum(rate(floats[5m]))",
        "{__name__=~\".+\",__name__!~\"gauge|custom|whole|floats\"}",
    ];
    for query in queries {
        let encoded = bellwether_web::url::encode(query, "");
        let path = format!("/api/v1/query_range?query={encoded}&start={START}&end={END}&step=17");
        let (a, b) = (
            answer(&http, &format!("{}{path}", theirs.url)).await,
            answer(&http, &format!("{}{path}", server.url)).await,
        );
        assert_eq!(sorted(&a), sorted(&b), "{query}");
        assert!(!sorted(&a).is_empty(), "{query}");
    }
    cases::ran("peers/remote-read", queries.len() as u64);
}

struct Case {
    name: &'static str,
    body: Vec<u8>,
    status: u16,
    /// A part of our answer.
    says: &'static str,
}

/// A question with one matcher, and what it accepts.
fn question(kind: u8, name: &str, value: &str, accepted: &[u8]) -> Vec<u8> {
    let matcher = [
        &[0x08, kind, 0x12, name.len() as u8][..],
        name.as_bytes(),
        &[0x1a, value.len() as u8],
        value.as_bytes(),
    ]
    .concat();
    let query = [&[0x08, 1, 0x10, 100, 0x1a, matcher.len() as u8][..], &matcher].concat();
    let mut request = [&[0x0a, query.len() as u8][..], &query].concat();
    if !accepted.is_empty() {
        request.extend([0x12, accepted.len() as u8]);
        request.extend(accepted);
    }
    packed(&request)
}

fn cases() -> Vec<Case> {
    let case = |name, body, status, says| Case { name, body, status, says };
    vec![
        case("nothing is found", question(0, "job", "x", &[]), 200, ""),
        case("nothing is found, as frames", question(0, "job", "x", &[1]), 200, ""),
        case("an unknown kind is passed over", question(0, "job", "x", &[7, 1]), 200, ""),
        case("no question", packed(&[]), 200, ""),
        case(
            "only unknown kinds",
            question(0, "job", "x", &[7]),
            400,
            "does not support any of the requested",
        ),
        case("not packed", b"nothing".to_vec(), 400, "not packed by snappy"),
        case("no body", Vec::new(), 400, "not packed by snappy"),
        case("no message", packed(&[0x0a, 200, 1]), 400, "not a ReadRequest"),
        case("no such matcher", question(9, "job", "x", &[]), 500, "no matcher of type 9"),
        case("no such matcher, as frames", question(9, "job", "x", &[1]), 500, "no matcher of type 9"),
        case("no regular expression", question(2, "job", "(", &[]), 500, "("),
    ]
}

#[tokio::test]
async fn what_cannot_be_answered_has_the_status_of_prometheus() {
    let folder = Folder::new("read-refused");
    let config = folder.write("bellwether.yml", "{}\n");
    let server = Server::start(&config, &folder.path("data")).await;
    let theirs = match peers::program("prometheus") {
        Some(program) => {
            folder.write("empty.yml", "{}\n");
            let theirs = start_prometheus(&program, &folder, "empty.yml", &[]).await;
            answer(&client(), &format!("{}/api/v1/query?query=1", theirs.url)).await;
            Some(theirs)
        }
        None => None,
    };
    let ask = async |url: &str, body: &[u8]| {
        let answer = client().post(format!("{url}/api/v1/read")).body(body.to_vec()).send().await.unwrap();
        let status = answer.status().as_u16();
        let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        (status, kind, answer.text().await.unwrap_or_default())
    };
    let cases = cases();
    for Case { name, body, status, says } in &cases {
        let (found, kind, said) = ask(&server.url, body).await;
        assert_eq!(found, *status, "{name}: {said}");
        assert!(said.contains(says), "{name}: {said}");
        if let Some(theirs) = &theirs {
            let (found, their_kind, said) = ask(&theirs.url, body).await;
            assert_eq!(found, *status, "{name} at Prometheus: {said}");
            if found == 200 {
                assert_eq!(kind, their_kind, "{name}");
            }
        }
    }
    cases::ran("remote read: answers and refusals", cases.len() as u64);
}
