//! A flood of alerts that does not end holds back neither messages nor what becomes of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::process::{Folder, Server, client};

/// Who posts at the same time, each as soon as the last answer is there.
const POSTERS: usize = 24;
/// Alerts of a post.
const TOGETHER: usize = 200;
/// Alerts that somebody is told of meanwhile.
const WATCHED: usize = 5;
/// Between the receiver's answer and the moment at which it is known; a round of decisions is a fraction of a second.
const KNOWN_WITHIN_MS: i64 = 5_000;

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A receiver, and when it was told of each alert.
async fn receiver() -> (String, Arc<Mutex<BTreeMap<String, i64>>>) {
    let told = Arc::new(Mutex::new(BTreeMap::new()));
    let heard = told.clone();
    let hear = move |Json(message): Json<Value>| {
        let name = message["groupLabels"]["alertname"].as_str().unwrap().to_owned();
        heard.lock().unwrap().entry(name).or_insert_with(now_ms);
        async {}
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().route("/", post(hear))).await });
    (address, told)
}

/// How many posts were answered until it was to end.
async fn flood(server: &Server, ends: &Arc<AtomicBool>) -> JoinSet<usize> {
    let mut posters = JoinSet::new();
    let (http, url) = (client(), format!("{}/api/v2/alerts", server.url));
    for poster in 0..POSTERS {
        let alerts: Vec<Value> = (0..TOGETHER)
            .map(|n| json!({"labels": {"alertname": "Flood", "poster": poster.to_string(), "n": n.to_string()}}))
            .collect();
        let (http, url, ends) = (http.clone(), url.clone(), ends.clone());
        posters.spawn(async move {
            let mut answered = 0;
            while !ends.load(Ordering::Relaxed) {
                assert_eq!(http.post(&url).json(&alerts).send().await.unwrap().status(), 200);
                answered += 1;
            }
            answered
        });
    }
    posters
}

/// What a path lists, once it is so many.
async fn until_listed(server: &Server, what: &str, path: &str, many: usize) -> Vec<Value> {
    let look = async |server: &Server| match server.json(path).await {
        Value::Array(listed) if listed.len() == many => Ok(listed),
        Value::Array(listed) => Err(format!("{} of {many}", listed.len())),
        other => Err(other.to_string()),
    };
    server.until(what, look).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_alerts_flood_in_messages_are_sent_and_their_receipts_are_known_within_seconds() {
    let folder = Folder::new("alert-flood");
    let (address, told) = receiver().await;
    folder.write(
        "alertmanager.yml",
        &format!(
            "route: {{receiver: nobody, group_by: [alertname], routes: [{{matchers: ['alertname=~\"Watched.*\"'], receiver: hook, group_wait: 0s}}]}}\n\
             receivers: [{{name: nobody}}, {{name: hook, webhook_configs: [{{url: 'http://{address}/'}}]}}]\n"
        ),
    );
    let config = folder.write("bellwether.yml", "alertmanager: alertmanager.yml\n");
    let server = Server::start(&config, &folder.path("data")).await;
    let ends = Arc::new(AtomicBool::new(false));
    let posters = flood(&server, &ends).await;
    let path = "/api/v2/alerts?filter=alertname%3D%22Flood%22&filter=n%3D%220%22";
    until_listed(&server, "the flood has begun", path, POSTERS).await;

    for n in 0..WATCHED {
        let alert = json!([{"labels": {"alertname": format!("Watched{n}")}}]).to_string();
        let json = [("content-type", "application/json")];
        assert_eq!(server.send(reqwest::Method::POST, "/api/v2/alerts", &alert, &json).await.status, 200);
    }
    let delivered = "/api/bellwether/v1/deliveries?receiver=hook&outcome=delivered";
    let rows = until_listed(&server, "all are told", delivered, WATCHED).await;
    ends.store(true, Ordering::Relaxed);
    let posts: usize = posters.join_all().await.into_iter().sum();
    assert!(posts > POSTERS * 2, "there was a flood: {posts} posts were answered");
    let told = told.lock().unwrap();
    for row in rows {
        let told_at = told[row["group_labels"]["alertname"].as_str().unwrap()];
        let late_ms = row["attempted_at"].as_i64().unwrap() - told_at;
        assert!(late_ms < KNOWN_WITHIN_MS && row["attempts"] == json!(1), "{late_ms} ms: {row}");
    }
}
