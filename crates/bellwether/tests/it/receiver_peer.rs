//! The same alert, the same settings: what a real Alertmanager sends to each kind of receiver, and what we send.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use bellwether::senders::Senders;
use bellwether_testkit::{cases, peers};
use serde_json::{Value, json};

use crate::alertmanager_peer::Alertmanager;
use crate::process::{DEADLINE, Folder, client};
use crate::prometheus_peer::free_port;
use crate::told;

type Sink = Arc<Mutex<BTreeMap<String, Value>>>;

/// Takes everything, and says so in the words of every interface at once.
async fn take(State(sink): State<Sink>, uri: Uri, body: String) -> axum::Json<Value> {
    sink.lock().unwrap().insert(uri.path().to_owned(), serde_json::from_str(&body).unwrap_or_default());
    axum::Json(json!({
        "ok": true, "success": true, "errcode": 0, "access_token": "t", "issues": [], "key": "OPS-1",
        "result": {"message_id": 1, "chat": {"id": 1}, "date": 1},
    }))
}

async fn sink() -> (Sink, String) {
    let sink = Sink::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(take).with_state(sink.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (sink, url)
}

/// Settings that leave no word to either side's own templates, and where they lead.
const KINDS: &[(&str, &str)] = &[
    (
        "/discord",
        "discord_configs: [{webhook_url: 'URL/discord', title: T, message: M, content: C, username: u}]",
    ),
    (
        "/bot1:T/sendMessage",
        "telegram_configs: [{api_url: URL, bot_token: '1:T', chat_id: -5, message_thread_id: 3, message: '<b>M</b> {{ .CommonAnnotations.summary }}', disable_notifications: true}]",
    ),
    ("/msteams", "msteams_configs: [{webhook_url: 'URL/msteams', title: T, summary: S, text: M}]"),
    ("/msteamsv2", "msteamsv2_configs: [{webhook_url: 'URL/msteamsv2', title: T, text: M}]"),
    (
        "/webex",
        "webex_configs: [{api_url: 'URL/webex', room_id: r, message: M, http_config: {authorization: {credentials: t}}}]",
    ),
    (
        "/victorops/k/team",
        "victorops_configs: [{api_url: 'URL/victorops/', api_key: k, routing_key: team, state_message: M, entity_display_name: T, monitoring_tool: t, custom_fields: {job: M}}]",
    ),
    (
        "/wechat/message/send",
        "wechat_configs: [{api_url: 'URL/wechat/', api_secret: s, corp_id: c, message: M, to_user: u, to_party: p, to_tag: t, agent_id: '1'}]",
    ),
    (
        "/mattermost",
        "mattermost_configs: [{webhook_url: 'URL/mattermost', channel: c, username: u, text: M, title: T, title_link: 'http://x', fallback: F, fields: [{title: T, value: M, short: true}]}]",
    ),
    (
        "/api/v1/chat.postMessage",
        "rocketchat_configs: [{api_url: URL, token: t, token_id: i, channel: c, title: T, title_link: 'http://x', text: M, emoji: e, icon_url: 'http://i', fields: [{title: T, value: M}]}]",
    ),
    (
        "/rest/api/2/issue",
        "jira_configs: [{api_url: 'URL/rest/api/2', project: OPS, issue_type: Bug, summary: T, description: M, priority: P, labels: [b, a], reopen_transition: R, reopen_duration: 2h, wont_fix_resolution: W, fields: {customfield_1: P}}]",
    ),
];

fn settings(kind: &str, url: &str) -> String {
    let said = "'{{ .Status }} {{ .CommonLabels.severity }}: {{ .CommonAnnotations.summary }}'";
    kind.replace("URL", url).replace(" M,", &format!(" {said},")).replace(" M}", &format!(" {said}}}"))
}

/// What is left of a body when what differs on purpose is taken out of it.
fn comparable(path: &str, mut body: Value) -> Value {
    let texts = |value: &Value| Value::from(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    match path {
        // Alertmanager writes every parameter as a text, and asks for no preview in the old way.
        "/bot1:T/sendMessage" => {
            let fields = ["chat_id", "text", "parse_mode", "message_thread_id", "disable_notification"];
            fields.iter().map(|name| ((*name).to_owned(), texts(&body[*name]))).collect()
        }
        // That labels call nobody is ours.
        "/discord" => {
            body.as_object_mut().unwrap().remove("allowed_mentions");
            body
        }
        // The name of the field that Microsoft documents is ours.
        "/msteams" => {
            body.as_object_mut().unwrap().remove("@type");
            body
        }
        // The form that is not used is sent empty.
        "/wechat/message/send" => {
            body.as_object_mut().unwrap().remove("markdown");
            body
        }
        _ => body,
    }
}

async fn until_all_have_come(sink: &Sink, who: &str) -> BTreeMap<String, Value> {
    let begun = Instant::now();
    loop {
        let seen = sink.lock().unwrap().clone();
        let missing: Vec<_> = KINDS.iter().filter(|(path, _)| !seen.contains_key(*path)).collect();
        if missing.is_empty() {
            return seen;
        }
        assert!(begun.elapsed() < DEADLINE, "{who} did not send {missing:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn every_kind_is_sent_what_a_real_alertmanager_sends() {
    let Some(program) = peers::program("prometheus-alertmanager") else { return };
    let folder = Folder::new("receiver-peer");
    let (theirs, their_url) = sink().await;
    let (ours, our_url) = sink().await;
    let receivers: String =
        KINDS.iter().map(|(_, kind)| format!("    {}\n", settings(kind, &their_url))).collect();
    let config = format!(
        "route: {{receiver: a, group_by: [alertname], group_wait: 0s}}\nreceivers:\n  - name: a\n{receivers}"
    );
    let Some(alertmanager) = Alertmanager::start_with(&program, &folder, free_port().await, &config).await
    else {
        return;
    };
    let (labels, annotations) = (&[("severity", "critical")], &[("summary", "a <b> & \"c\"")]);
    let alert = json!([{
        "labels": {"alertname": "HighLatency", "severity": "critical"},
        "annotations": {"summary": annotations[0].1},
    }]);
    let post =
        client().post(format!("{}/api/v2/alerts", alertmanager.url)).json(&alert).send().await.unwrap();
    assert!(post.status().is_success(), "{post:?}");
    for (_, kind) in KINDS {
        let setup = told::setup(&settings(kind, &our_url));
        let delivery = told::delivery(&setup, told::alert(labels, annotations));
        let outcome = Senders::new(setup).send(delivery).await;
        assert!(
            matches!(outcome.receipt, bellwether_alerts::Receipt::Accepted { .. }),
            "{kind}: {outcome:?}"
        );
    }
    let theirs = until_all_have_come(&theirs, "Alertmanager").await;
    let ours = until_all_have_come(&ours, "Bellwether").await;
    let mut differing = Vec::new();
    for (path, _) in KINDS {
        let (want, got) = (comparable(path, theirs[*path].clone()), comparable(path, ours[*path].clone()));
        if got != want {
            differing.push(format!("{path}\n ours   {got}\n theirs {want}"));
        }
    }
    let search = "/rest/api/2/search";
    assert_eq!(ours[search], theirs[search]);
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    cases::ran("receivers beside Alertmanager", KINDS.len() as u64);
}
