//! A store on a disk in memory, and what it should hold.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_model::{Batch, Labels, Origin, Sample, SeriesId, SeriesSource, TimeRange, Timestamp};
use bellwether_tsdb::fault_disk::FaultDisk;
use bellwether_tsdb::{Options, Recovery, Store};

pub(crate) const DIR: &str = "data";

/// Samples by series name: time to bits.
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
    Batch::floats(Origin::Rules, at, samples)
}

/// Everything a snapshot shows; checks on the way that chunks are in order and summaries cover them.
pub(crate) fn contents(store: &Store) -> Contents {
    let mut contents = Contents::new();
    for view in store.snapshot().select(&[], TimeRange::ALL).unwrap() {
        let mut samples = Vec::new();
        for chunk in &view.chunks {
            let start = samples.len();
            chunk.decode(&mut samples).unwrap();
            let again = bellwether_model::ChunkSummary::of(&samples[start..]).unwrap();
            assert_eq!(format!("{:?}", chunk.summary()), format!("{again:?}"));
        }
        assert!(samples.windows(2).all(|pair| pair[0].at < pair[1].at), "in time order");
        let name = view.labels.metric_name().unwrap().to_owned();
        contents.insert(name, samples.iter().map(|s| (s.at.0, s.value.to_bits())).collect());
    }
    contents
}

/// Paths of the files whose name begins so.
pub(crate) fn files(disk: &FaultDisk, prefix: &str) -> Vec<PathBuf> {
    let is_wanted = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(prefix);
    disk.paths().into_iter().filter(is_wanted).collect()
}
