//! Receivers that answer 429, 500, hang, break the connection off, or lie, in random order, over ten thousand alerts:
//! whatever happens on the way, the last word on every group reaches every receiver.
//!
//! The core and the senders are the real ones and so are the connections; only waiting is virtual.
//! `BELLWETHER_SEED` repeats a run's decisions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bellwether::senders::Senders;
use bellwether_alerts::{
    AlertCore, AlertSource, Config, Delivery, Effect, Event, Outcome, Receipt, Restored, Setup,
};
use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_model::{Alert, Labels, TimeDelta, Timestamp};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const ALERTS: usize = 10_000;
const SERVICES: usize = 1_000;
/// Everything happens on this grid, so that what is due together is sent together.
const GRID: TimeDelta = TimeDelta::from_secs(30);
/// How long alerts come and go.
const STORM: TimeDelta = TimeDelta::HOUR;
/// How long one message is tried at most.
const RETRY_HORIZON: TimeDelta = TimeDelta(24 * TimeDelta::HOUR.0);
/// Messages sent at the same time.
const AT_ONCE: usize = 64;

fn config(address: &str) -> Arc<Config> {
    let yaml = format!(
        "
route: {{receiver: both, group_by: [service], group_wait: 30s, group_interval: 5m, repeat_interval: 4h}}
receivers:
  - name: both
    webhook_configs: [{{url: 'http://{address}/webhook', timeout: 40ms}}]
    slack_configs:
      - {{api_url: 'http://{address}/slack', send_resolved: true, timeout: 40ms, title: title,
         text: '{{{{ range .Alerts }}}}{{{{ .Labels.alertname }}}} {{{{ .Status }}}};{{{{ end }}}}',
         fallback: '{{{{ .GroupLabels.service }}}}'}}
"
    );
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("alertmanager.yml", yaml);
    let config = Config::read(&sources, file, &mut out);
    Arc::new(config.unwrap_or_else(|| panic!("{}", out.render(&sources, Style { color: false }))))
}

/// How a receiver answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mood {
    Takes,
    Limited,
    Broken,
    Hangs,
    BreaksOff,
    /// It took the message, and then the connection broke.
    TakesAndBreaksOff,
    /// 200 with an error in the body.
    Lies,
}

const MOODS: [Mood; 10] = [
    Mood::Takes,
    Mood::Takes,
    Mood::Takes,
    Mood::Limited,
    Mood::Limited,
    Mood::Broken,
    Mood::Hangs,
    Mood::BreaksOff,
    Mood::TakesAndBreaksOff,
    Mood::Lies,
];

/// What a receiver believes: by receiver and service, the alerts it was last told of and whether they fire.
type Beliefs = BTreeMap<(String, String), BTreeMap<String, bool>>;

/// The receivers: everything that came, and how it was answered.
#[derive(Default)]
struct Inbox {
    answers: BTreeMap<Mood, usize>,
    /// The body that came under each key, with its path.
    by_key: BTreeMap<String, Value>,
    /// The last message taken, by receiver and service.
    last: BTreeMap<(String, String), Value>,
    taken_twice: usize,
    taken: BTreeSet<String>,
}

struct Receivers {
    inbox: Mutex<Inbox>,
    random: Mutex<fastrand::Rng>,
}

impl Receivers {
    async fn open(seed: u64) -> (Arc<Self>, String) {
        let random = Mutex::new(fastrand::Rng::with_seed(seed));
        let receivers = Arc::new(Self { inbox: Mutex::default(), random });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (to_serve, shared) = (listener, receivers.clone());
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = to_serve.accept().await else { return };
                tokio::spawn(shared.clone().serve(stream));
            }
        });
        (receivers, address)
    }

    /// Answers requests of one connection as the mood is, until it breaks the connection off or the caller does.
    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        while let Some(request) = read_request(&mut stream).await {
            let mood = MOODS[self.random.lock().unwrap().usize(..MOODS.len())];
            let mood = match (mood, request.path.as_str()) {
                (Mood::Lies, "/webhook") => Mood::Broken, // whose body nobody reads
                (mood, _) => mood,
            };
            self.note(mood, &request);
            let answer = match mood {
                Mood::Takes => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
                Mood::Limited => "HTTP/1.1 429 Too Many\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n",
                Mood::Broken => "HTTP/1.1 500 Oh\r\ncontent-length: 4\r\n\r\noops",
                Mood::Lies => "HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nrate_limited",
                Mood::Hangs => {
                    std::future::pending::<()>().await;
                    return;
                }
                Mood::BreaksOff | Mood::TakesAndBreaksOff => return,
            };
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    fn note(&self, mood: Mood, request: &Request) {
        let mut inbox = self.inbox.lock().unwrap();
        *inbox.answers.entry(mood).or_default() += 1;
        let first = inbox.by_key.entry(request.key.clone()).or_insert_with(|| request.body.clone());
        assert_eq!(*first, request.body, "one key, two messages");
        if matches!(mood, Mood::Takes | Mood::TakesAndBreaksOff) {
            inbox.last.insert((request.path.clone(), service_of(request)), request.body.clone());
            if !inbox.taken.insert(request.key.clone()) {
                inbox.taken_twice += 1;
            }
        }
    }

    /// What each receiver believes of each group after the last message it took.
    fn beliefs(&self) -> Beliefs {
        let inbox = self.inbox.lock().unwrap();
        let belief = |((path, service), body): (&(String, String), &Value)| {
            let alerts = if path == "/webhook" { of_webhook(body) } else { of_slack(body) };
            ((path.clone(), service.clone()), alerts)
        };
        inbox.last.iter().map(belief).collect()
    }
}

