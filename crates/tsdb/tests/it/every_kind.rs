//! Small files in which everything occurs that may occur in them, to be cut and flipped byte by byte.

use std::collections::BTreeSet;

use bellwether_model::{Births, Labels, Origin, STALE_NAN, TimeDelta, Timestamp};
use bellwether_tsdb::SeriesLimits;
use bellwether_tsdb::fault_disk::FaultDisk;

use crate::world::{Value, batch, files, histogram, labels, mixed_batch, open, value};

/// A log with every kind of record: series, some of them refused before, refusals, batches of all kinds and origins, late
/// samples, the floor, marks. Gives where in it each sample ends.
pub(crate) fn log_of_every_kind(disk: &FaultDisk) -> Vec<(u64, i64)> {
    let store = open(disk).0;
    store.set_out_of_order_window(TimeDelta(1000));
    let mut ends = Vec::new();
    let mut put = |at: i64, series: u8| {
        let id = store.series(&labels(series)).unwrap();
        let (value, since) = value(at);
        let mut batch = mixed_batch(at, &[(id, value, since)]);
        let (interval, births) = (TimeDelta(10), Births::Counted);
        let origins = [
            Origin::Pushed,
            Origin::Scrape { ok: true, target: id, interval },
            Origin::Backfill,
            Origin::Rules,
            Origin::Remote { ok: false, births, target: id, interval },
            Origin::RemotePushed { births },
        ];
        // What a scrape or a rule measures now is never late.
        batch.origin = if at == 45 { Origin::Pushed } else { origins[(at / 10) as usize % origins.len()] };
        assert_eq!(store.append(&batch).unwrap().refused, [], "at {at}");
        ends.push((store.sync().unwrap().offset, at));
    };
    (1..8).for_each(|n| put(n * 10, (n % 3) as u8));
    put(45, 1);
    store.set_limits(SeriesLimits { total: 1, ..SeriesLimits::default() });
    assert!(store.series(&labels(5)).is_err(), "there are three");
    store.set_limits(SeriesLimits::default());
    put(100, 5);
    store.enforce_retention(Timestamp(1)).unwrap();
    (11..20).for_each(|n| put(n * 10, (n % 3) as u8));
    let log = disk.bytes(&files(disk, "log-")[0]).unwrap();
    assert_eq!(kinds(&log[44..]), (1..=8).collect(), "every kind of record is in it");
    ends
}

/// The kinds of the records of a log, from behind its header.
fn kinds(mut records: &[u8]) -> BTreeSet<u8> {
    let mut kinds = BTreeSet::new();
    while let Some((length, rest)) = records.split_first_chunk::<4>() {
        kinds.insert(rest[4]);
        records = &rest[4 + u32::from_le_bytes(*length) as usize..];
    }
    kinds
}

/// Fills a store with what makes chunks of every kind when it is sealed: few samples and many, of moments with a step and
/// without, buckets that refer to others, series that share their times, histograms, markers, start times.
pub(crate) fn fill_for_every_chunk(disk: &FaultDisk) {
    let store = open(disk).0;
    let series = |name: &str, bound: Option<&str>| {
        let pairs = [("__name__", name)].into_iter().chain(bound.map(|bound| ("le", bound)));
        store.series(&Labels::from_pairs(pairs)).unwrap()
    };
    let buckets = ["1", "+Inf"].map(|bound| series("d_bucket", Some(bound)));
    let (stepped, noisy, few) = (series("stepped", None), series("noisy", None), series("few", None));
    let (many, rows) = (series("many", None), series("rows", None));
    for n in 0..30i64 {
        let at = n * 100 + n * 7 % 13;
        let since = Some(Timestamp(-5));
        let noise = if n == 11 { STALE_NAN } else { (n as f64).sin() };
        let mut entries = vec![
            (buckets[0], Value::Float((n * 3) as f64), None),
            (buckets[1], Value::Float((n * 4 + n % 2) as f64), None),
            (noisy, Value::Float(noise), None),
            (many, Value::Histogram(histogram(7).into()), None),
        ];
        if n < 3 {
            entries.push((few, Value::Float(n as f64), since));
            entries.push((rows, Value::Histogram(histogram(n).into()), since));
        }
        store.append(&mixed_batch(at, &entries)).unwrap();
        store.append(&batch(5000 + n * 10, vec![(stepped, n as f64)])).unwrap();
    }
    store.sync().unwrap();
}
