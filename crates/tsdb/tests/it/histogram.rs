//! Histograms in the store: what may be stored, what is refused, and that chunks give back every bit.

use std::sync::Arc;

use bellwether_model::{
    Bucket, CounterReset, Histogram, HistogramSample, STALE_NAN, Schema, SeriesSource, TimeRange, Timestamp,
};
use bellwether_tsdb::Refusal;
use bellwether_tsdb::chunk_codec::{decode_histograms, encode_histograms};
use bellwether_tsdb::fault_disk::FaultDisk;
use proptest::prelude::*;

use crate::world::{Value, batch, contents, files, histogram, labels, mixed_batch, open, print};

fn prints(samples: &[HistogramSample]) -> Vec<(i64, u64)> {
    let print = |s: &HistogramSample| (s.at.0, print(&Value::Histogram(Arc::clone(&s.histogram)), None));
    samples.iter().map(print).collect()
}

fn check(name: &str, samples: &[HistogramSample]) {
    let mut out = Vec::new();
    decode_histograms(&encode_histograms(samples), &mut out).unwrap();
    assert_eq!(prints(&out), prints(samples), "{name}");
}

fn samples(count: i64, step: fn(i64) -> i64, of: fn(i64) -> Histogram) -> Vec<HistogramSample> {
    (0..count).map(|n| HistogramSample::new(Timestamp(n * 15_000 + step(n)), Arc::new(of(n)))).collect()
}

fn custom(n: i64) -> Histogram {
    let bucket = |index| Bucket { index, count: f64::from(index + 1) * n as f64 + 1.0 };
    let bounds = Arc::from([0.1, 0.25, 1.0]);
    Histogram {
        custom_bounds: bounds,
        positive: (0..4).map(bucket).collect(),
        ..Histogram::empty(Schema::CUSTOM)
    }
}

fn gauge(n: i64) -> Histogram {
    let bucket = |index: i32| Bucket { index, count: (f64::from(index) + n as f64).sin() };
    let reset = CounterReset::Gauge;
    Histogram { counter_reset: reset, positive: (1..9).map(bucket).collect(), sum: f64::NAN, ..plain(n) }
}

fn plain(n: i64) -> Histogram {
    Histogram { zero_count: -0.0, count: n as f64 / 3.0, ..Histogram::empty(Schema::exponential(3).unwrap()) }
}

fn counter(n: i64) -> Histogram {
    let mut histogram = histogram(n % 40);
    histogram.negative.clear();
    histogram
}

fn often_stale(n: i64) -> Histogram {
    if n % 3 == 1 { Histogram::stale() } else { counter(n) }
}

#[test]
fn histograms_of_every_shape_come_back_bit_by_bit() {
    type Shape = (&'static str, fn(i64) -> Histogram);
    let shapes: [Shape; 8] = [
        ("the same again", |_| counter(7)),
        ("counters", counter),
        ("custom bounds", custom),
        ("gauges", gauge),
        ("zero and fractions", plain),
        ("markers between", often_stale),
        ("markers only", |_| Histogram::stale()),
        ("nothing observed", |_| Histogram::empty(Schema::exponential(8).unwrap())),
    ];
    for (name, of) in shapes {
        for count in [1, 2, 23, 24, 300] {
            check(&format!("{name}, {count} samples"), &samples(count, |_| 0, of));
            check(&format!("{name}, {count} samples, jitter"), &samples(count, |n| n * n % 7, of));
        }
    }
}

#[test]
fn a_sample_of_a_realistic_histogram_takes_a_few_tens_of_bytes() {
    // Latencies around 100 ms, 20 requests a second, scraped each 15 s: about 30 buckets of schema 3.
    let mut random = 1u64;
    let mut next = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 11) as f64 / (1u64 << 53) as f64
    };
    let schema = Schema::exponential(3).unwrap();
    let (mut counts, mut sum) = (std::collections::BTreeMap::new(), 0.0);
    let mut samples = Vec::new();
    for n in 0..480i64 {
        for _ in 0..300 {
            let normal = (0..12).map(|_| next()).sum::<f64>() - 6.0;
            let seconds = 0.1 * (normal * 0.5).exp();
            sum += seconds;
            *counts.entry((seconds.log2() * 8.0).ceil() as i32).or_insert(0.0) += 1.0;
        }
        let mut histogram = Histogram { zero_threshold: 1e-128, sum, ..Histogram::empty(schema) };
        histogram.positive =
            counts.iter().map(|(index, count)| Bucket { index: *index, count: *count }).collect();
        histogram.count = counts.values().sum();
        samples.push(HistogramSample::new(Timestamp(n * 15_000), Arc::new(histogram)));
    }
    let populated = samples.last().unwrap().histogram.positive.len();
    let bytes = encode_histograms(&samples).len() as f64 / samples.len() as f64;
    check("realistic", &samples);
    assert!((25..60).contains(&populated) && bytes < 40.0, "{populated} buckets, {bytes} bytes");
}

