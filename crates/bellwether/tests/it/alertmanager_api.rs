//! Alertmanager's API beside the real Alertmanager: the same alerts, silences and questions to both, and the same
//! answers, apart from identities, times, and what is listed here as meant to differ.

use std::collections::BTreeMap;

use bellwether_testkit::{cases, peers};
use reqwest::Method;
use serde_json::{Value, json};

use crate::alertmanager_peer::Alertmanager;
use crate::process::{Folder, Server, client};
use crate::prometheus_peer::free_port;

const ROUTING: &str = "\
route:
  receiver: default
  group_by: [alertname]
  group_wait: 1s
  routes:
  - {receiver: web, matchers: ['team=\"web\"'], group_by: ['...'], continue: true}
  - {receiver: pager, matchers: ['severity=~\"page|ticket\"'], group_by: [team, alertname]}
  - {receiver: never, matchers: ['quiet=\"yes\"'], mute_time_intervals: [always]}
time_intervals:
- name: always
  time_intervals: [{times: [{start_time: '00:00', end_time: '24:00'}]}]
inhibit_rules:
- {source_matchers: ['alertname=\"ClusterDown\"'], target_matchers: ['severity=\"page\"', 'alertname!=\"ClusterDown\"'], equal: [cluster]}
receivers:
- name: default
- name: web
- name: pager
  webhook_configs: [{url: 'http://127.0.0.1:9/pager?token=hunter2'}]
- name: never
";

/// Both programs, asked the same.
struct Both {
    http: reqwest::Client,
    real: String,
    ours: String,
    /// Silences of either, by what the test calls them.
    ids: BTreeMap<String, [String; 2]>,
    compared: u64,
}

struct Answered {
    status: u16,
    body: Value,
}

impl Both {
    async fn one(&self, at: usize, method: &Method, path: &str, body: Option<&[u8]>) -> Answered {
        let base = [&self.real, &self.ours][at];
        let path = self.ids.iter().fold(path.to_owned(), |path, (name, ids)| path.replace(name, &ids[at]));
        let mut request = self.http.request(method.clone(), format!("{base}/api/v2{path}"));
        if let Some(body) = body {
            let replaced = String::from_utf8(body.to_vec()).map(|text| {
                self.ids.iter().fold(text, |text, (name, ids)| text.replace(name, &ids[at])).into_bytes()
            });
            let body = replaced.unwrap_or_else(|error| error.into_bytes());
            request = request.header("content-type", "application/json").body(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let body = match text.trim() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|error| panic!("{path}: {error}: {text}")),
        };
        Answered { status, body }
    }

    /// Asks both and compares statuses, and bodies where both accept.
    async fn ask(&mut self, method: Method, path: &str, body: Option<&[u8]>) -> [Value; 2] {
        let (real, ours) = tokio::join!(self.one(0, &method, path, body), self.one(1, &method, path, body));
        let said = body.map(String::from_utf8_lossy).unwrap_or_default();
        let about = format!("{method} {path} {said}\nreal {:#}\nours {:#}", real.body, ours.body);
        assert_eq!(real.status, ours.status, "{about}");
        if real.status == 200 {
            let shown = |at: usize, body: &Value| {
                let mut body = body.clone();
                self.normalise(at, &mut body);
                body
            };
            assert_eq!(shown(0, &real.body), shown(1, &ours.body), "{about}");
        } else {
            // Words are our own; whether they are a bare string or have a code is the shape.
            let shape = |body: &Value| body.get("code").cloned().unwrap_or_else(|| json!(body.is_string()));
            assert_eq!(shape(&real.body), shape(&ours.body), "{about}");
        }
        self.compared += 1;
        [real.body, ours.body]
    }

    async fn get(&mut self, path: &str) -> [Value; 2] {
        self.ask(Method::GET, path, None).await
    }

    async fn post(&mut self, path: &str, body: &str) -> [Value; 2] {
        self.ask(Method::POST, path, Some(body.as_bytes())).await
    }

    /// Makes a silence on both under a name.
    async fn silence(&mut self, name: &str, body: &str) {
        let ids =
            self.post("/silences", body).await.map(|body| body["silenceID"].as_str().unwrap().to_owned());
        self.ids.insert(name.to_owned(), ids);
    }

