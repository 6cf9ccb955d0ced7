//! What a routing configuration can never do is said.

use crate::seed_routing::problems;

const RECEIVERS: &str = "\nreceivers: [{name: a}, {name: b}]\n";

/// What is warned of in a configuration whose route is this.
fn check_route(route: &str, want: &[&str]) {
    assert_eq!(problems(&format!("{route}{RECEIVERS}")), want, "{route}");
}

#[test]
fn a_route_that_no_alert_reaches_is_named_with_what_takes_them_all() {
    check_route(
        "route:
  receiver: a
  routes:
    - {matchers: ['team=~\"web|api\"'], receiver: b}
    - {matchers: [team=web, env=prod], receiver: b}
    - {matchers: [team=db], receiver: b}",
        &["5:7 warning no alert comes here: {}/{team=~\"web|api\"} before it takes them all"],
    );
    check_route(
        "route:
  receiver: a
  routes:
    - receiver: b
      matchers: [severity=critical]
      routes: [{matchers: [severity=warning]}, {matchers: [team=web]}]",
        &[
            "6:16 warning no alert comes here: severity=\"critical\" and severity=\"warning\" cannot both hold",
        ],
    );
}

#[test]
fn routes_that_continue_or_overlap_in_part_are_right() {
    let right = [
        "[{matchers: [team=web], continue: true, receiver: b}, {matchers: [team=web], receiver: a}]",
        "[{matchers: [team=web, env=prod], receiver: b}, {matchers: [team=web], receiver: a}]",
        "[{matchers: [team!=web], receiver: b}, {matchers: [env=prod], receiver: a}]",
        "[{matchers: ['team=~\"w.*\"'], receiver: b}, {matchers: ['team=~\"we.*\"'], receiver: a}]",
        "[{matchers: [team=web], receiver: b}, {receiver: a}]",
    ];
    for routes in right {
        check_route(&format!("route: {{receiver: a, routes: {routes}}}"), &[]);
    }
    check_route(
        "route: {receiver: a, routes: [{receiver: b}, {matchers: [team=web]}]}",
        &["1:46 warning no alert comes here: {}/{} before it takes them all"],
    );
}

#[test]
fn what_no_route_names_is_said() {
    check_route(
        "time_intervals: [{name: nights}, {name: days}]
route: {receiver: a, routes: [{matchers: [x=y], mute_time_intervals: [nights]}]}",
        &[
            "1:41 warning no route uses the time interval \"days\"",
            "3:31 warning no route uses the receiver \"b\"",
        ],
    );
}

#[test]
fn a_group_that_would_repeat_before_it_is_looked_at_is_said() {
    check_route(
        "route: {receiver: a, repeat_interval: 1m, routes: [{matchers: [x=y], receiver: b}]}",
        &[
            "1:39 warning repeat_interval 1m is shorter than group_interval 5m: a group that does not change would be told more often than one that does",
        ],
    );
}

#[test]
fn an_inhibition_that_does_nothing_or_everything_is_said() {
    let check = |rule: &str, want: &[&str]| {
        let yaml = format!(
            "inhibit_rules: [{rule}]\nroute: {{receiver: a, routes: [{{matchers: [x=y], receiver: b}}]}}{RECEIVERS}"
        );
        assert_eq!(problems(&yaml), want, "{rule}");
    };
    let critical = "source_matchers: [severity=critical]";
    check(&format!("{{{critical}, target_matchers: [severity=warning], equal: [job]}}"), &[]);
    check(&format!("{{{critical}, equal: [cluster]}}"), &[]);
    check(
        &format!("{{{critical}, target_matchers: [severity=warning], equal: [job, severity]}}"),
        &[
            "1:17 warning this rule never inhibits anything: severity must be equal, but is \"critical\" in the source and \"warning\" in the target",
        ],
    );
    check(
        &format!("{{{critical}, target_matchers: [severity=critical], equal: [job]}}"),
        &["1:17 warning this rule never inhibits anything: every alert on one side is on the other as well"],
    );
    check(
        "{source_matchers: [a=b, a=c], target_matchers: [d=e]}",
        &[
            "1:17 warning this rule never inhibits anything: a=\"b\" and a=\"c\" of its source cannot both hold",
        ],
    );
    check(
        &format!("{{{critical}}}"),
        &["1:17 warning this rule keeps every other alert quiet while its source fires"],
    );
    check(
        "{target_matchers: [severity=info]}",
        &["1:17 warning any other alert that fires keeps the targets of this rule quiet"],
    );
}
