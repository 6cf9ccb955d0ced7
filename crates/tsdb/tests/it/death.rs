//! A history of everything that a store does, and the end of it at each of its disk operations: by power, by the death of
//! the process, by a disk that refuses once. What was acknowledged is there afterwards with its right value, nothing that
//! was never appended is, no file is taken for damaged, and what a snapshot had it has.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_tsdb::fault_disk::{FaultDisk, Faults};
use bellwether_tsdb::{DiskError, Options, Recovery, Store};

use crate::world::{Contents, DIR, above, batch, contents, is_subset, labels, mixed_batch, print, value};

/// What is known of a store from outside.
#[derive(Default)]
struct Past {
    tried: Contents,
    acknowledged: Contents,
    /// Before this nothing has to be there.
    floor: i64,
    /// Snapshots that were made, each with what was in the store then, and before when nothing had to be.
    copies: Vec<(PathBuf, Contents, i64)>,
}

fn open(disk: &FaultDisk, dir: &Path) -> Result<(Store, Recovery), bellwether_tsdb::OpenError> {
    let options =
        Options { log_file_bytes_max: 700, out_of_order_window: TimeDelta(100), ..Options::default() };
    Store::open(dir, options, Arc::new(disk.clone()))
}

/// A series that is made when all is over.
const NEW: u8 = 9;

/// How many samples are appended.
const LENGTH: i64 = 72;

/// Does everything, whatever fails, until the disk is off.
fn live(disk: &FaultDisk, past: &mut Past) {
    let Some((store, _)) = (0..2).find_map(|_| open(disk, Path::new(DIR)).ok()) else { return };
    for n in (0..LENGTH).take_while(|_| !disk.is_off()) {
        append(&store, n, past);
        if n % 3 == 2 && store.sync().is_ok() {
            past.acknowledged.clone_from(&past.tried);
        }
        maintain(&store, n, past);
    }
    // A disk that failed once works again.
    if store.sync().is_ok() {
        past.acknowledged.clone_from(&past.tried);
    }
}

/// Most go forward; some are late, some come twice, some are of series that come and go.
fn append(store: &Store, n: i64, past: &mut Past) {
    let at = if n % 7 == 6 { n * 10 - 35 } else { n * 10 };
    let series = if n % 5 == 4 { 10 + n / 10 } else { n % 4 } as u8;
    let Ok(id) = store.series(&labels(series)) else { return };
    let (value, since) = value(at);
    for _ in 0..1 + n % 6 / 5 {
        let Ok(done) = store.append(&mixed_batch(at, &[(id, value.clone(), since)])) else { return };
        if done.taken == 1 {
            past.tried.entry(format!("series_{series}")).or_default().insert(at, print(&value, since));
        }
    }
}

fn maintain(store: &Store, n: i64, past: &mut Past) {
    let now = n * 10;
    if n % 12 == 11 {
        store.release(store.position());
        let _ = store.seal(Timestamp(now - 60));
    }
    if n % 17 == 16 {
        let _ = store.compact(Timestamp(now), TimeDelta(400));
    }
    if n % 14 == 13 {
        store.release(store.position());
        let _ = store.trim_log();
    }
    if n % 29 == 28 {
        past.floor = now - 350;
        let _ = store.enforce_retention(Timestamp(past.floor));
    }
    if n == 66 {
        let _ = store.enforce_size(600);
        past.floor = past.floor.max(store.stats().floor.map_or(i64::MIN, |floor| floor.0));
    }
    if n % 10 == 9 {
        let _ = store.forget();
    }
    if n % 19 == 18 {
        let target = PathBuf::from(format!("copies/{n}"));
        if store.copy_to::<DiskError>(&target, &mut || Ok(())).is_ok() {
            past.copies.push((target, past.tried.clone(), past.floor));
        }
    }
}

