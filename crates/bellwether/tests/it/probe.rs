//! Probes against fakes on loopback that are well, slow, broken or lying: what is found, and why it counts as failed.

use std::time::Instant;

use bellwether::config;
use bellwether::probe::{Attempt, Outcome, Probe, Reason};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::forged::{Forged, certificate_until};
use crate::process::Folder;

/// What a fake does with a connection.
#[derive(Clone)]
enum Fake {
    /// Reads a request, writes this, and closes.
    Answer(String),
    /// Writes this without being asked, and keeps listening.
    Greet(&'static str),
    /// Says nothing, and keeps the connection.
    Hang,
    /// Answers with what it was asked.
    Echo,
    /// Sends a beginning, then nothing more.
    Stall(&'static str),
    /// Does not listen.
    Absent,
}

fn ok(body: &str) -> Fake {
    whole("200 OK", body)
}

fn whole(head: &str, body: &str) -> Fake {
    let length = body.len();
    Fake::Answer(format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"))
}

async fn open(fake: Fake) -> String {
    open_with(fake, None).await
}

async fn open_with(fake: Fake, certificate: Option<&Forged>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    if matches!(fake, Fake::Absent) {
        return address; // closed when dropped
    }
    let acceptor = certificate.map(|forged| forged.acceptor(b""));
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let (fake, acceptor) = (fake.clone(), acceptor.clone());
            tokio::spawn(async move {
                match acceptor {
                    None => serve(connection, fake).await,
                    Some(acceptor) => {
                        if let Ok(connection) = acceptor.accept(connection).await {
                            serve(connection, fake).await;
                        }
                    }
                }
            });
        }
    });
    address
}

async fn serve(mut connection: impl AsyncRead + AsyncWrite + Unpin, fake: Fake) {
    let mut request = [0; 4096];
    match fake {
        Fake::Greet(text) => {
            let _ = connection.write_all(text.as_bytes()).await;
            let _ = connection.read(&mut request).await;
        }
        Fake::Answer(text) => {
            let _ = connection.read(&mut request).await;
            let _ = connection.write_all(text.as_bytes()).await;
            let _ = connection.shutdown().await;
        }
        Fake::Stall(text) => {
            let _ = connection.read(&mut request).await;
            let _ = connection.write_all(text.as_bytes()).await;
            std::future::pending().await
        }
        Fake::Echo => {
            let read = connection.read(&mut request).await.unwrap_or_default();
            let body = String::from_utf8_lossy(&request[..read]).into_owned();
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = connection.write_all((head + &body).as_bytes()).await;
            let _ = connection.shutdown().await;
        }
        Fake::Hang => std::future::pending().await,
        Fake::Absent => {}
    }
}

/// A probe from its YAML, all on one line.
fn probe(yaml: &str) -> Probe {
    let loaded = config::load_text("test.yml", &format!("probes: [{{name: p, timeout: 2s, {yaml}}}]"));
    let problems = loaded.all_problems().render(&loaded.sources, bellwether_diag::Style { color: false });
    loaded.config.unwrap_or_else(|| panic!("{problems}")).probes.remove(0)
}

async fn attempt(probe: &Probe) -> Attempt {
    match bellwether::probe::run(probe, &probe.targets[0]).await {
        Outcome::Tried(attempt) => attempt,
        Outcome::NotTried(why) => panic!("not tried: {why}"),
    }
}

