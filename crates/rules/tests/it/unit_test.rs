//! Unit tests of rules: what passes, what fails and how that reads.
#![allow(clippy::disallowed_methods, reason = "one test looks for files beside the project")]

use std::collections::BTreeMap;

use bellwether_diag::{Diagnostics, Severity, Sources, Style};
use bellwether_rules::unit_test::{
    Case, CaseSuite, Coverage, Suite, TestFile, Use, junit_xml, render_failure,
};
use bellwether_rules::{ReadOptions, RuleFile};
use bellwether_testkit::cases;

/// How running a file went.
struct Ran {
    /// What is wrong with the files; their tests are not run if that is more than warnings.
    problems: String,
    is_bad: bool,
    /// Names of the tests with their failures as text.
    tests: Vec<(String, Vec<String>)>,
    coverage: Coverage,
}

impl Ran {
    /// `ok`, `failed` or `bad`.
    fn word(&self) -> &'static str {
        match (self.is_bad, self.failures().is_empty()) {
            (true, _) => "bad",
            (false, true) => "ok",
            (false, false) => "failed",
        }
    }

    fn failures(&self) -> Vec<&str> {
        self.tests.iter().flat_map(|(_, failures)| failures).map(String::as_str).collect()
    }
}

/// Runs a file that names its rule files by what `files` calls them.
fn run(name: &str, files: &BTreeMap<String, String>, options: ReadOptions, explain: bool) -> Ran {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let unknown_fields = if options.ignore_unknown_fields { Severity::Warning } else { Severity::Error };
    let file = sources.add(name, files[name].clone());
    let read = TestFile::read(&sources, file, unknown_fields, &mut out);
    let mut rules = Vec::new();
    for rule_file in read.iter().flat_map(|read| &read.rule_files) {
        let file = sources.add(rule_file.as_str(), files[rule_file.as_str()].clone());
        let content = RuleFile::read(&sources, file, options, &mut out);
        rules.extend(content.map(|content| (rule_file.value.clone(), content)));
    }
    let mut coverage = Coverage::default();
    let mut tests = Vec::new();
    if let Some(read) = read.as_ref().filter(|_| !out.has_errors()) {
        rules.iter().for_each(|(name, content)| coverage.add(name, content));
        let suite = Suite::new(read, &rules, &mut out);
        for test in &read.tests {
            let outcome = suite.run(test, explain, &mut coverage);
            let plain = Style { color: false };
            let failures = outcome.failures.iter().map(|failure| render_failure(failure, &sources, plain));
            tests.push((test.name.clone(), failures.collect()));
        }
    }
    let problems = out.render(&sources, Style { color: false });
    Ran { problems, is_bad: out.has_errors(), tests, coverage }
}

const RULES: &str = "groups:
- name: alerts
  interval: 7h
  rules:
  - alert: Down
    expr: up == 0
    for: 5m
    labels: {severity: page}
    annotations: {summary: '{{ $labels.instance }} is down', cluster: '{{ $externalLabels.cluster }}'}
- name: records
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
  - record: job:up:double
    expr: job:up:sum * 2
";

/// Runs a test file's text over [`RULES`], with the lines of all tests after `tests:`.
fn run_text(tests: &str, explain: bool) -> Ran {
    let text = format!("rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n{tests}");
    let files = BTreeMap::from([("t.yml", text), ("rules.yml", RULES.to_owned())]);
    let files = files.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
    run("t.yml", &files, ReadOptions::default(), explain)
}

#[track_caller]
fn check(tests: &str, want: &str) {
    let ran = run_text(tests, false);
    assert_eq!(ran.problems, "", "{tests}");
    assert_eq!(ran.failures().concat(), want, "{tests}");
}

const GIVEN: &str = "- input_series:
  - {series: 'up{job=\"a\", instance=\"x\"}', values: '1 0x10'}
  - {series: 'up{job=\"a\", instance=\"y\"}', values: 1x11}
  external_labels: {cluster: eu}
";

#[test]
fn what_is_as_expected_says_nothing() {
    check(
        &format!(
            "{GIVEN}  alert_rule_test:
  - {{eval_time: 5m, alertname: Down}}
  - eval_time: 6m30s
    alertname: Down
    exp_alerts:
    - exp_labels: {{job: a, instance: x, severity: page}}
      exp_annotations: {{summary: x is down, cluster: eu}}
  promql_expr_test:
  - {{expr: 'job:up:double', eval_time: 3m, exp_samples: [{{labels: 'job:up:double{{job=\"a\"}}', value: 2}}]}}
  - expr: count by (alertstate) (ALERTS)
    eval_time: 6m
    exp_samples: [{{labels: '{{alertstate=\"firing\"}}', value: 1}}]
  - {{expr: nothing}}
"
        ),
        "",
    );
}

