use bellwether_alerts::{Receipt, ReceiverState};
use bellwether_model::TimeDelta;

use crate::script::{ONE_WEBHOOK, Player, check};

#[test]
fn an_alert_nobody_heard_is_sent_again() {
    check(
        "0s fire api\n 0s answer 503\n 31s answer ok\n 1m end",
        &["30s First firing api", "31s Retry firing api", "33s Retry firing api"],
    );
}

#[test]
fn pauses_grow() {
    check(
        "0s fire api\n 0s answer lost\n 3m end",
        &[
            "30s First firing api",
            "31s Retry firing api",
            "33s Retry firing api",
            "37s Retry firing api",
            "45s Retry firing api",
            "1m1s Retry firing api",
            "1m33s Retry firing api",
            "2m37s Retry firing api",
        ],
    );
}

#[test]
fn a_limited_receiver_is_left_alone_as_long_as_it_asks() {
    check(
        "0s fire api\n 0s answer 429 2m\n 31s answer ok\n 3m end",
        &["30s First firing api", "2m30s Retry firing api"],
    );
}

#[test]
fn a_receiver_that_limits_one_group_is_not_bothered_with_another() {
    check(
        "0s fire api team=a\n 0s answer 429 2m\n 31s answer ok\n 1m fire api team=b\n 4m end",
        &["30s First firing api", "2m30s Retry firing api", "2m30s First firing api"],
    );
}

#[test]
fn an_outage_of_the_receiver_ends_in_one_message_with_the_whole_story() {
    check(
        "0s fire api\n 0s answer 503\n 2m resolve api\n 3m answer ok\n 20m end",
        &[
            "30s First firing api",
            "31s Retry firing api",
            "33s Retry firing api",
            "37s Retry firing api",
            "45s Retry firing api",
            "1m1s Retry firing api",
            "1m33s Retry firing api",
            "2m37s Collapsed resolved api",
            "4m45s Retry resolved api",
        ],
    );
}

#[test]
fn what_joins_while_a_receiver_is_away_is_told_with_the_rest() {
    check(
        "0s fire api\n 0s answer 429 10m\n 1m fire db\n 2m answer ok\n 20m end",
        &["30s First firing api", "10m30s Collapsed firing api,db"],
    );
}

#[test]
fn a_refusal_is_final_and_visible_and_what_still_fires_is_decided_anew() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s fire api\n 0s answer 400\n 1m end");
    assert_eq!(player.heard, ["30s First firing api"]);
    let health = &player.core.receiver_health()[0];
    assert_eq!(health.state, ReceiverState::Failing);
    assert_eq!(health.last_failure.as_deref(), Some("refused with status 400: busy"));
    player.play("2m answer ok\n 6m end");
    assert_eq!(player.heard[1..], ["5m30s First firing api"]);
    assert_eq!(player.core.receiver_health()[0].state, ReceiverState::Healthy);
}

#[test]
fn what_is_not_taken_for_everyone_is_not_told_again_and_stays_visible_until_everyone_is_told() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s fire api\n 0s answer part\n 4h end");
    assert_eq!(player.heard, ["30s First firing api"]);
    let health = player.core.receiver_health()[0].clone();
    assert_eq!((health.state, health.failures_in_row), (ReceiverState::Partial, 0));
    let said = "accepted with status 250, but not for bob@example.org (550 no such user)";
    assert_eq!(health.last_failure.as_deref(), Some(said));
    assert!(health.last_success_at.is_some() && health.last_success_at == health.last_failure_at);
    player.play("4h answer ok\n 4h1m fire db\n 4h10m end");
    assert_eq!(player.core.receiver_health()[0].state, ReceiverState::Healthy);
}

#[test]
fn a_refused_end_does_not_keep_the_group_for_ever() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s fire api\n 1m answer 400\n 2m resolve api\n 20m end");
    assert_eq!(player.heard, ["30s First firing api", "5m30s AllResolved resolved api"]);
    assert_eq!(player.core.next_wake(), None);
}

#[test]
fn nothing_else_is_said_while_an_outcome_is_open() {
    check("0s fire api\n 0s answer none\n 1m fire db\n 1h end", &["30s First firing api"]);
}

#[test]
fn keys_name_what_is_said() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s fire api\n 0s answer 503\n 31s answer ok\n 9h end");
    let keys: Vec<_> = player.ledger.deliveries.keys().collect();
    assert_eq!(player.heard.len(), 5, "first, two retries and two repeats: {:?}", player.heard);
    assert_eq!(keys.len(), 3, "a retry has the key of what it retries, a repeat its own");
}

#[test]
fn what_follows_from_an_answer() {
    let refused = |status| Receipt::Refused { status, body: String::new(), retry_after: None };
    let check =
        |receipt: Receipt, want: &str| assert_eq!(format!("{:?}", receipt.next()), want, "{receipt:?}");
    check(Receipt::Accepted { status: 202 }, "Done");
    for status in [408, 425, 429, 500, 502, 503, 504, 599] {
        check(refused(status), "Again { after: None }");
    }
    for status in [200, 301, 400, 401, 403, 404, 410, 413, 422] {
        check(refused(status), "Final");
    }
    check(Receipt::Unreachable { reason: String::new() }, "Again { after: None }");
    check(Receipt::Unsendable { reason: String::new() }, "Again { after: None }");
    let long = Receipt::Refused { status: 429, body: String::new(), retry_after: Some(TimeDelta::DAY) };
    check(long, "Again { after: Some(TimeDelta(3600000)) }");
}
