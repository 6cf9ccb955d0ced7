//! Alerts: what is found in them, and what looks like it and is not.

use bellwether_lint::{Area, Setup, catalogue, lint};

/// Ids of this area that are found in files, each with its line.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let setup = Setup::read(files.iter().copied());
    let of_area = |id: &str| catalogue::find(id).is_some_and(|check| check.area == Area::Alert);
    let findings = lint(&setup).into_iter().filter(|finding| of_area(finding.problem.id));
    findings
        .map(|finding| {
            let line = finding.problem.span.map_or(0, |span| setup.sources.position(span).line);
            format!("{line} {}", finding.problem.id)
        })
        .collect()
}

/// Ids that are found in one alert; it waits, and says where to read on.
fn in_alert(expr: &str, severity: &str, summary: &str) -> Vec<String> {
    let text = format!(
        "- alert: A\n  expr: '{expr}'\n  for: 5m\n  labels: {{severity: {severity}}}\n  annotations: {{summary: \
         '{summary}', runbook_url: 'https://r.example.com'}}\n"
    );
    found(&[("rules.yml", &text)]).iter().map(|it| it.split_once(' ').unwrap().1.to_owned()).collect()
}

#[test]
fn silent_when_it_is_worst() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("up{job=\"a\"} == 0", "", &["up-without-absent"]),
        ("0 == up{job=\"a\"}", "", &["up-without-absent"]),
        ("sum(up{job=\"a\"}) < 1", "", &["up-without-absent"]),
        ("up{job=\"a\"} == 0 or absent(up{job=\"a\"})", "", &[]),
        ("up == 0", "", &[]),
        ("up{job=~\"a|b\"} == 0", "", &[]),
        ("mysql_up == 0", "mysql is down", &[]),
        (
            "sum(rate(a_total{status=\"ok\"}[5m])) / sum(rate(a_total[5m])) < 0.9",
            "",
            &["missing-numerator", "no-data-blind"],
        ),
        ("(sum(rate(a_total{status=\"ok\"}[5m])) or vector(0)) / sum(rate(a_total[5m])) < 0.9", "", &[]),
        ("sum(rate(a_total{status=\"bad\"}[5m])) / sum(rate(a_total[5m])) > 0.1", "", &[]),
        (
            "sum(rate(a_total{code!~\"5..\"}[5m])) / sum(rate(a_total[5m])) < 0.9",
            "",
            &["missing-numerator", "no-data-blind"],
        ),
        (
            "sum by (job) (rate(a_total{code=\"200\"}[5m])) / sum by (job) (rate(a_total[5m])) < 0.9",
            "",
            &["missing-numerator", "no-data-blind"],
        ),
        ("sum(rate(a_total{code!~\"abc\"}[5m])) / sum(rate(a_total[5m])) < 0.9", "", &[]),
        ("app_connections == 0", "the service is down", &["idle-equals-outage", "no-data-blind"]),
        ("app_connections == 0 and on() hour() > 8", "the service is down", &[]),
        ("histogram_quantile(0.9, sum by (le) (rate(a_seconds_bucket[5m]))) > 1", "", &[]),
    ];
    for (expr, summary, expected) in cases {
        let mut ids = in_alert(expr, "warning", summary);
        ids.sort();
        assert_eq!(ids, *expected, "{expr}");
    }
}

#[test]
fn another_rule_that_notices_absence_is_enough() {
    let down = "- {alert: Down, expr: 'up{job=\"a\"} == 0', for: 5m}\n";
    assert_eq!(found(&[("rules.yml", down)]), ["1 up-without-absent"]);
    for other in ["absent(up{job=\"a\"})", "count(nodes) unless count(up{job=\"a\"})"] {
        let text = format!("{down}- {{alert: Gone, expr: '{other}', for: 5m}}\n");
        assert_eq!(found(&[("rules.yml", &text)]), [""; 0], "{other}");
        // It may stand in another file.
        let files = [("a.yml", down), ("b.yml", &text[down.len()..])];
        assert_eq!(found(&files), [""; 0], "{other}");
    }
}

