use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_alerts::{
    AlertSource, IntegrationKind, Notification, Reason, Status, TEMPLATE_ALERT_NAME, Templates, Thread,
};
use bellwether_model::{Labels, Timestamp};
use serde_json::{Value, json};

use crate::rendered::{acked, message_in, notification, parts, problems, slow, told};
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
            "callback_id": "",
            "footer": "",
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

const HOOK: &str = "api_url: 'https://hooks.example/x'";
const APP: &str = "app_token: xoxb-S3CRET, channel: '#ops'";
const KEPT: &str = "app_token: xoxb-S3CRET, channel: '#ops', update_message: true, username: ''";

fn calls(fields: &str, said: &Notification, thread: &[(&str, &str)]) -> Vec<(String, Value)> {
    let yaml = crate::rendered::yaml(&format!("slack_configs: [{{{fields}}}]"));
    let thread: Thread = thread.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let message = message_in(&yaml, IntegrationKind::Slack, said, &thread);
    assert_eq!(message.template_error, None);
    assert!(!serde_json::to_string(&message).unwrap().contains("S3CRET"));
    parts(&message)
}

fn attachment(fields: &str, said: &Notification) -> Value {
    calls(fields, said, &[]).remove(0).1["attachments"][0].clone()
}

#[test]
fn a_webhook_gets_messages_and_an_app_makes_calls() {
    let said = notification(Reason::NewAlerts, vec![slow(Status::Firing)]);
    let in_thread = [("ts", "1.2"), ("channel", "C1"), ("asked", "#ops"), ("firing", "")];
    let names = |fields: &str, thread: &[(&str, &str)]| -> Vec<String> {
        calls(fields, &said, thread).into_iter().map(|(call, _)| call).collect()
    };
    assert_eq!(names(HOOK, &in_thread), [""]);
    assert_eq!(names(APP, &in_thread), ["chat.postMessage"]);
    assert_eq!(names(KEPT, &[]), ["chat.postMessage"]);
}

#[test]
fn a_message_is_kept_current_and_its_thread_tells_the_story() {
    let slow_id = slow(Status::Firing).alert.fingerprint().to_string();
    let other = |status| told(status, "Errors", &[("job", "login")], &[("summary", "5% fail <!here>")]);
    let both_ids = format!("{slow_id} {}", other(Status::Firing).alert.fingerprint());
    let date =
        |s: u32, text: &str| format!("<!date^{s}^{{date_short_pretty}} {{time}}|1970-01-01 {text} UTC>");
    let check = |said: Notification, firing: &str, story: &str, broadcast: bool| {
        let thread = [("ts", "1.2"), ("channel", "C1"), ("asked", "#ops"), ("firing", firing)];
        let made = calls(KEPT, &said, &thread);
        assert_eq!(made.len(), 2, "{story}");
        let ((update, body), (post, reply)) = (&made[0], &made[1]);
        assert_eq!((update.as_str(), post.as_str()), ("chat.update", "chat.postMessage"));
        assert_eq!((&body["channel"], &body["ts"]), (&json!("C1"), &json!("1.2")));
        assert!(body["attachments"][0]["title"].is_string());
        let mut want = json!({"channel": "C1", "thread_ts": "1.2", "text": story, "unfurl_links": false});
        if broadcast {
            want["reply_broadcast"] = json!(true);
        }
        assert_eq!(*reply, want);
    };
    let since = date(60, "00:01");
    check(
        notification(Reason::NewAlerts, vec![slow(Status::Firing), other(Status::Firing)]),
        &slow_id,
        &format!("*1 new*\n• Errors: 5% fail &lt;!here&gt; (since {since})"),
        true,
    );
    check(
        notification(Reason::ResolvedGrew, vec![slow(Status::Firing), other(Status::Resolved)]),
        &both_ids,
        &format!("*1 over*\n• Errors: 5% fail &lt;!here&gt; ({since} to {})", date(240, "00:04")),
        false,
    );
    check(
        notification(Reason::AllResolved, vec![slow(Status::Resolved), other(Status::Resolved)]),
        &slow_id,
        &format!(
            "*All of it is over*\n*1 over*\n• SlowLogin: logins are slow ({since} to {})",
            date(240, "00:04")
        ),
        false,
    );
    check(acked(vec![slow(Status::Firing)]), &slow_id, "*ann, bob has it*: looking at the pool", false);
    let fires = || vec![slow(Status::Firing)];
    check(
        notification(Reason::Unacknowledged, fires()),
        &slow_id,
        "*Nobody has it any more*: 1 firing",
        true,
    );
    check(notification(Reason::Repeat, fires()), &slow_id, "*Still firing*: 1", true);
    let expired = "*Still firing, and the time of who had it is over*: 1 firing";
    check(notification(Reason::AckExpired, fires()), &slow_id, expired, true);
    check(notification(Reason::Collapsed, fires()), "*", "*Changed*: 1 firing now", false);
}

