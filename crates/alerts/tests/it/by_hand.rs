//! Alerts that somebody ends by hand: over for everyone, until their condition has cleared and they fire anew.

use bellwether_model::Timestamp;

use crate::script::{ONE_WEBHOOK, Player, check};

#[test]
fn what_was_ended_by_hand_is_told_to_be_over_and_stays_so_while_its_source_goes_on() {
    check(
        "0s fire api\n 1m end-by-hand api by ann\n 2m fire api\n 20m fire api\n 9h fire api\n 10h end",
        &["30s First firing api", "5m30s AllResolved resolved api"],
    );
}

#[test]
fn it_fires_again_after_its_condition_has_cleared_once() {
    check(
        "0s fire api\n 1m end-by-hand api by ann\n 10m fire api\n 20m resolve api\n 30m fire api\n 40m end",
        &["30s First firing api", "5m30s AllResolved resolved api", "30m30s First firing api"],
    );
    // Also before everybody knows that it was over.
    check(
        "0s fire api\n 1m end-by-hand api by ann\n 2m resolve api\n 3m fire api\n 4h end",
        &["30s First firing api"],
    );
}

#[test]
fn what_is_posted_has_cleared_when_nobody_posts_it_any_more() {
    check(
        "0s post api\n 1m end-by-hand api by ann\n 4m post api\n 8m post api\n 12m59s post api\n 30m post api\n 31m end",
        &["30s First firing api", "5m30s AllResolved resolved api", "30m30s First firing api"],
    );
}

#[test]
fn a_restart_does_not_forget_it() {
    check(
        "0s fire api\n 1m end-by-hand api by ann\n 2m crash\n 3m fire api\n 1h crash\n 2h fire api\n 3h end",
        &["30s First firing api", "5m30s AllResolved resolved api"],
    );
    // Nor is what is posted let go before its source had time to report again.
    check(
        "0s post api\n 1m end-by-hand api by ann\n 4m post api\n 8m58s crash\n 13m post api\n 20m end",
        &["30s First firing api", "5m30s AllResolved resolved api"],
    );
}

#[test]
fn it_is_seen_while_it_is_held() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s fire api\n 1m end-by-hand api by ann\n 1h end");
    let view = player.core.alerts(Timestamp::from_secs(3600)).remove(0);
    assert!(view.resolved && view.held);
    assert_eq!(view.handled.resolved.map(|resolved| resolved.by), Some("ann".to_owned()));
    assert_eq!(view.alert.ends_at, Some(Timestamp::from_secs(60)));
    let open: Vec<_> = player.core.open_ended();
    assert_eq!(open.len(), 1, "its source still has to say when it is over");
    assert_eq!(open[0].ends_at, None);
    player.play("2h resolve api\n 2h end");
    assert_eq!(player.core.alerts(Timestamp::from_secs(7200)).len(), 0);
    assert_eq!(player.core.next_wake(), None);
    assert_eq!(player.ledger.restored().alerts.len(), 0);
}

#[test]
fn it_is_one_life_while_it_is_held_and_what_is_said_of_it_is_written_there() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s fire api\n 1m end-by-hand api by ann\n 2m end");
    let lives = |player: &Player, at_s: i64| player.core.lives(Timestamp::from_secs(at_s)).count();
    assert_eq!(
        (lives(&player, 120), player.ledger.episodes.len()),
        (1, 0),
        "somebody has to be told of the end"
    );
    player.play("1h judge api false by ann\n 1h end");
    assert_eq!((lives(&player, 3600), player.ledger.episodes.len()), (0, 1));
    let judged = player.ledger.episodes.values().next().and_then(|life| life.handled.judged.clone());
    assert_eq!(judged.map(|judged| judged.by), Some("ann".to_owned()));
}

#[test]
fn what_is_over_cannot_be_taken_or_ended_again() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s fire api\n 1m end-by-hand api by ann\n 2m ack api by bob\n 2m end-by-hand api by bob");
    assert_eq!(player.ledger.audit.len(), 1, "{:?}", player.ledger.audit);
    assert!(player.ledger.audit[0].starts_with("ann alert.resolve alert "));
}

#[test]
fn that_a_template_fails_can_be_ended_by_hand_and_fails_anew_after_it_worked() {
    let yaml = "
route: {receiver: hook, group_by: [alertname], group_wait: 30s, group_interval: 5m}
receivers:
  - name: hook
    slack_configs:
      - {api_url: 'http://slack.example/', channel: '#a', send_resolved: true, title: '{{ if eq .CommonLabels.alertname \"bad\" }}{{ .CommonLabels.x.y }}{{ end }}'}";
    let of_templates = |player: &Player, at_s: i64| {
        let views = player.core.alerts(Timestamp::from_secs(at_s));
        views.into_iter().find(|view| view.alert.name() == bellwether_alerts::TEMPLATE_ALERT_NAME)
    };
    let mut player = Player::new(yaml);
    player.play("0s fire bad\n 31s end");
    let failing = of_templates(&player, 31).expect("the template fails");
    let action = bellwether_alerts::Action {
        subject: bellwether_alerts::Subject::Alert(failing.fingerprint),
        deed: bellwether_alerts::Deed::Resolve,
        by: "ann".to_owned(),
        note: String::new(),
    };
    player.step(bellwether_alerts::Event::Act(action), Timestamp::from_secs(32));
    assert!(of_templates(&player, 33).is_some_and(|view| view.resolved && view.held));
    player.play("10m fire good\n 11m end");
    assert!(of_templates(&player, 660).is_none_or(|view| !view.held), "it worked once");
    player.play("12m resolve bad\n 20m fire bad\n 21m end");
    assert!(of_templates(&player, 1260).is_some_and(|view| !view.resolved), "{:?}", player.heard);
}
