//! What is written as frames of chunks is read again: numbers bit by bit, histograms with their buckets, whatever comes
//! after what.

use std::sync::Arc;

use bellwether_ingest::prometheus_block::Samples;
use bellwether_ingest::remote_read::{next_frame, read_frame, write_frames};
use bellwether_model::{
    Bucket, CounterReset, Histogram, HistogramSample, Labels, STALE_NAN, Sample, Schema, Timestamp,
};
use proptest::prelude::*;

/// The samples of some bytes, and in how many frames they came.
fn read(mut bytes: &[u8], labels: &Labels) -> (Samples, usize) {
    let (mut samples, mut frames) = (Samples::default(), 0);
    while let Some(frame) = next_frame(bytes).unwrap() {
        for series in read_frame(frame.message).unwrap() {
            assert_eq!(series.labels, *labels);
            samples.floats.extend(series.samples.floats);
            samples.histograms.extend(series.samples.histograms);
        }
        bytes = &bytes[frame.length..];
        frames += 1;
    }
    assert!(bytes.is_empty());
    (samples, frames)
}

fn written(samples: &Samples) -> (Samples, usize) {
    let labels = Labels::from_pairs([("__name__", "a"), ("job", "x")]);
    let mut bytes = Vec::new();
    write_frames(3, &labels, samples, &mut bytes);
    read(&bytes, &labels)
}

/// With what a chunk says of counters that began anew taken out: it is told of a whole chunk.
fn bare(samples: &[HistogramSample]) -> Vec<(i64, Histogram)> {
    let bare = |sample: &HistogramSample| {
        let counter_reset = match sample.histogram.counter_reset {
            CounterReset::Gauge => CounterReset::Gauge,
            CounterReset::Unknown | CounterReset::Reset | CounterReset::NotReset => CounterReset::Unknown,
        };
        (sample.at.0, Histogram { counter_reset, ..Histogram::clone(&sample.histogram) })
    };
    samples.iter().map(bare).collect()
}

fn check(samples: &Samples) -> usize {
    let (found, frames) = written(samples);
    let bits = |samples: &[Sample]| -> Vec<(i64, u64)> {
        samples.iter().map(|sample| (sample.at.0, sample.value.to_bits())).collect()
    };
    assert_eq!(bits(&found.floats), bits(&samples.floats));
    assert_eq!(format!("{:?}", bare(&found.histograms)), format!("{:?}", bare(&samples.histograms)));
    frames
}

#[test]
fn no_samples_are_no_frames_and_many_are_several() {
    assert_eq!(check(&Samples::default()), 0);
    let scattered =
        |place: i64| Sample::new(Timestamp(place * 7919 % 1000 + place * 1000), (place as f64).sqrt());
    let samples = Samples { floats: (0..300_000).map(scattered).collect(), histograms: Vec::new() };
    let frames = check(&samples);
    assert!((2..6).contains(&frames), "{frames} frames");
}

fn side() -> impl Strategy<Value = Vec<Bucket>> {
    let counts = prop_oneof![(1..20u32).prop_map(f64::from), 0.25..9.0f64];
    prop::collection::btree_map(prop_oneof![-3..12i32, -4000..4000i32], counts, 0..6)
        .prop_map(|side| side.into_iter().map(|(index, count)| Bucket { index, count }).collect())
}

fn histogram() -> impl Strategy<Value = Histogram> {
    let thresholds = prop_oneof![
        Just(0.0),
        Just(2f64.powi(-128)),
        Just(2f64.powi(-243)),
        Just(2f64.powi(10)),
        Just(2f64.powi(11)),
        Just(0.001),
        Just(f64::MIN_POSITIVE)
    ];
    let hints = prop_oneof![
        8 => Just(CounterReset::Unknown),
        1 => Just(CounterReset::Reset),
        2 => Just(CounterReset::NotReset),
        2 => Just(CounterReset::Gauge)
    ];
    let bounds = prop_oneof![Just(vec![0.005, 1.0, 2.5]), Just(vec![-1.0, 1e9, 1e10 + 0.5]), Just(vec![0.1])];
    let shape = prop_oneof![4 => -4..=8i32, 1 => Just(-53)];
    (shape, thresholds, 0..9u32, -5.0..50.0f64, side(), side(), hints, bounds).prop_map(
        |(shape, zero_threshold, zeros, sum, positive, negative, counter_reset, bounds)| {
            let schema = Schema::from_number(shape).unwrap();
            let mut histogram = Histogram {
                counter_reset,
                zero_threshold,
                sum,
                positive,
                negative,
                ..Histogram::empty(schema)
            };
            histogram.zero_count = f64::from(zeros);
            if schema.is_custom() {
                (histogram.zero_threshold, histogram.zero_count) = (0.0, 0.0);
                histogram.negative.clear();
                histogram.positive.retain(|bucket| (0..=bounds.len() as i32).contains(&bucket.index));
                histogram.custom_bounds = Arc::from(bounds);
            }
            let sides = histogram.positive.iter().chain(&histogram.negative);
            histogram.count = histogram.zero_count + sides.map(|bucket| bucket.count).sum::<f64>();
            histogram
        },
    )
}

#[derive(Clone, Debug)]
enum Next {
    Float(f64),
    New(Histogram),
    /// The same once more, with one bucket grown.
    Grown,
    Stale,
}

fn next() -> impl Strategy<Value = Next> {
    let values = prop_oneof![Just(1.0), Just(STALE_NAN), Just(f64::INFINITY), any::<f64>(), 0.0..9.0f64];
    prop_oneof![
        3 => values.prop_map(Next::Float),
        2 => histogram().prop_map(Next::New),
        4 => Just(Next::Grown),
        1 => Just(Next::Stale)
    ]
}

fn samples(entries: Vec<(i64, Next)>) -> Samples {
    let mut samples = Samples::default();
    let (mut at, mut last) = (1_700_000_000_000i64, Histogram::empty(Schema::from_number(0).unwrap()));
    for (step, next) in entries {
        at += step;
        let mut push = |histogram: Histogram| {
            samples.histograms.push(HistogramSample::new(Timestamp(at), Arc::new(histogram)));
        };
        match next {
            Next::Float(value) => samples.floats.push(Sample::new(Timestamp(at), value)),
            Next::Stale => push(Histogram::stale()),
            Next::New(histogram) => {
                last = histogram;
                push(last.clone());
            }
            Next::Grown => {
                let grown = last.positive.last_mut().map(|bucket| bucket.count += 2.0);
                last.count += if grown.is_some() { 2.0 } else { 1.0 };
                push(last.clone());
            }
        }
    }
    samples
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_samples_come_back(
        entries in prop::collection::vec((prop_oneof![Just(15_000i64), 1..100_000i64, 1..i64::from(u32::MAX)], next()), 0..300)
    ) {
        check(&samples(entries));
    }
}
