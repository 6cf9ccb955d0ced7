//! Whom a message does not reach, somebody else hears of.

use bellwether_alerts::{Fallback, Status};
use bellwether_model::TimeDelta;

use crate::script::{Player, setup};

const YAML: &str = "
route: {receiver: hook, group_by: [team], group_wait: 30s, group_interval: 5m, repeat_interval: 4h}
receivers:
  - {name: hook, webhook_configs: [{url: 'http://hook.example/'}]}
  - {name: desk, webhook_configs: [{url: 'http://desk.example/'}]}
";

fn player(yaml: &str) -> Player {
    let fallback = Fallback { receiver: "desk".to_owned(), after: TimeDelta::MINUTE * 10 };
    Player::with(bellwether_alerts::Setup { fallback: Some(fallback), ..setup(yaml) })
}

fn check(script: &str, expected: &[&str]) {
    let mut player = player(YAML);
    player.play(script);
    // Attempts at the receiver itself are the subject of delivery.rs.
    let told: Vec<_> = player.heard.iter().filter(|line| line.contains(" to desk ")).collect();
    assert_eq!(told, expected, "after\n{script}\n{:#?}", player.heard);
}

#[test]
fn a_message_refused_for_good_is_told_elsewhere_at_once_and_so_is_its_end() {
    check(
        "0s answer 404 to hook\n 0s fire api\n 20m resolve api\n 1h end",
        &["30s Fallback to desk firing api", "20m30s AllResolved to desk resolved api"],
    );
}

#[test]
fn a_message_that_fails_for_long_is_told_elsewhere_once_and_never_repeated() {
    check("0s answer 503 to hook\n 0s fire api\n 23h end", &["10m30s Fallback to desk firing api"]);
    check("0s answer 503 to hook\n 0s fire api\n 5m answer ok to hook\n 23h end", &[]);
}

#[test]
fn a_receiver_that_asks_to_be_left_alone_for_long_is_stood_in_for() {
    check("0s answer 429 1h to hook\n 0s fire api\n 2h end", &["10m30s Fallback to desk firing api"]);
}

#[test]
fn what_joins_while_a_receiver_is_away_is_told_elsewhere_too() {
    check(
        "0s answer 503 to hook\n 0s fire api\n 20m fire db\n 1h answer ok to hook\n 2h fire cpu\n 3h end",
        &["10m30s Fallback to desk firing api", "20m30s Fallback to desk firing api,db"],
    );
}

#[test]
fn an_end_that_does_not_get_through_is_told_elsewhere() {
    check(
        "0s fire api\n 1m answer 503 to hook\n 2m resolve api\n 1h end",
        &["15m30s Fallback to desk resolved api"],
    );
}

#[test]
fn who_stands_in_hears_of_the_end_although_the_receiver_is_back() {
    check(
        "0s answer 503 to hook\n 0s fire api\n 20m answer ok to hook\n 1h resolve api\n 2h end",
        &["10m30s Fallback to desk firing api", "1h30s AllResolved to desk resolved api"],
    );
}

#[test]
fn what_was_told_elsewhere_survives_a_restart() {
    check(
        "0s answer 503 to hook\n 0s fire api\n 20m crash\n 50m crash\n 1h resolve api\n 2h end",
        &["10m30s Fallback to desk firing api", "1h30s AllResolved to desk resolved api"],
    );
    // So does when it is due.
    check("0s answer 503 to hook\n 0s fire api\n 5m crash\n 1h end", &["10m30s Fallback to desk firing api"]);
    // A message whose outcome was lost with the process gets another chance first.
    check("0s answer none to hook\n 0s fire api\n 1m answer ok to hook\n 1m crash\n 1h end", &[]);
}

#[test]
fn who_stands_in_is_tried_again_like_anybody() {
    check(
        "0s answer 404 to hook\n 0s answer 503 to desk\n 0s fire api\n 31s answer ok to desk\n 1h end",
        &["30s Fallback to desk firing api", "31s Retry to desk firing api", "33s Retry to desk firing api"],
    );
}

#[test]
fn nobody_stands_in_for_who_stands_in_or_for_a_drill() {
    let mut player = player(&YAML.replacen("receiver: hook", "receiver: desk", 1));
    player.play("0s answer 404 to desk\n 0s fire api\n 1m drill all\n 4m end");
    assert_eq!(
        player.heard,
        [
            "30s First to desk firing api",
            "1m Drill to desk firing BellwetherDrill",
            "1m Drill firing BellwetherDrill"
        ]
    );
    check("0s answer 404 to hook\n 0s drill hook\n 1h end", &[]);
}

#[test]
fn what_nobody_needs_to_hear_any_more_is_not_told_elsewhere() {
    check("0s answer 503 to hook\n 0s fire api\n 5m silence s1 1h alertname=\"api\"\n 30m end", &[]);
}

#[test]
fn the_text_says_who_could_not_be_reached_and_why() {
    let mut player = player(YAML);
    player.play("0s answer 404 to hook\n 0s fire api\n 1m end");
    let told = player.accepted.last().expect("desk was told");
    assert_eq!(told.integration.receiver, "desk");
    let why = "hook/webhook[0] could not be reached (refused with status 404: busy).";
    assert!(told.message.text().contains(why), "{}", told.message.text());
    let unreached = told.notification.unreached.as_ref().expect("whom it stands in for");
    assert_eq!(unreached.integration.to_string(), "hook/webhook[0]");
    assert_eq!(told.notification.status(), Status::Firing);
    assert_eq!(told.notification.receiver, "desk");
}
