//! Routing tables as people write them in their runbooks: who hears of which labels, and when.

use bellwether_alerts::Config;
use bellwether_diag::{Diagnostics, Severity, Sources};
use bellwether_model::Labels;

use crate::script::{check_with, config};

/// Who hears of an alert, for several alerts: `severity=critical team=web -> a,b`.
fn check_table(yaml: &str, table: &[&str]) {
    let config = config(yaml);
    for row in table {
        let (labels, want) = row.split_once("->").unwrap();
        let labels = labels.split_whitespace().map(|label| label.split_once('=').unwrap());
        let heard = config.route.matching(&Labels::from_pairs(labels));
        let heard: Vec<&str> = heard.iter().map(|route| route.receiver.as_str()).collect();
        assert_eq!(heard.join(","), want.trim(), "{row}");
    }
}

/// Problems as `line:column severity message`.
pub(crate) fn problems(yaml: &str) -> Vec<String> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("alertmanager.yml", yaml);
    Config::read(&sources, file, &mut out);
    let shown = |d: &bellwether_diag::Diagnostic| {
        let place = sources.position(d.span.unwrap());
        let severity = if d.severity == Severity::Error { "error" } else { "warning" };
        format!("{}:{} {severity} {}", place.line, place.column, d.message)
    };
    out.iter().map(shown).collect()
}

/// S000: one channel for everything, grouped by alert and job.
const ONE_CHANNEL: &str = "
global:
  resolve_timeout: 5m
  slack_api_url: 'https://hooks.slack.com/services/T0/B0/x'
route:
  group_by: ['alertname', 'job']
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 4h
  receiver: slack-notifications
receivers:
- name: slack-notifications
  slack_configs:
  - {channel: '#server-alerts', send_resolved: true}
";

#[test]
fn two_jobs_are_two_groups_and_each_is_repeated_after_four_hours() {
    check_with(
        ONE_CHANNEL,
        "0s fire HighLatency job=server\n 0s fire HighLatency job=load\n 4h1m end",
        &[
            "30s First to slack-notifications by slack firing HighLatency",
            "30s First to slack-notifications by slack firing HighLatency",
            "4h30s Repeat to slack-notifications by slack firing HighLatency",
            "4h30s Repeat to slack-notifications by slack firing HighLatency",
        ],
    );
}

#[test]
fn the_end_is_told_to_the_channel() {
    check_with(
        ONE_CHANNEL,
        "0s fire AlwaysFiring\n 2m resolve AlwaysFiring\n 10m end",
        &[
            "30s First to slack-notifications by slack firing AlwaysFiring",
            "5m30s AllResolved to slack-notifications by slack resolved AlwaysFiring",
        ],
    );
}

#[test]
fn a_placeholder_left_in_the_file_is_found_before_the_first_alert() {
    let left = ONE_CHANNEL.replace("https://hooks.slack.com/services/T0/B0/x", "YOUR_SLACK_WEBHOOK_URL");
    assert_eq!(problems(&left), ["4:18 error slack_api_url is not a web address"]);
}

/// S000: what is urgent goes to a pager, what is not to a channel.
#[test]
fn pages_and_warnings_part() {
    let yaml = "
route:
  receiver: channel
  routes:
    - {matchers: ['severity=~\"page|critical\"'], receiver: pager}
receivers: [{name: channel}, {name: pager}]";
    check_table(
        yaml,
        &[
            "severity=critical -> pager",
            "severity=page -> pager",
            "severity=warning -> channel",
            " -> channel",
        ],
    );
}

/// S001: teams beside severities, every route lets the next one be asked.
const EVERY_ROUTE_CONTINUES: &str = "
route:
  group_by: ['alertname', 'severity', 'team']
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 4h
  receiver: websocket-team
  routes:
    - match: {severity: critical}
      receiver: websocket-oncall
      continue: true
    - match: {severity: warning}
      receiver: websocket-team
      continue: true
    - match: {team: infrastructure}
      receiver: infrastructure-team
      continue: true
receivers:
  - {name: websocket-team, webhook_configs: [{url: 'http://chat.example/alerts'}]}
  - name: websocket-oncall
    slack_configs: [{api_url: 'https://hooks.example/oncall', channel: '#oncall'}]
    pagerduty_configs: [{routing_key: k}]
  - {name: infrastructure-team, webhook_configs: [{url: 'http://chat.example/infrastructure'}]}
";

#[test]
fn a_route_that_continues_adds_a_receiver_and_takes_none_away() {
    check_table(
        EVERY_ROUTE_CONTINUES,
        &[
            "severity=critical team=websocket -> websocket-oncall",
            "severity=critical team=infrastructure -> websocket-oncall,infrastructure-team",
            "severity=warning team=infrastructure -> websocket-team,infrastructure-team",
            "severity=warning team=websocket -> websocket-team",
            "severity=info team=infrastructure -> infrastructure-team",
            "severity=info team=websocket -> websocket-team",
        ],
    );
}

