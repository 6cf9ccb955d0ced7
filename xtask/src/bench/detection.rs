//! `bench detection`: services break at known moments; how long is it until a webhook hears of it? Bellwether with an
//! objective for each service, beside Prometheus with a rule for each and Alertmanager, scraping every second and every
//! fifteen, all at once. Nobody waits on purpose: no `for`, and groups are told at once.
//!
//! Two figures: from the change, which includes waiting for the next scrape, and from the moment at which the scrape
//! that shows it has been answered. The second is what a program adds of its own, and has a bound.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::breaking::{Breaking, Heard};
use super::server::{Server, free_port};
use crate::{Outcome, cargo, peers, run, target_dir};

/// Services that break, one after another, for each interval.
const SERVICES: usize = 120;
/// Until every service has been scraped several times.
const WARM_UP: Duration = Duration::from_secs(50);
/// In which they break, at moments nobody can foresee.
const BREAKING: Duration = Duration::from_secs(130);
/// Until the last has been scraped, evaluated and told by the slowest.
const REST: Duration = Duration::from_secs(40);
/// What Bellwether may add to the scrape interval at the 99th percentile.
const BOUND: Duration = Duration::from_millis(100);

/// How often the disk is asked how fast it is.
const FLUSH_EVERY: Duration = Duration::from_millis(500);

/// Who watches, how often.
const SETUPS: [Setup; 4] = [
    Setup { name: "bellwether-1s", program: "Bellwether", interval_s: 1 },
    Setup { name: "prometheus-1s", program: "Prometheus + Alertmanager", interval_s: 1 },
    Setup { name: "bellwether-15s", program: "Bellwether", interval_s: 15 },
    Setup { name: "prometheus-15s", program: "Prometheus + Alertmanager", interval_s: 15 },
];

#[derive(Clone, Copy)]
struct Setup {
    name: &'static str,
    program: &'static str,
    interval_s: u64,
}

impl Setup {
    fn is_ours(&self) -> bool {
        self.program == "Bellwether"
    }
}

/// Runs all of them side by side and prints how long each took.
pub fn run_all() -> Outcome {
    let programs = peers::unpack()?;
    run(cargo().args(["build", "--quiet", "--release", "--package", "bellwether"]))?;
    let home = target_dir().join("bench-detection");
    let _ = fs::remove_dir_all(&home);
    fs::create_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    let begins = Instant::now() + WARM_UP;
    let mut random = fastrand::Rng::with_seed(20_261_121);
    let breaks = (0..SERVICES).map(|_| begins + BREAKING.mul_f64(random.f64())).collect();
    let breaking = Arc::new(Breaking::new(breaks, SETUPS.map(|setup| setup.name).to_vec()));
    let address = breaking.clone().start()?;
    let mut servers = Vec::new();
    for setup in SETUPS {
        servers.extend(start(&home, &programs, &address, setup)?);
    }
    let last = WARM_UP + BREAKING + REST;
    eprintln!("{SERVICES} services break; figures in {} s", last.as_secs());
    let flushes = flushes_until(begins + BREAKING + REST, &home.join("flushed"))?;
    drop(servers);
    println!("\nFlushing 4 KiB to this disk meanwhile, p50 | p99 | most: {flushes}.");
    println!("Two flushes lie on the way: samples and decisions are durable before anybody is told.");
    print(&breaking)
}

/// How long the disk takes to make something durable, while everybody uses it.
fn flushes_until(end: Instant, file: &Path) -> Result<Figures, String> {
    let text = |error: std::io::Error| format!("{}: {error}", file.display());
    let mut out = fs::File::create(file).map_err(text)?;
    let mut took = Vec::new();
    while Instant::now() < end {
        let begun = Instant::now();
        out.write_all(&[0; 4096]).map_err(text)?;
        out.sync_data().map_err(text)?;
        took.push(begun.elapsed());
        std::thread::sleep(FLUSH_EVERY);
    }
    Ok(Figures::of(took))
}

