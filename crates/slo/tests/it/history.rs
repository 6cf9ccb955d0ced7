//! How long counts are kept: reports of a year are whole after a restart and a reload, and what is older goes.

use bellwether_model::{Batch, Labels, LogPosition, Origin, Sample, TimeDelta, Timestamp};
use bellwether_slo::{
    BlocksFile, EngineSettings, Event, RETENTION_OF_COUNTS, ReportRequest, ReportSpan, SloEngine, Stretch,
};

use crate::world::{World, series, slos};

const HERE: LogPosition = LogPosition { file: 1, offset: 1 };
/// A target that is asked seldom, so that a year of it is soon counted.
const EVERY: TimeDelta = TimeDelta(10 * TimeDelta::MINUTE.0);

fn yaml(goal: &str) -> String {
    format!(
        "slos: [{{name: shop, goal: '{goal}', window: 30d, indicator: {{ratio: {{bad: e, total: r}}}}, alerts: []}}]"
    )
}

/// A hundred requests between two scrapes, one of them bad.
fn live(world: &mut World, times: i64) {
    let up = world.id(&series("up"));
    let (bad, all) = (world.id(&series("e")), world.id(&series("r")));
    for _ in 0..times {
        world.now += EVERY;
        let served = (world.now.0 / EVERY.0) as f64;
        let samples =
            vec![(bad, Sample::new(world.now, served)), (all, Sample::new(world.now, served * 100.0))];
        let origin = Origin::Scrape { target: up, ok: true, interval: EVERY };
        world.apply(&Batch::floats(origin, world.now, samples));
    }
}

fn days(count: i64) -> i64 {
    count * TimeDelta::DAY.0 / EVERY.0
}

/// Events of the days that end so many days ago, and what has to be said of them.
fn report(world: &World, length: i64, ago: i64) -> (f64, Vec<String>) {
    let end = world.now - TimeDelta(ago * TimeDelta::DAY.0);
    let stretch = Stretch { begin: end - TimeDelta(length * TimeDelta::DAY.0), end };
    let request = ReportRequest { over: ReportSpan::Between(stretch), known: None };
    let report = world.engine.report("shop", &request).expect("a known objective");
    (report.streams[0].total.total, report.notes)
}

#[test]
fn a_year_is_whole_after_a_restart_and_a_reload_and_what_is_older_goes() {
    let mut world = World::new(&yaml("90%"));
    live(&mut world, days(450));
    let year = |world: &World| report(world, 365, 0);
    assert_eq!(year(&world), (days(365) as f64 * 100.0, Vec::new()));

    let kept = world.engine.checkpoint(HERE, BlocksFile::Append);
    let (settings, slos_now) = (EngineSettings::default(), slos(&yaml("90%")));
    world.engine = SloEngine::restore(slos_now, settings, &kept.head, &kept.new_blocks).unwrap().0;
    world.announce_again();
    assert_eq!(year(&world), (days(365) as f64 * 100.0, Vec::new()), "after a restart");
    world.engine.step(Event::Reload(slos(&yaml("99%"))), world.now);
    live(&mut world, days(30));
    assert_eq!(year(&world), (days(365) as f64 * 100.0, Vec::new()), "after a reload");

    let (counted, notes) = report(&world, 480, 0);
    let kept_days = RETENTION_OF_COUNTS.0 / TimeDelta::DAY.0;
    let bounds = days(kept_days) as f64 * 100.0..=days(kept_days + 1) as f64 * 100.0;
    assert!(bounds.contains(&counted), "{counted}");
    assert!(notes[0].starts_with("nothing is known of the time before"), "{notes:?}");
}

#[test]
fn less_history_is_kept_from_the_moment_it_is_said_and_its_file_is_written_anew() {
    let mut world = World::new(&yaml("90%"));
    live(&mut world, days(300));
    let written = world.engine.checkpoint(HERE, BlocksFile::Append).blocks_len;
    world.engine.keep_history(TimeDelta(40 * TimeDelta::DAY.0));
    live(&mut world, days(1));
    assert_eq!(report(&world, 40, 0), (days(40) as f64 * 100.0, Vec::new()));
    assert!(report(&world, 60, 0).0 < days(42) as f64 * 100.0);
    assert!(world.engine.blocks_are_outdated(), "{written} bytes");
    let rewritten = world.engine.checkpoint(HERE, BlocksFile::Rewrite);
    assert!(rewritten.blocks_len < written / 4, "{} of {written} bytes", rewritten.blocks_len);
    assert!(!world.engine.blocks_are_outdated());
    let (settings, slos) = (EngineSettings::default(), slos(&yaml("90%")));
    let restored = SloEngine::restore(slos, settings, &rewritten.head, &rewritten.new_blocks).unwrap().0;
    let whole = Stretch { begin: Timestamp::MIN, end: world.now };
    let everything = Labels::empty();
    assert_eq!(
        restored.window_over("shop", &everything, whole).map(|window| window.counts),
        world.engine.window_over("shop", &everything, whole).map(|window| window.counts)
    );
}

#[test]
fn a_period_that_needs_more_than_is_kept_gets_it() {
    let yearly = yaml("90%").replace("30d", "365d");
    let settings =
        EngineSettings { retention: TimeDelta(32 * TimeDelta::DAY.0), ..EngineSettings::default() };
    let mut world = World::new(&yearly);
    world.engine = SloEngine::new(slos(&yearly), settings);
    live(&mut world, days(380));
    assert_eq!(report(&world, 365, 0), (days(365) as f64 * 100.0, Vec::new()));
}
