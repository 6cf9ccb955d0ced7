//! A million active series: what they take in memory, and how soon a killed server is back.

use std::time::{Duration, Instant};

use bellwether_model::Labels;

use super::contender::{ALL, settle};
use super::push::{Request, series_prefix};
use super::{Bench, SETTLE_MAX, now_ms};
use crate::Outcome;
use crate::http::Client;

const SERIES: usize = 1_000_000;
/// Samples of each series, all in the log.
const ROUNDS: i64 = 6;
const PER_REQUEST: usize = 10_000;

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

pub fn compare(bench: &Bench) -> Outcome {
    println!("\n{SERIES} series, {ROUNDS} samples each, one to a request of {PER_REQUEST} series\n");
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
        let end = now_ms()? / 15_000 * 15_000;
        for round in 0..ROUNDS {
            let at = end - (ROUNDS - round) * 15_000;
            let before = server.usage()?.cpu;
            let mut request = Request::default();
            for (group, prefixes) in prefixes.chunks(PER_REQUEST).enumerate() {
                for (n, prefix) in prefixes.iter().enumerate() {
                    let value = round * ((group * PER_REQUEST + n) % 90) as i64;
                    request.series(prefix, &[(at, value as f64)]);
                }
                request.send(contender.write_path(), &mut client)?;
            }
            spent.push(server.usage()?.cpu - before);
        }
        settle(&server, SETTLE_MAX)?;
        std::thread::sleep(Duration::from_secs(10));
        let resident = server.usage()?.resident_bytes;
        drop(server); // killed
        let started = Instant::now();
        let again = contender.start(&bench.programs, &dir, &bench.nothing())?;
        let ready = started.elapsed();
        drop(again);
        let rate = |spent: &[Duration]| {
            let seconds: f64 = spent.iter().map(Duration::as_secs_f64).sum();
            SERIES as f64 * spent.len() as f64 / seconds / 1e6
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