#[test]
fn a_histogram_is_judged_as_a_float_is() {
    let disk = FaultDisk::new();
    let mut store = open(&disk).0;
    let id = store.series(&labels(0)).unwrap();
    let append = |store: &bellwether_tsdb::Store, at: i64, value: Value| {
        let appended = store.append(&mixed_batch(at, &[(id, value, None)])).unwrap();
        match (appended.taken, appended.known, appended.refused.as_slice()) {
            (1, 0, []) => Ok(true),
            (0, 1, []) => Ok(false),
            (0, 0, [refused]) => Err(refused.reason),
            other => panic!("{other:?}"),
        }
    };
    let of = |n| Value::Histogram(Arc::new(histogram(n)));
    let out_of_order = Err(Refusal::OutOfOrder { last: Timestamp(20) });
    let duplicate = Err(Refusal::Duplicate { at: Timestamp(20) });
    assert_eq!(append(&store, 10, Value::Float(1.0)), Ok(true));
    assert_eq!(append(&store, 20, of(5)), Ok(true));
    for state in ["in the head", "opened from the log", "in a segment", "opened from a segment"] {
        assert_eq!(append(&store, 20, of(5)), Ok(false), "{state}");
        assert_eq!(append(&store, 20, of(6)), duplicate, "{state}");
        assert_eq!(append(&store, 20, Value::Float(1.0)), duplicate, "{state}");
        assert_eq!(append(&store, 15, of(5)), out_of_order, "{state}");
        store.sync().unwrap();
        if state != "in the head" {
            store.seal(Timestamp(100)).unwrap();
        }
        if state != "opened from the log" {
            drop(store);
            store = open(&disk).0;
        }
    }
    let stats = store.stats();
    assert_eq!((stats.segment_samples, stats.head_samples), (2, 0));
    assert_eq!(append(&store, 30, Value::Histogram(Arc::new(Histogram::stale()))), Ok(true));
    assert_eq!(append(&store, 40, Value::Float(STALE_NAN)), Ok(true));
    assert_eq!(contents(&store)["series_0"].len(), 4);
}

#[test]
fn what_is_no_histogram_is_refused_by_its_place() {
    let store = open(&FaultDisk::new()).0;
    let id = store.series(&labels(0)).unwrap();
    let with = |positive: Vec<Bucket>| Value::Histogram(Arc::new(Histogram { positive, ..histogram(1) }));
    let bucket = |index, count| Bucket { index, count };
    let malformed = [
        with(vec![bucket(2, 1.0), bucket(1, 1.0)]),
        with(vec![bucket(1, 1.0), bucket(1, 1.0)]),
        with(vec![bucket(1, 0.0)]),
        with((0..70_000).map(|index| bucket(index, 1.0)).collect()),
    ];
    for value in malformed {
        let entries = [(id, Value::Float(1.0), None), (id, value, None)];
        let appended = store.append(&mixed_batch(1, &entries)).unwrap();
        let [refused] = appended.refused.as_slice() else { panic!("{appended:?}") };
        assert_eq!((refused.index, refused.reason), (1, Refusal::MalformedHistogram));
    }
    assert_eq!(store.stats().refused_malformed, 4);
}

#[test]
fn start_times_lie_with_their_entries_in_every_state_and_cost_nothing_where_there_are_none() {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    let (with, without) = (store.series(&labels(0)).unwrap(), store.series(&labels(1)).unwrap());
    let mut expected = Vec::new();
    for at in 0..400i64 {
        let since = (at >= 100).then_some(Timestamp(at / 150));
        let entries = [(with, Value::Float(at as f64), since), (without, Value::Float(at as f64), None)];
        store.append(&mixed_batch(at, &entries)).unwrap();
        expected.push((at, print(&Value::Float(at as f64), since)));
    }
    let expected: std::collections::BTreeMap<_, _> = expected.into_iter().collect();
    assert_eq!(contents(&store)["series_0"], expected, "in the head");
    store.seal(Timestamp(350)).unwrap();
    assert_eq!(contents(&store)["series_0"], expected, "partly sealed");
    drop(store);
    let store = open(&disk).0;
    assert_eq!(contents(&store)["series_0"], expected, "opened again");
    for view in store.snapshot().select(&[], TimeRange::ALL).unwrap() {
        let mut starts = Vec::new();
        view.chunks.iter().for_each(|chunk| chunk.decode_start_times(&mut starts).unwrap());
        let is_with = view.labels.get("parity") == Some("0");
        assert_eq!(starts.len(), if is_with { 400 } else { 0 }, "{}", view.labels);
    }
}

