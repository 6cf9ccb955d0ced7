//! Compaction changes files and nothing that is seen, whenever the power goes.

use bellwether_model::{Sample, SeriesSource, TimeDelta, TimeRange, Timestamp};
use bellwether_tsdb::fault_disk::{FaultDisk, Faults};
use bellwether_tsdb::{CompactionReport, Store};

use crate::world::{Contents, contents, files, labels, mixed_batch, open, value};

const SPAN: TimeDelta = TimeDelta(100);

/// Appends entries of any kind to three series, and seals every 25 ms.
fn fill(store: &Store, times: std::ops::Range<i64>) {
    for at in times {
        let id = store.series(&labels((at % 3) as u8)).unwrap();
        let (value, since) = value(at);
        store.append(&mixed_batch(at, &[(id, value, since)])).unwrap();
        if at % 25 == 24 {
            store.seal(Timestamp(at + 1)).unwrap();
        }
    }
}

fn segments(disk: &FaultDisk) -> usize {
    files(disk, "segment-").len()
}

#[test]
fn segments_of_a_span_that_is_over_become_one() {
    let disk = FaultDisk::new();
    let mut store = open(&disk).0;
    fill(&store, 0..260);
    let shown = contents(&store);
    assert_eq!(segments(&disk), 10);
    assert_eq!(store.compact(Timestamp(99), SPAN).unwrap(), CompactionReport::default(), "not over yet");
    let report = store.compact(Timestamp(200), SPAN).unwrap();
    assert_eq!((report.segments, report.samples, segments(&disk)), (4, 100, 7));
    assert!(report.bytes < report.bytes_before);
    assert_eq!(contents(&store), shown);
    assert_eq!(store.compact(Timestamp(299), SPAN).unwrap().segments, 4);
    assert_eq!(store.compact(Timestamp(299), SPAN).unwrap().segments, 0);
    assert_eq!((contents(&store), segments(&disk)), (shown.clone(), 4));
    store.sync().unwrap();
    drop(store);
    store = open(&disk).0;
    assert_eq!((contents(&store), store.stats().head_samples), (shown, 10), "after another start");
}

#[test]
fn history_between_segments_is_merged_for_good_and_what_came_first_stays() {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    fill(&store, 0..100);
    let id = store.series(&labels(0)).unwrap();
    let mut importer = store.importer(TimeRange::ALL).unwrap();
    (0..99).for_each(|at| importer.push(id, Sample::new(Timestamp(at), -1.0)));
    importer.write().unwrap();
    let shown = contents(&store);
    assert_eq!(shown["series_0"].len(), 100);
    assert_eq!(store.compact(Timestamp(100), SPAN).unwrap().segments, 5);
    assert_eq!((contents(&store), segments(&disk)), (shown.clone(), 1));
    let views = store.snapshot().select(&[], TimeRange::ALL).unwrap();
    let is_in_order = |view: &bellwether_model::SeriesView| {
        view.chunks.windows(2).all(|pair| pair[0].summary().range.end < pair[1].summary().range.start)
    };
    assert!(views.iter().all(is_in_order));
}

#[test]
fn what_is_beyond_the_retention_is_left_out() {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    fill(&store, 0..100);
    store.enforce_retention(Timestamp(40)).unwrap();
    let report = store.compact(Timestamp(100), SPAN).unwrap();
    assert_eq!((report.segments, report.samples), (3, 60));
    store.enforce_retention(Timestamp(100)).unwrap();
    assert_eq!((contents(&store), segments(&disk)), (Contents::new(), 0));
}

#[test]
fn a_snapshot_reads_on_what_a_compaction_removed() {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    fill(&store, 0..100);
    let views = store.snapshot().select(&[], TimeRange::ALL).unwrap();
    store.compact(Timestamp(100), SPAN).unwrap();
    for chunk in views.iter().flat_map(|view| &view.chunks) {
        chunk.decode(&mut Vec::new()).unwrap();
        chunk.decode_histograms(&mut Vec::new()).unwrap();
    }
}

#[test]
fn the_power_may_go_at_any_operation_of_a_compaction() {
    let (mut before, mut after) = (0, 0);
    let mut cut = 1;
    loop {
        let disk = FaultDisk::new();
        let store = open(&disk).0;
        fill(&store, 0..100);
        let shown = contents(&store);
        disk.set_faults(Faults { power_cut_at: Some(cut), ..Faults::default() });
        let is_done = store.compact(Timestamp(100), SPAN).is_ok();
        drop(store);
        disk.restart(cut * 13);
        let (store, recovery) = open(&disk);
        assert_eq!(contents(&store), shown, "cut {cut}");
        assert!(recovery.quarantined.is_empty(), "cut {cut}");
        match segments(&disk) {
            4 => before += 1,
            1 => after += 1,
            other => panic!("cut {cut}: {other} segments"),
        }
        // And it goes on from there.
        store.compact(Timestamp(100), SPAN).unwrap();
        assert_eq!((contents(&store), segments(&disk)), (shown, 1), "cut {cut}");
        if is_done {
            break;
        }
        cut += 1;
    }
    assert!(before > 3 && after > 1, "{before} before, {after} after");
}

#[test]
fn a_full_disk_leaves_everything_as_it_was() {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    fill(&store, 0..100);
    let shown = contents(&store);
    disk.set_faults(Faults { capacity_bytes: Some(0), ..Faults::default() });
    store.compact(Timestamp(100), SPAN).unwrap_err();
    disk.set_faults(Faults::default());
    assert_eq!((contents(&store), segments(&disk)), (shown.clone(), 4));
    assert_eq!(store.compact(Timestamp(100), SPAN).unwrap().segments, 4);
    assert_eq!(contents(&store), shown);
}

#[test]
fn a_damaged_segment_is_left_and_the_others_are_put_together() {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    fill(&store, 0..200);
    drop(store);
    let path = &files(&disk, "segment-")[1];
    let mut bytes = disk.bytes(path).unwrap();
    bytes[30] ^= 1; // inside the first chunk
    disk.set_bytes(path, bytes);
    let store = open(&disk).0;
    store.compact(Timestamp(200), SPAN).unwrap_err();
    assert_eq!(store.compact(Timestamp(200), SPAN).unwrap().segments, 3);
    assert_eq!(store.compact(Timestamp(200), SPAN).unwrap().segments, 4);
    assert_eq!(store.compact(Timestamp(200), SPAN).unwrap().segments, 0);
    assert_eq!(store.scrub().unwrap().len(), 1);
    assert_eq!(contents(&store).values().map(|samples| samples.len()).sum::<usize>(), 175);
}