/// What must be found: nothing wrong, or a reason and a part of the sentence that explains it.
pub(crate) type Expected = Option<(Reason, &'static str)>;

async fn check(fake: Fake, yaml: &str, expected: Expected) {
    let address = open(fake).await;
    check_at(&yaml.replace("ADDRESS", &address), expected).await;
}

pub(crate) async fn check_at(yaml: &str, expected: Expected) {
    let attempt = attempt(&probe(yaml)).await;
    let found = attempt.reason();
    assert_eq!(found, expected.map(|(reason, _)| reason), "{yaml}: {}", attempt.why());
    assert_eq!(attempt.succeeded(), expected.is_none(), "{yaml}");
    if let Some((_, part)) = expected {
        assert!(attempt.why().contains(part), "{yaml}: {:?} does not say {part:?}", attempt.why());
    }
}

const HTTP: &str = "http: {url: 'http://ADDRESS/'}";

#[tokio::test]
async fn an_http_answer_is_held_against_every_expectation() {
    use Reason::{Connect, Content, Protocol, Status, Timeout};
    let with = |expect: &str| format!("{HTTP}, expect: {{{expect}}}");
    let cases = [
        (ok("welcome"), HTTP.to_owned(), None),
        (
            whole("503 Service Unavailable", ""),
            HTTP.to_owned(),
            Some((Status, "expected status 200-299: 503")),
        ),
        (whole("503 Service Unavailable", ""), with("status: [200, 5xx]"), None),
        (ok(""), with("status: '201-204'"), Some((Status, "expected status 201-204: 200 OK"))),
        (ok("the backend is at b:80"), with("body_contains: 'backend is'"), None),
        (ok("nothing here"), with("body_contains: backend"), Some((Content, "not found in 12 bytes"))),
        (ok("version 12"), with("body_matches: 'version \\d+'"), None),
        (ok("version x"), with("body_matches: ['version', 'version \\d+']"), Some((Content, "no match in"))),
        (ok("panic at"), with("body_not_matches: '(?i)PANIC'"), Some((Content, "a match in 8 bytes"))),
        (ok(""), with("latency_below: 2s"), None),
        (Fake::Absent, HTTP.to_owned(), Some((Connect, "cannot connect to 127.0.0.1"))),
        (Fake::Answer("nonsense\r\n\r\n".to_owned()), HTTP.to_owned(), Some((Protocol, "no answer"))),
        (Fake::Answer(String::new()), HTTP.to_owned(), Some((Protocol, "no answer"))),
        (
            Fake::Answer("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort".to_owned()),
            HTTP.to_owned(),
            Some((Protocol, "the answer broke off")),
        ),
        (Fake::Hang, HTTP.to_owned(), Some((Timeout, "while waiting"))),
    ];
    for (fake, yaml, expected) in cases {
        check(fake, &yaml, expected).await;
    }
}

#[tokio::test]
async fn an_attempt_ends_at_its_timeout_and_keeps_what_it_saw() {
    let stall = Fake::Stall("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    let probe =
        probe(&format!("{HTTP}, expect: {{body_contains: whole}}").replace("ADDRESS", &open(stall).await));
    let begun = Instant::now();
    let attempt = attempt(&probe).await;
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    assert!(attempt.took.as_millis() >= 2000);
    assert_eq!(attempt.reason(), Some(Reason::Timeout));
    assert!(attempt.why().contains("nothing after 2s, in the middle of the answer"), "{}", attempt.why());
    assert_eq!((attempt.facts.http_status, attempt.facts.body_bytes), (Some(200), Some(4)));
    let phases: Vec<_> = attempt.phases.iter().map(|(phase, _)| phase.as_str()).collect();
    assert_eq!(phases, ["resolve", "connect", "processing", "transfer"]);
    assert_eq!(attempt.checks.len(), 3, "every expectation is listed: {:?}", attempt.checks);
}

#[tokio::test]
async fn redirects_are_followed_and_bounded_and_carry_no_secret_elsewhere() {
    let end = open(Fake::Echo).await;
    let to = |place: &str| whole(&format!("302 Found\r\nLocation: {place}"), "");
    let yaml = "http: {url: 'http://ADDRESS/', headers: {Cookie: hidden1}, bearer_token: hidden2, method: POST, \
                body: hidden3}, expect: {body_contains: 'GET /end', body_not_matches: hidden}";
    check(to(&format!("http://{end}/end")), yaml, None).await;
    let yaml = "http: {url: 'http://ADDRESS/', follow_redirects: false}, expect: {status: 302}";
    check(to("/elsewhere"), yaml, None).await;
    let yaml = "http: {url: 'http://ADDRESS/', redirects_max: 3}";
    check(to("/again"), yaml, Some((Reason::Redirect, "still redirected after 3 redirects"))).await;
    check(to("ftp://x/"), HTTP, Some((Reason::Redirect, "not a web address"))).await;
}

#[tokio::test]
async fn a_request_carries_what_the_probe_says() {
    let cases = [
        ("method: PUT, body: 'a=1'", vec!["PUT /x?y=1 HTTP/1.1", "\r\n\r\na=1"]),
        ("headers: {X-Thing: one}", vec!["x-thing: one"]),
        ("bearer_token: abc", vec!["authorization: Bearer abc"]),
        ("basic_auth: {username: u, password: p}", vec!["authorization: Basic dTpw"]),
    ];
    for (settings, parts) in cases {
        let contains: Vec<String> = parts.iter().map(|part| format!("{part:?}")).collect();
        let yaml = format!(
            "http: {{url: 'http://ADDRESS/x?y=1', {settings}}}, expect: {{body_contains: [{}]}}",
            contains.join(", ")
        );
        check(Fake::Echo, &yaml, None).await;
    }
}

#[tokio::test]
async fn a_tcp_answer_is_held_against_every_expectation() {
    use Reason::{Connect, Content, Timeout};
    let tcp = "tcp: {address: 'ADDRESS'}";
    let with = |expect: &str| format!("{tcp}, expect: {{{expect}}}");
    let cases = [
        (Fake::Hang, tcp.to_owned(), None),
        (Fake::Absent, tcp.to_owned(), Some((Connect, "cannot connect"))),
        (Fake::Greet("220 ready\r\n"), with("answer_contains: '220 '"), None),
        (Fake::Greet("220 ready\r\n"), with("answer_matches: '^[23]\\d\\d '"), None),
        (
            Fake::Answer("500 no".to_owned()),
            "tcp: {address: 'ADDRESS', send: 'hello'}, expect: {answer_contains: '220'}".to_owned(),
            Some((Content, "not heard in 6 bytes")),
        ),
        (Fake::Hang, with("answer_contains: x"), Some((Timeout, "while waiting for the answer"))),
    ];
    for (fake, yaml, expected) in cases {
        check(fake, &yaml, expected).await;
    }
    let echo = "tcp: {address: 'ADDRESS', send: \"ping\\r\\n\"}, expect: {answer_contains: \"ping\\r\\n\"}";
    check(Fake::Echo, echo, None).await;
}

#[tokio::test]
async fn certificates_are_judged_and_their_end_is_told() {
    use Reason::{Certificate, Tls};
    let folder = Folder::new("probe-certificates");
    let good = certificate_until("20600101000000Z");
    let over = certificate_until("20210101000000Z");
    let trusted = folder.write("good.pem", &good.pem());
    let trusted_over = folder.write("over.pem", &over.pem());
    let at_good = open_with(ok("hi"), Some(&good)).await;
    let at_over = open_with(ok("hi"), Some(&over)).await;
    let https = |address: &str, tls: &str, expect: &str| {
        format!("http: {{url: 'https://{address}/', tls_config: {{{tls}}}}}, expect: {{{expect}}}")
    };
    let ca = |path: &std::path::Path| format!("ca_file: '{}'", path.display());
    let cases = [
        (https(&at_good, &ca(&trusted), "tls_expires_after: 14d"), None),
        (
            https(&at_good, &ca(&trusted), "tls_expires_after: 80y"),
            Some((Certificate, "it ends on 2060-01-01")),
        ),
        (https(&at_good, &ca(&trusted_over), ""), Some((Tls, "no encryption"))),
        (https(&at_good, "insecure_skip_verify: true", ""), None),
        (
            https(&at_good, &format!("{}, server_name: elsewhere.example", ca(&trusted)), ""),
            Some((Tls, "elsewhere.example")),
        ),
        (
            https(&at_over, &ca(&trusted_over), "tls_expires_after: 14d"),
            Some((Tls, "it ended on 2021-01-01")),
        ),
        (
            https(&at_over, "insecure_skip_verify: true", "tls_expires_after: 0"),
            Some((Certificate, "it ended on 2021")),
        ),
        (
            format!(
                "tcp: {{address: '{at_good}', tls: true, tls_config: {{{}}}}}, expect: {{tls_expires_after: 1d}}",
                ca(&trusted)
            ),
            None,
        ),
    ];
    for (yaml, expected) in cases {
        check_at(&yaml, expected).await;
    }
    let plain = open(ok("hi")).await;
    check_at(&https(&plain, &ca(&trusted), ""), Some((Tls, "no encryption"))).await;
    let yaml = format!("http: {{url: 'http://{plain}/'}}, expect: {{tls_expires_after: 1d}}");
    check_at(&yaml, Some((Certificate, "no certificate was shown"))).await;
}

#[tokio::test]
async fn what_we_lack_ourselves_is_no_failure_of_the_target() {
    let address = open(ok("")).await;
    for (settings, part) in [
        ("bearer_token_file: /nowhere/token", "/nowhere/token cannot be read"),
        ("tls_config: {ca_file: /nowhere/ca.pem}", "/nowhere/ca.pem cannot be read"),
    ] {
        let probe = probe(&format!("http: {{url: 'https://{address}/', {settings}}}"));
        match bellwether::probe::run(&probe, &probe.targets[0]).await {
            Outcome::NotTried(why) => assert!(why.contains(part), "{why}"),
            Outcome::Tried(attempt) => panic!("{settings}: {}", attempt.why()),
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_reset_is_a_failure_like_any_other() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            reset(connection).await;
        }
    });
    let yaml = format!("http: {{url: 'http://{address}/'}}");
    check_at(&yaml, Some((Reason::Protocol, "no answer"))).await;
}

/// Closing with unread bytes sends a reset.
async fn reset(connection: TcpStream) {
    let _ = connection.readable().await;
    drop(connection);
}

/// A mistake: the YAML of a probe, and parts of what must be said, with its place.
fn refused(yaml: &str, parts: &[&str]) {
    let loaded = config::load_text("test.yml", yaml);
    let text = loaded.all_problems().render(&loaded.sources, bellwether_diag::Style { color: false });
    assert!(loaded.config.is_none(), "{yaml} is accepted");
    for part in parts {
        assert!(text.contains(part), "{yaml}\n{text}\ndoes not say {part:?}");
    }
}

#[test]
fn mistakes_in_probes_are_told_with_their_place() {
    let one = |fields: &str| format!("probes:\n  - {{name: p, {fields}}}\n");
    let http = |fields: &str| one(&format!("http: {{url: 'http://a/', {fields}}}"));
    let expect = |fields: &str| one(&format!("http: {{url: 'http://a/'}}, expect: {{{fields}}}"));
    refused("probes:\n  - {http: {url: 'http://a/'}}\n", &["test.yml:2:5", "name is missing"]);
    refused(&one("interval: 5s"), &["test.yml:2:5", "the probe asks nothing"]);
    refused(&one("http: {url: 'http://a/'}, tcp: {address: 'a:1'}"), &["is it http or tcp?"]);
    refused(&one("http: {}"), &["nobody to ask", "write url: below http:"]);
    refused(&one("http: {url: 'ftp://a/'}"), &["2:27", "not a web address"]);
    refused(&one("http: {url: 'http://u:p@a/'}"), &["holds a login", "basic_auth"]);
    refused(&one("tcp: {address: 'a'}"), &["not host:port"]);
    refused(&one("http: {}, targets: ['http://a/', 'http://a/']"), &["the same labels"]);
    refused(&one("http: {url: 'http://a/'}, labels: {probe: q}"), &["set by the probe itself"]);
    refused(&one("http: {url: 'http://a/'}, interval: 100ms"), &["too short"]);
    refused(&one("http: {url: 'http://a/'}, interval: 5s, timeout: 6s"), &["longer than the interval 5s"]);
    refused(&http("method: get"), &["\"get\" is not a method"]);
    refused(&http("metod: GET"), &["unknown field \"metod\"; did you mean method?"]);
    refused(&http("headers: {'a b': c}"), &["header \"a b\" cannot be sent"]);
    refused(&http("basic_auth: {username: u}, bearer_token: t"), &["more than one way"]);
    refused(&http("follow_redirects: false, redirects_max: 3"), &["not followed at all"]);
    refused(&http("ip_version: 5"), &["write 4 or 6"]);
    refused(&expect("status: 700"), &["\"700\" is no status", "write 200, 2xx, 200-299"]);
    refused(&expect("status: [200, ok]"), &["\"ok\" is no status"]);
    refused(&expect("body_matches: '('"), &["not a regular expression"]);
    refused(&expect("body_contains: ''"), &["everything contains the empty text"]);
    refused(&expect("latency_below: 0"), &["no answer takes less than no time"]);
    refused(
        "probes:\n  - {name: p, http: {url: 'http://a/'}}\n  - {name: p, http: {url: 'http://b/'}}\n",
        &["3:12", "a second probe is named \"p\"", "the first is here"],
    );
    refused(&one("dns: {server: 'a:53'}"), &["query is missing"]);
    refused(&one("dns: {server: 'a:53', query: 'a..b'}"), &["\"a..b\" is no name"]);
    refused(
        &one("dns: {server: 'a:53', query: a, type: AAAAA}"),
        &["not known as type", "did you mean AAAA?"],
    );
    refused(&one("dns: {server: 'a:53', query: a}, expect: {rcode: OK}"), &["write one of NOERROR, FORMERR"]);
    refused(&one("dns: {server: a, query: a}"), &["not host:port", "192.0.2.53:53"]);
    refused(&one("grpc: {address: 'a:1'}, expect: {status: UP}"), &["write one of UNKNOWN, SERVING"]);
    let slo = "slos:\n  - {name: s, goal: '99%', window: 1d, indicator: {probe: frontent}}\n";
    let counts = format!("probes:\n  - {{name: frontend, http: {{url: 'http://a/'}}}}\n{slo}");
    refused(&counts, &["test.yml:4:12", "which does not exist", "did you mean \"frontend\"?"]);
    let both = "slos:\n  - {name: s, goal: '99%', window: 1d, indicator: {probe: p, ratio: {}}}\n";
    refused(both, &["counts two things", "keep either ratio or probe"]);
}

#[test]
fn no_secret_of_a_probe_is_shown() {
    let text = "probes: [{name: p, http: {url: 'http://a/', headers: {Cookie: hunter2}, bearer_token: hunter2, body: hunter2}}]";
    let config = config::load_text("test.yml", text).config.unwrap();
    assert!(!config.shown.contains("hunter2"), "{}", config.shown);
    assert!(!format!("{:?}", config.probes).contains("hunter2"));
}
