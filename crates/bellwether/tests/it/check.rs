//! A mistake in a configuration is found before anything runs, and all mistakes at once.

use serde_json::Value;

use crate::process::{Ended, Folder, Server, run, text};

const GOOD: &str = "
prometheus:
  scrape_configs:
    - job_name: shop
      static_configs: [{targets: ['127.0.0.1:1']}]
rules: ['rules.yml']
alertmanager: 'alertmanager.yml'
slos: ['slo.yml']
";

const GOOD_SLO: &str = r#"
slos:
  - name: checkout
    goal: "99.9%"
    window: 30d
    indicator: {ratio: {good: 'requests_total{code="200"}', total: 'requests_total'}}
"#;

const GOOD_RULES: &str = "
groups:
  - name: shop
    rules:
      - record: requests:rate
        expr: rate(requests_total[5m])
";

const GOOD_ROUTING: &str = "
route: {receiver: hook}
receivers: [{name: hook, webhook_configs: [{url: 'http://127.0.0.1:1/hook'}]}]
";

/// A configuration of four files that a test changes before it is checked.
fn files(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("bellwether.yml", GOOD);
    folder.write("slo.yml", GOOD_SLO);
    folder.write("rules.yml", GOOD_RULES);
    folder.write("alertmanager.yml", GOOD_ROUTING);
    folder
}

fn check(folder: &Folder, flags: &[&str]) -> Ended {
    let path = folder.path("bellwether.yml");
    run(&[&["check", text(&path)], flags].concat())
}

/// One mistake in each of five places; where it must be reported, and a part of the sentence.
fn five_mistakes(name: &str) -> (Folder, Vec<(&'static str, u64, u64, &'static str)>) {
    let folder = files(name);
    folder.write(
        "bellwether.yml",
        &GOOD.replace("job_name: shop", "job_name: shop\n      scrape_intervall: 5s"),
    );
    folder.write("slo.yml", &GOOD_SLO.replace("\"99.9%\"", "99.9").replace("window: 30d", "window: 30 days"));
    folder.write("rules.yml", &GOOD_RULES.replace("[5m])", "[5m]"));
    folder.write("alertmanager.yml", &GOOD_ROUTING.replace("receiver: hook}", "receiver: hok}"));
    let mistakes = vec![
        ("bellwether.yml", 5, 7, "scrape_interval"),
        ("slo.yml", 4, 11, "99.9"),
        ("slo.yml", 5, 13, "30 days"),
        ("rules.yml", 6, 38, "unexpected end of input"),
        ("alertmanager.yml", 2, 19, "hok"),
    ];
    (folder, mistakes)
}

