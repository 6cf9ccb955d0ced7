//! When groups are evaluated, in which order, and what recording rules write.
use bellwether_model::TimeDelta;
use bellwether_rules::{EngineOptions, Event, GroupKey, Health, RuleEngine};

use crate::world::{World, at, rules};

#[test]
fn recorded_series_get_the_rules_name_and_labels() {
    let text = "groups: [{name: g, labels: {team: x, env: y}, rules: [{record: 'r:s', expr: q, labels: {team: z, job: ''}}]}]";
    let mut world = World::new(text, &[("q", "__name__=n,job=a,i=1", "1 _"), ("q", "__name__=n,i=2", "2 3")]);
    world.run_until(at(60));
    let want = [
        r#"0s append r:s{env="y", i="1", team="z"} 1"#,
        r#"0s append r:s{env="y", i="2", team="z"} 2"#,
        r#"60s append r:s{env="y", i="2", team="z"} 3"#,
        r#"60s append r:s{env="y", i="1", team="z"} stale"#,
    ];
    assert_eq!(world.take("append"), want);
}

#[test]
fn rules_of_a_group_are_evaluated_in_turn_each_after_the_last_one_has_written() {
    let text =
        "groups: [{name: g, rules: [{record: a, expr: q1}, {record: b, expr: q2}, {record: c, expr: q3}]}]";
    let mut world = World::new(text, &[("q1", "", "1"), ("q2", "", "!"), ("q3", "", "3")]);
    world.query_duration = TimeDelta::SECOND;
    world.run_until(at(3));
    assert_eq!(world.take(""), ["1s append a 1 at 0s", "3s append c 3 at 0s"]);
    let status = &world.engine.status()[0];
    assert_eq!(status.duration, TimeDelta::from_secs(3));
    let health: Vec<Health> = status.rules.iter().map(|rule| rule.health).collect();
    assert_eq!(health, [Health::Ok, Health::Err, Health::Ok]);
    assert_eq!(status.rules[1].last_error.as_deref(), Some("the source is away"));
}

#[test]
fn a_clock_that_was_ahead_and_came_back_leaves_no_group_waiting() {
    let file = "groups: [{name: g, interval: 30s, rules: [{record: a, expr: q}]}]";
    for (ahead_s, is_moved) in [(0, false), (20, false), (3600, true), (86_400, true)] {
        let mut world = World::new(file, &[("q", "", "1 2 3 4 5 6 7 8")]);
        world.run_until(at(60));
        // It goes ahead: one evaluation, and the next is waited for there.
        world.run_until(at(60 + ahead_s));
        let waited_for = world.engine.next_wake().unwrap();
        world.engine.clock_set_back(at(70));
        let wake = world.engine.next_wake().unwrap();
        assert_eq!(wake, if is_moved { at(90) } else { waited_for }, "{ahead_s} s ahead");
        assert!(wake <= at(70 + 30));
    }
}

#[test]
fn a_failed_recording_leaves_its_series_until_the_next_answer() {
    let text = "groups: [{name: g, rules: [{record: a, expr: q}]}]";
    let mut world = World::new(text, &[("q", "", "1 ! _ _")]);
    world.run_until(at(180));
    assert_eq!(world.take(""), ["0s append a 1", "120s append a stale"]);
}

#[test]
fn results_that_collide_or_are_too_many_are_errors() {
    let check = |group: &str, want: &str| {
        let mut world = World::new(group, &[("q", "i=1", "1"), ("q", "i=2", "2")]);
        world.run_until(at(0));
        assert_eq!(world.engine.status()[0].rules[0].last_error.as_deref(), Some(want));
        assert_eq!(world.take(""), [""; 0]);
    };
    let collide = "two results become the same series after the rule's labels are applied";
    check("groups: [{name: g, rules: [{record: a, expr: q, labels: {i: x}}]}]", collide);
    let many = "2 series are more than the group's limit of 1";
    check("groups: [{name: g, limit: 1, rules: [{record: a, expr: q}]}]", many);
}

#[test]
fn queries_and_results_lie_back_by_the_offset() {
    let text = "groups: [{name: g, query_offset: 1m, rules: [{record: a, expr: q}]}]";
    let mut world = World::new(text, &[("q", "", "5 6")]);
    world.run_until(at(120));
    assert_eq!(world.take(""), ["60s append a 5 at 0s", "120s append a 6 at 60s"]);
}

#[test]
fn slow_evaluations_miss_the_ones_they_overlap() {
    let text = "groups: [{name: g, interval: 10s, rules: [{record: a, expr: q}]}]";
    let mut world = World::new(text, &[("q", "", "1 1 1 1 1")]);
    world.query_duration = TimeDelta::from_secs(25);
    world.run_until(at(75));
    // At 25 s the latest slot is 20 s (10 s is missed), at 50 s it is 50 s (30 s and 40 s are), at 75 s it is 70 s.
    let want = ["25s append a 1 at 0s", "50s append a 1 at 20s", "75s append a 1 at 50s"];
    assert_eq!(world.take(""), want);
    let status = &world.engine.status()[0];
    assert_eq!((status.evaluations, status.missed), (3, 4));
}

