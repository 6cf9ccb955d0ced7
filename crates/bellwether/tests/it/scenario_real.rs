//! The real run of each scenario that comes with the program: its services behind ports, its users, the server as a
//! process, and receivers, all on free ports of this machine.

use serde_json::{Value, json};

use crate::process::{Folder, run};

/// Runs it and gives its timeline.
fn real_run(name: &str) -> Value {
    let ended = run(&["scenario", "run", name, "--real", "--format", "json"]);
    assert_eq!(ended.code, Some(0), "{name}: {}\n{}", ended.stdout, ended.stderr);
    ended.json()
}

/// Whether the run met everything, and a receiver of this kind took something.
fn goes_well(name: &str, told: &str) {
    let whole = real_run(name);
    let text = whole["runs"][0].to_string();
    assert!(text.contains(&format!("{told} /")), "{name}: nobody was told by {told}: {text}");
}

#[test]
fn s000_runs_on_this_machine() {
    goes_well("s000", "slack");
}

#[test]
fn s001_runs_on_this_machine() {
    goes_well("s001", "pagerduty");
}

#[test]
fn s002_runs_on_this_machine() {
    goes_well("s002", "slack");
}

#[test]
fn s003_runs_on_this_machine() {
    goes_well("s003", "pagerduty");
}

#[test]
fn s004_runs_on_this_machine() {
    goes_well("s004", "slack");
}

const CONFIG: &str = "\
prometheus:
  global: {scrape_interval: 1s}
  scrape_configs: [{job_name: shop, static_configs: [{targets: ['localhost:1']}]}]
";

const SCENARIO: &str = "\
scenario: shop
config: shop.yml
services: {shop: {metrics: {carts: {gauge: 3}}}}
runs: []
real:
  config: shop.yml
  length: 2s
  replace: {'localhost:1': '{shop}'}
  steps:
    - {query: carts, is: 4}
";

#[test]
fn a_step_that_does_not_come_true_is_shown_with_what_was_instead() {
    let folder = Folder::new("scenario-real");
    folder.write("shop.yml", CONFIG);
    let file = folder.write("shop.scenario.yml", SCENARIO);
    let ended = run(&["scenario", "run", file.to_str().unwrap(), "--real"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("expected carts is 4; got: it is 3"), "{ended:?}");
}

#[test]
fn a_mistake_in_a_real_run_is_named_before_anything_starts() {
    let folder = Folder::new("scenario-real-wrong");
    folder.write("shop.yml", CONFIG);
    let cases = [
        ("- {query: carts, is: 4}", "- {query: carts}", "this is no step"),
        ("- {query: carts, is: 4}", "- {set: {shop.cart: 4}}", "shop has no metric \"cart\""),
        ("- {query: carts, is: 4}", "- {received: pigeon}", "write slack, pagerduty, mail or webhook"),
        ("'localhost:1': ", "'localhost:99': ", "no file of the configuration has \"localhost:99\""),
        ("real:", "surreal:", "surreal"),
    ];
    for (from, to, part) in cases {
        let file = folder.write("shop.scenario.yml", &SCENARIO.replace(from, to));
        let ended = run(&["scenario", "run", file.to_str().unwrap(), "--real"]);
        assert_ne!(ended.code, Some(0), "{to}");
        assert!(ended.stderr.contains(part), "{to}: {ended:?}");
    }
}

#[test]
fn a_timeline_of_a_real_run_is_json_like_any_other() {
    let whole = real_run("s000");
    assert_eq!(whole["scenario"], json!("s000"));
    assert_eq!(whole["runs"][0]["name"], json!("real"));
}
