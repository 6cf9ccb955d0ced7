//! Files that are damaged while a store is open are found a little at a time, set aside, and said to be missing.

use bellwether_model::{SeriesSource, TimeRange, Timestamp};
use bellwether_tsdb::fault_disk::FaultDisk;
use bellwether_tsdb::{ScrubPlace, ScrubReport, Store};

use crate::world::{Contents, batch, contents, files, labels, open};

/// Three segments of a hundred moments each, and a head.
fn filled() -> (FaultDisk, Store) {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    let ids: Vec<_> = (0..5).map(|series| store.series(&labels(series)).unwrap()).collect();
    for at in 0..350i64 {
        let samples = ids.iter().map(|id| (*id, (at * i64::from(id.0 + 1)) as f64)).collect();
        store.append(&batch(at, samples)).unwrap();
        if at % 100 == 99 {
            store.seal(Timestamp(at + 1)).unwrap();
        }
    }
    store.sync().unwrap();
    store.release(store.position());
    store.trim_log().unwrap();
    (disk, store)
}

fn flip(disk: &FaultDisk, segment: usize, byte: usize) {
    disk.damage(&files(disk, "segment-")[segment], |bytes| bytes[byte] ^= 4);
}

fn range(start: i64, end: i64) -> TimeRange {
    TimeRange::new(Timestamp(start), Timestamp(end))
}

/// Checks so many bytes at a time until a round is over.
fn round(store: &Store, bytes_max: u64) -> Vec<ScrubReport> {
    let mut place = ScrubPlace::default();
    let mut reports = Vec::new();
    while reports.last().is_none_or(|report: &ScrubReport| !report.is_round_over) {
        reports.push(store.scrub_some(&mut place, bytes_max).unwrap());
    }
    reports
}

fn without(shown: &Contents, from: i64, to: i64) -> Contents {
    let mut kept = shown.clone();
    kept.values_mut().for_each(|samples| samples.retain(|at, _| !(from..to).contains(at)));
    kept
}

#[test]
fn a_round_reads_every_byte_once_a_little_at_a_time() {
    let (_, store) = filled();
    let bytes = store.stats().segment_bytes;
    for bytes_max in [1, 300, u64::MAX] {
        let reports = round(&store, bytes_max);
        let read: u64 = reports.iter().map(|report| report.bytes).sum();
        let header_bytes = 20;
        assert_eq!(read, bytes - 3 * header_bytes, "{bytes_max} at a time");
        assert_eq!(reports.iter().map(|report| report.segments).sum::<u64>(), 3);
        assert!(reports.iter().all(|report| report.quarantined.is_empty() && report.unreadable.is_empty()));
        assert_eq!(reports.len() == 1, bytes_max == u64::MAX);
    }
    assert!(store.missing().is_empty() && store.snapshot().missing(&[], TimeRange::ALL).is_empty());
}

#[test]
fn a_flip_of_any_byte_under_an_open_store_is_found_and_told_and_the_rest_is_served() {
    let (disk, store) = filled();
    let shown = contents(&store);
    let length = disk.bytes(&files(&disk, "segment-")[1]).unwrap().len();
    drop(store);
    for byte in 0..length {
        let disk = disk.copy();
        let store = open(&disk).0;
        flip(&disk, 1, byte);
        let found: Vec<_> = round(&store, 300).into_iter().flat_map(|report| report.quarantined).collect();
        assert_eq!(found.len(), 1, "byte {byte}: a flip that nobody noticed");
        assert_eq!(contents(&store), without(&shown, 100, 200), "byte {byte}");
        let check = |store: &Store, when: &str| {
            let missing = store.missing();
            assert_eq!(missing.len(), 1, "byte {byte} {when}");
            assert_eq!(missing[0].bytes, length as u64);
            // The footer, which is damaged itself when one of its bytes is, tells what was in it.
            if byte < length - 76 {
                assert_eq!((missing[0].range, missing[0].samples), (Some(range(100, 199)), Some(500)));
                let told = |from, to| store.snapshot().missing(&[], range(from, to)).len();
                assert_eq!((told(0, 99), told(150, 160), told(199, 400), told(200, 400)), (0, 1, 1, 0));
            }
            assert_eq!(store.snapshot().missing(&[], TimeRange::ALL).len(), 1);
        };
        check(&store, "at once");
        drop(store);
        if byte % 16 == 0 {
            check(&open(&disk).0, "after a restart");
        }
    }
}

