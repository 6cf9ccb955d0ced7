//! Templates: what is found in them, and what looks like it and is not.

use bellwether_lint::{Area, Setup, catalogue, lint};

/// Ids of this area that are found in files, each with the text that is underlined.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let setup = Setup::read(files.iter().copied());
    let of_area = |id: &str| catalogue::find(id).is_some_and(|check| check.area == Area::Template);
    let findings = lint(&setup).into_iter().filter(|finding| of_area(finding.problem.id));
    findings
        .map(|finding| {
            let underlined = finding.problem.span.map_or("", |span| setup.sources.slice(span));
            format!("{} {underlined}", finding.problem.id)
        })
        .collect()
}

#[test]
fn texts_of_alerts() {
    let expr = "sum by (job) (rate(errors_total[5m])) / sum by (job) (rate(calls_total[5m])) > 0.1";
    let cases: &[(&str, &[&str])] = &[
        ("{{ $labels.job }}", &[]),
        ("{{ .Labels.job }} {{ $externalLabels.cluster }} {{ $externalURL }}", &[]),
        ("{{ $labels.instance }}", &["label-lost $labels.instance"]),
        ("{{ .Labels.instance }}", &["label-lost .Labels.instance"]),
        ("{{ $labels.severity }}", &["label-lost $labels.severity"]),
        ("{{ with $labels.instance }}{{ . }}{{ end }}", &[]),
        ("{{ index $labels \"instance\" }}", &["label-lost \"instance\""]),
        ("{{ $value }}%", &["humanize $value"]),
        ("{{ $value }} failures per second", &["humanize $value"]),
        ("{{ $value }}", &[]),
        ("{{ $value | humanizePercentage }}", &[]),
        ("{{ printf \"%.1f\" $value }}%", &[]),
        ("{{ $value }}small", &[]),
        ("{{ upper $labels.job }}", &["unknown-function upper"]),
        ("{{ mul $value 100 }}", &["not-portable mul"]),
        ("{{ query \"up\" | humanize }}", &["vector-as-number humanize"]),
        ("{{ query \"up\" | first | value | humanize }}", &[]),
        ("{{ range query \"up\" }}{{ .Labels.job }} {{ .Value }}{{ end }}", &[]),
        ("{{ range query \"up\" }}{{ .Label }}{{ end }}", &["unknown-field .Label"]),
        ("{{ printf \"%s %.2f\" $labels.job (query \"up\") }}", &["vector-as-number (query \"up\")"]),
        ("{{ printf \"%v\" (query \"up\") }}", &[]),
        ("{{ query \"up\" | value }}", &["vector-as-number value"]),
        ("{{ query \"up\" }}", &["vector-as-number query \"up\""]),
        ("{{ with query \"up\" }}{{ . | first | value }}{{ end }}", &[]),
        ("{{ .Annotations.summary }}", &["unknown-field .Annotations.summary"]),
        ("{{ $value.Seconds }}", &["unknown-field $value.Seconds"]),
        ("{{ if $value }}", &["template {{"]),
        ("{{ $lables.job }}", &["template $lables"]),
        ("{{ template \"mine\" . }}", &["undefined-template \"mine\""]),
    ];
    for (text, expected) in cases {
        let rules = format!(
            "- alert: A\n  expr: {expr}\n  annotations: {{description: '{text}'}}\n  labels: {{severity: page}}\n"
        );
        assert_eq!(found(&[("rules.yml", &rules)]), *expected, "{text}");
    }
    bellwether_testkit::cases::ran("lint/template", cases.len() as u64);
}

#[test]
fn numbers_that_need_no_rounding() {
    let cases: &[(&str, &[&str])] = &[
        ("a / b > 0.5", &["humanize $value"]),
        ("round(a / b, 0.1) > 0.5", &[]),
        ("job:errors:ratio > 0.5", &["humanize $value"]),
        ("battery_percent > 5", &[]),
        ("count(up == 0) > 5", &[]),
        ("histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m]))) > 5", &["humanize $value"]),
    ];
    for (expr, expected) in cases {
        let rules =
            format!("- alert: A\n  expr: '{expr}'\n  annotations: {{summary: '{{{{ $value }}}}%'}}\n");
        assert_eq!(found(&[("rules.yml", &rules)]), *expected, "{expr}");
    }
}

