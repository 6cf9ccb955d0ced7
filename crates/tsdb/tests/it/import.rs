//! History is written beside what is there, in any order, and never doubles it.

use std::sync::Arc;

use bellwether_model::{
    Batch, Bucket, CounterReset, Histogram, HistogramSample, Labels, MatchOp, Matcher, Origin, Sample,
    Schema, SeriesId, SeriesSource, TimeRange, Timestamp,
};
use bellwether_tsdb::fault_disk::{FaultDisk, Faults};
use bellwether_tsdb::{ImportReport, Options, Store};

const DAY: i64 = 86_400_000;

fn open(disk: &Arc<FaultDisk>) -> Store {
    let dir = std::path::Path::new("/store");
    Store::open(dir, Options::default(), disk.clone()).unwrap().0
}

fn series(store: &Store, name: &str) -> SeriesId {
    store.series(&Labels::from_pairs([("__name__", name)])).unwrap()
}

fn sample(at: i64, value: f64) -> Sample {
    Sample::new(Timestamp(at), value)
}

fn histogram(at: i64, count: f64) -> HistogramSample {
    let buckets = vec![Bucket { index: 3, count }];
    let histogram =
        Histogram { count, sum: 1.0, positive: buckets, ..Histogram::empty(Schema::from_number(3).unwrap()) };
    HistogramSample::new(Timestamp(at), Arc::new(histogram))
}

fn append(store: &Store, id: SeriesId, samples: &[Sample]) {
    for sample in samples {
        store.append(&Batch::floats(Origin::Backfill, sample.at, vec![(id, *sample)])).unwrap();
    }
    store.sync().unwrap();
}

/// All entries of all series, floats and the counts of histograms.
fn all(store: &Store, name: &str) -> Vec<(i64, f64)> {
    let matcher = Matcher::new(MatchOp::Equal, "__name__", name).unwrap();
    let mut found = Vec::new();
    for view in store.snapshot().select(&[matcher], TimeRange::ALL).unwrap() {
        let (mut floats, mut histograms) = (Vec::new(), Vec::new());
        for chunk in view.chunks {
            chunk.decode(&mut floats).unwrap();
            chunk.decode_histograms(&mut histograms).unwrap();
        }
        found.extend(floats.iter().map(|sample| (sample.at.0, sample.value)));
        found.extend(histograms.iter().map(|sample| (sample.at.0, sample.histogram.count)));
    }
    found.sort_by_key(|(at, _)| *at);
    found
}

#[test]
fn history_lies_before_what_is_there_and_survives_a_restart() {
    let disk = Arc::new(FaultDisk::new());
    let store = open(&disk);
    let id = series(&store, "a");
    append(&store, id, &[sample(10 * DAY, 1.0), sample(10 * DAY + 1, 2.0)]);
    let mut importer = store.importer(TimeRange::ALL).unwrap();
    importer.extend(id, &[sample(DAY, 0.5), sample(3 * DAY, 0.75)]);
    importer.push(series(&store, "b"), sample(2 * DAY, 7.0));
    let report = importer.write().unwrap();
    assert_eq!((report.samples, report.known, report.segments), (3, 0, 1));
    assert_eq!(report.range, Some(TimeRange::new(Timestamp(DAY), Timestamp(3 * DAY))));
    drop(importer);
    let expected = [(DAY, 0.5), (3 * DAY, 0.75), (10 * DAY, 1.0), (10 * DAY + 1, 2.0)];
    let check = |store: &Store| {
        assert_eq!(all(store, "a"), expected);
        assert_eq!(all(store, "b"), [(2 * DAY, 7.0)]);
    };
    check(&store);
    drop(store);
    let store = open(&disk);
    check(&store);
    append(&store, id, &[sample(10 * DAY + 2, 3.0)]);
    assert_eq!(all(&store, "a").len(), 5);
}

#[test]
fn history_may_lie_far_apart() {
    let last = i64::MAX - 1;
    for ends in [[i64::MIN, last], [-(1 << 62), 1 << 62], [0, last], [last - 1, last]] {
        let disk = Arc::new(FaultDisk::new());
        let store = open(&disk);
        let id = series(&store, "a");
        let mut importer = store.importer(TimeRange::ALL).unwrap();
        for at in [ends[0], ends[1], i64::MAX] {
            importer.push(id, sample(at, 1.0));
        }
        let report = importer.write().unwrap();
        assert_eq!((report.samples, report.too_new, report.seen()), (2, 1, 3), "{ends:?}");
        assert_eq!(all(&store, "a"), ends.map(|at| (at, 1.0)), "{ends:?}");
    }
}

#[test]
fn history_that_is_newer_than_the_log_does_not_hide_it() {
    let disk = Arc::new(FaultDisk::new());
    let store = open(&disk);
    let id = series(&store, "a");
    append(&store, id, &[sample(1, 1.0), sample(2, 2.0), sample(3, 3.0)]);
    let mut importer = store.importer(TimeRange::ALL).unwrap();
    importer.push(id, sample(4, 4.0));
    importer.write().unwrap();
    drop(importer);
    drop(store);
    let expected: Vec<(i64, f64)> = (1..5).map(|at| (at, at as f64)).collect();
    assert_eq!(all(&open(&disk), "a"), expected);
}

