//! Remote write, both messages: what is read belongs to a series that is there, and reading twice gives the same.

use bellwether_ingest::remote_write::{RemoteWrite, RemoteWriteVersion, SeriesKeys};

pub(crate) fn one(bytes: &[u8]) {
    reads(RemoteWriteVersion::One, bytes);
}

pub(crate) fn two(bytes: &[u8]) {
    reads(RemoteWriteVersion::Two, bytes);
}

fn reads(version: RemoteWriteVersion, bytes: &[u8]) {
    let mut written = RemoteWrite::new(SeriesKeys::new([1, 2, 3, 4]));
    if written.read(version, bytes).is_err() {
        return;
    }
    let series = written.series.clone();
    let places = written.samples.iter().map(|(place, _)| *place);
    let places = places.chain(written.histograms.iter().map(|(place, _)| *place));
    let places = places.chain(written.exemplars.iter().map(|(place, _)| *place));
    assert!(
        places.map(|place| place as usize).all(|place| place < series.len()),
        "every sample has its series"
    );
    for series in &series {
        let labels = written.labels(bytes, series);
        let name = labels.map(|labels| labels.metric_name().unwrap_or_default().to_owned());
        let _ = written.metadata_of(bytes, series, &name.unwrap_or_default());
    }
    for (_, sample) in &written.histograms {
        assert!(
            sample.is_stale() || sample.histogram.validate() == Ok(()),
            "a histogram that is read is one"
        );
    }
    assert_eq!(written.read(version, bytes), Ok(()), "a message is read again");
    assert_eq!(written.series, series, "a message is the same when it is read again");
}
