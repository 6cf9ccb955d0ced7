//! Flipped bits are noticed: what is served is what was written, and what cannot be is reported.

use bellwether_model::{Chunk, Labels, SeriesSource, TimeRange, Timestamp};
use bellwether_tsdb::fault_disk::FaultDisk;
use bellwether_tsdb::{OpenError, Options, Recovery, Store};

use crate::every_kind::{fill_for_every_chunk, log_of_every_kind};
use crate::world::{
    Contents, batch, contents, entries, files, is_subset, key, labels, mixed_batch, open, value,
};

fn filled() -> (FaultDisk, Contents) {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    for at in 1..40i64 {
        let id = store.series(&labels((at % 2) as u8)).unwrap();
        let (value, since) = value(at);
        store.append(&mixed_batch(at, &[(id, value, since)])).unwrap();
    }
    store.sync().unwrap();
    let shown = contents(&store);
    (disk, shown)
}

/// Whether all that a chunk may have can be read.
fn is_readable(chunk: &dyn Chunk) -> bool {
    chunk.decode(&mut Vec::new()).is_ok()
        && chunk.decode_histograms(&mut Vec::new()).is_ok()
        && chunk.decode_start_times(&mut Vec::new()).is_ok()
}

fn flipped(disk: &FaultDisk, path: &std::path::Path, byte: usize) -> FaultDisk {
    let copy = disk.copy();
    let mut bytes = disk.bytes(path).unwrap();
    bytes[byte] ^= 1 << (byte % 8);
    copy.set_bytes(path, bytes);
    copy
}

fn try_open(disk: &FaultDisk) -> Result<(Store, Recovery), OpenError> {
    let dir = std::path::Path::new(crate::world::DIR);
    Store::open(dir, Options::default(), std::sync::Arc::new(disk.clone()))
}

/// Whether a store goes on as if nothing had been.
fn goes_on(store: Store, disk: &FaultDisk, what: &str) {
    let before = contents(&store);
    let id = store.series(&labels(200)).unwrap();
    assert_eq!(store.append(&batch(1 << 40, vec![(id, 1.0)])).unwrap().taken, 1, "{what}");
    store.sync().unwrap();
    drop(store);
    let shown = contents(&open(disk).0);
    assert!(is_subset(&before, &shown) && shown.contains_key("series_200"), "{what}: after going on");
}

#[test]
fn a_flipped_bit_in_a_log_of_every_kind_of_record_never_shows_as_a_sample() {
    let disk = FaultDisk::new();
    log_of_every_kind(&disk);
    let path = files(&disk, "log-").pop().unwrap();
    let store = open(&disk).0;
    let shown = contents(&store);
    let was_refused =
        |store: &Store, series: u8| store.find(&labels(series)).is_some_and(|id| store.was_refused(id));
    assert!(was_refused(&store, 5) && !was_refused(&store, 1));
    drop(store);
    for byte in 0..disk.bytes(&path).unwrap().len() {
        let copy = flipped(&disk, &path, byte);
        // Of a version that nobody knows it is said so.
        let Ok((store, recovery)) = try_open(&copy) else { continue };
        let damaged = contents(&store);
        assert!(is_subset(&damaged, &shown), "byte {byte}: what is shown was never there");
        assert!((0..5).all(|series| !was_refused(&store, series)), "byte {byte}");
        let is_told = recovery.damaged_bytes + recovery.torn_bytes > 0 || !recovery.quarantined.is_empty();
        assert!(is_told || damaged == shown, "byte {byte}: samples are missing, and nobody says so");
        goes_on(store, &copy, &format!("byte {byte}"));
    }
}

