//! What each kind of receiver is sent: bodies field for field, what is cut and where, and what is sent when a
//! template fails.

use bellwether_alerts::{AlertSource, Content, Mail, Part};
use bellwether_model::{Labels, Timestamp};
use serde_json::{Value, json};

use crate::script::{Player, alert, labels_of};

pub(crate) fn yaml(integration: &str) -> String {
    format!(
        "
route: {{receiver: 'on call', group_by: [job], group_wait: 30s, group_interval: 5m}}
receivers:
  - name: on call
    {integration}
"
    )
}

/// What is sent about one alert, and, if it is wished, about its end.
fn told(integration: &str, annotations: &[(&str, &str)], until_its_end: bool) -> Vec<Part> {
    let mut player = Player::new(&yaml(integration));
    let labels = || labels_of("HighLatency", &["job=login", "severity=critical"]);
    let mut firing = alert(labels(), Timestamp::from_secs(60), None);
    firing.annotations = Labels::from_pairs(annotations.iter().copied());
    player.hear(AlertSource::Rules, firing.clone(), Timestamp::from_secs(60));
    player.run_until(Timestamp::from_secs(120));
    if until_its_end {
        firing.ends_at = Some(Timestamp::from_secs(180));
        player.hear(AlertSource::Rules, firing, Timestamp::from_secs(180));
        player.run_until(Timestamp::from_secs(600));
    }
    assert!(!player.accepted.is_empty(), "nothing was sent to {integration}");
    let index = if until_its_end { player.accepted.len() - 1 } else { 0 };
    player.accepted[index].message.parts.clone()
}

const SLOW: &[(&str, &str)] = &[("summary", "logins are slow")];
const TITLE: &str = "[FIRING:1] login (HighLatency critical)";
const PAGE: &str = "http://bellwether.example/alerts?receiver=on+call";
const TEXT: &str = "Firing now:\n• CRITICAL: logins are slow (fired 00:01 UTC)\n  alertname = HighLatency\n  \
                    job = login\n  severity = critical\n";
const STORY: &str = "• CRITICAL: logins are slow (fired 00:01 UTC)\n";
/// SHA-256 of `{}:{job="login"}`.
const ALIAS: &str = "0edf10e6fa4de3667e4f11b926a9cbe96f8596fb6adc0c6720a022cd0dee9635";

fn json_of(part: &Part) -> Value {
    match &part.content {
        Content::Json(text) => serde_json::from_str(text).unwrap(),
        other => panic!("no JSON: {other:?}"),
    }
}

fn form_of(part: &Part) -> Vec<(&str, &str)> {
    match &part.content {
        Content::Form(fields) => fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        other => panic!("no form: {other:?}"),
    }
}

fn mail_of(part: &Part) -> &Mail {
    match &part.content {
        Content::Mail(mail) => mail,
        other => panic!("no mail: {other:?}"),
    }
}

fn check(integration: &str, call: &str, want: &Value) {
    let parts = told(integration, SLOW, false);
    assert_eq!(parts.len(), 1, "{integration}");
    assert_eq!((parts[0].call.as_str(), &json_of(&parts[0])), (call, want), "{integration}");
}

