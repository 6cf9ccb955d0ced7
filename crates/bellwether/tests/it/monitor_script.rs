//! R001-048, R001-049, R001-050: the three commands of the WebSocket service's script say what they should of a real
//! server.

use std::path::Path;
use std::process::{Command, Output};

use crate::process::{Folder, Server, text};

const CONFIG: &str = "\
prometheus: {global: {evaluation_interval: 1s}}
rules:
- name: websocket_alerts
  rules:
  - alert: NoActiveConnections
    expr: vector(1)
    labels: {severity: critical}
    annotations: {summary: 'No active WebSocket connections'}
  - {alert: HighSessionCount, expr: vector(1), labels: {severity: info}, annotations: {summary: many}}
";

/// Runs the script as somebody would who is logged in without a display.
fn monitor(server: &str, logs: &Path, arguments: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/s001/monitor.sh");
    let mut command = Command::new("sh");
    command
        .arg(script)
        .args(arguments)
        .env("NO_COLOR", "1")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY");
    command.env("BELLWETHER", env!("CARGO_BIN_EXE_bellwether")).env("SERVER", server);
    command.env("LOGS", logs).env("LINES", "2").output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn the_script_counts_alerts_finds_the_page_and_shows_logs() {
    let folder = Folder::new("monitor");
    let config = folder.write("bellwether.yml", CONFIG);
    let server = Server::start(&config, &folder.path("data")).await;
    let logs = folder.path("logs");
    std::fs::create_dir(&logs).unwrap();
    std::fs::write(logs.join("alertmanager.log"), "one\ntwo\nthree\n").unwrap();

    let check = || monitor(&server.url, &logs, &["check-alerts"]);
    server
        .until("both alerts fire", async |_| {
            let said = out(&check());
            if said.contains("2 firing, 1 of them critical") { Ok(()) } else { Err(said) }
        })
        .await;
    let checked = check();
    assert_eq!(checked.status.code(), Some(1), "one of them is critical");
    for said in ["NoActiveConnections", "No active WebSocket connections", "HighSessionCount"] {
        assert!(out(&checked).contains(said), "{said}: {checked:?}");
    }

    let page = monitor(&server.url, &logs, &["alerts"]);
    assert_eq!(out(&page).trim(), format!("{}/alerts", server.url));

    let shown = monitor(&server.url, &logs, &["logs", "alertmanager"]);
    assert_eq!(out(&shown), "two\nthree\n", "{shown:?}");
    let unknown = monitor(&server.url, &logs, &["logs", "grafana"]);
    assert_eq!(unknown.status.code(), Some(1));
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(
        said.contains("no log of \"grafana\"") && said.contains("alertmanager"),
        "{said} {}",
        text(&logs)
    );
    assert_eq!(monitor(&server.url, &logs, &[]).status.code(), Some(2));
}
