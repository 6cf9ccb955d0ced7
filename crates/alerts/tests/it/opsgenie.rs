//! What Opsgenie is called with, call for call.

use bellwether_alerts::{IntegrationKind, Notification, Reason, Status};
use serde_json::{Value, json};

use crate::rendered::{acked, message, notification, parts, problems, slow, told, yaml};

const ALIAS: &str = "0edf10e6fa4de3667e4f11b926a9cbe96f8596fb6adc0c6720a022cd0dee9635";
const SOURCE: &str = "http://bellwether.example/alerts?receiver=oncall";
const PLAIN: &str = "opsgenie_configs: [{api_key: S3CRET}]";

fn calls(integrations: &str, said: &Notification) -> Vec<(String, Value)> {
    let message = message(integrations, IntegrationKind::Opsgenie, said);
    assert_eq!(message.template_error, None);
    parts(&message)
}

fn on_alert(call: &str) -> String {
    format!("v2/alerts/{ALIAS}/{call}?identifierType=alias")
}

#[test]
fn what_fires_is_created_with_all_that_is_known() {
    let said = notification(Reason::First, vec![slow(Status::Firing)]);
    let made = calls(PLAIN, &said);
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].0, "v2/alerts");
    let mut body = made[0].1.clone();
    let description = body["description"].take();
    assert!(
        description.as_str().unwrap().contains("CRITICAL: logins are slow (fired 00:01 UTC)"),
        "{description}"
    );
    assert_eq!(
        body,
        json!({
            "alias": ALIAS,
            "message": "[FIRING:1] login (SlowLogin critical)",
            "description": null,
            "details": {"alertname": "SlowLogin", "job": "login", "severity": "critical"},
            "source": SOURCE,
        })
    );
}

#[test]
fn its_end_closes_it_and_whoever_takes_it_acknowledges_it() {
    let check = |said: &Notification, want: &[(String, Value)]| assert_eq!(calls(PLAIN, said), want);
    let fires = || vec![slow(Status::Firing)];
    let source = || json!({ "source": SOURCE });
    check(&notification(Reason::AllResolved, vec![slow(Status::Resolved)]), &[(on_alert("close"), source())]);
    let by = json!({"user": "ann, bob", "source": SOURCE, "note": "looking at the pool"});
    check(&acked(fires()), &[(on_alert("acknowledge"), by)]);
    check(&notification(Reason::Unacknowledged, fires()), &[(on_alert("unacknowledge"), source())]);
    let again: Vec<String> =
        calls(PLAIN, &notification(Reason::AckExpired, fires())).into_iter().map(|(call, _)| call).collect();
    assert_eq!(again, [on_alert("unacknowledge"), "v2/alerts".to_owned()]);
}

#[test]
fn an_open_alert_follows_its_group_if_that_is_wanted() {
    let config = "opsgenie_configs: [{api_key: k, update_alerts: true, message: '{{ len .Alerts }} slow', description: '{{ .Status }}'}]";
    let made = calls(config, &notification(Reason::NewAlerts, vec![slow(Status::Firing)]));
    assert_eq!(made[0].0, "v2/alerts");
    assert_eq!(
        made[1..],
        [
            (on_alert("message"), json!({"message": "1 slow"})),
            (on_alert("description"), json!({"description": "firing"})),
        ]
    );
}