#[test]
fn bodies_are_what_each_interface_asks_for() {
    check(
        "discord_configs: [{webhook_url: 'https://d.example/x', username: Bell, avatar_url: 'https://d.example/b.png'}]",
        "",
        &json!({
            "content": "",
            "username": "Bell",
            "avatar_url": "https://d.example/b.png",
            "embeds": [{"title": TITLE, "description": TEXT, "color": 0x992D22}],
        }),
    );
    check(
        "telegram_configs: [{bot_token: t, chat_id: -42, message_thread_id: 7, disable_notifications: true}]",
        "sendMessage",
        &json!({
            "chat_id": -42,
            "message_thread_id": 7,
            "text": TEXT.trim_end(),
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": true},
            "disable_notification": true,
        }),
    );
    check(
        "msteams_configs: [{webhook_url: 'https://t.example/x'}]",
        "",
        &json!({
            "@context": "http://schema.org/extensions",
            "@type": "MessageCard",
            "type": "MessageCard",
            "title": TITLE,
            "summary": TITLE,
            "text": TEXT,
            "themeColor": "8C1A1A",
        }),
    );
    check(
        "msteamsv2_configs: [{webhook_url: 'https://t.example/x', text: '{{ .CommonAnnotations.summary }}'}]",
        "",
        &json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.2",
                    "body": [
                        {
                            "type": "TextBlock", "text": TITLE, "weight": "Bolder", "size": "Medium",
                            "wrap": true, "style": "heading", "color": "Attention",
                        },
                        {"type": "TextBlock", "text": "logins are slow", "wrap": true},
                    ],
                    "msteams": {"width": "full"},
                },
            }],
        }),
    );
    check(
        "ntfy_configs: [{topic: SECRET}]",
        "",
        &json!({
            "title": TITLE,
            "message": STORY.trim_end(),
            "priority": 5,
            "tags": ["rotating_light"],
            "click": PAGE,
            "actions": [{"action": "view", "label": "Acknowledge", "url": PAGE}],
        }),
    );
    check(
        "victorops_configs: [{api_key: SECRET, routing_key: '{{ .CommonLabels.job }}', message_type: odd,
           custom_fields: {team: '{{ .CommonLabels.job | toUpper }}'}}]",
        "login",
        &json!({
            "message_type": "CRITICAL",
            "entity_id": ALIAS,
            "entity_display_name": TITLE,
            "state_message": TEXT,
            "monitoring_tool": "Bellwether",
            "team": "LOGIN",
        }),
    );
    check(
        "webex_configs: [{room_id: r, message: 'm', http_config: {authorization: {credentials: SECRET}}}]",
        "",
        &json!({"markdown": "m", "roomId": "r"}),
    );
    check(
        "wechat_configs: [{api_secret: SECRET, corp_id: c, to_user: '@all', agent_id: '1', message: m, message_type: markdown}]",
        "message/send",
        &json!({"touser": "@all", "agentid": "1", "msgtype": "markdown", "markdown": {"content": "m"}, "safe": "0"}),
    );
    check(
        "mattermost_configs: [{webhook_url: 'https://m.example/x', channel: ops, fields: [{title: Job, value: '{{ .CommonLabels.job }}', short: true}],
           priority: {priority: Important, requested_ack: true, persistent_notifications: true}, props: {card: c}}]",
        "",
        &json!({
            "channel": "ops",
            "username": "Bellwether",
            "attachments": [{
                "title": TITLE,
                "title_link": PAGE,
                "fallback": format!("{TITLE} | {PAGE}"),
                "text": STORY,
                "color": "danger",
                "fields": [{"title": "Job", "value": "login", "short": true}],
            }],
            "priority": {"priority": "important", "requested_ack": true},
            "props": {"card": "c"},
        }),
    );
    check(
        "mattermost_configs: [{webhook_url: 'https://m.example/x', username: '', text: above, attachments: [{text: '{{ .Status }}', title: t}]}]",
        "",
        &json!({"text": "above", "attachments": [{"title": "t", "text": "firing"}]}),
    );
    check(
        "rocketchat_configs: [{token: SECRET, token_id: SECRET2, channel: '#ops', short_fields: true, emoji: ':bell:',
           fields: [{title: Job, value: '{{ .CommonLabels.job }}'}], actions: [{type: button, text: Open, url: 'https://x.example'}]}]",
        "api/v1/chat.postMessage",
        &json!({
            "channel": "#ops",
            "emoji": ":bell:",
            "attachments": [{
                "title": TITLE,
                "title_link": PAGE,
                "text": STORY,
                "color": "red",
                "fields": [{"title": "Job", "value": "login", "short": true}],
                "actions": [{"type": "button", "text": "Open", "url": "https://x.example"}],
            }],
        }),
    );
}

