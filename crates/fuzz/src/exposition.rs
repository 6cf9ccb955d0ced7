//! What targets expose: scanned in one pass, every series it names can be decoded.

use bellwether_ingest::{Entry, Limits, decode_series, help_text, scan};

pub(crate) fn scans(bytes: &[u8]) {
    let lenient = Limits { last_line_may_be_open: true, ..Limits::default() };
    let tight = Limits {
        line_bytes_max: 100,
        samples_max: 5,
        labels_max: 3,
        name_bytes_max: 20,
        ..Limits::default()
    };
    for limits in [Limits::default(), lenient, tight] {
        let mut samples = 0;
        let result = scan(bytes, &limits, &mut |entry| match entry {
            Entry::Sample(sample) => {
                samples += 1;
                decode_series(sample.series).expect("what was scanned can be decoded");
            }
            Entry::Help { text, .. } => drop(help_text(text)),
            Entry::Histogram(_) | Entry::Type { .. } | Entry::Unit { .. } => {}
        });
        match result {
            Ok(summary) => assert_eq!(summary.samples, samples, "every sample is handed out"),
            Err(error) => {
                assert!(error.line >= 1 && error.column >= 1, "{error} has a place");
                assert!(error.to_string().len() < 10_000, "an error is not longer than anybody reads");
            }
        }
    }
}
