//! What is counted of a counter, rule by rule, and against a brute force over everything that was exposed.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Batch, Labels, Origin, STALE_NAN, Sample, SeriesId, TimeDelta, Timestamp};
use bellwether_slo::{
    Budgeting, Events, Indicator, Latency, Ledger, LedgerSettings, Ratio, Selector, Threshold, Window,
};
use proptest::prelude::*;

use crate::world::{SCRAPE, series};

/// The start of all scripts: the edge of an hour.
const START: Timestamp = Timestamp(1_700_002_800_000);

fn selector(text: &str) -> Selector {
    Selector::parse(text).unwrap()
}

fn bad_of_total() -> Indicator {
    let (bad, total) = (vec![selector("bad")], vec![selector("total")]);
    Indicator {
        budgeting: Budgeting::Occurrences,
        events: Events::Ratio(Ratio::BadTotal { bad, total }),
        group_by: Vec::new(),
        streams_max: 100,
    }
}

fn latency(threshold: f64) -> Indicator {
    let threshold = Threshold::new(threshold).unwrap();
    let events = Events::Latency(Latency { histogram: selector("took"), threshold });
    Indicator { events, budgeting: Budgeting::Occurrences, group_by: Vec::new(), streams_max: 100 }
}

/// A ledger that numbers series as they come.
struct Script {
    ledger: Ledger,
    indicator: Indicator,
    ids: BTreeMap<String, SeriesId>,
}

impl Script {
    fn new(indicator: Indicator, settings: LedgerSettings) -> Self {
        let mut ledger = Ledger::new(settings);
        ledger.set_indicators([&indicator]);
        Self { ledger, indicator, ids: BTreeMap::new() }
    }

    fn id(&mut self, name: &str) -> SeriesId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = SeriesId(self.ids.len() as u32);
        self.ids.insert(name.to_owned(), id);
        self.ledger.series_born(id, &series(name));
        id
    }

    /// `15 a total=5 bad=1`, `15 a fail`, `15 a gone`, or `15 backfill total=5`.
    fn line(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let at = START + TimeDelta::from_secs(words.next().unwrap().parse().unwrap());
        let target = words.next().unwrap();
        let mut samples = Vec::new();
        let mut ok = true;
        for word in words {
            let (name, value) = match word.split_once('=') {
                None => {
                    ok = false;
                    if word == "gone" {
                        samples
                            .push((self.id(&format!("up{{instance={target}}}")), Sample::new(at, STALE_NAN)));
                    }
                    continue;
                }
                Some((name, "stale")) => (name, STALE_NAN),
                Some((name, value)) => (name, value.parse().unwrap()),
            };
            let (name, labels) = name.split_once('/').unwrap_or((name, ""));
            let labels =
                if labels.is_empty() { String::new() } else { format!(",{}", labels.replace(':', "=")) };
            let instance = if target == "backfill" { "a" } else { target };
            samples
                .push((self.id(&format!("{name}{{instance={instance}{labels}}}")), Sample::new(at, value)));
        }
        let origin = match target {
            "backfill" => Origin::Backfill,
            _ => {
                Origin::Scrape { target: self.id(&format!("up{{instance={target}}}")), ok, interval: SCRAPE }
            }
        };
        self.ledger.apply(&Batch::floats(origin, at, samples));
    }

    fn window(&self, length: TimeDelta) -> Option<Window> {
        let everything = self.ledger.streams(&self.indicator.key())[0].1;
        self.ledger.window(everything, length)
    }
}

/// Applies lines, then reads the window of so many seconds that ends with the watermark.
fn check_indicator(indicator: Indicator, script: &str, window_s: i64, expected: &str) {
    let mut world = Script::new(indicator, LedgerSettings::default());
    script.lines().map(str::trim).filter(|line| !line.is_empty()).for_each(|line| world.line(line));
    let shown = match world.window(TimeDelta::from_secs(window_s)) {
        None => "unknown".to_owned(),
        Some(w) => {
            format!("{} of {}, measured {} of {}", w.counts.bad, w.counts.total, w.measured, w.watched)
        }
    };
    assert_eq!(shown, expected, "{script}");
}

fn check(script: &str, expected: &str) {
    check_indicator(bad_of_total(), script, 300, expected);
}

