//! A restart forgets nothing and guesses nothing.
use bellwether_rules::{EngineOptions, EngineSnapshot, Grid, RuleEngine};

use crate::world::{World, at, rules};

const RULES: &str = "groups: [{name: g, rules: [
  {record: r, expr: q},
  {alert: A, expr: q, for: 3m, labels: {severity: page}},
  {alert: A, expr: q, for: 1m, labels: {severity: ticket}}]}]";

/// Ends the process and starts a new one at a later time, through the saved text.
fn restart(world: &mut World, now: i64) {
    let saved = serde_json::to_string(&world.engine.snapshot()).unwrap();
    let snapshot: EngineSnapshot = serde_json::from_str(&saved).unwrap();
    assert_eq!(snapshot, world.engine.snapshot(), "what is saved is what is read");
    let mut engine = RuleEngine::new(EngineOptions { grid: Grid::Epoch, ..EngineOptions::default() });
    engine.load(&[("f".to_owned(), rules(RULES))], at(now));
    engine.restore(snapshot);
    world.engine = engine;
    world.now = at(now);
}

#[test]
fn for_does_not_run_while_the_process_is_down() {
    let script = "1 1 1 1 1 1 1 1 1 1 1 1 1 1";
    let mut world = World::new(RULES, &[("q", "", script)]);
    world.run_until(at(60));
    world.log.clear();
    // Two minutes of three are missing. Eight minutes of darkness count as at most one interval.
    restart(&mut world, 540);
    world.run_until(at(540));
    let sent = world.take("page");
    assert!(!sent.iter().any(|line| line.contains("send")), "{sent:?}");
    world.run_until(at(600));
    let sent: Vec<String> = world.take("page").into_iter().filter(|line| line.contains("send")).collect();
    assert_eq!(sent, [r#"600s send firing {alertname="A", severity="page"} from 600s to 840s"#]);
}

#[test]
fn an_alert_that_ended_while_the_process_was_down_is_resolved() {
    let mut world = World::new(RULES, &[("q", "", "1 1 _ _ _ _")]);
    world.run_until(at(60));
    world.log.clear();
    restart(&mut world, 240);
    world.run_until(at(240));
    let lines = world.take("");
    let want = [
        "240s append r stale",
        r#"240s append ALERTS{alertname="A", alertstate="pending", severity="page"} stale"#,
        r#"240s append ALERTS_FOR_STATE{alertname="A", severity="page"} stale"#,
        r#"240s append ALERTS{alertname="A", alertstate="firing", severity="ticket"} stale"#,
        r#"240s append ALERTS_FOR_STATE{alertname="A", severity="ticket"} stale"#,
        r#"240s send resolved {alertname="A", severity="ticket"} from 60s to 240s"#,
    ];
    assert_eq!(lines, want);
}

#[test]
fn a_restart_without_a_pause_changes_nothing() {
    let script = "1 _ 1 1 ! 1 1 1 1 _ 1 1 1 1 1";
    let mut steady = World::new(RULES, &[("q", "", script)]);
    let mut restarted = World::new(RULES, &[("q", "", script)]);
    for minute in 0..15 {
        steady.run_until(at(minute * 60));
        restarted.run_until(at(minute * 60));
        assert_eq!(steady.take(""), restarted.take(""), "minute {minute}");
        assert_eq!(steady.engine.snapshot(), restarted.engine.snapshot());
        restart(&mut restarted, minute * 60 + 1);
    }
}

#[test]
fn values_that_json_cannot_write_survive() {
    for value in ["NaN", "inf", "-inf", "0.1"] {
        let mut world = World::new(RULES, &[("q", "", value)]);
        world.run_until(at(0));
        let saved = serde_json::to_string(&world.engine.snapshot()).unwrap();
        let read: EngineSnapshot = serde_json::from_str(&saved).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), saved);
        assert_eq!(read.groups[0].rules[1].alerts[0].value.to_string(), value);
    }
}

#[test]
fn what_matters_to_a_restart_is_handed_over_in_the_step_that_changes_it() {
    let mut world = World::new(RULES, &[("q", "", "_ 1 1 1 1 1 1 _")]);
    let mut changes = |until: i64| {
        world.run_until(at(until));
        let changes = std::mem::take(&mut world.journal);
        changes.iter().map(|change| change.place).collect::<Vec<_>>()
    };
    assert_eq!(changes(0), [0; 0], "nothing found, nothing to remember");
    assert_eq!(changes(60), [0, 1, 2], "a series and two alerts are new");
    assert_eq!(changes(120), [1, 2], "their time runs, and the second fires");
    assert_eq!(changes(180), [1], "the first one's time still runs");
    assert_eq!(changes(240), [1], "it fires");
    assert_eq!(changes(300), [0; 0], "both fire on");
    assert_eq!(changes(420), [0, 1, 2], "all is over");
}

#[test]
fn a_kill_between_two_rules_of_a_group_loses_neither() {
    use bellwether_model::TimeDelta;
    let answers = [("q", "", "1 1 1 1 1 1 1 1")];
    let mut world = World::new(RULES, &answers);
    world.query_duration = TimeDelta::from_secs(10);
    let mut saved = world.engine.snapshot();
    // At 80 s the first alert has been evaluated for the second time, the other has not.
    world.run_until(at(85));
    saved.apply(std::mem::take(&mut world.journal));
    let held: Vec<i64> = saved.groups[0].rules[1..].iter().map(|rule| rule.alerts[0].held.0 / 1000).collect();
    assert_eq!(held, [60, 0]);
    let mut engine = RuleEngine::new(EngineOptions { grid: Grid::Epoch, ..EngineOptions::default() });
    engine.load(&[("f".to_owned(), rules(RULES))], at(90));
    engine.restore(saved);
    let mut world = World::new(RULES, &answers);
    (world.engine, world.now) = (engine, at(90));
    world.run_until(at(180));
    let sent = world.take("send");
    let starts = [
        r#"120s send firing {alertname="A", severity="ticket"}"#,
        r#"180s send firing {alertname="A", severity="page"}"#,
    ];
    for start in starts {
        assert!(sent.iter().any(|line| line.starts_with(start)), "{sent:?}");
    }
}
