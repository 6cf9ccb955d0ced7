//! `bellwether test`: what it prints, and the exit code a script can use.

use serde_json::Value;

use crate::process::{Ended, Folder, run, text};

const RULES: &str = "
groups:
- name: shop
  rules:
  - alert: Down
    expr: up == 0
    labels: {severity: page}
  - record: job:up:sum
    expr: sum by (job) (up)
";

const TESTS: &str = "
rule_files: ['rules*.yml', ./rules.yml]
tests:
- name: a job that is down
  input_series: [{series: 'up{job=\"a\"}', values: '1 0'}]
  alert_rule_test:
  - {eval_time: 0m, alertname: Down}
  - {eval_time: 1m, alertname: Down, exp_alerts: [{exp_labels: {job: a, severity: page}}]}
- name: a sum
  input_series: [{series: 'up{job=\"a\"}', values: 1}]
  promql_expr_test: [{expr: 'job:up:sum', exp_samples: [{labels: 'job:up:sum{job=\"a\"}', value: 1}]}]
";

/// Writes rules and tests, and runs the tests with flags.
fn test(name: &str, tests: &str, flags: &[&str]) -> Ended {
    let folder = Folder::new(name);
    folder.write("rules.yml", RULES);
    let path = folder.write("tests.yml", tests);
    let mut ended = run(&[&["test", text(&path)], flags].concat());
    ended.stdout = ended.stdout.replace(&format!("{}/", text(&folder.path(""))).replace("//", "/"), "");
    ended
}

#[test]
fn what_passes_is_summed_up() {
    let ended = test("test-good", TESTS, &[]);
    let want = "ok tests.yml: 2 tests\n1 file, 2 tests: 2 passed, 0 failed; 2 of 2 rules exercised (100 %)\n";
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), want), "{ended:#?}");
}

#[test]
fn a_failure_is_exit_code_1_and_shows_what_differs() {
    let ended = test("test-failing", &TESTS.replace("severity: page}", "severity: ticket}"), &[]);
    assert_eq!(ended.code, Some(1));
    for line in [
        "FAILED tests.yml, test \"a job that is down\"",
        "tests.yml:8:32: error: other alerts \"Down\" fire at 1m than expected",
        "      label severity  \"ticket\"  \"page\"",
        "1 file, 2 tests: 1 passed, 1 failed; 2 of 2 rules exercised (100 %)",
    ] {
        assert!(ended.stdout.lines().any(|found| found == line), "{line}\n{}", ended.stdout);
    }
}

#[test]
fn a_file_that_is_wrong_is_exit_code_2_and_every_problem_is_listed() {
    let bad = TESTS.replace("eval_time: 0m", "eval_tim: 0m").replace("values: 1}", "values: one}");
    let ended = test("test-bad", &bad, &[]);
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    for start in
        ["tests.yml:7:6: error: unknown field \"eval_tim\"; did you mean eval_time?", "tests.yml:10:"]
    {
        assert!(ended.stdout.lines().any(|line| line.starts_with(start)), "{start}\n{}", ended.stdout);
    }
    assert!(ended.stdout.contains("BAD tests.yml: not run"), "{}", ended.stdout);
    let lenient = test(
        "test-lenient",
        &TESTS.replace("- name: a sum", "- name: a sum\n  owner: me"),
        &["--ignore-unknown-fields"],
    );
    assert_eq!(lenient.code, Some(0), "{lenient:#?}");
}

#[test]
fn rules_that_no_test_exercises_are_listed_and_may_fail_the_run() {
    let tests = "rule_files: [rules.yml]\ntests: [{input_series: [{series: up, values: 1}]}]\n";
    let ended = test("test-coverage", tests, &[]);
    assert_eq!(ended.code, Some(0));
    assert!(
        ended.stdout.contains("rules.yml:5:12: alert Down: it neither waits nor fires in any test"),
        "{}",
        ended.stdout
    );
    let ended = test("test-coverage-min", tests, &["--coverage-min", "80"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.ends_with("1 of 2 rules exercised (50 %), fewer than 80 %\n"), "{}", ended.stdout);
}

#[test]
fn some_tests_may_be_run_by_name() {
    let failing = TESTS.replace("severity: page}", "severity: ticket}");
    let ended = test("test-run", &failing, &["--run", "^a sum$"]);
    assert_eq!(ended.stdout, "ok tests.yml: 1 test\n1 file, 1 test: 1 passed, 0 failed\n");
    let ended = test("test-run-bad", TESTS, &["--run", "("]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("--run \"(\" is not a pattern"), "{}", ended.stderr);
}

#[test]
fn programs_read_json_and_junit() {
    let folder = Folder::new("test-junit");
    let junit = folder.path("out.xml");
    let failing = TESTS.replace("severity: page}", "severity: ticket}");
    let ended = test("test-json", &failing, &["--format", "json", "--junit", text(&junit)]);
    let json: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(json["files"][0]["tests"][0]["passed"], false);
    assert_eq!(json["files"][0]["tests"][0]["failures"][0]["line"], 8);
    assert_eq!(json["files"][0]["tests"][1]["passed"], true);
    assert_eq!(json["coverage"][0]["used"], "exercised");
    let xml = std::fs::read_to_string(junit).unwrap();
    assert!(xml.contains("tests=\"2\" failures=\"1\" errors=\"0\""), "{xml}");
}
