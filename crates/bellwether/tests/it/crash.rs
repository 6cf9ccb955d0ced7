//! Sudden death under load, again and again: nothing that was acknowledged is lost, nothing is counted twice or
//! forgotten, no firing alert is forgotten, no message is lost.
//!
//! `BELLWETHER_SEED` repeats a run's decisions; the moments of death stay the machine's.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::crash_service::{Exposed, Message, TARGETS, World};
use crate::process::{Folder, Server};

const KILLS: usize = 50;

fn config(address: &str) -> String {
    let jobs: String = (0..TARGETS)
        .map(|replica| {
            format!(
                "
    - job_name: shop-{replica}
      metrics_path: /metrics/{replica}
      static_configs: [{{targets: ['{address}'], labels: {{replica: 'replica-{replica}'}}}}]"
            )
        })
        .collect();
    format!(
        r#"
external_url: http://bellwether.example
prometheus:
  global: {{scrape_interval: 150ms, scrape_timeout: 150ms}}
  scrape_configs:{jobs}
alertmanager:
  route:
    receiver: all
    group_by: [slo, alert, zone]
    group_wait: 100ms
    group_interval: 300ms
    repeat_interval: 4h
  receivers:
    - name: all
      webhook_configs: [{{url: 'http://{address}/receive/webhook', send_resolved: true}}]
      slack_configs: [{{api_url: 'http://{address}/receive/slack', channel: '#shop', send_resolved: true}}]
slos:
  - name: answers
    goal: "90%"
    window: 1h
    group_by: [zone]
    indicator: {{ratio: {{bad: 'requests_total{{code="500"}}', total: 'requests_total'}}}}
    alerts: [{{name: burn, severity: page, long: 1m, factor: 3}}]
  - name: speed
    goal: "90%"
    window: 1h
    indicator: {{latency: {{histogram: latency_seconds, threshold: 0.5}}}}
    alerts: []
  - name: steady
    goal: "90%"
    window: 1h
    indicator:
      ratio:
        bad: 'requests_total{{code="500",replica="replica-0"}}'
        total: 'requests_total{{replica="replica-0"}}'
    alerts: []
"#
    )
}

/// What the program has acknowledged in any of its lives.
#[derive(Default)]
struct Acknowledged {
    /// Scrapes that it said it had stored: replica and time.
    scrapes: BTreeSet<(usize, i64)>,
    /// Events counted so far.
    counted: f64,
    silences: BTreeSet<String>,
    /// Whether the burn-rate alert of a zone fires.
    firing: BTreeSet<String>,
}

impl Acknowledged {
    /// Notes what the program says of itself; anything may be missing, since it may die at any moment.
    async fn note(&mut self, server: &Server) {
        if let Some(targets) = try_json(server, "/api/bellwether/v1/targets").await {
            for target in targets.as_array().unwrap() {
                let (replica, at) = (&target["labels"]["replica"], &target["last_scrape_at"]);
                if target["last_error"] == "" && !at.is_null() {
                    self.scrapes.insert((replica_number(replica), at.as_i64().unwrap()));
                }
            }
        }
        if let Some(slos) = try_json(server, "/api/bellwether/v1/slos").await {
            let counted = find(&slos, "answers")["streams"][0]["total"]["total"].as_f64().unwrap();
            assert!(counted >= self.counted, "{} events were counted, now only {counted}", self.counted);
            self.counted = counted;
        }
    }

    async fn add_silence(&mut self, server: &Server) {
        let wish = json!({
            "matchers": [{"name": "nobody", "value": "x", "isRegex": false, "isEqual": true}],
            "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z",
            "createdBy": "tester", "comment": "must survive",
        });
        let answer = server.ask(Method::POST, "/api/v2/silences", Some(&wish)).await;
        if let Some(answer) = answer.filter(|answer| answer.status == 200) {
            let answer: Value = serde_json::from_str(&answer.body).unwrap();
            self.silences.insert(answer["silenceID"].as_str().unwrap().to_owned());
        }
    }

    /// Which alerts fire, as told to people; those that did before must fire still, or their conditions be over.
    async fn note_firing(&mut self, server: &Server) {
        let before = std::mem::take(&mut self.firing);
        self.firing = server
            .until("an alert that fired before fires still or is over", async |server| {
                // The objectives are read first: they may be a moment older than the alerts.
                let slos = server.json("/api/bellwether/v1/slos").await;
                let alerts = server.json("/api/v2/alerts").await;
                let told: BTreeSet<String> = alerts.as_array().unwrap().iter().map(zone_of_alert).collect();
                let burns: BTreeSet<String> = burning_zones(&slos);
                let forgotten: Vec<&String> =
                    before.intersection(&burns).filter(|z| !told.contains(*z)).collect();
                if forgotten.is_empty() { Ok(told) } else { Err(format!("{forgotten:?} of {told:?}")) }
            })
            .await;
    }
}