fn service_of(request: &Request) -> String {
    let service = match request.path.as_str() {
        "/webhook" => &request.body["groupLabels"]["service"],
        _ => &request.body["attachments"][0]["fallback"],
    };
    service.as_str().unwrap().to_owned()
}

fn of_webhook(body: &Value) -> BTreeMap<String, bool> {
    let alert = |alert: &Value| {
        (alert["labels"]["alertname"].as_str().unwrap().to_owned(), alert["status"] == "firing")
    };
    body["alerts"].as_array().unwrap().iter().map(alert).collect()
}

fn of_slack(body: &Value) -> BTreeMap<String, bool> {
    let text = body["attachments"][0]["text"].as_str().unwrap();
    let alert = |line: &str| {
        let (name, status) = line.split_once(' ').unwrap();
        (name.to_owned(), status == "firing")
    };
    text.split(';').filter(|line| !line.is_empty()).map(alert).collect()
}

struct Request {
    path: String,
    key: String,
    body: Value,
}

/// One request of a connection that stays open; `None` when there is none any more.
async fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        read_more(stream, &mut bytes).await?;
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let length: usize = header("content-length").unwrap().parse().unwrap();
    while bytes.len() < head_end + length {
        read_more(stream, &mut bytes).await?;
    }
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let body = serde_json::from_slice(&bytes[head_end..head_end + length]).unwrap();
    Some(Request { path, key: header("idempotency-key").unwrap(), body })
}

async fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 8192];
    let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
    bytes.extend_from_slice(&chunk[..read]);
    Some(())
}

/// One alert's life.
#[derive(Clone)]
struct Life {
    name: String,
    service: String,
    begin: Timestamp,
    end: Option<Timestamp>,
}

fn lives(random: &mut fastrand::Rng) -> Vec<Life> {
    let slots = STORM.0 / GRID.0;
    let at = |slot: i64| Timestamp(slot * GRID.0);
    (0..ALERTS)
        .map(|number| {
            let begin = random.i64(0..slots);
            // Most end, many of them before anybody who is told late could hear of them.
            let end = (random.u32(..10) < 7).then(|| at(begin + random.i64(1..slots)));
            let (name, service) = (format!("a{number}"), format!("s{}", number % SERVICES));
            Life { name, service, begin: at(begin), end }
        })
        .collect()
}

fn alert(life: &Life, ends_at: Option<Timestamp>) -> Alert {
    Alert {
        labels: Labels::from_pairs([("alertname", life.name.as_str()), ("service", life.service.as_str())]),
        annotations: Labels::empty(),
        starts_at: life.begin,
        ends_at,
        generator_url: String::new(),
    }
}

/// What begins and what ends, by time.
fn happenings(lives: &[Life]) -> BTreeMap<Timestamp, Vec<Alert>> {
    let mut all: BTreeMap<Timestamp, Vec<Alert>> = BTreeMap::new();
    for life in lives {
        all.entry(life.begin).or_default().push(alert(life, None));
        if let Some(end) = life.end {
            all.entry(end).or_default().push(alert(life, Some(end)));
        }
    }
    all
}

struct World {
    core: AlertCore,
    senders: Arc<Senders>,
    attempts: usize,
    /// How long after its decision a message was taken, of those that took more than one attempt.
    delays: Vec<TimeDelta>,
    decided: BTreeMap<String, Timestamp>,
}

impl World {
    /// Steps, sends what is to be sent, and tells the core how it went, until nothing more is due.
    async fn step(&mut self, event: Event, now: Timestamp) {
        let mut due = deliveries(self.core.step(event, now));
        while !due.is_empty() {
            let mut next = Vec::new();
            for (delivery, outcome) in self.send_all(due).await {
                self.note(&delivery, &outcome, now);
                let event = Event::Delivered { delivery: delivery.key, outcome };
                next.extend(deliveries(self.core.step(event, now)));
            }
            due = next;
        }
    }

