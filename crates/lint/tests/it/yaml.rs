//! How files are written: what is found, and what looks like it and is not.

use bellwether_lint::{Area, Setup, catalogue, lint};

fn found(name: &str, text: &str) -> Vec<String> {
    let setup = Setup::read([(name, text)]);
    let of_area = |id: &str| catalogue::ALL.iter().any(|check| check.id == id && check.area == Area::Yaml);
    let findings = lint(&setup).into_iter().filter(|finding| of_area(finding.problem.id));
    findings
        .map(|finding| {
            let line = finding.problem.span.map_or(0, |span| setup.sources.position(span).line);
            format!("{line} {}", finding.problem.id)
        })
        .collect()
}

#[test]
fn messages_of_several_lines() {
    let cases: &[(&str, &[&str])] = &[
        ("\"{{ range .Alerts }}\n      *A:* {{ .Status }}\n      {{ end }}\"", &["5 folded-template"]),
        ("'{{ range .Alerts }}\n      - {{ .Status }}\n      {{ end }}'", &["5 folded-template"]),
        (">\n      {{ range .Alerts }}\n      - {{ .Status }}\n      {{ end }}", &["5 folded-template"]),
        ("|\n      {{ range .Alerts }}\n      - {{ .Status }}\n      {{ end }}", &[]),
        ("\"{{ range .Alerts }}\\n\n      *A:* {{ .Status }}\\n\n      {{ end }}\"", &[]),
        ("\"a sentence about {{ .Status }}\n      that goes on\n      in two more lines\"", &[]),
        ("\"{{ range .Alerts }}\n*A:* {{ .Status }}\n{{ end }}\"", &["5 folded-template", "6 not-yaml-1.2"]),
        ("'plain\n    text'", &["6 not-yaml-1.2"]),
        ("'plain\n     text'", &[]),
    ];
    for (text, expected) in cases {
        let routing =
            format!("route: {{receiver: r}}\nreceivers:\n- name: r\n  slack_configs:\n  - text: {text}\n");
        // The field stands in column 5.
        assert_eq!(found("alertmanager.yml", &routing), *expected, "{text}");
    }
    bellwether_testkit::cases::ran("lint/yaml", cases.len() as u64);
}

#[test]
fn words_for_truth() {
    let cases: &[(&str, &[&str])] = &[
        ("send_resolved: yes", &["5 not-yaml-1.2"]),
        ("send_resolved: Off", &["5 not-yaml-1.2"]),
        ("send_resolved: true", &[]),
        ("channel: yes", &[]),
    ];
    for (field, expected) in cases {
        let routing =
            format!("route: {{receiver: r}}\nreceivers:\n- name: r\n  slack_configs:\n  - {field}\n");
        assert_eq!(found("alertmanager.yml", &routing), *expected, "{field}");
    }
}