fn burning_zones(slos: &Value) -> BTreeSet<String> {
    let streams = find(slos, "answers")["streams"].as_array().unwrap();
    let burning = streams.iter().filter(|stream| stream["alerts"][0]["state"] == "firing");
    burning.map(|stream| stream["labels"]["zone"].as_str().unwrap_or_default().to_owned()).collect()
}

async fn try_json(server: &Server, path: &str) -> Option<Value> {
    let answer = server.ask(Method::GET, path, None).await?;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    Some(serde_json::from_str(&answer.body).unwrap())
}

fn replica_number(label: &Value) -> usize {
    label.as_str().unwrap().strip_prefix("replica-").unwrap().parse().unwrap()
}

fn zone_of_alert(alert: &Value) -> String {
    alert["labels"]["zone"].as_str().unwrap_or_default().to_owned()
}

fn find<'a>(slos: &'a Value, name: &str) -> &'a Value {
    slos.as_array().unwrap().iter().find(|slo| slo["name"] == name).unwrap()
}

fn seed() -> u64 {
    let seed = std::env::var("BELLWETHER_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("BELLWETHER_SEED={seed}");
    seed
}

/// All samples the program has, as scrapes: by replica and time, the values of all counters.
type Stored = BTreeMap<(usize, i64), (usize, Exposed)>;

async fn stored(server: &Server) -> Stored {
    let all = r#"{__name__=~"exposition_number|requests_total|latency_seconds_.*"}[1h]"#;
    let mut scrapes = Stored::new();
    for series in server.query(all).await.as_array().unwrap() {
        let replica = replica_number(&series["metric"]["replica"]);
        let name = exposed_name(&series["metric"]);
        for (at, value) in points(series) {
            let (number, values) = scrapes.entry((replica, at)).or_insert((usize::MAX, Exposed::new()));
            if name == "exposition_number{}" {
                *number = value as usize;
            } else {
                values.insert(name.clone(), value);
            }
        }
    }
    scrapes
}

fn points(series: &Value) -> impl Iterator<Item = (i64, u64)> {
    series["values"].as_array().unwrap().iter().map(|point| {
        let at = (point[0].as_f64().unwrap() * 1000.0).round() as i64;
        (at, point[1].as_str().unwrap().parse::<f64>().unwrap() as u64)
    })
}

/// The name as the service wrote it.
fn exposed_name(metric: &Value) -> String {
    let label = |name: &str| metric[name].as_str().map(|value| format!("{name}=\"{value}\""));
    let labels: Vec<String> = ["route", "zone", "code", "le"].into_iter().filter_map(label).collect();
    format!("{}{{{}}}", metric["__name__"].as_str().unwrap(), labels.join(","))
}

/// Good and total of an objective by brute force: every difference between two stored scrapes of a replica; a reset
/// counts from zero, as does what was born later than the replica's first scrape.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Events {
    good: u64,
    total: u64,
}

fn brute_force(stored: &Stored, replicas: &[usize], count: impl Fn(&str) -> Events) -> Events {
    let mut events = Events::default();
    for replica in replicas {
        let mut previous: Option<Exposed> = None;
        for (_, (_, now)) in stored.range((*replica, i64::MIN)..=(*replica, i64::MAX)) {
            for (name, value) in previous.iter().flat_map(|_| now) {
                let before = previous.as_ref().and_then(|previous| previous.get(name)).copied();
                let increment =
                    before.filter(|before| before <= value).map_or(*value, |before| value - before);
                let weight = count(name);
                events.good += weight.good * increment;
                events.total += weight.total * increment;
            }
            // What is not exposed at the moment continues from its last value when it comes back.
            previous.get_or_insert_default().extend(now.iter().map(|(name, value)| (name.clone(), *value)));
        }
    }
    events
}

fn requests(zone: Option<u32>) -> impl Fn(&str) -> Events {
    let zone = zone.map(|zone| format!("zone=\"z{zone}\"")).unwrap_or_default();
    move |name| {
        let counts = name.starts_with("requests_total") && name.contains(&zone);
        let (good, total) = (counts && name.contains("code=\"200\""), counts);
        Events { good: u64::from(good), total: u64::from(total) }
    }
}

