use crate::script::{ONE_WEBHOOK, Player, check};

#[test]
fn a_message_whose_outcome_was_lost_is_sent_again_with_the_same_key() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s fire api\n 0s answer none\n 31s answer ok\n 31s crash\n 1h end");
    assert_eq!(player.heard, ["30s First firing api", "31s Restart firing api"]);
    assert_eq!(player.ledger.deliveries.len(), 1);
}

#[test]
fn timers_go_on_where_they_stood() {
    check("0s fire api\n 20s crash\n 1m end", &["30s First firing api"]);
    check(
        "0s fire api\n 1m fire db\n 3m crash\n 10m end",
        &["30s First firing api", "5m30s NewAlerts firing api,db"],
    );
    check("0s fire api\n 3h crash\n 5h end", &["30s First firing api", "4h30s Repeat firing api"]);
}

#[test]
fn an_alert_whose_source_stopped_still_ends_after_a_restart() {
    check("0s post api\n 1m crash\n 20m end", &["30s First firing api", "5m30s AllResolved resolved api"]);
}

#[test]
fn an_end_during_the_outage_is_told_after_it() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s post api\n 1m end");
    player.crash(bellwether_model::Timestamp::from_secs(3600));
    player.run_until(bellwether_model::Timestamp::from_secs(7200));
    assert_eq!(player.heard, ["30s First firing api", "5m30s AllResolved resolved api"]);
}

#[test]
fn a_silence_survives_and_what_waits_goes_on_waiting() {
    check("0s silence s1 1h alertname=\"api\"\n 0s fire api\n 1m crash\n 30m end", &[]);
    check(
        "0s fire api\n 0s answer 429 10m\n 1m crash\n 1m answer ok\n 15m end",
        &["30s First firing api", "10m30s Retry firing api"],
    );
}

#[test]
fn trouble_with_a_receiver_is_still_visible_after_a_restart() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s fire api\n 0s answer 429 10m\n 1m crash");
    let health = &player.core.receiver_health()[0];
    assert_eq!(health.state, bellwether_alerts::ReceiverState::Retrying);
    assert_eq!((health.waiting_deliveries, health.limited_until.is_some()), (1, true));
    assert_eq!(health.last_failure.as_deref(), Some("refused with status 429: busy"));
}