#[test]
fn files_of_the_version_before_are_read() {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    let id = store.series(&labels(0)).unwrap();
    for at in 1..40 {
        store.append(&batch(at, vec![(id, at as f64)])).unwrap();
    }
    store.sync().unwrap();
    store.seal(Timestamp(20)).unwrap();
    let shown = contents(&store);
    drop(store);
    // Without histograms and start times the versions differ by their number alone.
    for (prefix, header) in [("log-", 40), ("segment-", 16)] {
        for path in files(&disk, prefix) {
            let mut bytes = disk.bytes(&path).unwrap();
            bytes[4..6].copy_from_slice(&1u16.to_le_bytes());
            let crc = crc32fast::hash(&bytes[..header]);
            bytes[header..header + 4].copy_from_slice(&crc.to_le_bytes());
            disk.set_bytes(&path, bytes);
        }
    }
    let (store, recovery) = open(&disk);
    assert!(recovery.quarantined.is_empty() && recovery.segments == 1 && recovery.samples_replayed == 20);
    assert_eq!(contents(&store), shown);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_histograms_of_the_same_bounds_come_back_bit_by_bit(
        raw in prop::collection::vec(
            (any::<i64>(), prop::collection::btree_map(any::<i32>(), any::<u64>(), 0..6), any::<[u64; 3]>(), 0..4u8),
            1..60,
        ),
        are_whole: bool,
    ) {
        let number = |bits: u64| if are_whole { (bits >> 12) as f64 } else { f64::from_bits(bits) };
        let of = |buckets: &std::collections::BTreeMap<i32, u64>| -> Vec<Bucket> {
            let buckets = buckets.iter().map(|(index, bits)| Bucket { index: *index, count: number(*bits) });
            buckets.filter(|bucket| bucket.count != 0.0).collect()
        };
        let resets = [CounterReset::Unknown, CounterReset::Reset, CounterReset::NotReset, CounterReset::Gauge];
        let mut samples: Vec<_> = raw.iter().map(|(at, buckets, [zero, count, sum], kind)| {
            let mut histogram = Histogram::empty(Schema::exponential(2).unwrap());
            histogram.positive = of(buckets);
            histogram.negative = histogram.positive.iter().copied().take(usize::from(*kind)).collect();
            histogram.counter_reset = resets[usize::from(*kind)];
            histogram.zero_count = number(*zero);
            histogram.count = number(*count);
            histogram.sum = f64::from_bits(*sum);
            if histogram.is_stale() {
                histogram = Histogram::stale();
            }
            HistogramSample::new(Timestamp(*at), Arc::new(histogram))
        }).collect();
        samples.sort_by_key(|sample| sample.at);
        check("random", &samples);
    }

    #[test]
    fn random_bytes_are_no_histograms_and_never_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..400),
        kind in prop::sample::select(vec![1u8, 16, 17, 32]),
    ) {
        if let Some(first) = bytes.first_mut() {
            *first = kind;
        }
        let _ = decode_histograms(&bytes, &mut Vec::new());
    }

    #[test]
    fn a_changed_chunk_of_histograms_never_panics(
        byte in any::<prop::sample::Index>(),
        with in any::<u8>(),
        cut in any::<prop::sample::Index>(),
        count in 1i64..120,
    ) {
        let mut bytes = encode_histograms(&samples(count, |n| n * n % 5, often_stale));
        let at = byte.index(bytes.len());
        bytes[at] = with;
        let _ = decode_histograms(&bytes, &mut Vec::new());
        let _ = decode_histograms(&bytes[..cut.index(bytes.len())], &mut Vec::new());
    }
}

/// Columns that only say where they start and by how much they grow: three bytes a bucket.
fn columns(samples: u64, buckets: u64) -> Vec<u8> {
    let varint = |n: u64| [n as u8 | 0x80, (n >> 7) as u8 | 0x80, (n >> 14) as u8];
    let mut bytes = vec![17];
    bytes.extend(varint(samples));
    bytes.extend([0, 0, 2]); // times: from 0 in steps of 1
    bytes.extend([0, 1, 0]); // no markers; one run of hints
    bytes.extend(varint(samples));
    bytes.extend([0, 0, 0]); // schema, zero threshold, bounds
    bytes.extend(varint(buckets));
    bytes.extend(std::iter::repeat_n(0, buckets as usize));
    bytes.push(0); // no negative buckets
    let columns = [0u8, 2, 2].repeat(buckets as usize + 2); // sum, zero count, buckets
    bytes.extend(columns);
    bytes.extend([1, 0, 0, 0]); // the count is the sum of all that
    bytes
}

#[test]
fn a_wild_count_is_refused_before_anything_is_allocated_for_it() {
    let mut out = Vec::new();
    decode_histograms(&columns(100, 50), &mut out).unwrap();
    assert_eq!((out.len(), out[99].histogram.positive.len()), (100, 50));
    // 2^32 counts in 260 KB.
    assert!(decode_histograms(&columns(1 << 16, (1 << 16) - 1), &mut out).is_none());
    assert_eq!(out.len(), 100);
}
