//! `bench promql`: the same month of data in Bellwether, Prometheus and VictoriaMetrics, the same queries over HTTP.
//!
//! Rounds are interleaved, so that whatever else the machine does hits all three; medians are shown. Answers are
//! compared before anything is timed: nobody is fast by being wrong.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::dataset;
use super::fixture::{self, Homes};
use super::queries::{NOW_S, OBJECTIVE, OBJECTIVE_ALL, QUERIES, Query, When};
use super::server::{Server, Usage, free_port, median};
use crate::http::{Client, form};
use crate::{Outcome, cargo, peers, run, target_dir};

const ROUNDS: usize = 5;
/// A query is repeated for this long in a round: the kernel counts processor time in hundredths of a second.
const ROUND_MIN: Duration = Duration::from_millis(200);
const REPETITIONS_MIN: u32 = 2;
const REPETITIONS_MAX: u32 = 400;
/// Two numbers further apart than this, relative to the larger one, differ.
const RELATIVE_MAX: f64 = 1e-9;

/// Medians of one query on one server, in milliseconds per query.
#[derive(Clone, Copy)]
struct Cost {
    wall_ms: f64,
    cpu_ms: f64,
}

/// Prepares data, starts the three, measures and prints.
pub fn run_all() -> Outcome {
    let programs = peers::unpack()?;
    run(cargo().args(["build", "--quiet", "--release", "--package", "bellwether"]))?;
    let home = target_dir().join(format!("bench-promql-{}", dataset::VERSION));
    let homes = fixture::prepare(&home, &programs)?;
    let servers = start(&homes, &programs)?;
    let mut wrong = Vec::new();
    for query in &QUERIES {
        wrong.extend(compare(query, &servers)?);
    }
    let mut table = Vec::new();
    let mut figures: Vec<[Vec<Cost>; 3]> = QUERIES.iter().map(|_| [const { Vec::new() }; 3]).collect();
    for round in 1..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}");
        for (query, figures) in QUERIES.iter().zip(&mut figures) {
            for (server, figures) in servers.iter().zip(figures) {
                figures.push(measure(query, server)?);
            }
        }
    }
    for (query, figures) in QUERIES.iter().zip(figures) {
        table.push((query, figures.map(middle)));
    }
    print(&table);
    print_memory(&servers)?;
    if wrong.is_empty() {
        println!("\nAll answers equal Prometheus' to 1e-9.");
        return Ok(());
    }
    Err(format!("answers differ from Prometheus'\n  {}", wrong.join("\n  ")))
}

fn start(homes: &Homes, programs: &Path) -> Result<[Server; 3], String> {
    let (ours, prometheus, victoria) = (free_port()?, free_port()?, free_port()?);
    let log = |name: &str| -> PathBuf { homes.root.join(format!("{name}.log")) };
    let binary = target_dir().join("release/bellwether");
    let arg = |flag: &str, value: String| format!("{flag}={value}");
    Ok([
        Server::start(
            "Bellwether",
            Command::new(binary)
                .arg("serve")
                .arg(arg("--config", homes.bellwether_config.display().to_string()))
                .arg(arg("--data", homes.bellwether.display().to_string()))
                .arg(format!("--listen=127.0.0.1:{ours}")),
            ours,
            &log("bellwether"),
        )?,
        Server::start(
            "Prometheus",
            Command::new(programs.join("prometheus"))
                .arg(arg("--config.file", homes.prometheus_config.display().to_string()))
                .arg(arg("--storage.tsdb.path", homes.prometheus.display().to_string()))
                .arg("--storage.tsdb.retention.time=100y")
                .arg(format!("--web.listen-address=127.0.0.1:{prometheus}")),
            prometheus,
            &log("prometheus"),
        )?,
        fixture::victoria(programs, &homes.victoria, victoria, &log("victoria-metrics"))?,
    ])
}

/// The request of a query. VictoriaMetrics is told not to answer from its cache of results; the others have none.
fn body(query: &Query, server: &Server) -> (&'static str, String) {
    let mut fields = vec![("query", query.text.to_owned())];
    if server.name == "VictoriaMetrics" {
        fields.push(("nocache", "1".to_owned()));
    }
    match query.when {
        When::At => {
            fields.push(("time", NOW_S.to_string()));
            ("/api/v1/query", form(&fields))
        }
        When::Over { length, step } => {
            let start = (NOW_S - length).div_euclid(step) * step;
            fields.push(("start", start.to_string()));
            fields.push(("end", (start + length).min(NOW_S).to_string()));
            fields.push(("step", step.to_string()));
            ("/api/v1/query_range", form(&fields))
        }
    }
}

fn ask(client: &mut Client, query: &Query, server: &Server) -> Result<Vec<u8>, String> {
    let (path, body) = body(query, server);
    let reply =
        client.send("POST", path, "Content-Type: application/x-www-form-urlencoded\r\n", body.as_bytes())?;
    if reply.status == 200 {
        return Ok(reply.body);
    }
    Err(format!("{}: {}: {}", server.name, query.name, String::from_utf8_lossy(&reply.body)))
}