#[test]
fn a_flipped_bit_in_a_segment_of_every_kind_of_chunk_is_reported_and_the_rest_served() {
    let disk = FaultDisk::new();
    fill_for_every_chunk(&disk);
    let store = open(&disk).0;
    store.release(store.position());
    store.seal(Timestamp(10_000)).unwrap();
    for at in 10_000..10_010 {
        let id = store.series(&labels((at % 2) as u8)).unwrap();
        let (value, since) = value(at);
        store.append(&mixed_batch(at, &[(id, value, since)])).unwrap();
    }
    store.release(store.sync().unwrap());
    let shown = contents(&store);
    let mut kept = shown.clone();
    kept.values_mut().for_each(|samples| samples.retain(|at, _| *at >= 10_000));
    drop(store);
    let path = files(&disk, "segment-").pop().unwrap();
    for byte in 0..disk.bytes(&path).unwrap().len() {
        let copy = flipped(&disk, &path, byte);
        let (store, recovery) = open(&copy);
        if recovery.quarantined.is_empty() {
            let views = store.snapshot().select(&[], TimeRange::ALL).unwrap();
            let mut chunks = views.iter().flat_map(|view| &view.chunks);
            assert!(!chunks.all(|chunk| is_readable(&**chunk)), "byte {byte}: a flip that nobody noticed");
            readable_are_right(&store, &shown, &format!("byte {byte}"));
            assert_eq!(store.scrub().unwrap().len(), 1, "byte {byte}");
        }
        let left = contents(&store);
        assert!(is_subset(&kept, &left), "byte {byte}: the rest is served");
        assert!(is_subset(&left, &shown), "byte {byte}: what is shown was never there");
        assert!(files(&copy, "segment-").iter().all(|path| path.to_str().unwrap().ends_with(".quarantined")));
    }
}

/// What can be read of a store in which a chunk cannot is what was written.
fn readable_are_right(store: &Store, expected: &Contents, what: &str) {
    for view in store.snapshot().select(&[], TimeRange::ALL).unwrap() {
        let expected = &expected[&key(&view.labels)];
        let readable = view.chunks.iter().filter(|chunk| is_readable(&***chunk));
        for (at, bits) in readable.flat_map(|chunk| entries(&**chunk)) {
            assert_eq!(expected.get(&at), Some(&bits), "{what}: {} at {at}", view.labels);
        }
    }
}

/// Like `filled`, but every batch is synced on its own, as acknowledged.
fn acknowledged() -> (FaultDisk, Contents) {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    for at in 1..20i64 {
        let id = store.series(&labels((at % 2) as u8)).unwrap();
        let (value, since) = value(at);
        store.append(&mixed_batch(at, &[(id, value, since)])).unwrap();
        store.sync().unwrap();
    }
    let shown = contents(&store);
    (disk, shown)
}

#[test]
fn damage_in_the_last_file_is_told_from_a_torn_tail_and_what_follows_is_kept() {
    let (disk, shown) = acknowledged();
    let path = files(&disk, "log-").pop().unwrap();
    let length = disk.bytes(&path).unwrap().len();
    let count = |contents: &Contents| contents.values().map(|samples| samples.len()).sum::<usize>();
    let (mut reported, first_record) = (0, 44);
    for byte in (0..first_record).filter(|byte| !(4..8).contains(byte)) {
        let (_, recovery) = open(&flipped(&disk, &path, byte));
        assert_eq!(recovery.quarantined.len(), 1, "byte {byte}: kept for a person");
    }
    for byte in first_record..length {
        let (store, recovery) = open(&flipped(&disk, &path, byte));
        let kept = count(&contents(&store));
        // The last group has no mark behind it yet; a damaged length costs one group, a lost name one series.
        let is_named = contents(&store).len() == shown.len();
        assert!(!is_named || kept + 2 >= count(&shown), "byte {byte}: {kept} of {}", count(&shown));
        reported += usize::from(recovery.damaged_bytes > 0);
    }
    assert!(reported > (length - first_record) * 8 / 10, "{reported} of {length}");
}

