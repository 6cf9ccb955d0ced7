//! The data of the query benchmark: 30 days at 15 s of ten services, the same on every machine.
//!
//! What makes real data hard is in it: counters restart with their instance, an instance is away for a while, one
//! service is not scraped for half an hour, and load has days, nights and noise.

use bellwether_model::{Labels, Sample, Timestamp};

/// Whatever changes the data changes this, so that kept data directories are made anew.
pub const VERSION: u32 = 2;

/// First moment: 2026-05-02T00:00:00Z.
pub const START_MS: i64 = 1_777_680_000_000;
/// The moment after the last: 30 days later.
pub const END_MS: i64 = START_MS + 30 * DAY_MS;
const DAY_MS: i64 = 86_400_000;
const STEP_MS: i64 = 15_000;

const SERVICES: u64 = 10;
const INSTANCES: u64 = 4;
const CODES: [(&str, f64); 5] = [("200", 30.0), ("201", 6.0), ("404", 1.5), ("500", 0.2), ("503", 0.05)];
const METHODS: [(&str, f64); 2] = [("GET", 1.0), ("POST", 0.4)];
/// Bucket bounds, and the share of requests that are at most that slow.
const BUCKETS: [(&str, f64); 8] = [
    ("0.01", 0.3),
    ("0.05", 0.6),
    ("0.1", 0.8),
    ("0.25", 0.92),
    ("0.5", 0.97),
    ("1", 0.99),
    ("5", 0.999),
    ("+Inf", 1.0),
];

/// How a series' values come about.
#[derive(Clone, Copy)]
enum Shape {
    /// A counter of events, so many a step on average.
    Counter { per_step: f64 },
    /// Whole pages of memory that grow until the restart.
    Memory,
    /// Seconds with all their digits.
    Seconds,
}

/// One series and the recipe of its samples.
#[derive(Clone)]
pub struct Series {
    /// Its name and labels.
    pub labels: Labels,
    shape: Shape,
    service: u64,
    instance: u64,
    seed: u64,
}

/// All series, sorted by labels: 400 of `http_requests_total`, 80 of a classic histogram, 20 gauges.
pub fn series() -> Vec<Series> {
    let mut all = Vec::new();
    let mut add = |shape, service: u64, instance: u64, pairs: &[(&str, &str)]| {
        let seed = all.len() as u64;
        let service_name = format!("s{service}");
        let labels = pairs.iter().copied().chain([("service", service_name.as_str())]);
        all.push(Series { labels: Labels::from_pairs(labels), shape, service, instance, seed });
    };
    for service in 0..SERVICES {
        for instance in 0..INSTANCES {
            let address = format!("10.0.{service}.{instance}:8080");
            for (code, requests) in CODES {
                for (method, share) in METHODS {
                    let name = ("__name__", "http_requests_total");
                    let pairs = [name, ("instance", &*address), ("code", code), ("method", method)];
                    let per_step = requests * share * (1.0 + service as f64 / 3.0);
                    add(Shape::Counter { per_step }, service, instance, &pairs);
                }
            }
        }
        for (bound, _) in BUCKETS {
            let pairs = [("__name__", "http_request_duration_seconds_bucket"), ("le", bound)];
            let share = BUCKETS.iter().find(|(other, _)| *other == bound).map_or(1.0, |(_, share)| *share);
            add(Shape::Counter { per_step: 40.0 * share }, service, 0, &pairs);
        }
        add(Shape::Memory, service, 0, &[("__name__", "process_resident_memory_bytes")]);
        add(Shape::Seconds, service, 0, &[("__name__", "queue_wait_seconds")]);
    }
    all.sort_by(|a, b| a.labels.cmp(&b.labels));
    all
}

impl Series {
    /// Its samples in time order.
    pub fn samples(&self) -> Samples {
        let at = START_MS + (self.service * 977 + self.instance * 3_301) as i64 % STEP_MS;
        Samples {
            series: self.clone(),
            at,
            value: 0.0,
            random: Random(self.seed.wrapping_mul(0x9e37_79b9) + 1),
        }
    }
}

/// The samples of one series, one after the other.
pub struct Samples {
    series: Series,
    at: i64,
    value: f64,
    random: Random,
}

impl Iterator for Samples {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        while self.at < END_MS {
            let at = self.at;
            self.at += STEP_MS;
            match self.series.state(at) {
                State::Up => {
                    self.advance(at);
                    return Some(Sample::new(Timestamp(at), self.value));
                }
                State::Unseen => self.advance(at),
                State::Down => self.value = 0.0,
            }
        }
        None
    }
}

enum State {
    Up,
    /// It runs, but is not scraped.
    Unseen,
    /// It restarts.
    Down,
}

impl Series {
    fn state(&self, at: i64) -> State {
        let elapsed = at - START_MS;
        // Every instance restarts every 3 to 5 days and is away for one to three minutes.
        let between = (3 * DAY_MS) + (self.service * 7 + self.instance * 3) as i64 % 17 * (DAY_MS / 8);
        let since_restart = (elapsed + (self.instance as i64 + 1) * DAY_MS / 2) % between;
        let away = 60_000 + self.instance as i64 * 40_000;
        let unseen_from = 11 * DAY_MS + self.service as i64 * 3_600_000;
        if since_restart < away {
            State::Down
        } else if self.service % 3 == 1 && (unseen_from..unseen_from + 1_800_000).contains(&elapsed) {
            State::Unseen
        } else {
            State::Up
        }
    }
}

impl Samples {
    fn advance(&mut self, at: i64) {
        let day = (at - START_MS) as f64 / DAY_MS as f64 * std::f64::consts::TAU;
        let load = 1.0 + 0.6 * (day + self.series.service as f64).sin();
        let noise = self.random.unit();
        match self.series.shape {
            Shape::Counter { per_step } => {
                let expected = per_step * load * (0.7 + 0.6 * noise);
                let whole = expected.floor();
                let extra = f64::from(self.random.unit() < expected - whole);
                self.value += whole + extra;
            }
            Shape::Memory => {
                self.value =
                    (60_000.0 + 9_000.0 * load + self.value / 40_960.0 + 300.0 * noise).floor() * 4096.0
            }
            Shape::Seconds => {
                self.value = 0.02 * load + 0.9 * (self.value - 0.02 * load) * noise + 0.001 * noise
            }
        }
    }
}

/// A small generator of pseudorandom numbers (xorshift64*).
struct Random(u64);

impl Random {
    /// From 0 up to 1.
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }
}
