//! Flipped bits are noticed: what is served is what was written, and what cannot be is reported.

use bellwether_model::{SeriesSource, TimeRange, Timestamp};
use bellwether_tsdb::fault_disk::FaultDisk;

use crate::world::{Contents, batch, contents, files, labels, open};

fn filled() -> (FaultDisk, Contents) {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    for at in 1..40i64 {
        let id = store.series(&labels((at % 2) as u8)).unwrap();
        store.append(&batch(at, vec![(id, (at as f64).sqrt())])).unwrap();
    }
    store.sync().unwrap();
    let shown = contents(&store);
    (disk, shown)
}

fn flipped(disk: &FaultDisk, path: &std::path::Path, byte: usize) -> FaultDisk {
    let copy = disk.copy();
    let mut bytes = disk.bytes(path).unwrap();
    bytes[byte] ^= 1 << (byte % 8);
    copy.set_bytes(path, bytes);
    copy
}

#[test]
fn a_flipped_bit_in_the_log_never_shows_as_a_sample() {
    let (disk, shown) = filled();
    let path = files(&disk, "log-").pop().unwrap();
    for byte in 0..disk.bytes(&path).unwrap().len() {
        let copy = flipped(&disk, &path, byte);
        let dir = std::path::Path::new(crate::world::DIR);
        let opened = bellwether_tsdb::Store::open(dir, Default::default(), std::sync::Arc::new(copy));
        let Ok((store, _)) = opened else { continue };
        let damaged = contents(&store);
        for (name, samples) in &damaged {
            assert!(samples.iter().all(|(at, value)| shown[name].get(at) == Some(value)), "byte {byte}");
        }
        assert_ne!(damaged, shown, "byte {byte}: a flip that nobody noticed");
    }
}

#[test]
fn a_flipped_bit_in_a_segment_is_reported_and_the_rest_served() {
    let (disk, _) = filled();
    let store = open(&disk).0;
    store.release(store.position());
    store.seal(Timestamp(30)).unwrap();
    let kept: Contents = {
        let mut kept = contents(&store);
        kept.values_mut().for_each(|samples| samples.retain(|at, _| *at >= 30));
        kept
    };
    drop(store);
    let path = files(&disk, "segment-").pop().unwrap();
    for byte in 0..disk.bytes(&path).unwrap().len() {
        let copy = flipped(&disk, &path, byte);
        let (store, recovery) = open(&copy);
        if recovery.quarantined.is_empty() {
            let views = store.snapshot().select(&[], TimeRange::ALL).unwrap();
            let mut out = Vec::new();
            let is_read =
                views.iter().flat_map(|view| &view.chunks).all(|chunk| chunk.decode(&mut out).is_ok());
            assert!(!is_read, "byte {byte}: a flip that nobody noticed");
            assert_eq!(store.scrub().unwrap().len(), 1, "byte {byte}");
        }
        let shown = contents(&store);
        for (name, samples) in &kept {
            assert!(samples.iter().all(|(at, value)| shown[name].get(at) == Some(value)), "byte {byte}");
        }
        assert!(files(&copy, "segment-").iter().all(|path| path.to_str().unwrap().ends_with(".quarantined")));
    }
}
