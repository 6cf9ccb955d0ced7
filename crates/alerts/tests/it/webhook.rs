use bellwether_model::{Labels, Timestamp};

use crate::script::{ONE_WEBHOOK, Player};

#[test]
fn the_body_is_version_4_field_for_field() {
    let mut player = Player::new(ONE_WEBHOOK);
    let mut alert = crate::script::alert(
        crate::script::labels_of("HighLatency", &["team=web"]),
        Timestamp::from_millis(1500),
        None,
    );
    alert.annotations = Labels::from_pairs([("summary", "slow")]);
    alert.generator_url = "http://prom.example/graph".into();
    player.hear(bellwether_alerts::AlertSource::Rules, alert.clone(), Timestamp::from_millis(1500));
    player.run_until(Timestamp::from_secs(60));
    let body: serde_json::Value = serde_json::from_str(player.accepted[0].message.text()).unwrap();
    let fingerprint = alert.fingerprint().to_string();
    assert_eq!(
        body,
        serde_json::json!({
            "version": "4",
            "groupKey": "{}:{team=\"web\"}",
            "truncatedAlerts": 0,
            "status": "firing",
            "receiver": "hook",
            "groupLabels": {"team": "web"},
            "commonLabels": {"alertname": "HighLatency", "team": "web"},
            "commonAnnotations": {"summary": "slow"},
            "externalURL": "http://bellwether.example",
            "alerts": [{
                "status": "firing",
                "labels": {"alertname": "HighLatency", "team": "web"},
                "annotations": {"summary": "slow"},
                "startsAt": "1970-01-01T00:00:01.5Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://prom.example/graph",
                "fingerprint": fingerprint,
            }],
        })
    );
}

#[test]
fn more_alerts_than_wanted_are_counted() {
    let yaml = ONE_WEBHOOK.replace("{url:", "{max_alerts: 1, url:");
    let mut player = Player::new(&yaml);
    player.play("0s fire a\n 0s fire b\n 0s fire c\n 1m end");
    let body: serde_json::Value = serde_json::from_str(player.accepted[0].message.text()).unwrap();
    assert_eq!((body["truncatedAlerts"].as_u64(), body["alerts"].as_array().unwrap().len()), (Some(2), 1));
}
