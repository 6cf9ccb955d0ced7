//! What series have in common is written once and read back bit by bit, by every way through the store.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bellwether_model::{
    Batch, Labels, Origin, STALE_NAN, Sample, SeriesId, SeriesSource, TimeDelta, TimeRange, Timestamp,
};
use bellwether_tsdb::fault_disk::FaultDisk;
use bellwether_tsdb::{Options, Store};

const BOUNDS: [&str; 6] = ["0.1", "0.5", "1", "2.5", "10", "+Inf"];

type Seen = BTreeMap<String, Vec<(i64, u64, Option<i64>)>>;

fn open(disk: &FaultDisk) -> Store {
    let options = Options { out_of_order_window: TimeDelta(1_000_000), ..Options::default() };
    Store::open(Path::new("data"), options, Arc::new(disk.clone())).unwrap().0
}

fn seen(store: &Store) -> Seen {
    let mut seen = Seen::new();
    for view in store.snapshot().select(&[], TimeRange::ALL).unwrap() {
        let entries = seen.entry(view.labels.to_string()).or_default();
        for chunk in &view.chunks {
            let (mut samples, mut starts) = (Vec::new(), Vec::new());
            chunk.decode(&mut samples).unwrap();
            chunk.decode_start_times(&mut starts).unwrap();
            starts.resize(samples.len(), None);
            let since = starts.into_iter().map(|since| since.map(|since| since.0));
            entries.extend(samples.iter().zip(since).map(|(s, since)| (s.at.0, s.value.to_bits(), since)));
        }
    }
    seen
}

/// The series of some routes: buckets in an order that has the greatest neither first nor last, sum and count.
fn series(store: &Store, routes: usize) -> Vec<Vec<SeriesId>> {
    let of = |route: usize| {
        let route = route.to_string();
        let labels = |name: &str, le: Option<&str>| {
            let bound = le.map(|le| ("le", le));
            Labels::from_pairs([("__name__", name), ("route", route.as_str())].into_iter().chain(bound))
        };
        let buckets = [3, 0, 5, 1, 2, 4].map(|bound| labels("d_bucket", Some(BOUNDS[bound])));
        let rest = [labels("d_sum", None), labels("d_count", None), labels("up", None)];
        buckets.iter().chain(&rest).map(|labels| store.series(labels).unwrap()).collect()
    };
    (0..routes).map(of).collect()
}

/// How a route's samples may be odd.
#[derive(Clone, Copy, Debug)]
struct Odd {
    jitter: bool,
    starts: bool,
    /// A marker in the bucket of everything, and one in another.
    stale: bool,
    /// One series misses a scrape, another has one of its own.
    ragged: bool,
    /// The bucket of everything is no whole number once.
    broken: bool,
}

fn fill(store: &Store, scrapes: i64, odd: Odd) {
    let ids = series(store, 3);
    let mut random = 7u64;
    let mut next = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let mut counts = vec![[0.0; 6]; ids.len()];
    let mut sums = vec![0.0; ids.len()];
    for n in 0..scrapes {
        let at = Timestamp(n * 15_000 + if odd.jitter { next(40) as i64 } else { 0 });
        let mut samples = Vec::new();
        for (route, ids) in ids.iter().enumerate() {
            counts[route].iter_mut().for_each(|count| *count += next(50) as f64);
            sums[route] += next(1_000_000) as f64 * 0.000_123;
            let mut sum = 0.0;
            let mut buckets = counts[route].map(|count| {
                sum += count;
                sum
            });
            if odd.stale && n == 100 {
                (buckets[5], buckets[1]) = (STALE_NAN, STALE_NAN);
            }
            if odd.broken && n == 200 {
                buckets[5] += 0.5;
            }
            let values = [3, 0, 5, 1, 2, 4].map(|bound: usize| buckets[bound]);
            let values = values.into_iter().chain([sums[route], sum, 1.0]);
            samples.extend(ids.iter().zip(values).map(|(id, value)| (*id, Sample::new(at, value))));
        }
        if odd.ragged && n == 150 {
            samples.remove(4);
        }
        let mut batch = Batch::floats(Origin::Pushed, at, samples);
        if odd.starts {
            batch.start_times = (0..batch.len() as u32).map(|place| (place, Timestamp(5))).collect();
        }
        store.append(&batch).unwrap();
    }
    if odd.ragged {
        let late = (ids[1][2], Sample::new(Timestamp(scrapes * 15_000 - 20_001), 3.0));
        assert_eq!(store.append(&Batch::floats(Origin::Pushed, Timestamp(0), vec![late])).unwrap().taken, 1);
    }
}

