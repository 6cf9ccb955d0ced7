//! Series that will never be heard of again are let go of: no number changes, and what is remembered does not grow with
//! the pods that came and went.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{
    Batch, Labels, LogPosition, Origin, STALE_NAN, Sample, SeriesId, TimeDelta, Timestamp,
};
use bellwether_slo::{BlocksFile, EngineSettings, Event, Ledger, SloEngine};

use crate::exactness::{Setting, Unseen, fold};
use crate::trace::{Draw, Entry, START};
use crate::world::slos;

const TRACES: u64 = 100;

/// The last entry of a log that speaks of each series, or of another view of the same counter: a classic histogram may
/// go on as a native one.
fn last_heard(log: &[Entry]) -> BTreeMap<SeriesId, usize> {
    let (mut last, mut names) = (BTreeMap::new(), BTreeMap::new());
    for (place, entry) in log.iter().enumerate() {
        match entry {
            Entry::Born(id, labels) => {
                last.insert(*id, place);
                names.insert(*id, labels.without(&["__name__", "le"]));
            }
            Entry::Batch(batch) => {
                let target = match batch.origin {
                    Origin::Scrape { target, .. } => Some(target),
                    _ => None,
                };
                last.extend(batch.series().chain(target).map(|id| (id, place)));
            }
        }
    }
    let mut of_name: BTreeMap<&Labels, usize> = BTreeMap::new();
    for (id, name) in &names {
        let known = of_name.entry(name).or_default();
        *known = (*known).max(last[id]);
    }
    last.iter().map(|(id, place)| (*id, names.get(id).map_or(*place, |name| of_name[name]))).collect()
}

#[test]
fn letting_go_of_what_never_comes_again_changes_no_number() {
    let (mut unseen, mut let_go) = (Unseen::default(), 0);
    for seed in 0..TRACES {
        let mut draw = Draw::new(50_000 + seed);
        let setting = Setting::draw(&mut draw);
        let last = last_heard(&setting.trace.log);
        let mut ledger = Ledger::new(setting.ledger);
        ledger.set_indicators([&setting.indicator()]);
        let mut small = Draw::new(seed);
        for (place, entry) in setting.trace.log.iter().enumerate() {
            fold(&mut ledger, std::slice::from_ref(entry));
            if small.one_in(15) {
                let is_gone = |id: &SeriesId| last.get(id).is_none_or(|last| *last <= place);
                let gone: BTreeSet<SeriesId> =
                    ledger.remembered_series().into_iter().filter(is_gone).collect();
                let_go += ledger.let_go(&gone).series;
            }
        }
        let whole = setting.folded();
        let key = setting.indicator().key();
        assert_eq!(ledger.streams(&key), whole.streams(&key), "seed {seed}");
        for (labels, stream) in whole.streams(&key) {
            for length in [15, 60, 300, 3600, 86_400].map(TimeDelta::from_secs) {
                // Counts, what is measured of them, and their bounds.
                let (found, expected) = (ledger.window(stream, length), whole.window(stream, length));
                assert_eq!(found, expected, "seed {seed}, {:?}, stream {labels}", setting.trace.kind);
            }
        }
        setting.check(seed, &ledger, &mut draw, &mut unseen);
    }
    bellwether_testkit::cases::ran("slo/let-go", TRACES);
    assert!(let_go > 200, "{let_go} series were let go of");
}

const FLEET: &str =
    "slos: [{name: it, goal: 0.99, window: 1d, indicator: {ratio: {bad: bad, total: total}}, alerts: []}]";

/// Pods that live for ten scrapes each, two counters and their `up`; so many at a time.
struct Fleet {
    engine: SloEngine,
    live: Vec<[SeriesId; 3]>,
    next: u32,
    at: Timestamp,
}

impl Fleet {
    fn new(pods: usize) -> Self {
        let mut fleet = Self {
            engine: SloEngine::new(slos(FLEET), EngineSettings::default()),
            live: Vec::new(),
            next: 0,
            at: START,
        };
        (0..pods).for_each(|_| fleet.bear());
        fleet
    }

    fn bear(&mut self) {
        let pod = self.next.to_string();
        let ids = ["up", "bad", "total"].map(|name| {
            let id = SeriesId(self.next);
            self.next += 1;
            let labels = Labels::from_pairs([("__name__", name), ("job", "api"), ("instance", pod.as_str())]);
            self.engine.step(Event::SeriesBorn { id, labels: &labels }, self.at);
            id
        });
        self.live.push(ids);
    }

    /// All pods are scraped; a tenth of them go, and as many come.
    fn turn(&mut self) -> BTreeSet<SeriesId> {
        self.at += TimeDelta(15_000);
        let leaving = self.live.len() / 10;
        for (place, [up, bad, total]) in self.live.clone().into_iter().enumerate() {
            let goes = place < leaving;
            let value = |value: f64| Sample::new(self.at, if goes { STALE_NAN } else { value });
            let age = (self.at - START).0 as f64 / 15_000.0;
            let samples = vec![(up, value(1.0)), (bad, value(age)), (total, value(age * 10.0))];
            let origin = Origin::Scrape { target: up, ok: !goes, interval: TimeDelta(15_000) };
            self.engine.step(Event::Batch(&Batch::floats(origin, self.at, samples)), self.at);
        }
        let gone = self.live.drain(..leaving).flatten().collect();
        (0..leaving).for_each(|_| self.bear());
        gone
    }

    fn head_bytes(&mut self) -> usize {
        self.engine.checkpoint(LogPosition::default(), BlocksFile::Rewrite).head.len()
    }
}

#[test]
fn what_is_remembered_does_not_grow_with_the_pods_that_came_and_went() {
    let (mut fleet, mut keeping) = (Fleet::new(50), Fleet::new(50));
    let mut sizes = Vec::new();
    for turn in 0..400 {
        keeping.turn();
        let gone = fleet.turn();
        fleet.engine.let_go(&gone);
        if turn % 100 == 99 {
            sizes.push((fleet.engine.remembered_series().len(), fleet.head_bytes(), keeping.head_bytes()));
        }
    }
    let (first, last) = (sizes[0], sizes[sizes.len() - 1]);
    let scraped = 45;
    assert_eq!(first.0, 50 * 2 + scraped, "of each pod two counters, and its own series once it was scraped");
    assert_eq!(last.0, first.0);
    let slot_bytes = 16; // the counts of the stream itself
    assert!(last.1 <= first.1 + 300 * slot_bytes + 100, "{sizes:?}");
    assert!(last.2 > 3 * first.2 && last.2 > 20 * last.1, "otherwise it grows without end: {sizes:?}");
    let key = |fleet: &Fleet| fleet.engine.status(fleet.at)[0].clone();
    assert_eq!(format!("{:?}", key(&fleet)), format!("{:?}", key(&keeping)), "no number differs");
    // And after a restart from what was written down.
    let head = fleet.engine.checkpoint(LogPosition::default(), BlocksFile::Rewrite);
    let restored = SloEngine::restore(slos(FLEET), EngineSettings::default(), &head.head, &head.new_blocks);
    let restored = restored.unwrap().0;
    assert_eq!(restored.remembered_series(), fleet.engine.remembered_series());
}
