//! Sudden death at every step of a decision's way to people, and a thousand times at random: no message is lost, no
//! silence and no acknowledgement, nobody is left believing that something fires which is over, and who hears something
//! twice hears it under the same key.
//!
//! `BELLWETHER_KILLS` says how often to kill, `BELLWETHER_SEED` repeats a run's decisions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bellwether::failpoint::Step;
use bellwether_testkit::{cases, postgres};
use reqwest::Method;
use serde_json::{Value, json};

use crate::process::{Folder, Server};

/// Kills at random moments when nobody says how many.
const KILLS: usize = 150;
/// How often the process dies at each step.
const DEATHS_PER_STEP: usize = 12;
const SERVICES: usize = 8;
/// As many alerts fire at a time at most, so that messages stay small.
const FIRING_MAX: usize = 40;
/// Each life may take so long at most.
const LIFE_MAX: Duration = Duration::from_millis(250);

/// A message as it came in.
#[derive(Clone, Debug)]
struct Message {
    key: String,
    service: String,
    /// Fingerprint, status and start of every alert in it.
    said: BTreeSet<String>,
    /// Names of the alerts in it, and whether they fire.
    alerts: BTreeMap<String, bool>,
    body: Value,
    /// The life of the process that sent it.
    life: usize,
    taken: bool,
    /// Whether the sender got an answer.
    answered: bool,
}

/// The receiver, in the test's own process.
#[derive(Clone)]
struct Inbox {
    messages: Arc<Mutex<Vec<Message>>>,
    random: Arc<Mutex<fastrand::Rng>>,
}

impl Inbox {
    async fn open(seed: u64) -> (Self, String) {
        let random = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
        let inbox = Self { messages: Arc::default(), random };
        let router = Router::new().route("/receive", post(receive)).with_state(inbox.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (inbox, address)
    }

    fn messages(&self) -> Vec<Message> {
        self.messages.lock().unwrap().clone()
    }

    /// What the receiver believes: the last word on every alert.
    fn beliefs(&self) -> BTreeMap<String, bool> {
        let messages = self.messages.lock().unwrap();
        let taken = messages.iter().filter(|message| message.taken);
        taken.flat_map(|message| message.alerts.clone()).collect()
    }
}

/// Takes nearly all messages; now and then it takes one and the answer gets lost.
async fn receive(State(inbox): State<Inbox>, headers: HeaderMap, body: String) -> Response {
    let header = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
    let body: Value = serde_json::from_str(&body).unwrap();
    let alerts = body["alerts"].as_array().unwrap();
    let answered = inbox.random.lock().unwrap().u32(..40) != 0;
    let message = Message {
        key: header("idempotency-key"),
        service: body["groupLabels"]["service"].as_str().unwrap().to_owned(),
        said: alerts
            .iter()
            .map(|a| format!("{} {} {}", a["fingerprint"], a["status"], a["startsAt"]))
            .collect(),
        alerts: alerts
            .iter()
            .map(|a| (a["labels"]["alertname"].as_str().unwrap().to_owned(), a["status"] == "firing"))
            .collect(),
        life: header("x-life").parse().unwrap(),
        taken: true,
        answered,
        body,
    };
    inbox.messages.lock().unwrap().push(message);
    match answered {
        true => StatusCode::OK.into_response(),
        // A body that is shorter than it says breaks the connection off.
        false => Response::builder().status(500).header("content-length", "10").body(Body::empty()).unwrap(),
    }
}

fn config(address: &str, life: usize) -> String {
    format!(
        r#"
external_url: http://bellwether.example
alertmanager:
  route: {{receiver: all, group_by: [service], group_wait: 30ms, group_interval: 100ms, repeat_interval: 4h}}
  receivers:
    - name: all
      webhook_configs:
        - url: 'http://{address}/receive'
          http_config: {{http_headers: {{X-Life: {{values: ['{life}']}}}}}}
"#
    )
}

/// What somebody asks of the process.
#[derive(Clone, Debug)]
enum Wish {
    Fire(usize),
    Resolve(usize),
    Silence,
    Expire(String),
    Acknowledge(usize),
}

/// What the process has acknowledged in any of its lives.
#[derive(Default)]
struct Acknowledged {
    /// Whether an alert fires, by number.
    alerts: BTreeMap<usize, bool>,
    silences: BTreeSet<String>,
    expired: BTreeSet<String>,
    acks: BTreeSet<usize>,
    /// What was asked when the process died: it may or may not have been done, and is asked again.
    unsure: Option<Wish>,
    ends: BTreeMap<usize, String>,
    fingerprints: BTreeMap<usize, String>,
    count: usize,
}

impl Acknowledged {
    fn firing(&self) -> Vec<usize> {
        self.alerts.iter().filter(|(_, fires)| **fires).map(|(number, _)| *number).collect()
    }

