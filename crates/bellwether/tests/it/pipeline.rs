//! The cores put together, in virtual time: who is told what when labels, objectives and processes change under alerts
//! that fire.

use std::collections::BTreeMap;

use bellwether::config;
use bellwether::pipeline::{Input, Outcome, Pipeline};
use bellwether::reload::Settings;
use bellwether_alerts::{AlertCore, Receipt, Restored};
use bellwether_model::{Alert, Labels, TimeDelta, Timestamp};
use bellwether_rules::RuleEngine;
use bellwether_slo::SloEngine;

const CONFIG: &str = "
alertmanager:
  route: {receiver: hook, group_by: ['...'], group_wait: 1s, group_interval: 1m}
  receivers: [{name: hook, webhook_configs: [{url: 'http://hook.example/'}]}]
slos:
  - name: answers
    goal: \"90%\"
    window: 1h
    indicator: {ratio: {bad: errors_total, total: requests_total}}
    alerts: [{name: fast, severity: page, long: 5m, factor: 2}]
";
const START: Timestamp = Timestamp(1_700_000_040_000);

fn pipeline(config: &str, restored: Restored, now: Timestamp) -> Pipeline {
    let config = config::load_text("test", config).config.unwrap();
    let settings = Settings::of(&config, "http://here");
    let rules = RuleEngine::new(settings.rules);
    let alerts = AlertCore::restore(settings.alerts, restored, now);
    Pipeline::new(SloEngine::new(config.slos, settings.slo), rules, alerts)
}

/// An alert as it was told; `left` is how long it fires unless it is repeated.
fn alert(labels: [(&str, &str); 4], left: Option<TimeDelta>) -> Alert {
    Alert {
        labels: Labels::from_pairs(labels),
        annotations: Labels::empty(),
        starts_at: START,
        ends_at: left.map(|left| START + left),
        generator_url: String::new(),
    }
}

fn of_objective(slo: &str, alertname: &str) -> Alert {
    let labels = [("alertname", alertname), ("slo", slo), ("severity", "page"), ("alert", "fast")];
    alert(labels, None)
}

/// Lets time pass with a receiver that takes everything; gives each alert's name with how it was last told.
fn told(pipeline: &mut Pipeline, mut outcome: Outcome, until: Timestamp) -> BTreeMap<String, &'static str> {
    let mut told = BTreeMap::new();
    let mut now = START;
    loop {
        for delivery in std::mem::take(&mut outcome.deliveries) {
            for told_alert in &delivery.notification.alerts {
                told.insert(told_alert.alert.name().to_owned(), told_alert.status.as_str());
            }
            let receipt = Receipt::Accepted { status: 200 };
            let event =
                bellwether_alerts::Event::Delivered { delivery: delivery.key, outcome: receipt.into() };
            pipeline.step(Input::Alerts(event), now);
        }
        now = pipeline.next_wake().unwrap_or(Timestamp::MAX).max(now);
        if now > until {
            return told;
        }
        outcome = pipeline.step(Input::Tick, now);
    }
}

