//! `bench rules`: Bellwether and Prometheus scrape the same targets and evaluate the same thousand alerting rules; what
//! counts is the processor time each needs for the same stretch of wall time.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value as Json;

use super::exporter::{self, PAGES, SERVICES};
use super::server::{Server, free_port, median};
use crate::http::Client;
use crate::{Outcome, cargo, peers, run, target_dir};

const GROUPS: usize = 20;
/// Until ranges have filled with samples and pending alerts fire.
const WARM_UP: Duration = Duration::from_secs(150);
const ROUNDS: usize = 4;
/// A whole number of scrapes and evaluations.
const ROUND: Duration = Duration::from_secs(60);

/// Starts both, lets them work side by side, and prints what each round cost.
pub fn run_all() -> Outcome {
    let programs = peers::unpack()?;
    run(cargo().args(["build", "--quiet", "--release", "--package", "bellwether"]))?;
    let home = target_dir().join("bench-rules");
    let _ = fs::remove_dir_all(&home);
    fs::create_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    write_configuration(&home, &exporter::start()?)
        .map_err(|error| format!("{}: {error}", home.display()))?;
    let servers = start(&home, &programs)?;
    eprintln!("warming up for {} s", WARM_UP.as_secs());
    std::thread::sleep(WARM_UP);
    let mut rounds = [const { Vec::new() }; 2];
    for round in 1..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}, {} s each", ROUND.as_secs());
        let before = [servers[0].usage()?, servers[1].usage()?];
        std::thread::sleep(ROUND);
        for ((server, before), spent) in servers.iter().zip(before).zip(&mut rounds) {
            spent.push(server.usage()?.cpu.saturating_sub(before.cpu).as_secs_f64());
        }
    }
    print(&servers, rounds)?;
    let [ours, theirs] = [firing(&servers[0])?, firing(&servers[1])?];
    if ours == theirs && !ours.is_empty() {
        println!("\n{} alerts fire, the same on both.", ours.len());
        return Ok(());
    }
    Err(format!(
        "{} alerts fire here, {} on Prometheus; only here {:?}, only there {:?}",
        ours.len(),
        theirs.len(),
        ours.difference(&theirs).take(3).collect::<Vec<_>>(),
        theirs.difference(&ours).take(3).collect::<Vec<_>>()
    ))
}

fn write_configuration(home: &Path, target: &str) -> std::io::Result<()> {
    let jobs: String = (0..PAGES)
        .map(|page| {
            format!(
                "  - job_name: page-{page}\n    honor_labels: true\n    metrics_path: /page/{page}\n    \
                 static_configs: [{{targets: ['{target}']}}]\n"
            )
        })
        .collect();
    let global = "global: {scrape_interval: 15s, evaluation_interval: 15s}\n";
    let prometheus = format!("{global}rule_files: [rules.yml]\nscrape_configs:\n{jobs}");
    fs::write(home.join("rules.yml"), rule_file())?;
    fs::write(home.join("prometheus.yml"), prometheus)?;
    fs::write(home.join("bellwether.yml"), "prometheus: prometheus.yml\n")
}

/// One rule for each service: errors as a share, traffic, and a gauge, in turn.
fn rule_file() -> String {
    let mut out = String::from("groups:\n");
    for group in 0..GROUPS {
        out += &format!("  - name: group-{group}\n    rules:\n");
        for service in (0..SERVICES).filter(|service| service % GROUPS == group) {
            let counted = |more: &str| {
                format!("sum by (service) (rate(requests_total{{service=\"s{service}\"{more}}}[5m]))")
            };
            let expr = match service % 3 {
                0 => format!("{} / {} > 0.05", counted(",code=~\"5..\""), counted("")),
                1 => format!("{} > 0.02 * {}", counted(",code=~\"5..\""), counted("")),
                _ => format!("max by (service) (requests_in_flight{{service=\"s{service}\"}}) > 75"),
            };
            out += &format!(
                "      - alert: Trouble\n        expr: '{expr}'\n        for: 30s\n        \
                 labels: {{severity: page}}\n        \
                 annotations: {{summary: '{{{{ $labels.service }}}} is at {{{{ $value | humanize }}}}'}}\n"
            );
        }
    }
    out
}

fn start(home: &Path, programs: &Path) -> Result<[Server; 2], String> {
    let (ours, theirs) = (free_port()?, free_port()?);
    let file = |name: &str| home.join(name).display().to_string();
    let bellwether = Server::start(
        "Bellwether",
        Command::new(target_dir().join("release/bellwether"))
            .args(["serve", "--config", &file("bellwether.yml"), "--data", &file("bellwether")])
            .arg(format!("--listen=127.0.0.1:{ours}")),
        ours,
        &home.join("bellwether.log"),
    )?;
    let prometheus = Server::start(
        "Prometheus",
        Command::new(programs.join("prometheus"))
            .arg(format!("--config.file={}", file("prometheus.yml")))
            .arg(format!("--storage.tsdb.path={}", file("prometheus")))
            .arg(format!("--web.listen-address=127.0.0.1:{theirs}")),
        theirs,
        &home.join("prometheus.log"),
    )?;
    Ok([bellwether, prometheus])
}

fn print(servers: &[Server; 2], rounds: [Vec<f64>; 2]) -> Outcome {
    println!("Processor seconds in {} s of wall time, {ROUNDS} rounds side by side\n", ROUND.as_secs());
    println!("| | median | least | most | resident MiB | peak MiB |\n|---|---|---|---|---|---|");
    let mut medians = Vec::new();
    for (server, rounds) in servers.iter().zip(rounds) {
        let usage = server.usage()?;
        let least = rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let most = rounds.iter().copied().fold(0.0, f64::max);
        let middle = median(rounds);
        println!(
            "| {} | {middle:.2} | {least:.2} | {most:.2} | {} | {} |",
            server.name,
            usage.resident_bytes >> 20,
            usage.peak_bytes >> 20
        );
        medians.push(middle);
    }
    println!("\nPrometheus needs {:.1} times as much.", medians[1] / medians[0]);
    Ok(())
}

/// Services whose alert fires.
fn firing(server: &Server) -> Result<BTreeSet<String>, String> {
    let reply = Client::new(server.address.as_str()).send("GET", "/api/v1/alerts", "", &[])?;
    let json: Json = serde_json::from_slice(&reply.body).map_err(|error| error.to_string())?;
    let alerts = json["data"]["alerts"].as_array().cloned().unwrap_or_default();
    let firing = alerts.iter().filter(|alert| alert["state"] == "firing");
    Ok(firing.map(|alert| alert["labels"]["service"].as_str().unwrap_or_default().to_owned()).collect())
}
