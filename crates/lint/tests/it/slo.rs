//! Objectives, budgets and burn-rate alerts: what is found, and what is right and passes.

use bellwether_lint::{Setup, lint};

const IDS: [&str; 12] = [
    "budget-arithmetic",
    "burn-unreachable",
    "exhaust-arithmetic",
    "fires-after-exhausted",
    "goal-window-mismatch",
    "good-bad-not-complement",
    "no-burn-rate",
    "objective-100",
    "selector-drift",
    "sli-not-ratio",
    "threshold-not-bucket",
    "window-pair",
];

/// `line id` of everything found in a file by the checks of this area.
fn found(name: &str, text: &str) -> Vec<String> {
    let setup = Setup::read([(name, text)]);
    let findings = lint(&setup).into_iter().filter(|finding| IDS.contains(&finding.problem.id));
    findings
        .map(|finding| {
            format!("{} {}", setup.sources.position(finding.problem.span.unwrap()).line, finding.problem.id)
        })
        .collect()
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(found("setup.md", text), expected, "{text}");
}

fn pair(short: &str, long: &str, factor: &str) -> String {
    let ratio = |window: &str| format!("sum(rate(e_total[{window}])) / sum(rate(r_total[{window}]))");
    format!(
        "- alert: A\n  expr: |\n    {} > {factor}\n    and\n    {} > {factor}\n",
        ratio(short),
        ratio(long)
    )
}

#[test]
fn pairs_of_the_usual_table_are_right() {
    let pairs = [
        ("5m", "1h", "14.4 * 0.001"),
        ("30m", "6h", "6 * 0.001"),
        ("2h", "1d", "3 * 0.001"),
        ("6h", "3d", "1 * 0.001"),
    ];
    for (short, long, factor) in pairs {
        assert_eq!(found("rules.yml", &pair(short, long, factor)), [""; 0], "{short} {long} {factor}");
    }
    // Of a 90 % goal a factor of 14.4 is out of reach, and of 30 days 6 times 7 days is more than there is.
    assert_eq!(found("rules.yml", &pair("5m", "1h", "14.4 * 0.1")), ["3 burn-unreachable"]);
    assert_eq!(found("rules.yml", &pair("14h", "7d", "6 * 0.001")), ["5 fires-after-exhausted"]);
    assert_eq!(found("rules.yml", &pair("1h", "6h", "6 * 0.001")), ["3 window-pair"]);
    assert_eq!(found("rules.yml", &pair("1m", "6h", "6 * 0.001")), ["3 window-pair"]);
    bellwether_testkit::cases::ran("lint/slo-pairs", pairs.len() as u64 + 4);
}

#[test]
fn budgets_in_tables_fields_and_sentences() {
    let cases: &[(&str, &[&str])] = &[
        (
            "| SLO | Target | Monthly budget | Daily budget |\n|---|---|---|---|\n| A | 99.9% | 43.2 minutes | 1.44 minutes |\n\
             | B | 99.5% | 3.6 hours | 72 minutes |\n",
            &["4 budget-arithmetic"],
        ),
        (
            "| Availability | Downtime per year | Downtime per month |\n|---|---|---|\n| 99.99% | 52.6 minutes | 4.38 minutes |\n",
            &[],
        ),
        (
            "| Availability | Downtime per year |\n|---|---|\n| 99.99% | 5.26 minutes |\n",
            &["3 budget-arithmetic"],
        ),
        ("```yaml\nslo_name: A\ntarget: 99.9%\nerror_budget: 0.1% (43.2 minutes/month)\n```\n", &[]),
        (
            "```yaml\nslo_name: A\ntarget: 99.9%\nerror_budget: 1% (43.2 minutes/month)\n```\n",
            &["4 budget-arithmetic"],
        ),
        ("A 99% goal leaves an error budget of 7.3 hours per month.\n", &[]),
        ("A 99% goal leaves an error budget of 43 minutes per month.\n", &["1 budget-arithmetic"]),
        ("```promql\n1 - (sum(rate(e_total[1d])) / sum(rate(r_total[1d]))) / 0.001\n```\n", &[]),
        ("```promql\n100 * (1 - (sum(rate(e_total[1d])) / sum(rate(r_total[1d]))) / 0.001)\n```\n", &[]),
        (
            "```promql\n1 - (sum(rate(e_total[1d])) / sum(rate(r_total[1d]))) * 100 / 0.001\n```\n",
            &["2 budget-arithmetic"],
        ),
        ("```\nError rate dropped from 5% -> 0.5%\nburn rate: 10x -> 1x\n```\n", &[]),
        ("```\nError rate dropped from 5% -> 0.5%\nburn rate: 10x -> 5x\n```\n", &["3 budget-arithmetic"]),
    ];
    cases.iter().for_each(|(text, expected)| check(text, expected));
    bellwether_testkit::cases::ran("lint/slo-budgets", cases.len() as u64);
}

