//! What nobody should send, sent to the real program: everything is answered, what is valid is kept and told, and
//! nothing gets into pages.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::{Folder, Server};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

async fn post(server: &Server, body: &str) -> (u16, Value) {
    let answer = server.send(reqwest::Method::POST, "/api/v2/alerts", body, &JSON).await;
    (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn hostile_and_extreme_alerts_are_kept_and_shown_harmlessly() {
    let folder = Folder::new("bad-input");
    let config = folder.write("bellwether.yml", "{}\n");
    let mut server = Server::start(&config, &folder.path("data")).await;
    let many: serde_json::Map<String, Value> = (0..10_000).map(|n| (format!("l{n}"), json!("v"))).collect();
    let html = "</td><script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let alerts = [
        json!({"labels": {"alertname": "Far", "a": "b"}, "startsAt": "2026-01-01T00:00:00Z", "endsAt": "9999-12-31T23:59:59.999Z"}),
        json!({"labels": {"alertname": "FarStart"}, "startsAt": "9999-12-31T23:59:59Z", "endsAt": "9999-12-31T23:59:59.999Z"}),
        json!({"labels": {"alertname": "Early"}, "startsAt": "0001-01-01T00:00:01Z"}),
        json!({"labels": {"alertname": "Zero"}, "startsAt": "0001-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z"}),
        json!({"labels": {"alertname": html, html: html}, "annotations": {"summary": html, "runbook_url": "javascript:alert(1)"}, "generatorURL": "javascript:alert(1)"}),
        json!({"labels": {"alertname": "Lines", "x": "a\r\nX-Injected: 1\r\n\r\n<!channel> \u{0000}\u{202e}"}}),
        json!({"labels": many}),
    ];
    let body = Value::Array(alerts.to_vec()).to_string();
    assert_eq!(post(&server, &body).await, (200, Value::Null));
    let (status, said) =
        post(&server, r#"[{"labels":{"alertname":"Good"}},{"labels":{"alertname":1}},{"x":"#).await;
    assert_eq!(status, 400, "{said}");

    let listed = server.json("/api/v2/alerts").await;
    assert_eq!(listed.as_array().unwrap().len(), alerts.len() + 1, "and the good one among the bad");
    for path in
        ["/", "/alerts", "/silences", "/deliveries", "/routing", "/receivers", "/statistics", "/metrics"]
    {
        let page = server.text(path).await;
        for forbidden in ["<script>alert", "<img src=x", "href=\"javascript:"] {
            assert!(!page.contains(forbidden), "{path} shows {forbidden}");
        }
    }
    for alert in listed.as_array().unwrap() {
        let page = server.text(&format!("/alerts/{}", alert["fingerprint"].as_str().unwrap())).await;
        assert!(!page.contains("<script>alert") && !page.contains("href=\"javascript:"));
    }
    // A restart reads all of it back.
    assert_eq!(server.stop().await, Some(0));
    let server = Server::start(&config, &folder.path("data")).await;
    assert_eq!(server.json("/api/v2/alerts").await.as_array().unwrap().len(), alerts.len() + 1);
}

#[tokio::test]
async fn floods_and_dawdlers_keep_nobody_from_posting() {
    let folder = Folder::new("bad-input-flood");
    let config = folder.write("bellwether.yml", "{}\n");
    let server = Server::start(&config, &folder.path("data")).await;
    let address = server.url.trim_start_matches("http://").to_owned();
    // Connections that say nothing, and some that begin a body and never go on with it.
    let mut open = Vec::new();
    for n in 0..300 {
        let mut socket = TcpStream::connect(&address).await.unwrap();
        if n % 3 == 0 {
            let head = "POST /api/v2/alerts HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 900000\r\n\r\n[";
            socket.write_all(head.as_bytes()).await.unwrap();
        }
        open.push(socket);
    }
    assert_eq!(post(&server, r#"[{"labels":{"alertname":"Good"}}]"#).await.0, 200);
    // Fifty megabytes: refused in words, also to a client that sends all of it first.
    let mut socket = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /api/v2/alerts HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        50 << 20
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let blank = vec![b' '; 1 << 20];
    for _ in 0..50 {
        socket.write_all(&blank).await.unwrap();
    }
    let mut answer = String::new();
    let read = tokio::time::timeout(Duration::from_secs(20), socket.read_to_string(&mut answer));
    read.await.expect("an answer").unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("larger than 16 MiB"), "{answer}");
    assert_eq!(server.json("/api/v2/alerts").await.as_array().unwrap().len(), 1);
    drop(open);
}
