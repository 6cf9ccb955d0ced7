//! A target that hangs, lies or is not there says so on its own line, and harms nobody but itself.

use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::process::{Folder, Server};

/// What a target does with a connection once it has read the request.
#[derive(Clone)]
enum Behaviour {
    /// Writes these bytes and closes.
    Answer(Arc<Vec<u8>>),
    /// Says nothing, and keeps the connection open.
    Hang,
    /// Does not listen.
    Absent,
}

/// A target, and a part of the reason that must be given for it.
struct Bad {
    job: &'static str,
    behaviour: Behaviour,
    reason: &'static str,
}

fn answer(head: &str, body: impl AsRef<[u8]>) -> Behaviour {
    let head = format!("HTTP/1.1 {head}\r\nContent-Type: text/plain\r\n\r\n");
    let bytes = [head.as_bytes(), body.as_ref()].concat();
    Behaviour::Answer(Arc::new(bytes))
}

/// An answer whose length is what it says.
fn whole(status: &str, body: impl AsRef<[u8]>) -> Behaviour {
    let length = body.as_ref().len();
    answer(&format!("{status}\r\nContent-Length: {length}\r\nConnection: close"), body)
}

fn bad_targets() -> Vec<Bad> {
    let bad = |job, behaviour, reason| Bad { job, behaviour, reason };
    let long_line = format!("m{{a=\"{}\"}} 1\n", "x".repeat(10 << 20));
    vec![
        bad("absent", Behaviour::Absent, "cannot connect"),
        bad(
            "failing",
            whole("500 Internal Server Error", "oh no"),
            "server returned HTTP status 500 Internal Server Error",
        ),
        bad("endless-line", whole("200 OK", long_line), "line 1"),
        bad("not-utf-8", whole("200 OK", b"ok 1\nm{a=\"\xff\xfe\"} 1\n"), "UTF-8"),
        bad("broken-off", answer("200 OK\r\nContent-Length: 1000", "m 1\nn 2\n"), "the answer broke off"),
        bad("cut-number", answer("200 OK\r\nConnection: close", "m 1\nn 123"), "line 2"),
        bad("hanging", Behaviour::Hang, "no complete answer within the timeout of 1s"),
        bad(
            "gzip-garbage",
            whole("200 OK\r\nContent-Encoding: gzip", b"\x1f\x8b\x08garbage"),
            "content-encoding gzip, but the body is none",
        ),
        bad(
            "brotli",
            whole("200 OK\r\nContent-Encoding: br", b"m 1\n"),
            "content-encoding br, which was not asked for",
        ),
        bad("page", whole("200 OK", "<html><body>Welcome</body></html>\n"), "line 1"),
    ]
}

/// Opens a target; gives its address.
async fn open(behaviour: Behaviour) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    if matches!(behaviour, Behaviour::Absent) {
        return address; // closed when dropped
    }
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(serve(connection, behaviour.clone()));
        }
    });
    address
}

async fn serve(mut connection: TcpStream, behaviour: Behaviour) {
    let mut request = [0; 4096];
    let _ = connection.read(&mut request).await;
    match behaviour {
        Behaviour::Answer(bytes) => {
            let _ = connection.write_all(&bytes).await;
            let _ = connection.shutdown().await;
        }
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Absent => {}
    }
}

fn job(name: &str, address: &str) -> String {
    format!("    - {{job_name: {name}, static_configs: [{{targets: ['{address}']}}]}}\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bad_target_says_why_and_a_good_one_beside_them_goes_on() {
    let (mut jobs, targets) = (String::new(), bad_targets());
    for bad in &targets {
        jobs += &job(bad.job, &open(bad.behaviour.clone()).await);
    }
    jobs += &job("good", &open(whole("200 OK", "events_total 7\n")).await);
    let folder = Folder::new("bad-targets");
    let global = "prometheus:\n  global: {scrape_interval: 1s, scrape_timeout: 1s}\n  scrape_configs:\n";
    let config = folder.write("bellwether.yml", &format!("{global}{jobs}"));
    let server = Server::start(&config, &folder.path("data")).await;

    for bad in &targets {
        let error = server
            .until(bad.job, async |server| {
                let targets = server.json("/api/bellwether/v1/targets").await;
                let target = find(&targets, bad.job);
                if target["health"] == "down" {
                    Ok(target["last_error"].clone())
                } else {
                    Err(target.to_string())
                }
            })
            .await;
        let error = error.as_str().unwrap();
        assert!(error.contains(bad.reason), "{}: {error}", bad.job);
        assert!(error.len() < 1000, "{}: the reason is as long as the body: {} bytes", bad.job, error.len());
        let up = server.query(&format!("up{{job=\"{}\"}}", bad.job)).await;
        assert_eq!(up[0]["value"][1], "0", "{}", bad.job);
        let stored = server.query(&format!("{{job=\"{}\",__name__!~\"up|scrape_.*\"}}", bad.job)).await;
        assert_eq!(stored, Value::Array(Vec::new()), "{}: a refused body left samples", bad.job);
    }
    let page = server.text("/targets").await;
    for bad in &targets {
        assert!(page.contains(bad.reason), "the page does not say {:?} of {}", bad.reason, bad.job);
    }
    goes_on(&server).await;
}

/// The good target is scraped again and again.
async fn goes_on(server: &Server) {
    let seen = "count_over_time(events_total{job=\"good\"}[1m])";
    server
        .until("three scrapes of the good target", async |server| {
            let count = server.query(seen).await;
            let value = count[0]["value"][1].as_str().unwrap_or("0").parse::<f64>().unwrap();
            if value >= 3.0 { Ok(()) } else { Err(count.to_string()) }
        })
        .await;
    let gaps = server.query("up{job=\"good\"} and min_over_time(up{job=\"good\"}[1m]) == 1").await;
    assert_eq!(gaps.as_array().unwrap().len(), 1, "the good target was down: {gaps}");
}

fn find<'a>(targets: &'a Value, job: &str) -> &'a Value {
    targets.as_array().unwrap().iter().find(|target| target["job"] == job).unwrap()
}
