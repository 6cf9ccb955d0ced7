//! Samples that come after newer ones of their series: taken if the window reaches back to them, and otherwise refused,
//! or, if another store learnt of them, left to the log for whoever folds over it.

use std::path::Path;
use std::sync::Arc;

use bellwether_model::{
    Batch, Births, Labels, LogPosition, METRIC_NAME, Matcher, Origin, Sample, SeriesSource, TimeDelta,
    TimeRange, Timestamp,
};
use bellwether_tsdb::fault_disk::FaultDisk;
use bellwether_tsdb::{LogEvent, Options, Refusal, Store};

use crate::world;

fn open(disk: &FaultDisk) -> Store {
    Store::open(Path::new("data"), Options::default(), Arc::new(disk.clone())).unwrap().0
}

fn logged(store: &Store) -> Vec<(Origin, i64)> {
    let mut found = Vec::new();
    let replayed = store.replay(LogPosition::default(), &mut |event| {
        if let LogEvent::Batch { batch, .. } = event {
            found.extend(batch.times().map(|at| (batch.origin, at.0)));
        }
    });
    replayed.unwrap();
    found
}

fn stored(store: &Store) -> Vec<i64> {
    let matchers = [Matcher::equal(METRIC_NAME, "a")];
    let mut samples = Vec::new();
    for view in store.snapshot().select(&matchers, TimeRange::ALL).unwrap() {
        view.chunks.iter().for_each(|chunk| chunk.decode(&mut samples).unwrap());
    }
    samples.into_iter().map(|sample| sample.at.0).collect()
}

#[test]
fn late_samples_of_another_store_are_in_the_log_only() {
    let disk = FaultDisk::new();
    let store = open(&disk);
    let id = store.series(&Labels::from_pairs([(METRIC_NAME, "a")])).unwrap();
    let births = Births::Counted;
    let remote = Origin::Remote { target: id, ok: true, interval: TimeDelta(15_000), births };
    let pushed = Origin::RemotePushed { births: Births::Baseline };
    let append = |origin, at| {
        let at = Timestamp(at);
        let appended = store.append(&Batch::floats(origin, at, vec![(id, Sample::new(at, 1.0))])).unwrap();
        (appended.taken, appended.late, appended.refused.len())
    };
    assert_eq!(append(remote, 30), (1, 0, 0));
    assert_eq!(append(remote, 10), (0, 1, 0), "late");
    assert_eq!(append(pushed, 20), (0, 1, 0), "late");
    assert_eq!(append(Origin::Rules, 25), (0, 0, 1), "refused");
    assert_eq!(append(remote, 40), (1, 0, 0));
    store.sync().unwrap();
    let in_log = vec![(remote, 30), (remote, 10), (pushed, 20), (remote, 40)];
    assert_eq!((logged(&store), stored(&store)), (in_log.clone(), vec![30, 40]));
    drop(store);
    let store = open(&disk);
    assert_eq!((logged(&store), stored(&store)), (in_log, vec![30, 40]), "and after another start");
}

/// A store that takes what is up to 100 ms late.
fn open_window(disk: &FaultDisk) -> Store {
    let options = Options { out_of_order_window: TimeDelta(100), ..Options::default() };
    Store::open(Path::new("data"), options, Arc::new(disk.clone())).unwrap().0
}

fn push(store: &Store, at: i64, value: f64) -> Result<usize, Refusal> {
    let id = store.series(&Labels::from_pairs([(METRIC_NAME, "a")])).unwrap();
    let batch = Batch::floats(Origin::Backfill, Timestamp(0), vec![(id, Sample::new(Timestamp(at), value))]);
    let appended = store.append(&batch).unwrap();
    appended.refused.first().map_or(Ok(appended.taken), |refused| Err(refused.reason))
}

