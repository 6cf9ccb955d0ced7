use bellwether_alerts::{Config, GroupBy, Settings};
use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_model::TimeDelta;
use bellwether_testkit::cases;

use crate::script::config;

/// The problems of a file, each as `line: message`.
fn problems(yaml: &str) -> Vec<String> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("am.yml", yaml);
    let read = Config::read(&sources, file, &mut out);
    assert_eq!(read.is_none(), out.has_errors());
    let place = |d: &bellwether_diag::Diagnostic| d.span.map_or(0, |s| sources.position(s).line);
    out.iter().map(|d| format!("{}: {}", place(d), d.sentence())).collect()
}

fn check(yaml: &str, want: &[&str]) {
    assert_eq!(problems(yaml), want, "in\n{yaml}");
}

#[test]
fn options_are_inherited() {
    let config = config(
        "
route:
  receiver: a
  group_by: [job]
  group_wait: 10s
  labels: {tier: one, owner: x}
  routes:
    - match: {team: web}
      group_interval: 1m
      labels: {owner: y}
      routes: [{matchers: [env=prod], group_by: ['...'], receiver: b}]
    - match: {team: web}
receivers: [{name: a}, {name: b}]",
    );
    let ids: Vec<_> = config.route.walk().iter().map(|r| r.id.clone()).collect();
    assert_eq!(ids, ["{}", "{}/{team=\"web\"}", "{}/{team=\"web\"}/{env=\"prod\"}", "{}/{team=\"web\"}#2"]);
    let leaf = &config.route.routes[0].routes[0];
    assert_eq!((leaf.group_wait, leaf.group_interval), (TimeDelta::from_secs(10), TimeDelta::MINUTE));
    assert_eq!((leaf.receiver.as_str(), &leaf.group_by), ("b", &GroupBy::All));
    assert_eq!(
        leaf.labels.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>(),
        ["owner=y", "tier=one"]
    );
    assert_eq!(config.route.routes[1].receiver, "a");
}

#[test]
fn every_problem_is_reported_with_its_line() {
    check(
        "route:
  receiver: tema
  match: {a: b}
  group_by: [a, a]
  group_interval: 0s
  routes:
    - {receiver: nobody, mute_time_intervals: [nights]}
    - {matchers: ['a=~=('], group_weight: 1s}
receivers:
  - {name: team}
  - {name: team}
",
        &[
            "2: undefined receiver \"tema\"; did you mean \"team\"?",
            "3: the root route cannot have match: it takes every alert at any time; move it to a route below",
            "4: label \"a\" is listed twice",
            "5: group_interval cannot be zero; write a duration such as 5m",
            "7: undefined receiver \"nobody\"; define a receiver of this name, or use one that is defined",
            "7: undefined time interval \"nights\"; no time interval is defined in this file",
            "8: unknown operator in \"a=~=(\"; use =, !=, =~ or !~",
            "8: unknown field \"group_weight\"; did you mean group_wait?",
            "11: receiver \"team\" is defined twice; give one of them another name, or join them into one",
        ],
    );
}

#[test]
fn a_placeholder_is_not_an_address_and_addresses_are_not_shown() {
    let yaml = "global: {slack_api_url: 'YOUR_SLACK_WEBHOOK_URL'}
route: {receiver: a}
receivers: [{name: a, webhook_configs: [{url: 'hooks.example/secret'}]}]";
    check(
        yaml,
        &[
            "1: slack_api_url is not a web address; this looks like a placeholder; put the real address in its place, or its file in the _file field",
            "3: url is not a web address; write a whole address, beginning with https:// or http://",
        ],
    );
}

#[test]
fn an_asterisk_in_match_is_warned_of() {
    check(
        "route: {receiver: a, routes: [{match: {alertname: 'High*'}}]}\nreceivers: [{name: a}]",
        &[
            "1: \"High*\" is compared literally, asterisk included; for a pattern use match_re with \"High.*\"",
        ],
    );
}

#[test]
fn secrets_are_shown_nowhere() {
    let yaml = "global:
  slack_api_url: 'https://hooks.example/T0/SECRET1'
  http_config: {basic_auth: {username: u, password: SECRET2}}
route: {receiver: a}
receivers:
  - name: a
    slack_configs: [{channel: '#x'}, {api_url: 'https://hooks.example/SECRET3'}]
    webhook_configs: [{url: 'http://hook.example/SECRET4', http_config: {authorization: {credentials: SECRET5}}}]
";
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("am.yml", yaml);
    let config = Config::read(&sources, file, &mut out);
    let config = config.unwrap_or_else(|| panic!("{}", out.render(&sources, Style { color: false })));
    let redacted = config.redacted_text(&sources, file);
    for shown in [format!("{config:?}"), serde_json::to_string(&config).unwrap(), redacted.clone()] {
        assert!(!shown.contains("SECRET"), "{shown}");
        assert!(shown.contains("<secret>"));
    }
    assert!(redacted.contains("channel: '#x'"));
    let ids = config.integrations();
    assert_eq!(
        ids.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["a/slack[0]", "a/slack[1]", "a/webhook[0]"]
    );
    assert!(
        matches!(&config.integration(&ids[0]).unwrap().settings, Settings::Slack(slack) if slack.channel == "#x")
    );
}

/// Public test data, read in place. Says how many cases it found, also where there are none.
#[test]
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "public data is read in place and counted"
)]
fn public_configurations_load_or_are_refused_as_in_alertmanager() {
    let Some(folder) = cases::conformance("alertmanager-config") else { return };
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let (mut loaded, mut refused, mut wrong) = (0, 0, Vec::new());
    for path in &files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let file = sources.add(&name, std::fs::read_to_string(path).unwrap());
        let config = Config::read(&sources, file, &mut out);
        let refusal = is_refusal(&name);
        match (&config, refusal) {
            (Some(_), false) => loaded += 1,
            (None, true) => refused += 1,
            _ => wrong.push(format!("{name}\n{}", out.render(&sources, Style { color: false }))),
        }
    }
    println!("alertmanager-config: {} files: {loaded} loaded, {refused} refused", files.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    cases::ran("conformance/alertmanager-config", loaded + refused);
    assert!(loaded + refused > 0);
}

/// By name.
fn is_refusal(name: &str) -> bool {
    let parts = ["both", "-no-", "nil-", ".bad", "-invalid", "update-message-and-webhook", "old-team"];
    parts.iter().any(|p| name.contains(p)) && !name.contains("smtp-no-username")
}
