//! What people are sent by the repaired configurations of `scenarios/`: channels, icons, colours, titles and links, as they
//! arrive at a receiver; and the delivery test of the gateway, run as the shell script that it is.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::process::{Folder, Server};

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios");
/// Where the configurations have their receivers.
const SINK: &str = "127.0.0.1:9997";

/// What arrived, by path.
type Arrived = Arc<Mutex<Vec<(String, Value)>>>;

/// Takes every message as Slack and PagerDuty take theirs.
async fn sink() -> (String, Arrived) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let arrived = Arrived::default();
    let keep = Arc::clone(&arrived);
    let take = async move |uri: axum::http::Uri, body: axum::Json<Value>| {
        keep.lock().unwrap().push((uri.path().to_owned(), body.0));
        let pagerduty = uri.path().contains("pagerduty");
        let status = if pagerduty { axum::http::StatusCode::ACCEPTED } else { axum::http::StatusCode::OK };
        (status, if pagerduty { r#"{"status":"success"}"# } else { "ok" })
    };
    let router = axum::Router::new().fallback(take);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, arrived)
}

/// A server with the routing of a scenario, whose groups wait for a second instead of as long as they say.
async fn routing(folder: &Folder, alertmanager: &str, sink: &str) -> Server {
    let path = Path::new(SCENARIOS).join(alertmanager);
    let templates = path.parent().unwrap().join("templates");
    if let Ok(files) = std::fs::read_dir(templates) {
        std::fs::create_dir(folder.path("templates")).unwrap();
        for file in files {
            let file = file.unwrap().path();
            std::fs::copy(&file, folder.path("templates").join(file.file_name().unwrap())).unwrap();
        }
    }
    let mut written = std::fs::read_to_string(&path).unwrap().replace(SINK, sink);
    for wait in ["group_wait: 30s", "group_wait: 5m"] {
        written = written.replace(wait, "group_wait: 1s");
    }
    folder.write("alertmanager.yml", &written);
    let config = folder.write("bellwether.yml", "alertmanager: alertmanager.yml\n");
    let mut server =
        Server::spawn_with(&config, &folder.path("data"), &["--alertmanager-listen", "127.0.0.1:0"], &[]);
    server.ready().await;
    server
}

