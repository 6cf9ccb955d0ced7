//! A small world for tests: targets that expose counters, scraped on a grid, with what was exposed kept beside.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_model::{Alert, Batch, Labels, Origin, STALE_NAN, Sample, SeriesId, TimeDelta, Timestamp};
use bellwether_slo::{Effect, EngineSettings, Event, Slo, SloEngine, SloStatus, StreamStatus, parse};

/// Fifteen seconds.
pub(crate) const SCRAPE: TimeDelta = TimeDelta(15_000);

/// Objectives from YAML that must be right.
pub(crate) fn slos(yaml: &str) -> Vec<Arc<Slo>> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("slo.yaml", yaml);
    let slos = parse(&sources, file, &mut out);
    assert!(!out.has_errors(), "{}", out.render(&sources, Style { color: false }));
    slos.into_iter().map(Arc::new).collect()
}

/// An engine and the series it has been told of.
pub(crate) struct World {
    pub(crate) engine: SloEngine,
    pub(crate) now: Timestamp,
    ids: BTreeMap<Labels, SeriesId>,
}

/// `name{a="b",c="d"}` as labels.
pub(crate) fn series(text: &str) -> Labels {
    let (name, rest) = text.split_once('{').unwrap_or((text, "}"));
    let pairs = rest.trim_end_matches('}').split(',').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').expect("name=value");
        (name.to_owned(), value.trim_matches('"').to_owned())
    });
    Labels::from_pairs(pairs.chain([("__name__".to_owned(), name.to_owned())]))
}

impl World {
    pub(crate) fn new(yaml: &str) -> Self {
        let engine = SloEngine::new(slos(yaml), EngineSettings::default());
        Self { engine, now: Timestamp(1_700_000_010_000).ceil_to(TimeDelta::HOUR), ids: BTreeMap::new() }
    }

    pub(crate) fn id(&mut self, labels: &Labels) -> SeriesId {
        if let Some(id) = self.ids.get(labels) {
            return *id;
        }
        let id = SeriesId(self.ids.len() as u32);
        self.ids.insert(labels.clone(), id);
        let effects = self.engine.step(Event::SeriesBorn { id, labels }, self.now);
        assert!(effects.is_empty());
        id
    }

    fn up(&mut self, target: &str) -> SeriesId {
        self.id(&series(&format!("up{{instance={target}}}")))
    }

    /// After a restart every series of the store is announced again, before the log goes on.
    pub(crate) fn announce_again(&mut self) {
        for (labels, id) in &self.ids {
            self.engine.step(Event::SeriesKnown { id: *id, labels }, self.now);
        }
    }

    /// A good scrape of a target, now.
    pub(crate) fn scrape(&mut self, target: &str, values: &[(&str, f64)]) -> Vec<Alert> {
        let batch = self.batch(target, values, true);
        self.apply(&batch)
    }

    /// A scrape that failed, with markers for what is gone.
    pub(crate) fn fail(&mut self, target: &str, gone: &[&str]) -> Vec<Alert> {
        let gone: Vec<(&str, f64)> = gone.iter().map(|name| (*name, STALE_NAN)).collect();
        let batch = self.batch(target, &gone, false);
        self.apply(&batch)
    }

    pub(crate) fn batch(&mut self, target: &str, values: &[(&str, f64)], ok: bool) -> Batch {
        let up = self.up(target);
        let at = self.now;
        let samples =
            values.iter().map(|(name, value)| (self.id(&series(name)), Sample::new(at, *value))).collect();
        Batch::floats(Origin::Scrape { target: up, ok, interval: SCRAPE }, at, samples)
    }

    pub(crate) fn apply(&mut self, batch: &Batch) -> Vec<Alert> {
        alerts(self.engine.step(Event::Batch(batch), self.now))
    }

    pub(crate) fn wait(&mut self, delta: TimeDelta) {
        self.now += delta;
    }

    pub(crate) fn status(&self, id: &str) -> SloStatus {
        self.engine.status(self.now).into_iter().find(|slo| slo.id == id).expect("a known objective")
    }

    /// The stream of everything.
    pub(crate) fn stream(&self, id: &str) -> StreamStatus {
        self.status(id).streams.swap_remove(0)
    }
}

pub(crate) fn alerts(effects: Vec<Effect>) -> Vec<Alert> {
    let alert = |effect| match effect {
        Effect::Alert(alert) => Some(alert),
        Effect::Ask(_) => None,
    };
    effects.into_iter().filter_map(alert).collect()
}
