use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_alerts::{AlertSource, TEMPLATE_ALERT_NAME, Templates};
use bellwether_model::{Labels, Timestamp};

use crate::script::{Player, alert, labels_of};

fn yaml(slack: &str) -> String {
    format!(
        "
global: {{slack_api_url: 'https://hooks.example/x'}}
route: {{receiver: hook, group_by: [job], group_wait: 30s, group_interval: 5m}}
receivers:
  - name: hook
    slack_configs:
      - {slack}
"
    )
}

fn bodies(player: &Player) -> Vec<serde_json::Value> {
    player.accepted.iter().map(|d| serde_json::from_str(d.message.text()).unwrap()).collect()
}

fn fire(player: &mut Player, summary: &str) {
    let mut alert = alert(labels_of("HighLoginLatency", &["job=login"]), Timestamp::from_secs(60), None);
    alert.annotations = Labels::from_pairs([("summary", summary), ("description", "p95 is high")]);
    player.hear(AlertSource::Rules, alert, Timestamp::from_secs(60));
}

#[test]
fn a_title_and_text_of_ones_own_are_rendered() {
    let config = r##"{channel: '#server-alerts', send_resolved: true,
         title: '[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}] {{ .CommonLabels.alertname }}',
         text: "{{ range .Alerts }}*Alert:* {{ .Annotations.summary }} {{ .Labels.SortedPairs.Names | join \",\" }}{{ end }}"}"##;
    let mut player = Player::new(&yaml(config));
    fire(&mut player, "slow");
    player.play("2m resolve HighLoginLatency job=login\n 10m end");
    let bodies = bodies(&player);
    let field = |body: &serde_json::Value, name: &str| {
        body["attachments"][0][name].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0]["channel"], "#server-alerts");
    assert_eq!(field(&bodies[0], "title"), "[FIRING:1] HighLoginLatency");
    assert_eq!(field(&bodies[0], "text"), "*Alert:* slow alertname,job");
    assert_eq!(field(&bodies[0], "color"), "danger");
    assert_eq!(field(&bodies[1], "title"), "[RESOLVED] HighLoginLatency");
    assert_eq!(field(&bodies[1], "color"), "good");
    assert!(player.core.receiver_health()[0].template_error.is_none());
}

#[test]
fn the_defaults_say_what_when_and_what_to_do() {
    let mut player = Player::new(&yaml("{channel: '#x', send_resolved: true}"));
    fire(&mut player, "logins are slow");
    player.run_until(Timestamp::from_secs(120));
    let attachment = bodies(&player)[0]["attachments"][0].clone();
    assert_eq!(
        attachment,
        serde_json::json!({
            "title": "[FIRING:1] HighLoginLatency",
            "title_link": "http://bellwether.example/alerts?receiver=hook",
            "text": "• logins are slow (fired 00:01 UTC)\n",
            "fallback": "[FIRING:1] HighLoginLatency | http://bellwether.example/alerts?receiver=hook",
            "color": "danger",
            "mrkdwn_in": ["fallback", "pretext", "text"],
        })
    );
    assert_eq!(bodies(&player)[0]["username"], "Bellwether");
}

#[test]
fn what_happened_while_the_receiver_was_away_is_told_with_its_times() {
    let mut player = Player::new(&yaml("{channel: '#x', send_resolved: true}"));
    player.play("0s answer 503");
    fire(&mut player, "logins are slow");
    player.play("4m resolve HighLoginLatency job=login\n 5m answer ok\n 20m end");
    assert_eq!(
        bodies(&player)[0]["attachments"][0]["text"],
        "• over: HighLoginLatency (fired 00:01, resolved 00:04 UTC, after 3m)\n"
    );
}

#[test]
fn a_title_is_cut_by_characters() {
    let mut player = Player::new(&yaml("{channel: '#x', title: '{{ .CommonAnnotations.summary }}'}"));
    fire(&mut player, &"ü".repeat(2000));
    player.run_until(Timestamp::from_secs(120));
    let title = bodies(&player)[0]["attachments"][0]["title"].as_str().unwrap().to_owned();
    assert_eq!((title.chars().count(), title.ends_with("ü…")), (1024, true));
}

#[test]
fn a_template_that_fails_sends_the_facts_and_raises_an_alert() {
    let mut player =
        Player::new(&yaml("{channel: '#x', send_resolved: true, text: '{{ template \"nowhere\" . }}'}"));
    fire(&mut player, "logins are slow");
    player.run_until(Timestamp::from_secs(300));
    let bodies = bodies(&player);
    let attachment = &bodies[0]["attachments"][0];
    assert_eq!(attachment["title"], "[FIRING:1] HighLoginLatency");
    let text = attachment["text"].as_str().unwrap();
    assert!(text.contains("logins are slow (fired 1970-01-01T00:01:00.000Z)"), "{text}");
    assert!(attachment["footer"].as_str().unwrap().contains("nowhere"), "{attachment}");
    let alerts = player.core.alerts(Timestamp::from_secs(300));
    assert!(alerts.iter().any(|view| view.alert.name() == TEMPLATE_ALERT_NAME && !view.resolved));
    assert_eq!(
        bodies[1]["attachments"][0]["title"],
        format!("[FIRING:1] {TEMPLATE_ALERT_NAME}"),
        "it is told too"
    );
    assert!(player.core.receiver_health()[0].template_error.is_some());
}

#[test]
fn files_define_templates_and_say_what_is_wrong_with_them() {
    let file = |text: &str| BTreeMap::from([("team.tmpl".to_owned(), text.to_owned())]);
    let templates = Templates::new(file("{{ define \"slack.default.title\" }}ours{{ end }}"));
    assert_eq!(templates.problems(), []);
    assert!(templates.check("title", "{{ template \"slack.default.title\" . }}").is_ok());
    let mut setup = crate::script::setup(&yaml("{channel: '#x'}"));
    setup.templates = Arc::new(templates);
    let mut player = Player::with(setup);
    fire(&mut player, "slow");
    player.run_until(Timestamp::from_secs(120));
    assert_eq!(bodies(&player)[0]["attachments"][0]["title"], "ours");
    let broken = Templates::new(file("{{ define \"x\" }}{{ nosuch }}{{ end }}"));
    assert!(broken.problems()[0].to_string().starts_with("team.tmpl:1:"), "{:?}", broken.problems());
}

#[test]
fn route_labels_are_rendered_and_may_use_one_another() {
    let yaml = "
route:
  receiver: hook
  group_by: [job]
  labels: {reason: 'job {{ .GroupLabels.job }}', description: 'down ({{ routeLabels \"reason\" }})'}
receivers: [{name: hook, webhook_configs: [{url: 'http://hook.example/'}]}]";
    let mut player = Player::new(yaml);
    fire(&mut player, "slow");
    player.run_until(Timestamp::from_secs(120));
    let labels = &bodies(&player)[0]["routeLabels"];
    assert_eq!(*labels, serde_json::json!({"reason": "job login", "description": "down (job login)"}));
}
