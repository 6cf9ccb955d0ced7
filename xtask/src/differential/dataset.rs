//! The series that both sides hold: everything that happens to series in the field, in two hours.
//!
//! Counters that reset, gaps of all lengths, staleness markers, series that begin late or end early, NaN, infinities,
//! numbers at the edges of what a double holds, samples exactly as far apart as the lookback, classic histograms whole
//! and broken, names that need quotes. The same seed gives the same samples.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{HistogramSample, Labels, STALE_NAN, Sample, Timestamp};
use fastrand::Rng;

use super::extent::{INTERVAL, LENGTH, MINUTE, START};
use super::native::{self, Histograms, SWITCHING};

/// Samples per series, in time order. Of a series that is in both, each sample is in one.
pub struct Dataset {
    pub series: BTreeMap<Labels, Vec<Sample>>,
    pub histograms: Histograms,
}

/// What all series have in a stretch of time.
pub struct Slice<'a> {
    pub samples: Vec<(&'a Labels, &'a [Sample])>,
    pub histograms: Vec<(&'a Labels, &'a [HistogramSample])>,
}

/// How a series' values come about.
#[derive(Clone, Copy)]
enum Shape {
    Counter {
        per_step: f64,
        reset_chance: f64,
    },
    Gauge {
        middle: f64,
        spread: f64,
    },
    /// Whole numbers out of a few, so that series tie.
    Few {
        kinds: u32,
    },
    Constant(f64),
    /// NaN, infinities, zeros of both signs among ordinary numbers.
    Special,
    /// Near the largest and the smallest doubles, and whole numbers beyond 2⁵³.
    Extreme,
    /// A line with a wobble.
    Trend {
        slope: f64,
    },
}

/// When a series has samples.
#[derive(Clone, Copy)]
struct Presence {
    from: i64,
    until: i64,
    interval: i64,
    jitter: i64,
    gap_chance: f64,
    /// A gap begins, and the series ends, with a staleness marker.
    marks_gaps: bool,
}

const ALWAYS: Presence =
    Presence { from: 0, until: LENGTH, interval: INTERVAL, jitter: 0, gap_chance: 0.0, marks_gaps: true };

impl Dataset {
    /// The data of a seed.
    pub fn of_seed(seed: u64) -> Self {
        let mut maker = Maker { rng: Rng::with_seed(seed), series: BTreeMap::new() };
        maker.counters();
        maker.gauges();
        maker.presence();
        maker.identities();
        maker.odd_names();
        maker.classic_histograms();
        maker.edge_times();
        maker.switching();
        let histograms = native::of_seed(seed);
        maker.announce(&histograms);
        Self { series: maker.series, histograms }
    }

    /// Stretches of time in order, each with the samples in it. Prometheus refuses what is an hour older than its
    /// newest sample, so data is written in the order of time and not of series.
    pub fn slices(&self) -> impl Iterator<Item = Slice<'_>> {
        const SLICE: i64 = 10 * MINUTE;
        (0..=LENGTH / SLICE + 2).map(|n| {
            let (from, until) = (START + (n - 1) * SLICE, START + n * SLICE);
            Slice {
                samples: cut(&self.series, from, until, |sample| sample.at.0),
                histograms: cut(&self.histograms, from, until, |sample| sample.at.0),
            }
        })
    }

    /// How many series there are.
    pub fn series_count(&self) -> usize {
        self.series.keys().chain(self.histograms.keys()).collect::<BTreeSet<_>>().len()
    }

    /// How many samples there are.
    pub fn sample_count(&self) -> usize {
        let numbers: usize = self.series.values().map(Vec::len).sum();
        numbers + self.histograms.values().map(Vec::len).sum::<usize>()
    }
}

/// What lies in a stretch of time, of those series that have something there.
fn cut<T>(
    series: &BTreeMap<Labels, Vec<T>>,
    from: i64,
    until: i64,
    at: impl Fn(&T) -> i64,
) -> Vec<(&Labels, &[T])> {
    let place = |all: &[T], moment| all.partition_point(|one| at(one) < moment);
    let part = series.iter().map(|(labels, all)| (labels, &all[place(all, from)..place(all, until)]));
    part.filter(|(_, part)| !part.is_empty()).collect()
}

struct Maker {
    rng: Rng,
    series: BTreeMap<Labels, Vec<Sample>>,
}

