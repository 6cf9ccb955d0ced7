//! What objectives cost: windows of ten thousand streams, a round of scrapes for a thousand objectives with their
//! alerts, a report of 400 days, and the memory behind them.

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use bellwether_diag::{Diagnostics, Sources};
use bellwether_model::{Batch, Labels, Origin, Sample, SeriesId, TimeDelta, TimeRange, Timestamp};
use bellwether_slo::{
    Budgeting, EngineSettings, Event, Events, Goal, Indicator, Ledger, LedgerSettings, Ratio, Selector, Slo,
    SloEngine, StreamId, burn_rate, parse,
};
use criterion::{Criterion, criterion_group, criterion_main};

const STREAMS: u32 = 10_000;
const WINDOWS: [TimeDelta; 9] = [
    TimeDelta(5 * 60_000),
    TimeDelta(30 * 60_000),
    TimeDelta(3_600_000),
    TimeDelta(2 * 3_600_000),
    TimeDelta(6 * 3_600_000),
    TimeDelta(24 * 3_600_000),
    TimeDelta(3 * 24 * 3_600_000),
    TimeDelta(7 * 24 * 3_600_000),
    TimeDelta(30 * 24 * 3_600_000),
];

fn indicator() -> Indicator {
    let selector = |text: &str| vec![Selector::parse(text).expect("a selector")];
    Indicator {
        budgeting: Budgeting::Occurrences,
        events: Events::Ratio(Ratio::BadTotal {
            bad: selector("errors_total"),
            total: selector("requests_total"),
        }),
        group_by: vec!["shop".to_owned()],
        streams_max: STREAMS,
    }
}

/// A ledger of one stream with `days` behind it; counts spread like a Poisson process of this mean per minute.
fn history(days: i64, per_minute: f64, shops: u32, interval: TimeDelta) -> Ledger {
    let mut ledger = Ledger::new(LedgerSettings::default());
    ledger.set_indicators([&indicator()]);
    for shop in 0..shops {
        for (offset, name) in ["requests_total", "errors_total"].into_iter().enumerate() {
            let labels = Labels::from_pairs([("__name__", name.to_owned()), ("shop", format!("{shop}"))]);
            ledger.series_born(SeriesId(1 + shop * 2 + offset as u32), &labels);
        }
    }
    let mut draw = Draw(7);
    let mean = per_minute * interval.as_secs_f64() / 60.0;
    let (mut requests, mut errors) = (0.0, 0.0);
    let origin = Origin::Scrape { target: SeriesId(0), ok: true, interval };
    for step in 0..days * TimeDelta::DAY.0 / interval.0 {
        let at = Timestamp(1_700_000_010_000 + step * interval.0);
        requests += draw.count(mean);
        errors += draw.count(mean / 100.0);
        let samples = (0..shops).flat_map(|shop| {
            [(1 + shop * 2, requests), (2 + shop * 2, errors)]
                .map(|(id, v)| (SeriesId(id), Sample::new(at, v)))
        });
        ledger.apply(&Batch::floats(origin, at, samples.collect()));
    }
    ledger
}

/// A small generator, so that every run measures the same.
struct Draw(u64);

impl Draw {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A Poisson count: by multiplying for small means, by the normal approximation for large ones.
    fn count(&mut self, mean: f64) -> f64 {
        if mean > 50.0 {
            let normal = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
            return (mean + normal * mean.sqrt()).round().max(0.0);
        }
        let (limit, mut product, mut count) = ((-mean).exp(), self.unit(), 0.0);
        while product > limit {
            product *= self.unit();
            count += 1.0;
        }
        count
    }
}

fn evaluate(c: &mut Criterion) {
    for per_minute in [150.0, 100_000.0] {
        let one = history(31, per_minute, 1, TimeDelta::from_secs(15));
        let stream = one.streams(&indicator().key())[0].1;
        eprintln!("heap bytes of one stream, 30 days, {per_minute}/min: {}", one.stream_heap_bytes(stream));
    }
    // Minute scrapes fill the same slots and blocks as faster ones; a hundred ledgers of a hundred streams each lie
    // as far apart in memory as one of ten thousand.
    let one = history(31, 150.0, 100, TimeDelta::MINUTE);
    let streams: Vec<StreamId> =
        one.streams(&indicator().key()).into_iter().skip(1).map(|(_, id)| id).collect();
    let ledgers: Vec<Ledger> = (0..STREAMS / 100).map(|_| one.clone()).collect();
    let goal = Goal::parse("99%").expect("a goal");
    c.bench_function("10k_streams_9_windows", |b| {
        b.iter(|| {
            let mut sum = 0.0;
            for ledger in &ledgers {
                for stream in &streams {
                    for window in WINDOWS {
                        let window = ledger.window(*stream, window);
                        sum += window.and_then(|w| burn_rate(&w, goal)).unwrap_or_default();
                    }
                }
            }
            black_box(sum)
        });
    });
}

