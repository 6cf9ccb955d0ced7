use crate::script::{ONE_WEBHOOK, Player, check};

#[test]
fn a_message_whose_outcome_was_lost_is_sent_again_with_the_same_key() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s fire api\n 0s answer none\n 31s answer ok\n 31s crash\n 1h end");
    assert_eq!(player.heard, ["30s First firing api", "31s Restart firing api"]);
    assert_eq!(player.ledger.deliveries.len(), 1);
}

#[test]
fn a_receiver_that_refuses_after_many_crashes_is_tried_again_as_soon_as_after_none() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s fire api\n 0s answer none\n 31s crash\n 32s crash\n 33s crash\n 34s crash");
    player.play("34s answer 503\n 35s crash\n 36s answer ok\n 10m end");
    assert_eq!(player.heard[5..], ["35s Restart firing api", "36s Retry firing api", "38s Retry firing api"]);
    assert_eq!(player.tried.last().map(|delivery| delivery.attempt), Some(8));
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
    check("0s post api\n 1m crash\n 20m end", &["30s First firing api", "10m30s AllResolved resolved api"]);
}

#[test]
fn an_end_that_came_while_nobody_listened_is_told_once_the_source_had_time_to_say_otherwise() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s post api\n 1m end");
    player.crash(bellwether_model::Timestamp::from_secs(3600));
    player.run_until(bellwether_model::Timestamp::from_secs(7200));
    assert_eq!(player.heard, ["30s First firing api", "1h5m AllResolved resolved api"]);
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

#[test]
fn a_new_configuration_looks_at_every_group_and_keeps_what_was_told() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s fire api\n 1m end");
    let yaml = ONE_WEBHOOK.replace("group_interval: 5m", "group_interval: 10m");
    player.core.reconfigure(crate::script::setup(&yaml), bellwether_model::Timestamp::from_secs(60));
    player.play("2m fire db\n 3m fire cpu\n 7m fire disk\n 20m end");
    assert_eq!(player.heard, ["30s First firing api", "11m NewAlerts firing api,cpu,db,disk"]);
}

#[test]
fn what_is_in_flight_during_a_change_still_reports_back() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s fire api\n 0s answer none\n 1m end");
    let now = bellwether_model::Timestamp::from_secs(60);
    player.core.reconfigure(crate::script::setup(ONE_WEBHOOK), now);
    player.play("10m end");
    assert_eq!(player.heard, ["30s First firing api"], "not sent a second time");
    let delivery = player.tried[0].key.clone();
    let receipt = bellwether_alerts::Receipt::Accepted { status: 200 };
    player.step(bellwether_alerts::Event::Delivered { delivery, outcome: receipt.into() }, now);
    assert_eq!(player.ledger.restored().told.len(), 1);
}

#[test]
fn a_message_to_a_receiver_that_is_gone_is_taken_back_and_the_alert_goes_to_the_new_one() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s fire api\n 0s answer 429 1h\n 1m answer ok");
    let yaml = ONE_WEBHOOK.replace("hook,", "desk,").replace("name: hook", "name: desk");
    player.core.reconfigure(crate::script::setup(&yaml), bellwether_model::Timestamp::from_secs(60));
    player.play("10m end");
    assert_eq!(player.heard, ["30s First firing api", "1m First to desk firing api"]);
    let statuses: Vec<_> = player.ledger.deliveries.values().map(|row| row.status.as_str()).collect();
    assert!(statuses.contains(&"withdrawn") && statuses.contains(&"delivered"), "{statuses:?}");
}
