//! Objectives are read whole or refused with every mistake, where it stands and what to write instead.

use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_model::TimeDelta;
use bellwether_slo::{Goal, Period, default_alerts, examine, parse};

use crate::world::slos;

const GOOD: &str = "\
slos:
  - name: api
    goal: 0.999
    window: 28d
    indicator: {ratio: {good: 'ok_total{job=\"x\"}', total: [a_total, b_total]}}
";

/// The lines that say what is wrong, without the text they point at.
fn problems(yaml: &str) -> Vec<String> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("slo.yaml", yaml);
    parse(&sources, file, &mut out);
    let text = out.render(&sources, Style { color: false });
    text.lines().filter(|line| line.starts_with("slo.yaml:")).map(str::to_owned).collect()
}

fn check(from: &str, to: &str, expected: &[&str]) {
    assert!(GOOD.contains(from), "{from}");
    assert_eq!(problems(&GOOD.replace(from, to)), expected, "{to}");
}

#[test]
fn a_whole_objective_is_read() {
    let slo = &slos(GOOD)[0];
    assert_eq!(
        (slo.id(), slo.goal.unwrap().to_string(), slo.period.text()),
        ("api".into(), "99.9%".into(), "rolling 28d".into())
    );
    assert_eq!(slo.indicator.text(), "good ok_total{job=\"x\"} of all a_total + b_total");
    let alerts: Vec<String> = slo
        .alerts
        .iter()
        .map(|a| {
            format!(
                "{} {} {} {:?} {}",
                a.name,
                a.severity,
                a.long,
                a.short.map(|s| s.to_string()),
                a.factor.as_f64()
            )
        })
        .collect();
    // 28 days are 672 h: 2 % of the budget in 1 h is 0.02 x 672.
    assert_eq!(
        alerts,
        [
            "fast-burn page 1h Some(\"5m\") 13.44",
            "steady-burn page 6h Some(\"30m\") 5.6",
            "slow-burn ticket 1d Some(\"2h\") 2.8",
            "drip-burn ticket 3d Some(\"6h\") 0.9333333333333333",
        ]
    );
}

#[test]
fn a_goal_without_unit_says_what_was_meant() {
    let found = "slo.yaml:3:11: error: goal 99.9 has no unit; write 0.999 or \"99.9%\"";
    check("0.999", "99.9", &[found]);
    check(
        "0.999",
        "100",
        &[
            "slo.yaml:3:11: error: a goal of 100 leaves no budget to spend; write less than 100 %, such as \"99.9%\"",
        ],
    );
}

#[test]
fn every_mistake_is_reported_at_its_place() {
    let yaml = "\
slos:
  - nam: api
    goal: 99,9
    window: {calendar: moth}
    indicator: {ratio: {good: 'ok_total{job=~\"(\"}', bad: 'rate(x[5m])'}}
    alerts:
      - {name: a, long: 5m, short: 5m, factor: 10}
      - {name: b, long: 5m, factor: fast}
";
    let found = problems(yaml);
    let has = |part: &str| assert!(found.iter().any(|line| line.contains(part)), "{part}: {found:#?}");
    has("name is missing");
    has("slo.yaml:2:5: error: unknown field \"nam\"; did you mean name?");
    has("slo.yaml:3:11: error: goal 99,9 has a decimal comma");
    has("slo.yaml:4:24: error: \"moth\" is not a unit of the calendar; write day, week, fortnight, month");
    has("slo.yaml:5:41: error: regular expression \"(\"");
    has("slo.yaml:5:63: error: an indicator selects counters: functions cannot be used here");
    has("slo.yaml:7:36: error: short window 5m is not shorter than the long one, 5m");
    has("slo.yaml:8:37: error: the factor is not a positive number; write a burn rate such as 14.4");
}