#[test]
fn only_whom_the_content_itself_calls_is_called_in_discord() {
    let check = |content: &str, want: Value| {
        let integration =
            format!("discord_configs: [{{webhook_url: 'https://d.example/x', content: '{content}'}}]");
        let body = json_of(&told(&integration, &[("summary", "@everyone <@1>")], false)[0]);
        assert_eq!(body["allowed_mentions"], want, "{content}");
    };
    check("", Value::Null);
    check("{{ .CommonAnnotations.summary }}", json!({"parse": [], "roles": [], "users": []}));
    check("<@&22> <@33> <@!44> {{ .Status }}", json!({"parse": [], "roles": ["22"], "users": ["33", "44"]}));
    check("@here {{ .Status }}", json!({"parse": ["everyone"], "roles": [], "users": []}));
    check("{{ template \"slack.default.title\" . }}", Value::Null);
}

#[test]
fn forms_are_what_each_interface_asks_for() {
    let parts =
        told("pushover_configs: [{user_key: SECRET, token: SECRET2, sound: siren, ttl: 2m}]", SLOW, false);
    assert_eq!(
        form_of(&parts[0]),
        [
            ("title", TITLE),
            ("message", STORY.trim_end()),
            ("url", PAGE),
            ("priority", "2"),
            ("retry", "60"),
            ("expire", "3600"),
            ("ttl", "120"),
            ("sound", "siren"),
        ]
    );
    let sns = "sns_configs: [{api_url: 'https://sns.example/{{ .Status }}', topic_arn: 'arn:aws:sns:eu-west-1:1:t.fifo', subject: 'Ü\n{{ .Status }}', message: m,
        sigv4: {access_key: SECRET, secret_key: SECRET2}, attributes: {severity: '{{ .CommonLabels.severity }}'}}]";
    let parts = told(sns, SLOW, false);
    assert_eq!(parts[0].call, "https://sns.example/firing");
    let form = form_of(&parts[0]);
    let find = |name: &str| form.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
    assert_eq!(form[..2], [("Action", "Publish"), ("Version", "2010-03-31")]);
    assert_eq!(find("TopicArn"), "arn:aws:sns:eu-west-1:1:t.fifo");
    assert_eq!((find("Subject"), find("Message")), ("? firing", "m"));
    assert_eq!(find("MessageGroupId"), ALIAS);
    assert_eq!(find("MessageDeduplicationId").len(), 32);
    assert_eq!(find("MessageAttributes.entry.1.Name"), "severity");
    assert_eq!(find("MessageAttributes.entry.1.Value.StringValue"), "critical");
}

#[test]
fn incident_io_gets_the_webhook_in_its_own_version() {
    let parts =
        told("incidentio_configs: [{url: 'https://i.example/x', alert_source_token: SECRET}]", SLOW, false);
    let body = json_of(&parts[0]);
    assert_eq!((&body["version"], &body["groupKey"]), (&json!("1"), &json!("{}:{job=\"login\"}")));
    assert_eq!(body["alerts"][0]["annotations"]["summary"], "logins are slow");
}

#[test]
fn jira_is_given_a_plan_from_which_no_label_can_break_out() {
    let jira = "jira_configs: [{api_url: 'https://j.example/rest/api/2', project: 'OPS\" or \"1', issue_type: Bug, labels: [alert, '{{ .CommonLabels.job }}'],
        summary: {template: 's', enable_update: false}, description: d, comment: 'now {{ .Status }}', reopen_transition: Reopen, reopen_duration: 1h, wont_fix_resolution: Never,
        fields: {customfield_1: '{{ len .Alerts }}', customfield_2: {value: '{{ .CommonLabels.job }}'}}}]";
    let parts = told(jira, SLOW, false);
    let label = format!("ALERT{{{ALIAS}}}");
    assert_eq!(
        json_of(&parts[0]),
        json!({
            "is_firing": true,
            "comment": "now firing",
            "jql": format!(
                "(resolution is EMPTY or resolution != \"Never\") and (resolutiondate is EMPTY OR resolutiondate >= -60m) \
                 and project=\"OPS\\\" or \\\"1\" and labels=\"{label}\" order by status ASC,resolutiondate DESC"
            ),
            "fields": {
                "project": {"key": "OPS\" or \"1"},
                "issuetype": {"name": "Bug"},
                "summary": "s",
                "description": "d",
                "priority": {"name": "High"},
                "labels": [label, "alert", "login"],
                "customfield_1": 1,
                "customfield_2": {"value": "login"},
            },
        })
    );
    let v3 = "jira_configs: [{api_url: 'https://j.example/rest/api/3/', project: OPS, issue_type: Bug, description: \"one\\ntwo\"}]";
    let document = &json_of(&told(v3, SLOW, false)[0])["fields"]["description"];
    assert_eq!(document["content"][1]["content"][0]["text"], "two");
}

