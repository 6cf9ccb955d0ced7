//! A clock that jumps: what was measured while it was ahead keeps out nothing that comes at its right time, and samples
//! that retention would drop at its next turn are not taken.

use std::path::Path;
use std::sync::Arc;

use bellwether_model::{Batch, Origin, Sample, TimeDelta, Timestamp};
use bellwether_tsdb::fault_disk::FaultDisk;
use bellwether_tsdb::{Options, Present, Refusal, Store};

use crate::world::{Contents, contents, labels};

const HOUR: i64 = TimeDelta::HOUR.0;
const STEP: i64 = 15_000;
const RETENTION: i64 = 30 * 24 * HOUR;
/// When a scenario begins.
const BEGIN: i64 = 100 * 24 * HOUR;

fn open(disk: &FaultDisk) -> Store {
    Store::open(Path::new("data"), Options::default(), Arc::new(disk.clone())).unwrap().0
}

fn tell(store: &Store, now: i64) -> Option<Timestamp> {
    store.set_present(Present { now: Timestamp(now), oldest: Timestamp(now - RETENTION) })
}

/// A scrape of two series by a clock; gives how many samples were refused.
fn scrape(store: &Store, wall: i64, value: f64) -> usize {
    let ids = [0, 1].map(|series| store.series(&labels(series)).unwrap());
    let samples = ids.map(|id| (id, Sample::new(Timestamp(wall), value))).to_vec();
    let origin = Origin::Scrape { target: ids[0], ok: true, interval: TimeDelta(STEP) };
    store.append(&Batch::floats(origin, Timestamp(wall), samples)).unwrap().refused.len()
}

/// Scrapes for six hours by a clock that goes ahead after two and comes back half an hour later. Gives the samples
/// refused and what the store should hold.
fn played(store: &Store, ahead: i64, seals: bool) -> (usize, Contents) {
    let (mut refused, mut expected) = (0, Contents::new());
    for step in 0..6 * HOUR / STEP {
        let real = BEGIN + step * STEP + 3;
        let is_ahead = (2 * HOUR..5 * HOUR / 2).contains(&(step * STEP));
        let wall = if is_ahead { real + ahead + 1 } else { real };
        tell(store, wall);
        refused += scrape(store, wall, step as f64);
        for series in ["series_0", "series_1"] {
            expected.entry(series.to_owned()).or_default().insert(wall, (step as f64).to_bits());
        }
        if seals && step % 480 == 479 {
            store.seal(Timestamp(wall - 2 * HOUR)).unwrap();
        }
    }
    (refused, expected)
}

#[test]
fn a_clock_that_was_ahead_and_came_back_keeps_nothing_out_and_loses_nothing() {
    for ahead in [HOUR, 24 * HOUR, 365 * 24 * HOUR] {
        for seals in [false, true] {
            let disk = FaultDisk::new();
            let store = open(&disk);
            let (refused, expected) = played(&store, ahead, seals);
            assert_eq!(refused, 0, "{ahead} ms ahead, {seals}");
            assert!(contents(&store) == expected, "{ahead} ms ahead, {seals}");
            store.sync().unwrap();
            drop(store);
            let store = open(&disk);
            assert!(contents(&store) == expected, "after a restart; {ahead} ms ahead, {seals}");
            tell(&store, BEGIN + 6 * HOUR);
            assert_eq!(scrape(&store, BEGIN + 6 * HOUR, 0.5), 0, "and after a restart");
        }
    }
}

#[test]
fn a_store_that_is_told_no_time_keeps_to_the_order_of_each_series() {
    let store = open(&FaultDisk::new());
    assert_eq!(scrape(&store, BEGIN + HOUR, 1.0), 0);
    assert_eq!(scrape(&store, BEGIN, 2.0), 2);
    assert_eq!(tell(&store, BEGIN), Some(Timestamp(BEGIN + HOUR)), "it says what is ahead");
    assert_eq!(scrape(&store, BEGIN, 2.0), 0);
    assert_eq!(scrape(&store, BEGIN - HOUR, 3.0), 2, "only what comes at its right time is taken beside it");
    assert_eq!(tell(&store, BEGIN + HOUR), None);
    assert_eq!(scrape(&store, BEGIN + 1, 2.0), 2, "a few minutes are no jump");
}

#[test]
fn what_retention_would_drop_at_its_next_turn_is_refused_at_once() {
    let store = open(&FaultDisk::new());
    let id = store.series(&labels(0)).unwrap();
    let push = |at: i64| {
        let batch = Batch::floats(Origin::Pushed, Timestamp(at), vec![(id, Sample::new(Timestamp(at), 1.0))]);
        store.append(&batch).unwrap().refused.first().map(|refused| refused.reason)
    };
    let oldest = BEGIN - RETENTION;
    assert_eq!(push(oldest - 2), None, "it was told no time");
    tell(&store, BEGIN);
    let floor = Timestamp(oldest);
    assert_eq!(push(oldest - 1), Some(Refusal::BeforeRetention { floor }));
    assert_eq!(push(oldest), None);
    assert_eq!(store.stats().refused_before_retention, 1);
    tell(&store, BEGIN - HOUR);
    let other = store.series(&labels(1)).unwrap();
    let at = Timestamp(oldest - 1);
    let appended =
        store.append(&Batch::floats(Origin::Pushed, at, vec![(other, Sample::new(at, 1.0))])).unwrap();
    assert_eq!(appended.taken, 1, "it goes back with the clock");
}
