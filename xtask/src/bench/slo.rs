//! `bench slo`: what objectives cost. First the core alone, then the real program beside Prometheus and VictoriaMetrics with
//! rules in Sloth's shape, all scraping the same targets every 15 s, with thirty days behind the rules.
//!
//! A server without objectives (or rules) beside each one that has them shows what scraping and storing cost, so that the
//! difference is what the objectives cost.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bellwether_model::{Labels, Sample, Timestamp};

use super::exporter::{self, CODES, PAGES, page_of};
use super::server::{Server, free_port, median};
use super::slo_rules::{EVERY_S, RATIO_5M, objectives, rule_file};
use super::{fixture, prometheus_block};
use crate::http::Client;
use crate::{Outcome, cargo, peers, run, target_dir};

const OURS: usize = 1000;
const THEIRS: usize = 50;
const HISTORY_DAYS: i64 = 30;
const SCRAPE_MS: i64 = 15_000;
const WARM_UP: Duration = Duration::from_secs(45);
const ROUNDS: usize = 4;
const ROUND: Duration = Duration::from_secs(30);

/// Runs both parts.
pub fn run_all() -> Outcome {
    run(cargo().args(["bench", "--package", "bellwether-slo", "--bench", "evaluate"]))?;
    let programs = peers::unpack()?;
    run(cargo().args(["build", "--quiet", "--release", "--package", "bellwether"]))?;
    let home = target_dir().join("bench-slo");
    let _ = fs::remove_dir_all(&home);
    fs::create_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    let bench = Bench { home, programs, target: exporter::start()? };
    bench.write_configuration().map_err(|error| format!("{}: {error}", bench.home.display()))?;
    bench.compare()
}

struct Bench {
    home: PathBuf,
    programs: PathBuf,
    target: String,
}

/// Processor seconds of each round.
type Rounds = Vec<f64>;

impl Bench {
    fn file(&self, name: &str) -> String {
        self.home.join(name).display().to_string()
    }

    fn write_configuration(&self) -> std::io::Result<()> {
        let target = &self.target;
        let jobs: String = (0..PAGES)
            .map(|page| {
                format!(
                    "  - job_name: page-{page}\n    honor_labels: true\n    metrics_path: /page/{page}\n    \
                     static_configs: [{{targets: ['{target}']}}]\n"
                )
            })
            .collect();
        let plain = format!("global: {{scrape_interval: 15s}}\nscrape_configs:\n{jobs}");
        fs::write(self.home.join("plain.yml"), &plain)?;
        fs::write(self.home.join("ruled.yml"), format!("rule_files: [rules.yml]\n{plain}"))?;
        fs::write(self.home.join("rules.yml"), rule_file(THEIRS))?;
        fs::write(self.home.join("slos.yml"), objectives(OURS))?;
        fs::write(self.home.join("without.yml"), "prometheus: plain.yml\n")?;
        fs::write(self.home.join("with.yml"), "prometheus: plain.yml\nslos: [slos.yml]\n")
    }

    fn compare(&self) -> Outcome {
        eprintln!("making {HISTORY_DAYS} days of {THEIRS} services");
        let end = now_ms()?;
        prometheus_block::write(&self.home.join("prometheus-with"), history(end).into_iter())?;
        let victoria_port = free_port()?;
        let victoria = self.victoria(victoria_port)?;
        for (labels, samples) in history(end) {
            fixture::import(&mut Client::new(victoria.address.as_str()), &labels, &samples)?;
        }
        let mut servers = vec![
            self.bellwether("Bellwether alone", "without")?,
            self.bellwether("Bellwether", "with")?,
            self.prometheus("Prometheus alone", "plain", "prometheus-without")?,
            self.prometheus("Prometheus", "ruled", "prometheus-with")?,
            victoria,
        ];
        eprintln!("warming up for {} s", WARM_UP.as_secs());
        std::thread::sleep(WARM_UP);
        // Until its rules are evaluated by a program of their own, VictoriaMetrics is alone.
        let victoria_alone = &measure(&servers[4..], ROUNDS / 2)?[0];
        servers.push(self.vmalert(victoria_port)?);
        std::thread::sleep(WARM_UP);
        let rounds = measure(&servers, ROUNDS)?;
        self.print(&servers, &rounds, victoria_alone)
    }

    fn print(&self, servers: &[Server], rounds: &[Rounds], victoria_alone: &Rounds) -> Outcome {
        println!(
            "Processor seconds in {} s of wall time, medians of {ROUNDS} rounds side by side\n",
            ROUND.as_secs()
        );
        println!("| | median | resident MiB |\n|---|---|---|");
        let middle: Vec<f64> = rounds.iter().map(|rounds| median(rounds.clone())).collect();
        for (server, middle) in servers.iter().zip(&middle) {
            println!("| {} | {middle:.2} | {} |", server.name, server.usage()?.resident_bytes >> 20);
        }
        let seconds = ROUND.as_secs_f64();
        let ours = (middle[1] - middle[0]).max(0.0);
        println!(
            "\n{OURS} objectives of Bellwether cost {:.2} % of a core, {:.3} ms for each objective and scrape.",
            ours / seconds * 100.0,
            ours * 1000.0 / OURS as f64 / (seconds * 1000.0 / SCRAPE_MS as f64)
        );
        let evaluations = THEIRS as f64 * seconds / EVERY_S as f64;
        let theirs = (middle[3] - middle[2]).max(0.0);
        let victoria = (middle[4] + middle[5] - median(victoria_alone.clone())).max(0.0);
        for (name, spent) in [("Prometheus", theirs), ("VictoriaMetrics with vmalert", victoria)] {
            println!(
                "{name}: {:.1} ms for each objective and evaluation; {OURS} objectives every {EVERY_S} s would take \
                 {:.2} cores, {:.0} times as much.",
                spent * 1000.0 / evaluations,
                spent / seconds * OURS as f64 / THEIRS as f64,
                spent / THEIRS as f64 / (ours / OURS as f64)
            );
        }
        Ok(())
    }

