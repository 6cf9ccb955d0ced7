//! A full disk is said, kept from getting worse, and left behind when there is room again.

use std::path::Path;
use std::sync::Arc;

use bellwether_model::Timestamp;
use bellwether_tsdb::fault_disk::{FaultDisk, Faults};
use bellwether_tsdb::{AppendError, Options, Store};

use crate::world::{DIR, batch, contents, files, labels};

const RESERVE: u64 = 3000;

fn open(disk: &FaultDisk) -> Store {
    let options = Options { log_file_bytes_max: 2000, reserve_bytes: RESERVE, ..Options::default() };
    Store::open(Path::new(DIR), options, Arc::new(disk.clone())).unwrap().0
}

fn used(disk: &FaultDisk) -> u64 {
    disk.paths().iter().map(|path| disk.bytes(path).unwrap().len() as u64).sum()
}

fn full(disk: &FaultDisk, room: u64) {
    disk.set_faults(Faults { capacity_bytes: Some(used(disk) + room), ..Faults::default() });
}

fn is_full(error: &AppendError) -> bool {
    matches!(error, AppendError::Log(error) if error.is_full())
}

#[test]
fn nothing_is_taken_from_a_full_disk_on_until_it_has_room_and_nothing_acknowledged_is_lost() {
    for room in [0, 1, 60, 200, 900] {
        let disk = FaultDisk::new();
        let store = open(&disk);
        let id = store.series(&labels(0)).unwrap();
        full(&disk, room);
        let (mut at, mut acknowledged) = (0, Vec::new());
        let error = loop {
            at += 1;
            let done = store.append(&batch(at, vec![(id, at as f64)])).and_then(|_| store.sync());
            match done {
                Ok(_) => acknowledged.push(at),
                Err(error) => break error,
            }
        };
        assert!(is_full(&error) && error.to_string().contains("the disk is full"), "{room}: {error}");
        assert!(!store.is_accepting() && files(&disk, "reserve").is_empty(), "{room}");
        // The room given back is not taken for samples, however often it is tried.
        for _ in 0..100 {
            assert!(is_full(&store.append(&batch(at + 1, vec![(id, 0.0)])).unwrap_err()));
            assert!(is_full(&store.series(&labels(1)).unwrap_err()));
        }
        let left = 2 * RESERVE / 3;
        assert!(disk.bytes_left() >= left, "{room}: {} bytes for others", disk.bytes_left());
        store.restore_reserve().unwrap_err();
        assert!(files(&disk, "reserve").is_empty());
        // A death on a full disk, and a start on it.
        let copy = disk.copy();
        full(&copy, 0);
        let other = open(&copy);
        assert!(!other.is_accepting());
        let times: Vec<i64> = contents(&other).into_values().flat_map(|s| s.into_keys()).collect();
        assert!(times.starts_with(&acknowledged), "{room}: {times:?}");
        // Room again.
        disk.set_faults(Faults::default());
        assert!(store.restore_reserve().unwrap() && store.is_accepting());
        store.append(&batch(at + 1, vec![(id, 0.0)])).unwrap();
        store.sync().unwrap();
        let shown = contents(&store);
        assert!(acknowledged.iter().chain(&[at + 1]).all(|at| shown["series_0"].contains_key(at)));
        drop(store);
        disk.restart(room);
        assert_eq!(contents(&open(&disk)), shown, "{room}");
    }
}

#[test]
fn retention_makes_room_on_a_full_disk() {
    let disk = FaultDisk::new();
    let store = open(&disk);
    let id = store.series(&labels(0)).unwrap();
    for at in 1..500 {
        store.append(&batch(at, vec![(id, (at as f64).sin())])).unwrap();
    }
    store.sync().unwrap();
    store.seal(Timestamp(400)).unwrap();
    full(&disk, 0);
    store.append(&batch(1000, vec![(id, 1.0)])).unwrap();
    assert!(is_full(&store.sync().unwrap_err()));
    full(&disk, 0);
    assert_eq!(store.enforce_retention(Timestamp(450)).unwrap().segments, 1);
    assert_eq!(contents(&store)["series_0"].keys().next(), Some(&450));
    disk.set_faults(Faults::default());
    store.restore_reserve().unwrap();
    store.sync().unwrap();
    drop(store);
    disk.restart(1);
    assert_eq!(contents(&open(&disk))["series_0"].keys().next(), Some(&450));
}

#[test]
fn a_segment_that_does_not_fit_leaves_everything_as_it_was() {
    for room in [0, 30, 200, 600] {
        let disk = FaultDisk::new();
        let store = open(&disk);
        for at in 1..300 {
            let id = store.series(&labels((at % 3) as u8)).unwrap();
            store.append(&batch(at, vec![(id, (at as f64).sin())])).unwrap();
        }
        store.sync().unwrap();
        let shown = contents(&store);
        full(&disk, room);
        store.seal(Timestamp(200)).unwrap_err();
        assert_eq!(contents(&store), shown, "{room}");
        let copy = disk.copy();
        assert_eq!(contents(&open(&copy)), shown, "{room}");
        disk.set_faults(Faults::default());
        store.seal(Timestamp(200)).unwrap();
        assert_eq!(contents(&store), shown, "{room}");
        drop(store);
        disk.restart(room);
        assert_eq!(contents(&open(&disk)), shown, "{room}");
    }
}