fn print(breaking: &Breaking) -> Outcome {
    println!(
        "\n| | scraped every | told | from the sample: p50 | p99 | most | from the change: p50 | p99 | most |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut misses = Vec::new();
    for setup in SETUPS {
        let heard: Vec<Heard> = breaking.heard(setup.name);
        let of = |figure: fn(&Heard) -> Duration| Figures::of(heard.iter().map(figure).collect());
        let (sample, change) = (of(|heard| heard.from_sample), of(|heard| heard.from_change));
        println!(
            "| {} | {} s | {} of {SERVICES} | {sample} | {change} |",
            setup.program,
            setup.interval_s,
            heard.len()
        );
        if setup.is_ours() && (heard.len() < SERVICES || sample.p99 > BOUND) {
            misses.push(format!("{}: {} of {SERVICES} told, p99 {:?}", setup.name, heard.len(), sample.p99));
        }
    }
    match misses.is_empty() {
        true => Ok(()),
        false => Err(format!("more than {BOUND:?} from the sample to the webhook: {}", misses.join("; "))),
    }
}

struct Figures {
    p50: Duration,
    p99: Duration,
    most: Duration,
}

impl Figures {
    fn of(mut all: Vec<Duration>) -> Self {
        all.sort();
        let at = |share: f64| {
            let index = (all.len() as f64 * share).ceil() as usize;
            all.get(index.max(1) - 1).copied().unwrap_or_default()
        };
        Self { p50: at(0.5), p99: at(0.99), most: at(1.0) }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |figure: Duration| match figure.as_secs_f64() {
            s if s < 1.0 => format!("{:.0} ms", s * 1000.0),
            s => format!("{s:.1} s"),
        };
        write!(f, "{} | {} | {}", text(self.p50), text(self.p99), text(self.most))
    }
}

fn start(home: &Path, programs: &Path, address: &str, setup: Setup) -> Result<Vec<Server>, String> {
    let home = home.join(setup.name);
    fs::create_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    let file = |name: &str| home.join(name).display().to_string();
    let write =
        |name: &str, text: String| fs::write(home.join(name), text).map_err(|e| format!("{name}: {e}"));
    let routing = format!(
        "route: {{receiver: hook, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}\n\
         receivers: [{{name: hook, webhook_configs: [{{url: 'http://{address}/hook/{}'}}]}}]\n",
        setup.name
    );
    write("alertmanager.yml", routing)?;
    let scraping = |more: &str| {
        format!(
            "global: {{scrape_interval: {0}s, scrape_timeout: 1s, evaluation_interval: {0}s}}\n{more}\
             scrape_configs:\n- job_name: shop\n  metrics_path: /metrics/{1}\n  static_configs: [{{targets: ['{address}']}}]\n",
            setup.interval_s, setup.name
        )
    };
    let port = free_port()?;
    if setup.is_ours() {
        write("prometheus.yml", scraping(""))?;
        write("slos.yml", objectives())?;
        write(
            "bellwether.yml",
            "prometheus: prometheus.yml\nalertmanager: alertmanager.yml\nslos: [slos.yml]\n".to_owned(),
        )?;
        let mut command = Command::new(target_dir().join("release/bellwether"));
        command.args(["serve", "--config", &file("bellwether.yml"), "--data", &file("data")]);
        command.arg(format!("--listen=127.0.0.1:{port}"));
        return Ok(vec![Server::start("Bellwether", &mut command, port, &home.join("log"))?]);
    }
    let routing_port = free_port()?;
    let alerting = format!(
        "rule_files: [rules.yml]\nalerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{routing_port}']}}]}}]}}\n"
    );
    write("prometheus.yml", scraping(&alerting))?;
    write("rules.yml", rules())?;
    let mut routing = peers::alertmanager(programs);
    routing
        .arg(format!("--config.file={}", file("alertmanager.yml")))
        .arg(format!("--storage.path={}", file("routing")))
        .arg(format!("--web.listen-address=127.0.0.1:{routing_port}"))
        .arg("--cluster.listen-address=");
    let routing =
        Server::start_at("Alertmanager", &mut routing, routing_port, "/-/ready", &home.join("routing.log"))?;
    let mut command = Command::new(programs.join("prometheus"));
    command
        .arg(format!("--config.file={}", file("prometheus.yml")))
        .arg(format!("--storage.tsdb.path={}", file("data")))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"));
    Ok(vec![routing, Server::start("Prometheus", &mut command, port, &home.join("log"))?])
}

/// One for each service: a thousandth of bad requests in the last minute is enough.
fn objectives() -> String {
    let mut out = String::from("slos:\n");
    for service in 0..SERVICES {
        out += &format!(
            "- name: s{service}\n  goal: 99%\n  window: 1d\n  indicator: {{ratio: {{bad: 'errors_total{{service=\"s{service}\"}}', \
             total: 'requests_total{{service=\"s{service}\"}}'}}}}\n  alerts: [{{name: fast, long: 1m, factor: 0.1}}]\n"
        );
    }
    out
}

/// The same as rules.
fn rules() -> String {
    let mut out = String::from("groups:\n- name: shop\n  rules:\n");
    for service in 0..SERVICES {
        let counted = |name: &str| format!("increase({name}{{service=\"s{service}\"}}[1m])");
        out += &format!(
            "  - {{alert: Burns, expr: '{} / {} > 0.001', labels: {{slo: s{service}}}}}\n",
            counted("errors_total"),
            counted("requests_total")
        );
    }
    out
}