#[test]
fn histograms_come_back_bit_by_bit_however_odd_they_are() {
    let regular = Odd { jitter: false, starts: false, stale: false, ragged: false, broken: false };
    for odd in [
        regular,
        Odd { jitter: true, ..regular },
        Odd { starts: true, ..regular },
        Odd { jitter: true, stale: true, ..regular },
        Odd { jitter: true, ragged: true, ..regular },
        Odd { jitter: true, broken: true, starts: true, ..regular },
        Odd { jitter: true, starts: true, stale: true, ragged: true, broken: true },
    ] {
        let disk = FaultDisk::new();
        let store = open(&disk);
        fill(&store, 400, odd);
        let expected = seen(&store);
        assert_eq!(expected.len(), 27);
        store.seal(Timestamp(250 * 15_000)).unwrap();
        assert_eq!(seen(&store), expected, "{odd:?}: in part sealed");
        store.seal(Timestamp::MAX).unwrap();
        assert_eq!(seen(&store), expected, "{odd:?}: sealed");
        assert_eq!(store.compact(Timestamp(10_000_000), TimeDelta(10_000_000)).unwrap().segments, 2);
        assert_eq!(seen(&store), expected, "{odd:?}: compacted");
        assert!(store.scrub().unwrap().is_empty());
        drop(store);
        assert_eq!(seen(&open(&disk)), expected, "{odd:?}: opened again");
    }
}

#[test]
fn buckets_take_less_than_what_they_count_together() {
    let regular = Odd { jitter: false, starts: false, stale: false, ragged: false, broken: false };
    let bytes = |jitter| {
        let store = open(&FaultDisk::new());
        fill(&store, 2000, Odd { jitter, ..regular });
        store.seal(Timestamp::MAX).unwrap();
        let stats = store.stats();
        stats.segment_bytes as f64 / stats.segment_samples as f64
    };
    let (on_the_grid, jittered) = (bytes(false), bytes(true));
    // The times of 27 series that jitter alike take what those of one take.
    assert!(jittered - on_the_grid < 0.06, "{on_the_grid} and {jittered}");
    assert!(on_the_grid < 1.2, "{on_the_grid} bytes a sample");
}

#[test]
fn a_flipped_bit_never_shows_in_a_chunk_that_refers_to_it() {
    let disk = FaultDisk::new();
    let store = open(&disk);
    let odd = Odd { jitter: true, starts: false, stale: false, ragged: false, broken: false };
    fill(&store, 60, odd);
    let expected = seen(&store);
    store.seal(Timestamp::MAX).unwrap();
    drop(store);
    let path = crate::world::files(&disk, "segment-").pop().unwrap();
    let whole = disk.bytes(&path).unwrap();
    for byte in (20..whole.len()).step_by(13) {
        let copy = disk.copy();
        let mut bytes = whole.clone();
        bytes[byte] ^= 1 << (byte % 8);
        copy.set_bytes(&path, bytes);
        let store = open(&copy);
        for view in store.snapshot().select(&[], TimeRange::ALL).unwrap() {
            for chunk in &view.chunks {
                let mut samples = Vec::new();
                if chunk.decode(&mut samples).is_ok() {
                    let found: Vec<_> = samples.iter().map(|s| (s.at.0, s.value.to_bits(), None)).collect();
                    assert_eq!(found, expected[&view.labels.to_string()], "byte {byte}");
                } else {
                    assert!(samples.is_empty(), "byte {byte}: nothing of what cannot be read");
                }
            }
        }
    }
}
