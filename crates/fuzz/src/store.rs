//! The store's files: chunks decode or do not, and a store opens whatever its files hold, or says why not. Checksums are
//! made right again after a mutation, since otherwise nothing behind them would ever be read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bellwether_model::{
    Batch, Bucket, Histogram, HistogramSample, Labels, Origin, STALE_NAN, Sample, Schema, SeriesSource,
    TimeRange, Timestamp,
};
use bellwether_tsdb::fault_disk::FaultDisk;
use bellwether_tsdb::{Options, Store, chunk_codec};

fn jittered(count: i64) -> Vec<Sample> {
    (0..count).map(|n| Sample::new(Timestamp(n * 15_000 + n * n % 7), (n * n) as f64)).collect()
}

/// Chunks of every kind.
pub(crate) fn chunks() -> Vec<Vec<u8>> {
    let floats = |count: i64, value: &dyn Fn(i64) -> f64| {
        let samples: Vec<Sample> =
            (0..count).map(|n| Sample::new(Timestamp(n * 15_000 + n % 3), value(n))).collect();
        chunk_codec::encode(&samples)
    };
    let histograms = |count: i64| {
        let samples: Vec<HistogramSample> =
            (0..count).map(|n| HistogramSample::new(Timestamp(n * 15_000), Arc::new(histogram(n)))).collect();
        chunk_codec::encode_histograms(&samples)
    };
    vec![
        floats(1, &|_| 1.0),
        floats(5, &|n| n as f64 * 0.1),
        floats(200, &|n| (n * 7) as f64),
        chunk_codec::encode_for_memory(&jittered(200)),
        floats(200, &|n| if n % 50 == 3 { STALE_NAN } else { (n as f64).sin() }),
        histograms(3),
        histograms(150),
    ]
}

pub(crate) fn histogram(n: i64) -> Histogram {
    let bucket = |index, count: i64| Bucket { index, count: count as f64 };
    Histogram {
        count: (3 * n + 4) as f64,
        sum: n as f64 * 1.5,
        zero_threshold: 0.001,
        zero_count: 1.0,
        positive: vec![bucket(-2, n + 1), bucket(0, n + 1)],
        negative: vec![bucket(4, n + 1)],
        ..Histogram::empty(Schema::exponential(1).expect("a schema"))
    }
}

pub(crate) fn decodes(bytes: &[u8]) {
    let mut samples = Vec::new();
    match chunk_codec::decode(bytes, &mut samples) {
        None => assert!(samples.is_empty(), "what is no chunk yields nothing"),
        Some(()) if is_chunk(&samples) => {
            let bits =
                |samples: &[Sample]| samples.iter().map(|s| (s.at, s.value.to_bits())).collect::<Vec<_>>();
            for chunk in [chunk_codec::encode(&samples), chunk_codec::encode_for_memory(&samples)] {
                let mut again = Vec::new();
                chunk_codec::decode(&chunk, &mut again).expect("what was encoded decodes");
                assert_eq!(bits(&again), bits(&samples), "a chunk holds what was put in");
            }
        }
        Some(()) => {}
    }
    let mut histograms = Vec::new();
    if chunk_codec::decode_histograms(bytes, &mut histograms).is_none() {
        assert!(histograms.is_empty(), "what is no chunk yields nothing");
    }
}

/// Whether samples are such as may be put in.
fn is_chunk(samples: &[Sample]) -> bool {
    !samples.is_empty() && samples.len() <= 65_536 && samples.windows(2).all(|pair| pair[0].at < pair[1].at)
}

const DIR: &str = "data";

