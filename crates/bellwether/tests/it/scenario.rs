//! The scenarios that come with the program, played as everybody can play them: each run ends as its file says. Then what
//! the format promises: exact shares, chance that a seed repeats, mistakes with their places, and a page for people.

use std::collections::BTreeSet;
use std::path::Path;

use bellwether::scenario::load::Place;
use bellwether::scenario::player::{Played, Player, SamplerChoice};
use bellwether::scenario::{self, embedded};
use bellwether_diag::Style;
use bellwether_testkit::cases::ran;

use crate::process::Folder;

const PLAIN: Style = Style { color: false };

/// Plays every run of a scenario; the text is what people see.
fn play(place: &Place, sampler: SamplerChoice) -> (Vec<Played>, String) {
    let (scenario, loader) = place.read();
    let problems = loader.diagnostics.render(&loader.sources, PLAIN);
    let scenario = scenario.unwrap_or_else(|| panic!("{problems}"));
    let mut player = Player::new(&scenario, place, sampler);
    let all: Vec<Played> = scenario.runs.iter().map(|run| player.play(run)).collect();
    let text = scenario::text(&scenario, &all, PLAIN);
    (all, text)
}

/// Plays a scenario of the program and reports how many of its expectations were met.
fn ends_as_its_file_says(name: &str) {
    let began = std::time::Instant::now();
    let (all, text) = play(&embedded::find(name).unwrap(), SamplerChoice::Quota);
    assert!(all.iter().all(Played::is_good), "{text}");
    ran(&format!("scenario/{name}-runs"), all.len() as u64);
    ran(&format!("scenario/{name}"), all.iter().map(|played| played.verdicts.len() as u64).sum());
    eprintln!("{name}: {} runs in {:?}", all.len(), began.elapsed());
}

#[test]
fn s000_ends_as_its_file_says() {
    ends_as_its_file_says("s000");
}

#[test]
fn s001_ends_as_its_file_says() {
    ends_as_its_file_says("s001");
}

#[test]
fn s002_ends_as_its_file_says() {
    ends_as_its_file_says("s002");
}

#[test]
fn s003_ends_as_its_file_says() {
    ends_as_its_file_says("s003");
}

#[test]
fn s004_ends_as_its_file_says() {
    ends_as_its_file_says("s004");
}

