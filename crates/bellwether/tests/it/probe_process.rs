//! Probes of a running server: their series, the objective that counts them, what pages and API say, and a restart.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::process::{Folder, Server, run, text};

/// Answers every request with this.
async fn open(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = connection.read(&mut [0; 4096]).await;
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                let _ = connection.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

fn config(good: &str, bad: &str, hanging: &str) -> String {
    format!(
        "probes:\n  - name: pages\n    interval: 1s\n    http: {{headers: {{Cookie: hidden}}}}\n    targets:\n      \
         - {{target: 'http://{good}/', labels: {{instance: v1}}}}\n      \
         - {{target: 'http://{bad}/', labels: {{instance: v2}}}}\n\
         \x20 - {{name: hanging, interval: 1s, timeout: 1s, tcp: {{send: hello}}, target: '{hanging}', expect: {{answer_contains: x}}}}\n\
         slos:\n  - {{name: pages, goal: '99%', window: 1h, indicator: {{probe: pages}}, group_by: [instance]}}\n"
    )
}

/// What an objective's stream has counted: bad and all.
fn counted(slo: &Value, instance: Option<&str>) -> (f64, f64) {
    let streams = slo["streams"].as_array().unwrap();
    let is_it = |stream: &&Value| stream["labels"]["instance"].as_str() == instance;
    let stream = streams.iter().find(is_it).cloned().unwrap_or_default();
    let number = |name: &str| stream["total"][name].as_f64().unwrap_or_default();
    (number("total") - number("good"), number("total"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attempt_is_an_event_also_over_a_restart() {
    let folder = Folder::new("probe-process");
    let (good, bad) = (open("200 OK").await, open("500 Internal Server Error").await);
    // Accepts connections into its backlog and never says a word.
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = config(&good, &bad, &hanging.local_addr().unwrap().to_string());
    let config = folder.write("bellwether.yml", &config);
    let mut server = Server::start(&config, &folder.path("data")).await;
    let before = counted_at_least(&server, 3.0).await;

    let mut probes = server.json("/api/bellwether/v1/probes").await;
    let hung = probes.as_array_mut().unwrap().remove(0);
    assert_eq!(
        (hung["probe"].as_str(), hung["reason"].as_str()),
        (Some("hanging"), Some("timeout")),
        "{hung}"
    );
    assert_eq!((probes[0]["instance"].as_str(), probes[0]["health"].as_str()), (Some("v1"), Some("up")));
    assert_eq!(probes[1]["reason"], "status");
    assert_eq!(probes[1]["last_error"], "expected status 200-299: 500 Internal Server Error");
    let page = server.text("/targets").await;
    assert!(page.contains("1 of 3 probed targets as expected"), "{page}");
    assert!(page.contains("500 Internal Server Error"), "{page}");
    let status = server.query("probe_http_status_code{probe=\"pages\",instance=\"v2\"}").await;
    assert_eq!(status[0]["value"][1], "500");
    let reasons = server.query("bellwether_probe_failures_by_reason_total{reason=\"status\"}").await;
    assert_eq!(reasons.as_array().unwrap().len(), 1, "{reasons}");
    let phases = server.query("probe_http_duration_seconds{instance=\"v1\"}").await;
    assert_eq!(phases.as_array().unwrap().len(), 4, "{phases}");

    assert_eq!(server.stop().await, Some(0));
    assert!(!server.stderr().contains("hidden"), "a secret is in the log");
    let server = Server::start(&config, &folder.path("data")).await;
    let after = counted_at_least(&server, before + 3.0).await;
    let attempts = server.query("bellwether_probe_attempts_total{instance=\"v2\"}").await;
    let since: f64 = attempts[0]["value"][1].as_str().unwrap().parse().unwrap();
    assert!(since < after, "counters begin anew ({since}), and nothing that was counted is lost ({after})");
}

/// Waits until the broken target has failed so often; every attempt on it must be bad, none on the other.
async fn counted_at_least(server: &Server, wanted: f64) -> f64 {
    server
        .until("attempts to be counted", async |server| {
            let slo = server.json("/api/bellwether/v1/slos/pages").await;
            let (v1, v2, all) = (counted(&slo, Some("v1")), counted(&slo, Some("v2")), counted(&slo, None));
            if v2.1 < wanted || v1.1 < wanted {
                return Err(slo.to_string());
            }
            assert_eq!((v1.0, v2.0), (0.0, v2.1), "{slo}");
            assert_eq!(all, (v1.0 + v2.0, v1.1 + v2.1), "{slo}");
            Ok(v2.1)
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_can_be_tried_from_the_command_line() {
    let folder = Folder::new("probe-command");
    let (good, bad) = (open("200 OK").await, open("503 Service Unavailable").await);
    let path = folder.write("bellwether.yml", &config(&good, &bad, &bad));
    let ended = tokio::task::spawn_blocking(move || {
        let config = ["--config", text(&path)];
        let all = run(&[&["probe", "pages"], config.as_slice()].concat());
        let json = run(&[&["probe", "pages", "--format", "json"], config.as_slice()].concat());
        let missing = run(&[&["probe", "page"], config.as_slice()].concat());
        let given = run(&["probe", "http", &format!("http://{bad}/"), "--status", "5xx"]);
        let wrong = run(&["probe", "http", "nowhere", "--status", "none"]);
        let nobody = run(&[&["probe", "http"], config.as_slice()].concat());
        [all, json, missing, given, wrong, nobody]
    });
    let [all, json, missing, given, wrong, nobody] = ended.await.unwrap();
    assert_eq!(all.code, Some(1), "{all:?}");
    assert!(all.stdout.contains("x status 200-299: 503 Service Unavailable"), "{all:?}");
    assert!(all.stdout.contains("processing"), "{all:?}");
    assert!(!json.stdout.contains("hidden"), "{json:?}");
    let list = json.json();
    assert_eq!((list[0]["outcome"].as_str(), list[1]["outcome"].as_str()), (Some("ok"), Some("failed")));
    assert_eq!(
        (missing.code, missing.stderr.contains("did you mean pages?")),
        (Some(2), true),
        "{missing:?}"
    );
    assert_eq!(given.code, Some(0), "{given:?}");
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("is not a URL") && wrong.stderr.contains("no status"), "{wrong:?}");
    assert!(!wrong.stderr.contains("1 | "), "nobody wrote a text in which there is a place: {wrong:?}");
    assert_eq!(
        (nobody.code, nobody.stderr.contains("http needs to know whom to ask")),
        (Some(2), true),
        "{nobody:?}"
    );
}