#[test]
fn what_an_alert_is_about() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("sum(rate(http_requests_total[5m])) < 1", "warning", &["idle-equals-outage", "no-data-blind"]),
        ("cluster_connection_status < 1", "warning", &[]),
        ("changes(app_open_sessions[5m]) > 0", "warning", &["changes-on-gauge"]),
        ("changes(process_start_time_seconds[5m]) > 0", "warning", &[]),
        ("changes(queue_leader_changes_total[5m]) > 0", "warning", &[]),
        ("rate(app_errors_total[5m]) > 10", "warning", &["absolute-threshold"]),
        ("rate(app_errors_total[5m]) > 0", "warning", &[]),
        ("increase(app_errors_total[1h]) > 100", "warning", &[]),
        ("rate(app_errors_total[5m]) / rate(app_requests_total[5m]) > 10", "warning", &[]),
        ("app_queue_messages_ready > 1000", "warning", &["absolute-threshold"]),
        ("app_request_duration_seconds > 1000", "warning", &[]),
        ("avg(rate(node_cpu_seconds_total{mode!=\"idle\"}[5m])) > 0.9", "critical", &["cause-not-symptom"]),
        ("avg(rate(node_cpu_seconds_total{mode!=\"idle\"}[5m])) > 0.9", "warning", &[]),
        ("rate(container_cpu_cfs_throttled_periods_total[5m]) > 0.9", "critical", &[]),
        // It says what to do, in its runbook.
        ("app_users_online > 90", "info", &[]),
        ("app_users_online > 90", "warning", &[]),
        (
            "process_resident_memory_bytes / process_virtual_memory_bytes > 0.9",
            "warning",
            &["resident-of-virtual"],
        ),
        ("process_resident_memory_bytes / process_virtual_memory_max_bytes > 0.9", "warning", &[]),
        ("vector(1)", "warning", &["always-firing"]),
        ("vector(1)", "none", &[]),
        ("vector(1) > 2", "warning", &["always-firing"]),
    ];
    for (expr, severity, expected) in cases {
        let mut ids = in_alert(expr, severity, "");
        ids.sort();
        assert_eq!(ids, *expected, "{expr} {severity}");
    }
    bellwether_testkit::cases::ran("lint/alert", cases.len() as u64);
}

#[test]
fn how_long_it_waits() {
    let cases: &[(&str, &[&str])] = &[
        ("expr: up == 0", &["1 for-missing"]),
        ("expr: up == 0, for: 30s", &["1 for-too-short"]),
        ("expr: up == 0, for: 1m", &[]),
        ("expr: a_ratio > 0.9", &["1 for-missing"]),
        ("expr: a_ratio > 0.9, for: 0s", &[]),
        ("expr: a_ratio > 0.9, keep_firing_for: 5m", &[]),
        ("expr: a_ratio > 0.9, for: 30s", &[]),
        ("expr: a_ratio > 0.9, for: 15s", &["1 for-too-short"]),
        ("expr: 'increase(restarts_total[5m]) > 2'", &[]),
        ("expr: 'rate(a_total[5m]) / rate(b_total[5m]) > 0.1'", &["1 for-missing"]),
        ("expr: 'rate(a_total[1h]) / rate(b_total[1h]) > 0.1'", &[]),
        ("expr: time() - done_timestamp_seconds > 3600", &[]),
    ];
    for (fields, expected) in cases {
        assert_eq!(found(&[("rules.yml", &format!("- {{alert: A, {fields}}}\n"))]), *expected, "{fields}");
    }
    let group = |interval: &str| {
        format!("groups: [{{name: g, interval: {interval}, rules: [{{alert: A, expr: a > 1, for: 2m}}]}}]\n")
    };
    assert_eq!(found(&[("rules.yml", &group("1m"))]), [""; 0]);
    assert_eq!(found(&[("rules.yml", &group("5m"))]), ["1 for-too-short"]);
    let scraped = "global: {scrape_interval: 2m}\nscrape_configs: []\n";
    let files = [("prometheus.yml", scraped), ("rules.yml", "- {alert: A, expr: up == 0, for: 3m}\n")];
    assert_eq!(found(&files), ["1 for-too-short"]);
    let files = [("prometheus.yml", scraped), ("rules.yml", "- {alert: A, expr: a > 1, for: 3m}\n")];
    assert_eq!(found(&files), [""; 0]);
}

