use bellwether_model::Timestamp;

use crate::script::{check_with, config};

/// 2026-11-16 00:00 UTC, a Monday.
const MONDAY: i64 = 1_794_787_200;

fn check(part: &str, inside: &[i64], outside: &[i64]) {
    let yaml = format!(
        "route: {{receiver: a}}\nreceivers: [{{name: a}}]\ntime_intervals: [{{name: t, time_intervals: [{part}]}}]"
    );
    let config = config(&yaml);
    for (list, want) in [(inside, true), (outside, false)] {
        for hour in list {
            let at = Timestamp::from_secs(MONDAY + hour * 3600);
            assert_eq!(config.time_intervals["t"].contains(at), want, "{part} at {at}");
        }
    }
}

#[test]
fn intervals_hold_where_all_their_lists_do() {
    check("{weekdays: ['monday:wednesday']}", &[0, 24, 71], &[-1, 72]);
    check("{times: [{start_time: '09:00', end_time: '17:00'}]}", &[9, 16], &[8, 17]);
    check("{times: [{start_time: '22:00', end_time: '24:00'}]}", &[22, 23], &[21, 24]);
    check("{days_of_month: ['16', '-1']}", &[0, 23, 14 * 24], &[24, 13 * 24]);
    check("{days_of_month: ['-3:-1']}", &[12 * 24, 14 * 24], &[11 * 24, 15 * 24]);
    check("{months: ['november:december'], years: ['2026']}", &[0], &[-24 * 30, 24 * 60]);
    check("{weekdays: [saturday, sunday]}", &[-1, 5 * 24], &[0]);
}

#[test]
fn a_zone_moves_the_day_with_its_clocks() {
    // New York is five hours behind in winter and four in summer: 09:00 there is 14:00, then 13:00 UTC.
    let part = "{times: [{start_time: '09:00', end_time: '17:00'}], location: America/New_York}";
    let summer = -24 * 100;
    check(part, &[14, 21, summer + 13], &[13, 22, summer + 12]);
}

#[test]
fn a_muted_route_says_nothing_and_forgets_nothing() {
    // 1970-01-01 was a Thursday.
    let yaml = "
route:
  receiver: hook
  group_wait: 30s
  routes: [{receiver: hook, match: {team: web}, mute_time_intervals: [early]}]
receivers: [{name: hook, webhook_configs: [{url: 'http://hook.example/'}]}]
time_intervals: [{name: early, time_intervals: [{times: [{start_time: '00:10', end_time: '01:00'}]}]}]
";
    check_with(
        yaml,
        "0s fire api team=web\n 12m resolve api team=web\n 20m fire db team=web\n 2h end",
        &["30s First firing api", "1h30s NewAlerts firing db resolved api"],
    );
    let active = yaml.replace("mute_time_intervals", "active_time_intervals");
    check_with(&active, "0s fire api team=web\n 2h end", &["10m30s First firing api"]);
}