    fn next(&mut self, random: &mut fastrand::Rng) -> Wish {
        if let Some(unsure) = self.unsure.take() {
            return unsure;
        }
        let firing = self.firing();
        let any = |random: &mut fastrand::Rng| firing[random.usize(..firing.len())];
        match random.u32(..20) {
            0 => Wish::Silence,
            1 if !self.silences.is_empty() => {
                let place = random.usize(..self.silences.len());
                Wish::Expire(self.silences.iter().nth(place).unwrap().clone())
            }
            2..4 if !firing.is_empty() => Wish::Acknowledge(any(random)),
            4..11 if !firing.is_empty() => Wish::Resolve(any(random)),
            _ if firing.len() >= FIRING_MAX => Wish::Resolve(any(random)),
            _ => Wish::Fire(self.alerts.len()),
        }
    }

    /// Asks, and notes what was acknowledged; false when there was no answer.
    async fn ask(&mut self, server: &Server, wish: Wish) -> bool {
        self.unsure = Some(wish.clone()); // whoever gives up waiting for the answer leaves it so
        let done = match &wish {
            Wish::Fire(number) => self.post(server, *number, "2099-01-01T00:00:00Z").await,
            Wish::Resolve(number) => {
                // Asked again, it is the same end: another one would be something new to say.
                let now = || bellwether::clock::now().to_string();
                let end = self.ends.entry(*number).or_insert_with(now).clone();
                self.post(server, *number, &end).await
            }
            Wish::Silence => self.add_silence(server).await,
            Wish::Expire(id) => self.expire(server, id.clone()).await,
            Wish::Acknowledge(number) => self.acknowledge(server, *number).await,
        };
        if done {
            self.count += 1;
            self.unsure = None;
        }
        done
    }

    async fn post(&mut self, server: &Server, number: usize, ends_at: &str) -> bool {
        let labels = json!({"alertname": format!("a{number}"), "service": format!("s{}", number % SERVICES)});
        let body = json!([{"labels": labels, "startsAt": "2026-01-01T00:00:00Z", "endsAt": ends_at}]);
        let Some(answer) = server.ask(Method::POST, "/api/v2/alerts", Some(&body)).await else {
            return false;
        };
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.alerts.insert(number, ends_at.starts_with("2099"));
        true
    }

    async fn add_silence(&mut self, server: &Server) -> bool {
        let wish = json!({
            "matchers": [{"name": "nobody", "value": "x", "isRegex": false, "isEqual": true}],
            "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z",
            "createdBy": "tester", "comment": "must survive",
        });
        let Some(answer) = server.ask(Method::POST, "/api/v2/silences", Some(&wish)).await else {
            return false;
        };
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        self.silences.insert(answer["silenceID"].as_str().unwrap().to_owned());
        true
    }

    async fn expire(&mut self, server: &Server, id: String) -> bool {
        let path = format!("/api/v2/silence/{id}");
        if server.ask(Method::DELETE, &path, None).await.is_none() {
            return false;
        }
        self.silences.remove(&id);
        self.expired.insert(id);
        true
    }

