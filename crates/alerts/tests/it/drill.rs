//! Drills: the way of a real message, and nothing that stays.

use bellwether_alerts::{DRILL_ALERT_NAME, DeliveryStatus, Status};
use bellwether_model::Timestamp;

use crate::script::Player;

const TWO: &str = "
route: {receiver: hook}
receivers:
  - {name: hook, webhook_configs: [{url: 'http://hook.example/'}]}
  - name: desk
    webhook_configs: [{url: 'http://desk.example/'}, {url: 'http://desk.example/2'}]
";

fn statuses(player: &Player) -> Vec<&'static str> {
    player.ledger.deliveries.values().map(|row| row.status.as_str()).collect()
}

#[test]
fn every_integration_that_is_asked_for_hears_a_marked_message() {
    let mut player = Player::new(TWO);
    let keys = player.drill("desk", Timestamp(0));
    assert_eq!(player.heard, ["0s Drill to desk firing BellwetherDrill"; 2]);
    assert_eq!(keys.len(), 2);
    assert_eq!(player.drill("all", Timestamp(1)).len(), 3);
    assert_eq!(player.drill("nobody", Timestamp(2)).len(), 0);
    for delivery in &player.tried {
        let alert = &delivery.notification.alerts[0].alert;
        assert_eq!((alert.name(), alert.labels.get("drill")), (DRILL_ALERT_NAME, Some("true")));
        assert!(alert.annotations.value_or_empty("summary").contains("nothing is wrong"));
        assert!(delivery.message.text().contains(DRILL_ALERT_NAME));
    }
    assert_eq!(player.ledger.audit, ["ann receiver.drill desk", "ann receiver.drill all receivers"]);
}

#[test]
fn its_outcome_is_recorded_and_it_is_not_tried_again() {
    let mut player = Player::new(TWO);
    player.play("0s answer 503\n 0s drill desk\n 10h end");
    assert_eq!(player.heard.len(), 2);
    assert_eq!(statuses(&player), ["failed"; 2]);
    let last = player.ledger.deliveries.values().find_map(|row| match &row.status {
        DeliveryStatus::Failed { last } => Some(last.describe()),
        _ => None,
    });
    assert_eq!(last.as_deref(), Some("refused with status 503: busy"));
    player.play("10h answer ok\n 10h drill hook");
    assert_eq!(statuses(&player).iter().filter(|status| **status == "delivered").count(), 1);
}

#[test]
fn it_is_no_alert_of_no_group_and_no_past() {
    let mut player = Player::new(TWO);
    player.play("0s drill all\n 1h end");
    assert_eq!(player.core.alerts(Timestamp(0)).len() + player.core.groups(Timestamp(0)).len(), 0);
    assert_eq!((player.ledger.episodes.len(), player.core.next_wake()), (0, None));
}

#[test]
fn one_whose_process_is_gone_is_taken_back_and_not_sent_again() {
    let mut player = Player::new(TWO);
    player.play("0s answer none\n 0s drill hook\n 1m crash\n 1m answer ok\n 1h end");
    assert_eq!((player.heard.len(), statuses(&player)), (1, vec!["withdrawn"]));
    // A change of the configuration is no restart.
    let mut player = Player::new(TWO);
    player.play("0s answer none\n 0s drill hook");
    player.core.reconfigure(crate::script::setup(TWO), Timestamp(1));
    player.play("1h end");
    assert_eq!(statuses(&player), ["in_flight"]);
}

#[test]
fn who_keeps_incidents_open_is_told_that_it_is_over() {
    let yaml = "
route: {receiver: hook}
receivers: [{name: hook, pagerduty_configs: [{routing_key: '0123456789abcdef0123456789abcdef'}]}]";
    let mut player = Player::new(yaml);
    let keys = player.drill("hook", Timestamp(0));
    assert_eq!(keys.len(), 1);
    let said: Vec<_> = player.tried.iter().map(|delivery| delivery.notification.status()).collect();
    assert_eq!(said, [Status::Firing, Status::Resolved]);
    let groups: Vec<_> = player.tried.iter().map(|delivery| delivery.notification.group.clone()).collect();
    assert_eq!(groups[0], groups[1]);
}
