//! Segments and head may hold the same stretch of time: a reader gets each moment once, in order.

use bellwether_model::{HistogramSample, Sample, SeriesId, SeriesSource, TimeRange, Timestamp};
use bellwether_tsdb::Store;
use bellwether_tsdb::fault_disk::FaultDisk;

use crate::world::{batch, contents, histogram, labels, open};

/// Times and values of the first series.
fn shown(store: &Store) -> Vec<(i64, f64)> {
    let contents = contents(store);
    let samples = contents.get("series_0").into_iter().flatten();
    samples.map(|(at, bits)| (*at, f64::from_bits(*bits))).collect()
}

fn append(store: &Store, id: SeriesId, samples: &[(i64, f64)]) {
    for (at, value) in samples {
        store.append(&batch(*at, vec![(id, *value)])).unwrap();
    }
    store.sync().unwrap();
}

fn import(store: &Store, id: SeriesId, samples: &[(i64, f64)]) {
    let mut importer = store.importer(TimeRange::ALL).unwrap();
    samples.iter().for_each(|(at, value)| importer.push(id, Sample::new(Timestamp(*at), *value)));
    importer.write().unwrap();
}

#[test]
fn history_between_samples_is_merged_with_them_in_every_state() {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    let id = store.series(&labels(0)).unwrap();
    append(&store, id, &[(10, 1.0), (20, 1.0), (30, 1.0)]);
    import(&store, id, &[(15, 2.0), (5, 2.0), (20, 2.0), (25, 2.0)]);
    import(&store, id, &[(15, 3.0), (16, 3.0)]);
    append(&store, id, &[(40, 1.0)]);
    let expected = [(5, 2.0), (10, 1.0), (15, 2.0), (16, 3.0), (20, 1.0), (25, 2.0), (30, 1.0), (40, 1.0)];
    assert_eq!(shown(&store), expected);
    drop(store);
    let store = open(&disk).0;
    assert_eq!(shown(&store), expected, "after another start");
    store.seal(Timestamp::MAX).unwrap();
    assert_eq!(shown(&store), expected, "all sealed");
}

#[test]
fn histograms_between_numbers_part_them() {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    let id = store.series(&labels(0)).unwrap();
    append(&store, id, &[(10, 1.0), (20, 1.0), (30, 1.0)]);
    let mut importer = store.importer(TimeRange::ALL).unwrap();
    for at in [25, 15, 20] {
        importer.push_histogram(id, HistogramSample::new(Timestamp(at), histogram(at).into()));
    }
    importer.write().unwrap();
    let views = store.snapshot().select(&[], TimeRange::ALL).unwrap();
    let (mut numbers, mut histograms) = (Vec::new(), Vec::new());
    for chunk in &views[0].chunks {
        chunk.decode(&mut numbers).unwrap();
        chunk.decode_histograms(&mut histograms).unwrap();
    }
    assert_eq!(numbers.iter().map(|s| s.at.0).collect::<Vec<_>>(), [10, 20, 30]);
    assert_eq!(histograms.iter().map(|s| s.at.0).collect::<Vec<_>>(), [15, 25]);
    assert_eq!(views[0].chunks.len(), 5);
}

#[test]
fn a_query_that_began_before_an_import_does_not_see_it() {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    let id = store.series(&labels(0)).unwrap();
    append(&store, id, &[(10, 1.0)]);
    let before = store.snapshot();
    import(&store, id, &[(5, 2.0)]);
    let count = |snapshot: &bellwether_tsdb::Snapshot| {
        let mut samples = Vec::new();
        for view in snapshot.select(&[], TimeRange::ALL).unwrap() {
            view.chunks.iter().for_each(|chunk| chunk.decode(&mut samples).unwrap());
        }
        samples.len()
    };
    assert_eq!((count(&before), count(&store.snapshot())), (1, 2));
}
