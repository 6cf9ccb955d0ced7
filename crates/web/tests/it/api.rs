//! The shapes that Grafana, amtool and the command line rely on.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::ask::{get, post, send};
use crate::fake::{Fake, Mood};

async fn ask(path: &str) -> (u16, Value) {
    let answer = get(Mood::Burning, path).await;
    (answer.status.as_u16(), answer.json())
}

#[tokio::test]
async fn queries_answer_in_prometheus_shapes() {
    let check = async |path: &str, expected: Value| assert_eq!(ask(path).await, (200, expected), "{path}");
    let data = |kind: &str, result: Value| json!({"status": "success", "data": {"resultType": kind, "result": result}});
    check("/api/v1/query?query=1e6&time=1795227900", data("scalar", json!([1_795_227_900, "1000000"]))).await;
    check("/api/v1/query?query=1e21&time=1.5", data("scalar", json!([1.5, "1e+21"]))).await;
    check("/api/v1/query?query=1e-7&time=1.05", data("scalar", json!([1.05, "1e-07"]))).await;
    check("/api/v1/query?query=0%2F0&time=0", data("scalar", json!([0, "NaN"]))).await;
    check("/api/v1/query?query=-1%2F0&time=1970-01-01T00:00:07Z", data("scalar", json!([7, "-Inf"]))).await;
    let up = json!([{"metric": {"__name__": "up", "instance": "a:1", "job": "movieguru"}, "value": [1_795_227_908, "1"]}]);
    check("/api/v1/query?query=up", data("vector", up)).await;
    let sum = json!([{"metric": {}, "values": [[1_795_227_900, "1"], [1_795_227_905, "1"]]}]);
    let path = "/api/v1/query_range?query=sum%28up%29&start=1795227900&end=1795227908&step=5s";
    check(path, data("matrix", sum)).await;
}

#[tokio::test]
async fn errors_carry_prometheus_types_and_status_codes() {
    let check = async |path: &str, status: u16, kind: &str, message: &str| {
        let (got, body) = ask(path).await;
        assert_eq!((got, body["errorType"].as_str().unwrap()), (status, kind), "{path}: {body}");
        assert!(body["error"].as_str().unwrap().contains(message), "{path}: {body}");
    };
    check("/api/v1/query?query=sum(", 400, "bad_data", "parse error").await;
    check("/api/v1/query", 400, "bad_data", "\"query\"").await;
    check("/api/v1/query?query=up&time=yesterday", 400, "bad_data", "RFC 3339").await;
    let range = "/api/v1/query_range?query=up";
    check(&format!("{range}&start=0&end=11001&step=1"), 400, "bad_data", "11,000").await;
    check(&format!("{range}&start=9&end=1&step=1"), 400, "bad_data", "before start").await;
    check(&format!("{range}&start=0&end=1&step=0"), 400, "bad_data", "zero or negative").await;
    check(&format!("{range}&start=0&end=1"), 400, "bad_data", "\"step\"").await;
    check("/api/v1/query?query=up&timeout=0", 503, "timeout", "timed out").await;
    check("/api/v1/series", 400, "bad_data", "match[]").await;
    check("/api/v1/labels?match[]=1", 400, "bad_data", "not a series selector").await;
    check("/api/v1/series?match[]=up%20offset%205m", 400, "bad_data", "not a series selector").await;
    check("/api/v1/series?match[]=up%20@%20end()", 400, "bad_data", "not a series selector").await;
    check("/api/v3/nope", 404, "not_found", "/api/v3/nope").await;
    check("/api/v1/nope", 404, "not_found", "query_range").await;
}

#[tokio::test]
async fn metadata_is_listed_sorted_and_cut_at_the_limit() {
    let check = async |path: &str, expected: Value| assert_eq!(ask(path).await.1["data"], expected, "{path}");
    check("/api/v1/labels", json!(["__name__", "instance", "job"])).await;
    check("/api/v1/label/instance/values?match[]=chat_calls_total", json!(["a:1", "b:1"])).await;
    check("/api/v1/series?match[]=up", json!([{"__name__": "up", "instance": "a:1", "job": "movieguru"}]))
        .await;
    check("/api/v1/format_query?query=sum(up)by(job)", json!("sum by (job) (up)")).await;
    let (_, cut) = ask("/api/v1/labels?limit=1").await;
    assert_eq!(
        cut,
        json!({"status": "success", "data": ["__name__"], "warnings": ["results truncated due to limit"]})
    );
    let app = Fake::new(Mood::Burning);
    let posted = post(&app, "/api/v1/query", ("origin", "https://grafana.example"), "query=1&time=3").await;
    assert_eq!(posted.json()["data"]["result"], json!([3, "1"]));
}

#[tokio::test]
async fn rules_and_alerts_have_prometheus_fields() {
    let (_, rules) = ask("/api/v1/rules?type=alert").await;
    let rule = &rules["data"]["groups"][0]["rules"][0];
    assert_eq!(
        (&rule["name"], &rule["state"], &rule["duration"]),
        (&json!("TargetDown"), &json!("firing"), &json!(60.0))
    );
    assert_eq!(rule["alerts"][0]["value"], "0e+00");
    assert_eq!(rules["data"]["groups"][0]["rules"].as_array().unwrap().len(), 1);
    let (_, alerts) = ask("/api/v1/alerts").await;
    assert_eq!(alerts["data"]["alerts"][0]["labels"]["alertname"], "TargetDown");
    assert_eq!(alerts["data"]["alerts"][1]["value"], "6e+01");
    assert_eq!(ask("/api/v1/rules?type=both").await.0, 400);
}

