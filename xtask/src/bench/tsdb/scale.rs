//! A million active series: what they take in memory, and how soon a killed server is back.

use std::time::{Duration, Instant};

use bellwether_model::Labels;

use super::contender::{ALL, settle};
use super::push::{Request, series_prefix};
use super::workload::STEP_MS;
use super::{Bench, SETTLE_MAX, now_ms};
use crate::Outcome;
use crate::http::Client;

const SERIES: usize = 1_000_000;
const PER_REQUEST: usize = 10_000;

/// What is sent to each series.
#[derive(Clone, Copy)]
struct Load {
    rounds: i64,
    /// Samples of a series in a request.
    together: i64,
}

/// Six samples, as if every target had been read six times.
const MINUTE: Load = Load { rounds: 6, together: 1 };
/// An hour at 15 s, caught up with.
const HOUR: Load = Load { rounds: 4, together: 60 };

/// Pods of a hundred metrics with twenty routes each.
fn labels(n: usize) -> Labels {
    let (metric, rest) = (n % 100, n / 100);
    let (route, pod) = (rest % 20, rest / 20);
    Labels::from_pairs([
        ("__name__", format!("http_requests_{metric}_total")),
        ("cluster", "eu-west-1-production".to_owned()),
        ("code", format!("{}", 200 + metric % 5)),
        ("instance", format!("10.0.{}.{}:8080", pod / 256, pod % 256)),
        ("job", "checkout-service".to_owned()),
        ("method", ["GET", "POST", "PUT"][metric % 3].to_owned()),
        ("namespace", "shop".to_owned()),
        ("pod", format!("checkout-7d9f8b6c5-{pod:05x}")),
        ("route", format!("/api/v1/resource/{route}")),
    ])
}

/// What a series has counted: steadily, but not evenly.
fn count(series: usize, place: i64) -> f64 {
    let rate = (series % 90) as i64;
    (place * rate + place * place * 7 % (rate + 1)) as f64
}

/// A million series that begin.
pub fn compare(bench: &Bench) -> Outcome {
    compare_at(bench, MINUTE)
}

/// A million series after an hour.
pub fn compare_hour(bench: &Bench) -> Outcome {
    compare_at(bench, HOUR)
}

fn compare_at(bench: &Bench, load: Load) -> Outcome {
    let Load { rounds, together } = load;
    println!(
        "\n{SERIES} series, {rounds} times {together} samples each, in requests of {PER_REQUEST} series\n"
    );
    println!(
        "| | M samples per core-second, first round | later rounds | resident MiB | ready after kill -9, s |"
    );
    println!("|---|---|---|---|---|");
    let prefixes: Vec<Vec<u8>> = (0..SERIES).map(|n| series_prefix(&labels(n))).collect();
    for contender in ALL {
        let dir = bench.fresh(&format!("{}-scale", contender.name()));
        let server = contender.start(&bench.programs, &dir, &bench.nothing())?;
        let mut client = Client::new(server.address.as_str());
        let mut spent = Vec::new();
        let begin = now_ms()? / STEP_MS * STEP_MS - rounds * together * STEP_MS;
        for round in 0..rounds {
            let before = server.usage()?.cpu;
            let mut request = Request::default();
            for (group, prefixes) in prefixes.chunks(PER_REQUEST).enumerate() {
                for (n, prefix) in prefixes.iter().enumerate() {
                    let sample = |place| (begin + place * STEP_MS, count(group * PER_REQUEST + n, place));
                    let places = round * together..(round + 1) * together;
                    request.series(prefix, &places.map(sample).collect::<Vec<_>>());
                }
                request.send(contender.write_path(), &mut client)?;
            }
            spent.push(server.usage()?.cpu - before);
        }
        settle(&server, SETTLE_MAX)?;
        // Long enough for whatever is done every few seconds.
        std::thread::sleep(Duration::from_secs(10));
        let resident = server.usage()?.resident_bytes;
        drop(server); // killed
        let started = Instant::now();
        let again = contender.start(&bench.programs, &dir, &bench.nothing())?;
        let ready = started.elapsed();
        drop(again);
        let rate = |spent: &[Duration]| {
            let seconds: f64 = spent.iter().map(Duration::as_secs_f64).sum();
            SERIES as f64 * (spent.len() as i64 * together) as f64 / seconds / 1e6
        };
        println!(
            "| {} | {:.2} | {:.2} | {} | {:.2} |",
            contender.name(),
            rate(&spent[..1]),
            rate(&spent[1..]),
            resident >> 20,
            ready.as_secs_f64()
        );
    }
    Ok(())
}