#[test]
fn times_until_a_budget_is_gone() {
    let rule = |goal: &str, said: &str| {
        format!(
            "- **A SLO**: 99.9% over a rolling {goal} window\n\n```yaml\n- alert: A\n  expr: a:burn_rate:5m > 14.4 and \
             a:burn_rate:1h > 14.4\n  annotations:\n    description: The budget will be exhausted {said}.\n```\n"
        )
    };
    let cases = [
        ("30-day", "in ~2 hours", true),
        ("30-day", "in about 50 hours", false),
        ("30-day", "within 1 day", true),
        ("30-day", "in less than 3 days", false),
        ("7-day", "in ~12 hours", false),
    ];
    for (goal, said, is_wrong) in cases {
        let text = rule(goal, said);
        let is_found = found("a.md", &text).iter().any(|found| found == "7 exhaust-arithmetic");
        assert_eq!(is_found, is_wrong, "{text}");
    }
    let table = |cell: &str| format!("| Burn rate | Time to exhaust |\n|---|---|\n| 14.4x | {cell} |\n");
    check(&table("50 hours"), &[]);
    check(&table("2 hours"), &["3 exhaust-arithmetic"]);
    bellwether_testkit::cases::ran("lint/slo-exhausted", cases.len() as u64 + 2);
}

#[test]
fn objectives_of_all_and_periods_that_differ() {
    let cases: &[(&str, &[&str])] = &[
        ("| SLO | Target |\n|---|---|\n| A | 100% |\n", &["3 objective-100"]),
        ("- SLO: 100% of logins over a rolling 30-day window\n", &["1 objective-100"]),
        ("People expect 100% uptime, which is no goal.\n", &[]),
        (
            "- **A SLO**: 99% over a rolling 30-day window\n- The error budget resets on the 1st of each month.\n",
            &["2 goal-window-mismatch"],
        ),
        ("- The error budget resets on the 1st of each month.\n", &[]),
        (
            "- Search rate:\n  - Target: 80% of searches find something\n  - Time window: 24-hour rolling\n\n```json\n\
             {\"displayName\": \"Search rate\", \"goal\": 0.8, \"calendarPeriod\": \"DAY\"}\n```\n",
            &["6 goal-window-mismatch"],
        ),
        (
            "- Search rate:\n  - Target: 80% of searches find something\n  - Time window: 24-hour rolling\n\n```json\n\
             {\"displayName\": \"Search rate\", \"goal\": 0.8, \"rollingPeriod\": \"86400s\"}\n```\n",
            &[],
        ),
    ];
    cases.iter().for_each(|(text, expected)| check(text, expected));
    bellwether_testkit::cases::ran("lint/slo-periods", cases.len() as u64);
}