#[test]
fn indicators_count_one_thing() {
    let ratio = "{ratio: {good: 'ok_total{job=\"x\"}', total: [a_total, b_total]}}";
    check(
        ratio,
        "{}",
        &[
            "slo.yaml:5:16: error: the indicator counts nothing; write ratio:, latency:, probe:, threshold:, query: or composite: below it",
        ],
    );
    check(
        ratio,
        "{ratio: {good: a}}",
        &["slo.yaml:5:24: error: a ratio needs two counters; write two of good, bad and total"],
    );
    check(
        ratio,
        "{ratio: {good: a, bad: b, total: c}}",
        &["slo.yaml:5:24: error: good, bad and total may contradict each other; keep two of the three"],
    );
    check(
        ratio,
        "{latency: {histogram: took_bucket, threshold: 5}}",
        &["slo.yaml:5:38: error: took_bucket is a part of a histogram, not its base name; write took"],
    );
    check(
        ratio,
        "{latency: {histogram: took, threshold: 5s}}",
        &[
            "slo.yaml:5:55: error: the threshold is not a positive number; write a number in the histogram's own unit, \
         such as 0.5 for half a second in a histogram of seconds",
        ],
    );
}

#[test]
fn two_objectives_of_one_name_are_refused() {
    let twice = format!("{GOOD}{}", GOOD.trim_start_matches("slos:\n"));
    assert_eq!(
        problems(&twice),
        [
            "slo.yaml:6:11: error: objective \"api\" is defined twice; give each objective of a service a name of its own",
        ]
    );
}

#[test]
fn no_alerts_means_none() {
    assert_eq!(slos(&format!("{GOOD}    alerts: []\n"))[0].alerts, []);
}

#[test]
fn default_alerts_shrink_with_a_short_period_but_not_below_four_scrapes() {
    let goal = Goal::parse("99.9%").unwrap();
    let day = default_alerts(goal, &Period::Rolling(TimeDelta::DAY), TimeDelta::from_secs(15));
    let shown: Vec<String> = day
        .alerts
        .iter()
        .map(|a| format!("{} {:?} {}", a.long, a.short.map(|s| s.to_string()), a.factor.as_f64()))
        .collect();
    // A thirtieth of the windows for a thirtieth of the period: the factors stay as they were.
    assert_eq!(
        shown,
        ["2m Some(\"1m\") 14.4", "12m Some(\"1m\") 6", "48m Some(\"4m\") 3", "2h24m Some(\"12m\") 1",]
    );
}

#[test]
fn default_alerts_that_cannot_fire_are_left_out_and_said_so() {
    let goal = Goal::parse("90%").unwrap();
    let month =
        default_alerts(goal, &Period::Rolling(TimeDelta(30 * TimeDelta::DAY.0)), TimeDelta::from_secs(15));
    let names: Vec<&str> = month.alerts.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["steady-burn", "slow-burn", "drip-burn"]);
    assert_eq!(
        month.notes,
        [
            "default alert fast-burn is left out: its factor 14.4 is not below 10, the highest burn rate a goal of 90% \
         allows (1 / (1 - 0.9))",
        ]
    );
}

#[test]
fn default_alerts_of_a_short_period_are_doubted_where_they_fire_while_the_goal_is_met() {
    let said = |window: &str| {
        let found = examine(&slos(&GOOD.replace("28d", window))[0]);
        found.into_iter().map(|d| format!("{}: {}", d.severity, d.message)).collect::<Vec<_>>()
    };
    assert_eq!(said("30d"), Vec::<String>::new());
    assert_eq!(said("28d"), Vec::<String>::new(), "0.933 is 1, rounded by the shorter period");
    let doubted = said("7d");
    assert_eq!(doubted.len(), 2, "{doubted:?}");
    assert_eq!(
        doubted[0],
        "warning: alert \"slow-burn\" of \"api\" fires at a burn rate of 0.7, while the goal is being met"
    );
}

#[test]
fn alerts_that_cannot_help_are_errors_with_the_arithmetic() {
    let yaml = format!(
        "{}    alerts: [{{name: a, long: 5m, factor: 10}}, {{name: b, long: 20h, factor: 1.5}}, {{name: c, long: 16h, factor: 1.5}}]\n",
        GOOD.replace("0.999", "0.9").replace("28d", "24h")
    );
    let said: Vec<String> =
        examine(&slos(&yaml)[0]).into_iter().map(|d| format!("{}: {}", d.id, d.message)).collect();
    assert_eq!(
        said,
        [
            "slo-alert-cannot-fire: alert \"a\" of \"api\" can never fire: its factor 10 is not below 10, the highest burn \
         rate a goal of 90% allows (1 / (1 - 0.9))",
            "slo-alert-too-late: alert \"b\" of \"api\" fires after the budget is gone: a burn rate of 1.5 over 20h spends \
         125 % of the budget of 1d (1.5 x 20h / 1d)",
        ]
    );
}
