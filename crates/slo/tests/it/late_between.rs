//! Samples that come late between known ones: in whatever order they arrive, the ledger holds what it holds of the same
//! samples in order.

use std::collections::BTreeMap;

use bellwether_model::{Batch, Births, LogPosition, Origin, Sample, SeriesId, TimeDelta, Timestamp};
use bellwether_slo::{BlocksFile, EngineSettings, Event, SloEngine, Stretch};
use bellwether_testkit::cases;

use crate::trace::{Draw, START};
use crate::world::{series, slos};

const SCRAPE: TimeDelta = TimeDelta(15_000);
const UP: SeriesId = SeriesId(0);
const YAML: &str = "
slos:
  - {name: ratio, goal: '90%', window: 1d, alerts: [], group_by: [shop], indicator: {ratio: {bad: bad, total: total}}}
  - {name: fast, goal: '90%', window: 1d, alerts: [], indicator: {latency: {histogram: took, threshold: 2.5}}}
  - {name: sliced, goal: '90%', window: 1d, alerts: [], group_by: [shop], indicator: {ratio: {bad: bad, total: total}},
     budgeting: {timeslices: {slice: 1m, target: '90%'}}}
";
/// The last two are there from some moment on.
const SERIES: [&str; 8] = [
    "total{shop=0}",
    "bad{shop=0}",
    "took_bucket{le=1}",
    "took_bucket{le=4}",
    "took_bucket{le=+Inf}",
    "other",
    "total{shop=0,more=1}",
    "bad{shop=0,more=1}",
];

/// How samples reach the ledger.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Remote,
    /// Every sample for itself.
    RemoteInParts,
    Pushed,
    Received,
    Filled,
    /// Exposed with times of their own, by a target that is scraped every second.
    Exposed,
}

fn engine() -> SloEngine {
    let mut engine = SloEngine::new(slos(YAML), EngineSettings::default());
    for (id, name) in ["up"].into_iter().chain(SERIES).enumerate() {
        engine.step(Event::SeriesBorn { id: SeriesId(id as u32), labels: &series(name) }, START);
    }
    engine
}

/// What a process exposed, scrape by scrape; now and then it restarts, or is not scraped.
fn scrapes(draw: &mut Draw) -> Vec<(Timestamp, Vec<(SeriesId, Sample)>)> {
    let mut counters = [0.0; SERIES.len()];
    let born = 2 + draw.below(20);
    let mut scrapes = Vec::new();
    for step in 0..30u64 {
        if draw.one_in(12) {
            counters = [0.0; SERIES.len()];
        }
        for counter in &mut counters {
            *counter += draw.below(6) as f64;
        }
        // Buckets are cumulative.
        counters[3] = counters[3].max(counters[2]);
        counters[4] = counters[4].max(counters[3]);
        let at = START + TimeDelta(SCRAPE.0 * (step as i64 + 1));
        let present = if step < born { SERIES.len() - 2 } else { SERIES.len() };
        let sample = |index: usize| (SeriesId(index as u32 + 1), Sample::new(at, counters[index]));
        if step < 2 || !draw.one_in(6) {
            scrapes.push((at, (0..present).map(sample).collect()));
        }
    }
    scrapes
}

fn batches(way: Way, scrapes: &[(Timestamp, Vec<(SeriesId, Sample)>)]) -> Vec<Batch> {
    let births = Births::Counted;
    let remote = Origin::Remote { target: UP, ok: true, interval: SCRAPE, births };
    let mut batches = Vec::new();
    for (at, samples) in scrapes {
        let samples = samples.clone();
        match way {
            Way::Remote => batches.push(Batch::floats(remote, *at, samples)),
            Way::RemoteInParts => {
                batches.extend(samples.into_iter().map(|sample| Batch::floats(remote, *at, vec![sample])));
            }
            Way::Pushed => batches.push(Batch::floats(Origin::RemotePushed { births }, *at, samples)),
            Way::Received => batches.push(Batch::floats(Origin::Pushed, *at, samples)),
            Way::Filled => batches.push(Batch::floats(Origin::Backfill, *at, samples)),
            // When it is scraped is said by `fold`.
            Way::Exposed => batches.push(Batch::floats(
                Origin::Scrape { target: UP, ok: true, interval: TimeDelta::SECOND },
                *at,
                samples,
            )),
        }
    }
    batches
}

