//! The commands that ask a running server, and how a server starts and stops.

use std::path::PathBuf;

use serde_json::Value;

use crate::process::{Folder, Server, run, text};

/// A server whose own metrics are its target, and whose one alert always fires.
struct Running {
    server: Server,
    config: PathBuf,
    folder: Folder,
}

impl Running {
    async fn start(name: &str) -> Self {
        let folder = Folder::new(name);
        let config = folder.write("bellwether.yml", CONFIG);
        let server = Server::start(&config, &folder.path("data")).await;
        Self { server, config, folder }
    }
}

const CONFIG: &str = r#"
prometheus:
  global: {evaluation_interval: 1s}
rules:
  - name: always
    rules:
      - alert: Always
        expr: vector(1) > 0
        labels: {severity: page}
        annotations: {summary: it always fires}
alertmanager:
  route: {receiver: nobody}
  receivers: [{name: nobody}]
slos:
  - name: answers
    service: shop
    goal: "99.9%"
    window: 30d
    indicator: {ratio: {bad: 'errors_total', total: 'requests_total'}}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_answered_as_text_and_as_json() {
    let running = Running::start("cli-query").await;
    assert_eq!(running.server.run_text(&["query", "1 + 2"]).trim(), "3");
    assert_eq!(running.server.run_text(&["query", "nothing_there"]).trim(), "no series");
    let vector = running.server.run_text(&[
        "query",
        "label_replace(vector(4.5), \"a\", \"b\", \"\", \"\")",
        "--time",
        "100",
    ]);
    let lines: Vec<Vec<&str>> = vector.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines,
        [vec!["SERIES", "VALUE", "TIME"], vec!["{a=\"b\"}", "4.5", "1970-01-01T00:01:40.000Z"]],
        "{vector}"
    );
    let answer = running.server.run_json(&["query", "vector(1)", "--time", "100"]);
    assert_eq!(answer["result"][0]["value"], serde_json::json!([100, "1"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_with_a_mistake_is_refused_with_its_place() {
    let running = Running::start("cli-bad-query").await;
    for (query, part) in [("rate(requests_total)", "range"), ("sum(", "end of input"), ("1 +* 2", "*")] {
        let ended = running.server.run(&["query", query]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:#?}");
        assert!(ended.stderr.contains(part), "{query}: {}", ended.stderr);
        assert!(ended.stderr.contains("1:"), "{query}: no place in {}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn objectives_and_alerts_are_listed() {
    let running = Running::start("cli-status").await;
    let status = running.server.run_text(&["slo", "status"]);
    let row = status.lines().nth(1).unwrap_or_default();
    assert!(row.contains("shop/answers") && row.contains("99.9%") && row.contains("unknown"), "{status}");
    assert_eq!(running.server.run_json(&["slo", "status"])[0]["id"], "shop/answers");

    let firing = |alerts: &Value| alerts.as_array().is_some_and(|list| !list.is_empty());
    running
        .server
        .until("the alert fires", async |server| {
            let alerts = server.json("/api/v2/alerts").await;
            if firing(&alerts) { Ok(()) } else { Err(alerts.to_string()) }
        })
        .await;
    let alerts = running.server.run_text(&["alerts"]);
    for part in
        ["1 firing, 1 of them critical; 0 pending", "Always  page      firing", "nobody", "it always fires"]
    {
        assert!(alerts.contains(part), "{part}: {alerts}");
    }
    assert_eq!(running.server.run_json(&["alerts"])[0]["labels"]["alertname"], "Always");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_is_added_listed_and_expired() {
    let running = Running::start("cli-silence").await;
    assert_eq!(running.server.run_text(&["silence", "list"]).trim(), "no silences");
    let add = ["silence", "add", "alertname=Always", "--comment", "known", "--duration", "2h"];
    let id = running.server.run_text(&add).trim().to_owned();
    let list = running.server.run_text(&["silence", "list"]);
    let lines = list.lines().skip(1).map(str::trim).collect::<Vec<_>>();
    for part in [id.as_str(), "active", "alertname=\"Always\"", "tester"] {
        assert!(lines[0].contains(part), "{part}: {list}");
    }
    assert_eq!(lines[1..], ["known"], "{list}");
    assert_eq!(running.server.run_json(&["silence", "list"])[0]["id"], id.as_str());
    assert_eq!(running.server.run_text(&["silence", "expire", &id]), "");
    assert_eq!(running.server.run_text(&["silence", "list"]).trim(), "no silences");
    assert!(running.server.run_text(&["silence", "list", "--expired"]).contains(&id));

    let ended = running.server.run(&["silence", "expire", "no-such-silence"]);
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    assert!(ended.stderr.contains("no-such-silence"), "{}", ended.stderr);
    let ended = running.server.run(&["silence", "add", "alertname", "--comment", "known"]);
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    assert!(ended.stderr.contains("name=value"), "{}", ended.stderr);
}

#[test]
fn a_server_that_is_not_there_is_exit_code_one_and_says_what_to_do() {
    // A port that was free a moment ago, and that nobody is told of.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for command in [&["query", "1"][..], &["slo", "status"], &["alerts"], &["silence", "list"]] {
        let ended = run(&[command, &["--server", &url]].concat());
        assert_eq!(ended.code, Some(1), "{ended:#?}");
        assert!(ended.stderr.contains(&url) && ended.stderr.contains("bellwether serve"), "{}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_asked_to_stop_ends_well_and_the_next_one_has_everything() {
    let mut running = Running::start("cli-stop").await;
    let id = running.server.run_text(&["silence", "add", "a=b", "--comment", "stays"]).trim().to_owned();
    let before = running
        .server
        .until("the rule has written samples", async |server| {
            let samples = server.query("ALERTS[1h]").await;
            let count = samples[0]["values"].as_array().map_or(0, Vec::len);
            if count > 1 { Ok(samples) } else { Err(format!("{count} samples")) }
        })
        .await;
    let asked = std::time::Instant::now();
    assert_eq!(running.server.stop().await, Some(0));
    assert!(asked.elapsed().as_secs() < 10, "it took {:?}", asked.elapsed());

    running.server = Server::start(&running.config, &running.folder.path("data")).await;
    assert!(running.server.run_text(&["silence", "list"]).contains(&id));
    let after = running.server.query("ALERTS[1h]").await;
    let values = |samples: &Value| samples[0]["values"].as_array().unwrap().clone();
    let kept = values(&after);
    assert!(values(&before).iter().all(|sample| kept.contains(sample)), "{before} then {after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_data_is_refused() {
    let mut running = Running::start("cli-second").await;
    let data = running.folder.path("data");
    let second =
        ["serve", "--listen", "127.0.0.1:0", "--config", text(&running.config), "--data", text(&data)];
    let ended = run(&second);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let sentence = ended.stderr.lines().last().unwrap();
    assert!(sentence.contains(text(&data)) && sentence.contains("process"), "{sentence}");
    assert_eq!(running.server.text("/-/healthy").await.trim(), "bellwether is healthy");
    // A process that died left no lock behind.
    running.server.kill();
    Server::start(&running.config, &data).await;
}

#[test]
fn a_data_directory_that_cannot_be_used_is_exit_code_one_and_one_line() {
    let folder = Folder::new("cli-data");
    let config = folder.write("bellwether.yml", "{}");
    let file = folder.write("file", "");
    for name in ["metrics", "ledger", "state.db"] {
        std::fs::create_dir(folder.path(&format!("{name}-taken"))).unwrap();
    }
    folder.write("metrics-taken/metrics", "");
    folder.write("ledger-taken/ledger", "");
    std::fs::create_dir(folder.path("state.db-taken/state.db")).unwrap();
    let cases = [
        (file.clone(), "file is a file, not a directory"),
        (file.join("below"), "file is a file, not a directory"),
        (folder.path("metrics-taken"), "metrics-taken/metrics is a file, not a directory"),
        (folder.path("ledger-taken"), "ledger-taken/ledger is a file, not a directory"),
        (folder.path("state.db-taken"), "state.db-taken/state.db: it cannot be opened"),
        #[cfg(target_os = "linux")] // where not even root may write
        (PathBuf::from("/proc/nowhere"), "/proc/nowhere/metrics cannot be made"),
    ];
    for (data, sentence) in cases {
        let ended =
            run(&["serve", "--listen", "127.0.0.1:0", "--config", text(&config), "--data", text(&data)]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:#?}");
        let said: Vec<&str> = ended.stderr.lines().filter(|line| !line.contains(" INFO ")).collect();
        assert!(said.len() == 1 && said[0].contains(sentence), "{sentence}: {}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_names_the_flag() {
    let running = Running::start("cli-port").await;
    let address = running.server.url.strip_prefix("http://").unwrap();
    let other = running.folder.path("other");
    let ended =
        run(&["serve", "--listen", address, "--config", text(&running.config), "--data", text(&other)]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.stderr.contains(address) && ended.stderr.contains("--listen"), "{}", ended.stderr);
    assert!(!other.exists(), "a refused start must not leave a data directory");
}

#[test]
fn a_calculator_needs_no_server() {
    let ended = run(&["slo", "calc", "99.9%", "--errors", "20%", "--outage", "10m38s400ms"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for part in
        ["43.2 min", "1.44 min", "3.6 s", "14.4x", "2.08 d", "leaves 75.37% of the budget", "burn at 200"]
    {
        assert!(ended.stdout.contains(part), "{part} is missing in\n{}", ended.stdout);
    }
    let json = run(&["slo", "calc", "99%", "--window", "1d", "--format", "json"]).json();
    assert_eq!(json["budgets"][0]["down_seconds"], 864.0);
    let wrong = run(&["slo", "calc", "99.9"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("write 0.999 or \"99.9%\""), "{wrong:?}");
}
