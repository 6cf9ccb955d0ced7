//! How long it takes to evaluate ten thousand streams over nine windows each, with thirty days behind every one.

use std::hint::black_box;

use bellwether_model::{Batch, Labels, Origin, Sample, SeriesId, TimeDelta, Timestamp};
use bellwether_slo::{
    Budgeting, Events, Goal, Indicator, Ledger, LedgerSettings, Ratio, Selector, StreamId, burn_rate,
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

criterion_group!(benches, evaluate);
criterion_main!(benches);