#[test]
fn an_objective_of_another_dialect_of_all() {
    let text = "version: prometheus/v1\nservice: shop\nslos:\n- name: reads\n  objective: 100\n  sli:\n    events:\n      error_query: \
                sum(rate(e_total[{{.window}}]))\n      total_query: sum(rate(r_total[{{.window}}]))\n  alerting: {name: A}\n";
    assert_eq!(found("slo.yml", text), ["5 objective-100"]);
    let setup = Setup::read([("slo.yml", text)]);
    let others: Vec<_> =
        lint(&setup).into_iter().filter(|finding| finding.problem.id == "invalid-value").collect();
    assert!(others.is_empty(), "{others:?}");
    assert_eq!(found("slo.yml", &text.replace("100", "99.9")), [""; 0]);
}

#[test]
fn two_names_for_one_metric() {
    let query = |name: &str| {
        format!("```promql\nsum(rate({name}{{status=~\"2..\"}}[5m])) / sum(rate({name}[5m]))\n```\n\n")
    };
    let text = query("http_server_requests_total")
        + &query("http_server_requests_total")
        + &query("http_requests_total");
    check(&text, &["10 selector-drift"]);
    check(&(query("http_requests_total") + &query("http_errors_total")), &[]);
}

#[test]
fn what_generators_record_is_held_together() {
    let labels = "labels: {sloth_slo: a, sloth_service: s}";
    let rules = |budget: &str, days: &str| {
        format!(
            "groups:\n- name: g\n  rules:\n  - record: slo:objective:ratio\n    expr: vector(0.999)\n    {labels}\n  - record: \
             slo:error_budget:ratio\n    expr: vector({budget})\n    {labels}\n  - record: slo:time_period:days\n    expr: \
             vector({days})\n    {labels}\n  - alert: A\n    expr: (slo:sli_error:ratio_rate5m{{sloth_slo=\"a\"}} > (14.4 * \
             0.001)) and (slo:sli_error:ratio_rate1h{{sloth_slo=\"a\"}} > (14.4 * 0.001))\n    {labels}\n"
        )
    };
    assert_eq!(found("rules.yml", &rules("1-0.999", "30")), [""; 0]);
    assert_eq!(found("rules.yml", &rules("1-0.99", "30")), ["8 budget-arithmetic"]);
    assert_eq!(found("rules.yml", &rules("1-0.999", "7")), ["14 goal-window-mismatch"]);
    let other = rules("1-0.999", "30").replace("(14.4 * 0.001)", "(14.4 * 0.01)");
    assert_eq!(found("rules.yml", &other), ["14 goal-window-mismatch"]);
}

#[test]
fn indicators_of_other_dialects_that_count_no_events() {
    let spec = |query: &str| {
        format!(
            "version: prometheus/v1\nservice: shop\nslos:\n- name: a\n  objective: 99\n  sli:\n    raw:\n      error_ratio_query: \
             {query}\n  alerting: {{name: A}}\n"
        )
    };
    let good = "sum(rate(e_total[{{.window}}])) / sum(rate(r_total[{{.window}}]))";
    assert_eq!(found("slo.yml", &spec(good)), [""; 0]);
    assert_eq!(found("slo.yml", &spec(&format!("{good} > 0.1"))), ["8 sli-not-ratio"]);
    let quantile = "histogram_quantile(0.9, sum by (le) (rate(x_bucket[{{.window}}])))";
    assert_eq!(found("slo.yml", &spec(quantile)), ["8 sli-not-ratio"]);
}

#[test]
fn all_events_of_another_job_than_the_counted_ones() {
    let spec = |job: &str| {
        format!(
            "version: prometheus/v1\nservice: shop\nslos:\n- name: a\n  objective: 99\n  sli:\n    events:\n      error_query: \
             sum(rate(r_total{{job=\"a\",code=~\"5..\"}}[{{{{.window}}}}]))\n      total_query: \
             sum(rate(r_total{{job=\"{job}\"}}[{{{{.window}}}}]))\n  alerting: {{name: A}}\n"
        )
    };
    assert_eq!(found("slo.yml", &spec("a")), [""; 0]);
    assert_eq!(found("slo.yml", &spec("b")), ["9 selector-drift"]);
}
