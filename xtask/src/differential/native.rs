//! The native histograms of the data: every schema a source may choose and change, custom bounds alike and not alike,
//! gauges with negative values, resets, gaps, staleness markers, and a series that is a histogram for a while.
//!
//! No observation lies between the zero thresholds of two series, where design 005 says that we count otherwise, and
//! a reset leaves enough that no rate would go back to before zero, which Prometheus 3.5 does not prevent.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Bucket, CounterReset, Histogram, HistogramSample, Labels, Schema, Timestamp};
use fastrand::Rng;

use super::extent::{INTERVAL, LENGTH, MINUTE, START};

/// Histograms per series, in time order.
pub type Histograms = BTreeMap<Labels, Vec<HistogramSample>>;

/// Observations are counted in buckets of this schema, from which every coarser one follows.
const FINEST: i8 = 5;
/// Observations a series begins with.
const OBSERVED_MIN: usize = 20;
/// `switching_seconds` is a histogram between these moments, and a number otherwise.
pub const SWITCHING: std::ops::Range<i64> = 40 * MINUTE..80 * MINUTE;

/// What a series of histograms is like.
#[derive(Clone)]
struct Shape {
    bounds: Bounds,
    zero_threshold: f64,
    is_gauge: bool,
    /// Observations of one step at most.
    per_step: usize,
    reset_chance: f64,
    gap_chance: f64,
    times: std::ops::Range<i64>,
}