#[test]
fn what_is_there_stays_and_is_not_doubled() {
    let disk = Arc::new(FaultDisk::new());
    let store = open(&disk);
    let id = series(&store, "a");
    append(&store, id, &[sample(2, 2.0), sample(4, 4.0)]);
    let mut importer = store.importer(TimeRange::new(Timestamp(1), Timestamp(6))).unwrap();
    let history = [(0, 0.0), (1, 1.0), (2, 2.0), (3, 3.0), (4, -4.0), (5, 5.0), (5, 5.0), (5, 6.0), (7, 7.0)];
    let history = history.map(|(at, value)| sample(at, value));
    importer.extend(id, &history);
    let expected = ImportReport {
        samples: 3,
        known: 2,
        conflicting: 2,
        too_old: 1,
        too_new: 1,
        segments: 1,
        range: Some(TimeRange::new(Timestamp(1), Timestamp(5))),
        ..ImportReport::default()
    };
    let report = importer.write().unwrap();
    assert_eq!(ImportReport { bytes: 0, ..report }, expected);
    assert_eq!(report.seen(), history.len() as u64);
    // Once more, and nothing of it is new.
    importer.extend(id, &history);
    let again = importer.write().unwrap();
    assert_eq!((again.samples, again.known, again.conflicting, again.segments), (0, 5, 2, 0));
    assert_eq!(all(&store, "a"), [(1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0), (5, 5.0)]);
}

#[test]
fn a_series_may_change_between_numbers_and_histograms() {
    let disk = Arc::new(FaultDisk::new());
    let store = open(&disk);
    let id = series(&store, "a");
    let mut importer = store.importer(TimeRange::ALL).unwrap();
    for at in [5, 1, 3] {
        importer.push_histogram(id, histogram(at, at as f64));
    }
    importer.extend(id, &[sample(4, 4.0), sample(2, 2.0), sample(3, 30.0)]);
    // Another hint is no other value.
    let hinted =
        Histogram { counter_reset: CounterReset::NotReset, ..(*histogram(5, 5.0).histogram).clone() };
    importer.push_histogram(id, HistogramSample::new(Timestamp(5), Arc::new(hinted)));
    let mut wrong = Histogram::empty(Schema::from_number(0).unwrap());
    wrong.positive = vec![Bucket { index: 1, count: 0.0 }];
    importer.push_histogram(id, HistogramSample::new(Timestamp(9), Arc::new(wrong)));
    let report = importer.write().unwrap();
    assert_eq!((report.samples, report.known, report.conflicting, report.malformed), (5, 1, 1, 1));
    assert_eq!(all(&store, "a"), [(1, 1.0), (2, 2.0), (3, 30.0), (4, 4.0), (5, 5.0)]);
}

#[test]
fn a_crash_at_any_operation_leaves_what_was_there_and_beginning_anew_completes_it() {
    let mut operations = 0;
    loop {
        let disk = Arc::new(FaultDisk::new());
        let store = open(&disk);
        let id = series(&store, "a");
        append(&store, id, &[sample(20 * DAY, 1.0)]);
        disk.set_faults(Faults { power_cut_at: Some(operations), ..Faults::default() });
        let imported = import_ten(&store);
        let is_done = imported.is_ok();
        drop(store);
        disk.set_faults(Faults::default());
        disk.restart(operations);
        let store = open(&disk);
        let there = all(&store, "a");
        assert!(there.contains(&(20 * DAY, 1.0)), "after {operations} operations: {there:?}");
        assert_eq!(import_ten(&store).unwrap().seen(), 10);
        let expected: Vec<(i64, f64)> =
            (0..10).map(|day| (day * DAY, day as f64)).chain([(20 * DAY, 1.0)]).collect();
        assert_eq!(all(&store, "a"), expected, "after {operations} operations");
        if is_done {
            break;
        }
        operations += 1;
    }
    assert!(operations > 5);
}

fn import_ten(store: &Store) -> Result<ImportReport, Box<dyn std::error::Error>> {
    let id = store.series(&Labels::from_pairs([("__name__", "a")]))?;
    let mut importer = store.importer(TimeRange::ALL)?;
    let mut report = ImportReport::default();
    for day in 0..10 {
        importer.push(id, sample(day * DAY, day as f64));
        if day == 4 {
            report.add(&importer.write()?);
        }
    }
    report.add(&importer.write()?);
    Ok(report)
}

#[test]
fn history_that_comes_while_samples_come_takes_nothing_from_them() {
    let disk = Arc::new(FaultDisk::new());
    let store = open(&disk);
    let id = series(&store, "a");
    append(&store, id, &[sample(10 * DAY, 1.0)]);
    let mut first = store.importer(TimeRange::ALL).unwrap();
    first.push(id, sample(DAY, 2.0));
    first.write().unwrap();
    let mut expected = vec![(DAY, 2.0), (10 * DAY, 1.0)];
    for round in 0..5i64 {
        let at = 10 * DAY + (round + 1) * 1000;
        append(&store, id, &[sample(at, 3.0)]);
        // Older than all, between all, later than all; and a moment that memory has, with the same and another value.
        let mut more = store.importer_beside(TimeRange::ALL);
        for (at, value) in [
            (round * 1000, 4.0),
            (at - 500, 5.0),
            (at + 100, 6.0),
            (at, if round % 2 == 0 { 3.0 } else { 7.0 }),
        ] {
            more.push(id, sample(at, value));
        }
        let report = more.write().unwrap();
        assert_eq!((report.samples, report.known + report.conflicting), (3, 1), "round {round}");
        // What was measured before what has been imported since is in the log, and late now.
        append(&store, id, &[sample(at + 200, 8.0)]);
        expected.extend([(round * 1000, 4.0), (at - 500, 5.0), (at + 100, 6.0), (at, 3.0), (at + 200, 8.0)]);
        expected.sort_by_key(|(at, _)| *at);
        assert_eq!(all(&store, "a"), expected, "round {round}");
    }
    drop(store);
    disk.restart(7);
    assert_eq!(all(&open(&disk), "a"), expected, "after a crash");
}
