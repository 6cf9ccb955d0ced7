//! `bench alerts`: Bellwether beside Alertmanager at the same work in the same run: alerts taken in, groups told, memory
//! of what is held, a listing of everything, and the way from the POST to the receiver. Ours writes everything down
//! before it answers and before it sends; what each costs is counted by the kernel as processor time of the process.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bellwether_model::Timestamp;

use super::alerts_sink::Sink;
use super::server::{Server, Usage, free_port, median};
use crate::http::Client;
use crate::{Outcome, cargo, peers, run, target_dir};

/// Rounds of everything; figures are their medians.
const ROUNDS: usize = 3;
/// Alerts that are taken in and held.
const HELD: usize = 100_000;
/// Alerts of one POST.
const BATCH: usize = 500;
/// Connections that post at once.
const CONNECTIONS: usize = 4;
/// How often what is held is posted again.
const REPEATS: usize = 3;
/// Groups that are told at once.
const GROUPS: usize = 10_000;
/// Listings of them.
const LISTINGS: usize = 5;
/// Alerts that are sent one by one.
const PROBES: u64 = 300;
/// Between two of them.
const PROBE_EVERY: Duration = Duration::from_millis(15);
/// How long anything may take to arrive.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Program {
    Bellwether,
    Alertmanager,
}

/// Route options of the three parts.
const HOLDS: &str = "group_by: [alertname], group_wait: 1h";
const TELLS: &str = "group_by: ['...'], group_wait: 4s, group_interval: 1h";
const AT_ONCE: &str = "group_by: ['...'], group_wait: 0s, group_interval: 1h";

/// One figure of a round.
#[derive(Clone, Copy)]
struct Figure {
    name: &'static str,
    value: f64,
    /// Whether more is better.
    more: bool,
    /// How many times better than Alertmanager we must be.
    bound: Option<f64>,
}

/// Runs it and prints the medians.
pub fn run_all() -> Outcome {
    let programs = peers::unpack()?;
    run(cargo().args(["build", "--quiet", "--release", "--package", "bellwether"]))?;
    let sink = Arc::new(Sink::default());
    let receiver = sink.clone().start()?;
    let home = target_dir().join("bench-alerts");
    let mut rounds = [Vec::new(), Vec::new()];
    for round in 1..=ROUNDS {
        for (program, figures) in [Program::Bellwether, Program::Alertmanager].into_iter().zip(&mut rounds) {
            let _ = fs::remove_dir_all(&home);
            eprintln!("round {round} of {ROUNDS}: {}", name(program));
            let bench = Bench { program, home: &home, programs: &programs, receiver: &receiver, sink: &sink };
            figures.push(bench.run()?);
        }
    }
    print(&rounds)
}

const fn name(program: Program) -> &'static str {
    match program {
        Program::Bellwether => "Bellwether",
        Program::Alertmanager => "Alertmanager",
    }
}

struct Bench<'a> {
    program: Program,
    home: &'a Path,
    programs: &'a Path,
    receiver: &'a str,
    sink: &'a Sink,
}