#[test]
fn each_late_sample_is_taken_known_or_refused_for_its_own_reason() {
    let disk = FaultDisk::new();
    let mut store = open_window(&disk);
    for at in [1000, 1100, 1200, 1300] {
        assert_eq!(push(&store, at, 1.0), Ok(1));
    }
    assert_eq!(push(&store, 1250, 2.0), Ok(1), "late");
    for state in ["in memory", "opened again", "in memory, opened again"] {
        let too_old = Refusal::TooOld { last: Timestamp(1300), oldest: Timestamp(1200) };
        assert_eq!(push(&store, 1199, 1.0), Err(too_old), "{state}");
        assert_eq!(push(&store, 1200, 1.0), Ok(0), "{state}: known, in order");
        assert_eq!(push(&store, 1200, 5.0), Err(Refusal::Duplicate { at: Timestamp(1200) }), "{state}");
        assert_eq!(push(&store, 1250, 2.0), Ok(0), "{state}: known, late");
        assert_eq!(push(&store, 1250, 3.0), Err(Refusal::Duplicate { at: Timestamp(1250) }), "{state}");
        assert_eq!(push(&store, 1300, 9.0), Err(Refusal::Duplicate { at: Timestamp(1300) }), "{state}");
        assert_eq!(stored(&store), [1000, 1100, 1200, 1250, 1300], "{state}");
        store.sync().unwrap();
        drop(store);
        store = open_window(&disk);
    }
    store.set_out_of_order_window(TimeDelta::ZERO);
    let out_of_order = Refusal::OutOfOrder { last: Timestamp(1300) };
    assert_eq!(push(&store, 1299, 1.0), Err(out_of_order), "the window is closed");
    let stats = store.stats();
    assert_eq!((stats.refused_out_of_order, stats.refused_duplicate, stats.refused_too_old), (1, 0, 0));
}

#[test]
fn late_samples_are_neither_lost_nor_doubled_by_sealing_and_restarts() {
    let disk = FaultDisk::new();
    let mut store = open_window(&disk);
    let mut expected = Vec::new();
    let mut take = |store: &Store, at: i64| {
        assert_eq!(push(store, at, at as f64), Ok(1), "{at}");
        expected.push(at);
        expected.sort_unstable();
        assert_eq!(stored(store), expected);
    };
    take(&store, 1000);
    take(&store, 950);
    store.seal(Timestamp(1001)).unwrap();
    take(&store, 990);
    take(&store, 1050);
    take(&store, 960);
    store.sync().unwrap();
    drop(store);
    store = open_window(&disk);
    assert_eq!(store.stats().head_samples, 3, "what is sealed is not in memory again");
    take(&store, 970);
    store.seal(Timestamp(965)).unwrap();
    assert_eq!(store.stats().head_samples, 3, "only one was before that");
    store.sync().unwrap();
    drop(store);
    store = open_window(&disk);
    assert_eq!(store.stats().head_samples, 3);
    take(&store, 955);
    store.seal(Timestamp::MAX).unwrap();
    assert_eq!((store.stats().head_samples, store.stats().segment_samples), (0, 7));
    take(&store, 975);
}

#[test]
fn a_query_that_began_before_a_late_sample_does_not_see_it_and_loses_nothing() {
    let disk = FaultDisk::new();
    let store = open_window(&disk);
    for at in [1000, 1020, 1040] {
        push(&store, at, 1.0).unwrap();
    }
    let snapshot = store.snapshot();
    let seen = |range| {
        let mut samples = Vec::new();
        for view in snapshot.select(&[], range).unwrap() {
            view.chunks.iter().for_each(|chunk| chunk.decode(&mut samples).unwrap());
        }
        samples.iter().map(|sample| sample.at.0).collect::<Vec<_>>()
    };
    push(&store, 1010, 1.0).unwrap();
    push(&store, 1050, 1.0).unwrap();
    push(&store, 1030, 1.0).unwrap();
    assert_eq!(seen(TimeRange::ALL), [1000, 1020, 1040]);
    store.seal(Timestamp(1035)).unwrap();
    assert_eq!(seen(TimeRange::ALL), [1000, 1020, 1040]);
    let around = |at| TimeRange::new(Timestamp(at), Timestamp(at));
    assert_eq!(snapshot.series(&[], around(1010)).unwrap().len(), 0);
    assert_eq!(snapshot.series(&[], around(1020)).unwrap().len(), 1);
    assert_eq!(stored(&store), [1000, 1010, 1020, 1030, 1040, 1050]);
}

