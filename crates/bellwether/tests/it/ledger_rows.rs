//! What objectives counted, as series: every window of the ledger is a difference of two rows, whatever happens between.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether::ledger_rows::{BAD_EVENTS, EVENTS, GOAL, MEASURED};
use bellwether_model::{
    Batch, Labels, METRIC_NAME, Matcher, Origin, Sample, TimeDelta, TimeRange, Timestamp,
};
use bellwether_slo::{EngineSettings, Event, SloEngine, Stretch};
use bellwether_tsdb::fault_disk::{FaultDisk, Faults};
use serde_json::Value;

use crate::ledger_rows_world::{BEGIN, CONFIG, DAY, HOUR, World, open, slos};
use crate::process::{Folder, Server};

/// Labels of rows, and the stream they are of.
fn streams() -> [(Labels, Labels); 3] {
    let everything = Labels::from_pairs([("slo", "shop"), ("service", "web")]);
    let group = |zone| (everything.with("zone", zone), Labels::from_pairs([("zone", zone)]));
    [(everything.clone(), Labels::empty()), group("north"), group("south")]
}

/// Windows whose edges are minutes: what the ledger says of them, and what rows say.
fn check_windows(world: &mut World, count: u64) {
    let rows = [EVENTS, BAD_EVENTS, MEASURED].map(|name| world.rows(name));
    for (labels, stream) in streams() {
        let [events, bad, measured] = rows.each_ref().map(|rows| &rows[&labels]);
        let times: Vec<Timestamp> = events.keys().copied().collect();
        for _ in 0..count {
            let edges = [(); 2].map(|()| times[world.random(times.len() as u64) as usize]);
            let stretch = Stretch { begin: edges[0].min(edges[1]), end: edges[0].max(edges[1]) };
            let window =
                world.pipeline.read().unwrap().slo.window_over("web/shop", &stream, stretch).unwrap();
            let between = |rows: &BTreeMap<Timestamp, f64>| rows[&stretch.end] - rows[&stretch.begin];
            assert_eq!(between(events), window.counts.total, "{labels} {stretch:?}");
            assert_eq!(between(bad), window.counts.bad, "{labels} {stretch:?}");
            let off = between(measured) - window.measured.as_secs_f64();
            assert!(off.abs() < 1e-6, "{labels} {stretch:?}: {off}");
        }
    }
}

#[test]
fn a_window_of_the_ledger_is_the_difference_of_two_rows_also_of_a_group_that_is_gone() {
    let mut world = World::new(TimeDelta::from_secs(15));
    for _ in 0..10 {
        world.live(TimeDelta(97 * TimeDelta::MINUTE.0), BEGIN + TimeDelta(12 * HOUR.0));
        world.keep();
        check_windows(&mut world, 40);
    }
    let rows = world.rows(EVENTS);
    let ends = streams().map(|(labels, _)| *rows[&labels].last_key_value().unwrap().0);
    assert_eq!((ends[0], ends[1]), (world.now.floor_to(TimeDelta::MINUTE), ends[0]));
    assert!((ends[2] - BEGIN).0 <= 12 * HOUR.0, "{ends:?}: nothing is said of what nobody measured");
    let finals = (world.now - BEGIN).0 / TimeDelta::MINUTE.0 - 6 * 60;
    assert!(
        world.stored() > 2 * 3 * finals as u64,
        "{} samples are stored of {finals} minutes",
        world.stored()
    );
}