impl Bench<'_> {
    fn run(&self) -> Result<Vec<Figure>, String> {
        let mut figures = self.take_in()?;
        figures.extend(self.tell()?);
        figures.extend(self.tell_at_once()?);
        Ok(figures)
    }

    /// Alerts in batches: new ones, then the same again and again.
    fn take_in(&self) -> Result<Vec<Figure>, String> {
        let server = self.start("hold", HOLDS)?;
        let bodies = batches(HELD, "hold");
        let (new, per_new) = measure(&server, HELD, || post(&server.address, &bodies))?;
        let (again, per_again) = measure(&server, HELD * REPEATS, || {
            (0..REPEATS).try_for_each(|_| post(&server.address, &bodies))
        })?;
        let memory = server.usage()?.resident_bytes;
        let rate = |name, value| Figure { name, value, more: true, bound: None };
        let cost = |name, value| Figure { name, value, more: false, bound: Some(3.0) };
        Ok(vec![
            rate("new alerts/s", new),
            cost("µs cpu per new alert", per_new),
            rate("known alerts/s", again),
            cost("µs cpu per known alert", per_again),
            Figure {
                name: "MB at 100,000 alerts",
                value: memory as f64 / 1e6,
                more: false,
                bound: Some(2.0),
            },
        ])
    }

    /// Every alert its own group, all due in the same second.
    fn tell(&self) -> Result<Vec<Figure>, String> {
        let server = self.start("tell", TELLS)?;
        self.sink.reset();
        post(&server.address, &batches(GROUPS, "tell"))?;
        let before = server.usage()?;
        let took = self.sink.wait_for(GROUPS as u64, PATIENCE)?;
        // What is written down of the last receipts belongs to it.
        std::thread::sleep(Duration::from_millis(300));
        let cpu = (server.usage()?.cpu - before.cpu).as_secs_f64();
        let mut listings = Vec::new();
        let mut client = Client::new(server.address.as_str());
        for _ in 0..LISTINGS {
            let began = Instant::now();
            let reply = client.send("GET", "/api/v2/alerts", "", &[])?;
            listings.push(began.elapsed().as_secs_f64() * 1e3);
            let listed = reply.body.windows(13).filter(|window| window == b"\"fingerprint\"").count();
            if listed != GROUPS {
                return Err(format!("{} lists {listed} of {GROUPS} alerts", name(self.program)));
            }
        }
        let figure = |name, value, more, bound| Figure { name, value, more, bound };
        Ok(vec![
            figure("notifications/s", GROUPS as f64 / took.as_secs_f64(), true, Some(3.0)),
            figure("µs cpu per notification", cpu * 1e6 / GROUPS as f64, false, Some(3.0)),
            figure("ms for a listing of 10,000", median(listings), false, None),
        ])
    }

    /// One alert after the other, told at once.
    fn tell_at_once(&self) -> Result<Vec<Figure>, String> {
        let server = self.start("now", AT_ONCE)?;
        self.sink.reset();
        let mut client = Client::new(server.address.as_str());
        let mut sent = Vec::new();
        for probe in 0..PROBES {
            let alert =
                alert(usize::try_from(probe).unwrap_or_default(), "now", &format!(r#","probe":"{probe}""#));
            let began = Instant::now();
            let reply = client.send("POST", "/api/v2/alerts", JSON, format!("[{alert}]").as_bytes())?;
            accepted(reply.status)?;
            sent.push(began);
            std::thread::sleep(PROBE_EVERY);
        }
        self.sink.wait_for(PROBES, PATIENCE)?;
        let mut took = Vec::new();
        for (probe, sent) in (0..PROBES).zip(sent) {
            let arrived = self.sink.arrival(probe).ok_or_else(|| format!("probe {probe} is missing"))?;
            took.push((arrived - sent).as_secs_f64() * 1e3);
        }
        took.sort_by(f64::total_cmp);
        let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
        let figure = |name, value| Figure { name, value, more: false, bound: None };
        Ok(vec![
            figure("ms from POST to receiver, p50", at(0.5)),
            figure("ms from POST to receiver, p99", at(0.99)),
        ])
    }

    fn start(&self, part: &str, route: &str) -> Result<Server, String> {
        let home = self.home.join(part);
        fs::create_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
        let file = |name: &str| home.join(name).display().to_string();
        let write = |name: &str, text: String| {
            fs::write(home.join(name), text).map_err(|error| format!("{name}: {error}"))
        };
        let hook = format!("http://{}/", self.receiver);
        let routing = format!(
            "route: {{receiver: hook, repeat_interval: 4h, {route}}}\n\
             receivers: [{{name: hook, webhook_configs: [{{url: '{hook}'}}]}}]\n"
        );
        write("alertmanager.yml", routing)?;
        let port = free_port()?;
        match self.program {
            Program::Bellwether => {
                write("bellwether.yml", "alertmanager: alertmanager.yml\n".to_owned())?;
                let mut command = Command::new(target_dir().join("release/bellwether"));
                command.args(["serve", "--config", &file("bellwether.yml"), "--data", &file("data")]);
                command.arg(format!("--listen=127.0.0.1:{port}"));
                Server::start("Bellwether", &mut command, port, &home.join("log"))
            }
            Program::Alertmanager => {
                let mut command = peers::alertmanager(self.programs);
                command
                    .arg(format!("--config.file={}", file("alertmanager.yml")))
                    .arg(format!("--storage.path={}", file("data")))
                    .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                    .arg("--cluster.listen-address=");
                Server::start_at("Alertmanager", &mut command, port, "/-/ready", &home.join("log"))
            }
        }
    }
}

const JSON: &str = "Content-Type: application/json\r\n";

/// Work on so many alerts: how many a second, and µs of processor time for each.
fn measure(server: &Server, alerts: usize, work: impl FnOnce() -> Outcome) -> Result<(f64, f64), String> {
    let (Usage { cpu: before, .. }, began) = (server.usage()?, Instant::now());
    work()?;
    let took = began.elapsed().as_secs_f64();
    let cpu = (server.usage()?.cpu - before).as_secs_f64();
    Ok((alerts as f64 / took, cpu * 1e6 / alerts as f64))
}

fn post(address: &str, bodies: &[Vec<u8>]) -> Outcome {
    std::thread::scope(|scope| {
        let share = bodies.len().div_ceil(CONNECTIONS);
        let posting: Vec<_> =
            bodies.chunks(share).map(|bodies| scope.spawn(|| post_all(address, bodies))).collect();
        posting.into_iter().try_for_each(|one| one.join().unwrap_or_else(|_| Err("a poster died".to_owned())))
    })
}

fn post_all(address: &str, bodies: &[Vec<u8>]) -> Outcome {
    let mut client = Client::new(address);
    bodies.iter().try_for_each(|body| accepted(client.send("POST", "/api/v2/alerts", JSON, body)?.status))
}

fn accepted(status: u16) -> Outcome {
    if status == 200 { Ok(()) } else { Err(format!("alerts were refused with status {status}")) }
}

fn batches(alerts: usize, part: &str) -> Vec<Vec<u8>> {
    let alerts: Vec<usize> = (0..alerts).collect();
    let batch = |numbers: &[usize]| {
        let alerts: Vec<String> = numbers.iter().map(|number| alert(*number, part, "")).collect();
        format!("[{}]", alerts.join(",")).into_bytes()
    };
    alerts.chunks(BATCH).map(batch).collect()
}

/// As a Prometheus posts it: a hundred instances of each name.
fn alert(number: usize, part: &str, more: &str) -> String {
    let starts_at = now();
    let (name, instance) = (number / 100, number % 100);
    let mut text = String::new();
    let _ = write!(
        text,
        r#"{{"labels":{{"alertname":"HighErrorRate{name}","cluster":"eu-west-1","instance":"10.0.{}.{}:9100","job":"{part}","severity":"critical"{more}}},"#,
        instance / 10,
        instance
    );
    let _ = write!(
        text,
        r#""annotations":{{"summary":"instance {instance} of service {name} fails","description":"more than one percent of the requests of this instance have failed in the last five minutes","runbook_url":"https://runbooks.example/high-error-rate/{name}"}},"#
    );
    let _ = write!(
        text,
        r#""startsAt":"{starts_at}","generatorURL":"http://prometheus.example/graph?g0.expr=rate%28errors_total%5B5m%5D%29&g0.tab={name}"}}"#
    );
    text
}

/// What began long ago would be told without waiting.
fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or_default())
}

fn print(rounds: &[Vec<Vec<Figure>>; 2]) -> Outcome {
    println!("\n| | Bellwether | Alertmanager | times better | bound |\n|---|---|---|---|---|");
    let mut misses = Vec::new();
    for (index, figure) in rounds[0][0].iter().enumerate() {
        let middle =
            |program: usize| median(rounds[program].iter().map(|figures| figures[index].value).collect());
        let (ours, theirs) = (middle(0), middle(1));
        let better = if figure.more { ours / theirs } else { theirs / ours };
        let bound = figure.bound.map(|bound| format!("{bound:.0}")).unwrap_or_default();
        println!("| {} | {ours:.1} | {theirs:.1} | {better:.1} | {bound} |", figure.name);
        if figure.bound.is_some_and(|bound| better < bound) {
            misses.push(format!("{}: {better:.1} times", figure.name));
        }
        if figure.name.ends_with("p99") && ours > 5.0 {
            misses.push(format!("{}: {ours:.1}", figure.name));
        }
    }
    match misses.is_empty() {
        true => Ok(()),
        false => Err(format!("less than was promised: {}", misses.join("; "))),
    }
}
