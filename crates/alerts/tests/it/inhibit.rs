use std::sync::Arc;

use bellwether_alerts::{AlertCore, AlertSource, AlertState, Event, Precedence, Preceding, Restored, Setup};
use bellwether_model::{Alert, Labels, Timestamp};

use crate::script::{Player, check_with, setup};

const INHIBIT: &str = "
route: {receiver: hook, group_by: ['...'], group_wait: 10s, group_interval: 1m}
receivers: [{name: hook, webhook_configs: [{url: 'http://hook.example/'}]}]
inhibit_rules:
  - source_matchers: [severity=critical]
    target_match: {severity: warning}
    equal: [cluster]
";

#[test]
fn a_consequence_is_quiet_while_its_cause_fires() {
    check_with(
        INHIBIT,
        "0s fire down severity=critical cluster=a\n 0s fire slow severity=warning cluster=a
         0s fire slow severity=warning cluster=b\n 30s end",
        &["10s First firing down", "10s First firing slow"],
    );
}

#[test]
fn a_label_missing_on_both_sides_is_equal() {
    check_with(
        INHIBIT,
        "0s fire down severity=critical\n 0s fire slow severity=warning\n 30s end",
        &["10s First firing down"],
    );
}

#[test]
fn of_two_causes_the_second_still_counts_when_the_first_ends() {
    check_with(
        INHIBIT,
        "0s fire down severity=critical cluster=a\n 0s fire burning severity=critical cluster=a
         0s fire slow severity=warning cluster=a\n 20s resolve down severity=critical cluster=a
         5m resolve burning severity=critical cluster=a\n 7m end",
        &[
            "10s First firing burning",
            "10s First firing down",
            "1m10s AllResolved resolved down",
            "5m10s AllResolved resolved burning",
            "5m10s First firing slow",
        ],
    );
}

#[test]
fn alerts_on_both_sides_do_not_silence_each_other() {
    let yaml = INHIBIT.replace("severity: warning", "severity: critical");
    check_with(
        &yaml,
        "0s fire a severity=critical\n 0s fire b severity=critical\n 30s end",
        &["10s First firing a", "10s First firing b"],
    );
}

#[test]
fn an_inhibited_alert_says_by_whom() {
    let mut player = Player::new(INHIBIT);
    player.play("0s fire down severity=critical\n 0s fire slow severity=warning\n 30s end");
    let views = player.core.alerts(Timestamp::from_secs(30));
    assert_eq!(views[1].status.state, AlertState::Suppressed);
    assert!(views[1].status.inhibited_by.contains(&views[0].fingerprint));
}

const NO_RULES: &str = "
route: {receiver: hook, group_by: ['...'], group_wait: 10s, group_interval: 1m}
receivers: [{name: hook, webhook_configs: [{url: 'http://hook.example/'}]}]
";

/// `fast` before `steady` before `drip`, for each `zone` of the subject `api`.
fn with_precedence() -> Setup {
    let quieted_by = [("steady", vec!["fast"]), ("drip", vec!["fast", "steady"])];
    let quieted_by = quieted_by
        .into_iter()
        .map(|(slow, fast)| (slow.to_owned(), fast.into_iter().map(str::to_owned).collect()))
        .collect();
    let preceding = Preceding { equal: vec!["zone".to_owned()], quieted_by };
    let precedence = Precedence {
        subject: vec!["slo".to_owned()],
        by: "alert".to_owned(),
        subjects: [(vec!["api".to_owned()], preceding)].into(),
    };
    Setup { precedence: Arc::new(precedence), ..setup(NO_RULES) }
}

fn check_built_in(script: &str, expected: &[&str]) {
    let mut player = Player::with(with_precedence());
    player.play(script);
    assert_eq!(player.heard, expected, "{script}");
}

#[test]
fn a_slower_alert_is_quiet_until_the_last_faster_one_is_over() {
    check_built_in(
        "0s fire a slo=api alert=fast\n 0s fire b slo=api alert=steady\n 0s fire c slo=api alert=drip
         20s resolve a slo=api alert=fast\n 5m resolve b slo=api alert=steady\n 7m end",
        &[
            "10s First firing a",
            "1m10s AllResolved resolved a",
            "1m10s First firing b",
            // It had two faster ones: the end of the first did not bring it back.
            "5m10s First firing c",
            "5m10s AllResolved resolved b",
        ],
    );
}

#[test]
fn what_precedes_another_stream_or_subject_keeps_nothing_quiet() {
    check_built_in(
        "0s fire a slo=api alert=fast zone=x\n 0s fire b slo=api alert=steady zone=y
         0s fire c slo=other alert=steady\n 0s fire d alert=steady\n 30s end",
        &["10s First firing a", "10s First firing b", "10s First firing c", "10s First firing d"],
    );
}

#[test]
fn what_is_built_in_is_said_and_outlives_a_restart_and_a_change_of_the_configuration() {
    let mut player = Player::with(with_precedence());
    player.play("0s fire a slo=api alert=fast\n 0s fire b slo=api alert=steady\n 30s end");
    let now = Timestamp::from_secs(30);
    let why = |core: &AlertCore| core.alerts(now)[1].status.inhibited_why.clone();
    assert_eq!(why(&player.core), ["built in: fast fires"]);
    let restored = AlertCore::restore(with_precedence(), player.core.snapshot(), now);
    assert_eq!(why(&restored), ["built in: fast fires"]);
    let mut changed = restored.clone();
    changed.reconfigure(setup(NO_RULES), now);
    assert_eq!(why(&changed), [""; 0], "switched off");
    changed.reconfigure(with_precedence(), now);
    assert_eq!(why(&changed), ["built in: fast fires"]);
}

#[test]
fn a_thousand_subjects_of_four_alerts_are_looked_up_and_not_compared() {
    let mut setup = with_precedence();
    let precedence = Arc::make_mut(&mut setup.precedence);
    let one = precedence.subjects[&vec!["api".to_owned()]].clone();
    precedence.subjects = (0..1000).map(|n| (vec![format!("s{n}")], one.clone())).collect();
    let mut core = AlertCore::restore(setup, Restored::default(), Timestamp(0));
    let alerts: Vec<Alert> = (0..1000)
        .flat_map(|n| ["fast", "steady", "drip", "other"].map(|alert| (n, alert)))
        .map(|(n, alert)| Alert {
            labels: Labels::from_pairs([("slo", format!("s{n}").as_str()), ("alert", alert)]),
            annotations: Labels::empty(),
            starts_at: Timestamp(0),
            ends_at: None,
            generator_url: String::new(),
        })
        .collect();
    core.step(Event::Alerts { source: AlertSource::Rules, alerts }, Timestamp(0));
    let views = core.alerts(Timestamp(1));
    let quiet = views.iter().filter(|view| view.status.state == AlertState::Suppressed).count();
    assert_eq!(quiet, 2000, "steady and drip of each");
    assert!(views.iter().all(|view| view.status.inhibited_by.len() <= 2));
}