#[test]
fn nothing_is_known_before_the_first_scrape() {
    check("", "unknown");
    check("0 a fail", "unknown");
}

#[test]
fn the_first_scrape_of_a_target_is_a_baseline() {
    check("0 a total=500 bad=70", "0 of 0, measured 0s of 0s");
    check("0 a total=500 bad=70 \n 15 a total=510 bad=71", "1 of 10, measured 15s of 15s");
}

#[test]
fn a_fall_is_a_restart_from_zero() {
    check(
        "0 a total=500 bad=70 \n 15 a total=510 bad=71 \n 30 a total=4 bad=0",
        "1 of 14, measured 30s of 30s",
    );
}

#[test]
fn a_series_born_under_watch_counts_from_zero() {
    check("0 a total=500 \n 15 a total=510 bad=3", "3 of 10, measured 15s of 15s");
    check("0 a total=500 \n 15 a fail \n 30 a total=510 bad=3", "3 of 10, measured 30s of 30s");
    check("0 a total=500 \n 15 a total=510 \n 15 b total=900 bad=40", "0 of 10, measured 15s of 15s");
}

#[test]
fn a_series_that_vanished_goes_on_from_its_last_value() {
    check(
        "0 a total=500 bad=70 \n 15 a total=510 bad=stale \n 30 a total=520 \n 45 a total=530 bad=72",
        "2 of 30, measured 45s of 45s",
    );
}

#[test]
fn a_gap_that_the_counters_survived_is_measured() {
    check(
        "0 a total=500 bad=70 \n 15 a fail \n 30 a fail \n 45 a total=530 bad=75",
        "5 of 30, measured 45s of 45s",
    );
    check("0 a total=500 bad=70 \n 120 a total=530 bad=75", "5 of 30, measured 2m of 2m");
}

#[test]
fn a_gap_with_a_restart_is_not_measured() {
    check(
        "0 a total=500 bad=70 \n 15 a fail \n 30 a fail \n 45 a total=20 bad=1 \n 60 a total=30 bad=1",
        "1 of 30, measured 15s of 1m",
    );
    check("0 a total=500 bad=70 \n 120 a total=20 bad=1", "1 of 20, measured 0s of 2m");
}

#[test]
fn a_target_that_answers_no_more_is_not_measured() {
    check(
        "0 a total=1 bad=0 \n 0 b total=1 bad=0 \n 15 a total=2 bad=0 \n 15 b fail \n 30 a total=3 bad=0 \n 30 b fail",
        "0 of 2, measured 15s of 30s",
    );
}

#[test]
fn a_target_that_is_gone_is_no_longer_expected() {
    check(
        "0 a total=1 bad=0 \n 0 b total=1 bad=0 \n 15 a total=2 bad=0 \n 15 b gone \n 30 a total=3 bad=0",
        "0 of 2, measured 22s500ms of 30s",
    );
}

#[test]
fn a_target_that_returns_goes_on() {
    check(
        "0 a total=10 bad=0 \n 15 a total=20 bad=0 \n 30 a gone \n 90 a total=25 bad=1 \n 105 a total=26 bad=2",
        "2 of 16, measured 30s of 1m45s",
    );
}

#[test]
fn history_written_in_one_go_is_watched_from_its_first_sample() {
    check(
        "0 backfill total=100 \n 60 backfill total=160 bad=1 \n 120 backfill total=200 bad=2 \n 135 a total=210 bad=3",
        "3 of 110, measured 2m15s of 2m15s",
    );
}

#[test]
fn a_scraped_target_takes_over_its_whole_past() {
    // The series of `bad` is in the past only; the target is still measured for it.
    check(
        "0 backfill total=100 bad=0 \n 60 backfill total=160 bad=1 \n 75 a total=170 \n 90 a total=180",
        "1 of 80, measured 1m30s of 1m30s",
    );
}

#[test]
fn values_that_are_no_counts_are_passed_over() {
    check(
        "0 a total=1 bad=0 \n 15 a total=NaN bad=-3 \n 30 a total=6 bad=inf",
        "0 of 5, measured 30s of 30s",
    );
}

#[test]
fn the_same_scrape_twice_counts_once() {
    check("0 a total=1 \n 15 a total=9 \n 15 a total=9 \n 0 a total=1", "0 of 8, measured 15s of 15s");
}