fn latencies(name: &str) -> Events {
    let is = |part: &str| u64::from(name.starts_with("latency_seconds_bucket") && name.contains(part));
    Events { good: is("le=\"0.5\""), total: is("le=\"+Inf\"") }
}

fn ledger(slos: &Value, name: &str, stream: usize) -> Events {
    let total = &find(slos, name)["streams"][stream]["total"];
    let count = |field: &str| total[field].as_f64().unwrap() as u64;
    Events { good: count("good"), total: count("total") }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_counted_twice_when_the_process_is_killed_fifty_times() {
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed ^ 1);
    let (world, address) = World::open(seed).await;
    let folder = Folder::new("crash");
    let (path, data) = (folder.write("bellwether.yml", &config(&address)), folder.path("data"));
    let mut acknowledged = Acknowledged::default();

    for kill in 0..KILLS {
        if [10, 20, 30, 40].contains(&kill) {
            let is_bad = kill % 20 == 10;
            world.shop().change_weather(if is_bad { 80 } else { 1 });
        }
        let mut server = Server::spawn(&path, &data);
        if random.u32(..5) == 0 {
            tokio::time::sleep(Duration::from_millis(random.u64(..400))).await; // dies while it starts
        } else {
            server.ready().await;
            live(&server, &mut acknowledged, &mut random).await;
        }
        server.kill();
    }

    world.shop().is_closed = true;
    let server = Server::start(&path, &data).await;
    let stored = settle(&server, &world).await;
    check_samples(&world, &acknowledged, &stored);
    check_ledger(&server, &world, &acknowledged, &stored).await;
    check_silences(&server, &acknowledged).await;
    check_messages(&server, &world).await;
}

/// One life: what is acknowledged is noted, something is asked, and then it is over at any moment.
async fn live(server: &Server, acknowledged: &mut Acknowledged, random: &mut fastrand::Rng) {
    acknowledged.note_firing(server).await;
    for _ in 0..random.u32(1..4) {
        tokio::time::sleep(Duration::from_millis(random.u64(..300))).await;
        acknowledged.note(server).await;
        match random.u32(..8) {
            0 => acknowledged.add_silence(server).await,
            // A reload writes the ledger down, so that recovery begins at different places of the log.
            1 => assert_eq!(server.ask(Method::POST, "/-/reload", None).await.unwrap().status, 200),
            _ => acknowledged.note_firing(server).await,
        }
    }
    tokio::time::sleep(Duration::from_millis(random.u64(..200))).await;
}

/// Waits until the last events have been scraped from every replica and counted; gives all that is stored.
async fn settle(server: &Server, world: &World) -> Stored {
    let closed: Vec<usize> = world.shop().replicas.iter().map(|replica| replica.answers.len()).collect();
    server
        .until("every replica scraped once more", async |server| {
            let stored = stored(server).await;
            let last = |replica| stored.range((replica, 0)..=(replica, i64::MAX)).next_back();
            let is_new =
                |replica: usize| last(replica).is_some_and(|(_, (number, _))| *number >= closed[replica]);
            let missing: Vec<usize> = (0..TARGETS).filter(|replica| !is_new(*replica)).collect();
            if missing.is_empty() { Ok(()) } else { Err(format!("not yet: {missing:?}")) }
        })
        .await;
    // Two more scrapes of each: what came before them has been counted, and they themselves count nothing.
    let at = acknowledged_at(server).await;
    server
        .until("scrapes after that", async |server| {
            let now = acknowledged_at(server).await;
            if now.iter().zip(&at).all(|(now, then)| *now > then + 400) {
                Ok(())
            } else {
                Err(format!("{now:?}"))
            }
        })
        .await;
    stored(server).await
}

async fn acknowledged_at(server: &Server) -> Vec<i64> {
    let targets = server.json("/api/bellwether/v1/targets").await;
    targets.as_array().unwrap().iter().map(|target| target["last_scrape_at"].as_i64().unwrap_or(0)).collect()
}