    async fn acknowledge(&mut self, server: &Server, number: usize) -> bool {
        if !self.fingerprints.contains_key(&number) {
            let Some(answer) = server.ask(Method::GET, "/api/v2/alerts", None).await else { return false };
            let alerts: Value = serde_json::from_str(&answer.body).unwrap();
            for alert in alerts.as_array().unwrap() {
                let name = alert["labels"]["alertname"].as_str().unwrap();
                let fingerprint = alert["fingerprint"].as_str().unwrap().to_owned();
                self.fingerprints.insert(name[1..].parse().unwrap(), fingerprint);
            }
        }
        let fingerprint = &self.fingerprints[&number];
        let path = format!("/api/bellwether/v1/alerts/{fingerprint}/ack");
        let body = json!({"by": "ann"});
        let Some(answer) = server.ask(Method::POST, &path, Some(&body)).await else { return false };
        assert!(answer.status < 300, "{} {}", answer.status, answer.body);
        self.acks.insert(number);
        true
    }
}

/// Where the state is kept, as arguments of the program.
type StateArguments = Vec<String>;

struct Trial {
    folder: Folder,
    address: String,
    inbox: Inbox,
    state: StateArguments,
    acknowledged: Acknowledged,
    random: fastrand::Rng,
    lives: usize,
}

impl Trial {
    async fn new(name: &str, state: StateArguments) -> Self {
        let seed = seed();
        let (inbox, address) = Inbox::open(seed).await;
        let random = fastrand::Rng::with_seed(seed ^ 1);
        let folder = Folder::new(name);
        Self { folder, address, inbox, state, acknowledged: Acknowledged::default(), random, lives: 0 }
    }

    fn spawn(&mut self, env: &[(&str, &str)]) -> Server {
        self.lives += 1;
        let path: PathBuf = self.folder.write("bellwether.yml", &config(&self.address, self.lives));
        let state: Vec<&str> = self.state.iter().map(String::as_str).collect();
        Server::spawn_with(&path, &self.folder.path("data"), &state, env)
    }

    /// One life, which ends at a step of the process' own or at any moment.
    async fn live(&mut self, env: &[(&str, &str)]) {
        let mut server = self.spawn(env);
        let long = Duration::from_millis(self.random.u64(..LIFE_MAX.as_millis() as u64));
        if self.random.u32(..10) == 0 && env.is_empty() {
            tokio::time::sleep(long).await; // dies while it starts
        } else if server.ready_or_dead().await {
            let begun = Instant::now();
            let time_left = if env.is_empty() { long } else { LIFE_MAX * 8 };
            let acting = async {
                loop {
                    let wish = self.acknowledged.next(&mut self.random);
                    if !self.acknowledged.ask(&server, wish).await {
                        return;
                    }
                }
            };
            let _ = tokio::time::timeout(time_left.saturating_sub(begun.elapsed()), acting).await;
        }
        server.kill();
    }

    /// A last life in which everything settles; then everything that was acknowledged is looked for.
    async fn check(mut self, kind: &str) {
        let mut server = self.spawn(&[]);
        server.ready().await;
        self.make_sure(&server).await;
        let truth = self.acknowledged.alerts.clone();
        server.until("the receiver believes the truth", async |_| wrong(&truth, &self.inbox.beliefs())).await;
        self.check_silences(&server).await;
        self.check_acks(&server).await;
        let twice = check_keys(&self.inbox.messages());
        eprintln!(
            "{kind}: {} lives, {} requests acknowledged, {} alerts, {} messages, of them said twice (same key): {twice}",
            self.lives,
            self.acknowledged.count,
            truth.len(),
            self.inbox.messages().len(),
        );
        cases::ran(&format!("crash/{kind}"), self.lives as u64);
        server.kill();
    }

    /// Whatever was asked when a process died is asked again: alerts by stating them all anew.
    async fn make_sure(&mut self, server: &Server) {
        if let Some(wish) = self.acknowledged.unsure.take() {
            assert!(self.acknowledged.ask(server, wish).await);
        }
    }

    async fn check_silences(&self, server: &Server) {
        let silences = server.json("/api/v2/silences").await;
        let state = |silence: &Value| silence["status"]["state"].as_str().unwrap().to_owned();
        let by_id: BTreeMap<String, String> = (silences.as_array().unwrap().iter())
            .map(|silence| (silence["id"].as_str().unwrap().to_owned(), state(silence)))
            .collect();
        for (ids, want) in [(&self.acknowledged.silences, "active"), (&self.acknowledged.expired, "expired")]
        {
            for id in ids {
                assert_eq!(by_id.get(id).map(String::as_str), Some(want), "silence {id}");
            }
        }
    }

