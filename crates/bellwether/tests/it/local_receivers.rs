//! The local stand-ins answer as those they stand in for, keep what they took, and refuse what those refuse.

use bellwether::demo::mail_sink;
use bellwether::demo::receiver::{self, Inbox, Kind, Message};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn open(inbox: &Inbox) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(receiver::serve(listener, inbox.clone()));
    address
}

async fn post(address: &str, path: &str, body: String) -> (u16, String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client.post(format!("{address}{path}")).body(body).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn each_answers_as_the_one_it_stands_in_for() {
    let inbox = Inbox::default();
    let address = open(&inbox).await;
    let event = |action: &str, key: &str| json!({ "routing_key": key, "event_action": action, "dedup_key": "d1", "payload": { "summary": "down" } });
    // Path, body, status, part of the answer, and as whose message it is kept.
    let cases: [(&str, Value, u16, &str, Option<Kind>); 10] = [
        ("/slack", json!({ "text": "hello" }), 200, "ok", Some(Kind::Slack)),
        ("/services/T0/B0/x", json!({ "attachments": [{ "title": "t" }] }), 200, "ok", Some(Kind::Slack)),
        ("/slack", json!({ "channel": "#a" }), 400, "no_text", None),
        (
            "/api/chat.postMessage",
            json!({ "channel": "C1", "text": "x" }),
            200,
            "\"ok\":true",
            Some(Kind::Slack),
        ),
        ("/v2/enqueue", event("trigger", "r"), 202, "Event processed", Some(Kind::PagerDuty)),
        ("/pagerduty", event("resolve", "r"), 202, "\"dedup_key\":\"d1\"", Some(Kind::PagerDuty)),
        ("/pagerduty", event("trigger", ""), 400, "routing_key", None),
        ("/pagerduty", event("shout", "r"), 400, "event_action", None),
        ("/tickets", json!({ "alerts": [] }), 200, "ok", Some(Kind::Webhook)),
        ("/", json!([1]), 200, "ok", Some(Kind::Webhook)),
    ];
    for (path, body, status, part, kind) in cases {
        let before = inbox.messages().len();
        let (got, text) = post(&address, path, body.to_string()).await;
        assert_eq!(got, status, "{path} {body}: {text}");
        assert!(text.contains(part), "{path} {body}: {text}");
        let kept = inbox.messages();
        assert_eq!(kept.len() - before, usize::from(kind.is_some()), "{path} {body}");
        if let Some(kind) = kind {
            let last = kept.last().unwrap();
            assert_eq!((last.kind, last.path.as_str(), &last.body), (kind, path, &body));
        }
    }
    assert_eq!(post(&address, "/slack", "no json".to_owned()).await, (400, "invalid_payload".to_owned()));
}

/// Says all lines at once and gives all answers.
async fn say(address: std::net::SocketAddr, lines: &[&str]) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    for line in lines {
        connection.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    }
    let mut answers = String::new();
    connection.read_to_string(&mut answers).await.unwrap();
    answers
}

#[tokio::test]
async fn a_mail_is_kept_with_its_subject_and_who_it_is_to() {
    let inbox = Inbox::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(mail_sink::serve(listener, inbox.clone()));

    let answers = say(
        address,
        &[
            "EHLO here",
            "RCPT TO:<early@example.org>",
            "DATA",
            "MAIL nonsense",
            "STARTTLS",
            "MAIL FROM:<bellwether@example.org>",
            "RCPT TO:<ops@example.org>",
            "RCPT TO:<second@example.org> NOTIFY=NEVER",
            "DATA",
            "From: bellwether@example.org",
            "subject: [FIRING:1]",
            " NoActiveConnections",
            "",
            "..a dot",
            ".",
            "QUIT",
        ],
    )
    .await;
    let codes: Vec<&str> = answers.lines().map(|line| &line[..4]).collect();
    let expected = [
        "220 ", "250-", "250-", "250 ", "503 ", "503 ", "501 ", "502 ", "250 ", "250 ", "250 ", "354 ",
        "250 ", "221 ",
    ];
    assert_eq!(codes, expected, "{answers}");
    let kept = inbox.messages();
    let [Message { kind: Kind::Mail, path, body, .. }] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!(path, "ops@example.org, second@example.org");
    assert_eq!(body["subject"], "[FIRING:1] NoActiveConnections");
    assert!(body["text"].as_str().unwrap().ends_with("\n\n.a dot\n"), "{body}");
    assert_eq!(
        kept[0].summary(),
        "mail to ops@example.org, second@example.org: [FIRING:1] NoActiveConnections"
    );
}
