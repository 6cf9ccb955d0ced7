//! What rows of objectives cost: bytes on disk, time of each minute, and time of a query over all of them.
#![allow(clippy::print_stdout, reason = "figures are for whoever reads them")]

use std::time::{Duration, Instant};

use bellwether::ledger_rows::EVENTS;
use bellwether_model::{Batch, Labels, Origin, Sample, SeriesId, TimeDelta};
use bellwether_promql::{EvalOptions, SampleValue, Value, eval_instant};
use bellwether_slo::Event;

use crate::ledger_rows_world::{BEGIN, DAY, World, slos};

/// So many objectives of one target, each with counters of its own.
fn many(count: usize) -> String {
    let slo = |n| {
        format!(
            "  - {{name: s{n}, goal: '99%', window: 30d, alerts: [], indicator: {{ratio: \
             {{bad: 'errors_total{{n=\"{n}\"}}', total: 'requests_total{{n=\"{n}\"}}'}}}}}}\n"
        )
    };
    format!("slos:\n{}", (0..count).map(slo).collect::<String>())
}

/// Counts objectives of about 150 requests a minute for so long, and keeps their rows every `kept` steps. Gives the time
/// that the last steps of keeping took, one after the other.
fn busy(world: &mut World, count: usize, minutes: i64, kept: i64) -> Vec<Duration> {
    let id = |n: usize, place: usize| SeriesId((n * 2 + place + 1) as u32);
    world.pipeline.write().unwrap().slo.step(Event::Reload(slos(&many(count))), world.now);
    world.pipeline.write().unwrap().slo.past_is_counted();
    for n in 0..count {
        for (place, name) in ["errors_total", "requests_total"].into_iter().enumerate() {
            let labels = Labels::from_pairs([("__name__", name.to_owned()), ("n", n.to_string())]);
            let event = Event::SeriesBorn { id: id(n, place), labels: &labels };
            world.pipeline.write().unwrap().slo.step(event, world.now);
        }
    }
    let (mut counters, mut took) = (vec![[0.0; 2]; count], Vec::new());
    for minute in 0..minutes {
        world.now += TimeDelta::MINUTE;
        let mut samples = Vec::with_capacity(2 * count);
        for (n, counter) in counters.iter_mut().enumerate() {
            // The sum of ten draws spreads like events that come by chance.
            let all: u64 = (0..10).map(|_| world.random(31)).sum();
            let bad = (0..3).filter(|_| world.random(2) == 0).count();
            counter[0] += bad as f64;
            counter[1] += all as f64;
            samples.extend([0, 1].map(|place| (id(n, place), Sample::new(world.now, counter[place]))));
        }
        let origin = Origin::Scrape { target: SeriesId(0), ok: true, interval: TimeDelta::MINUTE };
        let batch = Batch::floats(origin, world.now, samples);
        world.pipeline.write().unwrap().slo.step(Event::Batch(&batch), world.now);
        if minute % kept == 0 {
            let begun = Instant::now();
            while world.keeper.step(world.now, world.now - world.retention).unwrap() {}
            took.push(begun.elapsed());
        }
    }
    took
}

#[test]
fn rows_of_a_year_of_an_objective_take_less_than_a_megabyte() {
    let mut world = World::new(TimeDelta::MINUTE);
    let days = 31;
    busy(&mut world, 2, days * 24 * 60, 24 * 60);
    let store = world.keeper.rows.store();
    store.seal(world.now).unwrap();
    while store.compact(world.now + TimeDelta(20 * DAY.0), TimeDelta(10 * DAY.0)).unwrap().segments > 0 {}
    let stats = store.stats();
    let per_year = stats.segment_bytes as f64 / 2.0 * 365.0 / (days as f64 - 0.25);
    let per_row = stats.segment_bytes as f64 / (stats.segment_samples as f64 / 3.0);
    println!("{per_year:.0} bytes per objective and year, {per_row:.2} a row");
    assert!((100_000.0..1_000_000.0).contains(&per_year), "{per_year}");
}

#[test]
fn rows_of_hundreds_of_objectives_take_little_of_a_minute() {
    let mut world = World::new(TimeDelta::MINUTE);
    let count = 200;
    let took = busy(&mut world, count, 6 * 60 + 30, 1);
    let best = took[took.len() - 25..].iter().min().unwrap();
    let stats = world.keeper.rows.store().stats();
    println!("a step takes {best:?}; {} bytes of {} values in memory", stats.head_bytes, stats.head_samples);
    assert!(stats.head_samples >= 3 * 25 * count as u64, "{stats:?}");
    // A hundredth of a core is what a thousand objectives may cost in all; this is without optimisation.
    assert!(*best < Duration::from_millis(120), "{best:?}");
}

#[test]
fn a_query_over_400_days_reads_what_chunks_know_of_themselves() {
    let world = World::new(TimeDelta::MINUTE);
    let store = world.keeper.rows.store();
    let labels = Labels::from_pairs([("__name__", EVENTS), ("slo", "year")]);
    let id = store.series(&labels).unwrap();
    let (days, mut events) = (401, 0.0);
    for day in 0..days {
        let minute = |n: i64| BEGIN + TimeDelta(day * DAY.0 + n * TimeDelta::MINUTE.0);
        let samples = (0..1440).map(|n| {
            events += ((n * 7919 + day) % 300) as f64;
            (id, Sample::new(minute(n), events))
        });
        store.append(&Batch::floats(Origin::Rules, minute(0), samples.collect())).unwrap();
        if day % 10 == 9 {
            store.seal(minute(1440)).unwrap();
        }
    }
    let source = world.source();
    let end = BEGIN + TimeDelta(days * DAY.0 - TimeDelta::MINUTE.0);
    let ask = |text: &str| {
        let begun = Instant::now();
        let expr = bellwether_promql::parse(text).unwrap();
        let value = eval_instant(&expr, end, &*source, &EvalOptions::default()).unwrap().value;
        let Value::Vector(series) = value else { panic!("{text}") };
        let SampleValue::Float(value) = series[0].value else { panic!("{text}") };
        println!("{text}: {:?}", begun.elapsed());
        (value, begun.elapsed())
    };
    let (exact, took) = ask("bellwether_sli_events_total - bellwether_sli_events_total offset 400d");
    assert!(took < Duration::from_secs(2), "{took:?}");
    let (extrapolated, took) = ask("increase(bellwether_sli_events_total[400d])");
    assert!((extrapolated / exact - 1.0).abs() < 1e-4, "{extrapolated} is not about {exact}");
    // Without optimisation, on a busy machine; to decode half a million values takes longer.
    assert!(took < Duration::from_secs(2), "{took:?}");
}
