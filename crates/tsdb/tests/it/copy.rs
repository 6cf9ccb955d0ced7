//! A copy is a store of its own: it holds what was there at one moment, whatever happens to the other meanwhile.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bellwether_model::Timestamp;
use bellwether_tsdb::fault_disk::FaultDisk;
use bellwether_tsdb::{DiskError, LookingDisk, Options, RealDisk, Recovery, Store};

use crate::world::{batch, contents, labels, mixed_batch, open, value};

fn copy(store: &Store, target: &Path) -> bellwether_tsdb::CopyReport {
    store.copy_to::<DiskError>(target, &mut || Ok(())).unwrap()
}

fn open_copy(disk: &FaultDisk, target: &Path) -> (Store, Recovery) {
    Store::open(target, Options::default(), Arc::new(disk.clone())).unwrap()
}

#[test]
fn a_copy_holds_what_was_there_in_every_state_of_the_store() {
    let disk = FaultDisk::new();
    let mut store = open(&disk).0;
    for round in 0..4i64 {
        for n in 1..60 {
            let at = round * 1000 + n;
            let id = store.series(&labels((n % 4) as u8)).unwrap();
            let (value, since) = value(at);
            store.append(&mixed_batch(at, &[(id, value, since)])).unwrap();
        }
        let target = PathBuf::from(format!("copy-{round}"));
        let shown = contents(&store);
        let report = copy(&store, &target);
        assert_eq!((report.series, report.segments), (4, store.stats().segments));
        match round {
            0 => {}
            1 => {
                store.release(store.position());
                store.seal(Timestamp(round * 1000 + 30)).unwrap();
            }
            2 => {
                store.enforce_retention(Timestamp(1010)).unwrap();
            }
            _ => {
                drop(store);
                disk.kill();
                store = open(&disk).0;
            }
        }
        disk.restart(round as u64); // the copy is durable
        let (copied, recovery) = open_copy(&disk, &target);
        assert!(recovery.quarantined.is_empty() && recovery.torn_bytes + recovery.damaged_bytes == 0);
        assert_eq!(contents(&copied), shown, "round {round}");
        // It goes on by itself.
        let id = copied.series(&labels(9)).unwrap();
        copied.append(&batch(9000, vec![(id, 1.0)])).unwrap();
        copied.sync().unwrap();
        drop((store, copied));
        disk.kill();
        store = open(&disk).0;
    }
}

#[test]
fn a_copy_made_while_samples_arrive_is_a_moment_that_was() {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for at in 1..2000i64 {
                let ids = [store.series(&labels(0)).unwrap(), store.series(&labels(1)).unwrap()];
                store.append(&batch(at, ids.map(|id| (id, at as f64)).to_vec())).unwrap();
                if at % 50 == 0 {
                    store.sync().unwrap();
                }
            }
            is_done.store(true, Ordering::Relaxed);
        });
        for number in 0.. {
            let target = PathBuf::from(format!("copy-{number}"));
            let before = store.sync().map(|_| contents(&store)).unwrap();
            copy(&store, &target);
            let copied = contents(&open_copy(&disk, &target).0);
            for (name, samples) in &before {
                assert!(
                    samples.iter().all(|(at, value)| copied[name].get(at) == Some(value)),
                    "{number} {name}"
                );
            }
            assert_eq!(copied.get("series_0"), copied.get("series_1"), "no batch is torn");
            if is_done.load(Ordering::Relaxed) {
                break;
            }
        }
    });
}

#[test]
fn looking_changes_nothing_and_sees_what_opening_would_find() {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("looking-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let store = Store::open(&dir, Options::default(), Arc::new(RealDisk)).unwrap().0;
    for at in 1..50i64 {
        let id = store.series(&labels((at % 2) as u8)).unwrap();
        store.append(&batch(at, vec![(id, at as f64)])).unwrap();
    }
    store.sync().unwrap();
    store.seal(Timestamp(20)).unwrap();
    store.append(&batch(60, vec![(store.series(&labels(0)).unwrap(), 1.0)])).unwrap();
    store.sync().unwrap();
    let names = || {
        let mut names: Vec<_> =
            std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    // Beside the store that has the directory.
    let (looked, _) = Store::open(&dir, Options::default(), Arc::new(LookingDisk)).unwrap();
    assert_eq!(contents(&looked), contents(&store));
    let seen = looked.inspect().unwrap();
    assert_eq!((seen.segments.len(), seen.segments[0].samples, seen.segments[0].series), (1, 19, 2));
    assert_eq!(seen.metrics.iter().map(|metric| metric.samples).sum::<u64>(), 50);
    assert_eq!(seen.labels[0].name, "parity");
    assert_eq!(seen.pairs[0], ("parity".to_owned(), "0".to_owned(), 1));
    // A damaged segment is seen, and stays where it is.
    drop((looked, store));
    let segment = dir.join(&seen.segments[0].name);
    let mut bytes = std::fs::read(&segment).unwrap();
    let last = bytes.len() - 10;
    bytes[last] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let (_, recovery) = Store::open(&dir, Options::default(), Arc::new(LookingDisk)).unwrap();
    assert_eq!(recovery.quarantined.len(), 1);
    assert_eq!(names(), before);
    let (store, _) = Store::open(&dir, Options::default(), Arc::new(RealDisk)).unwrap();
    assert_eq!(store.quarantined().len(), 1);
    std::fs::remove_dir_all(&dir).unwrap();
}
