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
            ("next_step", "roll back"),
        ]),
        starts_at: Timestamp::from_secs(1_700_000_000),
        ends_at: (status == Resolved).then_some(Timestamp::from_secs(1_700_000_360)),
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
    assert_eq!(render(&[Firing, Firing], "__subject"), "[FIRING:2] HighLatency (login)");
    assert_eq!(render(&[Firing, Firing], "slack.default.title"), "[FIRING:2] HighLatency");
    assert_eq!(render(&[Resolved], "slack.default.title"), "[RESOLVED] HighLatency");
    assert_eq!(render(&[Resolved], "__subject"), "[RESOLVED] HighLatency (i0 login)");
    assert_eq!(render(&[Firing], "slack.default.color"), "danger");
    assert_eq!(render(&[Resolved], "slack.default.color"), "good");
    assert_eq!(render(&[Firing], "slack.default.titlelink"), "https://bw.example.org/alerts?receiver=team-a");
    assert!(render(&[Firing], "email.default.text").contains("runbook: "));
}

#[test]
fn the_default_texts_say_what_when_and_what_to_do() {
    let story = render(&[Firing, Resolved], Escape::None, "{{ template \"slack.default.text\" . }}");
    assert_eq!(
        story,
        "• login is <slow> (fired 22:13 UTC)\n  next: roll back\n  runbook: javascript:alert(1)\n\
         • over: login is <slow> (fired 22:13, resolved 22:19 UTC, after 6m)\n  next: roll back\n  \
         runbook: javascript:alert(1)\n"
    );
    assert_eq!(
        render(&[Firing], Escape::None, "{{ template \"__text\" . }}"),
        "Firing now:\n• login is <slow> (fired 22:13 UTC)\n  next: roll back\n  \
         runbook: javascript:alert(1)\n  p95 above 150 ms\n  alertname = HighLatency\n  instance = i0\n  \
         job = login\n  cause: https://prom.example.org/graph?a=1&b=2\n"
    );
}

#[test]
fn how_long_it_lasted_is_said_in_few_words() {
    let lasted = |ms: i64| {
        let mut over = alert(Resolved, "i0");
        over.ends_at = Some(Timestamp(over.starts_at.0 + ms));
        let data = NotificationData::of_alerts("a", vec![over], Labels::empty(), "");
        let text = "{{ range .Alerts }}{{ template \"__lasted\" . }}{{ end }}";
        default_templates().render_text(Escape::None, text, &data.to_value(), &ClockOnly::default()).unwrap()
    };
    for (ms, expected) in [
        (0, "0s"),
        (10_400, "10s"),
        (360_000, "6m"),
        (372_000, "6m12s"),
        (600_000, "10m"),
        (3_600_000, "1h"),
        (4_200_000, "1h10m"),
        (176_400_000, "49h"),
    ] {
        assert_eq!(lasted(ms), expected, "{ms}");
    }
}

#[test]
fn every_default_template_renders() {
    let set = default_templates();
    let names: Vec<String> = set.names().map(str::to_owned).collect();
    assert!(names.len() > 30);
    for name in names {
        let call = format!("{{{{ template \"{name}\" . }}}}");
        let text = match name.as_str() {
            "__line" | "__lasted" | "__said" | "__times" => {
                format!("{{{{ range .Alerts }}}}{call}{{{{ end }}}}")
            }
            "__alert_lines" | "__email_alerts" | "__story" | "pagerduty.default.instances" => {
                format!("{{{{ with .Alerts }}}}{call}{{{{ end }}}}")
            }
            _ => call,
        };
        for statuses in [vec![Firing], vec![Resolved], vec![Firing, Resolved], vec![]] {
            let found = render(&statuses, Escape::None, &text);
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
