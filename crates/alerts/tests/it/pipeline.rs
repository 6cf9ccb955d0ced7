//! Every step of the way from a group to a message, each as the smallest script that shows it.

use bellwether_alerts::{Reason, Verdict};
use bellwether_model::Timestamp;

use crate::script::{ONE_WEBHOOK, Player, check, check_with};

#[test]
fn a_group_is_first_looked_at_after_group_wait_and_then_each_group_interval() {
    check(
        "0s fire a\n 29s fire b\n 1m fire c\n 20m end",
        &["30s First firing a,b", "5m30s NewAlerts firing a,b,c"],
    );
}

#[test]
fn each_reason_to_tell_is_a_row_of_the_table() {
    // First: nobody has heard of the group.
    check("0s fire a\n 1h end", &["30s First firing a"]);
    // New alerts; a new one outweighs an end.
    check(
        "0s fire a\n 0s fire b\n 1m resolve b\n 1m fire c\n 6m end",
        &["30s First firing a,b", "5m30s NewAlerts firing a,c resolved b"],
    );
    // More are over; those that were told to be are told once.
    check(
        "0s fire a\n 0s fire b\n 0s fire c\n 1m resolve b\n 6m resolve c\n 21m end",
        &[
            "30s First firing a,b,c",
            "5m30s ResolvedGrew firing a,c resolved b",
            "10m30s ResolvedGrew firing a resolved c",
        ],
    );
    // All are over.
    check(
        "0s fire a\n 0s fire b\n 1m resolve a\n 1m resolve b\n 1h end",
        &["30s First firing a,b", "5m30s AllResolved resolved a,b"],
    );
    // Nothing changed for repeat_interval; any message counts as one.
    check(
        "0s fire a\n 1h fire b\n 6h end",
        &["30s First firing a", "1h30s NewAlerts firing a,b", "5h30s Repeat firing a,b"],
    );
}

const EVERYTHING: &str = "
route:
  receiver: hook
  group_by: ['...']
  group_wait: 10s
  group_interval: 1m
  routes: [{receiver: hook, matchers: ['alertname!=none'], mute_time_intervals: [mornings]}]
receivers: [{name: hook, webhook_configs: [{url: 'http://hook.example/'}]}]
time_intervals: [{name: mornings, time_intervals: [{times: [{start_time: '00:00', end_time: '01:00'}]}]}]
inhibit_rules: [{source_matchers: [alertname=cause], target_matchers: [alertname=effect]}]
";

#[test]
fn what_is_muted_is_told_when_the_interval_is_over() {
    check_with(EVERYTHING, "0s fire effect\n 2h end", &["1h10s First firing effect"]);
    // What ended meanwhile was never told, and is not.
    check_with(EVERYTHING, "0s fire effect\n 30m resolve effect\n 2h end", &[]);
    let active = EVERYTHING.replace("mute_time_intervals", "active_time_intervals");
    check_with(
        &active,
        "0s fire effect\n 59m resolve effect\n 90m fire effect\n 2h end",
        &["10s First firing effect", "59m10s AllResolved resolved effect"],
    );
}

#[test]
fn a_message_that_waits_when_an_interval_begins_waits_for_its_end() {
    let afternoons = EVERYTHING.replace("'00:00', end_time: '01:00'", "'01:00', end_time: '02:00'");
    check_with(
        &afternoons,
        "0s answer 503\n 59m30s fire effect\n 59m58s answer ok\n 3h end",
        &[
            "59m40s First firing effect",
            "59m41s Retry firing effect",
            "59m43s Retry firing effect",
            "59m47s Retry firing effect",
            "59m55s Retry firing effect",
            "2h40s Retry firing effect",
        ],
    );
}

#[test]
fn each_that_keeps_quiet_is_enough_and_the_verdict_names_it() {
    let verdict = |script: &str| {
        let mut player = Player::new(EVERYTHING);
        player.play(script);
        let groups = player.core.groups(Timestamp::from_secs(7201));
        let group =
            groups.iter().find(|group| group.labels.get("alertname") == Some("effect")).expect("a group");
        group.integrations[0].verdict.clone().map(|(_, verdict)| verdict)
    };
    assert_eq!(verdict("2h fire effect\n 2h11s end"), Some(Verdict::Sent { reason: Reason::First }));
    assert_eq!(verdict("2h fire cause\n 2h fire effect\n 2h11s end"), Some(Verdict::Suppressed));
    assert_eq!(
        verdict("2h silence s 1h alertname=effect\n 2h fire effect\n 2h11s end"),
        Some(Verdict::Suppressed)
    );
    assert_eq!(verdict("0s fire effect\n 11s end"), Some(Verdict::Muted { by: vec!["mornings".to_owned()] }));
    // A mute time is asked first: it holds for the whole group, whatever its alerts are.
    assert_eq!(
        verdict("0s fire cause\n 0s fire effect\n 11s end"),
        Some(Verdict::Muted { by: vec!["mornings".to_owned()] })
    );
    // When two keep it quiet, the end of one does not let it be told.
    check_with(
        EVERYTHING,
        "2h fire cause\n 2h silence s 1h alertname=effect\n 2h fire effect\n 150m resolve cause\n 4h end",
        &["2h10s First firing cause", "2h30m10s AllResolved resolved cause", "3h10s First firing effect"],
    );
}

#[test]
fn what_is_kept_quiet_is_left_out_of_a_message_about_the_rest() {
    check(
        "0s fire a\n 0s fire b\n 0s silence s 10m alertname=b\n 20m end",
        &["30s First firing a", "10m30s NewAlerts firing a,b"],
    );
}

#[test]
fn a_message_is_told_once_it_was_taken_and_not_before() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s answer 500\n 0s fire a\n 31s end");
    assert_eq!(player.core.groups(Timestamp(31))[0].integrations[0].told_at, None);
    assert_eq!(player.ledger.restored().told.len(), 0);
    player.play("31s answer ok\n 1m end");
    assert_eq!(player.ledger.restored().told.len(), 1);
}

#[test]
fn a_receiver_that_fails_in_every_way_hears_the_last_word() {
    for answer in ["429 1m", "500", "502", "lost", "408", "none"] {
        let mut player = Player::new(ONE_WEBHOOK);
        player.play(&format!(
            "0s answer {answer}\n 0s fire a\n 3m resolve a\n 4m answer ok\n 4m crash\n 20m end"
        ));
        let last = player.accepted.last().unwrap_or_else(|| panic!("{answer}: nothing was taken"));
        assert_eq!(last.notification.status().as_str(), "resolved", "{answer}: {:?}", player.heard);
    }
}