#[tokio::test]
async fn alertmanager_clients_read_and_silence() {
    let (_, alerts) = ask("/api/v2/alerts?filter=alertname%3D%22TargetDown%22").await;
    assert_eq!(alerts.as_array().unwrap().len(), 1);
    assert_eq!(alerts[0]["status"]["state"], "suppressed");
    assert_eq!(ask("/api/v2/alerts?silenced=false").await.1.as_array().unwrap().len(), 2);
    let (_, silences) = ask("/api/v2/silences?expired=false").await;
    assert_eq!(silences.as_array().unwrap().len(), 1);
    let matcher = json!([{"name": "alertname", "value": "TargetDown", "isRegex": false, "isEqual": true}]);
    assert_eq!(silences[0]["matchers"], matcher);
    let none = get(Mood::Burning, "/api/v2/silence/6b1f0e9c-0000-4000-8000-00000000ffff").await;
    assert_eq!((none.status.as_u16(), none.text().as_str()), (404, ""));
    assert_eq!(ask("/api/v2/silence/nope").await.0, 422);

    let post = async |content_type: &str, body: Value| {
        let request = Request::post("/api/v2/silences").header("content-type", content_type);
        let answer =
            send(&Fake::new(Mood::Burning), request.body(Body::from(body.to_string())).unwrap()).await;
        (answer.status.as_u16(), answer.json())
    };
    let silence = |start: &str, end: &str| json!({"matchers": matcher, "startsAt": start, "endsAt": end, "createdBy": "amtool", "comment": "c"});
    let good = silence("2026-11-21T02:30:00Z", "2026-11-21T04:30:00+01:00");
    let expected = json!({"silenceID": "6b1f0e9c-0000-4000-8000-000000000003"});
    assert_eq!(post("application/json", good.clone()).await, (200, expected));
    assert_eq!(post("text/plain", good).await.0, 415);
    let backwards = silence("2026-11-21T03:30:00Z", "2026-11-21T02:30:00Z");
    assert_eq!(
        post("application/json", backwards).await,
        (400, json!("failed to create silence: start time must be before end time"))
    );
    assert_eq!(post("application/json", silence("now", "later")).await.0, 400);
}

#[tokio::test]
async fn our_own_api_gives_what_the_command_line_reads_back() {
    use bellwether_web::view::{AlertView, DeliveryView, Overview, SilenceView, TargetView};
    let bytes = async |path: &str| get(Mood::Burning, path).await.bytes;
    let overview: Overview = serde_json::from_slice(&bytes("/api/bellwether/v1/overview").await).unwrap();
    assert_eq!(overview.receivers_failing[0].receiver, "team-slack");
    let alerts: Vec<AlertView> = serde_json::from_slice(&bytes("/api/bellwether/v1/alerts").await).unwrap();
    assert_eq!(alerts.len(), 4);
    let silences: Vec<SilenceView> =
        serde_json::from_slice(&bytes("/api/bellwether/v1/silences").await).unwrap();
    let targets: Vec<TargetView> =
        serde_json::from_slice(&bytes("/api/bellwether/v1/targets").await).unwrap();
    let deliveries: Vec<DeliveryView> =
        serde_json::from_slice(&bytes("/api/bellwether/v1/deliveries").await).unwrap();
    assert_eq!((silences.len(), targets.len(), deliveries.len()), (2, 3, 2));
    let (_, slo) = ask("/api/bellwether/v1/slos/movieguru/chat-latency").await;
    assert_eq!(slo["goal_text"], "99%");
    assert_eq!(ask("/api/bellwether/v1/phase").await.1["phase"], "6");
}

#[tokio::test]
async fn probes_and_reload_say_how_things_stand() {
    let check = async |mood, path: &str, status: u16, text: &str| {
        let answer = get(mood, path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert!(answer.text().contains(text), "{path}: {}", answer.text());
    };
    check(Mood::Burning, "/-/healthy", 200, "healthy").await;
    check(Mood::Burning, "/-/ready", 200, "ready").await;
    check(Mood::Empty, "/-/ready", 503, "loading").await;
    check(Mood::Burning, "/metrics", 200, "bellwether_up 1").await;
    let bad = post(&Fake::new(Mood::Empty), "/-/reload", ("user-agent", "curl"), "").await;
    assert_eq!(bad.status.as_u16(), 500);
    assert!(bad.text().contains("slo.yaml:7:13"));
}

#[tokio::test]
async fn the_past_of_an_objective_can_be_asked() {
    let base = "/api/bellwether/v1/slos/shop/checkout";
    let (status, found) = ask(&format!("{base}/what-if?goal=98%25&last=1d")).await;
    assert_eq!((status, found["left_ratio"].as_f64()), (200, Some(0.5)), "{found}");
    let (status, found) = ask(&format!("{base}/suggest")).await;
    assert_eq!((status, found["achievable"]["goal_text"].as_str()), (200, Some("98%")), "{found}");
    let (status, found) = ask(&format!("{base}/forecast")).await;
    assert_eq!((status, found["method"].as_str()), (200, Some("exhausted")), "{found}");
    for (path, status, part) in [
        ("what-if", 400, "goal"),
        ("what-if?goal=99.9", 400, "has no unit; write 0.999"),
        ("what-if?goal=99%25&last=x", 400, "last"),
        ("what-if?goal=99%25&last=1d&from=0", 400, "keep one of them"),
        ("what-if?goal=99%25&from=9&to=3", 400, "not after"),
        ("what-if?goal=99%25&from=never", 400, "from"),
    ] {
        let (got, answer) = ask(&format!("{base}/{path}")).await;
        assert_eq!(got, status, "{path}: {answer}");
        assert!(answer.to_string().contains(part), "{path}: {answer}");
    }
    assert_eq!(ask("/api/bellwether/v1/slos/nobody/forecast").await.0, 404);
}
