//! Two different values never look alike.

use bellwether_model::TimeDelta;
use bellwether_web::digits;

#[test]
fn a_percentage_below_a_hundred_never_prints_as_a_hundred() {
    let check = |ratio: f64, expected: &str| assert_eq!(digits::percent(ratio, &[]), expected, "{ratio}");
    check(1.0, "100%");
    check(0.99995, "99.995%");
    check(0.999_949_9, "99.995%");
    check(0.999_951_2, "99.9951%");
    check(0.999_999_9, "99.99999%");
    check(0.999, "99.9%");
    check(0.5, "50%");
    check(3394.0 / 6076.0, "55.86%");
    check(0.0, "0%");
    check(0.000_000_1, "0.00001%");
    check(-1.5, "-150%");
    check(f64::NAN, "unknown");
    check(f64::INFINITY, "unknown");
}

#[test]
fn an_indicator_just_off_its_goal_prints_differently_from_it() {
    let check = |ratio: f64, goal: f64, expected: &str| assert_eq!(digits::percent(ratio, &[goal]), expected);
    check(0.999_02, 0.999, "99.902%");
    check(0.998_999, 0.999, "99.8999%");
    check(0.999, 0.999, "99.9%");
    check(0.1 + 0.2, 0.3, "30%");
}

#[test]
fn a_budget_is_read_at_a_glance() {
    let check = |ratio: f64, expected: &str| assert_eq!(digits::percent_short(ratio), expected, "{ratio}");
    check(0.414, "41%");
    check(0.094, "9.4%");
    check(0.000_4, "0.04%");
    check(0.999_6, "99.96%");
    check(1.0, "100%");
    check(-1.5, "-150%");
    check(-0.000_1, "-0.01%");
    check(0.0, "0%");
}

#[test]
fn a_burn_rate_below_its_threshold_never_prints_as_it() {
    let check = |rate: f64, factor: f64, expected: &str| assert_eq!(digits::burn(rate, &[factor]), expected);
    check(14.4, 14.4, "14.4×");
    check(14.38, 14.4, "14.38×");
    check(14.400_01, 14.4, "14.40001×");
    check(59.98, 10.0, "60×");
    check(44.14, 10.0, "44.1×");
    check(0.004, 10.0, "0.004×");
    check(1204.3, 10.0, "1204×");
}

#[test]
fn counts_and_values_are_grouped_and_short() {
    let check = |n: f64, expected: &str| assert_eq!(digits::count(n), expected);
    check(0.0, "0");
    check(999.0, "999");
    check(1000.0, "1,000");
    check(1_204_311.0, "1,204,311");
    check(-1234.5, "-1,234.5");
    let check = |n: f64, expected: &str| assert_eq!(digits::value(n), expected, "{n}");
    check(0.25, "0.25");
    check(0.001_234_5, "0.001234");
    check(-0.0, "0");
    check(1204.0, "1,204");
    check(3.2e12, "3.200e12");
    check(f64::NAN, "NaN");
    check(f64::NEG_INFINITY, "-Inf");
}

#[test]
fn a_length_of_time_is_said_in_two_units() {
    let check = |seconds: i64, expected: &str| {
        assert_eq!(digits::length(TimeDelta::from_secs(seconds)).replace('\u{a0}', " "), expected);
    };
    check(0, "0 s");
    check(8, "8 s");
    check(95, "1 m 35 s");
    check(725, "12 m");
    check(6720, "1 h 52 m");
    check(7200, "2 h");
    check(86_400 * 3 + 60, "3 d");
    check(-8, "8 s");
}