#[test]
fn what_the_other_alerts_of_a_file_have() {
    let alert = |name: &str, rest: &str| format!("- {{alert: {name}, expr: {name}_depth > 1, {rest}}}\n");
    let full = "for: 5m, labels: {severity: critical}, annotations: {summary: s, runbook_url: u}";
    let with = |rest: &str| {
        let many: String = ["a", "b", "c", "d", "e"].iter().map(|name| alert(name, full)).collect();
        format!("{many}{}", alert("f", rest))
    };
    let cases: &[(&str, &[&str])] = &[
        (full, &[]),
        ("for: 5m, labels: {severity: critical}, annotations: {summary: s}", &["6 no-runbook"]),
        ("for: 5m, annotations: {summary: s, runbook_url: u}", &["6 missing-severity"]),
        ("for: 5m, labels: {severity: critical}, annotations: {runbook_url: u}", &["6 missing-summary"]),
        (
            "for: 5m, labels: {severity: page}, annotations: {summary: s, runbook_url: u}",
            &["6 severity-names"],
        ),
        ("labels: {severity: critical}, annotations: {summary: s, runbook_url: u}", &["6 for-missing"]),
        (
            "for: 5m, labels: {severity: critical, runbook_url: u}, annotations: {summary: s}",
            &["6 runbook-as-label"],
        ),
        (
            "for: 5m, labels: {severity: critical, v: '{{ $value }}'}, annotations: {summary: s, runbook_url: u}",
            &["6 value-in-label"],
        ),
    ];
    for (rest, expected) in cases {
        assert_eq!(found(&[("rules.yml", &with(rest))]), *expected, "{rest}");
    }
    // Where no alert has a runbook, that is said once, however many files there are.
    let bare = alert("a", "for: 5m, labels: {severity: page}, annotations: {summary: s}");
    assert_eq!(found(&[("a.yml", &bare), ("b.yml", &bare)]), ["1 no-runbook"]);
}

#[test]
fn two_rules_that_are_one() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("alert: A, expr: 'x > 1'", "alert: B, expr: '(x) > 1'", &["2 duplicate"]),
        (
            "alert: A, expr: 'x{a=\"1\",b=\"2\"} > 1'",
            "alert: B, expr: 'x{b=\"2\",a=\"1\"} > 1'",
            &["2 duplicate"],
        ),
        ("alert: A, expr: 'x > 1'", "alert: B, expr: 'x > 2'", &[]),
        ("alert: A, expr: 'x > 1'", "alert: B, expr: 'x > 1', for: 5m", &[]),
        ("alert: A, expr: 'x > 1'", "alert: A, expr: 'x > 1', labels: {severity: page}", &[]),
        ("record: a:b, expr: sum(x)", "record: a:b, expr: sum(x)", &["2 duplicate"]),
        ("record: a:b, expr: sum(x)", "record: a:c, expr: sum(x)", &[]),
        ("record: a:b, expr: 'x{c=\"1\"}'", "record: a:b, expr: 'x{c=\"2\"}'", &[]),
    ];
    for (first, second, expected) in cases {
        let mut ids = found(&[("rules.yml", &format!("- {{{first}}}\n- {{{second}}}\n"))]);
        ids.retain(|it| it.ends_with("duplicate"));
        assert_eq!(ids, *expected, "{first} | {second}");
    }
}