impl Maker {
    fn counters(&mut self) {
        for instance in ["a:80", "b:80", "c:80"] {
            for (method, code) in
                [("get", "200"), ("get", "500"), ("post", "200"), ("post", "404"), ("put", "503")]
            {
                let labels = [("job", "api"), ("instance", instance), ("method", method), ("code", code)];
                let shape = Shape::Counter { per_step: self.rng.f64() * 30.0, reset_chance: 0.01 };
                let presence = Presence { jitter: self.rng.i64(0..400), gap_chance: 0.004, ..ALWAYS };
                self.add("requests_total", &labels, shape, presence);
            }
            let labels = [("job", "api"), ("instance", instance)];
            let shape = Shape::Counter { per_step: 0.3, reset_chance: 0.05 };
            self.add("errors_total", &labels, shape, Presence { gap_chance: 0.03, ..ALWAYS });
        }
        for job in ["api", "db"] {
            let shape = Shape::Counter { per_step: 1e-3, reset_chance: 0.0 };
            self.add("cpu_seconds_total", &[("job", job), ("mode", "idle")], shape, ALWAYS);
            let shape = Shape::Counter { per_step: 1e12, reset_chance: 0.02 };
            self.add("cpu_seconds_total", &[("job", job), ("mode", "user")], shape, ALWAYS);
        }
    }

    fn gauges(&mut self) {
        for instance in ["a:80", "b:80", "c:80", "d:80"] {
            let job = if instance < "c" { "api" } else { "db" };
            let labels = [("job", job), ("instance", instance)];
            self.add("memory_bytes", &labels, Shape::Gauge { middle: 2e9, spread: 1e9 }, ALWAYS);
            self.add("up", &labels, Shape::Few { kinds: 2 }, Presence { gap_chance: 0.01, ..ALWAYS });
            self.add("queue_length", &labels, Shape::Few { kinds: 5 }, ALWAYS);
            self.add("limit_bytes", &labels, Shape::Constant(3e9), ALWAYS);
        }
        for (room, shape) in [
            ("attic", Shape::Gauge { middle: 0.0, spread: 30.0 }),
            ("cellar", Shape::Constant(-0.0)),
            ("hall", Shape::Special),
            ("kitchen", Shape::Special),
            ("roof", Shape::Trend { slope: 0.01 }),
        ] {
            self.add("temperature_celsius", &[("room", room)], shape, ALWAYS);
        }
        for kind in ["a", "b"] {
            self.add("extreme", &[("kind", kind)], Shape::Extreme, ALWAYS);
            self.add("special", &[("kind", kind)], Shape::Special, Presence { gap_chance: 0.02, ..ALWAYS });
            let shape = Shape::Trend { slope: if kind == "a" { 1e6 } else { -2e-3 } };
            self.add("disk_free_bytes", &[("kind", kind)], shape, Presence { jitter: 3_000, ..ALWAYS });
        }
    }

    fn presence(&mut self) {
        let counter = Shape::Counter { per_step: 2.0, reset_chance: 0.03 };
        for (pod, presence) in [
            ("early", Presence { until: 50 * MINUTE, ..ALWAYS }),
            ("early-unmarked", Presence { until: 50 * MINUTE + 7_000, marks_gaps: false, ..ALWAYS }),
            ("late", Presence { from: 55 * MINUTE + 1, ..ALWAYS }),
            ("middle", Presence { from: 30 * MINUTE, until: 80 * MINUTE, ..ALWAYS }),
            ("flapping", Presence { gap_chance: 0.08, ..ALWAYS }),
            ("flapping-unmarked", Presence { gap_chance: 0.08, marks_gaps: false, ..ALWAYS }),
            ("once", Presence { from: 40 * MINUTE, until: 40 * MINUTE + 1, marks_gaps: false, ..ALWAYS }),
            (
                "twice",
                Presence { from: 60 * MINUTE, until: 60 * MINUTE + 15_001, marks_gaps: false, ..ALWAYS },
            ),
        ] {
            self.add("pod_work_total", &[("pod", pod)], counter, presence);
            self.add("pod_load", &[("pod", pod)], Shape::Gauge { middle: 1.0, spread: 0.7 }, presence);
        }
    }