/// Every acknowledged scrape is there; every scrape that is there is whole and says what the service said.
fn check_samples(world: &World, acknowledged: &Acknowledged, stored: &Stored) {
    assert!(acknowledged.scrapes.len() > KILLS, "only {} scrapes were seen", acknowledged.scrapes.len());
    let lost: Vec<_> = acknowledged.scrapes.iter().filter(|scrape| !stored.contains_key(scrape)).collect();
    assert!(lost.is_empty(), "acknowledged but gone: {lost:?}");
    let shop = world.shop();
    for ((replica, at), (number, values)) in stored {
        let exposed = shop.replicas[*replica].answers.get(*number);
        let exposed = exposed.unwrap_or_else(|| panic!("replica {replica} at {at}: only a part: {values:?}"));
        assert!(values == exposed, "replica {replica} at {at}: stored {values:?}\nexposed {exposed:?}");
    }
}

async fn check_ledger(server: &Server, world: &World, acknowledged: &Acknowledged, stored: &Stored) {
    let slos = server.json("/api/bellwether/v1/slos").await;
    let all: Vec<usize> = (0..TARGETS).collect();
    assert_eq!(ledger(&slos, "answers", 0), brute_force(stored, &all, requests(None)), "answers");
    for zone in 0..3 {
        let stream = zone as usize + 1;
        assert_eq!(
            ledger(&slos, "answers", stream),
            brute_force(stored, &all, requests(Some(zone))),
            "{zone}"
        );
    }
    assert_eq!(ledger(&slos, "speed", 0), brute_force(stored, &all, latencies), "speed");
    assert!(ledger(&slos, "answers", 0).total as f64 >= acknowledged.counted);

    // A replica that never restarted: what it counted since it was first seen, whatever was stored between.
    let shop = world.shop();
    let of_steady = || stored.range((0, 0)..=(0, i64::MAX)).map(|(_, (number, _))| *number);
    let sum = |number: usize, part: &str| -> u64 {
        let counters = &shop.replicas[0].answers[number];
        let is_wanted = |name: &str| name.starts_with("requests_total") && name.contains(part);
        counters.iter().filter(|(name, _)| is_wanted(name)).map(|(_, value)| value).sum()
    };
    let (first, last) = (of_steady().next().unwrap(), of_steady().next_back().unwrap());
    let since = |part: &str| sum(last, part) - sum(first, part);
    let exposed = Events { good: since("code=\"200\""), total: since("") };
    assert_eq!(ledger(&slos, "steady", 0), exposed, "steady");
}

async fn check_silences(server: &Server, acknowledged: &Acknowledged) {
    let silences = server.json("/api/v2/silences").await;
    let present: BTreeSet<String> = silences
        .as_array()
        .unwrap()
        .iter()
        .map(|silence| silence["id"].as_str().unwrap().to_owned())
        .collect();
    let lost: Vec<&String> = acknowledged.silences.difference(&present).collect();
    assert!(lost.is_empty(), "acknowledged but gone: {lost:?}");
}

/// The last word on every alert has reached both receivers; what counts as delivered was accepted; what was accepted
/// twice had the same key both times.
async fn check_messages(server: &Server, world: &World) {
    world.shop().is_closed = false;
    world.shop().change_weather(1);
    server
        .until("all alerts resolved, and everybody told", async |server| {
            let firing = server.json("/api/v2/alerts").await;
            let waiting = server.json("/api/bellwether/v1/deliveries").await;
            let is_open = |row: &&Value| row["outcome"] == "pending" || row["outcome"] == "retrying";
            let open: Vec<&Value> = waiting.as_array().unwrap().iter().filter(is_open).collect();
            let is_done = firing.as_array().unwrap().is_empty() && open.is_empty();
            let untold = untold(&world.messages());
            if is_done && untold.is_empty() { Ok(()) } else { Err(format!("{firing} {open:?} {untold:?}")) }
        })
        .await;
    let messages = world.messages();
    check_keys(&messages);
    let accepted: BTreeSet<&str> =
        messages.iter().filter(|message| message.accepted).map(|message| message.key.as_str()).collect();
    for row in server.json("/api/bellwether/v1/deliveries").await.as_array().unwrap() {
        // With a detail, another message said it all.
        let is_delivered = row["outcome"] == "delivered" && row["detail"] == "";
        let key = row["id"].as_str().unwrap();
        assert!(!is_delivered || accepted.contains(key), "said to be delivered, but never came: {row:#}");
    }
}

