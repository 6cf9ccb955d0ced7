//! Restoring a checkpoint and folding the rest of the log equals never having stopped; damage is noticed.

use bellwether_model::{Alert, LogPosition, SeriesId, TimeDelta};
use bellwether_slo::{BlocksFile, Checkpoint, EngineSettings, Event, RestoreError, SloEngine};
use proptest::prelude::*;

use crate::world::{SCRAPE, World, slos};

const YAML: &str = r#"
slos:
  - name: shop
    goal: "90%"
    window: 3h
    indicator: {ratio: {bad: errors_total, total: requests_total}}
    group_by: [shop]
    alerts: [{name: fast, long: 5m, short: 1m, factor: 2}, {name: slow, severity: ticket, long: 1h, factor: 1.5}]
  - name: speed
    goal: 0.9
    window: 3h
    indicator: {latency: {histogram: took, threshold: 5}}
    alerts: []
"#;

/// One scrape of two targets; a seed decides what they expose.
fn step(world: &mut World, counters: &mut [[f64; 2]; 2], draw: u32) -> Vec<Alert> {
    world.wait(SCRAPE);
    let mut alerts = Vec::new();
    for (target, counter) in counters.iter_mut().enumerate() {
        let draw = draw.rotate_right(target as u32 * 7);
        let name = format!("t{target}");
        match draw % 23 {
            0 => *counter = [1.0, 0.0],
            1 => {
                alerts.extend(world.fail(&name, &[]));
                continue;
            }
            2 => continue,
            n => {
                counter[0] += f64::from(n);
                counter[1] += f64::from((draw >> 8) % 5);
            }
        }
        let shop = (draw >> 12) % 4;
        let values = [
            (format!("requests_total{{instance={name},shop={shop}}}"), counter[0]),
            (format!("errors_total{{instance={name},shop={shop}}}"), counter[1]),
            (format!("took_bucket{{instance={name},le=4}}"), counter[0]),
            (format!("took_bucket{{instance={name},le=6}}"), counter[0] * 2.0),
            (format!("took_bucket{{instance={name},le=+Inf}}"), counter[0] * 2.0 + counter[1]),
        ];
        let values: Vec<(&str, f64)> = values.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        alerts.extend(world.scrape(&name, &values));
    }
    alerts
}

/// What the shell keeps in two files.
#[derive(Default)]
struct Files {
    head: Vec<u8>,
    blocks: Vec<u8>,
}

impl Files {
    fn write(&mut self, checkpoint: Checkpoint, blocks: BlocksFile) {
        if blocks == BlocksFile::Rewrite {
            self.blocks.clear();
        }
        self.blocks.extend_from_slice(&checkpoint.new_blocks);
        assert_eq!(self.blocks.len() as u64, checkpoint.blocks_len);
        self.head = checkpoint.head;
    }

    fn read(&self) -> Result<(SloEngine, LogPosition), RestoreError> {
        SloEngine::restore(slos(YAML), EngineSettings::default(), &self.head, &self.blocks)
    }
}

const HERE: LogPosition = LogPosition { file: 3, offset: 4711 };

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_anywhere_changes_nothing(
        draws in prop::collection::vec(any::<u32>(), 20..2600),
        stops in prop::collection::vec((0usize..2600, any::<bool>()), 1..5),
    ) {
        let (mut steady, mut stopped) = (World::new(YAML), World::new(YAML));
        let (mut a, mut b) = ([[0.0; 2]; 2], [[0.0; 2]; 2]);
        let mut files = Files::default();
        for (index, draw) in draws.iter().enumerate() {
            for (_, rewrite) in stops.iter().filter(|(stop, _)| *stop % draws.len() == index) {
                let mode = if *rewrite { BlocksFile::Rewrite } else { BlocksFile::Append };
                files.write(stopped.engine.checkpoint(HERE, mode), mode);
                let (engine, position) = files.read().expect("what was just written");
                prop_assert_eq!(position, HERE);
                stopped.engine = engine;
                stopped.announce_again();
            }
            prop_assert_eq!(step(&mut steady, &mut a, *draw), step(&mut stopped, &mut b, *draw));
        }
        let show = |world: &World| format!("{:?}", world.engine.status(world.now));
        prop_assert_eq!(show(&steady), show(&stopped));
        let later = steady.now + TimeDelta::HOUR;
        prop_assert_eq!(steady.engine.step(Event::Tick, later), stopped.engine.step(Event::Tick, later));
        prop_assert_eq!(steady.engine.next_wake(), stopped.engine.next_wake());
    }
}

fn some_files() -> Files {
    let (mut world, mut counters, mut files) = (World::new(YAML), [[0.0; 2]; 2], Files::default());
    for draw in 0..2200u32 {
        step(&mut world, &mut counters, draw.wrapping_mul(2_654_435_761));
    }
    files.write(world.engine.checkpoint(HERE, BlocksFile::Append), BlocksFile::Append);
    assert!(!files.blocks.is_empty(), "nine hours fill a block");
    files
}

