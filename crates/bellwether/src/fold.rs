//! Bringing the ledger up to date while a server starts: what the log holds beyond the checkpoint is folded in; where
//! the log does not reach back to its beginning, the stored samples take its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Alert, AlertFingerprint, LogPosition, TimeDelta, Timestamp};
use bellwether_tsdb::{LogEvent, ReplayError, Store};
use indicatif::ProgressBar;
use tracing::info;

use crate::backfill;
use crate::decide::StoreLookup;
use crate::health::{Health, Trouble};
use crate::pipeline::{Pipeline, Replayed};
use crate::terminal;

/// Counts what the log holds beyond the checkpoint; without a checkpoint, all of it, or what is stored if the log no
/// longer has all of it. Of each alert only its last word is routed: what fired and cleared while nobody looked is
/// over.
pub fn fold(
    store: &Arc<Store>,
    pipeline: &mut Pipeline,
    from: Option<LogPosition>,
    setting: Fold<'_>,
) -> Folded {
    let mut folding = Folding::new(store, pipeline);
    let position = match from {
        None if store.has_whole_log() && !setting.has_imports => match folding.replay(LogPosition::default())
        {
            Ok(position) => {
                // All that ever happened has just been counted.
                folding.pipeline.slo.past_is_counted();
                position
            }
            Err(error) => folding.give_up(&error, setting.health),
        },
        None => {
            info!("the log does not reach back to its beginning; counting the stored samples");
            store.position()
        }
        Some(from) => folding.go_on(from, setting.health),
    };
    let Folding { labels, last_words, batches, .. } = folding;
    let series = u32::try_from(store.stats().series).unwrap_or(u32::MAX);
    pipeline.announce_known(series, &labels);
    backfill::fill(&mut pipeline.slo, store, setting.retention, setting.now);
    // Time in which this program did not run is not the targets' fault.
    pipeline.slo.resume(setting.now);
    info!(batches, "ledger is up to date");
    Folded { position, alerts: last_words.into_values().collect() }
}

/// A fold under way.
struct Folding<'a> {
    store: &'a Arc<Store>,
    pipeline: &'a mut Pipeline,
    labels: StoreLookup,
    bar: ProgressBar,
    last_words: BTreeMap<AlertFingerprint, Alert>,
    batches: u64,
}

impl<'a> Folding<'a> {
    fn new(store: &'a Arc<Store>, pipeline: &'a mut Pipeline) -> Self {
        Self {
            store,
            pipeline,
            labels: StoreLookup(store.clone()),
            bar: terminal::spinner(
                "{spinner} counting what the log holds beyond the ledger's checkpoint {msg}",
            ),
            last_words: BTreeMap::new(),
            batches: 0,
        }
    }

    /// From a checkpoint on. Where the log begins only later, what lies between is lost and the rest is counted.
    fn go_on(&mut self, from: LogPosition, health: &Health) -> LogPosition {
        let replayed = match self.replay(from) {
            Err(error @ ReplayError::Gone { .. }) => {
                self.give_up(&error, health);
                self.replay(LogPosition::default())
            }
            replayed => replayed,
        };
        replayed.unwrap_or_else(|error| self.give_up(&error, health))
    }

    fn replay(&mut self, from: LogPosition) -> Result<LogPosition, ReplayError> {
        let store = self.store;
        let replayed = store.replay(from, &mut |event| {
            self.take(match event {
                LogEvent::Series { id, .. } => Replayed::Series(id),
                LogEvent::Batch { batch, .. } => Replayed::Batch(batch),
                LogEvent::Lost { .. } => Replayed::Lost,
            });
        });
        self.bar.finish_and_clear();
        replayed
    }

    fn take(&mut self, record: Replayed<'_>) {
        self.batches += u64::from(matches!(record, Replayed::Batch(_)));
        for alert in self.pipeline.replay(record, &self.labels) {
            self.last_words.insert(alert.fingerprint(), alert);
        }
        if self.batches % 1000 == 999 {
            self.bar.set_message(format!("{} batches", self.batches));
            self.bar.tick();
        }
    }

    /// What cannot be read is time not measured, and is said so.
    fn give_up(&mut self, error: &ReplayError, health: &Health) -> LogPosition {
        self.take(Replayed::Lost);
        health.report(
            Trouble::Damage,
            format!("the log cannot be read from the ledger's checkpoint on; what lies between is not measured: {error}"),
        );
        self.store.position()
    }
}