#[test]
fn rules_are_evaluated_at_the_files_interval_from_the_start_of_the_test() {
    check(
        "- start_timestamp: 2024-01-01T00:00:07Z
  interval: 20s
  input_series: [{series: 'up{job=\"a\"}', values: 1+1x9}]
  promql_expr_test:
  - {expr: timestamp(job:up:sum), eval_time: 2m30s, exp_samples: [{labels: '{job=\"a\"}', value: 1704067327}]}
  - {expr: job:up:sum, eval_time: 1m, exp_samples: [{labels: 'job:up:sum{job=\"a\"}', value: 4}]}
",
        "",
    );
}

#[test]
fn a_label_and_an_annotation_that_differ_stand_side_by_side() {
    check(
        &format!(
            "{GIVEN}  alert_rule_test:
  - eval_time: 6m
    alertname: Down
    exp_alerts:
    - exp_labels: {{job: a, instance: x, severity: ticket}}
      exp_annotations: {{summary: y is down, runbook: here}}
"
        ),
        r#"t.yml:10:16: error: other alerts "Down" fire at 6m than expected
  10 |     alertname: Down
     |                ^^^^
    {alertname="Down", instance="x", job="a"} differs:
                          expected     got
      label severity      "ticket"     "page"
      annotation cluster  (none)       "eu"
      annotation runbook  "here"       (none)
      annotation summary  "y is down"  "x is down"
"#,
    );
}

#[test]
fn what_is_missing_is_explained_and_what_is_too_much_is_shown_whole() {
    check(
        &format!(
            "{GIVEN}  alert_rule_test:
  - {{eval_time: 4m, alertname: Down, exp_alerts: [{{exp_labels: {{job: a}}}}]}}
  - {{eval_time: 6m, alertname: Down}}
"
        ),
        r#"t.yml:9:32: error: other alerts "Down" fire at 4m than expected
  9 |   - {eval_time: 4m, alertname: Down, exp_alerts: [{exp_labels: {job: a}}]}
    |                                ^^^^
    missing: {alertname="Down", job="a"}
    note: {alertname="Down", instance="x", job="a", severity="page"} is pending since 1m; its `for` is 5m
t.yml:10:32: error: other alerts "Down" fire at 6m than expected
  10 |   - {eval_time: 6m, alertname: Down}
     |                                ^^^^
    unexpected: {alertname="Down", instance="x", job="a", severity="page"}
      annotation cluster "eu"
      annotation summary "x is down"
"#,
    );
}

#[test]
fn samples_that_differ_are_paired_by_their_labels() {
    check(
        &format!(
            "{GIVEN}  promql_expr_test:
  - expr: up
    eval_time: 1m
    exp_samples:
    - {{labels: 'up{{job=\"a\", instance=\"y\"}}', value: 2}}
    - {{labels: 'up{{job=\"b\", instance=\"z\"}}', value: .inf}}
"
        ),
        r#"t.yml:9:11: error: the query gives something else at 1m than expected
  9 |   - expr: up
    |           ^^
    up{instance="y", job="a"} differs:
             expected  got
      value  2         1
    missing: up{instance="z", job="b"} +Inf
    unexpected: up{instance="x", job="a"} 0
"#,
    );
}

#[test]
fn long_texts_stand_one_under_the_other_with_a_mark_at_the_first_difference() {
    let rules = "groups: [{name: g, rules: [{alert: A, expr: vector(1), annotations: {summary: the quick brown fox jumps over the lazy dog again}}]}]";
    let test = "rule_files: [r]\ntests:\n- alert_rule_test:\n  - alertname: A\n    exp_alerts: [{exp_annotations: {summary: the quick brown fox jumps over the lazy cat again}}]\n";
    let files = BTreeMap::from([("t".to_owned(), test.to_owned()), ("r".to_owned(), rules.to_owned())]);
    let ran = run("t", &files, ReadOptions::default(), false);
    let lines: Vec<&str> = ran.failures()[0].lines().skip(3).collect();
    let want = [
        r#"    {alertname="A"} differs:"#,
        r#"      annotation summary"#,
        r#"        expected "the quick brown fox jumps over the lazy cat again""#,
        r#"        got      "the quick brown fox jumps over the lazy dog again""#,
        r#"                                                          ^"#,
    ];
    assert_eq!(lines, want);
}