#[test]
fn a_crash_between_any_two_steps_neither_loses_nor_doubles_a_row() {
    let mut world = World::new(TimeDelta::from_secs(60));
    let mut deaths = 0;
    world.live(TimeDelta::MINUTE, Timestamp::MAX);
    world.checkpoint();
    for _ in 0..60 {
        let minutes = world.random(90) as i64;
        world.live(TimeDelta(minutes * TimeDelta::MINUTE.0), Timestamp::MAX);
        match world.random(6) {
            0 => world.checkpoint(),
            1 => world.keep(),
            2 => {
                // The rows are in memory, and the disk refuses to make them durable.
                world.disk.set_faults(Faults { failing_syncs: 1, ..Faults::default() });
                let _ = world.keeper.step(world.now, world.now - world.retention);
                world.disk.set_faults(Faults::default());
                world.kill();
                deaths += 1;
            }
            3 => {
                world.keep();
                world.kill();
                deaths += 1;
            }
            _ => {}
        }
    }
    world.keep();
    assert!(deaths > 5, "{deaths}");
    check_windows(&mut world, 100);
    for (labels, rows) in world.rows(EVENTS) {
        let minutes = (*rows.last_key_value().unwrap().0 - *rows.first_key_value().unwrap().0).0;
        assert_eq!(rows.len() as i64, minutes / TimeDelta::MINUTE.0 + 1, "{labels}: every minute once");
    }
}

#[test]
fn rows_are_kept_as_long_as_is_said_whatever_becomes_of_the_ledger() {
    let mut world = World::new(TimeDelta(10 * TimeDelta::MINUTE.0));
    for _ in 0..30 {
        world.live(DAY, Timestamp::MAX);
        world.keep();
    }
    world.retention = TimeDelta(12 * DAY.0);
    for _ in 0..2 {
        world.live(DAY + HOUR, Timestamp::MAX);
        world.keep();
    }
    let (everything, _) = &streams()[0];
    let first = |world: &World| *world.rows(EVENTS)[everything].first_key_value().unwrap().0;
    let age = (world.now - first(&world)).0 / DAY.0;
    assert!((12..=23).contains(&age), "a segment of ten days goes as a whole: {age} days");
    assert!(world.keeper.rows.store().stats().segments <= 15);
    // The ledger is lost, and the samples with it: the rows are not, and go on.
    let before = world.rows(EVENTS)[everything].clone();
    let empty = SloEngine::new(slos(CONFIG), EngineSettings::default());
    (world.pipeline, world.keeper) =
        World::parts(&FaultDisk::new(), SloEngine::new(Vec::new(), EngineSettings::default()));
    (world.pipeline, world.keeper) = World::parts(&world.disk, empty);
    world.announce();
    world.live(DAY, Timestamp::MAX);
    world.keep();
    let rows = world.rows(EVENTS)[everything].clone();
    let (last_before, _) = before.iter().rev().nth(6 * 60 + 5).unwrap();
    assert_eq!(rows[last_before], before[last_before]);
    let stream = Stretch { begin: BEGIN, end: world.now };
    let counted = world.pipeline.read().unwrap().slo.window_over("web/shop", &Labels::empty(), stream);
    let (_, end) = rows.last_key_value().unwrap();
    assert!(*end >= before[last_before] + counted.unwrap().counts.total, "never less than before");
}

#[test]
fn a_changed_selector_goes_on_from_where_the_rows_ended() {
    let mut world = World::new(TimeDelta::from_secs(60));
    world.live(TimeDelta(10 * HOUR.0), Timestamp::MAX);
    world.keep();
    let changed = CONFIG.replace("total: requests_total", "total: 'requests_total{zone=\"north\"}'");
    world.pipeline.write().unwrap().slo.step(Event::Reload(slos(&changed)), world.now);
    world.pipeline.write().unwrap().slo.past_is_counted();
    world.announce();
    let (everything, _) = &streams()[0];
    let before = world.rows(EVENTS)[everything].clone();
    let changed_at = world.now;
    world.live(TimeDelta(10 * HOUR.0), Timestamp::MAX);
    world.keep();
    let rows = world.rows(EVENTS)[everything].clone();
    let stretch = Stretch { begin: changed_at + HOUR, end: changed_at + TimeDelta(9 * HOUR.0) };
    let window = world.pipeline.read().unwrap().slo.window_over("web/shop", &Labels::empty(), stretch);
    assert_eq!(rows[&stretch.end] - rows[&stretch.begin], window.unwrap().counts.total);
    assert!(rows[&stretch.begin] >= *before.last_key_value().unwrap().1);
}

