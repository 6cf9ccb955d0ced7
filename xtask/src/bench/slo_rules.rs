//! Recording and alerting rules for availability objectives in the shape in which Sloth writes them: a ratio for each
//! window, the period's from the shortest one, what follows from both, and two alerts of two window pairs each.

use std::fmt::Write as _;

use super::exporter::SERVICES;

const WINDOWS: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];
/// Share of failed requests that the objectives allow.
const BUDGET: &str = "0.001";
/// Time between two evaluations.
pub const EVERY_S: u64 = 30;

/// The name of the series that holds the ratio of the shortest window.
pub const RATIO_5M: &str = "slo:sli_error:ratio_rate5m";

/// Rules for the first so many services.
pub fn rule_file(services: usize) -> String {
    let mut out = String::from("groups:\n");
    for service in 0..services.min(SERVICES) {
        let _ = writeln!(out, "  - name: slo-{service}\n    interval: {EVERY_S}s\n    rules:");
        for window in WINDOWS {
            let counted =
                |more: &str| format!("sum(rate(requests_total{{service=\"s{service}\"{more}}}[{window}]))");
            let ratio = format!("{} / {}", counted(",code=~\"5..\""), counted(""));
            record(&mut out, &format!("slo:sli_error:ratio_rate{window}"), &ratio, service);
        }
        let own = |name: &str| format!("{name}{{sloth_slo=\"s{service}\"}}");
        let short = own(RATIO_5M);
        let period = format!("sum_over_time({short}[30d]) / count_over_time({short}[30d])");
        record(&mut out, "slo:sli_error:ratio_rate30d", &period, service);
        record(&mut out, "slo:objective:ratio", "vector(0.999)", service);
        record(&mut out, "slo:error_budget:ratio", &format!("vector({BUDGET})"), service);
        record(&mut out, "slo:time_period:days", "vector(30)", service);
        let budget = own("slo:error_budget:ratio");
        record(&mut out, "slo:current_burn_rate:ratio", &format!("{short} / {budget}"), service);
        let period = own("slo:sli_error:ratio_rate30d");
        record(&mut out, "slo:period_burn_rate:ratio", &format!("{period} / {budget}"), service);
        let left = format!("1 - {}", own("slo:period_burn_rate:ratio"));
        record(&mut out, "slo:period_error_budget_remaining:ratio", &left, service);
        let burns = |long: &str, short: &str, factor: &str| {
            let above = |window: &str| {
                format!("max({} > ({factor} * {BUDGET}))", own(&format!("slo:sli_error:ratio_rate{window}")))
            };
            format!("({} and {})", above(short), above(long))
        };
        let page = format!("{} or {}", burns("1h", "5m", "14.4"), burns("6h", "30m", "6"));
        let ticket = format!("{} or {}", burns("1d", "2h", "3"), burns("3d", "6h", "1"));
        for (severity, expr) in [("page", page), ("ticket", ticket)] {
            let _ = writeln!(
                out,
                "      - alert: BurnsBudget\n        expr: '{expr}'\n        labels: {{severity: {severity}, slo: s{service}}}"
            );
        }
    }
    out
}

fn record(out: &mut String, name: &str, expr: &str, service: usize) {
    let _ = writeln!(
        out,
        "      - record: {name}\n        expr: '{expr}'\n        labels: {{sloth_slo: s{service}}}"
    );
}

/// The same objectives for Bellwether: all default alerts are those two pairs of pairs.
pub fn objectives(services: usize) -> String {
    let mut out = String::from("slos:\n");
    for service in 0..services.min(SERVICES) {
        let _ = writeln!(
            out,
            "  - name: s{service}\n    goal: '99.9%'\n    window: 30d\n    indicator:\n      ratio:\n        \
             bad: 'requests_total{{service=\"s{service}\",code=~\"5..\"}}'\n        \
             total: 'requests_total{{service=\"s{service}\"}}'"
        );
    }
    out
}
