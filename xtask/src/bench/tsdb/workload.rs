//! What a small company's services count: ten services of ten routes, each with three counters by code of answer and a
//! classic histogram of fourteen series. Requests arrive at random, by day more than by night; latencies are spread
//! log-normally, and their sum has all its digits.

use bellwether_model::Labels;

pub const SERVICES: usize = 10;
pub const ROUTES: usize = 10;
/// Between two samples of a series.
pub const STEP_MS: i64 = 15_000;
const DAY_MS: i64 = 86_400_000;
/// Codes of answers, and their share of the requests.
const CODES: [(&str, f64); 3] = [("200", 0.985), ("404", 0.012), ("500", 0.003)];
/// Bounds of the buckets; the last one has none.
const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The series of a route: codes, buckets, sum, count.
pub const SERIES_PER_ROUTE: usize = CODES.len() + BOUNDS.len() + 3;
pub const SERIES: usize = SERVICES * ROUTES * SERIES_PER_ROUTE;

/// All series and what they count, step by step.
pub struct Workload {
    routes: Vec<Route>,
    random: fastrand::Rng,
    /// Moments are this much off the grid at most.
    jitter_ms: i64,
}

struct Route {
    /// Requests in a second, by day.
    rate: f64,
    /// Of the latencies' logarithm.
    median: f64,
    spread: f64,
    /// When its day begins.
    shift: f64,
    codes: [f64; CODES.len()],
    buckets: [f64; BOUNDS.len() + 1],
    sum: f64,
}

impl Workload {
    /// The same for the same seed.
    pub fn new(seed: u64, jitter_ms: i64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut route = |_| Route {
            rate: 0.5 * (random.f64() * 4.5).exp(),
            median: 0.01 * (random.f64() * 3.0).exp(),
            spread: 0.4 + random.f64() * 0.8,
            shift: random.f64() * 0.1,
            codes: [0.0; CODES.len()],
            buckets: [0.0; BOUNDS.len() + 1],
            sum: 0.0,
        };
        let routes = (0..SERVICES * ROUTES).map(&mut route).collect();
        Self { routes, random, jitter_ms }
    }

    /// Names and labels, in the order of the values of a step.
    pub fn labels() -> Vec<Labels> {
        let mut all = Vec::with_capacity(SERIES);
        for (service, route) in (0..SERVICES).flat_map(|s| (0..ROUTES).map(move |r| (s, r))) {
            let (service_name, path) = (format!("service-{service}"), format!("/api/v1/route-{route}"));
            let instance = format!("10.0.{service}.1:8080");
            let base = [
                ("cluster", "eu-west-1"),
                ("instance", instance.as_str()),
                ("job", service_name.as_str()),
                ("namespace", "production"),
                ("route", path.as_str()),
            ];
            let mut add = |name: &str, more: Option<(&str, &str)>| {
                all.push(Labels::from_pairs(base.into_iter().chain([("__name__", name)]).chain(more)));
            };
            for (code, _) in CODES {
                add("http_requests_total", Some(("code", code)));
            }
            let bounds = BOUNDS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
            for bound in bounds {
                add("http_request_duration_seconds_bucket", Some(("le", &bound)));
            }
            add("http_request_duration_seconds_sum", None);
            add("http_request_duration_seconds_count", None);
        }
        all
    }

    /// Goes on by one step: hands out each target's moment with its values, a target being all routes of a service.
    pub fn step(&mut self, at_ms: i64, visit: &mut dyn FnMut(usize, i64, f64)) {
        let day = at_ms.rem_euclid(DAY_MS) as f64 / DAY_MS as f64;
        let mut series = 0;
        for routes in self.routes.chunks_mut(ROUTES) {
            let late = if self.jitter_ms > 0 { self.random.i64(0..=self.jitter_ms) } else { 0 };
            for route in routes {
                route.count(day, &mut self.random);
                for value in route.values() {
                    visit(series, at_ms + late, value);
                    series += 1;
                }
            }
        }
    }
}

impl Route {
    fn count(&mut self, day: f64, random: &mut fastrand::Rng) {
        let wave = 0.55 + 0.45 * ((day + self.shift) * std::f64::consts::TAU).sin();
        let expected = self.rate * wave * STEP_MS as f64 / 1000.0;
        for (count, (_, share)) in self.codes.iter_mut().zip(CODES) {
            *count += poisson(expected * share, random);
        }
        let (mut below, median, spread) = (0.0, self.median, self.spread);
        for (place, bucket) in self.buckets.iter_mut().enumerate() {
            let share = BOUNDS.get(place).map_or(1.0, |bound| share_below(*bound, median, spread));
            let events = poisson(expected * (share - below), random);
            *bucket += events;
            below = share;
            if events > 0.0 {
                let upper = BOUNDS.get(place).copied().unwrap_or(20.0);
                let lower = place.checked_sub(1).map_or(0.0, |place| BOUNDS[place]);
                self.sum += events * (lower + (upper - lower) * (0.3 + 0.4 * random.f64()));
            }
        }
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        let buckets = self.buckets.iter().scan(0.0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        let count = self.buckets.iter().sum();
        self.codes.iter().copied().chain(buckets).chain([self.sum, count])
    }
}

/// The share of latencies at most as long; the logistic curve is near enough to the normal one.
fn share_below(bound: f64, median: f64, spread: f64) -> f64 {
    1.0 / (1.0 + (-1.702 * (bound / median).ln() / spread).exp())
}

/// A number of events where so many are expected. For many, the normal distribution rounded.
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