#[test]
fn a_late_wake_up_evaluates_the_latest_slot_once() {
    let text = "groups: [{name: g, rules: [{record: a, expr: q}]}]";
    let mut world = World::new(text, &[("q", "", "1 2 3 4 5 6")]);
    world.run_until(at(0));
    world.now = at(290);
    world.run_until(at(299));
    assert_eq!(world.take(""), ["0s append a 1", "290s append a 5 at 240s"]);
    assert_eq!(world.engine.status()[0].missed, 3);
    assert_eq!(world.engine.next_wake(), Some(at(300)));
}

#[test]
fn a_slow_group_does_not_delay_another() {
    let text = "groups: [{name: a, rules: [{record: a, expr: q}]}, {name: b, rules: [{record: b, expr: q}]}]";
    let mut engine = World::new(text, &[]).engine;
    assert_eq!(engine.step(Event::Wake, at(0)).len(), 2);
    assert_eq!(engine.next_wake(), None);
    assert_eq!(engine.step(Event::Wake, at(600)), []);
}

#[test]
fn groups_keep_their_place_on_the_grid() {
    let options = EngineOptions::default();
    let text = "groups: [{name: a, rules: []}, {name: b, rules: []}]";
    let wake_ups = |now: i64| {
        let mut engine = RuleEngine::new(options.clone());
        engine.load(&[("f".to_owned(), rules(text))], at(now));
        engine.status().into_iter().map(|group| group.due).collect::<Vec<_>>()
    };
    for (name, due) in ["a", "b"].iter().zip(wake_ups(600)) {
        let key = GroupKey { file: "f".to_owned(), name: (*name).to_owned() };
        let offset = key.offset(TimeDelta::MINUTE);
        assert!(offset >= TimeDelta::ZERO && offset < TimeDelta::MINUTE);
        assert_eq!(due, at(600) + offset);
    }
    assert_ne!(wake_ups(600)[0], wake_ups(600)[1]);
    let later: Vec<_> = wake_ups(600).into_iter().map(|due| due + TimeDelta::MINUTE).collect();
    assert_eq!(wake_ups(660), later);
}

#[test]
fn a_reload_keeps_what_stays_and_marks_what_goes() {
    let text = "groups: [{name: g, rules: [{record: a, expr: q}, {alert: A, expr: q, for: 2m}]}, {name: h, rules: [{record: c, expr: q}]}]";
    let mut world = World::new(text, &[("q", "", "1 1 1 1"), ("q2", "", "1 1 1 1")]);
    world.run_until(at(60));
    world.log.clear();
    // The alert's query changes, the recording and the other group go.
    let new = rules("groups: [{name: g, rules: [{alert: A, expr: q2, for: 2m}]}]");
    let effects = world.engine.load(&[("f".to_owned(), new.clone())], at(90));
    let text = format!("{effects:?}");
    assert!(text.contains("(a, ") && text.contains("(c, ") && !text.contains("ALERTS"), "{text}");
    // Nothing changes: not even an evaluation under way is disturbed.
    assert_eq!(world.engine.load(&[("f".to_owned(), new)], at(91)), []);
    world.run_until(at(120));
    assert_eq!(world.take("send").len(), 1, "`for` went on through the reload");
}

#[test]
fn an_answer_to_a_group_that_was_replaced_is_ignored() {
    use bellwether_rules::{Effect, QueryAnswer};
    let mut engine = World::new("groups: [{name: g, rules: [{record: a, expr: q}]}]", &[]).engine;
    let effects = engine.step(Event::Wake, at(0));
    let [Effect::Query { id, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    engine.load(&[("f".to_owned(), rules("groups: [{name: g, rules: [{record: a, expr: q2}]}]"))], at(1));
    let answer = QueryAnswer { result: Err("late".to_owned()), duration: TimeDelta::ZERO };
    assert_eq!(engine.step(Event::QueryDone { id: *id, answer }, at(2)), []);
    assert_eq!(engine.status()[0].rules[0].health, Health::Unknown);
    assert_eq!(engine.next_wake(), Some(at(60)));
}

#[test]
fn the_ends_of_time_are_moments_too() {
    use bellwether_model::Timestamp;
    for now in [Timestamp::MIN, Timestamp(-1), Timestamp::MAX] {
        let mut engine = RuleEngine::new(EngineOptions::default());
        engine.load(&[("f".to_owned(), rules("groups: [{name: g, rules: [{record: a, expr: q}]}]"))], now);
        engine.step(Event::Wake, now);
        engine.step(Event::Wake, Timestamp::MAX);
        assert!(engine.status()[0].running);
    }
}
