//! One configuration, the same alerts, one receiver of our own that keeps what it is sent: by the real Alertmanager, and by
//! us. Every field is the same, but for what we mean to say otherwise.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bellwether::senders::Senders;
use bellwether_alerts::{AlertCore, AlertSource, Effect, Event, Restored, Setup};
use bellwether_model::{Alert, Labels, TimeDelta, Timestamp};
use bellwether_testkit::{cases, peers};
use serde_json::{Value, json};

use crate::alertmanager_peer::Alertmanager;
use crate::process::{DEADLINE, Folder, client};
use crate::prometheus_peer::free_port;
use crate::senders_fake::{Fake, Seen};
use crate::told::setup_of;

/// When the alerts of a run began and ended. Alertmanager does not wait for the others of a group when an alert is older
/// than `group_wait`, so they begin now.
#[derive(Clone, Copy)]
struct Times {
    starts_at: jiff::Timestamp,
    ends_at: jiff::Timestamp,
}

/// Texts of the default templates are our own, so every text is stated.
fn config(fake: &Fake) -> String {
    let base = format!("http://{}", fake.address);
    format!(
        r##"
route: {{receiver: all, group_by: [job], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}}
receivers:
- name: all
  slack_configs:
  - api_url: {base}/slack
    channel: '#{{{{ .GroupLabels.job }}}}'
    send_resolved: true
    username: us
    title: '[{{{{ .Status | toUpper }}}}] {{{{ .CommonLabels.alertname }}}}'
    title_link: '{{{{ .ExternalURL }}}}/x'
    text: '{{{{ range .Alerts }}}}{{{{ .Annotations.summary }}}} {{{{ .Status }}}}|{{{{ end }}}}'
    pretext: p
    fallback: f
    callback_id: c
    footer: o
    icon_emoji: ':fire:'
    color: '{{{{ if eq .Status "firing" }}}}danger{{{{ else }}}}good{{{{ end }}}}'
    short_fields: true
    link_names: true
    message_text: m
    fields: [{{title: One, value: '{{{{ len .Alerts }}}}'}}, {{title: Two, value: b, short: false}}]
    actions: [{{type: button, text: Go, url: '{{{{ .ExternalURL }}}}', confirm: {{text: sure}}}}]
  - app_url: {base}/api/chat.postMessage
    app_token: xoxb-1
    channel: '#ops'
    send_resolved: true
    username: ''
    title: t
    title_link: ''
    text: x
    fallback: ''
  pagerduty_configs:
  - url: {base}/pagerduty
    routing_key: '{{{{ .GroupLabels.job }}}}-key'
    description: '{{{{ .CommonLabels.job }}}} {{{{ .Status }}}}'
    client: us
    client_url: '{{{{ .ExternalURL }}}}'
    severity: warning
    class: slow
    component: auth
    group: web
    links: [{{href: '{{{{ .ExternalURL }}}}', text: Here}}, {{href: '', text: Nowhere}}]
    images: [{{src: '{{{{ .ExternalURL }}}}/i', alt: An image}}]
    details: {{more: '{{{{ .CommonLabels.job }}}}', count: '{{{{ len .Alerts }}}}', nested: {{a: [1, 'x']}}}}
  opsgenie_configs:
  - api_url: {base}/opsgenie
    api_key: key
    message: '{{{{ .CommonLabels.job }}}} {{{{ .Status }}}}'
    description: d
    source: s
    details: {{more: '{{{{ .Status }}}}'}}
    entity: e
    priority: P2
    note: n
    tags: 'a,b, c'
    actions: 'x,y'
    update_alerts: true
    responders: [{{name: '{{{{ .GroupLabels.job }}}}', type: team}}, {{name: 'a,b', type: teams}}]
  webhook_configs:
  - url: {base}/webhook/{{{{ .GroupLabels.job }}}}
    http_config: {{authorization: {{credentials: open sesame}}}}
  - url: {base}/max
    max_alerts: 1
  - url: {base}/payload
    payload:
      text: '{{{{ .CommonLabels.job }}}}'
      count: '{{{{ len .Alerts.Firing }}}}'
      firing: '{{{{ .Alerts.Firing | toJson }}}}'
      nested: {{'{{{{ .Status }}}}': [true, 2, '{{{{ .Receiver }}}}']}}
"##
    )
}

/// What is posted in each phase: alert, and whether it is over.
const PHASES: [&[(&str, bool)]; 3] = [
    &[("Slow", false), ("Wrong & <odd> ü", false)],
    &[("Slow", false), ("Wrong & <odd> ü", true)],
    &[("Slow", true)],
];
/// How many requests a phase makes.
const REQUESTS: [usize; 3] = [9, 9, 7];

fn labels(name: &str) -> BTreeMap<&str, &str> {
    BTreeMap::from([("alertname", name), ("job", "login"), ("zone", "a\"b\\c")])
}

#[tokio::test]
async fn what_a_receiver_is_sent_is_what_alertmanager_sends() {
    let Some(program) = peers::program("prometheus-alertmanager") else { return };
    let fake = Fake::start().await;
    let yaml = config(&fake);
    let folder = Folder::new("senders-peer");
    let port = free_port().await;
    let Some(peer) = Alertmanager::start_with(&program, &folder, port, &yaml).await else { return };
    let starts_at = jiff::Timestamp::now().round(jiff::Unit::Millisecond).unwrap();
    let times = Times { starts_at, ends_at: starts_at + jiff::SignedDuration::from_millis(900) };
    let http = client();
    let mut theirs = Vec::new();
    for (alerts, count) in PHASES.iter().zip(REQUESTS) {
        post(&http, &peer.url, alerts, times).await;
        theirs.push(collected(&fake, count).await);
    }
    let body = theirs[0].iter().find(|seen| seen.uri.path() == "/max").unwrap().json();
    let external_url = body["externalURL"].as_str().unwrap().to_owned();
    let mut us = Us::new(Setup { external_url, ..setup_of(&yaml) }, times);
    let mut compared = 0;
    for (phase, (alerts, theirs)) in PHASES.iter().zip(theirs).enumerate() {
        us.hear(alerts).await;
        let ours = collected(&fake, REQUESTS[phase]).await;
        assert_eq!(lines(&ours), lines(&theirs), "phase {phase}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            compare(ours, theirs, phase);
            compared += 1;
        }
    }
    cases::ran("peers/alertmanager-receivers", compared);
}