fn measure(query: &Query, server: &Server) -> Result<Cost, String> {
    let mut client = Client::new(server.address.as_str());
    ask(&mut client, query, server)?;
    let before = server.usage()?;
    let (mut walls, started) = (Vec::new(), Instant::now());
    while walls.len() < REPETITIONS_MIN as usize
        || (started.elapsed() < ROUND_MIN && walls.len() < REPETITIONS_MAX as usize)
    {
        let asked = Instant::now();
        ask(&mut client, query, server)?;
        walls.push(asked.elapsed().as_secs_f64() * 1000.0);
    }
    let spent = server.usage()?.cpu.saturating_sub(before.cpu);
    Ok(Cost { cpu_ms: spent.as_secs_f64() * 1000.0 / walls.len() as f64, wall_ms: median(walls) })
}

fn middle(rounds: Vec<Cost>) -> Cost {
    Cost {
        wall_ms: median(rounds.iter().map(|cost| cost.wall_ms).collect()),
        cpu_ms: median(rounds.iter().map(|cost| cost.cpu_ms).collect()),
    }
}

/// In what our answer differs from Prometheus'. VictoriaMetrics counts a rate in its own way, without extrapolation:
/// its objective must be close, the rest of it is not compared.
fn compare(query: &Query, [ours, prometheus, victoria]: &[Server; 3]) -> Result<Option<String>, String> {
    let answer = |server: &Server| -> Result<Json, String> {
        let body = ask(&mut Client::new(server.address.as_str()), query, server)?;
        let json: Json = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        Ok(sorted(json["data"]["result"].clone()))
    };
    let (a, b, c) = (answer(ours)?, answer(prometheus)?, answer(victoria)?);
    if b.as_array().is_none_or(Vec::is_empty) {
        return Ok(Some(format!("{}: Prometheus has no answer", query.name)));
    }
    if [OBJECTIVE, OBJECTIVE_ALL].contains(&query.name) && !is_close(&number(&b), &number(&c), 1e-2) {
        return Ok(Some(format!("{}: VictoriaMetrics says {c}, Prometheus {b}", query.name)));
    }
    Ok(difference(&a, &b).map(|what| format!("{}: {what}", query.name)))
}

/// The one number of an answer.
fn number(result: &Json) -> Json {
    result[0]["value"][1].clone()
}

fn sorted(mut result: Json) -> Json {
    if let Some(rows) = result.as_array_mut() {
        rows.sort_by_key(|row| row["metric"].to_string());
    }
    result
}

fn difference(a: &Json, b: &Json) -> Option<String> {
    match (a, b) {
        (Json::Array(x), Json::Array(y)) if x.len() == y.len() => {
            x.iter().zip(y).find_map(|(x, y)| difference(x, y))
        }
        (Json::Object(x), Json::Object(y)) if x.len() == y.len() => {
            x.iter().find_map(|(key, value)| difference(value, y.get(key)?))
        }
        _ if a == b || is_close(a, b, RELATIVE_MAX) => None,
        _ => {
            let short = |json: &Json| json.to_string().chars().take(200).collect::<String>();
            Some(format!("{} instead of {}", short(a), short(b)))
        }
    }
}

fn is_close(a: &Json, b: &Json, bound: f64) -> bool {
    let number = |json: &Json| json.as_str().and_then(|text| text.parse::<f64>().ok());
    let Some((a, b)) = number(a).zip(number(b)) else { return false };
    (a - b).abs() <= bound * a.abs().max(b.abs())
}

fn geometric_mean(ratios: impl Iterator<Item = f64>) -> f64 {
    let logs: Vec<f64> = ratios.map(f64::ln).collect();
    (logs.iter().sum::<f64>() / logs.len() as f64).exp()
}

/// Costs of one query on the three servers, in the order in which they were started.
type Row<'a> = (&'a Query, [Cost; 3]);

fn print(table: &[Row<'_>]) {
    println!(
        "Milliseconds per query; B Bellwether, P Prometheus, V VictoriaMetrics; medians of {ROUNDS} rounds\n"
    );
    println!(
        "| query | B wall | P wall | V wall | B cpu | P cpu | V cpu | P/B wall | P/B cpu | V/B wall | V/B cpu |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for (query, [b, p, v]) in table {
        println!(
            "| {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.1} | {:.1} | {:.1} | {:.1} |",
            query.name,
            b.wall_ms,
            p.wall_ms,
            v.wall_ms,
            b.cpu_ms,
            p.cpu_ms,
            v.cpu_ms,
            p.wall_ms / b.wall_ms,
            p.cpu_ms / b.cpu_ms,
            v.wall_ms / b.wall_ms,
            v.cpu_ms / b.cpu_ms,
        );
    }
    let mean = |ratio: fn(&[Cost; 3]) -> f64| geometric_mean(table.iter().map(|(_, costs)| ratio(costs)));
    println!(
        "| **geometric mean** | | | | | | | {:.1} | {:.1} | {:.1} | {:.1} |",
        mean(|[b, p, _]| p.wall_ms / b.wall_ms),
        mean(|[b, p, _]| p.cpu_ms / b.cpu_ms),
        mean(|[b, _, v]| v.wall_ms / b.wall_ms),
        mean(|[b, _, v]| v.cpu_ms / b.cpu_ms),
    );
}

fn print_memory(servers: &[Server; 3]) -> Outcome {
    println!("\n| memory, MiB | resident after the run | peak |\n|---|---|---|");
    for server in servers {
        let Usage { resident_bytes, peak_bytes, .. } = server.usage()?;
        println!("| {} | {} | {} |", server.name, resident_bytes >> 20, peak_bytes >> 20);
    }
    Ok(())
}