#[test]
fn every_file_that_a_scenario_may_name_is_part_of_the_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let known: BTreeSet<&str> = embedded::FILES.iter().map(|(path, _)| *path).collect();
    let mut missing = Vec::new();
    for name in embedded::names() {
        for entry in glob::glob(&root.join(name).join("**/*").to_string_lossy()).unwrap() {
            let path = entry.unwrap();
            let below = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            // Of the folders whose configurations are played.
            let folder = below.split('/').nth(1).unwrap_or_default();
            let is_played = ["scenario.yml", "as-written", "repaired", "variants"].contains(&folder);
            let is_read = is_played && [".yml", ".tmpl"].iter().any(|end| below.ends_with(end));
            if is_read && !known.contains(below.as_str()) {
                missing.push(below);
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "add them to crates/bellwether/src/scenario/embedded.rs");
    assert!(embedded::names().contains(&"s000"));
}

const CONFIG: &str = r#"
slos:
  - name: shop
    goal: 90%
    window: 1d
    indicator: {ratio: {bad: 'orders_total{result="failed"}', total: orders_total}}
rules:
  - name: shop
    rules:
      - {alert: Fails, expr: 'sum(rate(orders_total{result="failed"}[1m])) > 1', for: 30s, labels: {severity: page}}
      - {alert: Full, expr: 'disk_free_ratio < 0.1', labels: {severity: page}}
alertmanager:
  route: {receiver: team, group_by: [alertname], group_wait: 30s, group_interval: 1m, repeat_interval: 1h, routes: [{matchers: ['x="y"'], receiver: other}]}
  receivers:
    - {name: team, slack_configs: [{api_url: 'http://slack.test/x', channel: '#x', send_resolved: true}]}
    - {name: other, webhook_configs: [{url: 'http://hook.test/x'}]}
"#;

const WORLD: &str = r#"
scenario: shop
config: shop.yml
step: 15s
history: {length: 1d, step: 10m, fine: 10m, lead: 1m}
length: 10m
services:
  shop:
    instances: ['a:80', 'b:80']
    metrics:
      orders_total: {counter: {rate: 10/s, split: {result: {ok: rest, failed: 1%}, way: {web: 30%, app: rest}}}}
      order_seconds: {histogram: {each: 'orders_total{result="ok"}', bounds: [0.1, 1], values: {0.05..0.15: rest, 3: 10%}}}
      cpu_seconds_total: {counter: {rate: 0.25/s, continuous: true}}
      disk_free_ratio: {gauge: {by: {mountpoint: {/: 0.4, /data: 0.5}}}}
runs:
"#;

/// Plays runs of the shop, written as they stand in a file.
fn shop(test: &str, runs: &str, sampler: SamplerChoice) -> (Vec<Played>, String) {
    let (all, text, _) = shop_and_page(test, runs, sampler);
    (all, text)
}

fn shop_and_page(test: &str, runs: &str, sampler: SamplerChoice) -> (Vec<Played>, String, String) {
    let folder = Folder::new(&format!("scenario-{test}"));
    folder.write("shop.yml", CONFIG);
    let place = Place::of(&folder.write("shop.scenario.yml", &format!("{WORLD}{runs}")));
    let (all, text) = play(&place, sampler);
    let page = scenario::page(&place.read().0.unwrap(), &all);
    (all, text, page)
}

fn good(test: &str, runs: &str) {
    let (all, text) = shop(test, runs, SamplerChoice::Quota);
    assert!(all.iter().all(Played::is_good), "{text}");
}

#[test]
fn what_is_dealt_is_exactly_its_share() {
    good(
        "shares",
        r#"
  - name: shares
    expect:
      - {query: 'sum(increase(orders_total[5m]))', at: +10m, is: 6000, within: 1}
      - {query: 'sum(rate(orders_total{result="failed"}[5m])) / sum(rate(orders_total[5m]))', at: +10m, is: 0.0100, within: 0.0003}
      - {query: 'sum(rate(orders_total{way="web",result="ok"}[5m])) / sum(rate(orders_total[5m]))', at: +10m, is: 0.2970, within: 0.0003}
      - {query: 'sum(rate(order_seconds_count[5m])) / sum(rate(orders_total{result="ok"}[5m]))', at: +10m, is: 1.000}
      - {query: 'sum(rate(order_seconds_bucket{le="0.1"}[5m])) / sum(rate(order_seconds_count[5m]))', at: +10m, is: 0.450, within: 0.001}
      - {query: 'sum(rate(order_seconds_bucket{le="1.0"}[5m])) / sum(rate(order_seconds_count[5m]))', at: +10m, is: 0.900, within: 0.001}
      - {query: 'rate(cpu_seconds_total{instance="a:80"}[5m])', at: +10m, is: 0.2500}
      - {query: 'count(up == 1)', at: +1m, is: 2}
      - {query: 'nothing', at: +1m, is: none}
      - {budget: shop, at: 0s, is: 0.900}
      - {sli: shop, window: 5m, at: +10m, is: 0.99}
      - {burn: shop, at: +10m, is: 0.10}
"#,
    );
}

#[test]
fn faults_end_and_what_is_killed_has_forgotten_its_counts() {
    good(
        "faults",
        r#"
  - name: a gauge of one mountpoint
    faults: [{at: +1m, until: +3m, set: {shop.disk_free_ratio.by.mountpoint./data: 0.05}}]
    expect:
      - {alert: {alertname: Full, instance: 'a:80', mountpoint: /data}, fires: +1m15s, resolves: +3m15s}
      - {alert: {alertname: Full, mountpoint: /}, fires: never}
      - {query: 'min(disk_free_ratio)', at: +5m, is: 0.40}
  - name: killed
    faults: [{at: 0s, until: +2m, set: {shop.up: false}}]
    expect:
      - {query: 'sum(up)', at: +1m, is: 0}
      - {query: 'sum(orders_total)', at: +2m15s, is: 300, within: 2}
  - name: not reached
    faults: [{at: 0s, until: +2m, set: {shop.reachable: false}}]
    expect:
      - {query: 'sum(up)', at: +1m, is: 0}
      - {query: 'sum(increase(orders_total[5m]))', at: +4m, is: 6000, within: 20}
  - name: two at once
    faults:
      - {name: fails, at: 0s, until: +5m, set: {shop.orders_total.split.result.failed: 20%}}
      - {name: busy, at: +1m, until: +2m, set: {shop.orders_total.rate: 20/s}}
    expect:
      - {alert: Fails, pending: +15s, fires: +45s}
      - {alert: Fails, at: +30s, is: pending}
      - {alert: Fails, at: +9m, is: inactive}
      - {query: 'sum(rate(orders_total[30s]))', at: +2m, is: 40.0}
      - {query: 'sum(rate(orders_total[30s]))', at: +3m, is: 20.0}
"#,
    );
}

#[test]
fn people_and_programs_act_and_receivers_fail() {
    good(
        "events",
        r#"
  - name: silenced
    faults: [{at: 0s, set: {shop.orders_total.split.result.failed: 20%}}]
    events: [{at: 0s, silence: ['alertname="Fails"'], for: 5m, by: ada, comment: planned}]
    expect:
      - {alert: Fails, fires: +45s}
      - {alert: Fails, at: +3m, is: suppressed}
      - {notified: team, at: +5m15s, reason: First}
      - {notified: team, times: 0, until: +4m}
  - name: taken and given back
    length: 3h
    faults: [{at: 0s, set: {shop.orders_total.split.result.failed: 20%}}]
    events: [{at: +2m, ack: Fails, by: ada, text: mine}, {at: +1h30m, unack: Fails, by: ada}]
    expect:
      - {notified: team, at: +75s, reason: First, title: '[FIRING:1] Fails'}
      - {notified: team, times: 0, reason: Repeat, until: +1h30m}
      - {notified: team, at: +1h30m15s, reason: Repeat}
  - name: posted
    events:
      - {at: +1m, post: /api/v1/alerts, body: '[{"labels": {"alertname": "Hello", "severity": "x"}}]'}
      - {at: +5m, post: /api/v2/silences, body: '{"matchers": [{"name": "alertname", "value": "Hello", "isRegex": false}], "startsAt": "2026-01-01T00:05:00Z", "endsAt": "2026-01-01T01:00:00Z", "createdBy": "x", "comment": "y"}'}
    expect:
      - {alert: Hello, fires: +1m, resolves: +6m}
      - {notified: team, at: +90s, contains: Hello}
  - name: the receiver fails
    faults:
      - {at: 0s, set: {shop.orders_total.split.result.failed: 20%}}
      - {receiver: team, answers: 503, at: 0s, until: +2m}
    expect:
      - {notified: team, at: +75s, reason: First}
      - {notified: team, at: +2m, reason: Retry}
      - {notified: other, at: never}
  - name: reloaded
    events:
      - {at: +1m, rules: [{name: more, rules: [{alert: Always, expr: vector(1)}]}]}
      - {at: +3m, reload: shop.yml}
    expect:
      - {alert: Always, fires: +1m, resolves: +7m}
"#,
    );
}

#[test]
fn what_is_not_as_expected_is_shown_with_what_happened() {
    let (all, text, page) = shop_and_page(
        "unmet",
        r#"
  - name: hopes
    faults: [{name: bad release, at: 0s, set: {shop.orders_total.split.result.failed: 20%}}]
    expect:
      - {alert: Fails, fires: +5m}
      - {alert: Full, fires: +1m}
      - {notified: team, at: +1m15s, title: nonsense}
      - {budget: shop, at: +5m, is: 0.5}
      - {budget: shop-2, at: +5m, is: 0.5}
      - {query: 'up', at: +1m, is: 1}
      - {config: refused}
    events:
      - {at: +1m, ack: Full}
"#,
        SamplerChoice::Quota,
    );
    assert_eq!(all[0].verdicts.iter().filter(|verdict| verdict.holds).count(), 0, "{text}");
    for says in [
        "expected Fails fires +5m; got: fires +45s",
        "expected Full fires +1m; got: never fires",
        "told +1m15s \"[FIRING:1] Fails",
        "there is no objective \"shop-2\"; there are shop",
        "2 series, not one",
        "it is accepted",
        "no such alert fires",
        "0 of 1 runs as expected",
    ] {
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(says), "{says:?} is not in\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let json = scenario::as_json(&all[0]);
    for says in [
        "<svg class=\"chart\"",
        "class=\"firing\"",
        "bad release",
        "got: <b>fires +45s</b>",
        "prefers-color-scheme",
    ] {
        assert!(page.contains(says), "{says:?} is not on the page");
    }
    assert!(
        !page.contains("<script") && !page.contains("src=") && !page.contains("<link"),
        "it stands alone"
    );
    assert_eq!((&json["ok"], json["messages"].as_array().unwrap().len()), (&false.into(), 1));
}

#[test]
fn chance_is_repeated_by_its_seed() {
    let runs = "
  - name: drawn
    expect: [{query: 'sum(increase(orders_total{result=\"failed\"}[5m]))', at: +10m, is: 60, within: 40}]
";
    let failed = |test: &str, seed| {
        let (all, text) = shop(test, runs, SamplerChoice::Random(seed));
        assert!(all[0].is_good(), "{text}");
        all[0].verdicts[0].got.clone()
    };
    let first = failed("seed-1", 1);
    assert_eq!(first, failed("seed-2", 1));
    let others: BTreeSet<String> = (2..6).map(|seed| failed(&format!("seeds-{seed}"), seed)).collect();
    assert!(others.len() > 1 || !others.contains(&first), "{first} {others:?}");
}

#[test]
fn every_mistake_of_a_file_is_named_with_its_place() {
    let folder = Folder::new("scenario-mistakes");
    folder.write("shop.yml", CONFIG);
    let file = folder.write(
        "mistakes.yml",
        "scenario: x
config: shop.yml
length: 10m
services:
  shop:
    metrics:
      a_total: {counter: {rate: fast, split: {code: {ok: 90%, bad: 20%}}}}
      b: {gauge: 1, counter: 1/s}
      c: {histogram: {each: 'd_total', bounds: [2, 1], values: 1}}
      e_total: 5/s
runs:
  - name: one
    faults:
      - {at: +5m, until: +1m, set: {shop.e_totl.rate: 0/s}}
      - {set: {ship.x: 1}}
      - {receiver: team}
    expect:
      - {alert: X}
      - {alert: X, fires: soon}
      - {query: 'sum(', at: +1m, is: 1}
      - {budget: x, at: +1h, is: 1}
      - {budgt: x}
  - name: one
    events: [{at: 0s, post: /metrics, body: x}, {at: 0s, silence: 'x'}]
",
    );
    let (scenario, loader) = Place::of(&file).read();
    let text = loader.diagnostics.render(&loader.sources, PLAIN);
    assert!(scenario.is_none());
    for says in [
        "7:33: error: \"fast\" is not a rate",
        "the shares add up to 110 %",
        "one of counter, gauge and histogram",
        "bounds do not go up",
        "the fault ends at +1m, not after it begins at +5m",
        "there is no service \"ship\"",
        "how the receiver answers is missing",
        "what is expected of the alert is not said",
        "\"soon\" is not a moment",
        "not PromQL",
        "nothing says what is expected; did you mean budget?",
        "nothing can be posted to \"/metrics\"",
    ] {
        assert!(text.contains(says), "{says:?} is not in\n{text}");
    }
}