#[test]
fn no_traffic_is_measured_time_without_events() {
    check("0 a total=1 bad=0 \n 15 a total=1 bad=0 \n 30 a total=1 bad=0", "0 of 0, measured 30s of 30s");
}

#[test]
fn bounds_of_buckets_compare_as_numbers() {
    for spelling in ["5000", "5000.0", "5e3"] {
        check_indicator(
            latency(5000.0),
            &format!(
                "0 a took_bucket/le:{spelling}=0 took_bucket/le:+Inf=0 took_count=0
                 15 a took_bucket/le:{spelling}=7 took_bucket/le:+Inf=10 took_count=10"
            ),
            300,
            "3 of 10, measured 15s of 15s",
        );
    }
}

#[test]
fn the_count_stands_in_for_a_missing_infinite_bucket() {
    check_indicator(
        latency(5000.0),
        "0 a took_bucket/le:5000=0 took_count=0 \n 15 a took_bucket/le:5000=7 took_count=10",
        300,
        "3 of 10, measured 15s of 15s",
    );
}

#[test]
fn a_threshold_between_bounds_is_interpolated_and_said_so() {
    let script = "0 a took_bucket/le:4=0 took_bucket/le:8=0 took_bucket/le:+Inf=0
                  15 a took_bucket/le:4=10 took_bucket/le:8=30 took_bucket/le:+Inf=40";
    // A quarter of the way from 4 to 8: 10 + 20/4 of 40 are fast.
    check_indicator(latency(5.0), script, 300, "25 of 40, measured 15s of 15s");
    check_indicator(latency(2.0), script, 300, "35 of 40, measured 15s of 15s");
    check_indicator(latency(9.0), script, 300, "10 of 40, measured 15s of 15s");
}

#[test]
fn too_many_groups_count_in_the_sum_only() {
    let indicator = Indicator { group_by: vec!["shop".to_owned()], streams_max: 2, ..bad_of_total() };
    let mut world = Script::new(indicator, LedgerSettings::default());
    world.line("0 a total/shop:x=0 total/shop:y=0 total/shop:z=0 total=0");
    world.line("15 a total/shop:x=1 total/shop:y=2 total/shop:z=4 total=8");
    let counts: Vec<(String, f64)> = world
        .ledger
        .streams(&world.indicator.key())
        .into_iter()
        .map(|(labels, id)| (labels.to_string(), world.ledger.window(id, SCRAPE).unwrap().counts.total))
        .collect();
    let expected = [("{}", 15.0), ("{shop=\"x\"}", 1.0), ("{shop=\"y\"}", 2.0)];
    assert_eq!(counts, expected.map(|(labels, total)| (labels.to_owned(), total)));
}

#[test]
fn a_target_that_nobody_tries_any_more_is_forgotten() {
    let mut world = Script::new(bad_of_total(), LedgerSettings::default());
    world.line("0 a total=0 bad=0");
    world.line("0 b total=0 bad=0");
    for step in 1..=600 {
        world.line(&format!("{} a total={step} bad=0", step * 15));
    }
    let window = world.window(TimeDelta::from_secs(300)).unwrap();
    assert_eq!(window.measured, window.length, "after an hour only a is expected");
    let window = world.window(TimeDelta::from_secs(9000)).unwrap();
    assert!(window.measured < window.length, "until then half was missing");
}

#[test]
fn a_bridged_gap_is_unlocated_only_for_windows_that_begin_in_it() {
    let mut world = Script::new(bad_of_total(), LedgerSettings::default());
    world.line("0 a total=0 bad=0");
    world.line("15 a total=10 bad=0");
    world.line("300 a total=40 bad=9");
    let unlocated = |seconds| world.window(TimeDelta::from_secs(seconds)).unwrap().unlocated.bad;
    assert_eq!((unlocated(300), unlocated(285), unlocated(270), unlocated(15)), (0.0, 0.0, 9.0, 9.0));
}

// ---- against a brute force ----

/// What one target does between two scrapes.
#[derive(Clone, Copy, Debug)]
enum Move {
    Serve { total: u16, bad: u16 },
    Restart { total: u16 },
    Fail,
    Silence,
    HideBad,
    Gone,
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        12 => (0u16..400, 0u16..40).prop_map(|(total, bad)| Move::Serve { total: total + bad, bad }),
        1 => (0u16..50).prop_map(|total| Move::Restart { total }),
        1 => Just(Move::Fail),
        1 => Just(Move::Silence),
        1 => Just(Move::HideBad),
        1 => Just(Move::Gone),
    ]
}

