//! Rule files: what is read, and what is said about what is not.
use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_model::TimeDelta;
use bellwether_rules::{NameScheme, ReadOptions, RuleFile, RuleKind};

/// The first lines of all problems of a text.
fn problems_with(options: impl Into<ReadOptions>, text: &str) -> Vec<String> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("f", text);
    let read = RuleFile::read(&sources, file, options, &mut out);
    assert_eq!(read.is_none(), out.has_errors());
    let text = out.render(&sources, Style { color: false });
    text.lines().filter(|line| line.starts_with("f:")).map(str::to_owned).collect()
}

#[track_caller]
fn check(text: &str, want: &[&str]) {
    assert_eq!(problems_with(NameScheme::Utf8, text), want, "{text}");
}

#[test]
fn every_field_is_read() {
    let text = "groups:
- name: g
  interval: 30s
  limit: 10
  query_offset: 1m
  labels: {team: x}
  rules:
  - record: a:b
    expr: sum(up)
    labels: {l: v}
  - alert: A
    expr: up == 0
    for: 5m
    keep_firing_for: 1h
    annotations: {summary: '{{ $labels.job }} is down'}
";
    let file = crate::world::rules(text);
    let group = &file.groups[0];
    assert_eq!((group.name.as_str(), group.interval), ("g", Some(TimeDelta::from_secs(30))));
    assert_eq!((group.limit, group.query_offset), (Some(10), Some(TimeDelta::MINUTE)));
    assert_eq!(group.rules[0].kind, RuleKind::Record);
    assert_eq!(format!("{:?}", group.labels_of(&group.rules[0])), r#"{"l": "v", "team": "x"}"#);
    let RuleKind::Alert { hold, keep_firing, annotations } = &group.rules[1].kind else { panic!() };
    assert_eq!((*hold, *keep_firing), (TimeDelta::MINUTE * 5, TimeDelta::HOUR));
    assert_eq!(annotations["summary"], "{{ $labels.job }} is down");
    assert_eq!(group.rules[1].expr.text, "up == 0");
}

#[test]
fn a_file_without_rules_is_a_rule_file() {
    check("", &[]);
    check("groups:\n", &[]);
    check("groups: []\n", &[]);
    check("groups: [{name: g}]\n", &[]);
    check(
        "groups: [{name: g, rules: [{record: a, alert: '', expr: up, for: 0s, annotations: {}, labels: }]}]",
        &[],
    );
}

#[test]
fn a_rule_records_or_alerts() {
    check(
        "groups:\n- name: g\n  rules:\n  - expr: up\n  - {record: a, alert: B, expr: up, for: 1m}\n",
        &[
            "f:4:5: error: the rule says neither record nor alert; write `record: metric_name` or `alert: AlertName`",
            "f:5:14: error: a rule either records or alerts, this one says both; keep record or alert, not both",
        ],
    );
    let rule = "groups:\n- name: g\n  rules:\n  - record: a\n    expr: up\n    for: 1m\n    keep_firing_for: 1m\n    annotations: {a: b}\n";
    check(
        rule,
        &[
            "f:6:5: error: for has no meaning in a rule that records; remove it, or write alert instead of record",
            "f:7:5: error: keep_firing_for has no meaning in a rule that records; remove it, or write alert instead of record",
            "f:8:5: error: annotations has no meaning in a rule that records; remove it, or write alert instead of record",
        ],
    );
}

#[test]
fn misspelt_and_missing_fields_are_named() {
    check("group:\n- name: g\n", &["f:1:1: error: unknown field \"group\"; did you mean groups?"]);
    check(
        "groups:\n- rules:\n  - alert: A\n    exprs: up\n    annotation: {a: b}\n",
        &[
            "f:2:3: error: name is missing",
            "f:3:5: error: expr is missing",
            "f:4:5: error: unknown field \"exprs\"; did you mean expr?",
            "f:5:5: error: unknown field \"annotation\"; did you mean annotations?",
        ],
    );
    check(
        "groups: [{name: '', rules: [{record: a, expr: ''}]}]",
        &[
            "f:1:17: error: a group needs a name; write one that is unique in this file",
            "f:1:47: error: expr is empty; write the query of this rule",
        ],
    );
}

#[test]
fn an_error_in_a_query_is_shown_inside_the_yaml() {
    let place = |text: &str| {
        let problems = problems_with(NameScheme::Utf8, text);
        problems.iter().map(|line| line.split(" error:").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let rule = |expr: &str| format!("groups:\n- name: g\n  rules:\n  - record: a\n    expr: {expr}\n");
    assert_eq!(place(&rule("sum(rate(up))")), ["f:5:20:"]);
    assert_eq!(place(&rule("'sum(rate(up{a=\"it''s\"}) + rate(b))'")), ["f:5:21:", "f:5:43:"]);
    assert_eq!(place(&rule("|\n      sum(\n        rate(up)\n      )")), ["f:7:14:"]);
}

#[test]
fn names_are_checked() {
    let rule = |fields: &str| format!("groups: [{{name: g, rules: [{{record: a, expr: up, {fields}}}]}}]");
    check(
        &rule("labels: {__name__: b}"),
        &["f:1:59: error: __name__ cannot be set as a label; use record to name the metric"],
    );
    check(&rule("labels: {'': b}"), &["f:1:59: error: a name is missing before the colon"]);
    check(&rule("labels: {in-stance: b}"), &[]);
    check(
        "groups: [{name: g, rules: [{record: 'a{b=\"c\"}', expr: up}]}]",
        &[
            "f:1:37: error: braces in the name \"a{b=\\\"c\\\"}\" of a recorded metric; write the metric's name only; labels to set go under labels, a selection goes into expr",
        ],
    );
    let legacy = |text: &str| problems_with(NameScheme::Legacy, text);
    assert_eq!(
        legacy(&rule("labels: {in-stance: b}")),
        [
            "f:1:59: error: \"in-stance\" is not a label name; use letters, digits and `_`, not starting with a digit",
        ]
    );
    assert_eq!(legacy("groups: [{name: g, rules: [{record: a-b, expr: up}]}]").len(), 1);
}

#[test]
fn what_appears_twice_is_shown_with_both_places() {
    check(
        "groups:\n- name: g\n- name: h\n- name: g\n",
        &["f:4:9: error: group \"g\" appears twice in this file; rename one of the two"],
    );
    check(
        "groups: [{name: g, labels: {x: y}, rules: [{record: a, expr: up}]}, {name: h, rules: [{record: a, expr: down, labels: {x: y}}]}]",
        &[
            "f:1:96: warning: \"a\" appears again with the same labels; remove one, or give them labels that differ",
        ],
    );
    check(
        "groups: []\n---\ngroups: []\n",
        &[
            "f:3:1: warning: only the first document of a rule file is read; put these groups into the first document or into a file of their own",
        ],
    );
}

#[test]
fn a_query_no_rule_can_use_is_a_warning() {
    check(
        "groups: [{name: g, rules: [{record: a, expr: 'up[5m]'}]}]",
        &[
            "f:1:46: warning: the query gives a range vector, which no rule can use; wrap it so that it gives an instant vector, such as rate(...) or last_over_time(...)",
        ],
    );
}

#[test]
fn unknown_fields_may_be_left_to_others() {
    let text = "groups: [{name: g, owner: me, rules: []}]";
    check(
        text,
        &[
            "f:1:20: error: unknown field \"owner\"; known fields here: interval, labels, limit, name, query_offset, rules",
        ],
    );
    let options = ReadOptions { ignore_unknown_fields: true, ..ReadOptions::default() };
    assert_eq!(
        problems_with(options, text),
        [
            "f:1:20: warning: unknown field \"owner\"; known fields here: interval, labels, limit, name, query_offset, rules",
        ]
    );
}

#[test]
fn read_leniently_a_file_keeps_the_rules_in_which_nothing_is_wrong() {
    let text = "groups:
- name: g
  rules:
  - {record: a, expr: up}
  - {record: b, expr: 'up +'}
  - {alert: C, expr: up, labels: {__name__: x}}
  - {alert: D, expr: up, annotations: {a: '{{ $valeu }}'}}
  - {alert: E, expr: up}
- name: h
  rules: [{record: f}]
";
    let (mut sources, mut out, mut refused) = (Sources::new(), Diagnostics::new(), Diagnostics::new());
    let file = sources.add("f", text);
    let read = RuleFile::read_leniently(&sources, file, NameScheme::Utf8, &mut out, &mut refused).unwrap();
    let names =
        |group: usize| read.groups[group].rules.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>();
    assert_eq!((names(0), names(1)), (vec!["a", "E"], vec![]));
    let lines = |problems: &Diagnostics| {
        let lines = problems.iter().filter_map(|problem| Some(sources.position(problem.span?).line));
        lines.collect::<Vec<_>>()
    };
    assert_eq!((lines(&out), lines(&refused)), (vec![], vec![5, 6, 7, 10]));
    // What is wrong with a group or with the file is no rule's fault.
    let file = sources.add("f", "groups: [{name: g, interval: never, rules: [{record: a, expr: up}]}]");
    let read = RuleFile::read_leniently(&sources, file, NameScheme::Utf8, &mut out, &mut refused);
    assert_eq!((read, out.error_count()), (None, 1));
}
