//! A snapshot is of one moment, whatever is appended, sealed or created while it is held.

use bellwether_model::{Matcher, SeriesSource, TimeDelta, TimeRange, Timestamp};
use bellwether_tsdb::fault_disk::FaultDisk;
use bellwether_tsdb::{Snapshot, Store};

use crate::world::{batch, entries, labels, mixed_batch, open, value};

/// Entries of all series of a snapshot.
fn shown(snapshot: &Snapshot) -> Vec<(String, Vec<(i64, u64)>)> {
    let views = snapshot.select(&[], TimeRange::ALL).unwrap();
    let entries_of =
        |view: &bellwether_model::SeriesView| view.chunks.iter().flat_map(|c| entries(&**c)).collect();
    views.iter().map(|view| (view.labels.to_string(), entries_of(view))).collect()
}

fn append(store: &Store, times: std::ops::Range<i64>, series: std::ops::Range<u8>) {
    for at in times {
        for series in series.clone() {
            let id = store.series(&labels(series)).unwrap();
            let (value, since) = value(at);
            store.append(&mixed_batch(at, &[(id, value, since)])).unwrap();
        }
    }
}

#[test]
fn what_comes_later_is_seen_by_later_snapshots_only() {
    let store = open(&FaultDisk::new()).0;
    append(&store, 0..400, 0..3);
    let held = store.snapshot();
    let before = shown(&held);
    let range = TimeRange::new(Timestamp(400), Timestamp(900));
    let check = |what: &str| {
        assert_eq!(shown(&held), before, "{what}");
        assert_eq!(shown(&held.clone()), before, "{what}, a clone");
        assert_eq!(held.series(&[], TimeRange::ALL).unwrap().len(), 3, "{what}");
        assert_eq!(held.label_values("__name__", &[], range).unwrap().len(), 0, "{what}: nothing that late");
        assert!(held.select(&[], range).unwrap().is_empty(), "{what}: nothing that late");
    };
    append(&store, 400..401, 0..1);
    check("one series has one more");
    append(&store, 401..900, 0..4);
    check("chunks were closed, a series was created");
    store.seal(Timestamp(350)).unwrap();
    check("what was there is sealed");
    store.seal(Timestamp(700)).unwrap();
    check("what came later is sealed too");
    let later = shown(&store.snapshot());
    assert_eq!(later.len(), 4);
    assert!(later.iter().all(|(_, entries)| entries.last().unwrap().0 == 899));
}

#[test]
fn what_comes_once_more_while_a_snapshot_is_held_does_not_take_away_what_was_there() {
    let store = open(&FaultDisk::new()).0;
    store.set_out_of_order_window(TimeDelta(1000));
    append(&store, 0..10, 0..1);
    store.seal(Timestamp(10)).unwrap();
    append(&store, 20..30, 0..1);
    let held = store.snapshot();
    let before = shown(&held);
    // Of a moment in a segment, which is not read for this, and of one that is nowhere.
    append(&store, 5..6, 0..1);
    append(&store, 15..16, 0..1);
    assert_eq!(shown(&held), before);
    store.seal(Timestamp(25)).unwrap();
    assert_eq!(shown(&held), before, "sealed");
    assert_eq!(held.series(&[], TimeRange::new(Timestamp(5), Timestamp(5))).unwrap().len(), 1);
    assert_eq!(held.series(&[], TimeRange::new(Timestamp(15), Timestamp(15))).unwrap().len(), 0);
}

#[test]
fn numerator_and_denominator_are_of_one_batch_while_batches_arrive() {
    let store = open(&FaultDisk::new()).0;
    let ids = [store.series(&labels(0)).unwrap(), store.series(&labels(1)).unwrap()];
    let is_done = std::sync::atomic::AtomicBool::new(false);
    let last_of = |snapshot: &Snapshot, name: &str| {
        let views = snapshot.select(&[Matcher::equal("__name__", name)], TimeRange::ALL).unwrap();
        let mut samples = Vec::new();
        views.iter().flat_map(|v| &v.chunks).for_each(|chunk| chunk.decode(&mut samples).unwrap());
        samples.last().map(|sample| sample.value)
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for at in 1..3000 {
                store.append(&batch(at, ids.map(|id| (id, at as f64)).to_vec())).unwrap();
            }
            is_done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
            let snapshot = store.snapshot();
            assert_eq!(last_of(&snapshot, "series_0"), last_of(&snapshot, "series_1"));
        }
    });
}