/// What folding needs to know.
#[derive(Clone, Copy)]
pub struct Fold<'a> {
    /// How far back samples are kept.
    pub retention: TimeDelta,
    /// The moment it is.
    pub now: Timestamp,
    /// Whether there is history that never was in the log.
    pub has_imports: bool,
    /// Where damage is reported.
    pub health: &'a Health,
}

/// Where the fold ended, and what it has to say.
pub struct Folded {
    /// Everything before it is counted.
    pub position: LogPosition,
    /// Of each alert its last word.
    pub alerts: Vec<Alert>,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bellwether_alerts::{AlertCore, Restored};
    use bellwether_model::{Batch, Labels, Origin, Sample, SeriesId};
    use bellwether_rules::RuleEngine;
    use bellwether_slo::{BlocksFile, EngineSettings, SloEngine};
    use bellwether_tsdb::Options;
    use bellwether_tsdb::fault_disk::FaultDisk;

    use super::*;
    use crate::checkpoint::durable_series;
    use crate::config;
    use crate::reload::Settings;

    const CONFIG: &str = "
slos:
  - name: s
    goal: \"90%\"
    window: 1d
    indicator: {ratio: {bad: errors_total, total: requests_total}}
";
    const INTERVAL: TimeDelta = TimeDelta(15_000);

    struct World {
        disk: FaultDisk,
        now: Timestamp,
    }

    impl World {
        fn open(&self) -> Arc<Store> {
            let options = Options { log_file_bytes_max: 500, ..Options::default() };
            Arc::new(Store::open(Path::new("data"), options, Arc::new(self.disk.clone())).unwrap().0)
        }

        /// Scrapes a target that serves ten requests between two scrapes.
        fn scrape(&mut self, store: &Store, times: i64) {
            let id = |name: &str| store.series(&Labels::from_pairs([("__name__", name)])).unwrap();
            let (up, errors, requests) = (id("up"), id("errors_total"), id("requests_total"));
            for _ in 0..times {
                self.now += INTERVAL;
                let served = (self.now.0 / INTERVAL.0 * 10) as f64;
                let sample = |id: SeriesId, value| (id, Sample::new(self.now, value));
                let samples = vec![sample(up, 1.0), sample(errors, 0.0), sample(requests, served)];
                let origin = Origin::Scrape { target: up, ok: true, interval: INTERVAL };
                store.append(&Batch::floats(origin, self.now, samples)).unwrap();
                store.sync().unwrap();
            }
        }

        fn fold(
            &self,
            store: &Arc<Store>,
            engine: Option<SloEngine>,
            from: Option<LogPosition>,
        ) -> (Pipeline, Folded) {
            let config = config::load_text("test", CONFIG).config.unwrap();
            let settings = Settings::of(&config, "http://here");
            let engine =
                engine.unwrap_or_else(|| SloEngine::new(config.slos.clone(), EngineSettings::default()));
            let alerts = AlertCore::restore(settings.alerts, Restored::default(), self.now);
            let mut pipeline = Pipeline::new(engine, RuleEngine::new(settings.rules), alerts);
            let health = Health::default();
            let setting =
                Fold { retention: TimeDelta::DAY, now: self.now, has_imports: false, health: &health };
            let folded = fold(store, &mut pipeline, from, setting);
            (pipeline, folded)
        }

        /// A restart: the store is opened anew, and the checkpoint folded on.
        fn restart(
            &self,
            store: Arc<Store>,
            mut before: Pipeline,
            at: LogPosition,
        ) -> (Arc<Store>, Pipeline) {
            let kept = before.slo.checkpoint(at, BlocksFile::Rewrite);
            drop(store);
            let store = self.open();
            let slos = config::load_text("test", CONFIG).config.unwrap().slos;
            let (head, blocks) = (&kept.head, &kept.new_blocks);
            let (engine, from) = SloEngine::restore(slos, EngineSettings::default(), head, blocks).unwrap();
            let pipeline = self.fold(&store, Some(engine), Some(from)).0;
            (store, pipeline)
        }

        fn total(&self, pipeline: &Pipeline) -> f64 {
            pipeline.slo.status(self.now)[0].streams[0].total.total
        }
    }