#[test]
fn what_a_reader_comes_across_is_set_aside_at_the_next_look() {
    let (disk, store) = filled();
    flip(&disk, 2, 40);
    let views = store.snapshot().select(&[], range(200, 299)).unwrap();
    let is_read =
        views.iter().flat_map(|view| &view.chunks).all(|chunk| chunk.decode(&mut Vec::new()).is_ok());
    assert!(!is_read, "a query says that it met damage");
    let mut place = ScrubPlace::default();
    let report = store.scrub_some(&mut place, 0).unwrap();
    assert_eq!(report.quarantined.len(), 1, "without having come to it in turn");
    assert!(report.quarantined[0].reason.contains("does not pass its checksum"));
}

#[test]
fn a_segment_that_is_cut_off_under_an_open_store_is_set_aside() {
    let (disk, store) = filled();
    disk.damage(&files(&disk, "segment-")[0], |bytes| bytes.truncate(bytes.len() / 2));
    let found: Vec<_> = round(&store, 1000).into_iter().flat_map(|report| report.quarantined).collect();
    assert_eq!(found.len(), 1);
    assert!(found[0].reason.contains("is cut off"), "{}", found[0].reason);
    assert_eq!(store.missing()[0].range, None, "its footer is gone");
}

#[test]
fn what_is_missing_is_over_when_the_file_is_back_or_taken_away_or_too_old() {
    let (disk, store) = filled();
    let shown = contents(&store);
    let path = files(&disk, "segment-")[1].clone();
    let whole = disk.bytes(&path).unwrap();
    flip(&disk, 1, 40);
    round(&store, 1000);
    let name = store.missing()[0].name.clone();
    let aside = path.with_file_name(&name);
    drop(store);

    // Back from a backup.
    let restored = disk.copy();
    restored.set_bytes(&path, whole);
    for opening in 0..2 {
        let (store, _) = open(&restored);
        assert!(store.missing().is_empty(), "opening {opening}");
        assert_eq!(contents(&store), shown);
    }
    assert!(!restored.paths().contains(&aside) && restored.paths().len() == disk.paths().len() + 1);

    // Taken away by a person, with the store open.
    let taken = disk.copy();
    let (store, _) = open(&taken);
    assert_eq!(store.missing().len(), 1);
    bellwether_tsdb::Disk::remove(&taken, &aside).unwrap();
    store.look_for_missing();
    assert!(store.missing().is_empty());

    // Retention would not keep it any more.
    let (store, _) = open(&disk);
    store.enforce_retention(Timestamp(200)).unwrap();
    assert!(store.missing().is_empty() && store.snapshot().missing(&[], TimeRange::ALL).is_empty());
}

#[test]
fn a_log_file_that_was_set_aside_tells_what_was_in_it() {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    let id = store.series(&labels(1)).unwrap();
    for at in 0..400i64 {
        store.append(&batch(at, vec![(id, 0.5)])).unwrap();
        store.sync().unwrap();
    }
    drop(store);
    let path = files(&disk, "log-")[0].clone();
    disk.damage(&path, |bytes| bytes[20] ^= 1);
    let (store, recovery) = open(&disk);
    assert_eq!(recovery.quarantined.len(), 1);
    let missing = store.missing();
    let samples = missing[0].samples.unwrap();
    assert_eq!((missing.len(), samples + recovery.samples_replayed), (1, 400));
    assert_eq!(missing[0].range, Some(range(0, samples as i64 - 1)));
}
