//! Two targets, the ledger that counts what they expose, and the rows of it, on a disk that fails when it is told to.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, RwLock};

use bellwether::config;
use bellwether::ledger_rows::LedgerRows;
use bellwether::ledger_rows::task::Keeper;
use bellwether::pipeline::Pipeline;
use bellwether::reload::Settings;
use bellwether_alerts::{AlertCore, Restored};
use bellwether_model::{
    Batch, Labels, LogPosition, METRIC_NAME, Matcher, Origin, Sample, SeriesId, SeriesSource, TimeDelta,
    TimeRange, Timestamp,
};
use bellwether_rules::RuleEngine;
use bellwether_slo::{BlocksFile, EngineSettings, Event, Slo, SloEngine};
use bellwether_tsdb::fault_disk::FaultDisk;
use bellwether_tsdb::{Options, Store};

pub(crate) const CONFIG: &str = "
slos:
  - name: shop
    service: web
    goal: '90%'
    window: 30d
    group_by: [zone]
    indicator: {ratio: {bad: errors_total, total: requests_total}}
    alerts: []
";
pub(crate) const BEGIN: Timestamp = Timestamp(1_700_000_040_000);
pub(crate) const DAY: TimeDelta = TimeDelta::DAY;
pub(crate) const HOUR: TimeDelta = TimeDelta::HOUR;

pub(crate) fn slos(yaml: &str) -> Vec<Arc<Slo>> {
    config::load_text("test", yaml).config.expect("a good configuration").slos
}

pub(crate) fn open(disk: &FaultDisk, folder: &str) -> Arc<Store> {
    Arc::new(Store::open(Path::new(folder), Options::default(), Arc::new(disk.clone())).unwrap().0)
}

/// Two targets of two zones, the ledger that counts them, and the rows of it.
pub(crate) struct World {
    pub(crate) disk: FaultDisk,
    pub(crate) every: TimeDelta,
    pub(crate) now: Timestamp,
    pub(crate) draw: u64,
    pub(crate) counters: [[f64; 2]; 2],
    pub(crate) pipeline: Arc<RwLock<Pipeline>>,
    pub(crate) keeper: Keeper,
    /// What a restart goes on from, and what the log has beyond it.
    pub(crate) kept: Option<(Vec<u8>, Vec<u8>)>,
    pub(crate) log: Vec<Batch>,
    pub(crate) retention: TimeDelta,
}

impl World {
    pub(crate) fn new(every: TimeDelta) -> Self {
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

    pub(crate) fn parts(disk: &FaultDisk, engine: SloEngine) -> (Arc<RwLock<Pipeline>>, Keeper) {
        let config = config::load_text("test", CONFIG).config.unwrap();
        let settings = Settings::of(&config, "http://here");
        let alerts = AlertCore::restore(settings.alerts, Restored::default(), BEGIN);
        let pipeline = Pipeline::new(engine, RuleEngine::new(settings.rules), alerts);
        let pipeline = Arc::new(RwLock::new(pipeline));
        let rows = LedgerRows::new(open(disk, "rows"), pipeline.clone());
        (pipeline, Keeper { rows, writer: None, tidied: None })
    }

    pub(crate) fn labels(target: usize, name: &str) -> Labels {
        let zone = ["north", "south"][target];
        Labels::from_pairs([("__name__", name), ("instance", zone), ("zone", zone)])
    }

    pub(crate) fn announce(&mut self) {
        let mut pipeline = self.pipeline.write().unwrap();
        for target in 0..2 {
            for (place, name) in ["up", "errors_total", "requests_total"].iter().enumerate() {
                let labels = Self::labels(target, name);
                let id = SeriesId((target * 3 + place) as u32);
                pipeline.slo.step(Event::SeriesBorn { id, labels: &labels }, self.now);
            }
        }
    }

    pub(crate) fn random(&mut self, below: u64) -> u64 {
        self.draw = self.draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.draw >> 33) % below
    }

    /// Scrapes both targets; they may fail, restart, and from a moment on the second one is gone.
    pub(crate) fn live(&mut self, length: TimeDelta, second_until: Timestamp) {
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

    pub(crate) fn keep(&mut self) {
        while self.keeper.step(self.now, self.now - self.retention).unwrap() {}
    }

    pub(crate) fn checkpoint(&mut self) {
        let kept = self.pipeline.write().unwrap().slo.checkpoint(LogPosition::default(), BlocksFile::Rewrite);
        self.kept = Some((kept.head, kept.new_blocks));
        self.log.clear();
    }

    /// Dies without a word; what was not synced is gone, and the ledger is folded anew from its last checkpoint.
    pub(crate) fn kill(&mut self) {
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

    pub(crate) fn source(&self) -> Arc<dyn SeriesSource> {
        self.keeper.rows.beside(Arc::new(open(&FaultDisk::new(), "raw").snapshot()))
    }

    /// All rows of one name by their labels.
    pub(crate) fn rows(&self, name: &str) -> BTreeMap<Labels, BTreeMap<Timestamp, f64>> {
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

    pub(crate) fn stored(&self) -> u64 {
        let stats = self.keeper.rows.store().stats();
        stats.segment_samples + stats.head_samples
    }
}