/// Looks at what is left, and goes on with it; gives what it shows.
fn check_left(disk: &FaultDisk, dir: &Path, what: &str, least: &Contents, most: &Contents, floor: i64) {
    let (store, recovery) = open(disk, dir).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(recovery.quarantined.is_empty() && recovery.damaged_bytes == 0, "{what}: {recovery:?}");
    let mut shown = above(contents(&store), floor);
    shown.remove(&format!("series_{NEW}"));
    let gone = format!("{what}: something acknowledged is gone\nleast {least:?}\nshown {shown:?}");
    assert!(is_subset(&above(least.clone(), floor), &shown), "{gone}");
    assert!(is_subset(&shown, most), "{what}: something appeared\nmost {most:?}\nshown {shown:?}");
    let id = store.series(&labels(NEW)).unwrap();
    store.append(&batch(LENGTH * 10, vec![(id, 1.0)])).unwrap();
    store.release(store.sync().unwrap());
    store.seal(Timestamp(LENGTH * 5)).unwrap();
    let before = contents(&store);
    while store.compact(Timestamp(LENGTH * 10), TimeDelta(300)).unwrap().segments > 0 {}
    drop(store);
    disk.restart(1);
    let (store, _) = open(disk, dir).unwrap();
    assert_eq!(above(contents(&store), floor), above(before, floor), "{what}: after going on");
}

fn check_past(disk: &FaultDisk, past: &Past, what: &str) {
    check_left(disk, Path::new(DIR), what, &past.acknowledged, &past.tried, past.floor);
    for (path, had, floor) in &past.copies {
        check_left(disk, path, &format!("{what}, {}", path.display()), had, had, *floor);
    }
}

/// Lives with a fault at one operation after the other, as long as there are any.
fn at_each_operation(fault: impl Fn(u64) -> Faults, check: impl Fn(&FaultDisk, &Past, u64)) -> u64 {
    for operation in 1.. {
        let (disk, mut past) = (FaultDisk::new(), Past::default());
        disk.set_faults(fault(operation));
        live(&disk, &mut past);
        if disk.operations() < operation {
            assert_eq!(past.copies.len(), 3, "all of it was done");
            assert!(operation > 150, "{operation} operations");
            return operation - 1;
        }
        check(&disk, &past, operation);
    }
    unreachable!("a history ends")
}

fn survives_power_cuts(seed: u64) {
    let cut = |operation| Faults { power_cut_at: Some(operation), ..Faults::default() };
    let operations = at_each_operation(cut, |disk, past, operation| {
        disk.restart(operation * 31 + seed);
        check_past(disk, past, &format!("power cut at {operation}, seed {seed}"));
    });
    eprintln!("seed {seed}: {operations} operations");
}

#[test]
fn what_was_acknowledged_survives_a_power_cut_at_every_operation() {
    survives_power_cuts(0);
}

#[test]
#[ignore = "takes minutes"]
fn what_was_acknowledged_survives_many_power_cuts_at_every_operation() {
    (1..60).for_each(survives_power_cuts);
}

#[test]
fn what_was_acknowledged_survives_the_death_of_the_process_at_every_operation() {
    let cut = |operation| Faults { power_cut_at: Some(operation), ..Faults::default() };
    at_each_operation(cut, |disk, past, operation| {
        disk.kill();
        let what = format!("killed at {operation}");
        let (store, _) = open(disk, Path::new(DIR)).unwrap_or_else(|error| panic!("{what}: {error}"));
        let shown = contents(&store);
        drop(store);
        // What was shown after the death is as good as acknowledged.
        disk.restart(operation);
        check_left(disk, Path::new(DIR), &what, &shown, &past.tried, past.floor);
        check_past(disk, past, &what);
    });
}

#[test]
fn what_was_acknowledged_survives_the_failure_of_any_one_operation() {
    let fail = |operation| Faults { failing_at: Some(operation), ..Faults::default() };
    at_each_operation(fail, |disk, past, operation| {
        disk.restart(operation);
        check_past(disk, past, &format!("operation {operation} failed"));
    });
}
