//! Alerts posted as Alertmanager's clients post them: what is stored, and what is said about the rest.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use bellwether_model::Timestamp;
use bellwether_testkit::cases;

use crate::ask::{Answer, send};
use crate::fake::{Fake, Mood, NOW};

async fn post(app: &Arc<Fake>, body: impl Into<Body>) -> Answer {
    let request = Request::post("/api/v2/alerts").header("content-type", "application/json; charset=utf-8");
    send(app, request.body(body.into()).unwrap()).await
}

/// What is stored of a body: labels, annotations, start and end in seconds from now, and where it comes from.
fn stored(app: &Fake) -> String {
    let seconds = |at: Timestamp| (at - NOW).as_millis() / 1000;
    let alerts = app.posted.lock().unwrap();
    let line = |alert: &bellwether_model::Alert| {
        let end = alert.ends_at.map_or_else(|| "-".to_owned(), |at| seconds(at).to_string());
        let (labels, notes, url) = (&alert.labels, &alert.annotations, &alert.generator_url);
        format!("{labels} {notes} {}..{end} {url}", seconds(alert.starts_at)).trim_end().to_owned()
    };
    alerts.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn what_is_posted_is_stored_as_alertmanager_stores_it() {
    // Body, status, what is stored, what the answer holds. Answers compared with those of the real program.
    let cases: &[(&str, u16, &str, &str)] = &[
        ("[]", 200, "", ""),
        ("null", 200, "", ""),
        ("", 422, "", r#""code":602"#),
        ("{", 400, "", r#""code":400"#),
        ("{}", 400, "", "put alerts between [ and ]"),
        ("[{}]", 422, "", "0.labels in body is required"),
        ("[null]", 400, "", "alert 0 cannot be read"),
        (r#"[{"labels":{}}]"#, 400, "", "\"alert 0: at least one label pair required\""),
        (r#"[{"labels":{"a":"b"}}]"#, 200, r#"{a="b"} {} 0..-"#, ""),
        (r#"[{"labels":{"b":"2","a":"1","c":""}}]"#, 200, r#"{a="1", b="2"} {} 0..-"#, ""),
        (r#"[{"labels":{"a":"1","a":"2"}}]"#, 200, r#"{a="2"} {} 0..-"#, ""),
        (r#"[{"labels":{"":"x"}}]"#, 400, "", "invalid label set"),
        (r#"[{"labels":{"":"","a":"b"}}]"#, 200, r#"{a="b"} {} 0..-"#, ""),
        (r#"[{"labels":{"a":"b"},"annotations":{"":"x"}}]"#, 400, "", "invalid annotations"),
        (r#"[{"labels":{"a b.c":"ü"}}]"#, 200, r#"{"a b.c"="ü"} {} 0..-"#, ""),
        (r#"[{"labels":{"a":"x\"\\\n"}}]"#, 200, r#"{a="x\"\\\n"} {} 0..-"#, ""),
        (
            r#"[{"labels":{"a":"b"},"annotations":{"s":"t"},"startsAt":"2026-11-21T02:25:00Z","endsAt":"2026-11-21T02:26:08Z","generatorURL":"http://p/graph"}]"#,
            200,
            r#"{a="b"} {s="t"} -8..60 http://p/graph"#,
            "",
        ),
        // A missing start is the end's, if there is one; Go's zero time is none.
        (r#"[{"labels":{"a":"b"},"endsAt":"2026-11-21T02:24:08Z"}]"#, 200, r#"{a="b"} {} -60..-60"#, ""),
        (
            r#"[{"labels":{"a":"b"},"startsAt":"0001-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":""}]"#,
            200,
            r#"{a="b"} {} 0..-"#,
            "",
        ),
        (
            r#"[{"labels":{"a":"b"},"startsAt":null,"annotations":null,"generatorURL":null}]"#,
            200,
            r#"{a="b"} {} 0..-"#,
            "",
        ),
        (
            r#"[{"labels":{"a":"b"},"startsAt":"2026-11-21T02:25:08Z","endsAt":"2026-11-21T02:25:07Z"}]"#,
            400,
            "",
            "start time must be before end time",
        ),
        (r#"[{"labels":{"a":"b"},"startsAt":"9999-12-31T23:59:59Z"}]"#, 400, "", "start time must be before"),
        (
            r#"[{"labels":{"a":"b"},"endsAt":"9999-12-31T23:59:59Z"}]"#,
            200,
            r#"{a="b"} {} 251607072891..251607072891"#,
            "",
        ),
        (r#"[{"labels":{"a":"b"},"startsAt":"tomorrow"}]"#, 400, "", "write RFC 3339"),
        (r#"[{"labels":{"a":"b"},"generatorURL":"not a url"}]"#, 422, "", "0.generatorURL in body"),
        // Fields nobody knows are skipped, however deep.
        (r#"[{"labels":{"a":"b"},"x":{"y":[[[[{}]]]]}}]"#, 200, r#"{a="b"} {} 0..-"#, ""),
        // One that is wrong does not take the others with it.
        (
            r#"[{"labels":{"a":"1"}},{"labels":{"a":1}},{"labels":{}},{"labels":{"a":"2"}},7]"#,
            400,
            "{a=\"1\"} {} 0..-\n{a=\"2\"} {} 0..-",
            "alert 1 cannot be read",
        ),
        (r#"[{"labels":{"a":"1"}},{"labels":{"a":"2"},]"#, 400, r#"{a="1"} {} 0..-"#, "not a list"),
        (r#"[{"labels":{"a":"1"}}] xyz"#, 400, r#"{a="1"} {} 0..-"#, "trailing"),
        // Half a pair of surrogates is no text; it becomes the character that says so.
        (r#"[{"labels":{"a":"\ud83d\ude00 \ud83d!"}}]"#, 200, "{a=\"😀 \u{fffd}!\"} {} 0..-", ""),
    ];
    for (body, status, want, said) in cases {
        let app = Fake::new(Mood::Empty);
        let answer = post(&app, *body).await;
        assert_eq!(answer.status.as_u16(), *status, "{body}: {}", answer.text());
        assert_eq!(stored(&app), *want, "{body}");
        assert!(answer.text().contains(said), "{body}: {}", answer.text());
        assert_eq!(answer.text().is_empty(), *status == 200, "{body}");
    }
    cases::ran("alertmanager-posts", cases.len() as u64);
}

#[tokio::test]
async fn text_that_is_not_unicode_is_stored_with_replacements() {
    let app = Fake::new(Mood::Empty);
    let answer = post(&app, b"[{\"labels\":{\"a\":\"b\xff\xfe\"}}]".to_vec()).await;
    assert_eq!((answer.status.as_u16(), stored(&app).as_str()), (200, "{a=\"b\u{fffd}\u{fffd}\"} {} 0..-"));
}

#[tokio::test]
async fn every_fault_is_named_and_a_flood_of_them_is_counted() {
    let app = Fake::new(Mood::Empty);
    let body = format!("[{}]", vec![r#"{"labels":{}}"#; 250].join(","));
    let answer = post(&app, body).await;
    let text = answer.json().as_str().unwrap().to_owned();
    assert!(text.starts_with("alert 0: at least"), "{text}");
    assert!(text.contains("\nalert 99: ") && text.ends_with("\nand 150 more"), "{text}");
}

#[tokio::test]
async fn only_json_is_taken() {
    let app = Fake::new(Mood::Empty);
    for kind in ["application/x-www-form-urlencoded", "text/json", "text/plain"] {
        let request = Request::post("/api/v2/alerts").header("content-type", kind);
        let answer = send(&app, request.body(Body::from(r#"[{"labels":{"a":"b"}}]"#)).unwrap()).await;
        assert_eq!(answer.status.as_u16(), 415, "{kind}");
        assert_eq!(answer.json()["code"], 415, "{kind}");
    }
    assert_eq!(stored(&app), "");
}

#[tokio::test]
async fn a_body_of_fifty_megabytes_is_refused_in_words() {
    let app = Fake::new(Mood::Empty);
    let chunks = (0..50).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1 << 20]));
    let answer = post(&app, Body::from_stream(tokio_stream::iter(chunks))).await;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].as_u64()), (413, Some(413)));
    assert!(answer.json()["message"].as_str().unwrap().contains("larger than 16 MiB"), "{}", answer.text());
}

#[tokio::test]
async fn an_alert_of_ten_thousand_labels_is_an_alert() {
    let app = Fake::new(Mood::Empty);
    let labels: Vec<String> = (0..10_000).map(|n| format!("\"l{n}\":\"v{n}\"")).collect();
    let answer = post(&app, format!("[{{\"labels\":{{{}}}}}]", labels.join(","))).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text());
    assert_eq!(app.posted.lock().unwrap()[0].labels.len(), 10_000);
}

#[tokio::test]
async fn deep_nesting_is_refused_or_skipped_and_never_overflows() {
    for depth in [100, 100_000] {
        let app = Fake::new(Mood::Empty);
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let answer = post(&app, format!("[{{\"labels\":{{\"a\":\"b\"}},\"x\":{open}{close}}}]")).await;
        assert_eq!(answer.status.as_u16(), 200, "{depth}: {}", answer.text());
        let answer = post(&app, format!("{open}{close}")).await;
        assert_eq!(answer.status.as_u16(), 400, "{depth}");
        assert_eq!(stored(&app), "{a=\"b\"} {} 0..-");
    }
}
