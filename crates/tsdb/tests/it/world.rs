//! A store on a disk in memory, and what it should hold.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_model::{
    Batch, Bucket, Chunk, ChunkKind, ChunkSummary, CounterReset, Histogram, HistogramSample, Labels, Origin,
    Sample, Schema, SeriesId, SeriesSource, TimeRange, Timestamp,
};
use bellwether_tsdb::fault_disk::FaultDisk;
use bellwether_tsdb::{Options, Recovery, Snapshot, Store};

pub(crate) const DIR: &str = "data";

/// Entries by series name: time to [`print`].
pub(crate) type Contents = BTreeMap<String, BTreeMap<i64, u64>>;

pub(crate) fn open(disk: &FaultDisk) -> (Store, Recovery) {
    let options = Options { log_file_bytes_max: 2000, ..Options::default() };
    Store::open(Path::new(DIR), options, Arc::new(disk.clone())).unwrap()
}

pub(crate) fn labels(series: u8) -> Labels {
    Labels::from_pairs([("__name__", format!("series_{series}")), ("parity", (series % 2).to_string())])
}

pub(crate) fn batch(at: i64, samples: Vec<(SeriesId, f64)>) -> Batch {
    let at = Timestamp(at);
    let samples = samples.into_iter().map(|(id, value)| (id, Sample::new(at, value))).collect();
    Batch::floats(Origin::Backfill, at, samples)
}

/// What an entry may be.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Float(f64),
    Histogram(Arc<Histogram>),
}

/// An entry in a number: the bits of a plain float, a hash of everything else.
pub(crate) fn print(value: &Value, since: Option<Timestamp>) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    since.hash(&mut hasher);
    match value {
        Value::Float(value) if since.is_none() => return value.to_bits(),
        Value::Float(value) => value.to_bits().hash(&mut hasher),
        Value::Histogram(histogram) => hash(histogram, &mut hasher),
    }
    hasher.finish()
}

fn hash(histogram: &Histogram, hasher: &mut impl Hasher) {
    let Histogram { counter_reset, schema, count, sum, zero_threshold, zero_count, .. } = histogram;
    let Histogram { positive, negative, custom_bounds, .. } = histogram;
    format!("{counter_reset:?} {schema:?}").hash(hasher);
    [count, sum, zero_threshold, zero_count].map(|number| number.to_bits()).hash(hasher);
    for buckets in [positive, negative] {
        buckets.len().hash(hasher);
        buckets.iter().for_each(|bucket| (bucket.index, bucket.count.to_bits()).hash(hasher));
    }
    custom_bounds.iter().for_each(|bound| bound.to_bits().hash(hasher));
}

/// Values that take turns: floats for a while, histograms for a while, markers among them; bounds change now and then,
/// and some have start times.
pub(crate) fn value(n: i64) -> (Value, Option<Timestamp>) {
    let since = (n / 5 % 2 == 1).then_some(Timestamp(n - n % 10));
    if n / 7 % 2 == 0 {
        return (Value::Float((n as f64).sqrt()), since);
    }
    (Value::Histogram(Arc::new(if n % 11 == 0 { Histogram::stale() } else { histogram(n) })), since)
}

/// A histogram that grows with `n`.
pub(crate) fn histogram(n: i64) -> Histogram {
    let schema = Schema::exponential((n / 40 % 3) as i8).unwrap();
    let bucket = |index: i64| Bucket { index: index as i32, count: (n * (index + 3)) as f64 };
    let reset = if n % 23 == 0 { CounterReset::Reset } else { CounterReset::Unknown };
    let mut histogram = Histogram { counter_reset: reset, zero_threshold: 0.001, ..Histogram::empty(schema) };
    histogram.positive = (n % 3..n % 7 + 5).map(bucket).filter(|bucket| bucket.count != 0.0).collect();
    histogram.negative = vec![Bucket { index: -4, count: 0.5 }];
    histogram.sum = n as f64 * 0.3;
    histogram.count = (n * 9) as f64;
    histogram
}

/// A batch of entries of any kind.
pub(crate) fn mixed_batch(at: i64, entries: &[(SeriesId, Value, Option<Timestamp>)]) -> Batch {
    let mut batch = batch(at, Vec::new());
    let (mut floats, mut histograms) = (Vec::new(), Vec::new());
    for (id, value, since) in entries {
        match value {
            Value::Float(value) => {
                batch.samples.push((*id, Sample::new(batch.at, *value)));
                floats.push(*since);
            }
            Value::Histogram(histogram) => {
                batch.histograms.push((*id, HistogramSample::new(batch.at, Arc::clone(histogram))));
                histograms.push(*since);
            }
        }
    }
    let places = (0..).zip(floats.into_iter().chain(histograms));
    batch.start_times = places.filter_map(|(place, since)| since.map(|since| (place, since))).collect();
    batch
}

