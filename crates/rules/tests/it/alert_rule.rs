//! The life of an alert: one word of the script per minute (`1` there, `_` not there, `!` the query fails).
use crate::world::{World, at, rules};
use bellwether_rules::AlertState;

const NOBODY: &str = "groups: [{name: g, rules: [{alert: A, expr: q}]}]";

/// Runs `alert: A` with some fields over a script and gives what was sent, without labels.
fn sent(fields: &str, script: &str) -> Vec<String> {
    let text = format!("groups: [{{name: g, rules: [{{alert: A, expr: q{fields}}}]}}]");
    let mut world = World::new(&text, &[("q", "job=a", script)]);
    world.run_until(at(60 * (script.split_whitespace().count() as i64 - 1)));
    let lines = world.take("send");
    lines
        .into_iter()
        .map(|line| line.replace(r#"send "#, "").replace(r#"{alertname="A", job="a"} "#, ""))
        .collect()
}

#[test]
fn an_alert_without_for_fires_at_once_is_repeated_and_resolved() {
    let want = [
        "60s firing from 60s to 300s",
        "120s firing from 60s to 360s",
        "180s resolved from 60s to 180s",
        "240s resolved from 60s to 180s",
    ];
    assert_eq!(sent("", "_ 1 1 _ _"), want);
}

#[test]
fn an_alert_waits_for_its_time_and_starts_over_after_a_break() {
    assert_eq!(sent(", for: 2m", "1 1 1"), ["120s firing from 120s to 360s"]);
    assert_eq!(sent(", for: 2m", "1 1 _ 1 1"), [""; 0]);
    assert_eq!(sent(", for: 2m", "1 1 _ 1 1 1"), ["300s firing from 300s to 540s"]);
}

#[test]
fn a_failed_evaluation_neither_resolves_an_alert_nor_lets_its_time_run() {
    // Without the failure it would fire at 120s. The minute that nobody saw does not count.
    assert_eq!(sent(", for: 2m", "1 ! 1 1"), ["180s firing from 180s to 420s"]);
    let want = ["0s firing from 0s to 240s", "60s firing from 0s to 300s", "120s firing from 0s to 360s"];
    assert_eq!(sent("", "1 ! !"), want);
}

#[test]
fn a_firing_alert_is_kept_over_short_breaks() {
    let want = [
        "0s firing from 0s to 240s",
        "60s firing from 0s to 300s",
        "120s firing from 0s to 360s",
        "180s firing from 0s to 420s",
        "240s firing from 0s to 480s",
        "300s resolved from 0s to 300s",
    ];
    assert_eq!(sent(", keep_firing_for: 2m", "1 _ 1 _ _ _"), want);
    // A pending alert is not kept.
    assert_eq!(sent(", for: 1m, keep_firing_for: 5m", "1 _ 1 _"), [""; 0]);
}

#[test]
fn an_alert_that_comes_back_is_a_new_one() {
    let want = ["0s firing from 0s to 240s", "60s resolved from 0s to 60s", "120s firing from 120s to 360s"];
    assert_eq!(sent("", "1 _ 1"), want);
}

#[test]
fn an_end_is_repeated_for_a_quarter_of_an_hour() {
    let script = format!("1 {}", "_ ".repeat(30));
    let ends = sent("", &script).into_iter().filter(|line| line.contains("resolved")).count();
    assert_eq!(ends, 16);
}

#[test]
fn two_results_that_become_one_alert_are_an_error() {
    let text = "groups: [{name: g, rules: [{alert: A, expr: q, labels: {job: x}}]}]";
    let mut world = World::new(text, &[("q", "job=a", "1"), ("q", "job=b", "1")]);
    world.run_until(at(0));
    let rule = &world.engine.status()[0].rules[0];
    let error = "two results become the same alert after the rule's labels are applied";
    assert_eq!(rule.last_error.as_deref(), Some(error));
    assert_eq!(rule.alerting.as_ref().unwrap().state, AlertState::Inactive);
    assert_eq!(world.take(""), [""; 0]);
}

#[test]
fn more_alerts_than_the_limit_are_an_error_and_change_nothing() {
    let text = "groups: [{name: g, limit: 1, rules: [{alert: A, expr: q}]}]";
    let mut world = World::new(text, &[("q", "job=a", "1 1 1"), ("q", "job=b", "_ 1 _")]);
    world.run_until(at(60));
    let status = &world.engine.status()[0].rules[0];
    assert_eq!(status.last_error.as_deref(), Some("2 alerts are more than the group's limit of 1"));
    assert_eq!(status.alerting.as_ref().unwrap().alerts.len(), 1);
    world.run_until(at(120));
    assert_eq!(world.engine.status()[0].rules[0].last_error, None);
}

#[test]
fn series_tell_of_alerts_and_are_marked_when_they_are_gone() {
    let mut world = World::new(&NOBODY.replace("q}", "q, for: 1m}"), &[("q", "job=a", "1 1 _")]);
    world.run_until(at(120));
    let want = [
        r#"0s append ALERTS{alertname="A", alertstate="pending", job="a"} 1"#,
        r#"0s append ALERTS_FOR_STATE{alertname="A", job="a"} 0"#,
        r#"60s append ALERTS{alertname="A", alertstate="firing", job="a"} 1"#,
        r#"60s append ALERTS_FOR_STATE{alertname="A", job="a"} 0"#,
        r#"60s append ALERTS{alertname="A", alertstate="pending", job="a"} stale"#,
        r#"120s append ALERTS{alertname="A", alertstate="firing", job="a"} stale"#,
        r#"120s append ALERTS_FOR_STATE{alertname="A", job="a"} stale"#,
    ];
    assert_eq!(world.take("append"), want);
}

#[test]
fn a_scalar_and_a_number_that_is_none_are_results_too() {
    let mut world = World::new(NOBODY, &[("q", "", "NaN inf")]);
    world.run_until(at(60));
    let status = serde_json::to_value(world.engine.status()).unwrap();
    assert_eq!(status[0]["rules"][0]["alerting"]["alerts"][0]["value"], "inf");
}

#[test]
fn a_link_shows_the_query() {
    use bellwether_rules::{Effect, EngineOptions, Event, Grid, QueryAnswer, RuleEngine};
    let options = EngineOptions { external_url: "http://b/x/".to_owned(), ..EngineOptions::default() };
    let mut engine = RuleEngine::new(EngineOptions { grid: Grid::Epoch, ..options });
    engine.load(
        &[("f".to_owned(), rules("groups: [{name: g, rules: [{alert: A, expr: '1 > 0 + x'}]}]"))],
        at(0),
    );
    let effects = engine.step(Event::Wake, at(0));
    let [Effect::Query { id, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    let sample = bellwether_model::Sample::new(at(0), 1.0);
    let result = Ok(bellwether_promql::Value::Scalar(sample));
    let answer = QueryAnswer { result, duration: bellwether_model::TimeDelta::ZERO };
    let effects = engine.step(Event::QueryDone { id: *id, answer }, at(0));
    let [Effect::Append(_), Effect::Alerts(alerts)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(alerts[0].generator_url, "http://b/x/graph?g0.expr=1+%3E+0+%2B+x&g0.tab=1");
}
