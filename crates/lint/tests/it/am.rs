//! Routes, receivers and inhibition, held against the rules beside them.

use crate::found::check;

/// Rules: an alert per line, as `name severity team`, `-` for none; all of them keep `job` and nothing else.
fn rules(alerts: &str) -> String {
    let mut text = "groups:\n- name: g\n  rules:\n".to_owned();
    for alert in alerts.lines() {
        let words: Vec<&str> = alert.split_whitespace().collect();
        text +=
            &format!("  - alert: {}\n    expr: sum by (job) (up) == 0\n    for: 1m\n    labels:\n", words[0]);
        for (name, value) in [("severity", words[1]), ("team", words[2])] {
            if value != "-" {
                text += &format!("      {name}: {value}\n");
            }
        }
        text += "      kind: test\n";
    }
    text
}

fn with(id: &str, alerts: &str, routing: &str, expected: &[&str]) {
    check(id, &[("alertmanager.yml", routing), ("rules.yml", &rules(alerts))], expected);
}

#[test]
fn routes_that_no_alert_comes_to() {
    let by_severity = "route:\n  receiver: chat\n  routes:\n  - matchers: ['severity=\"critical\"']\n    receiver: \
                       pager\n  - matchers: ['severity=~\"warning|info\"']\n    receiver: chat\n  - matchers: \
                       ['team=\"web\"']\n    receiver: web\n";
    let all = "Down critical web\nSlow warning web\nNote info -";
    let id = "unreachable-route";
    with(id, all, by_severity, &["8: no alert comes here: the routes before it take every severity"]);
    // Somebody's severity is left over.
    with(id, "Down critical web\nSlow warning web\nOdd page web", by_severity, &[]);
    // One value says nothing of the others.
    with(id, "Down critical web", by_severity, &[]);
    let same = "route:\n  receiver: a\n  routes:\n  - matchers: ['job=~\"x|y\"']\n    receiver: b\n  - matchers: \
                ['job=\"x\"', 'severity=\"page\"']\n    receiver: c\n";
    with(id, "Down critical -", same, &["6: no alert comes here: the route for job=~\"x|y\""]);
    let continued = same.replace("receiver: b", "receiver: b\n    continue: true");
    with(id, "Down critical -", &continued, &[]);
    let both = "route:\n  receiver: a\n  routes:\n  - matchers: ['job=\"x\"']\n    receiver: b\n    routes:\n    - \
                matchers: ['job=\"y\"']\n      receiver: c\n";
    with(id, "Down critical -", both, &["7: no alert comes here: job=\"x\" and job=\"y\" cannot both hold"]);
}

#[test]
fn values_that_are_nearly_those_of_rules() {
    let route =
        "route:\n  receiver: chat\n  routes:\n  - matchers: ['severity=\"critcal\"']\n    receiver: pager\n";
    let alerts = "Down critical -\nSlow warning -";
    with(
        "unreachable-route",
        alerts,
        route,
        &["4: no alert comes here: no rule sets severity to \"critcal\""],
    );
    with("unreachable-route", alerts, &route.replace("critcal", "emergency"), &[]);
    // Names that differ in a letter are often two names.
    let named = |name: &str| route.replace("severity=\"critcal", &format!("alertname=\"{name}"));
    with("unreachable-route", "HighCPU critical -", &named("HighGPU"), &[]);
    with("unreachable-route", "Disk1 critical -", &named("Disk12"), &[]);
    with(
        "unreachable-route",
        "HighCPU critical -",
        &named("HihgCPU"),
        &["4: no alert comes here: no rule sets alertname"],
    );
    let inhibit = "route: {receiver: chat}\ninhibit_rules:\n- source_matchers: ['alertname=\"Dow\"']\n  \
                   target_matchers: ['severity=\"warning\"']\n  equal: [job]\n";
    with(
        "dead-inhibit",
        alerts,
        inhibit,
        &["3: this rule never inhibits anything: no rule sets alertname to \"Dow\""],
    );
}

#[test]
fn routes_that_others_take_alerts_from() {
    let routing = "route:\n  receiver: chat\n  routes:\n  - matchers: ['severity=\"critical\"']\n    receiver: pager\n  - \
                   matchers: ['team=\"web\"']\n    receiver: web\n";
    let id = "shadowed-route";
    with(id, "Down critical web\nSlow warning web", routing, &["6: Down never come here"]);
    with(id, "Down critical db\nSlow warning web", routing, &[]);
}

