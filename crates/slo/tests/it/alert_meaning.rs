//! What alerts mean, against numbers worked out by hand and those of the workbook.

use bellwether_slo::{ExplainedAlert, alert_meanings};

use crate::world::slos;

fn meanings(goal: &str, window: &str, alerts: &str) -> Vec<ExplainedAlert> {
    let yaml = format!(
        "slos: [{{name: a, goal: {goal}, window: {window}, indicator: {{ratio: {{bad: e, total: t}}}}{alerts}}}]"
    );
    alert_meanings(&slos(&yaml)[0])
}

/// `noticed after, budget spent in per cent, over after` for all bad, a tenth, a hundredth.
fn shown(meaning: &ExplainedAlert) -> Vec<String> {
    let noticed = |trouble: &bellwether_slo::Trouble| match trouble.noticed {
        None => "never".to_owned(),
        Some(noticed) => format!(
            "{} {:.2} {}",
            noticed.after,
            noticed.budget_spent_ratio * 100.0,
            noticed.over_after.map_or("-".to_owned(), |over| over.to_string())
        ),
    };
    meaning.troubles.iter().map(noticed).collect()
}

#[test]
fn the_workbook_s_pairs_notice_an_outage_when_the_workbook_says() {
    let all = meanings("99.9%", "30d", "");
    let names: Vec<&str> = all.iter().map(|meaning| meaning.name.as_str()).collect();
    assert_eq!(names, ["fast-burn", "steady-burn", "slow-burn", "drip-burn"]);
    assert_eq!(all[0].condition, "burn rate above 14.4 over 1h and 5m");
    // All bad is a burn rate of 1000: 14.4 / 1000 of an hour are 51.84 s. A hundredth is 10, below 14.4.
    assert_eq!(shown(&all[0]), ["51s840ms 2.00 4m55s680ms", "8m38s400ms 2.00 4m16s800ms", "never"]);
    // 6 / 1000 of six hours are 129.6 s; 6 / 10 of them 3.6 h, and the half hour clears after 0.4 of it.
    assert_eq!(shown(&all[1]), ["2m9s600ms 5.00 29m49s200ms", "21m36s 5.00 28m12s", "3h36m 5.00 12m"]);
    // 1 / 1000, 1 / 100 and 1 / 10 of three days.
    assert_eq!(
        shown(&all[3]),
        ["4m19s200ms 10.00 5h59m38s400ms", "43m12s 10.00 5h56m24s", "7h12m 10.00 5h24m"]
    );
    assert_eq!(all[2].quieted_by, ["fast-burn", "steady-burn"]);
    assert_eq!(all[1].quieted_by, ["fast-burn"]);
}

#[test]
fn a_pair_of_one_window_and_a_low_goal() {
    // The workshop's: 1.5 times over five minutes with a goal of 90 %. All bad is 10, a tenth is 1.
    let all = meanings("90%", "28d", ", alerts: [{name: own, long: 5m, factor: 1.5}]");
    assert_eq!(shown(&all[0]), ["45s 0.02 4m15s", "never", "never"]);
}

#[test]
fn a_budget_alert_notices_when_its_share_is_spent() {
    let alerts = ", alerts: [{name: low, budget_left_below: 20%}, {name: gone, budget_left_below: 0%}]";
    let all = meanings("99%", "30d", alerts);
    // A burn rate of 100 spends four fifths in 0.8 / 100 of 30 days, and everything in 1 / 100.
    assert_eq!(shown(&all[0]), ["5h45m36s 80.00 -", "2d9h36m 80.00 -", "24d 80.00 -"]);
    // A burn rate of exactly 1 spends everything and never more than that.
    assert_eq!(shown(&all[1]), ["7h12m 100.00 -", "3d 100.00 -", "never"]);
    assert_eq!(all[0].condition, "less than 20% of the budget is left");
}
