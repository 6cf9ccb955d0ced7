//! What arithmetic says of alerts before they run: slices that no window holds, budgets that one slice overspends.

use bellwether_slo::examine;

use crate::world::slos;

/// What `check` says of an objective with this goal and period that counts slices of five minutes.
fn check(goal: &str, window: &str, alerts: &str, expected: &[&str]) {
    let yaml = format!(
        "slos: [{{name: a, goal: {goal}, window: {window}, budgeting: {{timeslices: {{slice: 5m, target: 99%}}}}, \
         indicator: {{ratio: {{bad: e, total: t}}}}, alerts: [{alerts}]}}]"
    );
    let said: Vec<String> = examine(&slos(&yaml)[0])
        .into_iter()
        .map(|d| format!("{} {}", d.message, d.help.unwrap_or_default()))
        .collect();
    assert_eq!(said, expected, "{alerts}");
}

#[test]
fn a_window_shorter_than_a_slice_never_fires() {
    check("90%", "30d", "{name: b, long: 1h, short: 5m, factor: 2}", &[]);
    check(
        "90%",
        "30d",
        "{name: b, long: 1h, short: 4m, factor: 2}",
        &[
            "alert \"b\" of \"a\" can never fire: its window of 4m is shorter than a slice of 5m write windows of at least 5m, \
           or a shorter slice",
        ],
    );
}

#[test]
fn a_budget_of_a_few_slices_may_be_gone_with_the_first() {
    // An hour has twelve slices; 90 % allow 1.2 of them. The first leaves a sixth, less than 20 %: in time.
    check("90%", "1h", "{name: b, budget_left_below: 20%}", &[]);
    // The first leaves more than 10 %; the second overspends.
    check(
        "90%",
        "1h",
        "{name: b, budget_left_below: 10%}",
        &[
            "alert \"b\" of \"a\" fires after the budget is gone: a goal of 90% allows 1.2 of 12 slices to be bad, and it fires \
           with bad slice number 2 write a larger share, shorter slices, or 0% for an alert on exhaustion",
        ],
    );
    check("90%", "1h", "{name: b, budget_left_below: 0%}", &[]);
    // 99 % of an hour allow 0.12 slices: no alert is in time.
    check(
        "99%",
        "1h",
        "{name: b, budget_left_below: 90%}",
        &[
            "alert \"b\" of \"a\" fires after the budget is gone: a goal of 99% allows 0.12 of 12 slices to be bad, and it fires \
           with bad slice number 1 write a larger share, shorter slices, or 0% for an alert on exhaustion",
        ],
    );
}

#[test]
fn labels_for_a_severity_that_no_alert_has_are_doubted() {
    let yaml = "slos: [{name: a, goal: 99%, window: 30d, indicator: {ratio: {bad: e, total: t}}, \
                alert_labels: {pgae: {key: x}}}]";
    let said: Vec<String> = examine(&slos(yaml)[0]).into_iter().map(|d| d.message).collect();
    assert_eq!(said, ["no alert of \"a\" has severity \"pgae\""]);
}