#[test]
fn a_good_configuration_has_nothing_wrong() {
    let ended = check(&files("check-good"), &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:#?}");
    assert_eq!(ended.stdout.trim(), "1 file checked, nothing wrong");
}

#[test]
fn five_mistakes_in_four_files_are_five_reports_with_place_and_line() {
    let (folder, mistakes) = five_mistakes("check-five");
    let ended = check(&folder, &[]);
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    for (file, line, column, part) in mistakes {
        let place = format!("{}:{line}:{column}: error: ", folder.path(file).display());
        let report = ended.stdout.lines().position(|text| text.starts_with(&place));
        let report = report.unwrap_or_else(|| panic!("nothing at {place}\n{}", ended.stdout));
        let shown: Vec<&str> = ended.stdout.lines().skip(report).take(4).collect();
        assert!(shown.join("\n").contains(part), "{part}: {shown:#?}");
        let source = std::fs::read_to_string(folder.path(file)).unwrap();
        let wrong = source.lines().nth(line as usize - 1).unwrap().trim();
        assert!(shown.iter().any(|text| text.contains(wrong)), "the line {wrong:?} is not shown: {shown:#?}");
    }
    assert!(ended.stdout.trim_end().ends_with("1 file checked: 5 errors, 0 warnings"), "{}", ended.stdout);
}

#[test]
fn programs_read_the_same_reports_as_json() {
    let (folder, mistakes) = five_mistakes("check-json");
    let ended = check(&folder, &["--format", "json"]);
    assert_eq!(ended.code, Some(2));
    let reports = ended.json();
    let mut places: Vec<(String, u64, u64)> = reports.as_array().unwrap().iter().map(place).collect();
    let mut wanted: Vec<(String, u64, u64)> = mistakes
        .iter()
        .map(|(file, line, column, _)| (text(&folder.path(file)).to_owned(), *line, *column))
        .collect();
    places.sort();
    wanted.sort();
    assert_eq!(places, wanted, "{reports:#}");
}

fn place(report: &Value) -> (String, u64, u64) {
    assert_eq!(report["severity"], "error");
    assert!(!report["message"].as_str().unwrap().is_empty());
    let number = |field: &str| report[field].as_u64().unwrap();
    (report["file"].as_str().unwrap().to_owned(), number("line"), number("column"))
}

#[test]
fn an_empty_file_and_empty_braces_are_an_empty_system() {
    for (name, source) in [("check-none", ""), ("check-braces", "{}\n"), ("check-comment", "# nothing yet\n")]
    {
        let folder = Folder::new(name);
        folder.write("bellwether.yml", source);
        let ended = check(&folder, &[]);
        assert_eq!(
            (ended.code, ended.stdout.trim()),
            (Some(0), "1 file checked, nothing wrong"),
            "{source:?}"
        );
    }
}

#[test]
fn a_missing_file_is_named_where_it_is_asked_for() {
    let folder = Folder::new("check-missing");
    let ended = check(&folder, &[]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stdout.contains("there is no such file"), "{ended:#?}");
    folder.write("bellwether.yml", "slos:\n  - gone.yml\n");
    let ended = check(&folder, &[]);
    assert_eq!(ended.code, Some(2));
    let place = format!("{}:2:5: error: cannot read ", folder.path("bellwether.yml").display());
    assert!(ended.stdout.contains(&place) && ended.stdout.contains("gone.yml"), "{}", ended.stdout);
}

#[tokio::test]
async fn a_server_refuses_to_start_with_the_same_words() {
    let (folder, _) = five_mistakes("check-serve");
    let checked = check(&folder, &[]);
    let (config, data) = (folder.path("bellwether.yml"), folder.path("data"));
    let served = run(&["serve", "--listen", "127.0.0.1:0", "--config", text(&config), "--data", text(&data)]);
    assert_eq!(served.code, Some(2), "{served:#?}");
    let reports = checked.stdout.trim_end().rsplit_once('\n').unwrap().0.trim_end();
    assert_eq!(served.stderr.trim_end(), reports);
    assert!(!data.exists(), "a refused start must not leave a data directory");
}

#[tokio::test]
async fn an_alert_that_cannot_fire_fails_the_check_but_not_the_server() {
    let folder = files("check-unreachable");
    let alerts = "    alerts: [{name: never, long: 1h, factor: 10}]\n";
    folder.write("slo.yml", &format!("{}{alerts}", GOOD_SLO.trim_end().replace("99.9%", "90%") + "\n"));
    let ended = check(&folder, &[]);
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    assert!(ended.stdout.contains("slo.yml:") && ended.stdout.contains("never"), "{}", ended.stdout);

    let server = Server::start(&folder.path("bellwether.yml"), &folder.path("data")).await;
    let slos = server.json("/api/bellwether/v1/slos").await;
    assert_eq!(slos[0]["streams"][0]["alerts"][0]["verdict"], "cannot_fire", "{slos:#}");
    let page = server.text("/slos/checkout").await;
    assert!(page.to_lowercase().contains("cannot fire"), "{page}");
}

#[test]
fn rules_that_appear_twice_are_warned_of_and_may_be_fatal() {
    let folder = files("check-lint");
    folder.write("more.yml", &GOOD_RULES.replace("name: shop", "name: other"));
    folder.write("bellwether.yml", &GOOD.replace("['rules.yml']", "['rules.yml', 'more.yml']"));
    let warning = "more.yml:5:17: warning: \"requests:rate\" appears again with the same labels";
    let ended = check(&folder, &[]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(ended.stdout.contains(warning), "{}", ended.stdout);
    assert_eq!(check(&folder, &["--lint-fatal"]).code, Some(3));
    let ended = check(&folder, &["--lint-fatal", "--lint", "none"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "1 file checked, nothing wrong\n"));
}

#[test]
fn fields_of_others_in_rule_files_may_be_let_pass() {
    let folder = files("check-unknown");
    folder.write("rules.yml", &GOOD_RULES.replace("- name: shop", "- name: shop\n    owner: me"));
    assert_eq!(check(&folder, &[]).code, Some(2));
    let ended = check(&folder, &["--ignore-unknown-fields"]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(ended.stdout.contains("warning: unknown field \"owner\""), "{}", ended.stdout);
}

#[test]
fn a_file_of_tests_is_checked_as_one() {
    let folder = files("check-tests");
    let path = folder.write("tests.yml", "rule_files: [rules.yml]\ntests: [{interval: 5 minutes}]\n");
    let ended = run(&["check", text(&path)]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stdout.contains("tests.yml:2:20: error: unknown unit"), "{}", ended.stdout);
}

#[test]
fn objectives_of_several_files_are_checked_together() {
    let slo = |name: &str, window: &str, indicator: &str| {
        format!("slos:\n  - {{name: {name}, goal: 0.9, window: {window}, indicator: {indicator}}}\n")
    };
    let ratio = "{ratio: {bad: errors_total, total: requests_total}}";
    let expect = |name: &str, second: &str, expected: &str| {
        let folder = files(name);
        folder.write("bellwether.yml", &GOOD.replace("['slo.yml']", "['slo.yml', 'more.yml']"));
        folder.write("slo.yml", &slo("a", "30d", "{composite: {serial: [b]}}"));
        folder.write("more.yml", second);
        let ended = check(&folder, &[]);
        assert!(ended.stdout.contains(expected), "{ended:#?}");
    };
    expect("check-well", &slo("b", "30d", ratio), "1 file checked, nothing wrong");
    expect(
        "check-cycle",
        &slo("b", "30d", "{composite: {weighted: [a]}}"),
        "slo.yml:2:12: error: composite \"a\" contains itself: a -> b -> a",
    );
    expect(
        "check-missing",
        &slo("bb", "30d", ratio),
        "slo.yml:2:12: error: \"a\" has a member \"b\", and no objective is called that; did you mean bb?",
    );
    expect(
        "check-twice",
        &format!("{}{}", slo("b", "30d", ratio), slo("a", "30d", ratio).replace("slos:\n", "")),
        "more.yml:3:12: error: objective \"a\" is defined twice",
    );
    expect(
        "check-reach",
        &slo("b", "90d", ratio),
        "more.yml:2:12: warning: objective \"b\" looks back 90d, and samples are kept for 30d: when it is new or \
         changed, no more of its past can be counted",
    );
}