#[test]
fn colours_are_there_only_when_asked_for() {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("t", "tests: [{promql_expr_test: [{expr: '1', exp_samples: [{value: 2}]}]}]");
    let read = TestFile::read(&sources, file, Severity::Error, &mut out).unwrap();
    let suite = Suite::new(&read, &[], &mut out);
    let outcome = suite.run(&read.tests[0], false, &mut Coverage::default());
    let coloured = render_failure(&outcome.failures[0], &sources, Style { color: true });
    assert!(coloured.contains("\u{1b}[32m2       \u{1b}[0m  \u{1b}[31m1\u{1b}[0m"), "{coloured:?}");
}

#[test]
fn a_failure_is_explained_with_the_series_behind_it() {
    let text = format!(
        "{GIVEN}  promql_expr_test:\n  - {{expr: 'sum(up) + gone', eval_time: 2m, exp_samples: [{{value: 1}}]}}\n"
    );
    let ran = run_text(&text, true);
    let notes: Vec<&str> = ran.failures()[0].lines().filter(|line| line.contains("note: ")).collect();
    let want = [
        r#"    note: up{instance="x", job="a"} 1@0s 0@1m 0@2m"#,
        r#"    note: up{instance="y", job="a"} 1@0s 1@1m 1@2m"#,
        r#"    note: no series matches gone"#,
    ];
    assert_eq!(notes, want);
}

#[test]
fn every_problem_of_a_file_is_reported_with_its_place() {
    let text = "tests:
- interval: 5 minutes
  input_series:
  - {series: 'up{job=}', values: 1}
  - {values: '1 two 3'}
  promql_expr_test:
  - {expr: 'sum(', exp_sample: []}
  alert_rule_test:
  - {eval_time: 400000000d}
group_eval_order: [a, a]
";
    let files = BTreeMap::from([("t".to_owned(), text.to_owned())]);
    let ran = run("t", &files, ReadOptions::default(), false);
    let places: Vec<&str> = ran.problems.lines().filter(|line| line.starts_with("t:")).collect();
    let starts = ["t:2:13: ", "t:4:22: ", "t:5:", "t:5:", "t:7:", "t:7:", "t:9:", "t:9:", "t:10:23: "];
    assert_eq!(places.len(), starts.len(), "{}", ran.problems);
    for (place, start) in places.iter().zip(starts) {
        assert!(place.starts_with(start), "{place} {start}\n{}", ran.problems);
    }
}

#[test]
fn tests_of_what_no_rule_file_has_are_warned_of() {
    let ran = run_text("- {alert_rule_test: [{alertname: Dwon}]}\n", false);
    assert_eq!(ran.word(), "ok");
    let warning = r#"warning: no rule raises an alert "Dwon"; did you mean Down?"#;
    assert!(ran.problems.contains(warning), "{}", ran.problems);
}

#[test]
fn a_rule_that_fails_fails_the_test_and_ends_it() {
    let rules = "groups: [{name: g, rules: [{record: j, expr: a + on(x) b}]}]";
    let test = "rule_files: [r]\ntests:\n- input_series: [{series: 'a{x=\"1\"}', values: 1}, {series: 'b{x=\"1\",y=\"1\"}', values: 1}, {series: 'b{x=\"1\",y=\"2\"}', values: 1}]\n  promql_expr_test: [{expr: j, eval_time: 3m, exp_samples: [{value: 1}]}]\n";
    let files = BTreeMap::from([("t".to_owned(), test.to_owned()), ("r".to_owned(), rules.to_owned())]);
    let ran = run("t", &files, ReadOptions::default(), false);
    let failures = ran.failures();
    assert_eq!(failures.len(), 1);
    assert!(failures[0].starts_with("r:1:37: error: the rule \"j\" fails at 0s: "), "{}", failures[0]);
}

#[test]
fn two_rules_that_write_one_series_at_one_moment_fail_the_test() {
    let rules =
        "groups: [{name: g, rules: [{record: j, expr: '1'}]}, {name: h, rules: [{record: j, expr: '2'}]}]";
    let test = "rule_files: [r]\ntests: [{}]\n";
    let files = BTreeMap::from([("t".to_owned(), test.to_owned()), ("r".to_owned(), rules.to_owned())]);
    let ran = run("t", &files, ReadOptions::default(), false);
    let message = r#"the rule "j" cannot write j 2 at 0s: it has the value 1 at this moment already"#;
    assert!(ran.failures()[0].contains(message), "{:?}", ran.failures());
}

