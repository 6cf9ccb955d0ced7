//! A million series: what making them, appending to them and opening again takes, in time and in memory. Not a
//! statistic but one run; `cargo bench -p bellwether-tsdb --bench scale [-- SERIES]`, or
//! `-- DIR` to open one that is there (left by a run with `KEEP=1`).

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bellwether_model::{Batch, Labels, Origin, Sample, SeriesId, Timestamp};
use bellwether_tsdb::{Options, RealDisk, Recovery, Store};

const ROUNDS: i64 = 6;
const BATCH: usize = 10_000;

/// Ten labels, as a service's metrics have them.
fn labels(n: usize) -> Labels {
    let (metric, rest) = (n % 100, n / 100);
    let (route, pod) = (rest % 20, rest / 20);
    Labels::from_pairs([
        ("__name__", format!("http_requests_{metric}_total")),
        ("cluster", "eu-west-1-production".to_owned()),
        ("code", format!("{}", 200 + metric % 5)),
        ("container", "checkout".to_owned()),
        ("instance", format!("10.{}.{}.{}:8080", pod / 65_536, pod / 256 % 256, pod % 256)),
        ("job", "checkout-service".to_owned()),
        ("method", ["GET", "POST", "PUT"][metric % 3].to_owned()),
        ("namespace", "shop".to_owned()),
        ("pod", format!("checkout-7d9f8b6c5-{pod:05x}")),
        ("route", format!("/api/v1/resource/{route}")),
    ])
}

fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// User and system time of this process; a hundred ticks a second on every Linux.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or("").split(' ');
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    if let Some(dir) = arguments.first().filter(|arg| arg.contains('/')) {
        return reopen(Path::new(dir));
    }
    let series: usize = arguments.first().map_or(1_000_000, |arg| arg.parse().expect("a number of series"));
    let dir = std::env::temp_dir().join(format!("bellwether-scale-{}", std::process::id()));
    fill(&dir, series);
    reopen(&dir);
    if std::env::var_os("KEEP").is_none() {
        let _ = std::fs::remove_dir_all(&dir);
    }
}

fn open(dir: &Path) -> (Store, Recovery) {
    Store::open(dir, Options::default(), Arc::new(RealDisk)).expect("the store opens")
}

fn fill(dir: &Path, series: usize) {
    let (store, _) = open(dir);
    let base = resident_mb();
    let started = Instant::now();
    let ids: Vec<SeriesId> = (0..series).map(|n| store.series(&labels(n)).expect("a new series")).collect();
    let took = started.elapsed().as_secs_f64();
    store.sync().expect("synced");
    println!("{series} series made in {took:.2} s, {:.0} MB more", resident_mb() - base);
    let started = Instant::now();
    for round in 0..ROUNDS {
        let at = Timestamp(1_700_000_000_000 + round * 15_000);
        for ids in ids.chunks(BATCH) {
            let value = |id: &SeriesId| (round * i64::from(id.0 % 90)) as f64;
            let samples = ids.iter().map(|id| (*id, Sample::new(at, value(id)))).collect();
            store.append(&Batch::floats(Origin::Rules, at, samples)).expect("appended");
        }
        store.sync().expect("synced");
    }
    let samples = series as f64 * ROUNDS as f64;
    let took = started.elapsed().as_secs_f64();
    println!(
        "{samples} samples appended in {took:.2} s ({:.1} M/s), {:.0} MB more than empty",
        samples / took / 1e6,
        resident_mb() - base
    );
    let started = Instant::now();
    for n in (0..series).step_by(7) {
        assert!(store.find(&labels(n)).is_some(), "what was made is found");
    }
    println!("{} found again in {:.2} s", series / 7, started.elapsed().as_secs_f64());
}

fn reopen(dir: &Path) {
    let base = resident_mb();
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let (store, recovery) = open(dir);
    let (took, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    println!(
        "opened again in {took:.2} s, {cpu:.2} s of processor ({} series, {} samples), {:.0} MB, {:.0} before",
        recovery.series,
        recovery.samples_replayed,
        resident_mb(),
        base
    );
    drop(store);
}
