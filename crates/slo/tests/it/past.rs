//! A copied past holds what the ledger holds, and a replay of it fires when a replay of the ledger does.

use bellwether_model::{Labels, TimeDelta};
use bellwether_slo::{Replay, Stretch, default_alerts, what_if};

use crate::world::{SCRAPE, World};

const YAML: &str = r#"
slos:
  - {name: checkout, goal: "99%", window: 7d, indicator: {ratio: {bad: errors_total, total: requests_total}}}
"#;

#[test]
fn a_past_is_the_ledger_in_minutes() {
    let mut world = World::new(YAML);
    let (mut requests, mut bad) = (0.0, 0.0);
    for step in 0..4 * 600 {
        world.wait(SCRAPE);
        requests += 10.0;
        bad += if (1200..1300).contains(&step) { 10.0 } else { 0.0 };
        world.scrape("a", &[("requests_total", requests), ("errors_total", bad)]);
    }
    let everything = Labels::empty();
    let past = world.engine.past("checkout", &everything, TimeDelta::DAY).unwrap();
    let stretch = Stretch { begin: past.begin(), end: past.end() };
    assert_eq!(past.end(), world.now.floor_to(TimeDelta::MINUTE));
    // The first scrape is a baseline and lies in the first minute.
    assert_eq!(past.over(stretch).counts.bad, 1000.0);
    let status = world.stream("checkout");
    let window = past.over(stretch);
    assert_eq!((window.counts.good(), window.counts.total), (status.total.good, status.total.total));
    let short = world.engine.past("checkout", &everything, TimeDelta::HOUR).unwrap();
    assert_eq!(short.steps(), 60);
    assert!(world.engine.past("nothing", &everything, TimeDelta::HOUR).is_none());

    let slo = world.engine.slo("checkout").unwrap().clone();
    let goal = bellwether_slo::Goal::parse("99.9%").unwrap();
    let found = what_if(&past, stretch, goal, &slo.period);
    let alerts = default_alerts(goal, &slo.period, SCRAPE).alerts;
    let step = TimeDelta::MINUTE;
    let replay = Replay { slo_id: "checkout", labels: &everything, stretch, step, goal, alerts: &alerts };
    assert_eq!(found.fired, world.engine.replay(&replay));
    assert_eq!(found.pages, 1, "{found:?}");
    assert_eq!(found.allowed_events, found.total / 1000.0);
    assert!(found.exhausted_at.is_some());
}
