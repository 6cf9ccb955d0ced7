//! Silences by the command line and our own API: previewed, exported, imported elsewhere, changed, and warned of before
//! they end.

use reqwest::Method;
use serde_json::{Value, json};

use crate::process::{Ended, Folder, Server, run, text};

/// A command about a server that must succeed, run where it may wait.
async fn command(server: &Server, arguments: &[&str]) -> Ended {
    let mut all: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    all.extend(["--server".to_owned(), server.url.clone()]);
    let ended = tokio::task::spawn_blocking(move || run(&all.iter().map(String::as_str).collect::<Vec<_>>()));
    let ended = ended.await.unwrap();
    assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:#?}");
    ended
}

async fn post(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    let answer = server.ask(Method::POST, path, Some(body)).await.unwrap();
    (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn silences_are_previewed_moved_changed_and_warned_of() {
    let folder = Folder::new("silences-process");
    let config = folder.write("bellwether.yml", "{}\n");
    let server = Server::start(&config, &folder.path("data")).await;
    let other = Server::start(&config, &folder.path("other")).await;
    let alerts = json!([
        {"labels": {"alertname": "DiskFull", "instance": "<script>alert(1)</script>"}, "generatorURL": "javascript:alert(1)"},
        {"labels": {"alertname": "Other", "by": "<!channel>\r\nX-Injected: 1"}},
    ]);
    assert_eq!(post(&server, "/api/v2/alerts", &alerts).await.0, 200);

    let preview =
        command(&server, &["silence", "preview", "alertname=DiskFull", "--format", "json"]).await.json();
    assert_eq!((&preview["alerts"], &preview["newly_hidden"]), (&json!(1), &json!(1)));
    assert!(
        command(&server, &["silence", "preview", "alertname=None"]).await.stdout.contains("0 firing alerts")
    );
    let everything =
        post(&server, "/api/bellwether/v1/silences/preview", &json!({"matchers": ["a=~\".*\""]})).await;
    assert_eq!(everything.0, 400, "{}", everything.1);

    let id = command(
        &server,
        &[
            "silence",
            "add",
            "alertname=DiskFull",
            "--duration",
            "1h",
            "--comment",
            "<b>why</b>",
            "--annotation",
            "ticket=<i>OPS-7",
        ],
    )
    .await;
    let id = id.stdout.trim().to_owned();
    let silences = server.json("/api/bellwether/v1/silences").await;
    assert_eq!((&silences[0]["hidden_alerts"], &silences[0]["expires_soon"]), (&json!(1), &json!(false)));
    let page = server.text("/silences").await;
    assert!(
        page.contains("&lt;b&gt;why") && !page.contains("still hides"),
        "nobody is warned of it yet: {page}"
    );
    assert!(server.text("/metrics").await.contains("\nbellwether_silences_expiring 0\n"));
    let again = command(&server, &["silence", "update", &id, "--for", "5h", "--comment", "longer"]).await;
    assert_eq!(again.stdout.trim(), id);
    for path in ["/alerts", "/silences", "/", "/deliveries", "/routing"] {
        let page = server.text(path).await;
        assert!(!page.contains("<script>alert") && !page.contains("href=\"javascript:"), "{path}: {page}");
    }

    let table = command(&server, &["silence", "list"]).await.stdout;
    assert!(table.contains(" UTC") && table.contains("\n  longer\n"), "{table}");

    let exported = command(&server, &["silence", "export"]).await;
    let file = folder.write("silences.json", &exported.stdout);
    command(&other, &["silence", "import", text(&file)]).await;
    let moved = other.json("/api/v2/silences").await;
    assert_eq!(moved[0]["annotations"], json!({"ticket": "<i>OPS-7"}));
    assert_eq!(
        (&moved[0]["comment"], &moved[0]["matchers"]),
        (&json!("longer"), &exported.json()[0]["matchers"])
    );
    assert_ne!(moved[0]["id"], json!(id), "an identity that is not known is made anew");
    command(&server, &["silence", "import", text(&file)]).await;
    assert_eq!(server.json("/api/v2/silences").await.as_array().unwrap().len(), 1, "a known one is changed");

    let over = json!({"matchers": [{"name": "a", "value": "b"}], "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2020-01-02T00:00:00Z"});
    let wrong = json!({"matchers": [], "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-02T00:00:00Z"});
    let (status, done) = post(&other, "/api/bellwether/v1/silences/import", &json!([over, wrong, 7])).await;
    assert_eq!(
        (status, &done["over"], done["refused"].as_array().unwrap().len()),
        (200, &json!(1), 2),
        "{done}"
    );

    let audit = server.json("/api/bellwether/v1/audit?limit=1").await;
    assert_eq!((audit.as_array().unwrap().len(), &audit[0]["action"]), (1, &json!("silence.set")));
    let routed = server.json("/api/bellwether/v1/route?alertname=DiskFull&team=web").await;
    assert_eq!(routed["routes"][0]["receiver"], json!("nobody"), "{routed}");
    assert_eq!(server.json("/api/bellwether/v1/routing").await["receivers"][0]["name"], json!("nobody"));
}