    /// Series whose value says nothing and whose labels say everything.
    fn identities(&mut self) {
        for (instance, version) in [("a:80", "1.0"), ("b:80", "1.0"), ("c:80", "1.1"), ("d:80", "")] {
            let job = if instance < "c" { "api" } else { "db" };
            let until = Presence { until: 70 * MINUTE, ..ALWAYS };
            let labels = [("job", job), ("instance", instance), ("version", version)];
            self.add("build_info", &labels, Shape::Constant(1.0), until);
            let labels = [("job", job), ("instance", instance), ("version", "2.0"), ("extra", "x")];
            let from = Presence { from: 70 * MINUTE, ..ALWAYS };
            self.add("build_info", &labels, Shape::Constant(1.0), from);
            let labels = [("job", job), ("instance", instance), ("cluster", "eu"), ("data", version)];
            self.add("target_info", &labels, Shape::Constant(1.0), ALWAYS);
        }
        // Labels that nearly coincide: one differs in one label, one has a label less, one is named otherwise.
        for labels in [
            &[("a", "1"), ("b", "1")][..],
            &[("a", "1"), ("b", "2")],
            &[("a", "1")],
            &[("a", "2"), ("b", "1"), ("c", "10")],
            &[("a", "2"), ("b", "1"), ("c", "9")],
        ] {
            self.add("left", labels, Shape::Few { kinds: 3 }, ALWAYS);
            self.add("right", labels, Shape::Gauge { middle: 5.0, spread: 5.0 }, ALWAYS);
        }
        self.add("right", &[("b", "7")], Shape::Few { kinds: 3 }, ALWAYS);
        self.add("alone", &[], Shape::Gauge { middle: 7.0, spread: 2.0 }, ALWAYS);
    }

    fn odd_names(&mut self) {
        let counter = Shape::Counter { per_step: 3.0, reset_chance: 0.02 };
        for service in ["a b", "ä\"ö", "x\\y", "new\nline"] {
            self.add("http.requests", &[("service.name", service), ("région", "île")], counter, ALWAYS);
        }
        self.add("café_total", &[("tasse", "grande")], counter, ALWAYS);
        self.add("ns:level:sum_rate5m", &[("Name", "Upper"), ("_x", "1")], Shape::Few { kinds: 4 }, ALWAYS);
        self.add("sum", &[("by", "on"), ("le", "x")], Shape::Few { kinds: 4 }, ALWAYS);
    }

    fn classic_histograms(&mut self) {
        for instance in ["a:80", "b:80"] {
            for path in ["/", "/slow"] {
                let labels = [("instance", instance), ("path", path)];
                self.histogram("latency_seconds", &labels, &["0.05", "0.1", "0.5", "1", "2.5", "+Inf"], 0.0);
            }
        }
        let labels = [("path", "/broken")];
        self.histogram("latency_seconds", &labels, &["0.05", "0.1", "0.5", "1", "2.5", "+Inf"], 0.2);
        self.histogram("no_inf_seconds", &[], &["1", "2", "4"], 0.0);
        self.histogram("only_inf_seconds", &[], &["+Inf"], 0.0);
        self.histogram("negative_seconds", &[], &["-2", "-1", "0", "1", "+Inf"], 0.0);
        self.histogram("odd_bounds_seconds", &[], &["1", "1.0", "nonsense", "2", "1e1", "Inf"], 0.0);
        self.histogram("two_seconds", &[], &["1", "+Inf"], 0.01);
    }

    /// Cumulative counters per bound; `fault_chance` makes a bucket fall below the one before it.
    fn histogram(&mut self, name: &str, labels: &[(&str, &str)], bounds: &[&str], fault_chance: f64) {
        let weights: Vec<f64> = bounds.iter().map(|_| self.rng.f64() * 4.0).collect();
        let mut counts = vec![0.0; bounds.len()];
        let mut columns = vec![Vec::new(); bounds.len() + 2];
        let mut sum = 0.0;
        for at in (0..LENGTH).step_by(INTERVAL as usize) {
            if self.rng.f64() < 0.005 {
                counts.fill(0.0);
                sum = 0.0;
            }
            let mut total = 0.0;
            for (index, weight) in weights.iter().enumerate() {
                let more = (self.rng.f64() * weight).floor();
                counts[index] += more;
                sum += more * (index as f64 + 0.5) * 0.3;
                total += counts[index];
                let is_faulty = self.rng.f64() < fault_chance;
                let shown = if is_faulty { total * (1.0 - self.rng.f64() * 0.1) } else { total };
                columns[index].push(Sample::new(Timestamp(START + at), shown));
            }
            columns[bounds.len()].push(Sample::new(Timestamp(START + at), sum));
            columns[bounds.len() + 1].push(Sample::new(Timestamp(START + at), total));
        }
        for (index, samples) in columns.into_iter().enumerate() {
            let (suffix, bound) = match index.checked_sub(bounds.len()) {
                None => ("_bucket", Some(("le", bounds[index]))),
                Some(0) => ("_sum", None),
                Some(_) => ("_count", None),
            };
            let labels: Vec<_> = labels.iter().copied().chain(bound).collect();
            self.put(&format!("{name}{suffix}"), &labels, samples);
        }
    }

