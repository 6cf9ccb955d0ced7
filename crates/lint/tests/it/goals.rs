//! Goals are found wherever people state them.

use bellwether_lint::{Setup, spoken};

fn check(name: &str, text: &str, expected: &[&str]) {
    let setup = Setup::read([(name, text)]);
    let found: Vec<String> = setup
        .goals
        .iter()
        .map(|goal| {
            let line = setup.sources.position(goal.span).line;
            let window = goal.window.map_or_else(|| "?".to_owned(), spoken);
            let threshold =
                goal.threshold.map(|(time, _)| format!(" in {}", spoken(time))).unwrap_or_default();
            let calendar = if goal.is_calendar { " of the calendar" } else { "" };
            let of = goal.name.as_deref().unwrap_or("-");
            format!("{line}: {of} {} of {window}{calendar}{threshold}", goal.text())
        })
        .collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn goals_of_sentences_lists_tables_fields_and_json() {
    let cases: [(&str, &[&str]); 8] = [
        (
            "- **Login SLO**: **99.5%** of logins over a rolling 28-day period succeed.\n",
            &["1: Login SLO 99.5 % of 28 d"],
        ),
        (
            "- **SLO**: **95%** of requests take under **150ms** over a 28-day rolling window.\n",
            &["1: - 95 % of 28 d in 150 ms"],
        ),
        (
            "- Search:\n  - Metric: search_total\n  - Target: p99 latency of **2 seconds**\n  - Time Window: 7-day rolling\n",
            &["3: Search 99 % of 7 d in 2 s"],
        ),
        (
            "| SLO | Target | Window |\n|---|---|---|\n| Reads | 99.9% | 30 days rolling |\n",
            &["3: Reads 99.9 % of 30 d"],
        ),
        ("| SLO | Target |\n|---|---|\n| Error rate | < 1% |\n", &["3: Error rate 99 % of ?"]),
        (
            "```yaml\nslo_name: Reads\ntarget: 99.95%\nmeasurement_period: 30d (rolling)\n```\n",
            &["3: Reads 99.95 % of 30 d"],
        ),
        (
            "```sh\nB='{\"displayName\": \"Reads\", \"goal\": 0.8, \"calendarPeriod\": \"DAY\"}'\n```\n",
            &["2: Reads 80 % of 24 h of the calendar"],
        ),
        // None of them is a goal.
        (
            "CPU is at 95% of its limit.\nAbout 60% of users over 30 days return.\nThe CEO wants 100% over 30 days as SLO.\n",
            &[],
        ),
    ];
    cases.iter().for_each(|(text, expected)| check("setup.md", text, expected));
    bellwether_testkit::cases::ran("lint/goals", cases.len() as u64);
}