/// A sample that a target exposed, and whether the target had been scraped before.
struct Exposed {
    series: String,
    at: Timestamp,
    value: f64,
    was_watched: bool,
}

/// Everything a window should hold, from the exposed samples alone. `start` and `end` are its edges.
fn brute_force(exposed: &[Exposed], start: Timestamp, end: Timestamp, kind: &str) -> f64 {
    let names: BTreeSet<&str> =
        exposed.iter().map(|e| e.series.as_str()).filter(|s| s.starts_with(kind)).collect();
    let mut sum = 0.0;
    for name in names {
        let mut previous: Option<f64> = None;
        for sample in exposed.iter().filter(|e| e.series == name) {
            let increment = match previous {
                None if sample.was_watched => sample.value,
                None => 0.0,
                Some(p) if sample.value < p => sample.value,
                Some(p) => sample.value - p,
            };
            previous = Some(sample.value);
            if start < sample.at && sample.at <= end {
                sum += increment;
            }
        }
    }
    sum
}

#[derive(Clone, Copy, Default)]
struct Counter {
    total: f64,
    bad: f64,
    was_scraped: bool,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_equal_a_brute_force_over_exposed_samples(
        trace in prop::collection::vec([moves(), moves(), moves()], 30..700),
        offsets in [0i64..15_000, 0i64..15_000, 0i64..15_000],
        fraction in prop::bool::ANY,
    ) {
        // Twenty minutes of slots, so that most of the trace is folded into minutes and some of it into blocks.
        let recent = TimeDelta::from_secs(1200);
        let mut world = Script::new(bad_of_total(), LedgerSettings { recent, ..LedgerSettings::default() });
        let mut counters = [Counter::default(); 3];
        let mut exposed = Vec::new();
        let unit = if fraction { 0.25 } else { 1.0 };
        // Offsets in order, since batches come in the order of time.
        let mut offsets = offsets;
        offsets.sort_unstable();
        for (step, moves) in trace.iter().enumerate() {
            for (target, (step_move, offset)) in moves.iter().zip(offsets).enumerate() {
                let at = START + TimeDelta(step as i64 * SCRAPE.0 + offset);
                let counter = &mut counters[target];
                let mut hides_bad = false;
                match *step_move {
                    Move::Serve { total, bad } => {
                        counter.total += f64::from(total) * unit;
                        counter.bad += f64::from(bad) * unit;
                    }
                    Move::Restart { total } => (counter.total, counter.bad) = (f64::from(total) * unit, 0.0),
                    Move::HideBad => hides_bad = true,
                    Move::Silence => continue,
                    Move::Fail | Move::Gone => {
                        let up = world.id(&format!("up{{instance={target}}}"));
                        let stale = Sample::new(at, STALE_NAN);
                        let samples = if matches!(step_move, Move::Gone) { vec![(up, stale)] } else { Vec::new() };
                        let origin = Origin::Scrape { target: up, ok: false, interval: SCRAPE };
                        world.ledger.apply(&Batch::floats(origin, at, samples));
                        continue;
                    }
                }
                let up = world.id(&format!("up{{instance={target}}}"));
                let mut samples = Vec::new();
                for (name, value) in [("total", counter.total), ("bad", counter.bad)] {
                    if hides_bad && name == "bad" {
                        continue;
                    }
                    let series = format!("{name}{{instance={target}}}");
                    samples.push((world.id(&series), Sample::new(at, value)));
                    exposed.push(Exposed { series, at, value, was_watched: counter.was_scraped });
                }
                counter.was_scraped = true;
                world.ledger.apply(&Batch::floats(Origin::Scrape { target: up, ok: true, interval: SCRAPE }, at, samples));
            }
        }
        let Some(watermark) = exposed.iter().map(|e| e.at).max() else { return Ok(()) };
        let end = watermark.ceil_to(SCRAPE);
        for seconds in [15, 60, 300, 900, 1200, 1800, 3600, 7200, 86_400] {
            let length = TimeDelta::from_secs(seconds);
            let window = world.window(length).expect("something is known");
            let start = end - window.length;
            let is_recent = length <= recent;
            prop_assert!(window.length == length || (!is_recent && start == (end - length).floor_to(TimeDelta::MINUTE)));
            // Counters of different targets may disagree at an edge: bad events never exceed all events.
            let total = brute_force(&exposed, start, end, "total");
            let bad = brute_force(&exposed, start, end, "bad").min(total);
            prop_assert_eq!((window.counts.bad, window.counts.total), (bad, total), "window {}", length);
            prop_assert!(window.measured <= window.watched && window.watched <= window.length);
        }
    }
}