/// A store with log, segments and series table, before anything happens to it.
fn template() -> &'static FaultDisk {
    static TEMPLATE: OnceLock<FaultDisk> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let disk = FaultDisk::new();
        let (store, _) = open(&disk).expect("an empty folder opens");
        let ids: Vec<_> = (0..3)
            .map(|n: i32| {
                store.series(&Labels::from_pairs([("__name__", "a".to_owned()), ("n", n.to_string())]))
            })
            .map(|id| id.expect("a series"))
            .collect();
        for minute in 0..200 {
            let at = Timestamp(minute * 60_000);
            let samples = ids[..2].iter().map(|id| (*id, Sample::new(at, (minute * 3) as f64))).collect();
            let mut batch = Batch::floats(Origin::Backfill, at, samples);
            batch.histograms.push((ids[2], HistogramSample::new(at, Arc::new(histogram(minute)))));
            batch.start_times = vec![(0, Timestamp(-1))];
            store.append(&batch).expect("a batch is taken");
            store.sync().expect("a disk that works");
            if minute == 150 {
                store.seal(Timestamp(100 * 60_000)).expect("a segment is written");
            }
        }
        drop(store);
        disk
    })
}

fn open(disk: &FaultDisk) -> Result<(Store, bellwether_tsdb::Recovery), bellwether_tsdb::OpenError> {
    Store::open(Path::new(DIR), Options::default(), Arc::new(disk.clone()))
}

/// Which files of the store there are; an input's first byte says which one it takes the place of.
fn paths() -> Vec<PathBuf> {
    let mut paths = template().paths();
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "bwl" || kind == "bwg" || kind == "bws"));
    paths.sort();
    paths
}

/// Every file, behind the byte that names it.
pub(crate) fn files() -> Vec<Vec<u8>> {
    let file = |(number, path): (usize, &PathBuf)| {
        let bytes = template().bytes(path).expect("the file is there");
        std::iter::once(number as u8).chain(bytes).collect()
    };
    paths().iter().enumerate().map(file).collect()
}

pub(crate) fn opens(bytes: &[u8]) {
    let Some((number, content)) = bytes.split_first() else { return };
    let paths = paths();
    let path = &paths[usize::from(*number) % paths.len()];
    for is_stamped in [false, true] {
        let disk = template().copy();
        let mut content = content.to_vec();
        if is_stamped {
            stamp(path, &mut content);
        }
        disk.set_bytes(path, content);
        let Ok((store, _)) = open(&disk) else { continue };
        let ever = TimeRange::new(Timestamp::MIN, Timestamp::MAX);
        for view in store.snapshot().select(&[], ever).into_iter().flatten() {
            for chunk in &view.chunks {
                let _ = chunk.decode(&mut Vec::new());
                let _ = chunk.decode_histograms(&mut Vec::new());
                let _ = chunk.decode_start_times(&mut Vec::new());
            }
        }
        let id = store.series(&Labels::from_pairs([("__name__", "new")]));
        let id = id.expect("a store that opened takes a series");
        let at = Timestamp(i64::MAX / 4);
        let batch = Batch::floats(Origin::Backfill, at, vec![(id, Sample::new(at, 1.0))]);
        let appended = store.append(&batch).expect("a store that opened takes batches");
        // A file may say that all that is older than the end of time is beyond retention.
        assert_eq!(
            appended.taken + appended.refused.len(),
            1,
            "a store that opened takes samples or says why not"
        );
        let _ = store.sync();
        let _ = store.seal(at);
    }
}

/// Makes the checksums of a file's records right.
fn stamp(path: &Path, bytes: &mut [u8]) {
    let header = match path.extension().and_then(|kind| kind.to_str()) {
        Some("bwl") => {
            let crc = bytes.get(..40).map(crc32fast::hash);
            if let (Some(crc), Some(place)) = (crc, bytes.get_mut(40..44)) {
                place.copy_from_slice(&crc.to_le_bytes());
            }
            44
        }
        Some("bws") => 8,
        _ => return,
    };
    let mut at = header;
    while let Some(frame) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()).copied() {
        let length = u32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
        let Some(end) = (at + 8).checked_add(length).filter(|end| *end <= bytes.len()) else { return };
        let crc = crc32fast::hash(&bytes[at + 8..end]);
        bytes[at + 4..at + 8].copy_from_slice(&crc.to_le_bytes());
        at = end;
    }
}