/// Objectives of as many services, with all default alerts.
fn objectives(services: u32, window: &str) -> Vec<Arc<Slo>> {
    let mut yaml = String::from("slos:\n");
    for service in 0..services {
        let selector = |name: &str| format!("'{name}{{service=\"s{service}\"}}'");
        let _ = writeln!(
            yaml,
            "  - {{name: s{service}, goal: '99.9%', window: {window}, \
             indicator: {{ratio: {{bad: {}, total: {}}}}}}}",
            selector("errors_total"),
            selector("requests_total")
        );
    }
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("slos.yml", yaml);
    parse(&sources, file, &mut out).into_iter().map(Arc::new).collect()
}

/// Targets over which the services are spread.
const TARGETS: u32 = 10;

/// An engine and what it has been told.
struct Fleet {
    engine: SloEngine,
    services: u32,
    counters: Vec<(f64, f64)>,
    draw: Draw,
    now: Timestamp,
}

impl Fleet {
    fn new(services: u32, window: &str) -> Self {
        let mut engine = SloEngine::new(objectives(services, window), EngineSettings::default());
        let now = Timestamp(1_600_000_020_000);
        for service in 0..services {
            for (offset, name) in ["requests_total", "errors_total"].into_iter().enumerate() {
                let id = SeriesId(TARGETS + service * 2 + offset as u32);
                let labels =
                    Labels::from_pairs([("__name__", name.to_owned()), ("service", format!("s{service}"))]);
                engine.step(Event::SeriesBorn { id, labels: &labels }, now);
            }
        }
        Self { engine, services, counters: vec![(0.0, 0.0); services as usize], draw: Draw(7), now }
    }

    fn samples(&mut self, target: u32, mean: f64) -> Vec<(SeriesId, Sample)> {
        let mut samples = Vec::new();
        for service in (target..self.services).step_by(TARGETS as usize) {
            let (requests, errors) = &mut self.counters[service as usize];
            *requests += self.draw.count(mean);
            *errors += self.draw.count(mean / 2000.0);
            for (offset, value) in [(0, *requests), (1, *errors)] {
                samples.push((SeriesId(TARGETS + service * 2 + offset), Sample::new(self.now, value)));
            }
        }
        samples
    }

    /// A scrape of every target.
    fn round(&mut self, interval: TimeDelta, per_minute: f64) {
        self.now += interval;
        for target in 0..TARGETS {
            let samples = self.samples(target, per_minute * interval.as_secs_f64() / 60.0);
            let origin = Origin::Scrape { target: SeriesId(target), ok: true, interval };
            black_box(self.engine.step(Event::Batch(&Batch::floats(origin, self.now, samples)), self.now));
        }
    }

    /// The past, minute by minute; nobody is alerted of it.
    fn past(&mut self, days: i64, per_minute: f64) {
        for _ in 0..days * 24 * 60 {
            self.now += TimeDelta::MINUTE;
            for target in 0..TARGETS {
                let samples = self.samples(target, per_minute);
                let batch = Batch::floats(Origin::Backfill, self.now, samples);
                self.engine.step(Event::Batch(&batch), self.now);
            }
        }
    }
}

fn a_thousand_objectives(c: &mut Criterion) {
    let mut fleet = Fleet::new(1000, "30d");
    fleet.past(31, 150.0);
    (0..4).for_each(|_| fleet.round(TimeDelta::from_secs(15), 150.0));
    let bytes = fleet.engine.ledger().heap_bytes() / 1000;
    eprintln!("heap bytes per objective, 31 days, 150 events a minute: {bytes}");
    c.bench_function("round_of_1000_slos_with_default_alerts", |b| {
        b.iter(|| fleet.round(TimeDelta::from_secs(15), 150.0));
    });
}

fn a_long_report(c: &mut Criterion) {
    let mut fleet = Fleet::new(1, "400d");
    fleet.past(401, 150.0);
    fleet.round(TimeDelta::from_secs(15), 150.0);
    let (now, day) = (fleet.now, TimeDelta::DAY);
    let range = TimeRange::new(now - TimeDelta(400 * day.0), now);
    c.bench_function("report_of_400_days", |b| {
        b.iter(|| {
            let status = fleet.engine.status(now);
            let points = fleet.engine.history("s0", &Labels::empty(), range, day);
            assert_eq!(points.len(), 400);
            black_box((status, points))
        });
    });
    c.bench_function("report_of_400_days_hour_by_hour", |b| {
        b.iter(|| black_box(fleet.engine.history("s0", &Labels::empty(), range, TimeDelta::HOUR)));
    });
}

criterion_group!(benches, evaluate, a_thousand_objectives, a_long_report);
criterion_main!(benches);