#[test]
fn alerts_that_are_delivered_twice() {
    let id = "duplicate-delivery";
    let routing = "route:\n  receiver: chat\n  routes:\n  - matchers: ['severity=\"warning\"']\n    receiver: chat\n    \
                   continue: true\n  - matchers: ['team=\"web\"']\n    receiver: web\n";
    with(id, "Slow warning web", routing, &["6: both \"chat\", the default, and \"web\" are told of Slow"]);
    with(id, "Slow warning db", routing, &[]);
    // A route of its own that lets the others follow is meant.
    with(
        id,
        "Slow warning web",
        &routing.replacen("    receiver: chat\n    continue", "    receiver: log\n    continue", 1),
        &[],
    );
    // The same matchers twice are meant: to a pager and to a channel.
    let fan_out = routing.replace("team=\"web\"", "severity=\"warning\"");
    with(id, "Slow warning web", &fan_out, &[]);
    let twice = routing.replace("receiver: web", "receiver: chat");
    with(id, "Slow warning db", &twice, &["6: an alert that matches this route and a later one"]);
}

#[test]
fn labels_to_group_by() {
    let id = "group-by-missing-label";
    let by = |label: &str| format!("route:\n  receiver: chat\n  group_by: [alertname, {label}]\n");
    with(id, "Down critical -", &by("job"), &[]);
    with(id, "Down critical -", &by("pod"), &["3: no alert has the label pod"]);
    // Added to alerts when they are sent.
    with(id, "Down critical -", &by("cluster"), &[]);
    let prometheus = "global:\n  external_labels: {site: a}\nscrape_configs: []\n";
    let files = [
        ("alertmanager.yml", by("site")),
        ("prometheus.yml", prometheus.to_owned()),
        ("rules.yml", rules("A x -")),
    ];
    check(id, &files.each_ref().map(|(name, text)| (*name, text.as_str())), &[]);
    with(id, "Down critical web", &by("team"), &[]);
    with(id, "Down critical -", &by("..."), &[]);
    // Nothing is known of the alerts of others.
    check(id, &[("alertmanager.yml", &by("service"))], &[]);
    let open = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: x > 1\n    for: 1m\n";
    check(
        id,
        &[("alertmanager.yml", &by("service")), ("rules.yml", open)],
        &["3: no rule, query or target names the label service"],
    );
    let named = open.replace("x > 1", "x{service!=\"test\"} > 1");
    check(id, &[("alertmanager.yml", &by("service")), ("rules.yml", &named)], &[]);
}

#[test]
fn inhibitions() {
    let inhibit = |equal: &str| {
        format!(
            "route: {{receiver: chat}}\ninhibit_rules:\n- source_matchers: ['severity=\"critical\"']\n  \
             target_matchers: ['severity=\"warning\"']\n  equal: [{equal}]\n"
        )
    };
    let two = "Down critical -\nSlow warning -";
    with(
        "dead-inhibit",
        two,
        &inhibit("alertname"),
        &["5: this rule inhibits none of the alerts there are: no alertname"],
    );
    with("dead-inhibit", "Down critical -\nDown warning -", &inhibit("alertname"), &[]);
    with("dead-inhibit", two, &inhibit("job"), &[]);
    with(
        "dead-inhibit",
        two,
        &inhibit("severity"),
        &["5: this rule never inhibits anything: severity must be equal"],
    );
    with("equal-missing-label", two, &inhibit("job"), &[]);
    with("equal-missing-label", two, &inhibit("pod"), &["5: neither Down nor Slow has the label pod"]);
    with("equal-missing-label", "Down critical -", &inhibit("pod"), &[]);
}

#[test]
fn severities_that_routes_do_not_know() {
    let id = "severity-unrouted";
    let routing = "route:\n  receiver: chat\n  routes:\n  - matchers: ['severity=\"critical\"']\n    receiver: pager\n  - \
                   matchers: ['severity=\"warning\"']\n    receiver: chat\n";
    with(id, "Down critical -\nNote info -", routing, &["14: no route knows the severity \"info\""]);
    // One route for what is urgent, and the rest to the default, is usual.
    let usual =
        "route:\n  receiver: chat\n  routes:\n  - matchers: ['severity=\"critical\"']\n    receiver: pager\n";
    with(id, "Down critical -\nNote info -", usual, &[]);
    let one = "route: {receiver: chat}\nreceivers:\n- name: chat\n  webhook_configs:\n  - url: http://chat.example/\n";
    with(id, "Down critical -\nNote info -", one, &["1: no route looks at the severity"]);
    with(id, "Slow warning -\nNote info -", one, &[]);
}

#[test]
fn placeholders() {
    let id = "placeholder-secret";
    let key =
        |value: &str| format!("receivers:\n- name: p\n  pagerduty_configs:\n  - routing_key: {value}\n");
    for value in ["YOUR_KEY", "your-pagerduty-key", "<key>", "changeme", "xxxxxxxx", "'abc/...'"] {
        check(id, &[("alertmanager.yml", &key(value))], &["4: routing_key is a placeholder"]);
    }
    for value in ["mysecret", "0123456789abcdef0123456789abcdef", "'{{ .x }}'", "yourself"] {
        check(id, &[("alertmanager.yml", &key(value))], &[]);
    }
}

