use bellwether_ingest::{Entry, ExpositionWriter, Histogram, Limits, MetricKind, decode_series, scan};
use bellwether_model::Labels;
use proptest::prelude::*;

#[test]
fn a_counter_a_gauge_and_a_histogram_are_written() {
    let mut writer = ExpositionWriter::default();
    writer.family("calls_total", MetricKind::Counter, "Calls, \\ and\nall.");
    writer.sample("calls_total", &[("Outcome", "En\"ga\\ged\n")], 3.0);
    writer.sample("calls_total", &[], f64::INFINITY);
    writer.family("queue.length", MetricKind::Gauge, "Waiting.");
    writer.sample("queue.length", &[("a.b", "c"), ("d", "")], -0.5);
    let mut histogram = Histogram::new(&[0.05, 5000.0]);
    for value in [0.05, 1.0, 5000.0, 5001.0] {
        histogram.observe(value);
    }
    writer.family("latency", MetricKind::Histogram, "How long.");
    writer.histogram("latency", &[("code", "200")], &histogram);
    let want = r#"# HELP calls_total Calls, \\ and\nall.
# TYPE calls_total counter
calls_total{Outcome="En\"ga\\ged\n"} 3
calls_total +Inf
# HELP "queue.length" Waiting.
# TYPE "queue.length" gauge
{"queue.length","a.b"="c",d=""} -0.5
# HELP latency How long.
# TYPE latency histogram
latency_bucket{code="200",le="0.05"} 1
latency_bucket{code="200",le="5000"} 3
latency_bucket{code="200",le="+Inf"} 4
latency_sum{code="200"} 10002.05
latency_count{code="200"} 4
"#;
    assert_eq!(writer.finish(), want);
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(name in "[a-z.:€\"\\\\ \n]{1,8}", label in "[a-z.\n]{1,6}", value: String, number: f64) {
        let mut writer = ExpositionWriter::default();
        writer.family(&name, MetricKind::Gauge, &value);
        writer.sample(&name, &[(&label, &value)], number);
        let body = writer.finish();
        let mut read = Vec::new();
        let result = scan(body.as_bytes(), &Limits::default(), &mut |entry| {
            if let Entry::Sample(sample) = entry {
                read.push((decode_series(sample.series).map(|s| s.labels()), sample.value));
            }
        });
        prop_assert!(result.is_ok(), "{:?}\n{}", result, body);
        let want = Labels::from_pairs([("__name__", &name), (&label, &value)]);
        prop_assert_eq!(read.len(), 1);
        prop_assert_eq!(read[0].0.clone(), Ok(want));
        prop_assert!(read[0].1 == number || (number.is_nan() && read[0].1.is_nan()));
    }
}