/// Labels of a series as the tests write them.
#[test]
fn series_are_written_as_people_write_them() {
    let expected = Labels::from_pairs([("__name__", "total"), ("instance", "a"), ("shop", "x")]);
    assert_eq!(series("total{instance=a,shop=x}"), expected);
}

/// A good scrape, and what lay between it and the one before.
struct Heard {
    at: Timestamp,
    fell: bool,
    failed: bool,
    gone: bool,
}

fn slot(at: Timestamp) -> i64 {
    at.ceil_to(SCRAPE).0 / SCRAPE.0
}

/// The slots of one target that were measured, from its good scrapes alone.
fn measured_slots(heard: &[Heard]) -> BTreeSet<i64> {
    let mut slots = BTreeSet::new();
    for pair in heard.windows(2) {
        let (before, now) = (&pair[0], &pair[1]);
        let is_gap = now.failed || (now.at - before.at).0 * 2 > SCRAPE.0 * 3;
        let is_lost = now.gone || (is_gap && now.fell);
        if !is_lost {
            slots.extend(slot(before.at) + 1..=slot(now.at));
        }
    }
    slots
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn measured_time_equals_a_brute_force_over_good_scrapes(
        trace in prop::collection::vec(moves(), 5..600),
        offset in 0i64..15_000,
    ) {
        let recent = TimeDelta::from_secs(1200);
        let mut world = Script::new(bad_of_total(), LedgerSettings { recent, ..LedgerSettings::default() });
        let (mut counter, mut exposed) = (Counter::default(), Counter::default());
        let (mut heard, mut failed, mut gone) = (Vec::<Heard>::new(), false, false);
        for (step, step_move) in trace.iter().enumerate() {
            let at = START + TimeDelta(step as i64 * SCRAPE.0 + offset);
            let up = world.id("up{instance=a}");
            let mut shows_bad = true;
            match *step_move {
                Move::Serve { total, bad } => {
                    counter.total += f64::from(total);
                    counter.bad += f64::from(bad);
                }
                Move::Restart { total } => (counter.total, counter.bad) = (f64::from(total), 0.0),
                Move::HideBad => shows_bad = false,
                Move::Silence => continue,
                Move::Fail | Move::Gone => {
                    let is_gone = matches!(step_move, Move::Gone);
                    (failed, gone) = (true, gone || is_gone);
                    let samples = if is_gone { vec![(up, Sample::new(at, STALE_NAN))] } else { Vec::new() };
                    let origin = Origin::Scrape { target: up, ok: false, interval: SCRAPE };
                    world.ledger.apply(&Batch::floats(origin, at, samples));
                    continue;
                }
            }
            let mut samples = vec![(world.id("total{instance=a}"), Sample::new(at, counter.total))];
            let mut fell = counter.total < exposed.total;
            exposed.total = counter.total;
            if shows_bad {
                samples.push((world.id("bad{instance=a}"), Sample::new(at, counter.bad)));
                fell |= counter.bad < exposed.bad;
                exposed.bad = counter.bad;
            }
            world.ledger.apply(&Batch::floats(Origin::Scrape { target: up, ok: true, interval: SCRAPE }, at, samples));
            heard.push(Heard { at, fell, failed, gone });
            (failed, gone) = (false, false);
        }
        let Some(last) = heard.last().map(|h| h.at) else { return Ok(()) };
        let slots = measured_slots(&heard);
        for seconds in [15, 60, 300, 1200, 1800, 3600, 7200, 86_400] {
            let window = world.window(TimeDelta::from_secs(seconds)).expect("something is known");
            let end = slot(last);
            let start = end - window.length.0 / SCRAPE.0;
            let expected = slots.range(start + 1..=end).count() as i64 * SCRAPE.0;
            prop_assert_eq!(window.measured.0, expected, "window {}", seconds);
        }
    }
}