#[test]
fn a_mail_is_recorded_without_its_transport() {
    let mail = "email_configs: [{to: 'a@x.example', from: b@x.example, smarthost: 'm.example:587', send_resolved: true, auth_username: u, auth_password: SECRET,
        headers: {subject: '{{ .Status }} ü', reply-to: 'team@x.example'}, threading: {enabled: true, thread_by_date: none}}]";
    let parts = told(mail, SLOW, true);
    let mail = mail_of(&parts[0]);
    assert_eq!(
        (mail.subject.as_str(), mail.to.as_str(), mail.from.as_str()),
        ("resolved ü", "a@x.example", "b@x.example")
    );
    let names: Vec<_> = mail.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Date", "Auto-Submitted", "In-Reply-To", "References", "Reply-To"]);
    assert!(
        mail.text.contains("over: logins are slow (fired 00:01, resolved 00:03 UTC, after 2m)"),
        "{}",
        mail.text
    );
    assert!(mail.html.contains("0 firing, 1 resolved") && !mail.html.contains("http://www"), "{}", mail.html);
    assert!(!format!("{parts:?}").contains("SECRET"));
}

#[test]
fn what_a_page_of_mail_is_made_of_stays_in_its_place() {
    let hostile = "<img src=x onerror=alert(1)>";
    let notes = [("summary", hostile), ("runbook_url", "javascript:alert(1)"), ("description", "a & b")];
    let parts = told(
        "email_configs: [{to: a@x.example, from: b@x.example, smarthost: 'm.example:587'}]",
        &notes,
        false,
    );
    let mail = mail_of(&parts[0]);
    assert!(!mail.html.contains("<img") && mail.html.contains("&lt;img src=x"), "{}", mail.html);
    assert!(!mail.html.contains("javascript:") && mail.html.contains("a &amp; b"), "{}", mail.html);
    assert!(mail.text.contains(hostile), "{}", mail.text);
}

#[test]
fn long_texts_are_cut_where_each_receiver_cuts_them_and_say_where_the_rest_is() {
    let long = "ü".repeat(40_000);
    let notes = [("summary", long.as_str())];
    let body = |integration: &str| json_of(&told(integration, &notes, false)[0]);
    let discord = body(
        "discord_configs: [{webhook_url: 'https://d.example/x', content: '{{ .CommonAnnotations.summary }}', title: '{{ .CommonAnnotations.summary }}'}]",
    );
    let chars = |value: &Value| value.as_str().unwrap().chars().count();
    assert_eq!((chars(&discord["content"]), chars(&discord["embeds"][0]["title"])), (2000, 256));
    assert_eq!(chars(&discord["embeds"][0]["description"]), 4096);
    assert!(discord["embeds"][0]["description"].as_str().unwrap().ends_with(&format!("…\n{PAGE}")));
    for kind in ["msteams_configs", "msteamsv2_configs"] {
        let card = body(&format!("{kind}: [{{webhook_url: 'https://t.example/x'}}]"));
        let length = card.to_string().len();
        assert!((28_000..=28 * 1024).contains(&length), "{kind}: {length}");
        assert!(card.to_string().contains("[The rest is here]"), "{kind}");
    }
    let bytes = |value: &Value| value.as_str().unwrap().len();
    assert!((4090..=4096).contains(&bytes(&body("ntfy_configs: [{topic: t}]")["message"])));
    let webex = "webex_configs: [{room_id: r, http_config: {authorization: {credentials: c}}}]";
    assert!((7430..=7439).contains(&bytes(&body(webex)["markdown"])));
    assert_eq!(chars(&body("victorops_configs: [{api_key: k, routing_key: r}]")["state_message"]), 20_480);
    assert_eq!(
        chars(&body("mattermost_configs: [{webhook_url: 'https://m.example/x'}]")["attachments"][0]["text"]),
        16_383
    );
    let pushover = told("pushover_configs: [{user_key: u, token: t, html: true}]", &notes, false);
    let message = form_of(&pushover[0]).iter().find(|(name, _)| *name == "message").unwrap().1.to_owned();
    assert!(message.chars().count() <= 1024 && message.ends_with('…'), "{}", message.len());
}