#[test]
fn a_head_of_the_version_before_is_read() {
    let (mut world, mut files) = (World::new(YAML), Files::default());
    for count in 0..20 {
        world.wait(SCRAPE);
        world.scrape("a", &[("errors_total{shop=1}", 0.0), ("requests_total{shop=1}", f64::from(count))]);
    }
    files.write(world.engine.checkpoint(HERE, BlocksFile::Append), BlocksFile::Append);
    let (steady, _) = files.read().unwrap();
    // It ended with native histograms and alerts, of which there are none here; two more empty lists came between.
    let body_len = files.head.len() - 4;
    let (rest, lists) = files.head[..body_len].split_at(body_len - 12);
    assert_eq!(lists, [0; 12], "no recent samples, gaps or alerts");
    let mut head = [rest, &[0; 4]].concat();
    head[7] = 2;
    let sum = crc32fast::hash(&head);
    head.extend_from_slice(&sum.to_le_bytes());
    files.head = head;
    let (old, position) = files.read().expect("version 2");
    assert_eq!(position, HERE);
    assert_eq!(old.ledger(), steady.ledger());
}

#[test]
fn damage_anywhere_in_the_head_is_noticed() {
    let files = some_files();
    for at in (0..files.head.len()).step_by(97) {
        let mut head = files.head.clone();
        head[at] ^= 0x10;
        assert!(Files { head, blocks: files.blocks.clone() }.read().is_err(), "byte {at}");
    }
    for len in (0..files.head.len()).step_by(991) {
        let head = files.head[..len].to_vec();
        assert!(Files { head, blocks: files.blocks.clone() }.read().is_err(), "cut at {len}");
    }
}

#[test]
fn damage_in_the_blocks_says_where() {
    let files = some_files();
    let mut blocks = files.blocks.clone();
    blocks[30] ^= 1;
    let error = Files { head: files.head.clone(), blocks }.read().err();
    assert_eq!(error, Some(RestoreError::DamagedBlock { at: 0 }));
    let (needed, found) = (files.blocks.len() as u64, 5);
    let blocks = files.blocks[..5].to_vec();
    let error = Files { head: files.head.clone(), blocks }.read().err();
    assert_eq!(error, Some(RestoreError::BlocksTooShort { needed, found }));
}

#[test]
fn what_lies_behind_the_blocks_of_a_checkpoint_is_ignored() {
    let mut files = some_files();
    files.blocks.extend_from_slice(b"a checkpoint whose head was lost");
    assert!(files.read().is_ok());
}

#[test]
fn another_length_of_slots_is_refused() {
    let files = some_files();
    let settings = EngineSettings { slot: TimeDelta::from_secs(5), ..EngineSettings::default() };
    let error = SloEngine::restore(slos(YAML), settings, &files.head, &files.blocks).err();
    assert_eq!(
        error.map(|e| e.to_string()).as_deref(),
        Some("the checkpoint was written with slots of 15s, now they are 5s")
    );
}

#[test]
fn an_objective_removed_meanwhile_leaves_the_others_as_they_were() {
    let files = some_files();
    let kept: Vec<_> = slos(YAML).into_iter().filter(|slo| slo.name == "speed").collect();
    let (engine, _) =
        SloEngine::restore(kept, EngineSettings::default(), &files.head, &files.blocks).unwrap();
    let (all, _) = files.read().unwrap();
    let now = all
        .ledger()
        .watermark(all.ledger().streams(&all.slo("speed").unwrap().indicator.key())[0].1)
        .unwrap();
    assert_eq!(format!("{:?}", engine.status(now)), format!("{:?}", &all.status(now)[1..]));
}

#[test]
fn an_alert_of_an_objective_removed_meanwhile_resolves_whatever_happens_first() {
    let yaml = "slos: [{name: burns, goal: '90%', window: 1h, indicator: {ratio: {bad: e, total: r}}, \
                alerts: [{name: fast, severity: page, long: 1m, factor: 2}]}]";
    let mut world = World::new(yaml);
    for count in 0..10 {
        world.wait(SCRAPE);
        world.scrape("a", &[("e", f64::from(count)), ("r", f64::from(count))]);
    }
    let checkpoint = world.engine.checkpoint(HERE, BlocksFile::Rewrite);
    let (mut engine, _) =
        SloEngine::restore(Vec::new(), EngineSettings::default(), &checkpoint.head, &checkpoint.new_blocks)
            .unwrap();
    let labels = crate::world::series("r");
    assert_eq!(engine.step(Event::SeriesKnown { id: SeriesId(0), labels: &labels }, world.now), []);
    assert!(engine.next_wake().is_some_and(|wake| wake <= world.now));
    let told = crate::world::alerts(engine.step(Event::Tick, world.now));
    assert_eq!(told.iter().map(|alert| alert.ends_at).collect::<Vec<_>>(), [Some(world.now)]);
}