    /// Samples at the edges of lookback and of windows.
    fn edge_times(&mut self) {
        for (name, interval) in [
            ("5m", 5 * MINUTE),
            ("5m-1ms", 5 * MINUTE - 1),
            ("5m+1ms", 5 * MINUTE + 1),
            ("1m", MINUTE),
            ("7m", 7 * MINUTE),
            ("1s", 1_000),
        ] {
            let presence = Presence { interval, marks_gaps: false, ..ALWAYS };
            self.add("every", &[("interval", name)], Shape::Gauge { middle: 10.0, spread: 10.0 }, presence);
            let counter = Shape::Counter { per_step: 5.0, reset_chance: 0.1 };
            self.add("every_total", &[("interval", name)], counter, presence);
        }
    }

    /// The numbers of a series that is a histogram in between.
    fn switching(&mut self) {
        let labels = [("kind", "a")];
        self.add("switching_seconds", &labels, Shape::Gauge { middle: 3.0, spread: 2.0 }, ALWAYS);
        for samples in self
            .series
            .iter_mut()
            .filter(|(labels, _)| labels.get("__name__") == Some("switching_seconds"))
            .map(|(_, s)| s)
        {
            samples.retain(|sample| !SWITCHING.contains(&(sample.at.0 - START)));
        }
    }

    /// One staleness marker for every series before the data begins. It shows in no query, but makes a store that
    /// numbers series as they come number them in the order of their labels: where a query leaves the order of
    /// series open, both sides then see the same one.
    fn announce(&mut self, histograms: &Histograms) {
        let bare = self.series.iter_mut().filter(|(labels, _)| !histograms.contains_key(labels));
        for (_, samples) in bare {
            samples.insert(0, Sample::new(Timestamp(START - MINUTE), STALE_NAN));
        }
    }

    fn add(&mut self, name: &str, labels: &[(&str, &str)], shape: Shape, presence: Presence) {
        let mut values = Values { shape, last: 0.0, steps: 0.0 };
        let mut samples = Vec::new();
        let mut at = presence.from;
        while at < presence.until {
            let late = if presence.jitter > 0 { self.rng.i64(0..presence.jitter) } else { 0 };
            let value = values.next(&mut self.rng);
            samples.push(Sample::new(Timestamp(START + at + late), value));
            at += presence.interval;
            if self.rng.f64() < presence.gap_chance {
                if presence.marks_gaps {
                    samples.push(Sample::new(Timestamp(START + at), STALE_NAN));
                }
                at += presence.interval * self.rng.i64(2..40);
            }
        }
        let has_ended = presence.until < LENGTH && presence.marks_gaps && at < LENGTH;
        if has_ended && samples.last().is_some_and(|last| last.at.0 < START + at) {
            samples.push(Sample::new(Timestamp(START + at), STALE_NAN));
        }
        self.put(name, labels, samples);
    }

    fn put(&mut self, name: &str, labels: &[(&str, &str)], samples: Vec<Sample>) {
        let labels = labels.iter().copied().filter(|(_, value)| !value.is_empty());
        self.series.insert(Labels::from_pairs(labels.chain([("__name__", name)])), samples);
    }
}

struct Values {
    shape: Shape,
    last: f64,
    steps: f64,
}

impl Values {
    fn next(&mut self, rng: &mut Rng) -> f64 {
        const SPECIAL: [f64; 6] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1.0];
        const EXTREME: [f64; 6] = [f64::MAX, -f64::MAX, 2.3e-308, 9_007_199_254_740_993.0, 1e-300, 1e300];
        self.steps += 1.0;
        self.last = match self.shape {
            Shape::Counter { reset_chance, .. } if rng.f64() < reset_chance => (rng.f64() * 3.0).floor(),
            Shape::Counter { per_step, .. } => self.last + rng.f64() * per_step,
            Shape::Gauge { middle, spread } => middle + (rng.f64() - 0.5) * 2.0 * spread,
            Shape::Few { kinds } => f64::from(rng.u32(0..kinds)),
            Shape::Constant(value) => value,
            Shape::Special if rng.f64() < 0.3 => SPECIAL[rng.usize(0..SPECIAL.len())],
            Shape::Special => rng.f64() * 10.0 - 5.0,
            Shape::Extreme if rng.f64() < 0.3 => EXTREME[rng.usize(0..EXTREME.len())],
            Shape::Extreme => rng.f64() * 1e16,
            Shape::Trend { slope } => self.steps * slope + rng.f64() * slope,
        };
        self.last
    }
}