#[test]
fn whoever_has_it_stands_in_the_message() {
    let said = acked(vec![slow(Status::Firing)]);
    let field = json!([{"title": "Taken by", "value": "ann, bob: looking at the pool", "short": false}]);
    assert_eq!(attachment(KEPT, &said)["fields"], field);
    assert_eq!(attachment(HOOK, &said)["fields"], Value::Null);
}

#[test]
fn what_fires_anew_or_goes_elsewhere_is_a_message_of_its_own() {
    let count = |reason, firing: &str, asked: &str| {
        let thread = [("ts", "1.2"), ("channel", "C1"), ("asked", asked), ("firing", firing)];
        calls(KEPT, &notification(reason, vec![slow(Status::Firing)]), &thread).len()
    };
    assert_eq!(count(Reason::NewAlerts, "a", "#ops"), 2);
    assert_eq!(count(Reason::NewAlerts, "", "#ops"), 1, "all of it was over");
    assert_eq!(count(Reason::NewAlerts, "a", "#dev"), 1, "the channel was another one");
    assert_eq!(count(Reason::First, "a", "#ops"), 1);
}

#[test]
fn many_alerts_are_counted_in_the_thread() {
    let alerts: Vec<_> =
        (0..30).map(|n| told(Status::Firing, "A", &[("job", "login"), ("n", &n.to_string())], &[])).collect();
    let thread = [("ts", "1.2"), ("channel", "C1"), ("firing", "x")];
    let reply = calls(KEPT, &notification(Reason::NewAlerts, alerts), &thread).remove(1).1;
    let text = reply["text"].as_str().unwrap();
    assert!(text.starts_with("*30 new*\n• A: ") && text.ends_with("\n• and 20 more"), "{text}");
}

#[test]
fn what_comes_with_alerts_calls_nobody_and_what_people_write_does() {
    let hostile = told(
        Status::Firing,
        "<!channel>",
        &[("job", "login"), ("who", "<@U1> @here"), ("<!everyone>", "<https://evil.example|Runbook>")],
        &[("summary", "<!here> see <https://wiki.example|the wiki> @all")],
    );
    let said = notification(Reason::First, vec![hostile]);
    let fields = "api_url: 'https://hooks.example/x', title: '<!subteam^S1> {{ .CommonLabels.alertname }}', \
        pretext: '{{ range .CommonLabels.SortedPairs }}{{ .Name }}={{ .Value }} {{ end }}', \
        text: '<{{ .ExternalURL }}|open> <@U2> {{ .CommonAnnotations.summary }}'";
    let made = attachment(fields, &said);
    assert_eq!(made["title"], "<!subteam^S1> &lt;!channel&gt;");
    assert_eq!(
        made["pretext"],
        "alertname=&lt;!channel&gt; &lt;!everyone&gt;=&lt;https://evil.example|Runbook&gt; job=login who=&lt;@U1&gt; @here "
    );
    assert_eq!(
        made["text"],
        "<http://bellwether.example|open> <@U2> &lt;!here&gt; see <https://wiki.example|the wiki> @all"
    );
    let named = attachment(&format!("{fields}, link_names: true"), &said);
    assert!(named["pretext"].as_str().unwrap().ends_with(" @\u{2060}here "), "{named}");
    let thread = [("ts", "1.2"), ("channel", "C1"), ("firing", "x")];
    let reply = calls(KEPT, &Notification { reason: Reason::NewAlerts, ..said.clone() }, &thread).remove(1).1;
    assert!(!reply["text"].as_str().unwrap().replace("<!date^", "").contains("<!"), "{reply}");
    let yaml = crate::rendered::yaml(&format!(
        "slack_configs: [{{{HOOK}, text: '{{{{ template \"nowhere\" . }}}}'}}]"
    ));
    let plain =
        parts(&message_in(&yaml, IntegrationKind::Slack, &said, &Thread::new())).remove(0).1.to_string();
    assert!(plain.contains("&lt;!channel&gt;") && !plain.contains("<!") && !plain.contains("<@"), "{plain}");
}