#[test]
fn all_fields_are_templates() {
    let config = "opsgenie_configs:\n      - api_key: k
        message: '{{ .CommonAnnotations.summary }}'
        description: d
        source: s
        details: {team: 'of {{ .GroupLabels.job }}', severity: '{{ .CommonLabels.severity | toUpper }}'}
        entity: '{{ .GroupLabels.job }}'
        priority: '{{ if eq .CommonLabels.severity \"critical\" }}P1{{ else }}P3{{ end }}'
        note: 'see {{ .ExternalURL }}'
        tags: '{{ .CommonLabels.severity }},, login'
        actions: 'restart,drain'
        responders:
          - {name: '{{ .GroupLabels.job }}-team', type: Team}
          - {name: 'a, b,', type: teams}
          - {username: '{{ .CommonLabels.nosuch }}', type: user}
          - {id: '1', type: '{{ \"schedule\" }}'}";
    let made = calls(config, &notification(Reason::First, vec![slow(Status::Firing)]));
    assert_eq!(
        made[0].1,
        json!({
            "alias": ALIAS,
            "message": "logins are slow",
            "description": "d",
            "source": "s",
            "details": {"alertname": "SlowLogin", "job": "login", "severity": "CRITICAL", "team": "of login"},
            "entity": "login",
            "priority": "P1",
            "note": "see http://bellwether.example",
            "tags": ["critical", " login"],
            "actions": ["restart", "drain"],
            "responders": [
                {"name": "login-team", "type": "team"},
                {"name": "a", "type": "team"},
                {"name": "b", "type": "team"},
                {"id": "1", "type": "schedule"},
            ],
        })
    );
}

#[test]
fn what_is_too_long_is_cut_by_characters_with_where_the_rest_is() {
    let long = "ö".repeat(20_000);
    let alert =
        told(Status::Firing, "SlowLogin", &[("job", "login"), ("note", &long)], &[("summary", &long)]);
    let config = "opsgenie_configs: [{api_key: k, message: '{{ .CommonAnnotations.summary }}', \
                  description: '{{ .CommonAnnotations.summary }}', tags: '{{ .CommonAnnotations.summary }}'}]";
    let body = calls(config, &notification(Reason::First, vec![alert])).remove(0).1;
    let chars = |field: &Value| field.as_str().unwrap().chars().count();
    assert_eq!(chars(&body["message"]), 130);
    assert_eq!(chars(&body["description"]), 15_000);
    assert!(body["description"].as_str().unwrap().ends_with(&format!("ö…\n{SOURCE}")));
    assert_eq!(chars(&body["tags"][0]), 50);
    assert_eq!(
        body["details"],
        json!({"alertname": "SlowLogin", "job": "login"}),
        "what does not fit is left out"
    );
}

#[test]
fn a_template_that_fails_still_wakes_people() {
    let config = "opsgenie_configs: [{api_key: k, priority: P1, message: '{{ template \"nowhere\" . }}'}]";
    let message =
        message(config, IntegrationKind::Opsgenie, &notification(Reason::First, vec![slow(Status::Firing)]));
    let body = parts(&message).remove(0).1;
    assert_eq!((&body["message"], &body["priority"]), (&json!("[FIRING:1] SlowLogin"), &json!("P1")));
    let description = body["description"].as_str().unwrap();
    assert!(description.contains("logins are slow") && description.contains("nowhere"), "{description}");
}

#[test]
fn what_is_wrong_is_said_where_it_stands() {
    let check = |item: &str, want: &[&str]| {
        assert_eq!(problems(&yaml(&format!("opsgenie_configs: [{item}]"))), want, "{item}");
    };
    check("{api_key: k}", &[]);
    check("{api_key: k, responders: [{name: a, type: '{{ .x }}'}]}", &[]);
    check(
        "{}",
        &[
            "a.yml:4:24: error: api_key is missing; write api_key or api_key_file here, or opsgenie_api_key under global",
        ],
    );
    check(
        "{api_key: k, api_key_file: f}",
        &[
            "a.yml:4:37: error: api_key and api_key_file are both written; which one counts?; remove one of them",
        ],
    );
    check(
        "{api_key: k, responders: [{type: nobody}]}",
        &[
            "a.yml:4:50: error: a responder without a name; write id, name or username",
            "a.yml:4:57: error: type \"nobody\" is no kind of responder; write one of team, teams, user, escalation, schedule",
        ],
    );
    check("{api_key: k, teams: a}", &["a.yml:4:37: error: unknown field \"teams\"; did you mean tags?"]);
}