#[test]
fn a_flipped_bit_in_the_series_file_costs_one_name_and_is_reported() {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    for series in 0..10u8 {
        let id = store.series(&labels(series)).unwrap();
        store.append(&batch(1, vec![(id, f64::from(series))])).unwrap();
    }
    store.sync().unwrap();
    store.release(store.position());
    store.seal(Timestamp(10)).unwrap();
    store.release(store.position());
    store.seal(Timestamp(10)).unwrap();
    drop(store);
    let path = files(&disk, "series.bws").pop().unwrap();
    for byte in (0..disk.bytes(&path).unwrap().len()).filter(|byte| !(4..6).contains(byte)) {
        let copy = flipped(&disk, &path, byte);
        for opening in 0..2 {
            let (store, recovery) = open(&copy);
            let shown = contents(&store).len();
            assert!(shown >= 9, "byte {byte}, opening {opening}: {shown} of 10 series");
            if opening == 0 && !(6..8).contains(&byte) {
                assert!(recovery.damaged_bytes + recovery.torn_bytes > 0, "byte {byte}");
            }
            // A new series never gets the number of one whose name is lost.
            let fresh = store.series(&labels(200)).unwrap();
            assert!(fresh.0 >= 10, "byte {byte}: {fresh:?}");
            store.append(&batch(20, vec![(fresh, 1.0)])).unwrap();
            store.seal(Timestamp(10)).unwrap();
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_bytes_whatever_make_opening_panic(
        noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 1..400),
        place in proptest::prelude::any::<proptest::sample::Index>(),
        file in proptest::prelude::any::<proptest::sample::Index>(),
    ) {
        let (disk, _) = filled();
        let store = open(&disk).0;
        store.seal(Timestamp(30)).unwrap();
        drop(store);
        let paths: Vec<_> = disk.paths().into_iter().filter(|path| !path.ends_with("lock")).collect();
        let path = &paths[file.index(paths.len())];
        let mut bytes = disk.bytes(path).unwrap();
        let at = place.index(bytes.len());
        bytes.splice(at..(at + noise.len()).min(bytes.len()), noise.iter().copied());
        disk.set_bytes(path, bytes);
        let dir = std::path::Path::new(crate::world::DIR);
        if let Ok((store, _)) = bellwether_tsdb::Store::open(dir, Default::default(), std::sync::Arc::new(disk)) {
            for view in store.snapshot().select(&[], TimeRange::ALL).into_iter().flatten() {
                view.chunks.iter().for_each(|chunk| _ = is_readable(&**chunk));
            }
            store.replay(Default::default(), &mut |_| {}).unwrap();
        }
    }
}

/// A record of the log or of the file of series, with its checksum.
fn record(payload: &[u8]) -> Vec<u8> {
    let frame = [(payload.len() as u32).to_le_bytes(), crc32fast::hash(payload).to_le_bytes()];
    [frame.as_flattened(), payload].concat()
}

#[test]
fn a_number_that_no_store_can_have_given_takes_no_room() {
    const LAST: [u8; 5] = [0xfe, 0xff, 0xff, 0xff, 0x0f];
    let check = |file: &str, kind: &[u8], rest: &[u8]| {
        let (disk, shown) = filled();
        open(&disk).0.seal(Timestamp(20)).unwrap();
        let path = files(&disk, file).pop().unwrap();
        let forged = record(&[kind, &LAST, rest].concat());
        disk.set_bytes(&path, [disk.bytes(&path).unwrap(), forged].concat());
        let (store, recovery) = open(&disk);
        assert_eq!((recovery.series, contents(&store)), (2, shown), "{file}");
        assert!(recovery.damaged_bytes + recovery.torn_bytes > 0, "{file}: {recovery:?}");
        assert_eq!(store.series(&labels(7)).unwrap().0, 2, "{file}");
    };
    check("log-", &[1], &[1, 1, b'a', 1, b'b']);
    check("series.bws", &[], &[1, 1, 1, b'a', 1, b'b']);
    // A batch of one sample: of rules, at 0, with the last number there is (zigzag), at 0, and the value 0.
    check("log-", &[2, 2, 0, 1], &[0xff, 0xff, 0xff, 0xff, 0x1f, 0, 0]);
}

#[test]
fn a_segment_of_series_that_no_file_can_have_named_is_set_aside() {
    let many = FaultDisk::new();
    let store = open(&many).0;
    let ids: Vec<_> = (0..70_000u32)
        .map(|n| Labels::from_pairs([("n", n.to_string())]))
        .map(|labels| store.series(&labels).unwrap())
        .collect();
    store.append(&batch(1, vec![(ids[0], 1.0), (ids[69_999], 2.0)])).unwrap();
    store.seal(Timestamp(10)).unwrap();
    drop(store);
    assert!(open(&many).1.quarantined.is_empty(), "where it belongs it is served");
    let (disk, shown) = filled();
    open(&disk).0.seal(Timestamp(0)).unwrap();
    let path = files(&many, "segment-").pop().unwrap();
    disk.set_bytes(&path, many.bytes(&path).unwrap());
    let (store, recovery) = open(&disk);
    assert_eq!((recovery.series, contents(&store)), (2, shown));
    assert_eq!(recovery.quarantined.len(), 1);
}