#[test]
fn what_is_too_long_ends_with_where_the_rest_is() {
    let long = "ö".repeat(20_000);
    let alert = told(Status::Firing, "SlowLogin", &[("job", "login")], &[("summary", &long)]);
    let fields = format!("{HOOK}, text: '{{{{ .CommonAnnotations.summary }}}}'");
    let made = attachment(&fields, &notification(Reason::First, vec![alert]));
    let text = made["text"].as_str().unwrap();
    assert_eq!(text.chars().count(), 7500);
    assert!(text.ends_with("ö…\n<http://bellwether.example/alerts?receiver=oncall|all of it>"));
}

#[test]
fn an_app_is_told_of_acknowledgements_only_if_it_keeps_a_message() {
    for (fields, want) in [(HOOK, false), (APP, false), (KEPT, true)] {
        let config = crate::script::config(&crate::rendered::yaml(&format!("slack_configs: [{{{fields}}}]")));
        assert_eq!(config.receivers["oncall"].integrations[0].settings.hears_acks(), want, "{fields}");
    }
}

#[test]
fn what_is_wrong_is_said_where_it_stands() {
    let check = |global: &str, item: &str, want: &[&str]| {
        let yaml =
            format!("global: {{{global}}}\n{}", crate::rendered::yaml(&format!("slack_configs: [{item}]")));
        assert_eq!(problems(&yaml), want, "{global} {item}");
    };
    let both = "an address of a webhook and a token of an app are both written; which one counts?; remove one of them";
    let who = "the token of an app says who we are, and so do these HTTP settings; which one counts?; \
               remove authorization from http_config, or the token";
    let fixed = "update_message needs an app: what a webhook has said cannot be changed; write app_token, or remove it";
    check("", "{api_url: 'http://a'}", &[]);
    check("", "{app_token: a, channel: c}", &[]);
    check("", "{app_token_file: a, channel: c, update_message: true}", &[]);
    check("slack_app_token: a", "{channel: c, update_message: true}", &[]);
    check(
        "slack_api_url: 'http://a/api/chat.postMessage'",
        "{channel: c, update_message: true, http_config: {authorization: {credentials: x}}}",
        &[],
    );
    check(
        "slack_app_token: a",
        "{channel: c, http_config: {authorization: {credentials: x}}, api_url: 'http://a'}",
        &[],
    );
    check(
        "",
        "{}",
        &[
            "a.yml:5:21: error: no Slack address and no token of an app; write api_url or app_token here, or slack_api_url or slack_app_token under global",
        ],
    );
    check("", "{api_url: 'http://a', app_token: b}", &[&format!("a.yml:5:43: error: {both}")]);
    check("", "{api_url: 'http://a', update_message: true}", &[&format!("a.yml:5:59: error: {fixed}")]);
    check(
        "",
        "{app_token: a, app_token_file: b}",
        &[
            "a.yml:5:36: error: app_token and app_token_file are both written; which one counts?; remove one of them",
        ],
    );
    check(
        "",
        "{app_token: a, channel: c, http_config: {authorization: {credentials: x}}}",
        &[&format!("a.yml:5:48: error: {who}")],
    );
    check(
        "",
        "{app_token: a}",
        &["a.yml:5:21: warning: an app posts to a channel; Slack refuses a message without one"],
    );
    check(
        "",
        "{app_token: a, channel: c, app_url: x}",
        &[
            "a.yml:5:57: error: app_url is not a web address; write a whole address, beginning with https:// or http://",
        ],
    );
}
