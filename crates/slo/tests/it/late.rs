//! Samples that carry times of their own, and come late.

use bellwether_model::{Batch, LogPosition, Origin, Sample, SeriesId, TimeDelta, Timestamp};
use bellwether_slo::{BlocksFile, EngineSettings, Event, SloEngine, Stretch};

use crate::world::{series, slos};

const START: Timestamp = Timestamp(1_700_002_800_000);
const YAML: &str =
    "slos: [{name: it, goal: '90%', window: 1d, alerts: [], indicator: {ratio: {bad: bad, total: total}}}]";

/// Scrapes every minute of hours in which nothing happens, then one that says that a request failed so long ago.
fn heard_late(hours: i64, ago: TimeDelta) -> (SloEngine, Timestamp) {
    let mut engine = SloEngine::new(slos(YAML), EngineSettings::default());
    for (id, name) in [(1, "total"), (2, "bad")] {
        engine.step(Event::SeriesBorn { id: SeriesId(id), labels: &series(name) }, START);
    }
    let origin = Origin::Scrape { target: SeriesId(0), ok: true, interval: TimeDelta::MINUTE };
    let last = START + TimeDelta::HOUR * hours;
    for minute in 0..hours * 60 {
        let at = START + TimeDelta::MINUTE * minute;
        // The counters themselves were seen at the start only: theirs is a cache that is hardly ever filled.
        let known = if minute == 0 {
            vec![(SeriesId(1), Sample::new(at, 5.0)), (SeriesId(2), Sample::new(at, 0.0))]
        } else {
            vec![]
        };
        engine.step(Event::Batch(&Batch::floats(origin, at, known)), at);
    }
    let then = last - ago;
    let samples = vec![(SeriesId(1), Sample::new(then, 6.0)), (SeriesId(2), Sample::new(then, 1.0))];
    engine.step(Event::Batch(&Batch::floats(origin, last, samples)), last);
    (engine, last)
}

/// Bad events in the five minutes that end so long ago.
fn bad_in_the_minutes_before(engine: &SloEngine, end: Timestamp) -> f64 {
    let ledger = engine.ledger();
    let stream = ledger.streams(&engine.slo("it").unwrap().indicator.key())[0].1;
    let stretch = Stretch { begin: end - TimeDelta::MINUTE * 5, end };
    ledger.over(stream, stretch).unwrap().counts.bad
}

#[test]
fn an_event_that_is_heard_of_late_is_credited_to_its_own_time() {
    for minutes in [0, 1, 7, 60, 300] {
        let ago = TimeDelta::MINUTE * minutes;
        let (mut engine, now) = heard_late(8, ago);
        assert_eq!(bad_in_the_minutes_before(&engine, now - ago), 1.0, "{minutes} minutes ago");
        assert_eq!(bad_in_the_minutes_before(&engine, now - ago - TimeDelta::MINUTE), 0.0);
        if minutes > 5 {
            assert_eq!(bad_in_the_minutes_before(&engine, now), 0.0, "{minutes} minutes ago");
        }
        assert_eq!(engine.status(now)[0].notes, [""; 0]);
        let kept = engine.checkpoint(LogPosition::default(), BlocksFile::Rewrite);
        let restored =
            SloEngine::restore(slos(YAML), EngineSettings::default(), &kept.head, &kept.new_blocks);
        assert_eq!(bad_in_the_minutes_before(&restored.unwrap().0, now - ago), 1.0);
    }
}

#[test]
fn what_is_older_than_the_recent_slots_is_booked_in_the_oldest_of_them_and_said() {
    let (engine, now) = heard_late(10, TimeDelta::HOUR * 8);
    assert_eq!(bad_in_the_minutes_before(&engine, now - TimeDelta::HOUR * 8), 0.0);
    let total = engine.status(now)[0].streams[0].total;
    assert_eq!(total.total - total.good, 1.0, "it is counted all the same");
    assert_eq!(
        engine.status(now)[0].notes,
        ["events counted later than they happened, since they were heard of too late: 1"]
    );
}