    fn bellwether(&self, name: &'static str, config: &str) -> Result<Server, String> {
        let port = free_port()?;
        Server::start(
            name,
            Command::new(target_dir().join("release/bellwether"))
                .args(["serve", "--config", &self.file(&format!("{config}.yml"))])
                .args(["--data", &self.file(&format!("bellwether-{config}"))])
                .arg(format!("--listen=127.0.0.1:{port}")),
            port,
            &self.home.join(format!("bellwether-{config}.log")),
        )
    }

    fn prometheus(&self, name: &'static str, config: &str, data: &str) -> Result<Server, String> {
        let port = free_port()?;
        Server::start(
            name,
            Command::new(self.programs.join("prometheus"))
                .arg(format!("--config.file={}", self.file(&format!("{config}.yml"))))
                .arg(format!("--storage.tsdb.path={}", self.file(data)))
                .arg("--storage.tsdb.retention.time=100d")
                .arg(format!("--web.listen-address=127.0.0.1:{port}")),
            port,
            &self.home.join(format!("{data}.log")),
        )
    }

    fn victoria(&self, port: u16) -> Result<Server, String> {
        Server::start(
            "VictoriaMetrics",
            Command::new(self.programs.join("victoria-metrics"))
                .arg(format!("-storageDataPath={}", self.file("victoria")))
                .arg(format!("-promscrape.config={}", self.file("plain.yml")))
                .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
                .arg("-retentionPeriod=100d"),
            port,
            &self.home.join("victoria.log"),
        )
    }

    fn vmalert(&self, victoria: u16) -> Result<Server, String> {
        let port = free_port()?;
        let store = format!("http://127.0.0.1:{victoria}");
        Server::start_at(
            "vmalert",
            Command::new(self.programs.join("vmalert"))
                .arg(format!("-rule={}", self.file("rules.yml")))
                .arg(format!("-datasource.url={store}"))
                .arg(format!("-remoteWrite.url={store}"))
                .arg("-notifier.blackhole")
                .arg(format!("-httpListenAddr=127.0.0.1:{port}")),
            port,
            "/api/v1/rules",
            &self.home.join("vmalert.log"),
        )
    }
}

fn now_ms() -> Result<i64, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
    Ok(now.as_millis() as i64)
}

/// Processor seconds of every server, round by round.
fn measure(servers: &[Server], rounds: usize) -> Result<Vec<Rounds>, String> {
    let mut spent = vec![Vec::new(); servers.len()];
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}, {} s each", ROUND.as_secs());
        let usage = || servers.iter().map(Server::usage).collect::<Result<Vec<_>, _>>();
        let before = usage()?;
        std::thread::sleep(ROUND);
        for ((after, before), spent) in usage()?.iter().zip(before).zip(&mut spent) {
            spent.push(after.cpu.saturating_sub(before.cpu).as_secs_f64());
        }
    }
    Ok(spent)
}

/// What thirty days of scraping and of the shortest rule would have left, up to a moment; sorted by labels.
fn history(end_ms: i64) -> Vec<(Labels, Vec<Sample>)> {
    let mut all = Vec::new();
    let times = |step: i64| {
        let last = end_ms.div_euclid(step) - 1;
        (last - HISTORY_DAYS * 86_400_000 / step..=last).map(move |number| number * step)
    };
    for service in 0..THEIRS {
        let name = format!("s{service}");
        for instance in 0..2 {
            for (code, share) in CODES {
                let labels = Labels::from_pairs([
                    ("__name__", "requests_total".to_owned()),
                    ("code", code.to_owned()),
                    ("instance", format!("i{instance}")),
                    ("job", format!("page-{}", page_of(service))),
                    ("service", name.clone()),
                ]);
                let mut draw = fastrand::Rng::with_seed(service as u64 * 8 + share);
                let mut count = 0.0;
                let samples = times(SCRAPE_MS).map(|at| {
                    count += draw.u64(0..=2 + share * 3) as f64;
                    Sample::new(Timestamp(at), count)
                });
                all.push((labels, samples.collect()));
            }
        }
        let labels = Labels::from_pairs([("__name__", RATIO_5M.to_owned()), ("sloth_slo", name)]);
        let mut draw = fastrand::Rng::with_seed(service as u64);
        let samples =
            times(EVERY_S as i64 * 1000).map(|at| Sample::new(Timestamp(at), 0.01 + draw.f64() / 1000.0));
        all.push((labels, samples.collect()));
    }
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all
}