    #[test]
    fn a_series_created_before_a_checkpoint_and_sampled_after_it_counts_from_zero() {
        let mut world = World { disk: FaultDisk::new(), now: Timestamp(1_700_000_040_000) };
        let store = world.open();
        world.scrape(&store, 4);
        let (mut pipeline, folded) = world.fold(&store, None, None);
        // Its target has been answered, but the answer is still on its way into the log.
        let labels = Labels::from_pairs([("__name__", "requests_total"), ("path", "/new")]);
        let new = store.series(&labels).unwrap();
        store.sync().unwrap();
        assert!(store.position() > folded.position);
        pipeline.announce_born(durable_series(&store), &StoreLookup(store.clone()));
        let checkpoint = pipeline.slo.checkpoint(store.position(), BlocksFile::Rewrite);

        let up = store.series(&Labels::from_pairs([("__name__", "up")])).unwrap();
        world.now += INTERVAL;
        let samples = vec![(up, Sample::new(world.now, 1.0)), (new, Sample::new(world.now, 7.0))];
        let origin = Origin::Scrape { target: up, ok: true, interval: INTERVAL };
        store.append(&Batch::floats(origin, world.now, samples)).unwrap();
        store.sync().unwrap();
        let slos = config::load_text("test", CONFIG).config.unwrap().slos;
        let (head, blocks) = (&checkpoint.head, &checkpoint.new_blocks);
        let (engine, from) = SloEngine::restore(slos, EngineSettings::default(), head, blocks).unwrap();
        let (pipeline, _) = world.fold(&store, Some(engine), Some(from));
        assert_eq!(world.total(&pipeline), 30.0 + 7.0);
    }

    #[test]
    fn a_log_that_begins_too_late_is_made_up_for_by_the_stored_samples() {
        let mut world = World { disk: FaultDisk::new(), now: Timestamp(1_700_000_040_000) };
        let store = world.open();
        world.scrape(&store, 40);
        let (whole, folded) = world.fold(&store, None, None);
        assert_eq!(world.total(&whole), 390.0);
        store.release(folded.position);
        let removed = store.seal(world.now - TimeDelta::MINUTE).unwrap().log_files_removed;
        assert!(removed > 0 && !store.has_whole_log());
        world.scrape(&store, 4);
        assert_eq!(world.total(&world.fold(&store, None, None).0), 430.0, "the checkpoint is lost");
        drop(store);
        assert_eq!(world.total(&world.fold(&world.open(), None, None).0), 430.0, "and after another start");
    }

    #[test]
    fn raw_samples_of_a_day_leave_a_budget_of_30_days_whole() {
        let mut world = World { disk: FaultDisk::new(), now: Timestamp(1_700_000_040_000) };
        let month: String = CONFIG.replace("window: 1d", "window: 30d");
        let slos = |text: &str| config::load_text("test", text).config.unwrap().slos;
        let store = world.open();
        world.scrape(&store, 400);
        let (mut pipeline, folded) = world.fold(&store, None, None);
        pipeline.slo.step(bellwether_slo::Event::Reload(slos(&month)), world.now);
        let total = |pipeline: &Pipeline| world.total(pipeline);
        assert_eq!(total(&pipeline), 3990.0);
        store.release(folded.position);
        store.seal(world.now).unwrap();
        assert!(
            store.enforce_retention(world.now + TimeDelta::DAY).unwrap().samples > 0,
            "all of it is gone"
        );
        let (store, mut pipeline) = world.restart(store, pipeline, folded.position);
        pipeline.slo.step(bellwether_slo::Event::Reload(slos(&month)), world.now);
        assert_eq!(total(&pipeline), 3990.0, "after a restart");
        let stricter = month.replace("90%", "99%");
        pipeline.slo.step(bellwether_slo::Event::Reload(slos(&stricter)), world.now);
        backfill::fill(&mut pipeline.slo, &store, TimeDelta::DAY, world.now);
        assert_eq!(total(&pipeline), 3990.0, "after a reload");
    }

    #[test]
    fn a_checkpoint_older_than_the_log_is_gone_on_with_from_where_the_log_begins() {
        let mut world = World { disk: FaultDisk::new(), now: Timestamp(1_700_000_040_000) };
        let store = world.open();
        world.scrape(&store, 4);
        let (early, folded) = world.fold(&store, None, None);
        let old = folded.position;
        world.scrape(&store, 40);
        store.release(store.position());
        assert!(store.seal(world.now - TimeDelta::MINUTE).unwrap().log_files_removed > 0);
        world.scrape(&store, 4);
        let (late, folded) = world.fold(&store, Some(early.slo), Some(old));
        assert_eq!(folded.position, store.position());
        assert_eq!(world.total(&late), 470.0, "the counter knows what the log forgot");
        assert_eq!(
            late.slo.status(world.now)[0].streams[0].measurement,
            bellwether_slo::Measurement::Partial
        );
    }
}
