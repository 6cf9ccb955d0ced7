//! The commands about alerts and messages, each by running the real program against a real server and receivers.

use std::path::PathBuf;

use serde_json::Value;
use tokio::net::TcpListener;

use crate::process::{Folder, Server, run};

/// A server with one alert that fires and is told, one whose receiver refuses, and some that do not fire.
struct Running {
    server: Server,
    _folder: Folder,
}

/// Takes what is posted to `/ok` and nothing else.
async fn receiver() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().route("/ok", axum::routing::post(|| async { "thanks" }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

impl Running {
    async fn start(name: &str) -> Self {
        let folder = Folder::new(name);
        let config: PathBuf = folder.write("bellwether.yml", &CONFIG.replace("RECEIVER", &receiver().await));
        let server = Server::start(&config, &folder.path("data")).await;
        let running = Self { server, _folder: folder };
        running
            .until("the first message is delivered", "/api/bellwether/v1/deliveries?outcome=delivered")
            .await;
        running.until("the second one is refused", "/api/bellwether/v1/deliveries?outcome=failed").await;
        running
    }

    async fn until(&self, what: &str, path: &str) {
        let is_there = |answer: &Value| answer.as_array().is_some_and(|list| !list.is_empty());
        self.server
            .until(what, async |server| {
                let answer = server.json(path).await;
                if is_there(&answer) { Ok(()) } else { Err(answer.to_string()) }
            })
            .await;
    }

    /// An alert from outside that is told, ends, and is forgotten once its end is told.
    async fn post_and_end(&self, name: &str) {
        let post = async |ends_at: Option<String>| {
            let alert = serde_json::json!([{ "labels": { "alertname": name }, "endsAt": ends_at }]);
            let http = reqwest::Client::new();
            let url = format!("{}/api/v2/alerts", self.server.url);
            assert!(http.post(url).json(&alert).send().await.unwrap().status().is_success());
        };
        post(None).await;
        let told = format!("/api/bellwether/v1/explain?alert={name}");
        let is = |answer: &Value, part: &str| answer[0]["verdict"].as_str().is_some_and(|v| v.contains(part));
        for (what, part) in [("it is told", "team was told at"), ("it is forgotten", "it is over")] {
            if part == "it is over" {
                post(Some("2020-01-01T00:00:00Z".to_owned())).await;
            }
            self.server
                .until(what, async |server| {
                    // What is explained may be a moment behind what was taken.
                    let explained = server.ask(reqwest::Method::GET, &told, None).await;
                    let explained: Value = serde_json::from_str(&explained.unwrap().body).unwrap();
                    let alerts = server.json("/api/bellwether/v1/alerts").await.to_string();
                    let is_forgotten = part != "it is over" || !alerts.contains(name);
                    if is(&explained, part) && is_forgotten { Ok(()) } else { Err(explained.to_string()) }
                })
                .await;
        }
    }

    fn says(&self, arguments: &[&str], parts: &[&str]) {
        let text = self.server.run_text(arguments);
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in parts {
            assert!(flat.contains(part), "{arguments:?} does not say {part:?}:\n{text}");
        }
    }

    fn wrong(&self, arguments: &[&str], part: &str) {
        let ended = self.server.run(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:#?}");
        assert!(ended.stderr.contains(part), "{arguments:?} does not say {part:?}: {}", ended.stderr);
    }
}

const CONFIG: &str = r#"
prometheus:
  global: {evaluation_interval: 1s}
rules:
  - name: web
    rules:
      - alert: Always
        expr: vector(7) > 5
        labels: {severity: critical}
        annotations: {summary: it always fires}
      - alert: Refused
        expr: vector(1) > 0
        labels: {severity: warning, to: lost}
      - {alert: Below, expr: vector(3) > 5}
      - {alert: Absent, expr: 'rate(errors_total{job="api"}[5m]) > 10', labels: {severity: critical}}
      - {alert: Waits, expr: vector(1) > 0, for: 1h}
      - alert: Broken
        expr: |
          (label_replace(vector(1), "x", "1", "", "") or label_replace(vector(1), "x", "2", "", ""))
          * on () (label_replace(vector(1), "x", "1", "", "") or label_replace(vector(1), "x", "2", "", ""))
ack_deadline: {critical: 1m}
alertmanager:
  route:
    receiver: team
    group_by: [alertname]
    group_wait: 0s
    group_interval: 1s
    routes: [{receiver: lost, matchers: [to=lost]}]
  receivers:
    - {name: team, webhook_configs: [{url: 'RECEIVER/ok'}]}
    - {name: lost, webhook_configs: [{url: 'RECEIVER/gone'}]}
slos:
  - name: answers
    service: shop
    goal: "99.9%"
    window: 30d
    indicator: {ratio: {bad: 'errors_total', total: 'requests_total'}}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_fired_and_what_did_not_is_explained() {
    let running = Running::start("cli-explain").await;
    running.says(
        &["explain", "Always"],
        &[
            "team was told at",
            "after it fired",
            "✓ rule vector(7) is 7, and must be > 5",
            "✓ route to team by the root route, in group {alertname=\"Always\"}",
            "✓ deliver team/webhook[0] knows that it fires",
            "✓ attempt 1 at",
            "accepted with status 200",
            "bellwether mark --false-positive",
        ],
    );
    running.says(
        &["explain", "Refused", "--routes"],
        &[
            "nobody was told: lost/webhook[0] does not take the message (refused with status 404",
            "✕ attempt 1 at",
            "check the URL",
            "{to=\"lost\"} → lost: it matches",
        ],
    );
    running.says(&["explain", "Below"], &["it does not fire: vector(3) is 3, and must be > 5"]);
    running.says(
        &["explain", "Absent"],
        &[
            "because no series matches errors_total{job=\"api\"}[5m]",
            "nothing exports errors_total{job=\"api\"}[5m]",
        ],
    );
    running.says(
        &["explain", "Waits"],
        &["nobody is told yet: its condition has held for", "must hold for 1h", "✕ for"],
    );
    running.says(&["explain", "Broken"], &["it cannot fire: its query fails: "]);
    running.says(
        &["explain", "shop/answers"],
        &["it does not fire: nothing of its objective has been measured yet", "of objective shop/answers"],
    );
    running.says(
        &["explain", "alertname=New", "to=lost"],
        &["lost would be told", "✓ silence no silence would cover it"],
    );
    running.wrong(&["explain", "Alway"], "did you mean Always?");
    running.wrong(&["explain", "{a!=\"b\"}"], "write name=\"value\" instead");
    let json = running.server.run_json(&["explain", "Always"]);
    assert!(json[0]["verdict"].as_str().unwrap().starts_with("team was told at"), "{json}");
    assert_eq!(json[0]["deliveries"][0]["attempts"][0]["status"], 200);
    let fingerprint = json[0]["alert"]["fingerprint"].as_str().unwrap();
    assert_eq!(
        running.server.run_json(&["explain", &fingerprint[..8]])[0]["alert"]["labels"]["alertname"],
        "Always"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn people_take_end_note_and_judge_alerts() {
    let running = Running::start("cli-handle").await;
    running.says(
        &["alerts"],
        &["2 firing, 1 of them critical; 1 pending", "Always critical firing", "it always fires"],
    );
    let table = running.server.run_text(&["alerts"]);
    assert!(table.ends_with(&format!("\n{}/alerts\n", running.server.url)), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert_eq!(running.server.run(&["alerts", "--check"]).code, Some(1));
    assert_eq!(running.server.run(&["alerts", "--severity", "warning", "--check"]).code, Some(0));

    running.says(&["ack", "Always", "--for", "2h", "--note", "on it"], &["acknowledged "]);
    running.says(&["alerts"], &["Always critical firing"]);
    running.says(
        &["explain", "Always"],
        &["tester has it until", "(on it)", "so that it is not repeated", "bellwether unack"],
    );
    running.says(&["note", "Always", "it was the deploy"], &["noted "]);
    running.says(&["mark", "--false-positive", "Always"], &["marked as false "]);
    let explained = running.server.run_json(&["explain", "Always"]);
    assert_eq!(explained[0]["notes"][0]["text"], "it was the deploy");
    assert_eq!(explained[0]["alert"]["false_positive"], true);
    assert_eq!(explained[0]["alert"]["ack"]["by"], "tester");
    running.says(&["unack", "Always"], &["given back "]);
    running.says(&["unack", "Always"], &["nobody had it"]);
    running.says(&["ack", "--group", "alertname=Refused"], &["acknowledged "]);

    running.wrong(&["ack", "Nobody"], "no alert \"Nobody\" is active");
    running.wrong(&["ack", "--group", "alertname=Nobody"], "no group");
    running.wrong(&["ack", "Always", "--for", "0s"], "is over already");
    running.wrong(&["note", "Always", ""], "a note needs a text");
    running.says(&["resolve", "Always", "--note", "fixed"], &["ended "]);

    running.post_and_end("Gone").await;
    running.wrong(&["ack", "Gone"], "no alert \"Gone\" is active");
    running.says(&["mark", "--false-positive", "Gone"], &["marked as false "]);
    running.says(&["note", "Gone", "a test"], &["noted "]);
    let explained = running.server.run_json(&["explain", "Gone"]);
    assert_eq!(explained[0]["alert"]["false_positive"], true, "{explained}");
    assert_eq!(explained[0]["notes"][0]["text"], "a test");
    running.says(
        &["explain", "Gone"],
        &["it is over: it fired from", "people called 1 of 1 judged alerts of this name false"],
    );
    let statistics = running.server.run_json(&["stats"]);
    let gone =
        statistics["alerts"].as_array().unwrap().iter().find(|one| one["alertname"] == "Gone").unwrap();
    assert_eq!((&gone["false_positives"], &gone["fired"]), (&1.into(), &1.into()), "{statistics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_and_statistics_are_listed() {
    let running = Running::start("cli-deliveries").await;
    running.says(
        &["deliveries"],
        &["WHEN STATUS REASON ALERTS TRIES ID TO", "delivered First 1+0 1", "failed First 1+0 1"],
    );
    let all = running.server.run_json(&["deliveries"]);
    assert!(all.as_array().unwrap().len() >= 2, "{all}");
    for (flags, receiver) in [
        (["--receiver", "lost"], "lost"),
        (["--status", "delivered"], "team"),
        (["--alert", "Always"], "team"),
        (["--limit", "1"], ""),
    ] {
        let some = running.server.run_json(&[&["deliveries"][..], &flags].concat());
        let some = some.as_array().unwrap();
        assert!(!some.is_empty(), "{flags:?}");
        assert!(
            some.iter().all(|one| receiver.is_empty() || one["receiver"] == receiver),
            "{flags:?}: {some:?}"
        );
    }
    assert_eq!(running.server.run_json(&["deliveries", "--limit", "1"]).as_array().unwrap().len(), 1);
    let id =
        running.server.run_json(&["deliveries", "--receiver", "team"])[0]["id"].as_str().unwrap().to_owned();
    running.says(
        &["deliveries", &id[..12]],
        &["team/webhook delivered", "accepted with status 200", "sent, part 1 of 1"],
    );
    running.wrong(&["deliveries", "zz"], "begins with \"zz\"");
    running.wrong(&["deliveries", "--alert", "Nobody"], "no alert \"Nobody\" is active");

    running.says(
        &["stats"],
        &["SEVERITY FIRED", "IGNORED ALERT", "critical 1 ", " Always ", "1 0 0", " team/webhook[0]"],
    );
    for command in ["stats", "deliveries"] {
        let table = running.server.run_text(&[command]);
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    }
    let statistics = running.server.run_json(&["stats", "--since", "1h"]);
    let always =
        statistics["alerts"].as_array().unwrap().iter().find(|one| one["alertname"] == "Always").unwrap();
    assert_eq!((&always["fired"], &always["ack_deadline"]), (&1.into(), &"1m".into()), "{statistics}");
    running.wrong(&["stats", "--since", "0s"], "is no length of time");

    let metrics = running.server.text("/metrics").await;
    for line in [
        r#"bellwether_notifications_total{integration="team/webhook[0]",outcome="delivered"} 1"#,
        r#"bellwether_notification_attempts_total{integration="team/webhook[0]",outcome="accepted"} 1"#,
        r#"bellwether_notification_latency_seconds_bucket{integration="team/webhook[0]",le="+Inf"} 1"#,
        r#"bellwether_notification_latency_seconds_count{integration="team/webhook[0]"} 1"#,
        r#"bellwether_alert_actions_total{action="acknowledge"} 0"#,
        r#"bellwether_alerts_ack_overdue 0"#,
        r#"bellwether_alerts_untold 1"#,
        r#"alertmanager_alerts{state="active"} 2"#,
        r#"alertmanager_silences{state="active"} 0"#,
        r#"alertmanager_notification_latency_seconds_count{integration="webhook"} 1"#,
        r#"alertmanager_config_last_reload_successful 1"#,
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line} is not among\n{metrics}");
    }
    let failed = r#"alertmanager_notifications_failed_total{integration="webhook",reason="clientError"}"#;
    assert!(metrics.lines().any(|line| line.starts_with(failed) && !line.ends_with(" 0")), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_says_what_came_back() {
    let running = Running::start("cli-drill").await;
    running.says(&["drill", "team"], &["team/webhook[0] yes 200", "accepted with status 200"]);
    let ended = running.server.run(&["drill", "--all"]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.stdout.contains("lost/webhook[0]  no        404"), "{}", ended.stdout);
    running.wrong(&["drill", "nobody"], "no receiver \"nobody\" with an integration; there is lost and team");
}

#[test]
fn deadlines_are_checked() {
    let folder = Folder::new("cli-deadlines");
    for (yaml, part) in [
        ("ack_deadline: {critical: 10m, sev3: 0s}", ""),
        ("ack_deadline: {}", ""),
        ("ack_deadline: {critical: soon}", "duration"),
        ("ack_deadline: {critical: 500d}", "is no deadline"),
        ("ack_deadlines: {critical: 5m}", "did you mean ack_deadline?"),
        ("ack_deadline: [5m]", "expected a mapping"),
    ] {
        let file = folder.write("bellwether.yml", yaml);
        let ended = run(&["check", crate::process::text(&file)]);
        assert_eq!(ended.code, Some(if part.is_empty() { 0 } else { 2 }), "{yaml}: {ended:#?}");
        let said = ended.stdout + &ended.stderr;
        assert!(said.contains(part), "{yaml} does not say {part:?}: {said}");
    }
}
