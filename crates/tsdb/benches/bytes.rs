//! How many bytes a sample takes in segments, and how much processor its way there and back: three days of what a few
//! services count, sealed every two hours and put together every day. Printed, not judged; `cargo bench --bench bytes`.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bellwether_model::{
    Batch, Labels, Matcher, Origin, Sample, SeriesId, SeriesSource, TimeDelta, TimeRange, Timestamp,
};
use bellwether_tsdb::{Options, RealDisk, Store};

const ROUTES: usize = 20;
const DAYS: i64 = 3;
const STEP_MS: i64 = 15_000;
const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const CODES: [(&str, f64); 3] = [("200", 0.985), ("404", 0.012), ("500", 0.003)];

/// What a route counts: answers by code, latencies by bucket, and their sum with all its digits.
struct Route {
    rate: f64,
    median: f64,
    codes: [f64; 3],
    buckets: [f64; 12],
    sum: f64,
}

impl Route {
    fn new(random: &mut fastrand::Rng) -> Self {
        let rate = 0.5 * (random.f64() * 4.5).exp();
        let median = 0.01 * (random.f64() * 3.0).exp();
        Self { rate, median, codes: [0.0; 3], buckets: [0.0; 12], sum: 0.0 }
    }

    fn labels(route: usize) -> Vec<Labels> {
        let path = format!("/api/v1/route-{route}");
        let with = |name: &str, more: Option<(&str, &str)>| {
            let base = [("__name__", name), ("instance", "10.0.0.1:8080"), ("job", "shop"), ("route", &path)];
            Labels::from_pairs(base.into_iter().chain(more))
        };
        let mut all: Vec<_> =
            CODES.iter().map(|(code, _)| with("requests_total", Some(("code", code)))).collect();
        let bounds = BOUNDS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
        all.extend(bounds.map(|le| with("duration_seconds_bucket", Some(("le", &le)))));
        all.extend(["duration_seconds_sum", "duration_seconds_count"].map(|name| with(name, None)));
        all
    }

    /// Requests of one step, more by day than by night.
    fn step(&mut self, at_ms: i64, random: &mut fastrand::Rng) -> Vec<f64> {
        let day = at_ms as f64 / TimeDelta::DAY.0 as f64 * std::f64::consts::TAU;
        let expected = self.rate * (0.55 + 0.45 * day.sin()) * STEP_MS as f64 / 1000.0;
        for (count, (_, share)) in self.codes.iter_mut().zip(CODES) {
            *count += poisson(expected * share, random);
        }
        let mut below = 0.0;
        for (place, bucket) in self.buckets.iter_mut().enumerate() {
            let bound = BOUNDS.get(place).copied();
            let share = bound.map_or(1.0, |bound| 1.0 / (1.0 + (-2.1 * (bound / self.median).ln()).exp()));
            let events = poisson(expected * (share - below), random);
            *bucket += events;
            self.sum += events * bound.unwrap_or(20.0) * (0.4 + 0.4 * random.f64());
            below = share;
        }
        let mut total = 0.0;
        let cumulative = self.buckets.map(|count| {
            total += count;
            total
        });
        self.codes.into_iter().chain(cumulative).chain([self.sum, total]).collect()
    }
}

/// A number of events where so many are expected; of many the normal distribution's.
fn poisson(expected: f64, random: &mut fastrand::Rng) -> f64 {
    if expected > 30.0 {
        let normal = (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
        return (expected + normal * expected.sqrt()).round().max(0.0);
    }
    let (limit, mut product, mut events) = ((-expected).exp(), random.f64(), 0.0);
    while product > limit {
        product *= random.f64();
        events += 1.0;
    }
    events
}

/// Adds up how long something took.
fn timed<T>(spent: &mut Duration, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = work();
    *spent += begun.elapsed();
    done
}

fn measure(jitter_ms: i64) {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bytes");
    let _ = std::fs::remove_dir_all(&dir);
    let store = Store::open(&dir, Options::default(), Arc::new(RealDisk)).unwrap().0;
    let mut random = fastrand::Rng::with_seed(7);
    let mut routes: Vec<_> = (0..ROUTES).map(|_| Route::new(&mut random)).collect();
    let labels = (0..ROUTES).flat_map(Route::labels);
    let ids: Vec<SeriesId> = labels.map(|labels| store.series(&labels).unwrap()).collect();
    let [mut append, mut seal, mut compact] = [Duration::ZERO; 3];
    let begin = 19_700 * TimeDelta::DAY.0;
    for at_ms in (begin..begin + DAYS * TimeDelta::DAY.0).step_by(STEP_MS as usize) {
        let at = Timestamp(at_ms + if jitter_ms > 0 { random.i64(0..=jitter_ms) } else { 0 });
        let values = routes.iter_mut().flat_map(|route| route.step(at_ms, &mut random));
        let samples = ids.iter().zip(values).map(|(id, value)| (*id, Sample::new(at, value))).collect();
        let batch = Batch::floats(Origin::Pushed, at, samples);
        timed(&mut append, || store.append(&batch).unwrap());
        let next = Timestamp(at_ms + STEP_MS);
        if next.0 % (2 * TimeDelta::HOUR.0) == 0 {
            timed(&mut seal, || store.seal(next).unwrap());
        }
        if next.0 % TimeDelta::DAY.0 == 0 {
            let before = bytes_per_sample(&store);
            timed(&mut compact, || store.compact(next, TimeDelta::DAY).unwrap());
            println!(
                "  before the day is put together {before:.3} bytes a sample, after {:.3}",
                bytes_per_sample(&store)
            );
        }
    }
    let per_sample = |spent: Duration| spent.as_nanos() as f64 / store.stats().segment_samples as f64;
    let [append, seal, compact] = [append, seal, compact].map(per_sample);
    println!("  ns a sample: append {append:.0}, seal {seal:.0}, compact {compact:.0}");
    for name in
        ["requests_total", "duration_seconds_bucket", "duration_seconds_sum", "duration_seconds_count"]
    {
        let (mut samples, mut count, mut spent) = (Vec::new(), 0, Duration::ZERO);
        for view in store.snapshot().select(&[Matcher::equal("__name__", name)], TimeRange::ALL).unwrap() {
            for chunk in &view.chunks {
                samples.clear();
                timed(&mut spent, || chunk.decode(&mut samples).unwrap());
                count += samples.len();
            }
        }
        println!("  {name}: {:.2} ns a sample to read", spent.as_nanos() as f64 / count as f64);
    }
    drop(store);
    let _ = std::fs::remove_dir_all(&dir);
}

fn bytes_per_sample(store: &Store) -> f64 {
    let stats = store.stats();
    stats.segment_bytes as f64 / stats.segment_samples as f64
}

fn main() {
    for jitter_ms in [0, 40] {
        println!("moments up to {jitter_ms} ms off their grid");
        measure(jitter_ms);
    }
}
