//! Series that come and go leave nothing behind, and a number never means another series.

use bellwether_model::{Labels, Matcher, SeriesId, SeriesSource, TimeRange, Timestamp};
use bellwether_tsdb::fault_disk::FaultDisk;
use bellwether_tsdb::{Refusal, Store};

use crate::world::{batch, contents, open};

fn pod(number: i64) -> Labels {
    Labels::from_pairs([("__name__", "m".to_owned()), ("pod", format!("pod-{number}"))])
}

/// What maintenance does every two hours, at a time: seals all before, keeps the last thousand.
fn tidy(store: &Store, now: i64) -> u64 {
    store.release(store.sync().unwrap());
    store.seal(Timestamp(now)).unwrap();
    store.enforce_retention(Timestamp(now - 1000)).unwrap();
    store.forget().unwrap().forgotten
}

fn put(store: &Store, number: i64, at: i64) -> SeriesId {
    let id = store.series(&pod(number)).unwrap();
    assert_eq!(store.append(&batch(at, vec![(id, at as f64)])).unwrap().taken, 1);
    id
}

#[test]
fn series_that_come_and_go_are_forgotten_and_others_are_not() {
    let disk = FaultDisk::new();
    let mut store = open(&disk).0;
    let (mut forgotten, mut first_bytes) = (0, 0);
    for round in 0..40i64 {
        let at = round * 500 + 1;
        put(&store, -1, at); // one that stays
        for number in 0..100 {
            put(&store, round * 100 + number, at);
        }
        forgotten += tidy(&store, at + 1);
        let stats = store.stats();
        assert_eq!(stats.series_named + forgotten, stats.series, "round {round}");
        if round == 8 {
            first_bytes = stats.head_bytes;
        }
        if round > 8 {
            // A start brings back up to a thousand whose names the file of series still has.
            assert!(stats.series_named <= 1801, "round {round}: {}", stats.series_named);
            assert!(
                stats.head_bytes <= first_bytes * 5 / 4,
                "round {round}: {} {first_bytes}",
                stats.head_bytes
            );
        }
        if round % 10 == 9 {
            let shown = contents(&store);
            drop(store);
            disk.restart(round as u64);
            store = open(&disk).0;
            assert_eq!(contents(&store), shown, "round {round}");
            // Those whose names the file of series still has come back, and go again.
            forgotten = store.stats().series - store.stats().series_named;
        }
    }
    assert!(forgotten > 2000, "{forgotten}");
    let snapshot = store.snapshot();
    let named = |number: i64| Matcher::equal("pod", format!("pod-{number}"));
    assert_eq!(snapshot.select(&[named(0)], TimeRange::ALL).unwrap().len(), 0);
    assert_eq!(snapshot.select(&[named(-1)], TimeRange::ALL).unwrap().len(), 1);
    assert_eq!(
        snapshot.label_values("pod", &[], TimeRange::ALL).unwrap().len() as u64,
        contents_pods(&store)
    );
}

fn contents_pods(store: &Store) -> u64 {
    store.snapshot().series(&[], TimeRange::ALL).unwrap().len() as u64
}

#[test]
fn who_comes_back_gets_another_number_and_the_old_one_is_refused() {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    let old = put(&store, 1, 1);
    for at in [2000, 4000, 6000, 8000] {
        put(&store, 2, at);
        tidy(&store, at + 1);
    }
    assert_eq!(store.labels(old), None);
    let refused = store.append(&batch(9000, vec![(old, 1.0)])).unwrap().refused;
    assert_eq!(refused[0].reason, Refusal::UnknownSeries { series: old });
    let new = put(&store, 1, 9001);
    assert_ne!(new, old);
    store.sync().unwrap();
    drop(store);
    disk.restart(7);
    let store = open(&disk).0;
    assert_eq!((store.find(&pod(1)), store.labels(new)), (Some(new), Some(pod(1))));
    assert!(put(&store, 3, 9002) > new);
}

#[test]
fn a_series_that_is_asked_for_is_not_forgotten_under_the_hands_of_who_asked() {
    let store = open(&FaultDisk::new()).0;
    let id = put(&store, 1, 1);
    tidy(&store, 2);
    put(&store, 2, 3000);
    tidy(&store, 3001);
    assert_eq!(store.forget().unwrap().leaving, 1, "it is chosen");
    assert_eq!(store.series(&pod(1)).unwrap(), id);
    for at in [4000, 6000] {
        put(&store, 2, at);
        store.release(store.sync().unwrap());
        store.seal(Timestamp(at + 1)).unwrap();
        assert_eq!(store.forget().unwrap().forgotten, 0, "at {at}");
        if at == 4000 {
            // Not chosen again before it has been appended to, as it is now.
            assert_eq!(store.append(&batch(4001, vec![(id, 1.0)])).unwrap().taken, 1);
        }
    }
}
