//! What objectives counted, as series: every window of the ledger is a difference of two rows, whatever happens between.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use bellwether::config;
use bellwether::ledger_rows::task::Keeper;
use bellwether::ledger_rows::{BAD_EVENTS, EVENTS, GOAL, LedgerRows, MEASURED};
use bellwether::pipeline::Pipeline;
use bellwether::reload::Settings;
use bellwether_alerts::{AlertCore, Restored};
use bellwether_model::{
    Batch, Labels, LogPosition, METRIC_NAME, Matcher, Origin, Sample, SeriesId, SeriesSource, TimeDelta,
    TimeRange, Timestamp,
};
use bellwether_rules::RuleEngine;
use bellwether_slo::{BlocksFile, EngineSettings, Event, Slo, SloEngine, Stretch};
use bellwether_tsdb::fault_disk::{FaultDisk, Faults};
use bellwether_tsdb::{Options, Store};
use serde_json::Value;

use crate::process::{Folder, Server};

const CONFIG: &str = "
slos:
  - name: shop
    service: web
    goal: '90%'
    window: 30d
    group_by: [zone]
    indicator: {ratio: {bad: errors_total, total: requests_total}}
    alerts: []
";
const BEGIN: Timestamp = Timestamp(1_700_000_040_000);
const DAY: TimeDelta = TimeDelta::DAY;
const HOUR: TimeDelta = TimeDelta::HOUR;

fn slos(yaml: &str) -> Vec<Arc<Slo>> {
    config::load_text("test", yaml).config.expect("a good configuration").slos
}

fn open(disk: &FaultDisk, folder: &str) -> Arc<Store> {
    Arc::new(Store::open(Path::new(folder), Options::default(), Arc::new(disk.clone())).unwrap().0)
}

/// Two targets of two zones, the ledger that counts them, and the rows of it.
struct World {
    disk: FaultDisk,
    every: TimeDelta,
    now: Timestamp,
    draw: u64,
    counters: [[f64; 2]; 2],
    pipeline: Arc<RwLock<Pipeline>>,
    keeper: Keeper,
    /// What a restart goes on from, and what the log has beyond it.
    kept: Option<(Vec<u8>, Vec<u8>)>,
    log: Vec<Batch>,
    retention: TimeDelta,
}

impl World {
    fn new(every: TimeDelta) -> Self {
        let disk = FaultDisk::new();
        let engine = SloEngine::new(slos(CONFIG), EngineSettings::default());
        let (pipeline, keeper) = Self::parts(&disk, engine);
        let mut world = Self {
            disk,
            every,
            now: BEGIN,
            draw: 7,
            counters: [[0.0; 2]; 2],
            pipeline,
            keeper,
            kept: None,
            log: Vec::new(),
            retention: TimeDelta(400 * DAY.0),
        };
        world.announce();
        world
    }

    fn parts(disk: &FaultDisk, engine: SloEngine) -> (Arc<RwLock<Pipeline>>, Keeper) {
        let config = config::load_text("test", CONFIG).config.unwrap();
        let settings = Settings::of(&config, "http://here");
        let alerts = AlertCore::restore(settings.alerts, Restored::default(), BEGIN);
        let pipeline = Pipeline::new(engine, RuleEngine::new(settings.rules), alerts);
        let pipeline = Arc::new(RwLock::new(pipeline));
        let rows = LedgerRows::new(open(disk, "rows"), pipeline.clone());
        (pipeline, Keeper { rows, writer: None, tidied: None })
    }

    fn labels(target: usize, name: &str) -> Labels {
        let zone = ["north", "south"][target];
        Labels::from_pairs([("__name__", name), ("instance", zone), ("zone", zone)])
    }