/// What batches come to in this order, with a restart after some of them.
fn fold(way: Way, batches: &[Batch], restart_after: Option<usize>) -> SloEngine {
    let mut engine = engine();
    for (index, batch) in batches.iter().enumerate() {
        let now = START + TimeDelta::HOUR + TimeDelta::SECOND * index as i64;
        let at = if way == Way::Exposed { now } else { batch.at };
        engine.step(Event::Batch(&Batch { at, ..batch.clone() }), now);
        if restart_after == Some(index) {
            let kept = engine.checkpoint(LogPosition::default(), BlocksFile::Rewrite);
            let settings = EngineSettings::default();
            engine = SloEngine::restore(slos(YAML), settings, &kept.head, &kept.new_blocks).unwrap().0;
        }
    }
    engine
}

/// Bad and all events of slots, and how much of each was measured.
type Slots = Vec<(f64, f64, i64)>;

/// What the slots hold, by objective and stream.
fn slots(engine: &SloEngine) -> BTreeMap<(String, usize), Slots> {
    let mut slots = BTreeMap::new();
    for name in ["ratio", "fast", "sliced"] {
        let ledger = engine.ledger();
        let streams = ledger.streams(&engine.slo(name).unwrap().indicator.key());
        for (number, (_, stream)) in streams.into_iter().enumerate() {
            let slot = |index: i64| {
                let begin = START + TimeDelta(SCRAPE.0 * index);
                let window = ledger.over(stream, Stretch { begin, end: begin + SCRAPE }).unwrap();
                (window.counts.bad, window.counts.total, window.measured.0)
            };
            slots.insert((name.to_owned(), number), (0..32).map(slot).collect());
        }
    }
    slots
}

/// Mixes up all but the first ones.
fn shuffled(draw: &mut Draw, batches: &[Batch], first: usize) -> Vec<Batch> {
    let mut batches = batches.to_vec();
    for end in (first + 1..batches.len()).rev() {
        let other = first + draw.below((end - first + 1) as u64) as usize;
        batches.swap(end, other);
    }
    let again = draw.below(batches.len() as u64) as usize;
    batches.push(batches[again].clone());
    batches
}

#[test]
fn any_order_of_arrival_gives_the_ledger_of_the_sorted_one() {
    const SEEDS: u64 = 60;
    let mut total = 0.0;
    for way in [Way::Remote, Way::RemoteInParts, Way::Pushed, Way::Received, Way::Filled, Way::Exposed] {
        for seed in 0..SEEDS {
            let draw = &mut Draw::new(seed);
            let in_order = batches(way, &scrapes(draw));
            let first = if way == Way::RemoteInParts { SERIES.len() - 2 } else { 1 };
            let mixed = shuffled(draw, &in_order, first);
            let restart = draw.below(mixed.len() as u64) as usize;
            let expected = slots(&fold(way, &in_order, None));
            let got = slots(&fold(way, &mixed, Some(restart)));
            for (stream, expected) in expected {
                let counts = |slots: &[(f64, f64, i64)]| -> Vec<(f64, f64)> {
                    slots.iter().map(|(bad, total, _)| (*bad, *total)).collect()
                };
                assert_eq!(counts(&got[&stream]), counts(&expected), "{way:?}, seed {seed}, {stream:?}");
                total += expected.iter().map(|(_, total, _)| total).sum::<f64>();
                if matches!(way, Way::Remote | Way::RemoteInParts) {
                    assert_eq!(got[&stream], expected, "measured: {way:?}, seed {seed}, {stream:?}");
                }
            }
        }
    }
    assert!(total > 10_000.0, "{total}");
    cases::ran("late samples", SEEDS * 5);
}

