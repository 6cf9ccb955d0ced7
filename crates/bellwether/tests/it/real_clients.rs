//! What others use to speak to an Alertmanager, speaking to us: Debian's amtool and Prometheus, and Bellwether itself.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bellwether_testkit::{cases, peers};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::alertmanager_peer::{RULES, target};
use crate::process::{Ended, Folder, Server, text};
use crate::prometheus_peer::{Prometheus, free_port, start_prometheus};

/// A server that tells a receiver, and the address where it takes the place of an Alertmanager.
async fn receiving(folder: &Folder, routing: &str) -> (Server, String) {
    folder.write("alertmanager.yml", routing);
    let config = folder.write("receiving.yml", "alertmanager: alertmanager.yml\n");
    let address = format!("127.0.0.1:{}", free_port().await);
    let more = ["--alertmanager-listen", address.as_str()];
    let mut server = Server::spawn_with(&config, &folder.path("receiving-data"), &more, &[]);
    server.ready().await;
    (server, format!("http://{address}"))
}

/// amtool, without the files and variables of whoever runs the test.
async fn amtool(program: &Path, url: &str, arguments: &[&str]) -> Ended {
    let mut command = Command::new(program);
    command.arg(format!("--alertmanager.url={url}")).args(arguments);
    command.env("HOME", "/nonexistent").env_remove("AMTOOL_CONFIG");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

const ROUTING: &str = "\
route:
  receiver: default
  routes:
  - {receiver: pager, matchers: ['severity=\"page\"']}
receivers:
- name: default
- name: pager
  webhook_configs: [{url: 'http://127.0.0.1:9/x?token=hunter2'}]
  pagerduty_configs: [{routing_key: hunter2}]
";

#[tokio::test]
async fn amtool_works_as_with_an_alertmanager() {
    let Some(program) = peers::program("amtool") else { return };
    let folder = Folder::new("real-amtool");
    let (server, url) = receiving(&folder, ROUTING).await;
    let run = async |arguments: &[&str]| {
        let ended = amtool(&program, &url, arguments).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:#?}");
        assert!(!ended.stderr.contains("are different"), "the versions: {ended:#?}");
        ended
    };
    let refused = async |arguments: &[&str], why: &str| {
        let ended = amtool(&program, &url, arguments).await;
        assert!(ended.code == Some(1) && ended.stderr.contains(why), "{arguments:?}: {ended:#?}");
    };
    run(&[
        "alert",
        "add",
        "alertname=DiskFull",
        "severity=page",
        "instance=n1",
        "--annotation=summary=\"so <b>full</b>\"",
    ])
    .await;
    let alert = run(&["alert", "query", "-o", "json", "DiskFull"]).await.json()[0].clone();
    assert_eq!(
        (&alert["receivers"][0]["name"], &alert["annotations"]["summary"]),
        (&json!("pager"), &json!("so <b>full</b>"))
    );
    refused(
        &["alert", "add", "severity=page", "--start=2099-01-01T00:00:00Z"],
        "start time must be before end time",
    )
    .await;

    let ticket = "--annotation=ticket=OPS-7";
    let id =
        run(&["silence", "add", "DiskFull", "instance=~n.*", "-a", "ana", "-c", "why", "-d", "1h", ticket])
            .await;
    let id = id.stdout.trim().to_owned();
    assert_eq!(run(&["alert", "query", "-o", "json"]).await.json(), json!([]), "silenced ones are not shown");
    let silenced = run(&["alert", "query", "--silenced", "-o", "json"]).await.json();
    assert_eq!(silenced[0]["status"]["silencedBy"], json!([id]));
    let updated = run(&["silence", "update", &id, "-d", "3h", "-c", "longer", "-o", "json"]).await.json();
    assert_eq!(updated[0]["id"], json!(id));
    let exported = run(&["silence", "query", "-o", "json"]).await;
    assert_eq!(exported.json()[0]["comment"], "longer");
    run(&["silence", "expire", &id]).await;
    assert_eq!(run(&["silence", "query", "-o", "json"]).await.json(), json!([]));
    let file = folder.write("silences.json", &exported.stdout.replace(&id, ""));
    run(&["silence", "import", text(&file)]).await;
    let again = run(&["silence", "query", "-o", "json", "DiskFull"]).await.json();
    assert_eq!(
        (again.as_array().unwrap().len(), &again[0]["matchers"]),
        (1, &exported.json()[0]["matchers"])
    );
    assert_eq!(again[0]["annotations"], json!({"ticket": "OPS-7"}));
    refused(&["silence", "expire", "6b4dd7a0-3b4b-4b4b-8b4b-4b4b4b4b4b4b"], "404").await;
    refused(&["silence", "add", "x=~.*", "-a", "ana", "-c", "why"], "at least one matcher must not match")
        .await;

    let config = run(&["config", "show"]).await.stdout;
    assert!(config.contains("routing_key: <secret>") && !config.contains("hunter2"), "{config}");
    assert!(run(&["config", "routes", "show"]).await.stdout.contains("{severity=\"page\"}  receiver: pager"));
    assert_eq!(run(&["config", "routes", "test", "severity=page"]).await.stdout.trim(), "pager");
    assert_eq!(run(&["config", "routes", "test", "severity=none"]).await.stdout.trim(), "default");
    assert!(run(&["cluster", "show"]).await.stdout.contains("disabled"));
    drop(server);
    cases::ran("peers/amtool", 17);
}

/// What a receiver hears, message by message: status and names of alerts.
type Heard = Arc<Mutex<Vec<String>>>;

async fn receiver(heard: Heard) -> String {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let take = move |axum::Json(body): axum::Json<Value>| {
        let alerts = body["alerts"].as_array().unwrap();
        let names: Vec<&str> =
            alerts.iter().filter_map(|alert| alert["labels"]["alertname"].as_str()).collect();
        heard.lock().unwrap().push(format!("{} {}", body["status"].as_str().unwrap(), names.join(" ")));
        async {}
    };
    let router = axum::Router::new().route("/", axum::routing::post(take));
    tokio::spawn(async move { axum::serve(socket, router).await });
    url
}

/// One of several Prometheus that watch the same: the label that tells them apart is dropped before alerts are sent.
async fn replica(program: &Path, folder: &Folder, name: &str, target: &str, to: &str) -> Prometheus {
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s, external_labels: {{replica: {name}}}}}\n\
         rule_files: [rules.yml]\n\
         alerting:\n  alert_relabel_configs: [{{regex: replica, action: labeldrop}}]\n  \
         alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]\n\
         scrape_configs:\n- job_name: shop\n  static_configs: [{{targets: ['{target}']}}]\n",
        to.trim_start_matches("http://")
    );
    folder.write(&format!("{name}.yml"), &config);
    start_prometheus(program, folder, &format!("{name}.yml"), &["--rules.alert.resend-delay=1s"]).await
}

