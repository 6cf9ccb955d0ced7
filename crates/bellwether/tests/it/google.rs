//! The `curl` lines that the documentation of Google Cloud Monitoring has people write work against this server: what
//! they make is watched at once and is there after sudden death.

use reqwest::Method;
use serde_json::{Value, json};

use crate::process::{Answer, Folder, Server};

const SERVICES: &str = "/v3/projects/p1/services";
const OBJECTIVES: &str = "/v3/projects/p1/services/chat/serviceLevelObjectives";

/// As the workshop has it, once its shell has put the name in.
const UNQUOTED: &str =
    "{\n  \"displayName\": movieguru-service,\n  \"gkeService\": {\n    \"projectId\": \"p1\"\n  }\n}";

fn engagement() -> Value {
    let metric = "metric.type=\"prometheus.googleapis.com/movieguru_chat_outcome_counter_total/counter\" \
                  resource.type=\"prometheus_target\"";
    json!({
        "displayName": "80% - Chat Engagement Rate - Calendar day",
        "goal": 0.8,
        "calendarPeriod": "DAY",
        "serviceLevelIndicator": { "requestBased": { "goodTotalRatio": {
            "goodServiceFilter":
                format!("{metric} metric.labels.Outcome=monitoring.regex.full_match(\"Engaged|Acknowledged\")"),
            "totalServiceFilter": metric,
        }}},
    })
}

async fn send(server: &Server, method: Method, path: &str, body: &str) -> (u16, Value) {
    let answer = server.send(method, path, body, &[("authorization", "Bearer ya29.local")]).await;
    let Answer { status, body } = answer;
    (status, serde_json::from_str(&body).unwrap_or_else(|_| Value::from(body)))
}

