//! What PagerDuty is sent, event for event.

use bellwether_alerts::{IntegrationKind, Notification, Reason, Status};
use serde_json::{Value, json};

use crate::rendered::{acked, message, notification, parts, problems, slow, told, yaml};

/// The SHA-256 of the group's key, as `sha256sum` has it.
const KEY: &str = "0edf10e6fa4de3667e4f11b926a9cbe96f8596fb6adc0c6720a022cd0dee9635";
const V2: &str = "pagerduty_configs: [{routing_key: R0UT1NG}]";
const V1: &str = "pagerduty_configs: [{service_key: S3RV1CE}]";

fn event(integrations: &str, said: &Notification) -> Value {
    let message = message(integrations, IntegrationKind::Pagerduty, said);
    assert_eq!(message.template_error, None);
    let mut parts = parts(&message);
    assert_eq!(parts.len(), 1);
    parts.remove(0).1
}

#[test]
fn what_fires_triggers_what_ends_resolves_and_whoever_takes_it_acknowledges() {
    let check = |said: &Notification, v2: &str, v1: &str| {
        let event_v2 = event(V2, said);
        assert_eq!(
            (event_v2["event_action"].as_str(), event_v2["dedup_key"].as_str()),
            (Some(v2), Some(KEY))
        );
        let event_v1 = event(V1, said);
        assert_eq!(
            (event_v1["event_type"].as_str(), event_v1["incident_key"].as_str()),
            (Some(v1), Some(KEY))
        );
    };
    let fires = || vec![slow(Status::Firing)];
    check(&notification(Reason::First, fires()), "trigger", "trigger");
    check(
        &notification(Reason::ResolvedGrew, vec![slow(Status::Firing), slow(Status::Resolved)]),
        "trigger",
        "trigger",
    );
    check(&notification(Reason::AllResolved, vec![slow(Status::Resolved)]), "resolve", "resolve");
    check(&acked(fires()), "acknowledge", "acknowledge");
    check(&notification(Reason::Unacknowledged, fires()), "trigger", "trigger");
    check(&notification(Reason::AckExpired, fires()), "trigger", "trigger");
    check(&Notification { reason: Reason::Repeat, ..acked(fires()) }, "trigger", "trigger");
}

#[test]
fn an_event_of_version_2_says_what_where_and_since_when() {
    let said = notification(Reason::First, vec![slow(Status::Firing)]);
    let event = event(V2, &said);
    assert_eq!(
        event,
        json!({
            "event_action": "trigger",
            "dedup_key": KEY,
            "client": "Bellwether",
            "client_url": "http://bellwether.example/alerts?receiver=oncall",
            "payload": {
                "summary": "[FIRING:1] login (SlowLogin critical)",
                "source": "Bellwether",
                "severity": "error",
                "timestamp": "1970-01-01T00:01:00.000Z",
                "custom_details": {
                    "firing": [{
                        "status": "firing",
                        "labels": {"alertname": "SlowLogin", "job": "login", "severity": "critical"},
                        "annotations": {"summary": "logins are slow"},
                        "startsAt": "1970-01-01T00:01:00Z",
                        "endsAt": "0001-01-01T00:00:00Z",
                        "generatorURL": "http://prom.example/graph",
                        "fingerprint": said.alerts[0].alert.fingerprint().to_string(),
                    }],
                    "resolved": [],
                    "num_firing": 1,
                    "num_resolved": 0,
                },
            },
        })
    );
}

#[test]
fn an_acknowledgement_says_no_more_than_needed() {
    let said = acked(vec![slow(Status::Firing)]);
    assert_eq!(event(V2, &said), json!({"event_action": "acknowledge", "dedup_key": KEY}));
}

#[test]
fn an_event_of_version_1_says_the_same_in_its_own_fields() {
    let event = event(V1, &notification(Reason::First, vec![slow(Status::Firing)]));
    assert_eq!(event["description"], "[FIRING:1] login (SlowLogin critical)");
    assert_eq!(event["client_url"], "http://bellwether.example/alerts?receiver=oncall");
    assert_eq!(event["details"]["num_firing"], 1);
}