    async fn send_all(&mut self, mut due: Vec<Delivery>) -> Vec<(Delivery, Outcome)> {
        self.attempts += due.len();
        let (mut sending, mut done) = (JoinSet::new(), Vec::new());
        while !(due.is_empty() && sending.is_empty()) {
            while sending.len() < AT_ONCE
                && let Some(delivery) = due.pop()
            {
                let senders = self.senders.clone();
                sending.spawn(async move { (delivery.clone(), senders.send(delivery).await) });
            }
            done.extend(sending.join_next().await.map(Result::unwrap));
        }
        // In an order of its own, whatever the machine did.
        done.sort_by(|(a, _), (b, _)| a.key.cmp(&b.key));
        done
    }

    fn note(&mut self, delivery: &Delivery, outcome: &Outcome, now: Timestamp) {
        let decided = *self.decided.entry(delivery.key.0.clone()).or_insert(delivery.decided_at);
        if matches!(outcome.receipt, Receipt::Accepted { .. }) && delivery.attempt > 1 {
            self.delays.push(now - decided);
        }
    }
}

fn deliveries(effects: Vec<Effect>) -> Vec<Delivery> {
    let deliver = |effect| match effect {
        Effect::Deliver(delivery) => Some(*delivery),
        Effect::Record(_) | Effect::Answer(_) => None,
    };
    effects.into_iter().filter_map(deliver).collect()
}

fn seed() -> u64 {
    let seed = std::env::var("BELLWETHER_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("BELLWETHER_SEED={seed}");
    seed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_word_on_every_group_reaches_every_receiver_whatever_they_answer() {
    bellwether::install_tls();
    let seed = seed();
    let (receivers, address) = Receivers::open(seed).await;
    let config = config(&address);
    let setup = Setup {
        config: config.clone(),
        templates: Arc::default(),
        external_url: "http://bellwether.example".to_owned(),
        precedence: Arc::default(),
        fallback: None,
    };
    let core = AlertCore::restore(setup.clone(), Restored::default(), Timestamp(0));
    let senders = Arc::new(Senders::new(setup));
    let mut world = World { core, senders, attempts: 0, delays: Vec::new(), decided: BTreeMap::new() };
    let lives = lives(&mut fastrand::Rng::with_seed(seed ^ 1));
    let mut happenings = happenings(&lives);

    let (mut now, end) = (Timestamp(0), Timestamp(0) + STORM * 2 + RETRY_HORIZON);
    let mut quiet_at = now;
    while now < end {
        let alerts = happenings.remove(&now).unwrap_or_default();
        let event = if alerts.is_empty() {
            Event::Tick
        } else {
            Event::Alerts { source: AlertSource::Rules, alerts }
        };
        world.step(event, now).await;
        if happenings.is_empty() && wrong(&lives, &receivers.beliefs()).is_empty() {
            quiet_at = now;
            break;
        }
        let next = world.core.next_wake().into_iter().chain(happenings.keys().next().copied()).min();
        now = next.unwrap_or(end).max(now + GRID).floor_to(GRID);
    }
    let wrong = wrong(&lives, &receivers.beliefs());
    assert!(
        wrong.is_empty(),
        "{} groups believe something else: {:?}",
        wrong.len(),
        &wrong[..wrong.len().min(5)]
    );
    print_figures(&receivers, &mut world, quiet_at);
}

/// Receivers and groups whose last message is not the truth. Who has heard nothing of a group must have had no reason
/// to: all its alerts were over before they could be told.
fn wrong(lives: &[Life], beliefs: &Beliefs) -> Vec<String> {
    let mut firing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for life in lives {
        let of_service = firing.entry(&life.service).or_default();
        if life.end.is_none() {
            of_service.insert(&life.name);
        }
    }
    let mut wrong = Vec::new();
    for (service, truth) in &firing {
        for path in ["/webhook", "/slack"] {
            let belief = beliefs.get(&(path.to_owned(), (*service).to_owned()));
            let believed: BTreeSet<&str> = (belief.into_iter().flatten())
                .filter(|(_, fires)| **fires)
                .map(|(name, _)| name.as_str())
                .collect();
            if believed != *truth {
                wrong.push(format!("{path} {service}: {believed:?}, not {truth:?}"));
            }
        }
    }
    wrong
}

fn print_figures(receivers: &Receivers, world: &mut World, quiet_at: Timestamp) {
    let inbox = receivers.inbox.lock().unwrap();
    world.delays.sort();
    let at = |share: f64| {
        let place = (world.delays.len().saturating_sub(1) as f64 * share) as usize;
        world.delays.get(place).map(ToString::to_string).unwrap_or_default()
    };
    eprintln!(
        "{ALERTS} alerts, {SERVICES} groups, 2 receivers: {} messages, {} attempts, {:?}; taken twice under one key: {}; \
         messages that took several attempts: {}, from decision to receipt p50 {} p99 {} longest {}; all told {} after \
         the last change could happen",
        inbox.taken.len(),
        world.attempts,
        inbox.answers,
        inbox.taken_twice,
        world.delays.len(),
        at(0.5),
        at(0.99),
        at(1.0),
        quiet_at - (Timestamp(0) + STORM * 2),
    );
    assert!(world.attempts > inbox.taken.len() * 2, "the receivers were too friendly to show anything");
}
