//! OTLP requests: read in either encoding, and made into series.

use bellwether_ingest::otlp::message::Request;
use bellwether_ingest::otlp::{self, OtlpSettings};
use bellwether_model::{METRIC_NAME, TimeDelta};

pub(crate) fn protobuf(bytes: &[u8]) {
    if let Ok(request) = otlp::decode_protobuf(bytes) {
        translates(&request);
    }
}

pub(crate) fn json(bytes: &[u8]) {
    if let Ok(request) = otlp::decode_json(bytes) {
        translates(&request);
    }
}

fn translates(request: &Request<'_>) {
    let translated = otlp::translate(request, &OtlpSettings::default(), TimeDelta::from_secs(300));
    for series in &translated.series {
        let labels = &series.pushed.labels;
        assert!(!labels.value_or_empty(METRIC_NAME).is_empty(), "{labels} has a name");
        for histogram in &series.pushed.histograms {
            assert_eq!(histogram.sample.histogram.validate(), Ok(()), "{labels} is a histogram");
        }
    }
}
