//! What targets expose, in every format: scanned in one pass, every series it names can be decoded, and a reader that
//! is told what to expect reads the same.

use bellwether_ingest::{
    EachEntry, Entry, HistogramChoice, Limits, ScrapeSink, ScrapedExemplar, decode_series, help_text, scan,
    scan_into, scan_openmetrics, scan_protobuf,
};

fn limits() -> [Limits; 3] {
    let lenient = Limits { last_line_may_be_open: true, ..Limits::default() };
    let tight = Limits {
        line_bytes_max: 100,
        samples_max: 5,
        labels_max: 3,
        name_bytes_max: 20,
        ..Limits::default()
    };
    [Limits::default(), lenient, tight]
}

pub(crate) fn scans(bytes: &[u8]) {
    for limits in limits() {
        let mut samples = 0;
        let result = scan(bytes, &limits, &mut |entry| looks(&entry, &mut samples));
        match result {
            Ok(summary) => assert_eq!(summary.samples, samples, "every sample is handed out"),
            Err(error) => {
                assert!(error.line >= 1 && error.column >= 1, "{error} has a place");
                assert!(error.to_string().len() < 10_000, "an error is not longer than anybody reads");
            }
        }
        expects(&|sink| scan_into(bytes, &limits, sink).is_ok());
    }
}

pub(crate) fn openmetrics(bytes: &[u8]) {
    for limits in limits() {
        let mut samples = 0;
        let result =
            scan_openmetrics(bytes, &limits, &mut EachEntry(|entry: Entry<'_>| looks(&entry, &mut samples)));
        match result {
            Ok(summary) => assert_eq!(summary.samples, samples, "every sample is handed out"),
            Err(error) => {
                assert!(error.line >= 1 && error.column >= 1, "{error} has a place");
                assert!(error.to_string().len() < 10_000, "an error is not longer than anybody reads");
            }
        }
        expects(&|sink| scan_openmetrics(bytes, &limits, sink).is_ok());
    }
}

pub(crate) fn protobuf(bytes: &[u8]) {
    let [default, _, tight] = limits();
    for (limits, choice) in [
        (&default, HistogramChoice { native: true, classic_too: true }),
        (&default, HistogramChoice::default()),
        (&tight, HistogramChoice { native: true, classic_too: false }),
    ] {
        let mut samples = 0;
        let mut sink = EachEntry(|entry: Entry<'_>| looks(&entry, &mut samples));
        match scan_protobuf(bytes, limits, choice, &mut sink) {
            Ok(summary) => assert_eq!(summary.samples, samples, "every sample is handed out"),
            Err(error) => {
                assert!(error.to_string().len() < 10_000, "an error is not longer than anybody reads")
            }
        }
        expects(&|sink| scan_protobuf(bytes, limits, choice, sink).is_ok());
    }
}

fn looks(entry: &Entry<'_>, samples: &mut usize) {
    let decoded = |exemplar: &ScrapedExemplar<'_>| drop(exemplar.decode());
    match entry {
        Entry::Sample(sample) => {
            *samples += 1;
            // Of protobuf only the decoder sees that a label is there twice.
            let decoded_labels = decode_series(sample.series);
            assert!(
                decoded_labels.is_ok()
                    || decoded_labels.is_err_and(|error| error.to_string().contains("twice")),
                "what was scanned can be decoded"
            );
            sample.exemplar.iter().for_each(decoded);
        }
        Entry::Histogram(scraped) => {
            *samples += 1;
            assert_eq!(scraped.histogram.validate(), Ok(()), "a histogram that is handed out is one");
            scraped.exemplars.iter().for_each(decoded);
        }
        Entry::Help { text, .. } => drop(help_text(text)),
        Entry::Type { .. } | Entry::Unit { .. } => {}
    }
}

/// One who expects what a body had the last time.
#[derive(Default)]
struct Expecting {
    expected: Vec<String>,
    found: Vec<(String, u64)>,
}

impl<'a> ScrapeSink<'a> for Expecting {
    fn expected(&self) -> &str {
        self.expected.get(self.found.len()).map_or("", String::as_str)
    }

    fn take(&mut self, entry: Entry<'a>) {
        match entry {
            Entry::Sample(sample) => {
                assert!(
                    !sample.is_expected || self.expected() == sample.series,
                    "only what is expected is said to be"
                );
                self.found.push((sample.series.to_owned(), sample.value.to_bits()));
            }
            Entry::Histogram(scraped) => self.found.push((scraped.series.to_owned(), 0)),
            Entry::Help { .. } | Entry::Type { .. } | Entry::Unit { .. } => {}
        }
    }
}

fn expects(read: &dyn Fn(&mut Expecting) -> bool) {
    let mut first = Expecting::default();
    let was_read = read(&mut first);
    let same: Vec<String> = first.found.iter().map(|(series, _)| series.clone()).collect();
    let shifted: Vec<String> = same.iter().skip(1).cloned().chain(same.first().cloned()).collect();
    for expected in [same, shifted] {
        let mut again = Expecting { expected, found: Vec::new() };
        assert_eq!(read(&mut again), was_read, "what is expected decides nothing");
        assert_eq!(again.found, first.found, "what is expected changes nothing");
    }
}
