//! What an import hands to a server: frames of chunks. Whatever a body says, reading it ends; what is read can be
//! written and read again, and a store that takes it counts every sample of it, and takes none twice.

use std::path::Path;
use std::sync::Arc;

use bellwether_ingest::prometheus_block::Samples;
use bellwether_ingest::remote_read::{ReadSeries, next_frame, read_frame, write_frames};
use bellwether_model::{HistogramSample, Labels, STALE_NAN, Sample, TimeRange, Timestamp};
use bellwether_tsdb::fault_disk::FaultDisk;
use bellwether_tsdb::{Options, Store};

use crate::store::histogram;

/// An input's first byte says whether it is a body or the message of a frame: behind a checksum nothing would be tried.
const BODY: u8 = 0;
const MESSAGE: u8 = 1;

/// A body with two series, and the message of each of its frames.
pub(crate) fn inputs() -> Vec<Vec<u8>> {
    let number = |n: i64| {
        let value = if n % 50 == 3 { STALE_NAN } else { (n * n) as f64 };
        Sample::new(Timestamp(n * 15_000 + n % 3), value)
    };
    let numbers = Samples { floats: (0..200).map(number).collect(), histograms: Vec::new() };
    let histograms = (0..30).map(|n| HistogramSample::new(Timestamp(n * 15_000), Arc::new(histogram(n))));
    let histograms = Samples { floats: Vec::new(), histograms: histograms.collect() };
    let mut body = Vec::new();
    write_frames(0, &Labels::from_pairs([("__name__", "up"), ("job", "api")]), &numbers, &mut body);
    write_frames(0, &Labels::from_pairs([("__name__", "seconds")]), &histograms, &mut body);
    let mut inputs = vec![behind(BODY, &body)];
    let mut rest = body.as_slice();
    while let Ok(Some(frame)) = next_frame(rest) {
        inputs.push(behind(MESSAGE, frame.message));
        rest = &rest[frame.length..];
    }
    inputs
}

fn behind(kind: u8, bytes: &[u8]) -> Vec<u8> {
    std::iter::once(kind).chain(bytes.iter().copied()).collect()
}

pub(crate) fn takes(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let read = if kind % 2 == MESSAGE { read_frame(bytes).unwrap_or_default() } else { read_body(bytes) };
    for series in read.iter().filter(|series| is_ordered(&series.samples)) {
        is_written(series);
    }
    is_stored(&read);
}

/// All series of the frames up to the first that is none.
fn read_body(mut rest: &[u8]) -> Vec<ReadSeries> {
    let mut read = Vec::new();
    while let Ok(Some(frame)) = next_frame(rest) {
        assert!(frame.length > frame.message.len(), "a frame is more than its message");
        let Ok(series) = read_frame(frame.message) else { break };
        read.extend(series);
        rest = &rest[frame.length..];
    }
    read
}

/// Whether samples are such as are written.
fn is_ordered(samples: &Samples) -> bool {
    samples.floats.windows(2).all(|pair| pair[0].at < pair[1].at)
        && samples.histograms.windows(2).all(|pair| pair[0].at < pair[1].at)
}

fn is_written(series: &ReadSeries) {
    let mut frames = Vec::new();
    write_frames(0, &series.labels, &series.samples, &mut frames);
    let mut again = Samples::default();
    for part in read_body(&frames) {
        assert_eq!(part.labels, series.labels, "a series keeps its labels");
        again.floats.extend(part.samples.floats);
        again.histograms.extend(part.samples.histograms);
    }
    let bits = |samples: &Samples| -> Vec<(Timestamp, u64)> {
        samples.floats.iter().map(|sample| (sample.at, sample.value.to_bits())).collect()
    };
    assert_eq!(bits(&again), bits(&series.samples), "numbers are the same again");
    let times = |samples: &Samples| -> Vec<(Timestamp, bool)> {
        samples.histograms.iter().map(|sample| (sample.at, sample.is_stale())).collect()
    };
    assert_eq!(times(&again), times(&series.samples), "histograms are there again");
}

/// Twice into one store: the second time nothing of it is new.
fn is_stored(read: &[ReadSeries]) {
    let disk = Arc::new(FaultDisk::new());
    let (store, _) = Store::open(Path::new("data"), Options::default(), disk).expect("an empty store opens");
    for is_again in [false, true] {
        let mut importer = store.importer(TimeRange::ALL).expect("an import begins");
        let mut handed_over = 0;
        for series in read.iter().filter(|series| !series.labels.is_empty()) {
            let Ok(id) = store.series(&series.labels) else { continue };
            handed_over += series.samples.len() as u64;
            importer.extend(id, &series.samples.floats);
            for sample in &series.samples.histograms {
                importer.push_histogram(id, sample.clone());
            }
        }
        let report = importer.write().expect("what was imported is written");
        assert_eq!(report.seen(), handed_over, "every sample is counted: {report:?}");
        assert!(!is_again || report.samples == 0, "nothing is taken twice: {report:?}");
    }
}