#[test]
fn what_a_scrape_found_now_is_never_late_but_a_time_of_its_own_may_be() {
    let disk = FaultDisk::new();
    let store = open_window(&disk);
    let id = store.series(&Labels::from_pairs([(METRIC_NAME, "a")])).unwrap();
    let origin = Origin::Scrape { target: id, ok: true, interval: TimeDelta(15_000) };
    let scrape = |now: i64, at: i64| {
        let samples = vec![(id, Sample::new(Timestamp(at), at as f64))];
        store.append(&Batch::floats(origin, Timestamp(now), samples)).unwrap().taken
    };
    assert_eq!(scrape(1000, 1000), 1);
    assert_eq!(scrape(990, 990), 0, "the clock was set back");
    assert_eq!(scrape(1010, 985), 1, "the exporter said so");
}

#[test]
fn histograms_and_start_times_may_be_late_too() {
    let disk = FaultDisk::new();
    let mut store = open_window(&disk);
    let id = store.series(&world::labels(0)).unwrap();
    let mut expected = std::collections::BTreeMap::new();
    for at in [7, 40, 12, 35, 5, 36, 9, 14, 30] {
        let (value, since) = world::value(at);
        expected.insert(at, world::print(&value, since));
        store.append(&world::mixed_batch(at, &[(id, value, since)])).unwrap();
    }
    for state in ["in memory", "opened again", "sealed in part", "sealed"] {
        assert_eq!(world::contents(&store)["series_0"], expected, "{state}");
        store.sync().unwrap();
        match state {
            "in memory" => {
                drop(store);
                store = open_window(&disk);
            }
            "opened again" => drop(store.seal(Timestamp(13)).unwrap()),
            _ => drop(store.seal(Timestamp::MAX).unwrap()),
        }
    }
}

#[test]
fn a_moment_has_one_value_wherever_it_lies() {
    // In the head, in closed chunks, among late ones, in a segment, and in the log alone after a restart.
    type Put<'a> = &'a dyn Fn(Store, &FaultDisk) -> Store;
    let places: [(&str, Put<'_>); 4] = [
        ("in memory", &|store, _| store),
        ("in a segment", &|store, _| {
            store.seal(Timestamp(20_000)).unwrap();
            store
        }),
        ("in the log, read again", &|store, disk| {
            store.sync().unwrap();
            drop(store);
            open_window_of(disk, 100_000)
        }),
        ("in a segment, opened again", &|store, disk| {
            store.seal(Timestamp(20_000)).unwrap();
            drop(store);
            open_window_of(disk, 100_000)
        }),
    ];
    for (place, put) in places {
        let disk = FaultDisk::new();
        let store = open_window_of(&disk, 100_000);
        for at in 0..600 {
            push(&store, at * 10, at as f64).unwrap();
        }
        push(&store, 3005, 0.25).unwrap();
        let store = put(store, &disk);
        push(&store, 20_001, 7.0).unwrap();
        let check = |at: i64, value: f64, expected: Result<usize, Refusal>| {
            assert_eq!(push(&store, at, value), expected, "{place}: {at}");
        };
        let duplicate = |at: i64| Err(Refusal::Duplicate { at: Timestamp(at) });
        check(50, 5.0, Ok(0));
        check(50, 6.0, duplicate(50));
        check(5990, 599.0, Ok(0));
        check(5990, 1.0, duplicate(5990));
        check(3005, 0.25, Ok(0));
        check(3005, 0.5, duplicate(3005));
        check(3006, 0.5, Ok(1));
        check(3006, 0.75, duplicate(3006));
        assert_eq!(store.stats().refused_duplicate, 4, "{place}");
        assert_eq!(stored(&store).len(), 603, "{place}");
    }
}

fn open_window_of(disk: &FaultDisk, window: i64) -> Store {
    let options = Options { out_of_order_window: TimeDelta(window), ..Options::default() };
    Store::open(Path::new("data"), options, Arc::new(disk.clone())).unwrap().0
}
