//! A few series with everything that goes wrong in real ones: resets, gaps, staleness, NaN, infinities, extremes,
//! series that come and go, classic and native histograms.

use bellwether_model::{
    HistogramSample, Labels, Matcher, PlainChunk, STALE_NAN, Sample, SeriesSource, SeriesView, SourceError,
    TimeRange, Timestamp, matches_all,
};
use bellwether_promql::SampleValue;
use bellwether_promql::series_notation::{self, SeriesValue};

const MINUTE_MS: i64 = 60_000;

/// Series in memory, cut into chunks.
pub(crate) struct Memory {
    series: Vec<SeriesView>,
}

/// What native histograms look like, as test scripts write them.
const HISTOGRAMS: [&str; 4] = [
    "h{job=\"x\"} {{schema:0 sum:5 count:4 buckets:[1 2 1]}}+{{schema:0 sum:1 count:1 buckets:[1]}}x60",
    "h{job=\"y\"} {{schema:3 sum:-5 count:9 z_bucket:2 z_bucket_w:0.001 buckets:[1 2] offset:-3 n_buckets:[4]}}x20 _x5 {{schema:1 sum:1 count:1 buckets:[1]}}x20",
    "h{job=\"custom\"} {{schema:-53 sum:5 count:4 custom_values:[1 5 10] buckets:[1 2 1]}}x30 {{schema:-53 sum:5 count:4 custom_values:[1 7] buckets:[1 2 1]}}x20",
    "mixed{job=\"x\"} 1 2 {{schema:0 sum:5 count:4 buckets:[1 2 1]}}x5 3 4 stale _x3 5+1x20",
];

impl Memory {
    /// The series, with chunks as long as the salt says.
    pub(crate) fn small(salt: u8) -> Self {
        let mut memory = Self { series: Vec::new() };
        let chunk_samples = [3, 16, 1_000][usize::from(salt) % 3];
        let mut add = |pairs: &[(&str, &str)], value: &dyn Fn(i64) -> Option<f64>| {
            let slots = (0..60).filter_map(|n| value(n).map(|v| Sample::new(Timestamp(n * MINUTE_MS), v)));
            memory.floats(
                Labels::from_pairs(pairs.iter().copied()),
                &slots.collect::<Vec<_>>(),
                chunk_samples,
            );
        };
        add(&[("__name__", "up"), ("job", "a"), ("instance", "1")], &|_| Some(1.0));
        add(&[("__name__", "up"), ("job", "b"), ("instance", "2")], &|n| {
            Some(f64::from(u8::from(n % 7 > 2)))
        });
        add(&[("__name__", "x"), ("job", "a")], &|n| Some(n as f64));
        add(&[("__name__", "x_total"), ("job", "a"), ("i", "1")], &|n| Some((n % 13) as f64 * 2.5));
        add(&[("__name__", "x_total"), ("job", "b"), ("i", "2")], &|n| (n % 5 != 0).then_some(n as f64));
        add(&[("__name__", "a"), ("job", "a")], &|n| Some(if n % 9 == 4 { STALE_NAN } else { -n as f64 }));
        add(&[("__name__", "a"), ("job", "b")], &|n| {
            Some([f64::NAN, f64::INFINITY, -0.0, 1e308, -1e308, 5e-324][n as usize % 6])
        });
        add(&[("__name__", "b"), ("job", "a")], &|n| (n > 30).then_some(0.5));
        add(&[("__name__", "b"), ("job", "b"), ("x", "世")], &|n| (n < 20).then_some(7.0));
        add(&[("__name__", "foo"), ("bar", "baz")], &|n| Some(f64::from(salt) + n as f64));
        add(&[("__name__", "target_info"), ("job", "a"), ("instance", "1"), ("data", "d")], &|_| Some(1.0));
        for (le, share) in [("0.1", 0.4), ("1", 0.3), ("5", 0.9), ("+Inf", 1.0), ("bad", 1.0)] {
            add(&[("__name__", "x_bucket"), ("job", "a"), ("le", le)], &|n| {
                Some((n as f64 * share * 10.0).floor())
            });
        }
        for text in HISTOGRAMS {
            memory.written(text);
        }
        memory
    }

    fn floats(&mut self, labels: Labels, samples: &[Sample], chunk_samples: usize) {
        let chunks = samples.chunks(chunk_samples).filter_map(|part| PlainChunk::of(part.to_vec())).collect();
        self.series.push(SeriesView { labels, chunks });
    }

    fn written(&mut self, text: &str) {
        let (labels, values) = series_notation::series(text).expect("our own series are read");
        let chunk = |(index, value): (usize, SeriesValue)| {
            let at = Timestamp(index as i64 * MINUTE_MS);
            match value.value? {
                SampleValue::Float(value) => PlainChunk::of(vec![Sample::new(at, value)]),
                SampleValue::Histogram(histogram) => {
                    PlainChunk::of_histograms(vec![HistogramSample { at, histogram }])
                }
            }
        };
        let chunks = values.into_iter().enumerate().filter_map(chunk).collect();
        self.series.push(SeriesView { labels, chunks });
    }
}

impl SeriesSource for Memory {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        let found = self.series.iter().filter(|view| matches_all(matchers, &view.labels)).map(|view| {
            let chunks = view.chunks.iter().filter(|chunk| chunk.summary().range.overlaps(&range));
            SeriesView { labels: view.labels.clone(), chunks: chunks.cloned().collect() }
        });
        Ok(found.filter(|view| !view.chunks.is_empty()).collect())
    }
}
