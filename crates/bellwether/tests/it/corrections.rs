//! Corrections from the command line to the disk and back, across sudden deaths.

use serde_json::Value;

use crate::crash_service::World;
use crate::process::{Ended, Folder, Server, run};

fn config(address: &str) -> String {
    format!(
        r#"
prometheus:
  global: {{scrape_interval: 150ms, scrape_timeout: 150ms}}
  scrape_configs:
    - job_name: shop
      metrics_path: /metrics/0
      static_configs: [{{targets: ['{address}']}}]
slos:
  - name: answers
    service: shop
    goal: "90%"
    window: {{calendar: year}}
    indicator: {{ratio: {{bad: 'requests_total{{code="500"}}', total: 'requests_total'}}}}
"#
    )
}

/// A subcommand of `slo` that must succeed.
fn slo(server: &Server, arguments: &[&str]) -> Ended {
    let ended = run(&[&["slo"], arguments, &["--server", &server.url]].concat());
    assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
    ended
}

async fn stream(server: &Server) -> Value {
    server.json("/api/bellwether/v1/slos").await[0]["streams"][0].clone()
}

/// Waits for events, and gives the stream of everything.
async fn counted(server: &Server) -> Value {
    let look = async |server: &Server| {
        let stream = stream(server).await;
        if stream["budget"].is_object() { Ok(stream) } else { Err(stream.to_string()) }
    };
    server.until("events are counted", look).await
}

#[tokio::test(flavor = "multi_thread")]
async fn corrections_survive_sudden_death_and_leave_no_trace_once_revoked() {
    let (_world, address) = World::open(7).await;
    let folder = Folder::new("corrections");
    let (config, data) = (folder.write("bellwether.yml", &config(&address)), folder.path("data"));
    let mut server = Server::start(&config, &data).await;
    let before = counted(&server).await;
    assert_eq!(before["budget_raw"], Value::Null);
    assert!(before["budget"]["expected"]["allowed_events"].is_f64(), "{before}");

    let known_until = before["watermark"].as_i64().unwrap() / 1000;
    let [from, to] = [-3600, 3600].map(|seconds| (known_until + seconds).to_string());
    let rest =
        ["--from", &from, "--to", &to, "--reason", "moved house", "--author", "ann", "--approver", "bo"];
    let wrong =
        ["slo", "correct", "add", "--slo", "shop/answer", "--kind", "holiday", "--server", &server.url];
    let refused = run(&[&wrong[..], &rest].concat());
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("write one of maintenance, measurement-fault"), "{refused:?}");
    let wish = [&["correct", "add", "--slo", "shop/answers", "--kind", "maintenance"][..], &rest].concat();
    let id = slo(&server, &wish).stdout.trim().to_owned();
    server.kill();

    let mut server = Server::start(&config, &data).await;
    let listed = slo(&server, &["correct", "list", "--format", "json"]).json();
    assert_eq!(listed[0]["id"], id.as_str());
    assert_eq!((&listed[0]["slo"], &listed[0]["state"]), (&"shop/answers".into(), &"active".into()));
    let corrected = stream(&server).await;
    assert_eq!(corrected["budget"], Value::Null, "nothing is left to judge");
    assert!(corrected["budget_raw"]["allowed_events"].as_f64() > Some(0.0), "{corrected}");
    assert_eq!(corrected["corrections"][0]["id"], id.as_str());
    let page = server.text("/slos/shop/answers").await;
    assert!(page.contains("moved house") && page.contains("approved by bo"), "{page}");
    let then =
        slo(&server, &["report", "--slo", "shop/answers", "--known", "2020-01-01", "--format", "json"])
            .json();
    assert_eq!(
        (&then["corrections"], then["known"].as_i64()),
        (&Value::Array(Vec::new()), Some(1_577_836_800_000))
    );
    let text = slo(&server, &["report", "--slo", "shop/answers", "--at", &known_until.to_string()]).stdout;
    assert!(
        text.contains("corrected: maintenance from") && text.contains("moved house (ann, approved by bo)"),
        "{text}"
    );

    slo(&server, &["correct", "revoke", &id, "--reason", "it was no maintenance", "--by", "cy"]);
    server.kill();
    let server = Server::start(&config, &data).await;
    assert_eq!(slo(&server, &["correct", "list", "--format", "json"]).json(), Value::Array(Vec::new()));
    let all = slo(&server, &["correct", "list", "--all", "--slo", "shop/answers"]).stdout;
    assert!(all.contains("revoked") && all.contains("moved house"), "{all}");
    let after = counted(&server).await;
    assert_eq!(after["budget_raw"], Value::Null);
    assert!(after["total"]["total"].as_f64() >= before["total"]["total"].as_f64());
}