async fn post(server: &Server, alerts: &Value) {
    let headers = [("content-type", "application/json")];
    let answer = server.send(Method::POST, "/api/v2/alerts", &alerts.to_string(), &headers).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Waits for a message at a path that holds all of these texts.
async fn message(server: &Server, arrived: &Arrived, path: &str, texts: &[&str]) -> Value {
    server
        .until(&format!("{texts:?} at {path}"), async |_| {
            let arrived = arrived.lock().unwrap();
            let holds = |body: &Value| texts.iter().all(|text| body.to_string().contains(text));
            let found = arrived.iter().find(|(at, body)| at == path && holds(body));
            found.map(|(_, body)| body.clone()).ok_or_else(|| format!("{arrived:#?}"))
        })
        .await
}

fn alert(name: &str, labels: &Value, annotations: &Value) -> Value {
    let mut labels = labels.clone();
    labels["alertname"] = json!(name);
    json!({ "labels": labels, "annotations": annotations })
}

/// R001-040, R001-041, R001-042.
#[tokio::test]
async fn each_team_s_channel_icon_and_title_are_in_the_message() {
    let folder = Folder::new("websocket-messages");
    let (address, arrived) = sink().await;
    let server = routing(&folder, "s001/repaired/docker/alertmanager.yml", &address).await;
    let about =
        json!({ "summary": "sum", "description": "desc", "runbook_url": "https://runbooks.example.org/x" });
    let alerts = json!([
        alert("ServiceDown", &json!({ "severity": "critical", "team": "websocket" }), &about),
        alert("HighMemoryUsage", &json!({ "severity": "warning", "team": "websocket" }), &about),
        alert("HighDiskUsage", &json!({ "severity": "warning", "team": "infrastructure" }), &about),
    ]);
    post(&server, &alerts).await;

    let critical =
        ["#websocket-oncall", ":rotating_light:", "🚨 CRITICAL: [FIRING:1] ServiceDown", "sum: desc"];
    message(&server, &arrived, "/slack/oncall", &critical).await;
    let warning = ["#websocket-alerts", ":warning:", "[FIRING:1] HighMemoryUsage"];
    message(&server, &arrived, "/slack/team", &warning).await;
    let machines = ["#infrastructure-alerts", ":gear:", "[FIRING:1] HighDiskUsage", "runbooks.example.org/x"];
    message(&server, &arrived, "/slack/infrastructure", &machines).await;
    let page = message(&server, &arrived, "/pagerduty", &["ServiceDown: sum"]).await;
    assert_eq!(
        (&page["event_action"], &page["payload"]["severity"]),
        (&json!("trigger"), &json!("critical"))
    );
    let pages = arrived.lock().unwrap().iter().filter(|(path, _)| path == "/pagerduty").count();
    assert_eq!(pages, 1, "warnings page nobody");
}

/// R004-031, R004-032.
#[tokio::test]
async fn the_gateway_s_messages_have_colours_titles_and_runbooks() {
    let folder = Folder::new("gateway-messages");
    let (address, arrived) = sink().await;
    let server = routing(&folder, "s004/repaired/config/alertmanager/alertmanager.yml", &address).await;
    let about =
        json!({ "summary": "burns", "description": "fast", "runbook_url": "https://runbooks.example.org/x" });
    let alerts = json!([
        alert("Fast", &json!({ "severity": "critical", "service": "a" }), &about),
        alert("Slow", &json!({ "severity": "warning", "service": "a" }), &about),
    ]);
    post(&server, &alerts).await;

    let told =
        message(&server, &arrived, "/slack/critical", &["🚨 CRITICAL: Fast", "#alerts-critical"]).await;
    let attachment = &told["attachments"][0];
    assert_eq!(attachment["color"], "danger", "{told}");
    let text = attachment["text"].as_str().unwrap();
    assert!(text.contains("*Runbook*: https://runbooks.example.org/x"), "{text}");
    let told =
        message(&server, &arrived, "/slack/warnings", &["⚠️  WARNING: Slow", "#alerts-warnings"]).await;
    assert_eq!(told["attachments"][0]["color"], "warning", "{told}");
    assert!(told["attachments"][0]["text"].as_str().unwrap().contains("burns: fast"), "{told}");
    let page = message(&server, &arrived, "/pagerduty", &["Fast: burns"]).await;
    assert_eq!(page["payload"]["custom_details"]["firing"], json!(1), "{page}");
}

/// R004-058, R004-059, R004-060, R004-062: the commands as a shell runs them, but for the address.
#[tokio::test]
async fn the_delivery_test_is_seen_and_silenced() {
    let folder = Folder::new("delivery-test");
    let (address, arrived) = sink().await;
    let server = routing(&folder, "s004/repaired/config/alertmanager/alertmanager.yml", &address).await;
    let script =
        std::fs::read_to_string(Path::new(SCENARIOS).join("s004/repaired/delivery-test.sh")).unwrap();
    let (fire, silence) = script.split_once("# 3. ").unwrap();
    let shell = async |part: &str| {
        let part = part.replace("http://localhost:9093", &server.url);
        let ran = tokio::task::spawn_blocking(move || Command::new("sh").args(["-c", &part]).output());
        ran.await.unwrap().unwrap()
    };
    let Ok(_) = Command::new("curl").arg("--version").output() else { return };

    let fired = shell(fire).await;
    assert!(String::from_utf8_lossy(&fired.stdout).contains("TestAlert"), "{fired:?}");
    message(&server, &arrived, "/slack/critical", &["CRITICAL: TestAlert", "please acknowledge"]).await;
    message(&server, &arrived, "/pagerduty", &["TestAlert"]).await;
    assert!(server.text("/alerts").await.contains("TestAlert"));

    let silenced = shell(&format!("# {silence}")).await;
    let answer = String::from_utf8_lossy(&silenced.stdout).into_owned();
    assert!(answer.contains("silenceID"), "{silenced:?}");
    let state = server.json("/api/v2/alerts").await;
    assert_eq!(state[0]["status"]["state"], "suppressed", "{state}");
    assert_eq!(state[0]["status"]["silencedBy"].as_array().unwrap().len(), 1, "{state}");

    // The body that the document has: its end has been in the past for long.
    let written =
        std::fs::read_to_string(Path::new(SCENARIOS).join("s004/as-written/delivery-test.sh")).unwrap();
    let body = written.split("/api/v2/silences -d '").nth(1).unwrap().split('\'').next().unwrap();
    let headers = [("content-type", "application/json")];
    let answer = server.send(Method::POST, "/api/v2/silences", body, &headers).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.body.contains("past"), "{answer:?}");
}