#[test]
fn settings_without_effect() {
    let id = "noop-setting";
    let whole = |global: &str, configs: &str| {
        format!("global:\n  {global}\nroute: {{receiver: r}}\nreceivers:\n- name: r\n  {configs}\n")
    };
    let slack = "slack_configs:\n  - {api_url_file: /etc/slack, channel: '#a'}";
    let pager = "pagerduty_configs:\n  - {routing_key_file: /etc/key}";
    let old_pager = "pagerduty_configs:\n  - {service_key_file: /etc/key, service_key: abc}";
    let mail = "email_configs:\n  - {to: a@example.org}";
    let cases = [
        ("smtp_from: a@example.org", slack, Some("2: smtp_* settings do nothing")),
        ("smtp_from: a@example.org", mail, None),
        (
            "pagerduty_url: https://events.pagerduty.com/v2/enqueue",
            pager,
            Some("2: pagerduty_url is the default"),
        ),
        ("pagerduty_url: https://pd.example/v2/enqueue", pager, None),
        (
            "pagerduty_url: https://events.pagerduty.com/v2/enqueue",
            old_pager,
            Some("2: pagerduty_url is not used"),
        ),
        // Others than Prometheus may send alerts without an end.
        ("resolve_timeout: 5m", slack, None),
    ];
    for (global, configs, expected) in cases {
        check(
            id,
            &[("alertmanager.yml", &whole(global, configs))],
            &expected.into_iter().collect::<Vec<_>>(),
        );
    }
    with(id, "Down critical -", &whole("resolve_timeout: 5m", slack), &["2: resolve_timeout does nothing"]);
}

#[test]
fn repeats() {
    let id = "repeat-vs-interval";
    let route = |group: &str, repeat: &str| {
        format!(
            "route:\n  receiver: a\n  group_interval: {group}\n  routes:\n  - receiver: b\n    repeat_interval: {repeat}\n"
        )
    };
    check(id, &[("alertmanager.yml", &route("5m", "4h"))], &[]);
    check(
        id,
        &[("alertmanager.yml", &route("5m", "1m"))],
        &["6: repeat_interval 1m is shorter than group_interval 5m"],
    );
    check(
        id,
        &[("alertmanager.yml", &route("5m", "12m"))],
        &["6: repeat_interval 12m is no multiple of group_interval 5m: it repeats after 15m"],
    );
    check(id, &[("alertmanager.yml", &route("10s", "1h"))], &["3: with a group_interval of 10s"]);
}

#[test]
fn pieces_of_documents_name_receivers_of_other_blocks() {
    let id = "undefined-receiver";
    let route =
        "```yaml\nroute:\n  receiver: chat\n  routes:\n  - matchers: ['a=\"b\"']\n    receiver: pager\n```\n";
    let receivers = |name: &str| {
        format!("```yaml\nreceivers:\n- name: {name}\n  webhook_configs: [{{url: http://x.example/}}]\n```\n")
    };
    check(id, &[("a.md", route)], &["3: undefined receiver \"chat\"", "6: undefined receiver \"pager\""]);
    check(id, &[("a.md", &format!("{route}{}", receivers("chat")))], &["6: undefined receiver \"pager\""]);
    // Another example's.
    check(id, &[("a.md", &format!("{route}{}", receivers("other")))], &[]);
    check(id, &[("alertmanager.yml", "route:\n  receiver: chat\n")], &[]);
}

#[test]
fn one_webhook_belongs_to_one_channel() {
    let id = "shared-webhook-channel";
    let two = |url: &str| {
        format!(
            "global:\n  slack_api_url: {url}\nreceivers:\n- name: a\n  slack_configs:\n  - channel: '#a'\n- name: b\n  \
             slack_configs:\n  - channel: '#b'\n"
        )
    };
    let hook = "https://hooks.slack.com/services/T/B/x";
    check(
        id,
        &[("alertmanager.yml", &two(hook))],
        &["2: one webhook is to post to 2 channels: #a and #b", "9: #b is not where"],
    );
    check(id, &[("alertmanager.yml", &two(hook).replace("#b", "#a"))], &[]);
    check(id, &[("alertmanager.yml", &two("https://slack.com/api/chat.postMessage"))], &[]);
}

#[test]
fn ends_that_people_do_not_hear_of() {
    let id = "no-resolved";
    let slack = |more: &str| {
        format!(
            "route: {{receiver: r}}\nreceivers:\n- name: r\n  slack_configs:\n  - api_url_file: /etc/slack\n    text: x\n{more}"
        )
    };
    check(id, &[("alertmanager.yml", &slack(""))], &[]);
    check(
        id,
        &[("alertmanager.yml", &slack("    title: '{{ .Status }}'\n"))],
        &["5: \"r\" is not told when an alert is over"],
    );
    check(id, &[("alertmanager.yml", &slack("    title: '{{ .Status }}'\n    send_resolved: true\n"))], &[]);
    check(
        id,
        &[("alertmanager.yml", &slack("  opsgenie_configs: [{api_key_file: /etc/key}]\n"))],
        &["5: \"r\" is not told"],
    );
}