/// Everything a snapshot shows; checks on the way that chunks are in order and summaries cover them.
pub(crate) fn contents(store: &Store) -> Contents {
    contents_of(&store.snapshot())
}

/// The same of a snapshot that is held.
pub(crate) fn contents_of(snapshot: &Snapshot) -> Contents {
    let mut contents = Contents::new();
    for view in snapshot.select(&[], TimeRange::ALL).unwrap() {
        let entries: Vec<_> = view.chunks.iter().flat_map(|chunk| entries(&**chunk)).collect();
        assert!(entries.windows(2).all(|pair| pair[0].0 < pair[1].0), "in time order");
        contents.insert(key(&view.labels), entries.into_iter().collect());
    }
    contents
}

/// What a series is called in [`Contents`].
pub(crate) fn key(labels: &Labels) -> String {
    let name = labels.metric_name().unwrap();
    labels.get("le").map_or_else(|| name.to_owned(), |bound| format!("{name} {bound}"))
}

/// Says in what two contents differ, and not in what they agree.
pub(crate) fn assert_same(shown: &Contents, expected: &Contents, what: &str) {
    let missing = difference(expected, shown);
    let beyond = difference(shown, expected);
    assert!(missing.is_empty() && beyond.is_empty(), "{what}: missing {missing:?}, beyond {beyond:?}");
}

/// Entries of one that are not in the other.
fn difference(of: &Contents, other: &Contents) -> Vec<(String, i64, u64)> {
    let entries =
        of.iter().flat_map(|(name, samples)| samples.iter().map(move |(at, value)| (name, *at, *value)));
    let is_there =
        |(name, at, value): &(&String, i64, u64)| other.get(*name).and_then(|o| o.get(at)) == Some(value);
    entries.filter(|entry| !is_there(entry)).map(|(name, at, value)| (name.clone(), at, value)).collect()
}

/// Whether all that is in one is in the other.
pub(crate) fn is_subset(small: &Contents, large: &Contents) -> bool {
    small.iter().all(|(name, samples)| {
        let other = large.get(name);
        samples.iter().all(|(at, value)| other.is_some_and(|other| other.get(at) == Some(value)))
    })
}

/// Segments go only as a whole, so what is below the floor may or may not still be there.
pub(crate) fn above(mut contents: Contents, floor: i64) -> Contents {
    contents.values_mut().for_each(|samples| samples.retain(|at, _| *at >= floor));
    contents.retain(|_, samples| !samples.is_empty());
    contents
}

/// Times and prints of a chunk's entries, whose summary is checked.
pub(crate) fn entries(chunk: &dyn Chunk) -> Vec<(i64, u64)> {
    let (mut samples, mut histograms, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    chunk.decode(&mut samples).unwrap();
    chunk.decode_histograms(&mut histograms).unwrap();
    chunk.decode_start_times(&mut starts).unwrap();
    assert_eq!(chunk.has_start_times(), !starts.is_empty());
    let (summary, values): (_, Vec<_>) = match chunk.kind() {
        ChunkKind::Floats => {
            assert!(histograms.is_empty());
            let values = samples.iter().map(|sample| (sample.at, Value::Float(sample.value)));
            (ChunkSummary::of(&samples), values.collect())
        }
        ChunkKind::Histograms => {
            assert!(samples.is_empty());
            let values = histograms.iter().map(|s| (s.at, Value::Histogram(Arc::clone(&s.histogram))));
            (ChunkSummary::of_histograms(&histograms), values.collect())
        }
    };
    assert_eq!(format!("{:?}", chunk.summary()), format!("{:?}", summary.unwrap()));
    assert!(starts.is_empty() || starts.len() == values.len());
    starts.resize(values.len(), None);
    values.iter().zip(starts).map(|((at, value), since)| (at.0, print(value, since))).collect()
}

/// Paths of the files whose name begins so.
pub(crate) fn files(disk: &FaultDisk, prefix: &str) -> Vec<PathBuf> {
    let is_wanted = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(prefix);
    disk.paths().into_iter().filter(is_wanted).collect()
}
