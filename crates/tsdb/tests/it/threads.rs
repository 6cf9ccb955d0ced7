//! Many threads at once: what the store promises one caller it promises all of them.

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_tsdb::fault_disk::FaultDisk;

use crate::world::{batch, contents, labels, open};

#[test]
fn many_threads_append_sync_seal_and_read_without_losing_or_doubling_a_sample() {
    const WRITERS: u8 = 4;
    const TIMES: i64 = 400;
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    let is_done = std::sync::atomic::AtomicBool::new(false);
    let still = || !is_done.load(std::sync::atomic::Ordering::Relaxed);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let store = &store;
                scope.spawn(move || {
                    for at in 1..=TIMES {
                        let id = store.series(&labels(writer)).unwrap();
                        store.append(&batch(at, vec![(id, at as f64)])).unwrap();
                        if at % 7 == 0 {
                            store.sync().unwrap();
                        }
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            let mut before = 0;
            while still() {
                before = (before + 10).min(TIMES - 20);
                store.release(store.sync().unwrap());
                store.seal(Timestamp(before)).unwrap();
                store.compact(Timestamp(before), TimeDelta(60)).unwrap();
            }
        });
        scope.spawn(|| {
            let mut seen = crate::world::Contents::new();
            while still() {
                let shown = contents(&store);
                for (name, samples) in &seen {
                    assert!(shown[name].len() >= samples.len(), "{name} shrank");
                }
                for (name, samples) in &shown {
                    assert_eq!(samples.len() as i64, *samples.keys().last().unwrap(), "{name} has a gap");
                }
                seen = shown;
            }
        });
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        is_done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    store.sync().unwrap();
    let shown = contents(&store);
    assert!(shown.len() == usize::from(WRITERS) && shown.values().all(|s| s.len() as i64 == TIMES));
    drop(store);
    disk.kill();
    assert_eq!(contents(&open(&disk).0), shown);
}
