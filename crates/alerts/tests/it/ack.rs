//! Who has it: what an acknowledgement stops, what it does not, and how it ends.

use bellwether_alerts::{ActionError, Answer, Effect, Event, GroupId, Subject, Verdict};
use bellwether_model::Timestamp;

use crate::script::{ONE_WEBHOOK, Player, check, check_with};

/// A group is repeated each hour, and told to a webhook and to PagerDuty.
const TWO_KINDS: &str = "
route: {receiver: hook, group_by: [team], group_wait: 30s, group_interval: 5m, repeat_interval: 1h}
receivers:
  - name: hook
    webhook_configs: [{url: 'http://hook.example/'}]
    pagerduty_configs: [{routing_key: '0123456789abcdef0123456789abcdef'}]
";

/// Only PagerDuty.
fn pager() -> String {
    TWO_KINDS.replace("    webhook_configs: [{url: 'http://hook.example/'}]\n", "")
}

#[test]
fn what_somebody_has_is_not_repeated_and_its_end_is_told() {
    check(
        "0s fire api\n 1h ack api by ann\n 20h resolve api\n 21h end",
        &["30s First firing api", "20h30s AllResolved resolved api"],
    );
}

#[test]
fn while_one_alert_of_the_group_is_nobodys_the_group_is_repeated() {
    check(
        "0s fire api\n 0s fire db\n 1h ack api by ann\n 5h end",
        &["30s First firing api,db", "4h30s Repeat firing api,db"],
    );
    check(
        "0s fire api\n 0s fire db\n 1h ack api by ann\n 2h ack db by bob\n 9h end",
        &["30s First firing api,db"],
    );
}

#[test]
fn what_is_kept_quiet_needs_nobody() {
    check(
        "0s fire api\n 0s fire db\n 1h silence s1 20h alertname=\"db\"\n 1h ack api by ann\n 9h end",
        &["30s First firing api,db"],
    );
}

#[test]
fn a_new_alert_in_the_group_is_told_and_the_group_is_repeated_again() {
    check(
        "0s fire api\n 1h ack api by ann\n 2h fire db\n 7h end",
        &["30s First firing api", "2h30s NewAlerts firing api,db", "6h30s Repeat firing api,db"],
    );
}

#[test]
fn an_end_within_the_group_is_told_although_somebody_has_the_rest() {
    check(
        "0s fire api\n 0s fire db\n 1h ack api by ann\n 1h ack db by ann\n 2h resolve db\n 9h end",
        &["30s First firing api,db", "2h30s ResolvedGrew firing api resolved db"],
    );
}

#[test]
fn a_forgotten_acknowledgement_is_told_at_once_when_its_time_is_over() {
    check(
        "0s fire api\n 1h ack api by ann for 10h2m\n 16h end",
        &["30s First firing api", "11h2m AckExpired firing api", "15h5m30s Repeat firing api"],
    );
    check(
        "0s fire api\n 1h ack api by ann for 2h\n 2h resolve api\n 4h end",
        &["30s First firing api", "2h30s AllResolved resolved api"],
    );
}

#[test]
fn a_reminder_is_not_lost_to_a_crash_a_silence_or_a_receiver_that_is_away() {
    check(
        "0s fire api\n 1h ack api by ann for 1h\n 1h59m crash\n 3h end",
        &["30s First firing api", "2h AckExpired firing api"],
    );
    check(
        "0s fire api\n 1h ack api by ann for 1h\n 90m silence s1 1h alertname=\"api\"\n 3h end",
        &["30s First firing api", "2h30m30s AckExpired firing api"],
    );
    check(
        "0s fire api\n 1h ack api by ann for 1h\n 1h answer 503\n 2h1s answer ok\n 3h end",
        &[
            "30s First firing api",
            "2h AckExpired firing api",
            "2h1s Retry firing api",
            "2h3s Retry firing api",
        ],
    );
    // Told once, and a restart does not tell it again.
    check(
        "0s fire api\n 1h ack api by ann for 1h\n 2h1s crash\n 3h crash\n 5h end",
        &["30s First firing api", "2h AckExpired firing api"],
    );
}

#[test]
fn a_reminder_is_due_when_the_process_was_away() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s fire api\n 1h ack api by ann for 1h");
    player.crash(Timestamp::from_secs(9000));
    player.run_until(Timestamp::from_secs(9001));
    assert_eq!(player.heard, ["30s First firing api", "2h30m AckExpired firing api"]);
}

#[test]
fn what_was_given_back_is_repeated_when_it_is_due() {
    check(
        "0s fire api\n 1h ack api by ann\n 6h unack api by ann\n 11h end",
        &["30s First firing api", "6h30s Repeat firing api", "10h30s Repeat firing api"],
    );
}

#[test]
fn who_has_it_before_anybody_was_told_does_not_keep_it_from_being_told() {
    check("0s fire api\n 10s ack api by ann\n 9h end", &["30s First firing api"]);
}

