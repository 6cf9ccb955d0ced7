//! The address where an Alertmanager is expected: its old API, and the way to our pages.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::fake::{Fake, Mood};

async fn send(app: &Arc<Fake>, request: Request<Body>) -> (u16, HeaderMap, String) {
    let response = bellwether_web::alertmanager_router(app.clone()).oneshot(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, headers, String::from_utf8(bytes.to_vec()).unwrap())
}

/// As `curl -X METHOD -d BODY` sends it: with the content type of a form.
async fn curl(app: &Arc<Fake>, method: &str, path: &str, body: &str) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let (status, _, text) = send(app, request.body(Body::from(body.to_owned())).unwrap()).await;
    (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}")))
}

async fn get(path: &str) -> (u16, Value) {
    curl(&Fake::new(Mood::Burning), "GET", path, "").await
}

#[tokio::test]
async fn the_old_api_has_its_own_shapes() {
    let (status, alerts) =
        get("/api/v1/alerts?filter=%7Balertname%3D%22TargetDown%22%2Cseverity!%3D%22x%22%7D").await;
    assert_eq!((status, &alerts["status"]), (200, &json!("success")));
    let alert = &alerts["data"][0];
    assert_eq!(
        (alerts["data"].as_array().unwrap().len(), &alert["status"]["state"]),
        (1, &json!("suppressed"))
    );
    assert!(alert["receivers"][0].is_string() && alert["status"].get("mutedBy").is_none(), "{alert}");
    assert_eq!(get("/api/v1/alerts?silenced=false").await.1["data"].as_array().unwrap().len(), 2);

    let (_, groups) = get("/api/v1/alerts/groups").await;
    let block = &groups["data"][0]["blocks"][0];
    assert_eq!(block["routeOpts"]["groupWait"], 30_000_000_000_i64);
    assert!(block["alerts"][0]["labels"]["alertname"].is_string(), "{groups}");

    assert_eq!(get("/api/v1/receivers").await.1, json!({"status": "success", "data": ["oncall", "nobody"]}));
    let (_, status) = get("/api/v1/status").await;
    assert!(status["data"]["configYAML"].as_str().unwrap().starts_with("route:\n"), "{status}");
    let version = &status["data"]["versionInfo"];
    assert_eq!((&version["version"], &version["branch"]), (&json!("0.33.1"), &json!("bellwether 0.1.0")));

    let (_, silences) = get("/api/v1/silences").await;
    let id = silences["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(get(&format!("/api/v1/silence/{id}")).await.1["data"]["id"], json!(id));
}

#[tokio::test]
async fn what_curl_posts_is_taken_without_a_content_type() {
    let app = Fake::new(Mood::Burning);
    let alert = r#"[{"labels": {"alertname": "TestAlert", "severity": "critical"}, "annotations": {"summary": "Test"}}]"#;
    assert_eq!(curl(&app, "POST", "/api/v1/alerts", alert).await, (200, json!({"status": "success"})));
    assert_eq!(app.posted.lock().unwrap()[0].name(), "TestAlert");
    let silence = r#"{"matchers": [{"name": "alertname", "value": "TestAlert"}], "startsAt": "2026-11-21T00:00:00Z",
        "endsAt": "2026-11-22T00:00:00Z", "createdBy": "ana", "comment": "release"}"#;
    let (status, made) = curl(&app, "POST", "/api/v1/silences", silence).await;
    assert_eq!(status, 200, "{made}");
    assert!(made["data"]["silenceId"].is_string(), "{made}");
    let (_, all) = curl(&app, "GET", "/api/v1/silences", "").await;
    let id = all["data"][0]["id"].as_str().unwrap();
    let ended = curl(&app, "DELETE", &format!("/api/v1/silence/{id}"), "").await;
    assert_eq!(ended, (200, json!({"status": "success"})));
}

#[tokio::test]
async fn what_is_wrong_is_said_in_the_old_shape() {
    let app = Fake::new(Mood::Burning);
    for (method, path, body, status) in [
        ("POST", "/api/v1/alerts", "{", 400),
        ("POST", "/api/v1/alerts", "", 400),
        ("POST", "/api/v1/alerts", r#"[{"labels":{}}]"#, 400),
        ("POST", "/api/v1/silences", "{}", 400),
        ("GET", "/api/v1/alerts?silenced=maybe", "", 400),
        ("GET", "/api/v1/alerts?filter=x", "", 400),
        ("GET", "/api/v1/alerts?receiver=(", "", 400),
        ("GET", "/api/v1/silence/none", "", 404),
        ("GET", "/api/v1/nothing", "", 404),
        ("PUT", "/api/v1/alerts", "", 405),
    ] {
        let (given, answer) = curl(&app, method, path, body).await;
        assert_eq!((given, &answer["status"]), (status, &json!("error")), "{method} {path}: {answer}");
        assert!(answer["error"].is_string() && answer["errorType"] == "bad_data", "{answer}");
    }
}

#[tokio::test]
async fn the_rest_of_an_alertmanager_is_there_and_nothing_else() {
    let app = Fake::new(Mood::Burning);
    let ask = async |path: &str| send(&app, Request::get(path).body(Body::empty()).unwrap()).await;
    for path in ["/-/healthy", "/-/ready", "/metrics", "/api/v2/status", "/api/v2/alerts"] {
        assert_eq!(ask(path).await.0, 200, "{path}");
    }
    let (status, headers, _) = ask("/").await;
    assert_eq!((status, headers["location"].to_str().unwrap()), (307, "http://bellwether.example/alerts"));
    for path in ["/alerts", "/api/v1/query?query=1", "/api/bellwether/v1/alerts", "/slos"] {
        assert_eq!(ask(path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn another_sites_page_changes_nothing() {
    let app = Fake::new(Mood::Burning);
    for (path, header) in [
        ("/api/v1/alerts", ("origin", "https://elsewhere.example")),
        ("/api/v1/silences", ("sec-fetch-site", "cross-site")),
        ("/api/v2/alerts", ("sec-fetch-site", "same-site")),
        ("/-/reload", ("origin", "null")),
    ] {
        let request = Request::post(path).header("host", "am.example").header(header.0, header.1);
        let request = request.header("content-type", "text/plain").body(Body::from("[]")).unwrap();
        assert_eq!(send(&app, request).await.0, 403, "{path} {header:?}");
    }
}
