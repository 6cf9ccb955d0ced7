//! Notification data and the default texts, and what the configurations people have make of them.

use bellwether_model::{Labels, Timestamp};
use bellwether_template::{AlertData, AlertStatus, ClockOnly, Escape, NotificationData, default_templates};

fn alert(status: AlertStatus, instance: &str) -> AlertData {
    AlertData {
        status,
        labels: Labels::from_pairs([("alertname", "HighLatency"), ("job", "login"), ("instance", instance)]),
        annotations: Labels::from_pairs([
            ("summary", "login is <slow>"),
            ("description", "p95 above 150 ms"),
            ("runbook_url", "javascript:alert(1)"),
        ]),
        starts_at: Timestamp::from_secs(1_700_000_000),
        ends_at: None,
        generator_url: "https://prom.example.org/graph?a=1&b=2".to_owned(),
        fingerprint: "00000000000000aa".to_owned(),
    }
}

fn data(statuses: &[AlertStatus]) -> NotificationData {
    let alerts = statuses.iter().enumerate().map(|(at, status)| alert(*status, &format!("i{at}"))).collect();
    let group = Labels::from_pairs([("alertname", "HighLatency")]);
    NotificationData::of_alerts("team-a", alerts, group, "https://bw.example.org")
}

fn render(statuses: &[AlertStatus], escape: Escape, text: &str) -> String {
    let context = ClockOnly { now: Timestamp::from_secs(1_700_003_600) };
    default_templates().render_text(escape, text, &data(statuses).to_value(), &context).unwrap()
}

use AlertStatus::{Firing, Resolved};

#[test]
fn a_configuration_of_the_workshop_renders() {
    let title = r#"[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}] {{ .CommonLabels.alertname }}"#;
    for (statuses, text, expected) in [
        (vec![Firing, Firing], title, "[FIRING:2] HighLatency"),
        (vec![Resolved], title, "[RESOLVED] HighLatency"),
        (
            vec![Firing],
            "{{ range .Alerts }}\n*Alert:* {{ .Annotations.summary }}\n{{ end }}",
            "\n*Alert:* login is <slow>\n",
        ),
        (
            vec![Firing, Resolved],
            "{{ .Alerts.Firing | len }}{{ .Alerts.Resolved | len }}{{ len .Alerts }}",
            "112",
        ),
        (vec![Firing], "{{ .GroupLabels.alertname }}: {{ .CommonAnnotations.nothing }}", "HighLatency: "),
        (
            vec![Firing],
            "{{ (index .Alerts 0).Labels.job }} {{ .CommonLabels.Names }}",
            "login [alertname instance job]",
        ),
        (
            vec![Firing, Firing],
            "{{ range .CommonLabels.SortedPairs }}{{ .Name }}={{ .Value }},{{ end }}",
            "alertname=HighLatency,job=login,",
        ),
        (
            vec![Firing],
            r#"{{ join "," (.CommonLabels.Remove (stringSlice "job" "instance")).Values }}"#,
            "HighLatency",
        ),
        (vec![Firing], "{{ (index .Alerts 0).EndsAt.IsZero }} {{ .Receiver }}", "true team-a"),
    ] {
        assert_eq!(render(&statuses, Escape::None, text), expected, "{text}");
    }
}

#[test]
fn the_default_titles_say_state_group_and_rest() {
    let render = |statuses: &[AlertStatus], name: &str| {
        render(statuses, Escape::None, &format!("{{{{ template \"{name}\" . }}}}"))
    };
    assert_eq!(render(&[Firing, Firing], "slack.default.title"), "[FIRING:2] HighLatency (login)");
    assert_eq!(render(&[Resolved], "__subject"), "[RESOLVED] HighLatency (i0 login)");
    assert_eq!(render(&[Firing], "slack.default.color"), "danger");
    assert_eq!(render(&[Resolved], "slack.default.color"), "good");
    assert_eq!(
        render(&[Firing], "slack.default.titlelink"),
        "https://bw.example.org/#/alerts?receiver=team-a"
    );
    assert!(render(&[Firing], "email.default.text").contains("runbook: "));
}

#[test]
fn every_default_template_renders() {
    let set = default_templates();
    let names: Vec<String> = set.names().map(str::to_owned).collect();
    assert!(names.len() > 30);
    for name in names {
        // These two are about a list of alerts or one alert, not a notification.
        if ["__alert_lines", "__email_alerts", "__headline", "pagerduty.default.instances"]
            .contains(&name.as_str())
        {
            continue;
        }
        for statuses in [vec![Firing], vec![Resolved], vec![Firing, Resolved], vec![]] {
            let found = render(&statuses, Escape::None, &format!("{{{{ template \"{name}\" . }}}}"));
            assert!(!found.contains("<no value>"), "{name}: {found}");
        }
    }
}

#[test]
fn a_mail_shows_what_alerts_say_and_runs_none_of_it() {
    let page = render(&[Firing], Escape::Html, r#"{{ template "email.default.html" . }}"#);
    assert!(page.contains("login is &lt;slow&gt;"), "{page}");
    assert!(page.contains("href=\"#unsafe-link\""), "{page}");
    assert!(page.contains("href=\"https://prom.example.org/graph?a=1&amp;b=2\""), "{page}");
}
