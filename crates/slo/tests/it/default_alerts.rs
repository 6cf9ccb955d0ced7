//! The workbook's pairs for every length of period: the share of the budget stays, whatever else does.

use bellwether_model::TimeDelta;
use bellwether_slo::{Goal, Period, default_alerts, fit_to_scrape};

use crate::world::slos;

/// `long/short factor` of each pair for a period as our dialect writes it, with a goal that allows any factor.
fn check(window: &str, scrape_s: i64, expected: &[&str]) {
    let yaml = format!(
        "slos: [{{name: a, goal: 99.99%, window: {window}, indicator: {{ratio: {{bad: e, total: t}}}}}}]"
    );
    let period = slos(&yaml)[0].period.clone();
    let found = default_alerts(Goal::parse("99.99%").unwrap(), &period, TimeDelta::from_secs(scrape_s));
    let shown: Vec<String> = found
        .alerts
        .iter()
        .map(|a| {
            let short = a.short.map_or("-".to_owned(), |short| short.to_string());
            format!("{}/{short} {:.4}", a.long, a.factor.as_f64())
        })
        .collect();
    assert_eq!(shown, expected, "{window} at {scrape_s} s");
    assert_eq!(found.notes, [""; 0]);
    // Share of the budget spent when a pair fires: factor x long / period.
    for (alert, share) in found.alerts.iter().zip([0.02, 0.05, 0.10, 0.10]) {
        let spent = alert.factor.as_f64() * alert.long.0 as f64 / period.length().0 as f64;
        assert!((spent - share).abs() < 1e-12, "{window}: {} spends {spent}", alert.name);
        let least = TimeDelta(4 * scrape_s * 1000);
        assert!(alert.long >= least && alert.short.is_none_or(|short| short >= least), "{alert:?}");
    }
}

#[test]
fn the_share_of_the_budget_stays_for_every_period() {
    check("30d", 15, &["1h/5m 14.4000", "6h/30m 6.0000", "1d/2h 3.0000", "3d/6h 1.0000"]);
    check("28d", 15, &["1h/5m 13.4400", "6h/30m 5.6000", "1d/2h 2.8000", "3d/6h 0.9333"]);
    check("90d", 15, &["1h/5m 43.2000", "6h/30m 18.0000", "1d/2h 9.0000", "3d/6h 3.0000"]);
    check("7d", 15, &["1h/5m 3.3600", "6h/30m 1.4000", "1d/2h 0.7000", "3d/6h 0.2333"]);
    // A month is a twelfth of 365 days: 730 hours.
    check("{calendar: month}", 15, &["1h/5m 14.6000", "6h/30m 6.0833", "1d/2h 3.0417", "3d/6h 1.0139"]);
    check("24h", 15, &["2m/1m 14.4000", "12m/1m 6.0000", "48m/4m 3.0000", "2h24m/12m 1.0000"]);
    // 5, 30, 120 and 360 s, none below a minute: the first two are a minute long, without a shorter one.
    check("1h", 15, &["1m/- 1.2000", "1m/- 3.0000", "2m/1m 3.0000", "6m/1m 1.0000"]);
}

#[test]
fn windows_hold_four_scrapes_however_far_apart_and_a_minute() {
    check("24h", 60, &["4m/- 7.2000", "12m/4m 6.0000", "48m/4m 3.0000", "2h24m/12m 1.0000"]);
    check("24h", 1, &["2m/1m 14.4000", "12m/1m 6.0000", "48m/4m 3.0000", "2h24m/12m 1.0000"]);
}

#[test]
fn an_objective_s_default_alerts_follow_the_scrape_interval_and_its_own_do_not() {
    let yaml = "slos: [{name: a, goal: 99.9%, window: 1d, min_bad_events: 7, indicator: {ratio: {bad: e, total: t}}, \
                alerts: [default, {name: own, long: 1m, factor: 2}]}]";
    let slo = fit_to_scrape((*slos(yaml)[0]).clone(), TimeDelta::from_secs(60));
    let shown: Vec<String> =
        slo.alerts.iter().map(|a| format!("{} {} {}", a.name, a.long, a.min_bad_events)).collect();
    assert_eq!(
        shown,
        ["fast-burn 4m 7", "steady-burn 12m 7", "slow-burn 48m 7", "drip-burn 2h24m 7", "own 1m 7"]
    );
    assert!(matches!(slo.period, Period::Rolling(_)));
}
