//! Whatever happens to power, disk and process: what was acknowledged is there, and nothing else appears.

use bellwether_model::{LogPosition, TimeDelta, Timestamp};
use bellwether_tsdb::LogEvent;
use bellwether_tsdb::fault_disk::{FaultDisk, Faults};

use crate::every_kind::log_of_every_kind;
use crate::world::{Contents, batch, contents, files, is_subset, labels, mixed_batch, open, print, value};

/// Does things until the power goes; gives what was acknowledged and what was tried.
fn work(disk: &FaultDisk, round: i64, acknowledged: &mut Contents, tried: &mut Contents) -> Option<()> {
    let options = bellwether_tsdb::Options {
        log_file_bytes_max: 600,
        out_of_order_window: TimeDelta(20),
        ..Default::default()
    };
    let dir = std::path::Path::new(crate::world::DIR);
    let store = bellwether_tsdb::Store::open(dir, options, std::sync::Arc::new(disk.clone())).ok()?.0;
    for n in 0..60 {
        // Now and then one that comes two behind the last of its series.
        let at = round * 1000 + if n % 9 == 8 { n - 7 } else { n };
        let series = (n % 5 + round % 3) as u8;
        let id = store.series(&labels(series)).ok()?;
        let (value, since) = value(at);
        tried.entry(format!("series_{series}")).or_default().insert(at, print(&value, since));
        store.append(&mixed_batch(at, &[(id, value, since)])).ok()?;
        if n % 4 == 3 && store.sync().is_ok() {
            *acknowledged = tried.clone();
        }
        if n % 17 == 16 {
            store.release(store.position());
            // A failing seal must not lose anything either.
            let _ = store.seal(Timestamp(at - 7));
            let _ = store.compact(Timestamp(at), TimeDelta(50));
        }
    }
    Some(())
}

#[test]
fn acknowledged_samples_survive_a_power_cut_at_any_operation() {
    for seed in 0..150u64 {
        let disk = FaultDisk::new();
        let (mut acknowledged, mut tried) = (Contents::new(), Contents::new());
        for round in 0..4 {
            let cut = 1 + (seed * 7 + round as u64 * 13) % 90;
            disk.set_faults(Faults { power_cut_at: Some(cut), ..Faults::default() });
            work(&disk, round, &mut acknowledged, &mut tried);
            disk.restart(seed * 31 + round as u64);
            let (store, recovery) = open(&disk);
            let shown = contents(&store);
            assert!(
                is_subset(&acknowledged, &shown),
                "seed {seed}, round {round}: something acknowledged is gone"
            );
            assert!(is_subset(&shown, &tried), "seed {seed}, round {round}: something appeared");
            assert!(recovery.quarantined.is_empty() && recovery.damaged_bytes == 0, "{recovery:?}");
            (acknowledged, tried) = (shown.clone(), shown);
        }
    }
}

#[test]
fn a_failed_sync_is_never_taken_for_done() {
    for failing_syncs in 1..4 {
        let disk = FaultDisk::new();
        let store = open(&disk).0;
        let id = store.series(&labels(0)).unwrap();
        store.append(&batch(1, vec![(id, 1.0)])).unwrap();
        store.sync().unwrap();
        let middle = store.append(&batch(2, vec![(id, 2.0)])).unwrap().position;
        store.append(&batch(3, vec![(id, 3.0)])).unwrap();
        disk.set_faults(Faults { failing_syncs, ..Faults::default() });
        for _ in 0..failing_syncs {
            store.sync().unwrap_err();
        }
        store.sync().unwrap();
        store.append(&batch(4, vec![(id, 4.0)])).unwrap();
        store.sync().unwrap();
        let replayed = |store: &bellwether_tsdb::Store, from| {
            let mut times = Vec::new();
            let mut visit = |event: LogEvent<'_>| {
                if let LogEvent::Batch { batch, .. } = event {
                    times.push(batch.at.0);
                }
            };
            store.replay(from, &mut visit).unwrap();
            times
        };
        assert_eq!(replayed(&store, LogPosition::default()), [1, 2, 3, 4], "each once");
        assert_eq!(replayed(&store, middle), [3, 4], "an old position still means the same");
        drop(store);
        disk.restart(failing_syncs);
        let store = open(&disk).0;
        assert_eq!(contents(&store)["series_0"].keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(replayed(&store, middle), [3, 4]);
    }
}

#[test]
fn a_full_disk_is_said_and_survived() {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    let id = store.series(&labels(0)).unwrap();
    store.append(&batch(1, vec![(id, 1.0)])).unwrap();
    store.sync().unwrap();
    disk.set_faults(Faults { capacity_bytes: Some(120), ..Faults::default() });
    store.append(&batch(2, vec![(id, 2.0)])).unwrap();
    let error = (3..40)
        .find_map(|at| {
            store.append(&batch(at, vec![(id, at as f64)])).unwrap();
            store.sync().err()
        })
        .unwrap();
    assert!(error.to_string().contains("the disk is full"), "{error}");
    disk.set_faults(Faults::default());
    store.sync().unwrap();
    let before = contents(&store);
    drop(store);
    disk.restart(1);
    assert_eq!(contents(&open(&disk).0), before);
}

#[test]
fn a_log_cut_at_any_byte_gives_the_batches_before_the_cut() {
    let disk = FaultDisk::new();
    let ends = log_of_every_kind(&disk);
    let path = files(&disk, "log-").pop().unwrap();
    let whole = disk.bytes(&path).unwrap();
    for cut in 0..=whole.len() {
        let copy = disk.copy();
        copy.set_bytes(&path, whole[..cut].to_vec());
        let store = open(&copy).0;
        let mut expected: Vec<i64> =
            ends.iter().filter(|(end, _)| *end <= cut as u64).map(|(_, at)| *at).collect();
        expected.sort_unstable();
        let mut times: Vec<i64> = contents(&store).into_values().flat_map(|s| s.into_keys()).collect();
        times.sort_unstable();
        assert_eq!(times, expected, "cut at byte {cut}");
        // And it goes on from there.
        let id = store.series(&labels(9)).unwrap();
        store.append(&batch(1000, vec![(id, 1.0)])).unwrap();
        store.sync().unwrap();
        drop(store);
        assert!(contents(&open(&copy).0).contains_key("series_9"), "cut at byte {cut}");
    }
}

#[test]
fn what_a_reopened_store_shows_survives_a_power_cut_too() {
    for seed in 0..40 {
        let disk = FaultDisk::new();
        let store = open(&disk).0;
        let id = store.series(&labels(0)).unwrap();
        store.append(&batch(1, vec![(id, 1.0)])).unwrap();
        store.sync().unwrap();
        store.append(&batch(2, vec![(id, 2.0)])).unwrap();
        // The write succeeds, the sync after it does not happen: the process is killed in between.
        disk.set_faults(Faults { power_cut_at: Some(2), ..Faults::default() });
        store.sync().unwrap_err();
        disk.kill();
        drop(store);
        let store = open(&disk).0;
        let shown = contents(&store);
        assert_eq!(shown["series_0"].len(), 2);
        disk.restart(seed);
        assert_eq!(contents(&open(&disk).0), shown, "seed {seed}");
    }
}