async fn ids(server: &Server) -> Vec<String> {
    let slos = server.json("/api/bellwether/v1/slos").await;
    slos.as_array().unwrap().iter().map(|slo| slo["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_objective_made_through_the_interface_is_watched_and_survives() {
    let folder = Folder::new("google");
    let config = folder.write("bellwether.yml", "{}");
    let mut server = Server::start(&config, &folder.path("data")).await;

    // The body that is not JSON is answered with the place and the remedy.
    let create = format!("{SERVICES}?service_id=chat");
    let (status, answer) = send(&server, Method::POST, &create, UNQUOTED).await;
    assert_eq!(status, 400);
    assert_eq!(
        answer["error"]["message"],
        "body:2:18: movieguru-service is not in quotes; write \"movieguru-service\""
    );
    let (status, _) = send(&server, Method::POST, OBJECTIVES, &engagement().to_string()).await;
    assert_eq!(status, 404, "there is no service yet");
    let quoted = UNQUOTED.replace("movieguru-service", "\"movieguru-service\"");
    let (status, answer) = send(&server, Method::POST, &create, &quoted).await;
    assert_eq!((status, &answer["name"]), (200, &json!("projects/p1/services/chat")), "{answer}");
    let (status, _) = send(&server, Method::POST, &create, &quoted).await;
    assert_eq!(status, 409, "the service is there already");

    let (status, made) = send(&server, Method::POST, OBJECTIVES, &engagement().to_string()).await;
    let id = "80-chat-engagement-rate-calendar-day";
    let name = format!("projects/p1/services/chat/serviceLevelObjectives/{id}");
    assert_eq!((status, &made["name"]), (200, &json!(name)), "{made}");
    let slos = server.json("/api/bellwether/v1/slos").await;
    assert_eq!(slos[0]["id"], format!("chat/{id}"));
    assert_eq!((&slos[0]["source"], &slos[0]["dialect"]), (&json!("api"), &json!("google")));
    assert_eq!((&slos[0]["goal_text"], &slos[0]["period_text"]), (&json!("80%"), &json!("calendar day")));

    // A mistake changes nothing and is said where it stands.
    let wrong = engagement().to_string().replace("0.8", "80");
    let (status, answer) =
        send(&server, Method::POST, &format!("{OBJECTIVES}?service_level_objective_id=x"), &wrong).await;
    assert_eq!(status, 400, "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("goal 80 has no unit"), "{answer}");
    assert_eq!(ids(&server).await.len(), 1);

    server.kill();
    let mut server = Server::start(&config, &folder.path("data")).await;
    assert_eq!(ids(&server).await, [format!("chat/{id}")], "after sudden death");
    server.ask(Method::POST, "/-/reload", None).await.unwrap();
    assert_eq!(ids(&server).await, [format!("chat/{id}")], "after a reload");

    let one = format!("{OBJECTIVES}/{id}");
    let (status, answer) =
        send(&server, Method::PATCH, &format!("{one}?updateMask=goal"), "{\"goal\": 0.9}").await;
    assert_eq!((status, &answer["goal"]), (200, &json!(0.9)), "{answer}");
    assert_eq!(server.json("/api/bellwether/v1/slos").await[0]["goal_text"], "90%");
    let (_, list) = send(&server, Method::GET, OBJECTIVES, "").await;
    assert_eq!(list["serviceLevelObjectives"][0]["name"], json!(name));

    let (status, _) = send(&server, Method::DELETE, &one, "").await;
    assert_eq!((status, ids(&server).await.len()), (200, 0));
    let (status, _) = send(&server, Method::GET, &one, "").await;
    assert_eq!(status, 404);
    server.stop().await;
}

#[tokio::test]
async fn pages_of_other_sites_make_no_objectives() {
    let folder = Folder::new("google-guard");
    let config = folder.write("bellwether.yml", "{}");
    let mut server = Server::start(&config, &folder.path("data")).await;
    let path = format!("{SERVICES}?service_id=chat");
    let answer = server.send(Method::POST, &path, "{}", &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(answer.status, 403);
    server.stop().await;
}

#[tokio::test]
async fn every_refusal_has_googles_shape_and_changes_nothing() {
    let folder = Folder::new("google-refusals");
    let config = folder.write("bellwether.yml", "{}");
    let mut server = Server::start(&config, &folder.path("data")).await;
    let (status, _) = send(&server, Method::POST, &format!("{SERVICES}?service_id=chat"), "{}").await;
    assert_eq!(status, 200);
    let named = format!("{OBJECTIVES}?service_level_objective_id=x");
    // Of many that are made at once under one name, one is made.
    let body = engagement().to_string();
    let make = || send(&server, Method::POST, &named, &body);
    let (a, b, c, d) = tokio::join!(make(), make(), make(), make());
    let mut statuses = [a.0, b.0, c.0, d.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409]);

    let one = format!("{OBJECTIVES}/x");
    let huge = format!("{{\"displayName\": \"{}\"}}", "x".repeat(2 << 20));
    for (method, path, body, status, message) in [
        (Method::PUT, one.as_str(), "{}", 405, "PUT does nothing at"),
        (Method::GET, "/v3/nowhere", "", 404, "Nothing is at /v3/nowhere"),
        (
            Method::PATCH,
            &format!("{one}?updateMask=gaol"),
            "{\"goal\": 0.9}",
            400,
            "updateMask names \"gaol\", which no objective has; there are calendarPeriod, displayName, goal",
        ),
        // The last one: the server hangs up on whoever sends too much.
        (Method::POST, OBJECTIVES, huge.as_str(), 400, "the body is longer than 2 MiB"),
    ] {
        let (answered, error) = send(&server, method, path, body).await;
        assert_eq!(answered, status, "{error}");
        assert_eq!(error["error"]["code"], json!(status), "{error}");
        let said = error["error"]["message"].as_str().unwrap_or_default();
        assert!(said.contains(message), "{said}");
        if status != 400 || path != OBJECTIVES {
            assert_eq!(server.json("/api/bellwether/v1/slos").await[0]["goal_text"], "80%");
        }
    }
    server.stop().await;
}