    fn announce(&mut self) {
        let mut pipeline = self.pipeline.write().unwrap();
        for target in 0..2 {
            for (place, name) in ["up", "errors_total", "requests_total"].iter().enumerate() {
                let labels = Self::labels(target, name);
                let id = SeriesId((target * 3 + place) as u32);
                pipeline.slo.step(Event::SeriesBorn { id, labels: &labels }, self.now);
            }
        }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.draw = self.draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.draw >> 33) % below
    }

    /// Scrapes both targets; they may fail, restart, and from a moment on the second one is gone.
    fn live(&mut self, length: TimeDelta, second_until: Timestamp) {
        let end = self.now + length;
        while self.now + self.every <= end {
            self.now += self.every;
            for target in 0..2 {
                let (requests, bad, fate) = (self.random(40), self.random(3), self.random(50));
                if target == 1 && self.now > second_until {
                    continue;
                }
                if fate == 0 {
                    self.counters[target] = [0.0; 2];
                }
                self.counters[target][0] += bad.min(requests) as f64;
                self.counters[target][1] += requests as f64;
                let id = |place: usize| SeriesId((target * 3 + place) as u32);
                let origin = Origin::Scrape { target: id(0), ok: fate != 1, interval: self.every };
                let sample = |place: usize, value| (id(place), Sample::new(self.now, value));
                let [bad, all] = self.counters[target];
                let samples = if fate == 1 { Vec::new() } else { vec![sample(1, bad), sample(2, all)] };
                let batch = Batch::floats(origin, self.now, samples);
                self.pipeline.write().unwrap().slo.step(Event::Batch(&batch), self.now);
                self.log.push(batch);
            }
        }
    }

    fn keep(&mut self) {
        while self.keeper.step(self.now, self.retention).unwrap() {}
    }

    fn checkpoint(&mut self) {
        let kept = self.pipeline.write().unwrap().slo.checkpoint(LogPosition::default(), BlocksFile::Rewrite);
        self.kept = Some((kept.head, kept.new_blocks));
        self.log.clear();
    }

    /// Dies without a word; what was not synced is gone, and the ledger is folded anew from its last checkpoint.
    fn kill(&mut self) {
        let (head, blocks) = self.kept.clone().expect("a checkpoint");
        let settings = EngineSettings::default();
        let engine = SloEngine::restore(slos(CONFIG), settings, &head, &blocks).unwrap().0;
        self.disk.restart(self.draw);
        let empty = SloEngine::new(Vec::new(), EngineSettings::default());
        let nowhere = Self::parts(&FaultDisk::new(), empty);
        (self.pipeline, self.keeper) = nowhere; // the lock is let go
        (self.pipeline, self.keeper) = Self::parts(&self.disk, engine);
        let mut pipeline = self.pipeline.write().unwrap();
        for batch in &self.log {
            pipeline.slo.step(Event::Batch(batch), batch.at);
        }
    }

    fn source(&self) -> Arc<dyn SeriesSource> {
        self.keeper.rows.beside(Arc::new(open(&FaultDisk::new(), "raw").snapshot()))
    }

    /// All rows of one name by their labels.
    fn rows(&self, name: &str) -> BTreeMap<Labels, BTreeMap<Timestamp, f64>> {
        let views = self.source().select(&[Matcher::equal(METRIC_NAME, name)], TimeRange::ALL).unwrap();
        let rows = views.into_iter().map(|view| {
            let mut samples = Vec::new();
            for chunk in &view.chunks {
                chunk.decode(&mut samples).unwrap();
            }
            assert!(samples.windows(2).all(|two| two[0].at < two[1].at && two[0].value <= two[1].value));
            (view.labels.without_name(), samples.iter().map(|sample| (sample.at, sample.value)).collect())
        });
        rows.collect()
    }

    fn stored(&self) -> u64 {
        let stats = self.keeper.rows.store().stats();
        stats.segment_samples + stats.head_samples
    }
}

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
                let _ = world.keeper.step(world.now, world.retention);
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
            while world.keeper.step(world.now, world.retention).unwrap() {}
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