#[derive(Clone)]
enum Bounds {
    /// One schema after another, each for 25 samples.
    Exponential(&'static [i8]),
    Custom(&'static [f64]),
}

const PLAIN: Shape = Shape {
    bounds: Bounds::Exponential(&[3]),
    zero_threshold: 1e-3,
    is_gauge: false,
    per_step: 6,
    reset_chance: 0.0,
    gap_chance: 0.0,
    times: 0..LENGTH,
};

/// All of them; the same seed gives the same.
pub fn of_seed(seed: u64) -> Histograms {
    let mut maker = Maker { rng: Rng::with_seed(seed ^ 0x6e61_7469_7665), series: BTreeMap::new() };
    for (instance, schemas) in [("a:80", &[3][..]), ("b:80", &[1]), ("c:80", &[-1])] {
        for path in ["/", "/slow"] {
            let bounds = Bounds::Exponential(schemas);
            let shape = Shape { bounds, reset_chance: 0.01, gap_chance: 0.004, ..PLAIN };
            maker.add("native_seconds", &[("job", "api"), ("instance", instance), ("path", path)], &shape);
        }
    }
    for (kind, schemas) in [("finer", &[0, 2, 5][..]), ("coarser", &[5, 3, -4]), ("to-and-fro", &[2, 4, 2])] {
        let bounds = Bounds::Exponential(schemas);
        maker.add("varying_seconds", &[("kind", kind)], &Shape { bounds, reset_chance: 0.004, ..PLAIN });
    }
    for room in ["attic", "hall"] {
        let shape = Shape { is_gauge: true, zero_threshold: 1e-128, gap_chance: 0.01, ..PLAIN };
        maker.add("native_gauge", &[("room", room)], &shape);
    }
    for (name, kind, bounds) in [
        ("custom_seconds", "a", &[0.1, 0.5, 1.0, 5.0][..]),
        ("custom_seconds", "b", &[0.1, 0.5, 1.0, 5.0]),
        ("other_bounds_seconds", "a", &[-1.0, 0.5, 2.0, 5.0]),
    ] {
        let bounds = Bounds::Custom(bounds);
        let shape = Shape { bounds, zero_threshold: 0.0, reset_chance: 0.01, gap_chance: 0.004, ..PLAIN };
        maker.add(name, &[("kind", kind)], &shape);
    }
    maker.add("rare_seconds", &[], &Shape { per_step: 1, zero_threshold: 0.0, ..PLAIN });
    maker.add("switching_seconds", &[("kind", "a")], &Shape { times: SWITCHING, ..PLAIN });
    maker.series
}

struct Maker {
    rng: Rng,
    series: Histograms,
}

/// What was observed so far.
#[derive(Default)]
struct Observed {
    values: Vec<f64>,
}

impl Maker {
    fn add(&mut self, name: &str, labels: &[(&str, &str)], shape: &Shape) {
        let at = |ms| Timestamp(START + ms);
        let stale = |ms| HistogramSample::new(at(ms), Arc::new(Histogram::stale()));
        // As for numbers: series are announced in the order of their labels.
        let mut samples = vec![stale(-MINUTE)];
        let (mut observed, mut ms, mut turn) = (Observed::default(), shape.times.start, 0);
        while ms < shape.times.end {
            if shape.is_gauge || self.rng.f64() < shape.reset_chance {
                observed.values.clear();
            }
            let start = if observed.values.is_empty() { OBSERVED_MIN } else { 0 };
            for _ in 0..start + self.rng.usize(0..=shape.per_step) {
                observed.values.push(self.observation(shape.is_gauge));
            }
            samples.push(HistogramSample::new(at(ms), Arc::new(observed.histogram(shape, turn / 25))));
            (ms, turn) = (ms + INTERVAL, turn + 1);
            if self.rng.f64() < shape.gap_chance && ms < shape.times.end {
                samples.push(stale(ms));
                ms += INTERVAL * self.rng.i64(2..40);
            }
        }
        let labels = labels.iter().copied().chain([("__name__", name)]);
        self.series.insert(Labels::from_pairs(labels), samples);
    }

    /// Zero, or far enough from it that it is in no zero bucket.
    fn observation(&mut self, may_be_negative: bool) -> f64 {
        if self.rng.f64() < 0.1 {
            return 0.0;
        }
        let size = (self.rng.f64() * 9.0 - 5.0).exp();
        if may_be_negative && self.rng.bool() { -size } else { size }
    }
}

impl Observed {
    fn histogram(&self, shape: &Shape, period: usize) -> Histogram {
        let (count, sum) = (self.values.len() as f64, self.values.iter().sum());
        let counter_reset = if shape.is_gauge { CounterReset::Gauge } else { CounterReset::Unknown };
        let of_sign = |sign: f64, index: &dyn Fn(f64) -> i32| {
            let mut counts = BTreeMap::<i32, f64>::new();
            for value in self.values.iter().map(|value| value * sign).filter(|value| *value > 0.0) {
                *counts.entry(index(value)).or_default() += 1.0;
            }
            counts.into_iter().map(|(index, count)| Bucket { index, count }).collect::<Vec<_>>()
        };
        let zero_count = self.values.iter().filter(|value| **value == 0.0).count() as f64;
        match shape.bounds {
            Bounds::Exponential(schemas) => {
                let schema = schemas[period % schemas.len()];
                let index = |value: f64| {
                    let finest = (value.log2() * f64::from(1 << FINEST)).ceil() as i32;
                    ((finest - 1) >> (FINEST - schema)) + 1
                };
                Histogram {
                    counter_reset,
                    zero_threshold: shape.zero_threshold,
                    zero_count,
                    count,
                    sum,
                    positive: of_sign(1.0, &index),
                    negative: of_sign(-1.0, &index),
                    ..Histogram::empty(Schema::exponential(schema).expect("a schema of the list"))
                }
            }
            Bounds::Custom(bounds) => {
                let index = |value: f64| bounds.partition_point(|bound| *bound < value) as i32;
                let mut positive = of_sign(1.0, &index);
                let of_zeros = bounds.partition_point(|bound| *bound < 0.0) as i32;
                match positive.binary_search_by_key(&of_zeros, |bucket| bucket.index) {
                    _ if zero_count == 0.0 => {}
                    Ok(found) => positive[found].count += zero_count,
                    Err(place) => positive.insert(place, Bucket { index: of_zeros, count: zero_count }),
                }
                let custom_bounds = Arc::from(bounds);
                Histogram { count, sum, positive, custom_bounds, ..Histogram::empty(Schema::CUSTOM) }
            }
        }
    }
}