#[test]
fn foreign_series_of_the_same_name_are_put_aside() {
    let mut world = World::new(TimeDelta::from_secs(60));
    world.live(HOUR, Timestamp::MAX);
    world.keep();
    let raw = open(&FaultDisk::new(), "raw");
    let samples = [EVENTS, "up", GOAL].map(|name| {
        let labels = Labels::from_pairs([("__name__", name), ("job", "other"), ("slo", "shop")]);
        (raw.series(&labels).unwrap(), Sample::new(world.now, 5.0))
    });
    raw.append(&Batch::floats(Origin::Rules, world.now, samples.to_vec())).unwrap();
    let source = world.keeper.rows.beside(Arc::new(raw.snapshot()));
    let check = |matchers: &[Matcher], want: &[(&str, usize)]| {
        let range = TimeRange::new(world.now - HOUR, world.now);
        let views: Vec<Labels> =
            source.select(matchers, range).unwrap().into_iter().map(|v| v.labels).collect();
        assert_eq!(views, source.series(matchers, range).unwrap(), "{matchers:?}");
        let mut found = BTreeMap::<&str, usize>::new();
        views.iter().for_each(|labels| *found.entry(labels.metric_name().unwrap()).or_default() += 1);
        assert_eq!(found, want.iter().copied().collect(), "{matchers:?}");
    };
    let foreign = "exported_bellwether_sli_events_total";
    check(&[Matcher::equal(METRIC_NAME, EVENTS)], &[(EVENTS, 3)]);
    check(&[Matcher::equal(METRIC_NAME, foreign)], &[(foreign, 1)]);
    check(&[Matcher::equal(METRIC_NAME, "up")], &[("up", 1)]);
    check(
        &[Matcher::equal("slo", "shop")],
        &[
            (EVENTS, 3),
            (BAD_EVENTS, 3),
            (MEASURED, 3),
            (GOAL, 1),
            ("up", 1),
            (foreign, 1),
            ("exported_bellwether_slo_objective_ratio", 1),
        ],
    );
    let names = source.label_values(METRIC_NAME, &[], TimeRange::ALL).unwrap();
    assert!(names.contains(&foreign.to_owned()) && names.contains(&EVENTS.to_owned()), "{names:?}");
}

const SERVED: &str = "
prometheus: {global: {evaluation_interval: 200ms}}
storage: {retention: 1d, ledger_retention: 500d}
rules: ['rules.yml']
slos:
  - {name: depth, goal: '90%', window: 1h, indicator: {threshold: {query: depth, below: 10, slice: 1s}}, alerts: []}
";

const RULES: &str = "
groups:
- name: g
  rules:
  - {record: depth, expr: vector(5)}
  - {record: doubled, expr: bellwether_slo_objective_ratio * 2}
";

async fn value(server: &Server, query: &str) -> Result<f64, String> {
    let answer = server.json(&format!("/api/v1/query?query={query}")).await;
    let value = answer["data"]["result"][0]["value"][1].as_str().map(str::to_owned);
    value.and_then(|value| value.parse().ok()).ok_or_else(|| answer.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_rules_and_lists_of_a_server_know_rows_also_after_a_kill() {
    let folder = Folder::new("ledger-rows");
    let config = folder.write("bellwether.yml", SERVED);
    folder.write("rules.yml", RULES);
    for start in ["first", "after a kill"] {
        let server = Server::start(&config, &folder.path("data")).await;
        let events = "bellwether_sli_events_total{slo=%22depth%22}";
        server.until(start, async |server: &Server| value(server, events).await).await;
        server.until("a rule reads rows", async |server: &Server| value(server, "doubled").await).await;
        assert_eq!(value(&server, "bellwether_slo_objective_ratio").await, Ok(0.9), "{start}");
        let names = server.json("/api/v1/label/__name__/values").await;
        let has = |name: &str| names["data"].as_array().unwrap().iter().any(|value| value == name);
        assert!(has(EVENTS) && has(GOAL) && has("depth"), "{start}: {names}");
        let series = server.json("/api/v1/series?match[]=bellwether_sli_measured_seconds_total").await;
        assert_eq!(series["data"][0]["slo"], Value::from("depth"), "{start}: {series}");
        drop(server); // which kills it
    }
}
