use bellwether_alerts::{IntegrationKind, Notification, Reason, Status};
use bellwether_model::{Labels, Timestamp};
use serde_json::json;

use crate::rendered::{acked, message, notification, parts, problems, slow, told, yaml};
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
            "routeLabels": {},
            "notification_reason": "first notification",
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

#[test]
fn what_is_left_out_is_not_in_what_is_common() {
    let said = notification(
        Reason::First,
        vec![
            told(Status::Firing, "A", &[("job", "login"), ("zone", "a")], &[]),
            told(Status::Firing, "B", &[("job", "login"), ("zone", "b")], &[]),
        ],
    );
    let config = "webhook_configs: [{url: 'http://hook.example', max_alerts: 1}]";
    let body = parts(&message(config, IntegrationKind::Webhook, &said)).remove(0).1;
    assert_eq!(body["commonLabels"], json!({"alertname": "A", "job": "login", "zone": "a"}));
}

#[test]
fn who_has_it_is_said_too() {
    let said = Notification { reason: Reason::Repeat, ..acked(vec![slow(Status::Firing)]) };
    let config = "webhook_configs: [{url: 'http://hook.example'}]";
    let body = parts(&message(config, IntegrationKind::Webhook, &said)).remove(0).1;
    assert_eq!(
        (&body["acknowledgedBy"], &body["notification_reason"]),
        (&json!(["ann", "bob"]), &json!("repeat interval elapsed"))
    );
}

#[test]
fn a_payload_of_ones_own_takes_the_place_of_version_4() {
    let config = "webhook_configs:\n      - url: 'http://hook.example/{{ .GroupLabels.job }}'
        payload:
          text: '{{ .CommonAnnotations.summary }}: \"quoted\"'
          count: '{{ len .Alerts }}'
          alerts: '{{ .Alerts | toJson }}'
          '{{ .Status }}': [yes, '0x10', 0x10, 1_000, .5, ~, 'no {{ .Status }}']";
    let said = notification(Reason::First, vec![slow(Status::Firing)]);
    let message = message(config, IntegrationKind::Webhook, &said);
    assert_eq!(message.template_error, None);
    let mut body = parts(&message).remove(0).1;
    let alerts = body["alerts"].take();
    assert_eq!(alerts[0]["labels"]["alertname"], "SlowLogin");
    let list = json!([true, 16, 16, 1000, 0.5, null, "no firing"]);
    assert_eq!(
        body,
        json!({"text": "logins are slow: \"quoted\"", "count": 1, "alerts": null, "firing": list})
    );
}

#[test]
fn data_in_a_payload_stays_data() {
    let said = |summary: &str| {
        notification(
            Reason::First,
            vec![told(Status::Firing, "A", &[("job", "login")], &[("summary", summary)])],
        )
    };
    let config = "webhook_configs: [{url: 'http://hook.example', payload: {a: '{{ .CommonAnnotations | toJson }}', b: '{{ .CommonAnnotations.summary }}'}}]";
    let check = |summary: &str, b: serde_json::Value| {
        let body = parts(&message(config, IntegrationKind::Webhook, &said(summary))).remove(0).1;
        assert_eq!(body, json!({"a": {"summary": summary}, "b": b}), "{summary}");
    };
    check("{{ .Status }}", json!("{{ .Status }}"));
    check("a\u{0}\u{7f}\u{2028}😀", json!("a\u{0}\u{7f}\u{2028}😀"));
    check("&a [*a, *a]", json!("&a [*a, *a]"));
    check("slow", json!("slow"));
    check("disk full: /var", json!("disk full: /var"));
    check("{not json}", json!("{not json}"));
}

#[test]
fn a_payload_that_fails_is_told_as_version_4() {
    let config =
        "webhook_configs: [{url: 'http://hook.example', payload: {a: '{{ template \"nowhere\" . }}'}}]";
    let message =
        message(config, IntegrationKind::Webhook, &notification(Reason::First, vec![slow(Status::Firing)]));
    assert!(message.template_error.as_ref().unwrap().contains("nowhere"));
    assert_eq!(parts(&message).remove(0).1["version"], "4");
}

#[test]
fn what_is_wrong_is_said_where_it_stands() {
    let check = |item: &str, want: &[&str]| {
        assert_eq!(problems(&yaml(&format!("webhook_configs: [{item}]"))), want, "{item}");
    };
    check("{url: 'http://a'}", &[]);
    check("{url: '{{ .GroupLabels.url }}'}", &[]);
    check("{}", &["a.yml:4:23: error: no webhook address; write url or url_file"]);
    check("{url: ''}", &["a.yml:4:23: error: no webhook address; write url or url_file"]);
    check(
        "{url: 'http://a', url_file: f}",
        &["a.yml:4:41: error: url and url_file are both written; which one counts?; remove one of them"],
    );
    check(
        "{url: a}",
        &[
            "a.yml:4:29: error: url is not a web address; write a whole address, beginning with https:// or http://",
        ],
    );
    check(
        "{url: 'http://a', signing_secret: s, signing_secret_file: f}",
        &[
            "a.yml:4:60: error: signing_secret and signing_secret_file are both written; which one counts?; remove one of them",
        ],
    );
}
