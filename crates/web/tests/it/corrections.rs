//! Corrections: from a form or from JSON to what is asked of the core, and on the page of their objective.

use axum::body::Body;
use axum::http::Request;
use bellwether_model::TimeDelta;
use bellwether_slo::{CorrectionEvent, CorrectionKind, CorrectionScope};
use serde_json::{Value, json};

use crate::ask::{Answer, post, send};
use crate::fake::{Fake, Mood};

const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");
const PATH: &str = "/api/bellwether/v1/corrections";

async fn post_json(app: &std::sync::Arc<Fake>, path: &str, body: &Value) -> Answer {
    let request = Request::post(path).header("content-type", "application/json");
    send(app, request.body(Body::from(body.to_string())).unwrap()).await
}

fn wish() -> Value {
    json!({
        "slo": "movieguru/page-loads", "from": "2026-11-20T10:00Z", "to": 1_763_636_400, "kind": "credit",
        "share": "50%", "reason": "moved house", "author": "ann", "approver": "bo",
    })
}

#[tokio::test]
async fn what_the_api_is_told_is_what_the_core_is_asked() {
    let app = Fake::new(Mood::Burning);
    let answer = post_json(&app, PATH, &wish()).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text());
    assert_eq!(answer.json()["share"], 0.5);
    assert_eq!(answer.json()["slo"], "movieguru/page-loads");
    let asked = app.corrections.lock().unwrap().clone();
    let [CorrectionEvent::Add(asked)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(asked.kind, CorrectionKind::Credit);
    assert_eq!(asked.stretch.begin.to_string(), "2026-11-20T10:00:00.000Z");
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let check = async |change: Value, expected: &[&str]| {
        let app = Fake::new(Mood::Burning);
        let mut body = wish();
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = post_json(&app, PATH, &body).await;
        assert!([400, 422].contains(&answer.status.as_u16()), "{change}: {}", answer.status);
        for part in expected {
            assert!(answer.text().contains(part), "{change}: {}", answer.text());
        }
        assert!(app.corrections.lock().unwrap().is_empty());
    };
    check(
        json!({"slo": "", "kind": "holiday", "from": "soon", "to": null, "share": 2}),
        &[
            "slo is empty, and so is service",
            "write one of maintenance, measurement-fault, platform-outage, credit",
            "not a time; write RFC 3339",
            "to is missing",
            "share 2 is not from 0 to 1",
        ],
    )
    .await;
    check(json!({"service": "movieguru"}), &["exclude each other"]).await;
    check(json!({"until": "tomorrow"}), &["unknown field `until`"]).await;
}

#[tokio::test]
async fn a_page_makes_and_revokes_a_correction_without_a_script() {
    let app = Fake::new(Mood::Burning);
    let form = "back=movieguru/page-loads&from=2026-11-20T10:00&to=2026-11-20T11:30&kind=maintenance&share=\
                &scope=service&reason=moved+house&by=ann&approver=bo";
    let answer = post(&app, "/corrections", SAME, form).await;
    assert_eq!(answer.status.as_u16(), 303, "{}", answer.text());
    assert_eq!(answer.headers["location"], "/slos/movieguru/page-loads#corrections");
    let asked = app.corrections.lock().unwrap().clone();
    let [CorrectionEvent::Add(asked)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(asked.scope, CorrectionScope::Service("movieguru".to_owned()));
    assert_eq!(asked.stretch.length(), TimeDelta(90 * TimeDelta::MINUTE.0));

    let page = async || {
        send(&app, Request::get("/slos/movieguru/page-loads").body(Body::empty()).unwrap()).await.text()
    };
    let shown = page().await;
    for part in ["maintenance, taken out", "moved house", "approved by bo", "/corrections/c1/revoke"] {
        assert!(shown.contains(part), "{part}");
    }
    let form = "back=movieguru/page-loads&reason=it+was+none&by=cy";
    let answer = post(&app, "/corrections/c1/revoke", SAME, form).await;
    assert_eq!(answer.status.as_u16(), 303);
    let shown = page().await;
    assert!(shown.contains("1 revoked correction") && shown.contains("it was none"), "{shown}");
    let evil = post(&app, "/corrections", ("sec-fetch-site", "cross-site"), form).await;
    assert_eq!(evil.status.as_u16(), 403);
}

#[tokio::test]
async fn revoked_ones_are_listed_when_asked_for() {
    let app = Fake::new(Mood::Burning);
    post_json(&app, PATH, &wish()).await;
    let list = async |query: &str| {
        let request = Request::get(format!("{PATH}{query}")).body(Body::empty()).unwrap();
        send(&app, request).await.json().as_array().unwrap().len()
    };
    assert_eq!(
        (list("").await, list("?slo=movieguru/page-loads").await, list("?slo=desk/x").await),
        (1, 1, 0)
    );
    let body = json!({"by": "cy", "reason": "it was none"});
    assert_eq!(post_json(&app, &format!("{PATH}/c1/revoke"), &body).await.status.as_u16(), 200);
    assert_eq!((list("").await, list("?all=true").await), (0, 1));
}
