use crate::script::{check, check_with};

#[test]
fn a_group_waits_for_company_and_is_told_once() {
    check("0s fire api\n 10s fire db\n 4m end", &["30s First firing api,db"]);
}

#[test]
fn two_evaluators_of_one_alert_make_one_message() {
    check("0s fire api\n 1s fire api\n 31s fire api\n 1h end", &["30s First firing api"]);
}

#[test]
fn each_value_of_the_group_labels_is_a_group() {
    check(
        "0s fire api team=web\n 0s fire api team=db\n 1m end",
        &["30s First firing api", "30s First firing api"],
    );
}

#[test]
fn what_comes_later_is_told_at_the_next_look() {
    check(
        "0s fire api\n 1m fire db\n 6m resolve api\n 20m end",
        &[
            "30s First firing api",
            "5m30s NewAlerts firing api,db",
            "10m30s ResolvedGrew firing db resolved api",
        ],
    );
}

#[test]
fn the_end_is_told_once_and_the_group_is_over() {
    check(
        "0s fire api\n 1m resolve api\n 6m fire api\n 7m end",
        &["30s First firing api", "5m30s AllResolved resolved api", "6m30s First firing api"],
    );
}

#[test]
fn an_alert_that_ends_within_the_group_wait_is_never_told() {
    check("0s fire api\n 20s resolve api\n 1h end", &[]);
}

#[test]
fn a_resolved_alert_nobody_knew_is_ignored() {
    check("0s resolve api\n 1h end", &[]);
}

#[test]
fn an_unchanged_group_is_repeated_exactly_after_the_repeat_interval() {
    check("0s fire api\n 5h end", &["30s First firing api", "4h30s Repeat firing api"]);
}

#[test]
fn an_alert_posted_without_an_end_is_over_after_the_resolve_timeout() {
    check("0s post api\n 20m end", &["30s First firing api", "5m30s AllResolved resolved api"]);
    check(
        "0s post api\n 3m post api\n 20m end",
        &["30s First firing api", "10m30s AllResolved resolved api"],
    );
}

#[test]
fn who_does_not_want_the_end_is_not_told_it() {
    let yaml = "
route: {receiver: hook, group_by: [team]}
receivers: [{name: hook, webhook_configs: [{url: 'http://hook.example/', send_resolved: false}]}]";
    check_with(
        yaml,
        "0s fire api\n 0s fire db\n 1m resolve api\n 11m fire api\n 16m resolve db\n 16m resolve api\n 1h end",
        &["30s First firing api,db", "15m30s NewAlerts firing api,db"],
    );
}

#[test]
fn the_first_child_that_matches_takes_the_alert_unless_it_continues() {
    let yaml = "
route:
  receiver: default
  group_wait: 10s
  routes:
    - {receiver: all, matchers: ['team=~\".+\"'], continue: true}
    - {receiver: web, match: {team: web}}
    - {receiver: never, match: {team: web}}
receivers:
  - {name: default, webhook_configs: [{url: 'http://a.example/'}]}
  - {name: all, webhook_configs: [{url: 'http://a.example/'}]}
  - {name: web, webhook_configs: [{url: 'http://a.example/'}]}
  - {name: never, webhook_configs: [{url: 'http://a.example/'}]}";
    check_with(
        yaml,
        "0s fire a team=web\n 0s fire b team=db\n 0s fire c\n 1m end",
        &["10s First to web firing a", "10s First to all firing a,b", "10s First to default firing c"],
    );
}