#[test]
fn groups_are_evaluated_in_the_order_that_is_asked_for() {
    let rules = "groups: [{name: late, rules: [{record: b, expr: a}]}, {name: early, rules: [{record: a, expr: time()}]}]";
    let check = |order: &str, want: f64| {
        let test = format!(
            "rule_files: [r]\ngroup_eval_order: [{order}]\ntests: [{{promql_expr_test: [{{expr: b, eval_time: 2m, exp_samples: [{{labels: b, value: {want}}}]}}]}}]"
        );
        let files = BTreeMap::from([("t".to_owned(), test), ("r".to_owned(), rules.to_owned())]);
        let ran = run("t", &files, ReadOptions::default(), false);
        assert_eq!((ran.problems.as_str(), ran.failures().concat().as_str()), ("", ""));
    };
    check("early, late", 120.0);
    check("late, early", 60.0);
    check("", 60.0);
}

#[test]
fn rules_that_no_test_exercises_are_known() {
    let given = "- input_series: [{series: 'up{job=\"a\"}', values: 0x9}]\n  promql_expr_test: [{expr: vector(1), eval_time: EVAL, exp_samples: [{value: 1}]}]\n";
    let check = |eval_time: &str, want: [Use; 3]| {
        let ran = run_text(&given.replace("EVAL", eval_time), false);
        assert_eq!(ran.word(), "ok", "{:?}", ran.failures());
        assert_eq!(ran.coverage.iter().map(|(_, rule)| rule.used).collect::<Vec<_>>(), want);
    };
    check("0s", [Use::Pending, Use::Exercised, Use::Exercised]);
    check("5m", [Use::Exercised; 3]);
    let ran = run_text("- {}\n", false);
    assert_eq!((ran.coverage.rules(), ran.coverage.exercised(), ran.coverage.percent()), (3, 0, 0.0));
}

#[test]
fn times_beyond_all_calendars_are_refused_and_long_ones_are_not() {
    let check = |field: &str, word: &str| {
        let text = format!(
            "- interval: 292277024y
  input_series: [{{series: up, values: 1x9}}]
  promql_expr_test: [{{expr: 'up', eval_time: 2m, exp_samples: [{{labels: up, value: 1}}]}}]
  {field}
"
        );
        let ran = run_text(&text, true);
        assert_eq!(ran.word(), word, "{field}\n{}{:?}", ran.problems, ran.failures());
    };
    check("start_timestamp: -9e300", "bad");
    check("start_timestamp: 9e300", "bad");
    check("start_timestamp: -9999-01-01T00:00:00Z", "bad");
    check("start_timestamp: 9999-01-01T00:00:00Z", "ok");
    check("start_timestamp: -1e12", "ok");
    check("alert_rule_test: [{alertname: Down, eval_time: 292277024y}]", "bad");
    let text = "evaluation_interval: 280000y\ntests: [{start_timestamp: 9e12, promql_expr_test: [{expr: time(), eval_time: 280000y, exp_samples: [{value: 17830080000000}]}]}]";
    let files = BTreeMap::from([("t".to_owned(), text.to_owned())]);
    let ran = run("t", &files, ReadOptions::default(), false);
    assert_eq!(ran.word(), "ok", "{}{:?}", ran.problems, ran.failures());
}

#[test]
fn build_servers_get_the_shape_they_know() {
    let cases = vec![
        Case { name: "a <b>".to_owned(), failures: vec![] },
        Case { name: "c".to_owned(), failures: vec!["1 & \u{1}2".to_owned()] },
    ];
    let ran = CaseSuite { name: "t.yml".to_owned(), timestamp: "now".to_owned(), cases, error: None };
    let bad = CaseSuite { name: "u".to_owned(), error: Some("x".to_owned()), ..CaseSuite::default() };
    let want = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="t.yml" tests="2" failures="1" errors="0" skipped="0" timestamp="now">
    <testcase name="a &lt;b&gt;"></testcase>
    <testcase name="c">
      <failure>1 &amp; �2</failure>
    </testcase>
  </testsuite>
  <testsuite name="u" tests="1" failures="0" errors="1" skipped="0" timestamp="">
    <testcase name="unknown">
      <error>x</error>
    </testcase>
  </testsuite>
</testsuites>
"#;
    assert_eq!(junit_xml(&[ran, bad]), want);
}