#[test]
fn an_acknowledgement_ends_with_the_life_of_its_alert() {
    check(
        "0s fire api\n 1h ack api by ann\n 2h resolve api\n 3h fire api\n 8h end",
        &[
            "30s First firing api",
            "2h30s AllResolved resolved api",
            "3h30s First firing api",
            "7h30s Repeat firing api",
        ],
    );
}

#[test]
fn who_shows_it_is_told_at_once_and_once() {
    check_with(
        TWO_KINDS,
        "0s fire api\n 17m ack api by ann\n 3h crash\n 4h resolve api\n 5h end",
        &[
            "30s First by pagerduty firing api",
            "30s First firing api",
            "17m Acknowledged by pagerduty firing api (ann)",
            "4h30s AllResolved by pagerduty resolved api",
            "4h30s AllResolved resolved api",
        ],
    );
}

#[test]
fn who_shows_it_is_told_that_it_was_given_back_and_taken_again() {
    check_with(
        &pager(),
        "0s fire api\n 10m ack api by ann\n 20m unack api by ann\n 21m ack api by bob\n 30m end",
        &[
            "30s First by pagerduty firing api",
            "10m Acknowledged by pagerduty firing api (ann)",
            "20m Unacknowledged by pagerduty firing api",
            "21m Acknowledged by pagerduty firing api (bob)",
        ],
    );
}

#[test]
fn who_shows_it_is_told_as_soon_as_the_first_message_was_taken() {
    check_with(
        &pager(),
        "0s fire api\n 0s answer 503\n 31s ack api by ann\n 32s answer ok\n 1m end",
        &[
            "30s First by pagerduty firing api",
            "31s Retry by pagerduty firing api",
            "33s Retry by pagerduty firing api",
            "33s Acknowledged by pagerduty firing api (ann)",
        ],
    );
}

#[test]
fn who_refuses_to_hear_of_it_is_not_asked_for_ever() {
    check_with(
        &pager(),
        "0s fire api\n 10m answer 400\n 10m ack api by ann\n 11m answer ok\n 50m end",
        &["30s First by pagerduty firing api", "10m Acknowledged by pagerduty firing api (ann)"],
    );
}

#[test]
fn two_owners_are_both_named_and_the_end_of_one_alert_is_no_news_of_the_other() {
    check_with(
        &pager(),
        "0s fire api\n 0s fire db\n 1m ack api by bob\n 2m ack db by ann\n 3m resolve db\n 30m end",
        &[
            "30s First by pagerduty firing api,db",
            "2m Acknowledged by pagerduty firing api,db (ann,bob)",
            "5m30s ResolvedGrew by pagerduty firing api resolved db",
        ],
    );
}

#[test]
fn a_whole_group_is_taken_at_once() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s fire api\n 0s fire db\n 1h end");
    let action = |group: &str| bellwether_alerts::Action {
        subject: Subject::Group(GroupId(group.to_owned())),
        deed: bellwether_alerts::Deed::Acknowledge { until: None },
        by: "ann".to_owned(),
        note: String::new(),
    };
    let mut ask = |group: &str| {
        let effects = player.step(Event::Act(action(group)), Timestamp::from_secs(3600));
        effects.into_iter().find_map(|effect| match effect {
            Effect::Answer(Answer::Acted(result)) => Some(result),
            Effect::Answer(_) | Effect::Record(_) | Effect::Deliver(_) => None,
        })
    };
    assert_eq!(ask("{}:{}").expect("an answer").map(|alerts| alerts.len()), Ok(2));
    let unknown = ask("{}:{team=\"x\"}").expect("an answer");
    assert!(matches!(unknown, Err(ActionError::NotFound(_))), "{unknown:?}");
    player.play("9h end");
    assert_eq!(player.heard, ["30s First firing api,db"]);
    assert_eq!(player.ledger.audit, ["ann alert.acknowledge group {}:{}"]);
}

#[test]
fn a_group_says_who_has_it_and_when_it_is_repeated() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s fire api\n 1h end");
    let view = |player: &Player, at_s: i64| player.core.groups(Timestamp::from_secs(at_s)).remove(0);
    let free = view(&player, 3600);
    assert_eq!(free.next_repeat_at, Some(Timestamp::from_secs(4 * 3600 + 30)));
    assert_eq!(free.acked_by, None);
    player.play("1h ack api by ann for 2h\n 2h end");
    let taken = view(&player, 7200);
    assert_eq!((taken.next_repeat_at, taken.integrations[0].next_repeat_at), (None, None));
    let acked = taken.acked_by.expect("somebody has it");
    assert_eq!((acked.by, acked.until), (vec!["ann".to_owned()], Some(Timestamp::from_secs(3 * 3600))));
    let verdict = taken.integrations[0].verdict.clone().map(|(_, verdict)| verdict);
    assert_eq!(verdict, Some(Verdict::Acknowledged { by: vec!["ann".to_owned()] }));
    player.play("4h end");
    assert_eq!(view(&player, 4 * 3600).acked_by, None, "her time is over");
}
