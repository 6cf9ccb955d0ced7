//! Labels and annotations are templates, and templates may ask queries of their own.
use bellwether_model::TimeDelta;

use crate::world::{World, at};

/// Runs an alert with an annotation over a series `job=a` of value 1, and gives the annotation's text and the
/// rule's template error.
fn annotation(text: &str, answers: &[(&str, &str, &str)]) -> (String, Option<String>) {
    let rule = format!(
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: q\n    annotations:\n      a: {text}\n"
    );
    let mut all = vec![("q", "__name__=m,job=a", "1 1")];
    all.extend(answers);
    let mut world = World::new(&rule, &all);
    world.query_duration = TimeDelta::SECOND;
    world.run_until(at(30));
    let rule = &world.engine.status()[0].rules[0];
    let alerts = &rule.alerting.as_ref().unwrap().alerts;
    assert_eq!(alerts.len(), 1, "{:?}", rule.last_error);
    (alerts[0].annotations.value_or_empty("a").to_owned(), rule.template_error.clone())
}

#[track_caller]
fn check(text: &str, answers: &[(&str, &str, &str)], want: &str) {
    assert_eq!(annotation(text, answers), (want.to_owned(), None), "{text}");
}

#[test]
fn annotations_tell_of_labels_and_values() {
    check("\"{{ $labels.job }} is at {{ $value }}\"", &[], "a is at 1");
    check(
        "\"{{ $labels.nothing }}|{{ $externalURL }}|{{ .Value | humanizePercentage }}\"",
        &[],
        "|http://b|100%",
    );
    check("plain", &[], "plain");
}

#[test]
fn templates_ask_and_are_expanded_when_they_are_answered() {
    check("\"{{ with query `x` }}{{ . | first | value }}{{ end }}\"", &[("x", "", "7")], "7");
    check("\"{{ query `x` | first | label `l` }}\"", &[("x", "l=v", "7")], "v");
    check(
        "\"{{ range query `x` }}{{ .Labels.i }}={{ .Value }} {{ end }}\"",
        &[("x", "i=1", "5"), ("x", "i=2", "6")],
        "1=5 2=6 ",
    );
    check("\"{{ with query `x` }}{{ . }}{{ else }}none{{ end }}\"", &[], "none");
    // The second query depends on the answer to the first.
    let chained = "\"{{ range query `x` }}{{ query (printf `y%s` .Labels.i) | first | value }}{{ end }}\"";
    check(chained, &[("x", "i=1", "5"), ("y1", "", "8")], "8");
}

#[test]
fn a_template_that_fails_is_shown_and_does_not_hold_the_alert_back() {
    let check = |text: &str, answers: &[(&str, &str, &str)], word: &str| {
        let (text, error) = annotation(text, answers);
        assert!(text.starts_with("<error expanding template: ") && text.contains(word), "{text}");
        assert!(error.is_some_and(|error| text.contains(&error)));
    };
    check("\"{{ query `x` | first }}\"", &[], "empty");
    check("\"{{ query `x` | first }}\"", &[("x", "", "!")], "the source is away");
    check("\"{{ query `sum(` | first }}\"", &[], "query");
}

#[test]
fn a_template_that_fails_is_found_in_its_rule_file() {
    let check = |annotation: &str, want: &str| {
        let text = format!(
            "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: q\n    annotations:\n      a: {annotation}\n"
        );
        let mut world = World::new(&text, &[("q", "job=a", "1")]);
        world.run_until(at(0));
        let error = world.engine.status()[0].rules[0].template_error.clone().unwrap();
        assert!(error.starts_with(want), "{error}");
    };
    check(r#"x {{ mul $value "x" }}"#, "rules.yaml:7:15: annotation a: mul: ");
    check("\"y: {{ query `y` | first }}\"", "rules.yaml:7:29: annotation a: first: ");
    check("|\n        one\n\n        two {{ mul $value \"x\" }}", "rules.yaml:10:16: annotation a: mul: ");
    check("'it''s'\n    labels: {b: '{{ query `y` | first }}'}", "rules.yaml:8:33: label b: first: ");
}

#[test]
fn people_who_calculate_in_templates_get_what_they_meant() {
    let answers = [("ratio * 100", "", "98.765")];
    check(r#"'{{ printf "%.2f" (query "ratio * 100") }}%'"#, &answers, "98.77%");
    check(r#"'{{ printf "%.1f" (mul $value 100) }}%'"#, &[], "100.0%");
    check("'{{ div 7 2 }} {{ add 1 $value }} {{ sub $value 0.5 }}'", &[], "3.5 2 0.5");
    check("'{{ mul (query `ratio * 100`) 2 | humanize }}'", &answers, "197.5");
}

#[test]
fn labels_are_templates_of_the_result_before_they_are_applied() {
    let rule = "groups: [{name: g, rules: [{alert: A, expr: q, labels: {job: 'x{{ $labels.job }}', i: '{{ if gt $value 1.0 }}2{{ end }}'}}]}]";
    let mut world = World::new(rule, &[("q", "job=a,i=1", "1")]);
    world.run_until(at(0));
    assert_eq!(world.take("send"), [r#"0s send firing {alertname="A", job="xa"} from 0s to 240s"#]);
}

#[test]
fn a_template_that_cannot_be_right_is_refused_with_its_place() {
    use bellwether_diag::{Diagnostics, Sources, Style};
    use bellwether_rules::{NameScheme, RuleFile};
    let text = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    labels: {a: '{{ $lables.x }}'}\n    annotations:\n      a: |\n        ok\n        {{ humanise $value }}\n";
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("f", text);
    assert!(RuleFile::read(&sources, file, NameScheme::Utf8, &mut out).is_none());
    let text = out.render(&sources, Style { color: false });
    let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("f:")).collect();
    assert_eq!(heads.len(), 2, "{text}");
    assert!(heads[0].starts_with("f:6:21: error: ") && heads[0].ends_with("did you mean $labels?"), "{text}");
    assert!(
        heads[1].starts_with("f:10:12: error: ") && heads[1].ends_with("did you mean humanize?"),
        "{text}"
    );
}