/// What we decide and send, in virtual time.
struct Us {
    core: AlertCore,
    senders: Senders,
    times: Times,
    now: Timestamp,
}

impl Us {
    fn new(setup: Setup, times: Times) -> Self {
        let core = AlertCore::restore(setup.clone(), Restored::default(), Timestamp(0));
        Self { core, senders: Senders::new(setup), times, now: stamp(times.ends_at) }
    }

    async fn hear(&mut self, alerts: &[(&str, bool)]) {
        self.now += TimeDelta::MINUTE;
        let alerts = alerts.iter().map(|(name, is_over)| alert(name, *is_over, self.times)).collect();
        let mut effects = self.core.step(Event::Alerts { source: AlertSource::Api, alerts }, self.now);
        self.now += TimeDelta::MINUTE;
        effects.extend(self.core.step(Event::Tick, self.now));
        for effect in effects {
            if let Effect::Deliver(delivery) = effect {
                let key = delivery.key.clone();
                let outcome = self.senders.send(*delivery).await;
                self.core.step(Event::Delivered { delivery: key, outcome }, self.now);
            }
        }
    }
}

/// Fails unless two requests say the same, but for what is meant to be said otherwise.
fn compare(ours: &Seen, theirs: &Seen, phase: usize) {
    let (mut our_body, mut their_body) = (ours.json(), theirs.json());
    let path = theirs.uri.path();
    let place = format!("{path} in phase {phase}");
    assert_eq!(ours.header("authorization"), theirs.header("authorization"), "{place}");
    let kind = |seen: &Seen| seen.header("content-type").split(';').next().map(str::to_owned);
    assert_eq!(kind(ours), kind(theirs), "{place}");
    match path {
        "/pagerduty" => {
            let payload = our_body["payload"].as_object_mut().unwrap();
            assert_eq!(payload.remove("timestamp").is_some(), phase < 2, "{place}");
            // Go writes what version 1 would need, empty, and links without their text.
            remove(&mut their_body, &["event_type"]);
        }
        "/slack" => escape(&mut their_body),
        path if path.starts_with("/webhook") || path == "/max" => {
            // Those of 0.34, which this one is not yet.
            let of_034 = ["routeLabels", "notification_reason"];
            let missing: Vec<&str> =
                of_034.into_iter().filter(|name| their_body.get(name).is_none()).collect();
            remove(&mut our_body, &missing);
        }
        _ => {}
    }
    for body in [&mut our_body, &mut their_body] {
        sort_alerts(body);
    }
    assert_eq!(our_body, their_body, "{place}");
}

fn remove(body: &mut Value, names: &[&str]) {
    for name in names {
        body.as_object_mut().unwrap().remove(*name);
    }
}

/// In our Slack messages a label is only text.
fn escape(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.replace("<odd>", "&lt;odd&gt;"),
        Value::Array(items) => items.iter_mut().for_each(escape),
        Value::Object(fields) => fields.values_mut().for_each(escape),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Ours are in order of status and labels, Alertmanager's in one of its own.
fn sort_alerts(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.iter_mut().for_each(sort_alerts);
            if items.iter().all(|item| item.get("fingerprint").is_some()) {
                items.sort_by_key(|item| item["fingerprint"].to_string());
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(sort_alerts),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn lines(seen: &[Seen]) -> Vec<String> {
    seen.iter().map(|seen| format!("{} {}", seen.method, seen.uri)).collect()
}

/// The next requests, in order of where they went.
async fn collected(fake: &Fake, count: usize) -> Vec<Seen> {
    let begun = Instant::now();
    let mut all = Vec::new();
    while all.len() < count {
        all.extend(fake.seen());
        assert!(begun.elapsed() < DEADLINE, "only {:?}", lines(&all));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(all.len(), count, "{:?}", lines(&all));
    all.sort_by_key(|seen| (seen.uri.to_string(), seen.method.to_string()));
    all
}

async fn post(http: &reqwest::Client, url: &str, alerts: &[(&str, bool)], times: Times) {
    let body: Vec<Value> = alerts
        .iter()
        .map(|(name, is_over)| {
            let mut alert = json!({
                "labels": labels(name),
                "annotations": {"summary": format!("{name} is")},
                "startsAt": times.starts_at.to_string(),
                "generatorURL": "http://prom.example/graph?a=1&b=2",
            });
            if *is_over {
                alert["endsAt"] = times.ends_at.to_string().into();
            }
            alert
        })
        .collect();
    let answer = http.post(format!("{url}/api/v2/alerts")).json(&body).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{}", answer.text().await.unwrap());
}

fn alert(name: &str, is_over: bool, times: Times) -> Alert {
    Alert {
        labels: Labels::from_pairs(labels(name)),
        annotations: Labels::from_pairs([("summary", format!("{name} is"))]),
        starts_at: stamp(times.starts_at),
        ends_at: is_over.then(|| stamp(times.ends_at)),
        generator_url: "http://prom.example/graph?a=1&b=2".to_owned(),
    }
}

fn stamp(at: jiff::Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millisecond())
}
