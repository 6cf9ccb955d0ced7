//! Faults that Alertmanager is known for, each as the smallest script that would show it.

use bellwether_alerts::Status;
use bellwether_model::Timestamp;

use crate::script::{ONE_WEBHOOK, Player, check, check_with, ok};

#[test]
fn a_429_is_tried_again_so_that_a_short_alert_is_not_lost() {
    check(
        "0s answer 429 1m\n 0s fire api\n 40s resolve api\n 41s answer ok\n 10m end",
        &["30s First firing api", "1m30s Collapsed resolved api"],
    );
    let slack = "
route: {receiver: hook, group_wait: 30s}
receivers: [{name: hook, slack_configs: [{api_url: 'http://slack.example/', channel: '#a'}]}]";
    check_with(
        slack,
        "0s answer 429 1m\n 0s fire api\n 40s resolve api\n 41s answer ok\n 10m end",
        &["30s First by slack firing api", "1m30s Collapsed by slack resolved api"],
    );
}

#[test]
fn a_template_error_does_not_post_an_empty_message() {
    let yaml = "
route: {receiver: hook, group_wait: 30s}
receivers:
  - name: hook
    slack_configs: [{api_url: 'http://slack.example/', channel: '#a', title: '{{ template \"slack.default.title\" .CommonLabels.x.y }}'}]";
    let mut player = Player::new(yaml);
    player.play("0s fire api\n 1m end");
    let message = &player.accepted[0].message;
    assert!(message.template_error.is_some(), "{message:?}");
    assert!(message.text().contains("[FIRING:1] api"), "{}", message.text());
}

#[test]
fn a_kill_loses_no_silence_and_sends_nothing_again() {
    check(
        "0s silence s1 1h alertname=\"quiet\"\n 0s fire quiet\n 0s fire api\n 31s crash\n 6m crash\n 30m end",
        &["30s First firing api"],
    );
}

#[test]
fn a_restart_does_not_lose_the_end_of_an_alert_whose_source_stopped() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s post api\n 1m end");
    player.crash(Timestamp::from_secs(3600));
    player.run_until(Timestamp::from_secs(2 * 3600));
    let last = player.accepted.last().expect("it was told");
    assert_eq!(last.notification.status(), Status::Resolved, "{:?}", player.heard);
}

#[test]
fn of_two_sources_that_inhibit_one_target_the_second_still_does() {
    let yaml = "
route: {receiver: hook, group_by: ['...'], group_wait: 10s, group_interval: 1m}
receivers: [{name: hook, webhook_configs: [{url: 'http://hook.example/'}]}]
inhibit_rules: [{source_matchers: [severity=critical], target_matchers: [severity=warning]}]";
    let mut player = Player::new(yaml);
    player.play(
        "0s fire down severity=critical\n 0s fire burning severity=critical\n 1s fire slow severity=warning
         1m resolve down severity=critical\n 10m end",
    );
    assert!(player.heard.iter().all(|line| !line.contains("slow")), "{:?}", player.heard);
    player.set_reply(ok());
    player.play("11m resolve burning severity=critical\n 20m end");
    assert!(player.heard.iter().any(|line| line.contains("firing slow")), "{:?}", player.heard);
}