/// How many alerts a sender says it has sent.
async fn sent(http: &reqwest::Client, url: &str, metric: &str) -> f64 {
    let Ok(answer) = http.get(format!("{url}/metrics")).send().await else { return 0.0 };
    let body = answer.text().await.unwrap_or_default();
    let values = body.lines().filter(|line| line.starts_with(metric));
    values.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

#[tokio::test]
async fn three_prometheus_and_a_bellwether_that_say_the_same_are_one_notification() {
    let Some(program) = peers::program("prometheus") else { return };
    let folder = Folder::new("real-senders");
    let heard = Heard::default();
    let routing = format!(
        "route: {{receiver: hook, group_by: [alertname], group_wait: 2s, group_interval: 1s, repeat_interval: 4h}}\n\
         receivers: [{{name: hook, webhook_configs: [{{url: '{}'}}]}}]\n",
        receiver(heard.clone()).await
    );
    let (server, url) = receiving(&folder, &routing).await;
    let queue = Arc::new(AtomicU64::new(3));
    let target = target(queue.clone()).await;
    folder.write("rules.yml", RULES);
    let mut replicas = Vec::new();
    for name in ["a", "b", "c"] {
        replicas.push(replica(&program, &folder, name, &target, &url).await);
    }
    let sending = format!(
        "prometheus:\n  global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n  rule_files: [rules.yml]\n  \
         scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['{target}']}}]}}]\nalertmanagers: ['{url}']\n"
    );
    let sender = Server::start(&folder.write("sending.yml", &sending), &folder.path("sending-data")).await;

    // Everybody has said it, and the group was looked at several times since it was told.
    let http = crate::process::client();
    let all_said = async |server: &Server| {
        let groups = server.json("/api/bellwether/v1/groups").await;
        let (told, next) = (groups[0]["notified_at"].as_i64(), groups[0]["next_at"].as_i64());
        let looked = told.zip(next).is_some_and(|(told, next)| next - told > 4000);
        let mut counts = Vec::new();
        for replica in &replicas {
            counts.push(sent(&http, &replica.url, "prometheus_notifications_sent_total").await);
        }
        let ours = sender.json("/api/v2/alerts").await;
        let alerts = server.json("/api/v2/alerts").await;
        match looked
            && counts.iter().all(|sent| *sent >= 3.0)
            && ours.as_array().is_some_and(|ours| ours.len() == 1)
        {
            true => Ok(alerts),
            false => Err(format!("{groups} {counts:?} {ours} {alerts}")),
        }
    };
    let alerts = server.until("three senders and us", all_said).await;
    assert_eq!(alerts.as_array().unwrap().len(), 1, "{alerts}");
    assert_eq!(*heard.lock().unwrap(), ["firing ShopQueue"]);

    queue.store(0, Ordering::SeqCst);
    let is_over = async |server: &Server| {
        let alerts = server.json("/api/v2/alerts").await;
        let heard = heard.lock().unwrap().clone();
        if heard.len() > 1 && alerts == json!([]) { Ok(heard) } else { Err(format!("{heard:?} {alerts}")) }
    };
    assert_eq!(server.until("the end", is_over).await, ["firing ShopQueue", "resolved ShopQueue"]);
    cases::ran("peers/senders", 4);
}