    async fn check_acks(&self, server: &Server) {
        let alerts = server.json("/api/bellwether/v1/alerts").await;
        for alert in alerts.as_array().unwrap().iter().filter(|alert| alert["state"] == "firing") {
            let name = alert["labels"]["alertname"].as_str().unwrap();
            let number: usize = name[1..].parse().unwrap();
            if self.acknowledged.acks.contains(&number) {
                assert_eq!(alert["ack"]["by"], "ann", "the acknowledgement of {name} is gone");
            }
        }
    }
}

/// Alerts of which the receiver believes something else. One that ended before it could be told need not be known.
fn wrong(truth: &BTreeMap<usize, bool>, beliefs: &BTreeMap<String, bool>) -> Result<(), String> {
    let is_wrong = |(number, fires): (&usize, &bool)| match (beliefs.get(&format!("a{number}")), fires) {
        (None, false) => false,
        (None, true) => true,
        (Some(believed), fires) => believed != fires,
    };
    let wrong: Vec<_> = truth.iter().filter(|alert| is_wrong(*alert)).collect();
    if wrong.is_empty() { Ok(()) } else { Err(format!("alert and whether it fires: {wrong:?}")) }
}

/// A key always says the same; it comes twice only when its sender died or got no answer; and what was said last to a
/// group is not said again under another key. Gives how many came twice.
fn check_keys(messages: &[Message]) -> usize {
    let mut by_key: BTreeMap<&str, &Message> = BTreeMap::new();
    let mut last: BTreeMap<&str, &Message> = BTreeMap::new();
    let mut twice = 0;
    for message in messages {
        if let Some(before) = by_key.insert(&message.key, message) {
            assert_eq!(before.body, message.body, "one key, two messages");
            let is_known = before.life == message.life && before.answered;
            assert!(!is_known, "said twice though it was answered:\n{}", history(messages, &message.service));
            twice += 1;
        }
        if let Some(before) = last.insert(&message.service, message) {
            let again = before.said == message.said && before.key != message.key;
            assert!(
                !again,
                "said twice under two keys: {}\n{}",
                message.key,
                history(messages, &message.service)
            );
        }
    }
    twice
}

/// The messages about one group, one a line.
fn history(messages: &[Message], service: &str) -> String {
    let line = |m: &Message| {
        let alerts: Vec<String> = m
            .alerts
            .iter()
            .map(|(name, fires)| format!("{name}{}", if *fires { "!" } else { "." }))
            .collect();
        format!("life {} key {} answered {}: {}\n", m.life, &m.key[..8], m.answered, alerts.join(" "))
    };
    messages.iter().filter(|m| m.service == service).map(line).collect()
}

fn seed() -> u64 {
    let seed = std::env::var("BELLWETHER_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("BELLWETHER_SEED={seed}");
    seed
}

fn kills() -> usize {
    std::env::var("BELLWETHER_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS)
}

/// Dies at each step a few times, in its first, third or thirtieth passing.
async fn die_at_every_step(name: &str, kind: &str, state: StateArguments) {
    let mut trial = Trial::new(name, state).await;
    for step in Step::ALL {
        for _ in 0..DEATHS_PER_STEP {
            let times = trial.random.usize(1..30);
            trial.live(&[("BELLWETHER_DIE_AT", &format!("{}:{times}", step.as_str()))]).await;
        }
    }
    trial.check(kind).await;
}

async fn die_at_random(name: &str, kind: &str, state: StateArguments) {
    let mut trial = Trial::new(name, state).await;
    for _ in 0..kills() {
        trial.live(&[]).await;
    }
    trial.check(kind).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dying_at_every_step_of_a_decision_loses_nothing() {
    die_at_every_step("die-at", "steps", Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_does_it_with_postgresql() {
    let Some(postgres) = postgres::shared() else { return };
    let state = vec!["--state".to_owned(), postgres.database("die_at")];
    die_at_every_step("die-at-postgres", "steps-postgres", state).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn being_killed_at_random_loses_nothing() {
    die_at_random("kill", "random", Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn being_killed_at_random_loses_nothing_with_postgresql() {
    let Some(postgres) = postgres::shared() else { return };
    let state = vec!["--state".to_owned(), postgres.database("kill")];
    die_at_random("kill-postgres", "random-postgres", state).await;
}