#[test]
fn texts_that_say_something_else() {
    let cases: &[(&str, &str, &str, &[&str])] = &[
        ("up == 0", "5m", "down for more than 5 minutes", &[]),
        ("up == 0", "5m", "down for more than 10 minutes", &["for-vs-text"]),
        ("up == 0", "5m", "down for at least 10m.", &["for-vs-text"]),
        ("up == 0", "1h", "down for an hour", &[]),
        ("up == 0", "90s", "down for 90 seconds", &[]),
        ("rate(a_total[10m]) > 1", "5m", "errors for the last 10 minutes", &[]),
        ("rate(a_total[10m]) > 1", "5m", "errors for 15 minutes", &[]),
        ("time() - a_timestamp_seconds > 3600", "5m", "not updated for 1 hour", &[]),
        ("up == 0", "5m", "wait for 3 others", &[]),
        ("used_ratio > 0.8", "5m", "more than 80% are used", &[]),
        ("used_ratio > 0.8", "5m", "more than 90% are used", &["threshold-vs-text"]),
        ("used_ratio > 0.8", "5m", "less than 20% are free", &[]),
        ("free_ratio * 100 < 5", "5m", "below 5%", &[]),
        ("free_ratio * 100 < 5", "5m", "below 15%", &["threshold-vs-text"]),
        ("a_latency_seconds > 0.15", "5m", "above the 150ms we promise", &[]),
        ("a_latency_seconds > 0.15", "5m", "above 200ms", &["threshold-vs-text"]),
        ("a_queue > 10", "5m", "more than 5 ms each", &[]),
        ("a_queue > 10", "5m", "above the threshold of 10", &[]),
        ("a_queue > 10", "5m", "above the threshold of 20", &["threshold-vs-text"]),
        ("burn > 14.4", "5m", "above 14.4x", &[]),
        ("burn > 14.4", "5m", "above 6x", &["threshold-vs-text"]),
    ];
    for (expr, hold, summary, expected) in cases {
        let text =
            format!("- {{alert: A, expr: '{expr}', for: {hold}, annotations: {{summary: '{summary}'}}}}\n");
        let mut ids = found(&[("rules.yml", &text)]);
        ids.retain(|it| it.ends_with("vs-text"));
        let ids: Vec<&str> = ids.iter().map(|it| it.split_once(' ').unwrap().1).collect();
        assert_eq!(ids, *expected, "{expr} {hold} {summary}");
    }
    bellwether_testkit::cases::ran("lint/alert-texts", cases.len() as u64);
}

#[test]
fn a_document_is_not_watched_by_another() {
    let ratio = "```yaml\n- {alert: A, expr: 'rate(a_total[1h]) / rate(b_total[1h]) > 0.1', for: 5m}\n```\n";
    let up = "```yaml\n- {alert: B, expr: up == 0, for: 5m}\n```\n";
    let both = format!("{ratio}{up}");
    assert_eq!(found(&[("a.md", ratio)]), ["2 no-data-blind"]);
    assert_eq!(found(&[("a.md", ratio), ("b.md", up)]), ["2 no-data-blind"]);
    assert_eq!(found(&[("a.md", &both)]), [""; 0]);
    assert_eq!(found(&[("a.md", ratio), ("rules.yml", "- {alert: B, expr: up == 0, for: 5m}\n")]), [""; 0]);
}

#[test]
fn a_document_is_held_against_its_own_rules() {
    let document = "## Down\n```yaml\nalert: Down\nexpr: a_connections == 0\nfor: 2m\nlabels: {severity: critical}\n```\n\
                    - No connections for 5 minutes\n- Wait for 10 minutes after a restart\n";
    let ids = found(&[("alerts.md", document)]);
    assert_eq!(ids, ["3 no-runbook", "4 idle-equals-outage", "4 no-data-blind", "8 for-vs-text"]);
}