#[test]
fn first_after_thirty_seconds_company_at_the_next_look_then_every_four_hours() {
    check_with(
        &EVERY_ROUTE_CONTINUES.replace("'alertname', ", ""),
        "0s fire Down severity=warning team=websocket
         60s fire Slow severity=warning team=websocket
         8h10m end",
        &[
            "30s First to websocket-team firing Down",
            "5m30s NewAlerts to websocket-team firing Down,Slow",
            "4h5m30s Repeat to websocket-team firing Down,Slow",
            "8h5m30s Repeat to websocket-team firing Down,Slow",
        ],
    );
    check_with(
        EVERY_ROUTE_CONTINUES,
        "0s fire Down severity=warning team=websocket\n 4h1m end",
        &["30s First to websocket-team firing Down", "4h30s Repeat to websocket-team firing Down"],
    );
}

#[test]
fn critical_pages_and_writes_and_a_warning_does_not_page() {
    check_with(
        EVERY_ROUTE_CONTINUES,
        "0s fire Down severity=critical team=websocket
         0s fire Slow severity=warning team=websocket
         2m resolve Down severity=critical team=websocket
         6m end",
        &[
            "30s First to websocket-oncall by pagerduty firing Down",
            "30s First to websocket-oncall by slack firing Down",
            "30s First to websocket-team firing Slow",
            "5m30s AllResolved to websocket-oncall by pagerduty resolved Down",
        ],
    );
}

#[test]
fn what_somebody_has_taken_is_not_repeated() {
    check_with(
        EVERY_ROUTE_CONTINUES,
        "0s fire Slow severity=warning team=websocket
         5m ack Slow severity=warning team=websocket by ann
         4h10m end",
        &["30s First to websocket-team firing Slow"],
    );
}

/// S002: a slow and a fast burn of one objective, told apart by severity.
#[test]
fn a_fast_burn_pages_and_a_slow_one_makes_a_ticket() {
    let yaml = "
route:
  receiver: tickets
  group_by: [slo]
  routes: [{matchers: [burn=fast], receiver: pager}]
receivers: [{name: tickets}, {name: pager}]";
    check_table(yaml, &["slo=chat burn=fast -> pager", "slo=chat burn=slow -> tickets"]);
}

/// S003: two of three receivers that routes name are nowhere defined, and a glob stands where text is compared.
const UNFINISHED: &str = "
global:
  smtp_smarthost: 'smtp.company.example:587'
  smtp_from: 'alerts@company.example'
route:
  group_by: ['alertname']
  group_wait: 10s
  group_interval: 10s
  repeat_interval: 1h
  receiver: 'web.hook'
  routes:
  - match:
      severity: critical
    receiver: 'critical-alerts'
  - match:
      severity: warning
    receiver: 'warning-alerts'
  - match:
      alertname: TaskMCPHighErrorRate*
    receiver: 'slo-alerts'
receivers:
- name: 'critical-alerts'
  pagerduty_configs:
  - service_key: 'a-key'
  slack_configs:
  - {api_url: 'https://hooks.example/services/critical', channel: '#critical'}
- name: 'slo-alerts'
  slack_configs:
  - {api_url: 'https://hooks.example/services/slos', channel: '#slos'}
";

fn finished(more: &str) -> String {
    UNFINISHED.to_owned()
        + "- name: 'web.hook'\n  webhook_configs: [{url: 'http://127.0.0.1:5001/'}]\n- name: 'warning-alerts'\n  email_configs: [{to: team@company.example}]\n"
        + more
}

#[test]
fn receivers_that_are_not_defined_are_named_with_their_places() {
    assert_eq!(
        problems(UNFINISHED),
        [
            "10:13 error undefined receiver \"web.hook\"",
            "17:15 error undefined receiver \"warning-alerts\"",
            "19:18 warning \"TaskMCPHighErrorRate*\" is compared literally, asterisk included",
        ]
    );
}

#[test]
fn a_glob_is_only_text_and_a_regular_expression_is_what_was_meant() {
    let table = |name: &str, info: &str| {
        let row = format!("alertname={name} severity=info -> {info}");
        move |yaml: &str| check_table(yaml, &[row.as_str()])
    };
    let glob = finished("");
    assert_eq!(
        problems(&glob),
        ["19:18 warning \"TaskMCPHighErrorRate*\" is compared literally, asterisk included"]
    );
    table("TaskMCPHighErrorRateFastBurn", "web.hook")(&glob);
    table("TaskMCPHighErrorRate*", "slo-alerts")(&glob);
    check_table(&glob, &["severity=critical -> critical-alerts", "severity=warning -> warning-alerts"]);
    let regex = glob.replace(
        "- match:\n      alertname: TaskMCPHighErrorRate*",
        "- match_re:\n      alertname: TaskMCPHighErrorRate.*",
    );
    assert_eq!(problems(&regex), Vec::<String>::new());
    table("TaskMCPHighErrorRateFastBurn", "slo-alerts")(&regex);
}

