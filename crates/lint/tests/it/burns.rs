//! Burn-rate alerts are recognised in every shape they are written in, and nothing else is taken for one.

use bellwether_lint::{Setup, short_number, spoken};

fn burns(expr: &str) -> String {
    let text = format!("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: '{expr}'\n");
    let setup = Setup::read([("rules.yml", text)]);
    assert_eq!(setup.rules.len(), 1, "{expr}");
    let tiers = setup.burns.iter().flat_map(|burn| &burn.tiers).map(|tier| {
        let terms = tier.terms.iter().map(|term| {
            let budget =
                term.budget.map(|budget| format!(" of {}", short_number(budget))).unwrap_or_default();
            let window = term.window.map_or_else(|| "?".to_owned(), spoken);
            format!("{}{budget} in {window}", short_number(term.factor))
        });
        terms.collect::<Vec<_>>().join(" and ")
    });
    tiers.collect::<Vec<_>>().join(" or ")
}

#[test]
fn shapes() {
    let ratio = |window: &str| format!("sum(rate(e[{window}])) / sum(rate(t[{window}]))");
    let (hour, six) = (ratio("1h"), ratio("6h"));
    let cases = [
        (format!("({hour}) / 0.01 > 14.4"), "14.4 of 0.01 in 1 h"),
        (format!("({hour}) / (1 - 0.999) > 14.4"), "14.4 of 0.001 in 1 h"),
        (format!("{hour} > 14.4 * 0.001"), "14.4 of 0.001 in 1 h"),
        (format!("(14.4 * (1 - 0.99)) < ({hour})"), "14.4 of 0.01 in 1 h"),
        (format!("(1 - {hour}) > (0.01 * 6)"), "6 of 0.01 in 1 h"),
        (format!("{six} > (6*0.001) and {hour} > (6*0.001)"), "6 of 0.001 in 1 h and 6 of 0.001 in 6 h"),
        ("a:burn_rate:1h > 14.4 and a:burn_rate:5m > 14.4".into(), "14.4 in 5 min and 14.4 in 1 h"),
        ("a:burnrate1h{x=\"y\"} > (14 * (1-0.95))".into(), "14 of 0.05 in 1 h"),
        ("sum by (c) (a:burnrate1d) > (3.00 * 0.01000)".into(), "3 of 0.01 in 24 h"),
        (
            "max(s:sli_error:ratio_rate5m > (14.4 * 0.001)) without (w) or max(s:sli_error:ratio_rate30m > (6 * 0.001))"
                .into(),
            "14.4 of 0.001 in 5 min or 6 of 0.001 in 30 min",
        ),
        // A threshold of its own, a value that is no share, a budget that is left.
        (format!("{hour} > 0.05"), ""),
        ("sum(rate(t[5m])) / 1000 > 14".into(), ""),
        ("a:budget_remaining < 0.1".into(), ""),
        ("histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m]))) > 2 * 0.25".into(), ""),
    ];
    for (expr, expected) in &cases {
        assert_eq!(burns(expr), *expected, "{expr}");
    }
    bellwether_testkit::cases::ran("lint/burns", cases.len() as u64);
}

#[test]
fn a_tier_belongs_to_the_goal_whose_budget_it_states() {
    let text = "## SLOs\n\n- **Reads SLO**: 99.9% over a rolling 30-day window\n- **Errors SLO**: 99% over a rolling 7-day \
                window\n\n```yaml\n- alert: A\n  expr: sum(rate(e[1h])) / sum(rate(t[1h])) > 14.4 * 0.01\n```\n";
    let setup = Setup::read([("a.md", text)]);
    let burn = &setup.burns[0];
    let goal = setup.goal_of(burn, &burn.tiers[0]).unwrap();
    assert_eq!(goal.name.as_deref(), Some("Errors SLO"));
}