#[test]
fn texts_of_messages() {
    let rules = "- {alert: A, expr: up == 0, labels: {severity: page}, annotations: {summary: s}}\n";
    let cases: &[(&str, &[&str])] = &[
        ("{{ .GroupLabels.alertname }} {{ .CommonLabels.job }} {{ .Status | toUpper }}", &[]),
        ("{{ .GroupLabels.job }}", &["unknown-field .GroupLabels.job"]),
        ("{{ .CommonLabel.job }}", &["unknown-field .CommonLabel.job"]),
        ("{{ .Labels.job }}", &["unknown-field .Labels.job"]),
        ("{{ .Alerts.Labels }}", &["unknown-field .Alerts.Labels"]),
        ("{{ .Alerts.Firing | len }}", &[]),
        (
            "{{ range .Alerts }}{{ .Labels.severity }} {{ .Annotations.summary }} {{ .StartsAt.Unix }}{{ end }}",
            &[],
        ),
        ("{{ range .Alerts }}{{ .Annotations.summery }}{{ end }}", &["unknown-field .Annotations.summery"]),
        ("{{ range .Alerts }}{{ with .Annotations.runbook_url }}{{ . }}{{ end }}{{ end }}", &[]),
        (
            "{{ range .Alerts }}{{ range .Labels.SortedPairs }}{{ .Name }}={{ .Value }} {{ end }}{{ end }}",
            &[],
        ),
        (
            "{{ range .Alerts }}{{ range .Labels.SortedPairs }}{{ .Key }}{{ end }}{{ end }}",
            &["unknown-field .Key"],
        ),
        ("{{ $value }}", &["template $value"]),
        ("{{ .Status | humanizePercentage }}", &["unknown-function humanizePercentage"]),
        ("{{ template \"slack.default.title\" . }}", &[]),
        ("{{ template \"slack.title\" . }}", &["undefined-template \"slack.title\""]),
        ("{{ define \"slack.title\" }}x{{ end }}{{ template \"slack.title\" . }}", &[]),
    ];
    for (text, expected) in cases {
        let routing = format!(
            "route: {{receiver: r, group_by: [alertname]}}\nreceivers:\n- name: r\n  slack_configs:\n  - api_url: \
             https://example.com/x\n    channel: '#a'\n    title: '{}'\n",
            text.replace('\'', "''")
        );
        assert_eq!(found(&[("alertmanager.yml", &routing), ("rules.yml", rules)]), *expected, "{text}");
    }
}

#[test]
fn a_template_may_stand_in_another_file() {
    let routing = "templates: ['*.tmpl']\nroute: {receiver: r}\nreceivers:\n- name: r\n  slack_configs:\n  - api_url: \
                   https://example.com/x\n    channel: '#a'\n    title: '{{ template \"mine\" . }}'\n";
    let own = "{{ define \"mine\" }}{{ .Status }}{{ end }}";
    // Files that were not given may define it.
    assert_eq!(found(&[("alertmanager.yml", routing)]), [""; 0]);
    assert_eq!(found(&[("alertmanager.yml", routing), ("a.tmpl", own)]), [""; 0]);
    assert_eq!(
        found(&[("alertmanager.yml", routing), ("a.tmpl", "{{ define \"other\" }}{{ end }}")]),
        ["undefined-template \"mine\""]
    );
    let document = "Use `{{ template \"mine\" . }}` as title.\n";
    assert_eq!(found(&[("a.md", document)]), ["undefined-template \"mine\""]);
    let with_code = format!("{document}\n```gotmpl\n{own}\n```\n");
    assert_eq!(found(&[("a.md", &with_code)]), [""; 0]);
}

#[test]
fn a_label_that_only_some_alerts_set() {
    let rules = "- {alert: A, expr: a > 1, labels: {runbook: x}}\n- {alert: B, expr: b > 1}\n";
    let routing = "route: {receiver: r}\nreceivers:\n- name: r\n  slack_configs:\n  - api_url: https://example.com/x\n    \
                   text: '{{ range .Alerts }}{{ .Labels.runbook }}{{ end }}'\n";
    assert_eq!(
        found(&[("alertmanager.yml", routing), ("rules.yml", rules)]),
        ["unknown-field .Labels.runbook"]
    );
}