/// Receivers and groups whose last accepted message does not say that all is resolved; every group must be among
/// them, the objective's own and one per zone.
fn untold(messages: &[Message]) -> Vec<String> {
    let mut last = BTreeMap::new();
    for message in messages.iter().filter(|message| message.accepted) {
        last.insert(format!("{} {}", message.path, group_of(message)), is_resolved(message));
    }
    let told = last.len();
    let mut untold: Vec<String> =
        last.into_iter().filter(|(_, is_resolved)| !is_resolved).map(|(group, _)| group).collect();
    if told < 2 * 4 {
        untold.push(format!("only {told} of 2 receivers x 4 groups"));
    }
    untold
}

/// What a message speaks of: the webhook says it as data, Slack's text names the zone.
fn group_of(message: &Message) -> String {
    let text = message.body.to_string();
    let zone = (0..3).map(|zone| format!("z{zone}")).find(|zone| text.contains(zone.as_str()));
    zone.unwrap_or_default()
}

fn is_resolved(message: &Message) -> bool {
    match message.path.as_str() {
        "webhook" => message.body["status"] == "resolved",
        _ => message.body.to_string().contains("[RESOLVED]"),
    }
}

/// A message of one key always says the same; two messages in a row to one receiver about one group with different
/// keys say different things.
fn check_keys(messages: &[Message]) {
    let mut by_key: BTreeMap<&str, &Value> = BTreeMap::new();
    for message in messages {
        let first = by_key.entry(&message.key).or_insert(&message.body);
        assert_eq!(*first, &message.body, "one key, two messages: {}", message.key);
    }
    let mut last: BTreeMap<String, (&str, BTreeSet<String>)> = BTreeMap::new();
    for message in messages.iter().filter(|message| message.accepted && message.path == "webhook") {
        let said: BTreeSet<String> = message.body["alerts"].as_array().unwrap().iter().map(said).collect();
        let before = last.insert(group_of(message), (&message.key, said.clone()));
        let Some((key, before)) = before else { continue };
        assert!(key == message.key || before != said, "said twice under two keys: {message:#?}");
    }
}

fn said(alert: &Value) -> String {
    format!("{} {} {}", alert["fingerprint"], alert["status"], alert["startsAt"])
}

/// An alert that says that nothing is measured follows from time, not from samples: no replay of samples brings it
/// back, and none may be left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_about_missing_samples_outlives_a_kill_and_ends_when_they_return() {
    let (world, address) = World::open(seed()).await;
    let folder = Folder::new("crash-unmeasured");
    let (path, data) = (folder.write("bellwether.yml", &config(&address)), folder.path("data"));
    let mut server = Server::start(&path, &data).await;
    for returns_after_restart in [true, false] {
        measured(&server).await;
        world.shop().is_down = true;
        firing(&server, 1).await;
        told(&server, &world, "firing").await; // one that ends before anybody heard of it is not told at all
        server.kill();
        world.shop().is_down = !returns_after_restart;
        server = Server::start(&path, &data).await;
        if !returns_after_restart {
            firing(&server, 1).await;
            world.shop().is_down = false;
        }
        measured(&server).await;
        firing(&server, 0).await;
        told(&server, &world, "resolved").await;
    }
}

/// Samples that were taken after this call are counted. An outage that outlasted a ledger slot stays a hole in the
/// period, so that "partial" is then the true word; on a busy machine a short outage may get there too.
async fn measured(server: &Server) {
    let called_at = bellwether::clock::now().as_millis();
    server
        .until("the objective is measured", async |server| {
            let slos = server.json("/api/bellwether/v1/slos").await;
            let stream = &find(&slos, "answers")["streams"][0];
            let is_measured = stream["measurement"] == "complete" || stream["measurement"] == "partial";
            let is_fresh = stream["watermark"].as_i64().is_some_and(|at| at >= called_at);
            if is_measured && is_fresh {
                Ok(())
            } else {
                Err(format!("{} at {}", stream["measurement"], stream["watermark"]))
            }
        })
        .await;
}

async fn firing(server: &Server, count: usize) {
    server
        .until("so many alerts fire", async |server| {
            let alerts = server.json("/api/v2/alerts").await;
            if alerts.as_array().unwrap().len() == count {
                Ok(())
            } else {
                Err(format!("not {count}: {alerts:#}"))
            }
        })
        .await;
}

async fn told(server: &Server, world: &World, status: &str) {
    server
        .until("the last message says so", async |_| {
            let messages = world.messages();
            let last = messages.iter().rfind(|message| message.accepted && message.path == "webhook");
            let last = last.map_or(Value::Null, |message| message.body["status"].clone());
            if last == status { Ok(()) } else { Err(format!("{last}, not {status}")) }
        })
        .await;
}