#[test]
fn telegram_gets_a_long_text_in_several_messages() {
    let long = (0..500).map(|n| format!("line {n} of <many>\n")).collect::<String>();
    let notes = [("summary", long.as_str())];
    let parts = told(
        "telegram_configs: [{bot_token: t, chat_id: 1, message: '<pre>{{ .CommonAnnotations.summary }}</pre>'}]",
        &notes,
        false,
    );
    let texts: Vec<String> = parts.iter().map(|p| json_of(p)["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts.len(), 4);
    for text in &texts {
        assert!(
            text.chars().count() <= 4096 && text.starts_with("<pre>") && text.ends_with("</pre>"),
            "{text}"
        );
        assert!(!text.contains("<many>"));
    }
    assert_eq!(texts.iter().map(|text| text.matches("&lt;many&gt;").count()).sum::<usize>(), 500);
    // Far too long: some of it, and where the rest is.
    let notes = [("summary", &*"x".repeat(100_000))];
    let parts = told("telegram_configs: [{bot_token: t, chat_id: 1}]", &notes, false);
    assert_eq!(parts.len(), 10);
    assert_eq!(json_of(&parts[9])["text"], format!("… and more: {PAGE}"));
}

/// Settings of every kind here, whose field of this name holds a template that fails.
pub(crate) const FAILING: &[(&str, &str)] = &[
    ("message", "discord_configs: [{webhook_url: 'https://d.example/x', F}]"),
    ("html", "email_configs: [{to: a@x.example, from: b@x.example, smarthost: 'm.example:587', F}]"),
    (
        "description",
        "jira_configs: [{api_url: 'https://j.example/rest/api/2', project: P, issue_type: Bug, F}]",
    ),
    ("text", "mattermost_configs: [{webhook_url: 'https://m.example/x', F}]"),
    ("text", "msteams_configs: [{webhook_url: 'https://t.example/x', F}]"),
    ("text", "msteamsv2_configs: [{webhook_url: 'https://t.example/x', F}]"),
    ("message", "ntfy_configs: [{topic: t, F}]"),
    ("message", "pushover_configs: [{user_key: u, token: t, F}]"),
    ("text", "rocketchat_configs: [{token: t, token_id: i, F}]"),
    ("message", "sns_configs: [{topic_arn: 'arn:aws:sns:eu-west-1:1:t', F}]"),
    ("message", "telegram_configs: [{bot_token: t, chat_id: 1, F}]"),
    ("state_message", "victorops_configs: [{api_key: k, routing_key: r, F}]"),
    ("message", "webex_configs: [{room_id: r, http_config: {authorization: {credentials: c}}, F}]"),
    ("message", "wechat_configs: [{api_secret: s, corp_id: c, F}]"),
];

#[test]
fn a_template_that_fails_never_makes_a_message_empty() {
    for (field, integration) in FAILING {
        let failing = format!("{field}: '{{{{ template \"nowhere\" . }}}}'");
        let parts = told(&integration.replace('F', &failing), SLOW, false);
        let whole = format!("{parts:?}");
        for part in ["logins are slow", "HighLatency", "nowhere"] {
            assert!(whole.contains(part), "no {part:?} in {integration}: {whole}");
        }
    }
}
