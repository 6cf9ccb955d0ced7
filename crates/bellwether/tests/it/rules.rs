//! Rules in a running server: what a wrong one means for the others, and for a reload.

use reqwest::Method;
use serde_json::Value;

use crate::process::{Folder, Server, run, text};

const CONFIG: &str = "
prometheus: {global: {evaluation_interval: 200ms}}
rules: ['rules.yml']
";

const GOOD: &str = "
groups:
- name: g
  rules:
  - {record: answer, expr: vector(42)}
  - {alert: Always, expr: vector(1), for: 1h, annotations: {summary: 'is {{ $value }}'}}
";

/// The names of the rules that run.
async fn names(server: &Server) -> Vec<String> {
    let rules = server.json("/api/v1/rules").await;
    let groups = rules["data"]["groups"].as_array().cloned().unwrap_or_default();
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default());
    rules.map(|rule| rule["name"].as_str().unwrap_or_default().to_owned()).collect()
}

async fn warnings(server: &Server) -> String {
    server.json("/api/bellwether/v1/overview").await["warnings"].to_string()
}

async fn pending_since(server: &Server) -> Option<String> {
    let alerts = server.json("/api/v1/alerts").await;
    alerts["data"]["alerts"][0]["activeAt"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_wrong_rule_is_refused_with_its_place_and_the_others_run() {
    let folder = Folder::new("rules-bad");
    let config = folder.write("bellwether.yml", CONFIG);
    folder.write("rules.yml", &GOOD.replace("is {{ $value }}", "is {{ $valeu }}"));
    let ended = run(&["check", text(&config)]);
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    assert!(ended.stdout.contains("rules.yml:6:77: error: "), "{}", ended.stdout);

    let server = Server::start(&config, &folder.path("data")).await;
    assert_eq!(names(&server).await, ["answer"]);
    let said = warnings(&server).await;
    assert!(said.contains("rules that are wrong do not run: ") && said.contains("rules.yml:6:77"), "{said}");
    server
        .until("answer", async |server| {
            let value = server.query("answer").await[0]["value"][1].clone();
            if value == "42" { Ok(()) } else { Err(value.to_string()) }
        })
        .await;

    folder.write("rules.yml", GOOD);
    assert_eq!(server.ask(Method::POST, "/-/reload", None).await.unwrap().status, 200);
    assert_eq!(names(&server).await, ["answer", "Always"]);
    assert_eq!(warnings(&server).await, "[]");
}

#[tokio::test]
async fn a_reload_with_a_wrong_rule_changes_nothing() {
    let folder = Folder::new("rules-reload");
    let config = folder.write("bellwether.yml", CONFIG);
    folder.write("rules.yml", GOOD);
    let server = Server::start(&config, &folder.path("data")).await;
    folder.write("rules.yml", &GOOD.replace("vector(42)", "vector(42").replace("Always", "Never"));
    let answer = server.ask(Method::POST, "/-/reload", None).await.unwrap();
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains("rules.yml:5:"), "{answer:?}");
    assert_eq!(names(&server).await, ["answer", "Always"]);
    assert!(warnings(&server).await.contains("reload refused, the old configuration runs"));
}

#[tokio::test]
async fn an_alert_that_waits_goes_on_waiting_after_a_kill() {
    let folder = Folder::new("rules-kill");
    let config = folder.write("bellwether.yml", CONFIG);
    folder.write("rules.yml", GOOD);
    let mut server = Server::start(&config, &folder.path("data")).await;
    // What follows from a decision is there only after the decision has been recorded.
    server
        .until("ALERTS", async |server| {
            let series = server.query("ALERTS").await;
            if series[0].is_object() { Ok(()) } else { Err(series.to_string()) }
        })
        .await;
    let since = pending_since(&server).await;
    assert!(since.is_some());
    server.kill();
    let server = Server::start(&config, &folder.path("data")).await;
    assert_eq!(pending_since(&server).await, since);
    let rules: Value = server.json("/api/v1/rules").await;
    assert!(rules["data"]["groups"][0]["evaluationsMissed"].is_u64(), "{rules}");
}
