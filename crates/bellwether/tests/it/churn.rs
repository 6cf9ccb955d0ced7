//! A million series that come and go, a thousand at a time, through store and ledger: what is in memory does not grow
//! with those that have gone.
#![allow(clippy::print_stdout, reason = "figures are for whoever reads them")]

use std::collections::BTreeSet;
use std::sync::Arc;

use bellwether_model::{Batch, Labels, Origin, STALE_NAN, Sample, SeriesId, TimeDelta, Timestamp};
use bellwether_slo::{EngineSettings, Event, SloEngine};
use bellwether_tsdb::{Options, RealDisk, Store};

use crate::ledger_rows_world::slos;
use crate::process::Folder;

const SLO: &str =
    "slos: [{name: it, goal: 0.99, window: 1d, indicator: {ratio: {bad: bad, total: total}}, alerts: []}]";
const STEP: TimeDelta = TimeDelta(15_000);
const SEALED_EVERY: TimeDelta = TimeDelta(2 * TimeDelta::HOUR.0);
const RETENTION: TimeDelta = TimeDelta(2 * TimeDelta::HOUR.0);

/// Megabytes that the process has in memory.
fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
}

struct World {
    store: Store,
    engine: SloEngine,
    live: Vec<(Labels, [SeriesId; 3])>,
    born: u64,
    at: Timestamp,
}

impl World {
    fn bear(&mut self) {
        let pod = format!("api-{:08x}:8080", self.born);
        self.born += 3;
        let labels = Labels::from_pairs([("job", "api"), ("instance", pod.as_str())]);
        let ids = ["up", "bad", "total"].map(|name| {
            let labels = labels.with("__name__", name);
            let id = self.store.series(&labels).unwrap();
            self.engine.step(Event::SeriesBorn { id, labels: &labels }, self.at);
            id
        });
        self.live.push((labels, ids));
    }

    /// All pods are scraped; so many go, and as many come.
    fn turn(&mut self, leaving: usize) {
        self.at += STEP;
        for (place, (_, [up, bad, total])) in self.live.clone().into_iter().enumerate() {
            let goes = place < leaving;
            let value = |value: f64| Sample::new(self.at, if goes { STALE_NAN } else { value });
            let age = (self.at.0 % 3_600_000) as f64;
            let samples = vec![(up, value(1.0)), (bad, value(age)), (total, value(age * 10.0))];
            let origin = Origin::Scrape { target: up, ok: !goes, interval: STEP };
            let batch = Batch::floats(origin, self.at, samples);
            assert!(self.store.append(&batch).unwrap().refused.is_empty());
            self.engine.step(Event::Batch(&batch), self.at);
        }
        self.live.drain(..leaving);
        (0..leaving).for_each(|_| self.bear());
    }

    fn tidy(&mut self, lets_go: bool) {
        self.store.sync().unwrap();
        self.store.release(self.store.position());
        self.store.seal(self.at - SEALED_EVERY).unwrap();
        self.store.enforce_retention(self.at - RETENTION).unwrap();
        self.store.forget().unwrap();
        if lets_go {
            let remembered = self.engine.remembered_series();
            let gone: BTreeSet<SeriesId> =
                self.store.forgotten_of(remembered.into_iter()).into_iter().collect();
            self.engine.let_go(&gone);
        }
    }
}

/// Until so many series came, of so many pods at a time.
fn played(series: u64, pods: usize, lets_go: bool) -> (usize, usize) {
    let folder = Folder::new(if lets_go { "churn" } else { "churn-kept" });
    let data = folder.path("data");
    std::fs::create_dir_all(&data).unwrap();
    let store = Store::open(&data, Options::default(), Arc::new(RealDisk)).unwrap().0;
    let engine = SloEngine::new(slos(SLO), EngineSettings::default());
    let at = Timestamp(1_700_002_800_000);
    let mut world = World { store, engine, live: Vec::new(), born: 0, at };
    (0..pods).for_each(|_| world.bear());
    let mut printed = 0;
    while world.born < series {
        world.turn(pods / 10);
        if world.at.0 % SEALED_EVERY.0 == 0 {
            world.tidy(lets_go);
        }
        if world.born / (series / 5) > printed {
            printed = world.born / (series / 5);
            let (remembered, stats) = (world.engine.remembered_series().len(), world.store.stats());
            println!(
                "{} series came, {} named in the store, {remembered} remembered by the ledger, {} MB resident",
                world.born,
                stats.series_named,
                resident_mb()
            );
        }
    }
    (world.engine.remembered_series().len(), world.store.stats().series_named as usize)
}

#[test]
fn what_is_in_memory_does_not_grow_with_the_series_that_came_and_went() {
    // Two hours until they are sealed, two that they are kept, and the looks after that: whatever came before is gone.
    let (remembered, named) = played(45_000, 30, true);
    assert!(named < 25_000 && remembered <= named, "{remembered} of {named}");
}

#[test]
#[ignore = "takes minutes; prints what a million series leave behind"]
fn a_million_series_that_came_and_went() {
    println!("letting go:");
    let (remembered, named) = played(1_000_000, 333, true);
    println!("as it was before:");
    let (kept, _) = played(1_000_000, 333, false);
    println!("{remembered} of {named} remembered, {kept} without letting go");
    assert!(kept > 900_000 && remembered < 200_000);
}