#[test]
fn ten_seconds_are_kept_and_both_ways_of_a_receiver_are_told() {
    check_with(
        &finished(""),
        "0s fire Down severity=critical\n 5s fire Down severity=critical instance=b\n 12s fire Down severity=critical instance=c\n 1h1m end",
        &[
            "10s First to critical-alerts by pagerduty firing Down,Down",
            "10s First to critical-alerts by slack firing Down,Down",
            "20s NewAlerts to critical-alerts by pagerduty firing Down,Down,Down",
            "20s NewAlerts to critical-alerts by slack firing Down,Down,Down",
            "1h20s Repeat to critical-alerts by pagerduty firing Down,Down,Down",
            "1h20s Repeat to critical-alerts by slack firing Down,Down,Down",
        ],
    );
}

/// S004: critical pages and is written down, warnings wait longer, teams hear of the rest.
const BY_SEVERITY_THEN_TEAM: &str = "
route:
  receiver: default
  group_by: ['alertname', 'service', 'severity']
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 4h
  routes:
    - match: {severity: critical}
      receiver: pagerduty-critical
      continue: true
    - match: {severity: critical}
      receiver: slack-critical
    - match: {severity: warning}
      receiver: slack-warnings
      group_wait: 5m
    - match: {team: ml-platform}
      receiver: slack-ml-platform
    - match: {team: infrastructure}
      receiver: slack-infrastructure
inhibit_rules:
  - source_match: {severity: critical}
    target_match: {severity: warning}
    equal: ['alertname', 'service']
  - source_match: {alertname: SLOAvailabilityFastBurn}
    target_match: {alertname: SLOAvailabilitySlowBurn}
    equal: ['service']
receivers:
  - {name: default, webhook_configs: [{url: 'http://chat.example/default'}]}
  - {name: pagerduty-critical, pagerduty_configs: [{service_key: k}]}
  - {name: slack-critical, webhook_configs: [{url: 'http://chat.example/critical'}]}
  - {name: slack-warnings, webhook_configs: [{url: 'http://chat.example/warnings'}]}
  - {name: slack-ml-platform, webhook_configs: [{url: 'http://chat.example/ml'}]}
  - {name: slack-infrastructure, webhook_configs: [{url: 'http://chat.example/infrastructure'}]}
";

#[test]
fn severities_come_before_teams() {
    assert_eq!(problems(BY_SEVERITY_THEN_TEAM), Vec::<String>::new());
    check_table(
        BY_SEVERITY_THEN_TEAM,
        &[
            "severity=critical team=ml-platform -> pagerduty-critical,slack-critical",
            "severity=warning team=infrastructure -> slack-warnings",
            "severity=info team=ml-platform -> slack-ml-platform",
            "severity=info team=infrastructure -> slack-infrastructure",
            "severity=info -> default",
        ],
    );
}

#[test]
fn a_warning_waits_five_minutes_and_is_not_told_while_the_same_is_critical() {
    check_with(
        BY_SEVERITY_THEN_TEAM,
        "0s fire Slow severity=warning service=api\n 6m end",
        &["5m First to slack-warnings firing Slow"],
    );
    check_with(
        BY_SEVERITY_THEN_TEAM,
        "0s fire Slow severity=warning service=api
         0s fire Slow severity=warning service=web
         1m fire Slow severity=critical service=api
         6m end",
        &[
            "1m30s First to slack-critical firing Slow",
            "1m30s First to pagerduty-critical by pagerduty firing Slow",
            "5m First to slack-warnings firing Slow",
        ],
    );
}

#[test]
fn a_fast_burn_keeps_the_slow_one_of_its_service_quiet() {
    check_with(
        BY_SEVERITY_THEN_TEAM,
        "0s fire SLOAvailabilityFastBurn severity=critical service=api
         0s fire SLOAvailabilitySlowBurn severity=warning service=api
         0s fire SLOAvailabilitySlowBurn severity=warning service=web
         6m end",
        &[
            "30s First to slack-critical firing SLOAvailabilityFastBurn",
            "30s First to pagerduty-critical by pagerduty firing SLOAvailabilityFastBurn",
            "5m First to slack-warnings firing SLOAvailabilitySlowBurn",
        ],
    );
}

#[test]
fn a_silence_is_seen_in_the_state_and_nothing_is_repeated() {
    check_with(
        BY_SEVERITY_THEN_TEAM,
        "0s fire TestAlert severity=info
         1m silence s1 5h alertname=TestAlert
         4h10m end",
        &["30s First to default firing TestAlert"],
    );
}