#[test]
fn external_labels_are_told_survive_a_restart_and_end_what_fired_under_others() {
    let eu = || Labels::from_pairs([("cluster", "eu"), ("slo", "not-this-one")]);
    let mut before = pipeline(CONFIG, Restored::default(), START).with_external_labels(eu());
    let mut outcome = Outcome::default();
    before.hear(vec![of_objective("answers", "AnswersBurnRate")], START, &mut outcome);
    let labels = |pipeline: &Pipeline, at| {
        let firing = pipeline.alerts.alerts(at).into_iter().filter(|view| !view.resolved);
        firing.map(|view| view.alert.labels.keep(&["cluster", "slo"]).to_string()).collect::<Vec<_>>()
    };
    let told_under_eu = [r#"{cluster="eu", slo="answers"}"#];
    assert_eq!(labels(&before, START), told_under_eu);

    let later = START + TimeDelta::MINUTE;
    let mut after = pipeline(CONFIG, before.alerts.snapshot(), later).with_external_labels(eu());
    after.recall(later, &mut Outcome::default());
    assert_eq!(labels(&after, later), told_under_eu, "the objective still owns it");

    after.set_external_labels(Labels::from_pairs([("cluster", "us")]), later, &mut Outcome::default());
    assert_eq!(labels(&after, later), Vec::<String>::new());
    let much_later = later + TimeDelta(5 * TimeDelta::MINUTE.0);
    told(&mut after, Outcome::default(), much_later);
    assert_eq!(labels(&after, much_later), [r#"{cluster="us", slo="answers"}"#]);
}

#[test]
fn a_slower_pair_is_told_when_the_faster_one_is_over_unless_the_objective_wants_both() {
    let slower = CONFIG.replace("factor: 2}]", "factor: 2}, {name: slow, long: 30m, factor: 1.5}]");
    let alert_of = |name: &str, alertname: &str| {
        let labels = [("alertname", alertname), ("slo", "answers"), ("severity", "page"), ("alert", name)];
        alert(labels, None)
    };
    let both = || vec![alert_of("fast", "Fast"), alert_of("slow", "Slow")];
    let later = |minutes: i64| START + TimeDelta(minutes * TimeDelta::MINUTE.0);
    let names = |told: BTreeMap<String, &'static str>| told.into_keys().collect::<Vec<_>>();

    let mut wants_both = pipeline(
        &slower.replace("window: 1h", "window: 1h\n    inhibit_slower: false"),
        Restored::default(),
        START,
    );
    let mut outcome = Outcome::default();
    wants_both.hear(both(), START, &mut outcome);
    assert_eq!(names(told(&mut wants_both, outcome, later(2))), ["Fast", "Slow"]);

    let mut usual = pipeline(&slower, Restored::default(), START);
    let mut outcome = Outcome::default();
    usual.hear(both(), START, &mut outcome);
    assert_eq!(names(told(&mut usual, outcome, later(2))), ["Fast"]);
    let why: Vec<_> =
        usual.alerts.alerts(later(2)).into_iter().map(|view| view.status.inhibited_why).collect();
    assert_eq!(why, [vec![], vec!["built in: fast fires".to_owned()]], "and said so where alerts are shown");

    let mut restarted = pipeline(&slower, usual.alerts.snapshot(), later(3));
    assert_eq!(told(&mut restarted, Outcome::default(), later(5)), BTreeMap::new(), "also after a restart");
    let mut outcome = Outcome::default();
    let over = Alert { ends_at: Some(later(5)), ..alert_of("fast", "Fast") };
    restarted.hear(vec![over], later(5), &mut outcome);
    let told = told(&mut restarted, outcome, later(7));
    assert_eq!(told, BTreeMap::from([("Fast".to_owned(), "resolved"), ("Slow".to_owned(), "firing")]));
}

#[test]
fn what_no_objective_has_any_more_is_over_after_a_restart_and_what_no_rule_repeats_runs_out() {
    let mut before = pipeline(CONFIG, Restored::default(), START);
    let labels = [("alertname", "DiskFull"), ("slo", "disk"), ("severity", "page"), ("alert", "fast")];
    let alerts = vec![
        of_objective("answers", "AnswersBurnRate"),
        of_objective("answers-renamed", "AnswersRenamedBurnRate"),
        alert(labels, Some(TimeDelta(4 * TimeDelta::MINUTE.0))),
    ];
    let mut outcome = Outcome::default();
    before.hear(alerts, START, &mut outcome);
    let firing = |name: &str| (name.to_owned(), "firing");
    let names = ["AnswersBurnRate", "AnswersRenamedBurnRate", "DiskFull"];
    let a_minute_later = START + TimeDelta::MINUTE;
    assert_eq!(told(&mut before, outcome, a_minute_later), BTreeMap::from(names.map(firing)));

    let mut after = pipeline(CONFIG, before.alerts.snapshot(), a_minute_later);
    let mut outcome = Outcome::default();
    after.recall(a_minute_later, &mut outcome);
    assert!(!outcome.records.is_empty(), "that it is over is on disk before it is told");
    let resolved = |name: &str| (name.to_owned(), "resolved");
    let soon = told(&mut after, outcome, START + TimeDelta(3 * TimeDelta::MINUTE.0));
    assert_eq!(soon, BTreeMap::from([resolved("AnswersRenamedBurnRate")]));
    let late = told(&mut after, Outcome::default(), START + TimeDelta(6 * TimeDelta::MINUTE.0));
    assert_eq!(late, BTreeMap::from([resolved("DiskFull")]));
}