/// What becomes of each of promtool's own test files.
const CONFORMANCE: [(&str, &str); 15] = [
    ("at-modifier-test.yml", "ok"),
    ("bad-input-series.yml", "bad"),
    ("bad-promql.yml", "failed"),
    ("bad-rules-error-test.yml", "failed"),
    ("bad-rules-syntax-test.yml", "bad"),
    ("failing.yml", "failed"),
    ("long-period.yml", "ok"),
    ("negative-offset-test.yml", "ok"),
    ("no-test-group-interval.yml", "ok"),
    ("rules_run.yml", "failed"),
    ("rules_run_extrafields.yml", "bad"),
    ("rules_run_fuzzy.yml", "failed"),
    ("rules_run_no_fuzzy.yml", "failed"),
    ("start-time-test.yml", "ok"),
    ("unittest.yml", "ok"),
];

#[test]
fn promtools_own_test_files_pass_and_fail_as_they_do_there() {
    let Some(folder) = cases::conformance("rule-unit-tests") else { return };
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &std::path::Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let files: BTreeMap<String, String> =
        entries.map(|path| (name(&path), std::fs::read_to_string(&path).unwrap())).collect();
    let is_test = |text: &str| text.lines().any(|line| line.starts_with("tests:"));
    let tests: Vec<&String> = files.iter().filter(|(_, text)| is_test(text)).map(|(name, _)| name).collect();
    assert_eq!(tests, CONFORMANCE.map(|(name, _)| name), "every test file is listed here");
    let mut wrong = Vec::new();
    for (name, want) in CONFORMANCE {
        let ran = run(name, &files, ReadOptions::default(), false);
        if ran.word() != want {
            wrong.push(format!("{name}: {}\n{}{}", ran.word(), ran.problems, ran.failures().concat()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let lenient = ReadOptions { ignore_unknown_fields: true, ..ReadOptions::default() };
    assert_eq!(run("rules_run_extrafields.yml", &files, lenient, false).word(), "ok");
    // Of each two tests the first passes and the second fails, as their names say.
    for name in ["rules_run.yml", "rules_run_fuzzy.yml"] {
        let ran = run(name, &files, ReadOptions::default(), false);
        assert_eq!(
            ran.tests.iter().map(|(_, failures)| failures.is_empty()).collect::<Vec<_>>(),
            [true, false]
        );
    }
    cases::ran("conformance/rule-unit-tests", CONFORMANCE.len() as u64);
}

#[test]
fn native_histograms_are_given_recorded_and_compared() {
    let rules = "groups: [{name: g, rules: [{record: sum:h, expr: sum(h)}, {record: sum:h:count, expr: histogram_count(sum:h)}, {alert: A, expr: h, annotations: {v: '{{ $value }}'}}]}]";
    let given = "rule_files: [r]\ntests:\n- input_series:\n  - {series: 'h{i=\"1\"}', values: '{{sum:3 count:2 buckets:[2]}}+{{sum:1 count:1 buckets:[1]}}x3 stale'}\n  - {series: 'h{i=\"2\"}', values: '{{sum:1 count:1 buckets:[1]}}x3'}\n";
    let check = |expected: &str, want: &str| {
        let test = format!("{given}  promql_expr_test: [{expected}]\n");
        let files = BTreeMap::from([("t".to_owned(), test), ("r".to_owned(), rules.to_owned())]);
        let ran = run("t", &files, ReadOptions::default(), false);
        assert_eq!(ran.problems, "");
        let lines = ran.failures().concat().lines().skip(3).map(str::to_owned).collect::<Vec<_>>().join("\n");
        assert_eq!(lines, want, "{expected}");
    };
    let sum = |eval_time: &str, histogram: &str| {
        format!(
            "{{expr: 'sum:h', eval_time: {eval_time}, exp_samples: [{{labels: 'sum:h', histogram: '{histogram}'}}]}}"
        )
    };
    check(&sum("1m", "{{sum:5 count:4 buckets:[4]}}"), "");
    check(&sum("1m", "{{sum:5 count:4 counter_reset_hint:not_reset buckets:[4]}}"), "");
    // One of the two has gone, and the sum is smaller than before.
    check(&sum("4m", "{{sum:1 count:1 counter_reset_hint:unknown buckets:[1]}}"), "");
    check("{expr: 'sum:h:count', eval_time: 3m, exp_samples: [{labels: 'sum:h:count', value: 6}]}", "");
    check("{expr: 'count(ALERTS)', eval_time: 3m, exp_samples: [{value: 2}]}", "");
    check(
        &sum("1m", "{{sum:5 count:5 buckets:[4 1]}}"),
        "    sum:h differs:
      value
        expected {{count:5 sum:5 buckets:[4 1]}}
        got      {{count:4 sum:5 counter_reset_hint:not_reset buckets:[4]}}
                         ^",
    );
}
