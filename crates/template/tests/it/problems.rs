//! Messages say what is wrong, where, and what to write instead.

use bellwether_template::{
    ClockOnly, Escape, Limits, TemplateSet, Value, alertmanager_functions, check_alert_text,
    prometheus_functions,
};

fn problems(text: &str) -> Vec<String> {
    match check_alert_text(&TemplateSet::new(prometheus_functions()), text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn every_problem_of_a_text_is_reported_with_its_place() {
    for (text, expected) in [
        (
            "{{ humanise $value }}\nä{{ $vale }} {{ toUper 1 }}",
            vec![
                r#"annotation:1:4: function "humanise" is not defined; did you mean humanize?"#,
                "annotation:2:5: undefined variable $vale; did you mean $value?",
                r#"annotation:2:17: function "toUper" is not defined; did you mean toUpper?"#,
            ],
        ),
        ("{{ if true }}x", vec!["annotation:1:1: this if is never ended; add {{ end }}"]),
        (
            "{{ 1i }}",
            vec![
                r#"annotation:1:4: "1i" is a complex number; templates here know whole and floating numbers only"#,
            ],
        ),
        (
            "{{ if eq $value = 1 }}{{ end }}",
            vec!["annotation:1:17: unexpected =; compare with eq, assign with {{ $x = ... }}"],
        ),
        (
            r#"{{ template "slack.title" . }}"#,
            vec![r#"annotation:1:13: template "slack.title" is not defined"#],
        ),
        (
            "{{ $value }",
            vec![
                "annotation:1:11: unexpected '}' in an action",
                "annotation:1:12: this action is never closed; write }}",
            ],
        ),
        (
            "{{ if false }}{{ toUpper }}{{ $value | len 1 }}{{ len }}{{ print now.Unix }}{{ end }}{{ not len }}",
            vec![
                "annotation:1:18: toUpper takes 1 argument, not 0",
                "annotation:1:40: len takes 1 argument, not 2",
                "annotation:1:51: len takes 1 argument, not 0",
                "annotation:1:93: len takes 1 argument, not 0",
            ],
        ),
        (
            "{{ $labels.job }} {{ $value | humanize }} {{ print (now.Unix) | toUpper }} {{ tmpl \"x\" . }}",
            vec![],
        ),
    ] {
        assert_eq!(problems(text), expected, "{text}");
    }
}

fn render(text: &str, limits: Limits) -> Result<String, String> {
    let is_notification = text.contains("list ");
    let functions = if is_notification { alertmanager_functions() } else { prometheus_functions() };
    let mut set = TemplateSet::new(functions);
    set.limits = limits;
    let data = Value::map([("s", "x".into())]);
    set.render_text(Escape::None, text, &data, &ClockOnly::default()).map_err(|error| error.to_string())
}

#[test]
fn an_error_while_rendering_names_place_and_types() {
    for (text, expected) in [
        ("a\n{{ .s.x }}", "inline:2:4: type string has no field or method .x"),
        (
            "{{ eq 1 1.5 }}",
            "inline:1:4: eq: incompatible types for comparison: int and float64; write the constant with a point, such as 1.0",
        ),
        ("{{ humanize .s }}", "inline:1:4: humanize: argument 1 must be a number, not string"),
        ("{{ toUpper 1 }}", "inline:1:4: toUpper: argument 1 must be a string, not int"),
        ("{{ len 1 2 }}", "inline:1:4: len takes 1 argument, not 2"),
    ] {
        assert_eq!(render(text, Limits::default()), Err(expected.to_owned()), "{text}");
    }
}

#[test]
fn a_template_without_end_is_stopped() {
    let small = Limits { output_bytes_max: 100, steps_max: 1000, depth_max: 150 };
    for (text, part) in [
        (r#"{{ define "t" }}{{ template "t" . }}{{ end }}{{ template "t" . }}"#, "more than 150 deep"),
        (
            r#"{{ define "t" }}{{ if true }}{{ (tmpl "t" 1) }}{{ end }}{{ end }}{{ template "t" . }}"#,
            "more than 150 deep",
        ),
        ("{{ range 1000000000 }}{{ end }}", "stopped after 1000 steps"),
        ("{{ range 200 }}x{{ end }}", "output exceeds 100 bytes"),
        (
            "{{ $l := list 1 }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}{{ $l }}",
            "output exceeds 100 bytes",
        ),
        ("{{ $l := list 1 }}{{ range 40 }}{{ $l = list $l $l }}{{ end }}{{ toJson $l }}", "toJson"),
        (r#"{{ $s := "aaaaaaaaaa" }}{{ range 9 }}{{ $s = print $s $s }}{{ end }}"#, "more than 100 bytes"),
        (r#"{{ $s := printf "%99d" 1 }}{{ reReplaceAll "" $s $s }}"#, "more than 100 bytes"),
        (r#"{{ printf "%1000000d" 1 }}"#, "more than 100 bytes"),
    ] {
        let error = render(text, small).unwrap_err();
        assert!(error.contains(part), "{text}: {error}");
    }
    let deep = format!("{}1{}", "{{ if true }}".repeat(10_000), "{{ end }}".repeat(10_000));
    assert!(render(&deep, Limits::default()).unwrap_err().contains("deep"));
    let parens = format!("{{{{ {}1{} }}}}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(render(&parens, Limits::default()).unwrap_err().contains("deep"));
}