    /// Identities by their names here, moments that are the process' own by a word, and no fields that only a
    /// newer Alertmanager has.
    fn normalise(&self, at: usize, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.normalise(at, item)),
            Value::Object(fields) => {
                fields.remove("routeLabels");
                fields.remove("updatedAt");
                fields.remove("silenceID");
                for (name, field) in fields.iter_mut() {
                    match (name.as_str(), field.as_str()) {
                        ("startsAt" | "endsAt", Some(text)) if text.starts_with("20") => {
                            let at: jiff::Timestamp = text.parse().unwrap();
                            let now = jiff::Timestamp::now();
                            // Within the test's own minutes only "now" and "in five minutes" can be meant.
                            let near = at.duration_since(now).as_secs();
                            *field = match near {
                                -120..=120 => json!("now"),
                                150..=310 => json!("in five minutes"),
                                _ => json!(at.to_string()),
                            };
                        }
                        _ => self.normalise(at, field),
                    }
                }
                if fields.contains_key("silencedBy") {
                    let silenced = fields["silencedBy"].as_array_mut().unwrap();
                    silenced.sort_by_key(ToString::to_string);
                }
            }
            Value::String(text) => {
                if let Some((name, _)) = self.ids.iter().find(|(_, ids)| ids[at] == *text) {
                    *text = name.clone();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

const ALERTS: &str = r#"[
  {"labels": {"alertname": "Latency", "team": "web", "severity": "page", "cluster": "a", "instance": "w2"}, "annotations": {"summary": "slow <b>&\" \u00e9"}, "generatorURL": "http://p/graph?g0.expr=up&g0.tab=1", "startsAt": "2026-01-02T03:04:05.678Z", "endsAt": "2099-01-01T00:00:00Z"},
  {"labels": {"alertname": "Latency", "team": "web", "severity": "page", "cluster": "b", "instance": "w1"}},
  {"labels": {"alertname": "ClusterDown", "cluster": "a", "severity": "page"}},
  {"labels": {"alertname": "DiskFull", "severity": "ticket", "job": "node", "instance": "n1", "empty": ""}},
  {"labels": {"alertname": "DiskFull", "severity": "ticket", "job": "node", "instance": "n0"}},
  {"labels": {"alertname": "Odd name \u00fc", "label with space": "x", "z": "1"}},
  {"labels": {"alertname": "Future"}, "endsAt": "9999-12-31T23:59:59Z"},
  {"labels": {"alertname": "Over"}, "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-01-01T00:05:00Z"}
]"#;

fn silence(matchers: &str, starts: &str, ends: &str) -> String {
    format!(
        r#"{{"matchers": [{matchers}], "startsAt": "{starts}", "endsAt": "{ends}", "createdBy": "ana", "comment": "c <i>"}}"#
    )
}

#[tokio::test]
async fn everything_is_answered_as_the_real_alertmanager_answers_it() {
    let Some(program) = peers::program("prometheus-alertmanager") else { return };
    let folder = Folder::new("alertmanager-api");
    let port = free_port().await;
    let Some(real) = Alertmanager::start_with(&program, &folder, port, ROUTING).await else { return };
    let config = folder.write("bellwether.yml", "alertmanager: alertmanager.yml\n");
    let server = Server::start(&config, &folder.path("data")).await;
    let (http, ours) = (client(), server.url.clone());
    let mut both = Both { http, real: real.url.clone(), ours, ids: BTreeMap::new(), compared: 0 };

    bodies_are_taken_or_refused(&mut both).await;
    both.post("/alerts", ALERTS).await;
    silences_are_made_and_refused(&mut both).await;
    listings_agree(&mut both).await;
    silences_change_and_end(&mut both).await;
    what_is_resolved_is_listed_no_more(&mut both).await;
    paths_and_methods(&mut both).await;
    the_status_says_who_it_is(&mut both).await;
    cases::ran("peers/alertmanager-api", both.compared);
}

async fn bodies_are_taken_or_refused(both: &mut Both) {
    let bodies = [
        "[]",
        "null",
        "",
        "{",
        "{}",
        "[{}]",
        r#"[{"labels":{}}]"#,
        r#"[{"labels":{"a":""}}]"#,
        r#"[{"labels":{"":"x"}}]"#,
        r#"[{"labels":{"a":1}}]"#,
        r#"[{"labels":{"a":null}}]"#,
        r#"[{"labels":{"a":"b"},"annotations":{"":"x"}}]"#,
        r#"[{"labels":{"a":"t"},"startsAt":"x"}]"#,
        r#"[{"labels":{"a":"t"},"startsAt":"2026-01-02T00:00:00Z","endsAt":"2026-01-01T00:00:00Z"}]"#,
        r#"[{"labels":{"a":"t"},"startsAt":"9999-12-31T23:59:59Z"}]"#,
        r#"[{"labels":{"a":"t"},"endsAt":"10000-12-31T23:59:59Z"}]"#,
        r#"[{"labels":{"a":"t"},"generatorURL":"not a url"}]"#,
        r#"[{"labels":{"bodies":"zero"},"startsAt":"0001-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z"}]"#,
        r#"[{"labels":{"bodies":"empty"},"startsAt":"","generatorURL":""}]"#,
        r#"[{"labels":{"bodies":"null"},"startsAt":null,"generatorURL":null,"annotations":null}]"#,
        r#"[{"labels":{"bodies":"first","bodies":"second"},"unknown":{"x":[1]}}]"#,
        r#"[{"labels":{"bodies":"half \ud800 pair"}}]"#,
        r#"[{"labels":{"bodies":"zone"},"startsAt":"2026-01-02T00:00:00.123456789+02:00","endsAt":"2099-01-02"}]"#,
    ];
    for body in bodies {
        both.ask(Method::POST, "/alerts", Some(body.as_bytes())).await;
    }
    both.ask(Method::POST, "/alerts", Some(b"[{\"labels\":{\"bodies\":\"bad \xff\xfe\"}}]")).await;
}

async fn silences_are_made_and_refused(both: &mut Both) {
    let far = ("2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z");
    let is = |name: &str, value: &str| format!(r#"{{"name":"{name}","value":"{value}","isRegex":false}}"#);
    let refused = [
        "{}".to_owned(),
        "{".to_owned(),
        "[]".to_owned(),
        silence("", far.0, far.1),
        silence(r#"{"name":"a","value":"b"}"#, far.0, far.1),
        silence(r#"{"name":"a","isRegex":true}"#, far.0, far.1),
        silence(&is("", "x"), far.0, far.1),
        silence(&is("a", ""), far.0, far.1),
        silence(r#"{"name":"a","value":"(","isRegex":true}"#, far.0, far.1),
        silence(r#"{"name":"a","value":".*","isRegex":true}"#, far.0, far.1),
        silence(r#"{"name":"a","value":"x","isRegex":"true"}"#, far.0, far.1),
        silence(&is("a", "x"), "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"),
        silence(&is("a", "x"), "2022-01-01T00:00:00Z", "2021-01-01T00:00:00Z"),
        silence(&is("a", "x"), "yesterday", far.1),
        silence(&is("a", "x"), far.0, far.1).replacen(
            '{',
            r#"{"id":"6b4dd7a0-3b4b-4b4b-8b4b-4b4b4b4b4b4b","#,
            1,
        ),
        silence(&is("a", "x"), far.0, far.1).replacen('{', r#"{"id":"abc","#, 1),
        silence(&is("a", "x"), far.0, far.1).replace(r#""createdBy": "ana", "#, ""),
        silence(&is("a", "x"), far.0, far.1).replacen('{', r#"{"annotations":{"ticket":7},"#, 1),
        silence(&is("a", "x"), far.0, far.1).replacen('{', r#"{"annotations":["ticket"],"#, 1),
    ];
    for body in &refused {
        both.post("/silences", body).await;
    }
    both.silence("SILENCE-DISK", &silence(&is("alertname", "DiskFull"), far.0, far.1)).await;
    let w = r#"{"name":"instance","value":"w[12]|n1","isRegex":true,"isEqual":true},{"name":"cluster","value":"b","isRegex":false,"isEqual":false}"#;
    let said = r#"{"annotations":{"ticket":"OPS-7","empty":"","none":null},"#;
    both.silence("SILENCE-SOME", &silence(w, far.0, "2098-01-01T00:00:00Z").replacen('{', said, 1)).await;
    both.silence("SILENCE-LATER", &silence(&is("a", "later"), "2090-01-01T00:00:00Z", far.1)).await;
    both.silence("SILENCE-UNTIL", &silence(&is("odd name", "x"), far.0, "9999-12-31T23:59:59Z")).await;
}

async fn listings_agree(both: &mut Both) {
    let questions = [
        "",
        "?active=false",
        "?silenced=false",
        "?inhibited=false",
        "?unprocessed=false",
        "?silenced=0&inhibited=off",
        "?active=maybe",
        "?active=",
        "?active=TRUE",
        "?receiver=pager",
        "?receiver=pa",
        "?receiver=pager|web",
        "?receiver=(",
        "?receiver=",
        "?filter=alertname%3D%22Latency%22",
        "?filter=alertname%3DLatency&filter=cluster%21%3Da",
        "?filter=instance%3D~%22w.*%22",
        "?filter=instance%21~%22w.%2B%22",
        "?filter=team%3D%22%22",
        "?filter=team%21%3D%22%22",
        "?filter=a",
        "?filter=a%3D%22x",
        "?filter=a%3D~%22(%22",
        "?filter=",
        "?filter=%22label%20with%20space%22%3Dx",
        "?filter=alertname%3D~%22Disk.*%22&receiver=pager&active=false",
    ];
    for question in questions {
        both.get(&format!("/alerts{question}")).await;
        both.get(&format!("/alerts/groups{question}")).await;
    }
    // `active`, `pending` and `expired` are newer than the peer, which skips them.
    for question in [
        "",
        "?filter=alertname%3D%22DiskFull%22",
        "?filter=alertname%3D~%22DiskFull%22",
        "?filter=instance%3D~%22w%5B12%5D%7Cn1%22&filter=cluster%21%3Db",
        "?filter=x",
    ] {
        both.get(&format!("/silences{question}")).await;
    }
    both.get("/receivers").await;
    both.get("/receivers?receiver_matchers=name%3D~%22w.*%22").await;
    both.get("/receivers?receiver_matchers=x").await;
    both.get("/alerts?receiver_matchers=name%3Dweb").await;
    both.get("/alerts/groups?receiver_matchers=name%3Dweb").await;
}

async fn silences_change_and_end(both: &mut Both) {
    both.get("/silence/SILENCE-DISK").await;
    both.get("/silence/SILENCE-SOME").await;
    both.get("/silence/abc").await;
    both.get("/silence/6b4dd7a0-3b4b-4b4b-8b4b-4b4b4b4b4b4b").await;
    both.ask(Method::DELETE, "/silence/6b4dd7a0-3b4b-4b4b-8b4b-4b4b4b4b4b4b", None).await;
    both.ask(Method::DELETE, "/silence/abc", None).await;
    // A change of the comment or the end keeps the identity; one of the matchers ends it and begins another.
    let bodies = both.get("/silence/SILENCE-DISK").await;
    for (at, body) in bodies.iter().enumerate() {
        let mut longer = body.clone();
        longer["endsAt"] = json!("2097-01-01T00:00:00.000Z");
        longer["comment"] = json!("longer");
        let answer = both.one(at, &Method::POST, "/silences", Some(longer.to_string().as_bytes())).await;
        assert_eq!(answer.body["silenceID"], body["id"], "{at}");
        let mut other = longer.clone();
        other["matchers"][0]["value"] = json!("DiskSlow");
        let answer = both.one(at, &Method::POST, "/silences", Some(other.to_string().as_bytes())).await;
        assert_ne!(answer.body["silenceID"], body["id"], "{at}");
        let id = answer.body["silenceID"].as_str().unwrap().to_owned();
        both.ids.entry("SILENCE-OTHER".to_owned()).or_default()[at] = id;
    }
    both.get("/silences").await;
    both.get("/alerts?filter=alertname%3DDiskFull").await;
    for name in ["SILENCE-SOME", "SILENCE-LATER", "SILENCE-SOME", "SILENCE-OTHER"] {
        both.ask(Method::DELETE, &format!("/silence/{name}"), None).await;
        both.get(&format!("/silence/{name}")).await;
    }
    both.get("/alerts").await;
    both.get("/silences").await;
}

async fn what_is_resolved_is_listed_no_more(both: &mut Both) {
    let over = r#"[{"labels": {"alertname": "ClusterDown", "cluster": "a", "severity": "page"}, "endsAt": "2026-01-01T00:00:00Z"}]"#;
    both.post("/alerts", over).await;
    both.get("/alerts").await;
    both.get("/alerts/groups").await;
}

async fn paths_and_methods(both: &mut Both) {
    both.get("/nothing").await;
    both.ask(Method::PUT, "/alerts", None).await;
    both.ask(Method::DELETE, "/silences", None).await;
    both.ask(Method::PATCH, "/status", None).await;
}

async fn the_status_says_who_it_is(both: &mut Both) {
    let (real, ours) =
        (both.one(0, &Method::GET, "/status", None).await, both.one(1, &Method::GET, "/status", None).await);
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&real.body), names(&ours.body));
    assert_eq!(names(&real.body["versionInfo"]), names(&ours.body["versionInfo"]));
    let version = |value: &Value| value["versionInfo"]["version"].as_str().unwrap().to_owned();
    let minor = |version: String| version.split('.').take(2).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(minor(version(&real.body)), minor(version(&ours.body)), "the one we are compared with");
    assert_eq!(real.body["cluster"], ours.body["cluster"]);
    let config = ours.body["config"]["original"].as_str().unwrap();
    assert!(config.contains("url: <secret>") && !config.contains("hunter2"), "{config}");
    assert!(ours.body["uptime"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
}