#[test]
fn all_fields_are_templates_and_details_become_what_they_say() {
    let event = event(
        "pagerduty_configs:\n      - routing_key: R0UT1NG
        description: '{{ .CommonAnnotations.summary }}'
        severity: '{{ .CommonLabels.severity }}'
        source: '{{ .GroupLabels.job }}'
        class: 'slow {{ .Status }}'
        component: auth
        group: '{{ .CommonLabels.job }}'
        client: ours
        client_url: http://ours.example
        images: [{src: 'http://ours.example/{{ .GroupLabels.job }}.png', alt: graph, href: http://ours.example}, {alt: none}]
        links: [{href: 'http://ours.example/runbook', text: Runbook}, {href: '', text: nowhere}]
        details:
          firing: '{{ len .Alerts.Firing }} of them'
          deep: {list: ['{{ .CommonLabels | toJson }}', yes, 1.5], nothing: ~, '{{ .Status }}': '007: james'}",
        &notification(Reason::First, vec![slow(Status::Firing)]),
    );
    let payload = &event["payload"];
    assert_eq!(payload["summary"], "logins are slow");
    assert_eq!(payload["severity"], "critical");
    assert_eq!(payload["source"], "login");
    assert_eq!(
        (&payload["class"], &payload["component"], &payload["group"]),
        (&json!("slow firing"), &json!("auth"), &json!("login"))
    );
    assert_eq!(
        event["images"],
        json!([{"src": "http://ours.example/login.png", "alt": "graph", "href": "http://ours.example"}])
    );
    assert_eq!(event["links"], json!([{"href": "http://ours.example/runbook", "text": "Runbook"}]));
    let details = &payload["custom_details"];
    assert_eq!(details["firing"], "1 of them");
    assert_eq!(details["num_resolved"], 0, "the defaults that are not written over stay");
    assert_eq!(
        details["deep"],
        json!({
            "list": [{"alertname": "SlowLogin", "job": "login", "severity": "critical"}, true, 1.5],
            "nothing": null,
            "firing": "007: james",
        })
    );
}

#[test]
fn pagerduty_hears_only_severities_it_knows() {
    let check = |written: &str, heard: &str| {
        let config = format!("pagerduty_configs: [{{routing_key: k, severity: '{written}'}}]");
        let event = event(&config, &notification(Reason::First, vec![slow(Status::Firing)]));
        assert_eq!(event["payload"]["severity"], heard, "{written}");
    };
    check("critical", "critical");
    check("PAGE", "critical");
    check("warning", "warning");
    check(" Warn ", "warning");
    check("info", "info");
    check("none", "info");
    check("error", "error");
    check("", "error");
    check("{{ .CommonLabels.nosuch }}", "error");
    check("sehr schlimm", "error");
}

#[test]
fn a_summary_is_cut_by_characters() {
    let alert = told(Status::Firing, "SlowLogin", &[("job", "login")], &[("summary", &"ü".repeat(3000))]);
    let config = "pagerduty_configs: [{routing_key: k, description: '{{ .CommonAnnotations.summary }}'}]";
    let event = event(config, &notification(Reason::First, vec![alert]));
    let summary = event["payload"]["summary"].as_str().unwrap();
    assert_eq!((summary.chars().count(), summary.ends_with("ü…")), (1024, true));
}

#[test]
fn an_event_that_is_too_large_goes_without_its_details_but_says_where_they_are() {
    let long = "x".repeat(3000);
    let alerts: Vec<_> = (0..200)
        .map(|n| {
            told(
                Status::Firing,
                "SlowLogin",
                &[("job", "login"), ("n", &n.to_string())],
                &[("summary", &long)],
            )
        })
        .collect();
    let said = notification(Reason::First, alerts);
    for config in [V2, V1] {
        let event = event(config, &said);
        assert!(event.to_string().len() < 512_000);
        let details = if config == V2 { &event["payload"]["custom_details"] } else { &event["details"] };
        assert_eq!(details["all_alerts"], "http://bellwether.example/alerts?receiver=oncall");
        assert!(details["error"].as_str().unwrap().contains("bytes"), "{details}");
    }
}

#[test]
fn a_template_that_fails_still_wakes_people() {
    let said = notification(Reason::First, vec![slow(Status::Firing)]);
    let config =
        "pagerduty_configs: [{routing_key: k, component: auth, description: '{{ template \"nowhere\" . }}'}]";
    let message = message(config, IntegrationKind::Pagerduty, &said);
    assert!(message.template_error.as_ref().unwrap().contains("nowhere"));
    let event = parts(&message).remove(0).1;
    assert_eq!((&event["event_action"], &event["dedup_key"]), (&json!("trigger"), &json!(KEY)));
    assert_eq!(event["payload"]["summary"], "[FIRING:1] SlowLogin");
    assert_eq!(event["payload"]["component"], "auth");
    assert_eq!(event["payload"]["source"], "http://bellwether.example");
    assert!(event["payload"]["custom_details"]["template_error"].as_str().unwrap().contains("nowhere"));
}

#[test]
fn no_key_is_in_what_is_recorded() {
    let said = notification(Reason::First, vec![slow(Status::Firing)]);
    for (config, key) in [
        (V2, "R0UT1NG"),
        (V1, "S3RV1CE"),
        ("pagerduty_configs: [{routing_key: '{{ .GroupLabels.job }}-K3Y'}]", "K3Y"),
    ] {
        let message = message(config, IntegrationKind::Pagerduty, &said);
        assert!(!serde_json::to_string(&message).unwrap().contains(key), "{key}");
    }
}

#[test]
fn a_key_of_version_1_with_an_address_of_version_2_is_warned_of() {
    let check = |global: &str, item: &str, want: &[&str]| {
        let file = format!("{global}\n{}", yaml(&format!("pagerduty_configs: [{item}]")));
        assert_eq!(problems(&file), want, "{global}{item}");
    };
    let remedy = r#"; write routing_key with the key of an integration of "Events API v2" instead of it"#;
    let passed_over = format!(
        "a.yml:5:26: warning: service_key is a key of events of version 1: they go to https://events.pagerduty.com/generic/2010-04-15/create_event.json, not to pagerduty_url under global{remedy}"
    );
    let refused = |name: &str, place: &str| {
        format!(
            "a.yml:{place}: warning: {name} is a key of events of version 1, and this address takes those of version 2{remedy}"
        )
    };
    let (v1, v2) = (
        "global: {pagerduty_url: 'https://p.example/v1'}",
        "global: {pagerduty_url: 'https://p.example/v2/enqueue'}",
    );
    check("", "{service_key: k}", &[]);
    check(v1, "{service_key: k}", &[]);
    check(v2, "{routing_key: k}", &[]);
    check(v2, "{service_key: k}", &[&passed_over]);
    check(v2, "{service_key: k, url: 'https://p.example/v1'}", &[]);
    check("", "{routing_key: k, url: 'https://p.example/v2/enqueue'}", &[]);
    check("", "{service_key: k, url: 'https://p.example/v2/enqueue'}", &[&refused("service_key", "5:47")]);
    check(
        v2,
        "{service_key_file: k, url: 'https://p.example/v2/enqueue/'}",
        &[&refused("service_key_file", "5:52")],
    );
}

#[test]
fn what_is_wrong_is_said_where_it_stands() {
    let check = |item: &str, want: &[&str]| {
        assert_eq!(problems(&yaml(&format!("pagerduty_configs: [{item}]"))), want, "{item}");
    };
    check("{routing_key: k}", &[]);
    check("{service_key_file: k}", &[]);
    check("{}", &["a.yml:4:25: error: no PagerDuty key; write routing_key or routing_key_file"]);
    check(
        "{routing_key: ''}",
        &["a.yml:4:25: error: no PagerDuty key; write routing_key or routing_key_file"],
    );
    check(
        "{routing_key: k, routing_key_file: f}",
        &[
            "a.yml:4:42: error: routing_key and routing_key_file are both written; which one counts?; remove one of them",
        ],
    );
    check(
        "{service_key: k, service_key_file: f}",
        &[
            "a.yml:4:42: error: service_key and service_key_file are both written; which one counts?; remove one of them",
        ],
    );
    check(
        "{service_key: k, routing_key: f}",
        &["a.yml:4:42: warning: a service key is written too, and counts; this one is not used"],
    );
    check(
        "{routing_key: k, url: events}",
        &[
            "a.yml:4:47: error: url is not a web address; write a whole address, beginning with https:// or http://",
        ],
    );
    check(
        "{routing_key: k, details: [a]}",
        &["a.yml:4:51: error: details are a mapping; write them as `name: text` lines"],
    );
    check(
        "{routing_key: k, links: [{url: a}]}",
        &["a.yml:4:51: error: unknown field \"url\"; known fields here: href, text"],
    );
}
