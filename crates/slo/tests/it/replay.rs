//! What a replay says fired is what fired.

use std::collections::BTreeMap;

use bellwether_model::{Labels, TimeDelta, Timestamp};
use bellwether_slo::{Goal, Replay, Stretch};

use crate::world::{SCRAPE, World};

const YAML: &str = r#"
slos:
  - name: checkout
    goal: "90%"
    aspirational: "99%"
    window: 1h
    indicator: {ratio: {bad: errors_total, total: requests_total}}
    alerts:
      - {name: fast, severity: page, long: 5m, short: 1m, factor: 5, min_bad_events: 10}
      - {name: slow, severity: ticket, long: 30m, factor: 2}
"#;

/// Errors of ten requests, scrape by scrape: two outages and a trickle.
fn errors(step: usize) -> f64 {
    match step {
        40..60 | 150..175 => 10.0,
        90..120 => 3.0,
        _ => 0.0,
    }
}

#[test]
fn a_replay_of_the_ledger_fires_when_the_engine_did() {
    let mut world = World::new(YAML);
    let begin = world.now;
    let mut live: BTreeMap<(String, Timestamp), Option<Timestamp>> = BTreeMap::new();
    let (mut requests, mut bad) = (0.0, 0.0);
    for step in 0..240 {
        world.wait(SCRAPE);
        requests += 10.0;
        bad += errors(step);
        for alert in world.scrape("a", &[("requests_total", requests), ("errors_total", bad)]) {
            let name = alert.labels.get("alert").unwrap().to_owned();
            let until = live.entry((name, alert.starts_at)).or_default();
            *until = until.or(alert.ends_at);
        }
    }
    let slo = world.engine.slo("checkout").unwrap().clone();
    let replay = Replay {
        slo_id: "checkout",
        labels: &Labels::empty(),
        stretch: Stretch { begin, end: world.now },
        step: SCRAPE,
        goal: slo.goal.unwrap(),
        alerts: &slo.alerts,
    };
    let fired = world.engine.replay(&replay);
    let replayed: BTreeMap<_, _> = fired.into_iter().map(|f| ((f.alert, f.from), f.until)).collect();
    assert_eq!(replayed, live);
    assert!(live.len() >= 3, "{live:?}");
    // A looser goal would have called nobody.
    let loose = Replay { goal: Goal::parse("1%").unwrap(), ..replay };
    assert_eq!(world.engine.replay(&loose), []);
    // A step that is too fine is coarsened, not endless.
    let long = Stretch { begin: begin - TimeDelta(400 * TimeDelta::DAY.0), end: world.now };
    assert!(!world.engine.replay(&Replay { stretch: long, step: TimeDelta(1), ..replay }).is_empty());
}

#[test]
fn the_aspirational_target_is_judged_beside_the_goal() {
    let mut world = World::new(YAML);
    world.wait(SCRAPE);
    world.scrape("a", &[("requests_total", 0.0), ("errors_total", 0.0)]);
    assert_eq!(world.stream("checkout").aspirational.unwrap().is_met, None);
    world.wait(SCRAPE);
    world.scrape("a", &[("requests_total", 1000.0), ("errors_total", 20.0)]);
    let stream = world.stream("checkout");
    assert_eq!(stream.budget.unwrap().left_ratio, 0.8);
    let aspirational = stream.aspirational.unwrap();
    assert_eq!((aspirational.is_met, aspirational.left_ratio), (Some(false), Some(-1.0)));
}
