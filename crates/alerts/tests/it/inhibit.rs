use bellwether_alerts::AlertState;
use bellwether_model::Timestamp;

use crate::script::{Player, check_with};

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