/// Seconds after the start and the value of `total` as another store has it, in the order of arrival; then what the
/// slots of 15 s count and how much of each was measured.
fn check(arrivals: &[(i64, f64)], expected: &[(f64, i64)]) -> SloEngine {
    let mut engine = engine();
    for (seconds, value) in arrivals {
        let at = START + TimeDelta::from_secs(*seconds);
        let origin = Origin::Remote { target: UP, ok: true, interval: SCRAPE, births: Births::Counted };
        let batch = Batch::floats(origin, at, vec![(SeriesId(1), Sample::new(at, *value))]);
        engine.step(Event::Batch(&batch), START + TimeDelta::HOUR);
    }
    let got: Vec<(f64, i64)> = slots(&engine)[&("ratio".to_owned(), 0)]
        .iter()
        .take(expected.len())
        .map(|(_, total, measured)| (*total, measured / 1000))
        .collect();
    assert_eq!(got, expected, "{arrivals:?}");
    engine
}

#[test]
fn a_late_sample_divides_an_increment() {
    check(&[(15, 10.0), (45, 16.0), (30, 12.0)], &[(0.0, 0), (2.0, 15), (4.0, 15)]);
    check(&[(15, 10.0), (30, 12.0), (45, 16.0)], &[(0.0, 0), (2.0, 15), (4.0, 15)]);
}

#[test]
fn a_late_sample_shows_a_restart_that_nothing_else_showed() {
    check(&[(15, 10.0), (45, 16.0)], &[(0.0, 0), (0.0, 15), (6.0, 15)]);
    check(&[(15, 10.0), (45, 16.0), (30, 3.0)], &[(0.0, 0), (3.0, 15), (13.0, 15)]);
}

#[test]
fn a_late_sample_makes_a_gap_measured_if_the_counter_went_on() {
    check(&[(15, 10.0), (60, 1.0)], &[(0.0, 0), (0.0, 0), (0.0, 0), (1.0, 0)]);
    check(&[(15, 10.0), (60, 1.0), (45, 14.0)], &[(0.0, 0), (0.0, 15), (4.0, 15), (1.0, 15)]);
    check(&[(15, 10.0), (75, 1.0), (30, 14.0)], &[(0.0, 0), (4.0, 15), (0.0, 0), (0.0, 0), (1.0, 0)]);
}

#[test]
fn the_first_of_two_values_of_one_moment_stays() {
    let values = [(15, 10.0), (45, 16.0), (30, 12.0), (30, 12.0), (30, 15.0), (45, 99.0)];
    check(&values, &[(0.0, 0), (2.0, 15), (4.0, 15)]);
}

#[test]
fn a_sample_older_than_what_is_kept_changes_nothing_and_is_said() {
    let mut arrivals: Vec<(i64, f64)> = (1..=100).map(|n| (15 * n, 10.0 * n as f64)).collect();
    arrivals.push((100, 1.0));
    let expected: Vec<(f64, i64)> = [(0.0, 0)].into_iter().chain([(10.0, 15); 20]).collect();
    let mut engine = check(&arrivals, &expected);
    let said = ["samples that came too late to be counted at their own time: 1"];
    let notes = |engine: &SloEngine| {
        let all = engine.status(START + TimeDelta::HOUR);
        all.into_iter().find(|slo| slo.name == "ratio").unwrap().notes
    };
    assert_eq!(notes(&engine), said);
    let kept = engine.checkpoint(LogPosition::default(), BlocksFile::Rewrite);
    let restored = SloEngine::restore(slos(YAML), EngineSettings::default(), &kept.head, &kept.new_blocks);
    assert_eq!(notes(&restored.unwrap().0), said);
}

/// Bytes of recent samples after an hour of scrapes every 15 s.
fn bytes_kept(origin: Origin) -> usize {
    let mut engine = engine();
    for step in 1..=240 {
        let at = START + TimeDelta(SCRAPE.0 * step);
        let samples = vec![(SeriesId(1), Sample::new(at, step as f64))];
        engine.step(Event::Batch(&Batch::floats(origin, at, samples)), at);
    }
    engine.ledger().recent_heap_bytes()
}

#[test]
fn recent_samples_are_kept_only_where_others_may_come_late() {
    assert_eq!(bytes_kept(Origin::Scrape { target: UP, ok: true, interval: SCRAPE }), 0);
    let remote = Origin::Remote { target: UP, ok: true, interval: SCRAPE, births: Births::Counted };
    let bytes = bytes_kept(remote);
    assert!((656..=1200).contains(&bytes), "41 samples and what surrounds them: {bytes}");
}
