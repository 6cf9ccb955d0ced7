//! What burn-rate alerts mean, whatever they are written as.

use bellwether_lint::{Setup, meanings};

/// `ALERTS: goal over period: condition: notice at 100 %, 10 %, 1 %`.
fn meant(text: &str) -> Vec<String> {
    let shown = |meaning: &bellwether_lint::Meaning| {
        let noticed: Vec<String> = meaning
            .explained
            .troubles
            .iter()
            .map(|trouble| trouble.noticed.map_or("never".into(), |noticed| noticed.after.to_string()))
            .collect();
        let alerts: Vec<&str> = meaning.alerts.iter().map(String::as_str).collect();
        let assumed = if meaning.is_period_assumed { "?" } else { "" };
        format!(
            "{}: {} over {}{assumed}: {}: {}",
            alerts.join(" "),
            meaning.goal,
            meaning.period,
            meaning.explained.condition,
            noticed.join(", ")
        )
    };
    meanings(&Setup::read([("rules.yml", text)])).iter().map(shown).collect()
}

fn rules(alerts: &[(&str, &str)]) -> String {
    let rules = alerts.iter().map(|(name, expr)| format!("  - alert: {name}\n    expr: {expr}\n"));
    format!("groups:\n- name: g\n  rules:\n{}", rules.collect::<String>())
}

#[test]
fn a_pair_of_windows_is_recognised_and_its_detection_time_computed() {
    let pair = "a:errors:ratio_rate1h > (14.4 * 0.001) and a:errors:ratio_rate5m > (14.4 * 0.001)";
    let other = pair.replace("a:", "b:");
    assert_eq!(
        meant(&rules(&[("Fast", pair), ("Other", &other)])),
        [
            "Fast Other: 99.9% over rolling 30d?: burn rate above 14.4 over 1h and 5m: 51s840ms, 8m38s400ms, never"
        ]
    );
}

#[test]
fn an_alert_that_cannot_fire_says_so() {
    let never = "a:errors:ratio_rate1h > (14.4 * 0.1) and a:errors:ratio_rate5m > (14.4 * 0.1)";
    let text = rules(&[("Never", never)]);
    let all = meanings(&Setup::read([("rules.yml", text.as_str())]));
    assert_eq!(all[0].explained.verdict, bellwether_slo::Verdict::CannotFire);
    assert!(all[0].explained.arithmetic.contains("14.4"), "{}", all[0].explained.arithmetic);
}

#[test]
fn what_is_no_burn_rate_has_no_meaning_here() {
    assert_eq!(meant(&rules(&[("Down", "up == 0"), ("Errors", "rate(errors_total[5m]) > 1")])), [""; 0]);
}
